"""The browser that the tests drive."""

import os
import shutil
from pathlib import Path

from portal.embedded import apt

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
# Playwright's own driver does not start without libatomic1, and nothing says so when it is missing.
_LIBRARY = "libatomic1"


def find() -> str | None:
    """A Chromium on this machine: `CHROMIUM_PATH` if it is set, else by name."""
    named = os.environ.get("CHROMIUM_PATH")
    candidates = [named] if named else [shutil.which(name) or "" for name in _NAMES] + [_MAC]
    return next((path for path in candidates if path and os.access(path, os.X_OK)), None)


def prepare(log: Path) -> str | None:
    """A Chromium with what Playwright needs, installed where we may; None when there is and will be none."""
    found = find()
    missing = [*([] if found else ["chromium"]), *([] if _has_library() else [_LIBRARY])]
    if not shutil.which("openssl"):
        missing.append("openssl")  # makes the certificate of the encrypted mail server in the tests
    if missing and not apt.install(missing, log):
        # A machine that is no Debian may have the library under a path we do not know: let the tests try.
        return found
    return find()


def advice() -> str:
    """What a person would type, or do, to have it."""
    return apt.advice(["chromium", _LIBRARY])


def _has_library() -> bool:
    folders = [Path("/usr/lib"), Path("/lib"), Path("/usr/lib64")]
    return any(next(folder.glob(pattern), None) for folder in folders for pattern in _LIBATOMIC)


_LIBATOMIC = ("libatomic.so.1", "*/libatomic.so.1")
