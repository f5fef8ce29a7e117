"""Faults that the person at the keyboard can mend, said in one sentence."""

import errno
from pathlib import Path


class Refusal(Exception):
    """What is wrong and what to do about it, in one sentence; shown without a traceback, exit code 1."""


_SENTENCES = {
    errno.ENOSPC: "The disk is full: free some space and start again",
    errno.EDQUOT: "Your disk quota is used up: free some space and start again",
    errno.EROFS: "This folder is read-only: copy the project to a folder that you can write to",
    errno.EACCES: "This belongs to somebody else: use your own copy of the project, or its owner's account",
    errno.EPERM: "This belongs to somebody else: use your own copy of the project, or its owner's account",
    errno.EMFILE: "Too many files are open: raise the limit with `ulimit -n 4096` and start again",
}


def explain(error: OSError) -> Refusal | None:
    """The sentence for a fault of the operating system, or None when it is not one that we know."""
    sentence = _SENTENCES.get(error.errno or 0)
    if sentence is None:
        return None
    return Refusal(f"{sentence} ({error.filename})." if error.filename else f"{sentence}.")


def last_lines(log: Path, count: int = 5) -> str:
    """The last non-empty lines of a log, indented to be read below a sentence; empty when there is no log."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20_000))
        lines = file.read().decode(errors="replace").splitlines()
    return "\n".join(f"    {line}" for line in [line for line in lines if line.strip()][-count:])
