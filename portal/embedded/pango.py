"""Pango, the system library that WeasyPrint draws text with and that no Python package brings."""

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from portal.embedded import apt

# What WeasyPrint opens by name; a machine may well have some of them and lack others.
_LIBRARIES = (
    "libgobject-2.0.so.0",
    "libpango-1.0.so.0",
    "libpangoft2-1.0.so.0",
    "libharfbuzz.so.0",
    "libharfbuzz-subset.so.0",
    "libfontconfig.so.1",
)
_PACKAGES = ["libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"]
_MAC_LIBRARIES = (
    "libgobject-2.0.dylib",
    "libpango-1.0.dylib",
    "libpangoft2-1.0.dylib",
    "libfontconfig.dylib",
)

# The documents bring their own fonts; for scripts that these lack, the machine's and those that came with Pango.
_FONTCONFIG = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>{unpacked}</dir>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""


@dataclass(frozen=True)
class Pango:
    """How Pango was come by, and the variables that a process needs to find it."""

    note: str
    found: bool = True
    variables: dict[str, str] = field(default_factory=dict)


def prepare(system: Path, root: Path, log: Path, *, may_install: bool = True) -> Pango:
    """Pango from this machine, else installed, else unpacked below `system`, else none: then PDFs are off."""
    if _loads({}):
        return Pango("from this machine")
    unpacked = _unpacked(system / "pango", root)
    if _loads(unpacked):
        return Pango("unpacked in var/system", variables=unpacked)
    if may_install:
        if apt.install(_PACKAGES, log) and _loads({}):
            return Pango("installed by apt")
        if apt.unpack(_PACKAGES, system / "pango", log):
            unpacked = _unpacked(system / "pango", root)
            if _loads(unpacked):
                return Pango("unpacked in var/system", variables=unpacked)
    return Pango(f"missing, PDFs are off; to have them: {advice()}", found=False, variables={"PORTAL_PDF": "off"})


def advice() -> str:
    """What a person would type, or do, to have Pango."""
    if sys.platform == "darwin":
        return "brew install pango"
    return apt.advice(_PACKAGES)


def _unpacked(folder: Path, root: Path) -> dict[str, str]:
    if not folder.exists():
        return {}
    settings = folder / "fonts.conf"
    fonts = {"unpacked": folder / "usr" / "share" / "fonts", "fonts": root / "static" / "fonts"}
    settings.write_text(_FONTCONFIG.format(**fonts, cache=folder / "font-cache"))
    libraries = sorted(str(path) for path in folder.glob("usr/lib/*-linux-*"))
    libraries += sorted(str(path) for path in folder.glob("lib/*-linux-*"))
    inherited = os.environ.get("LD_LIBRARY_PATH")
    paths = [*libraries, *([inherited] if inherited else [])]
    return {"LD_LIBRARY_PATH": ":".join(paths), "FONTCONFIG_FILE": str(settings)}


def _loads(variables: dict[str, str]) -> bool:
    """Whether a new process with these variables can open every library; nothing less proves it."""
    names = _MAC_LIBRARIES if sys.platform == "darwin" else _LIBRARIES
    script = f"import ctypes\nfor name in {names!r}: ctypes.CDLL(name)"
    command = [sys.executable, "-I", "-S", "-c", script]
    return subprocess.run(command, env=os.environ | variables, capture_output=True, check=False).returncode == 0
