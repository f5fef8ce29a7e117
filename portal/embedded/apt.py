"""System packages on Debian and its relatives: installed where we may, unpacked into a folder where not."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

_INSTALL_SECONDS = 600
# A package archive that does not answer is given up after seconds, not after minutes per file.
_WAITS = ("-o", "Acquire::http::Timeout=10", "-o", "Acquire::https::Timeout=10", "-o", "Acquire::Retries=0")
_OPTIONS = ("-y", "-q", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", *_WAITS)


def may_install() -> bool:
    """Whether packages can be installed without asking anybody: as root, or by sudo without a password."""
    return _privileges() is not None


def advice(packages: list[str]) -> str:
    """What a person would type, or do, to have these packages."""
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        return f"install what Debian calls {names}"
    if os.geteuid() == 0:
        return f"apt install {names}"
    return f"sudo apt install {names}" if shutil.which("sudo") else f"apt install {names}, as root"


def install(packages: list[str], log: Path) -> bool:
    """Installs packages; False when it may not or cannot (the log says why)."""
    prefix = _privileges()
    if prefix is None:
        return False
    command = [*prefix, "apt-get", "install", *_OPTIONS, *packages]
    if _succeeds(command, log):
        return True
    # A fresh machine or image comes without package lists, an old one with lists of files long gone.
    return _succeeds([*prefix, "apt-get", "update", "-q", *_WAITS], log) and _succeeds(command, log)


def unpack(packages: list[str], target: Path, log: Path) -> bool:
    """Downloads packages with what they need and this machine lacks, and unpacks all there; needs no root.

    False when that cannot be done; the folder then does not exist.
    """
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        return False
    draft = target.with_name(f"{target.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    (draft / "debs").mkdir(parents=True)
    names = _missing(packages, log)
    if not names or not _succeeds(["apt-get", "download", "-q", *_WAITS, *names], log, folder=draft / "debs"):
        shutil.rmtree(draft)
        return False
    for package in sorted((draft / "debs").glob("*.deb")):
        if not _succeeds(["dpkg-deb", "-x", str(package), str(draft)], log):
            shutil.rmtree(draft)
            return False
    shutil.rmtree(draft / "debs")
    shutil.rmtree(target, ignore_errors=True)
    draft.rename(target)
    return True


def _missing(packages: list[str], log: Path) -> list[str]:
    # A simulated installation works as any user and knows the names that this release uses.
    command = ["apt-get", "install", "-s", *_OPTIONS, *packages]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    with log.open("a") as file:
        file.write(done.stdout + done.stderr)
    return re.findall(r"^Inst (\S+)", done.stdout, re.MULTILINE) if done.returncode == 0 else []


def _privileges() -> list[str] | None:
    if shutil.which("apt-get") is None:
        return None
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    asked = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False)
    return ["sudo", "-n"] if asked.returncode == 0 else None


def _succeeds(command: list[str], log: Path, folder: Path | None = None) -> bool:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        # In a session of its own: Ctrl-C on the terminal would end dpkg in the middle of a package.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=folder,
            env=_environment(),
            start_new_session=True,
        )
        try:
            return process.wait(_INSTALL_SECONDS) == 0
        except subprocess.TimeoutExpired:
            file.write(f"{command[0]} did not end in {_INSTALL_SECONDS} seconds\n".encode())
            _end(process)
            return False
        except BaseException:
            _end(process)
            raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """Asks apt to stop, which it does between two packages, and waits for that; whoever asks again does not wait."""
    process.send_signal(signal.SIGINT)
    process.wait()


def _environment() -> dict[str, str]:
    return {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
