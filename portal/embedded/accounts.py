"""PostgreSQL refuses to run as root. Here is what it runs as when we do."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from portal.embedded.refusals import Refusal

_NOBODY = 65534
_NAMESPACE = ("unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}", "--")


class Identity(TypedDict, total=False):
    """Arguments of `subprocess` that switch the user."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True)
class Account:
    """How a server process is started: as ourselves, in a user namespace, or as another user.

    In a user namespace a root process sees itself as `nobody` while its files stay root's, so that
    folders that only root may enter work too, and nothing is chowned.
    """

    prefix: tuple[str, ...] = ()
    uid: int | None = None
    gid: int | None = None

    def identity(self) -> Identity:
        """The part of this account that goes into the arguments of `subprocess`; `prefix` is the other."""
        if self.uid is None or self.gid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def adopt(self, path: Path) -> None:
        """Gives a path and all in it to this account; else its processes could not write there."""
        if os.geteuid() != 0:
            return
        uid, gid = self.uid or 0, self.gid or 0
        if path.lstat().st_uid == uid:
            return
        for folder, names, files in os.walk(path):
            for name in names + files:
                os.chown(Path(folder) / name, uid, gid, follow_symlinks=False)
        os.chown(path, uid, gid, follow_symlinks=False)

    def can_run(self, binary: Path) -> bool:
        """Whether this account's processes can reach and run a program."""
        return self._succeeds([str(binary), "--version"])

    def can_enter(self, folder: Path) -> bool:
        """Whether this account's processes can go into a folder, all its parents included."""
        return self._succeeds(["test", "-x", str(folder)])

    def _succeeds(self, command: list[str]) -> bool:
        try:
            done = subprocess.run(
                [*self.prefix, *command], capture_output=True, check=False, cwd="/", **self.identity()
            )
        except OSError:
            return False
        return done.returncode == 0


def choose() -> Account:
    """The account for PostgreSQL on this machine.

    Raises Refusal when we are root, user namespaces are denied (a chroot, many containers) and there is no
    unprivileged user to switch to.
    """
    if os.geteuid() != 0:
        return Account()
    namespace = Account(prefix=_NAMESPACE)
    return namespace if namespace.can_enter(Path("/")) else other_user()


def other_user() -> Account:
    """The unprivileged user of this machine; `initdb` needs one with an entry in the user database."""
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        account = Account(uid=entry.pw_uid, gid=entry.pw_gid)
        if account.can_enter(Path("/")):
            return account
    raise Refusal(
        "PostgreSQL does not run as root and this machine has no user `postgres` or `nobody`: "
        "start as an ordinary user, or set DATABASE_URL to a server of yours."
    )
