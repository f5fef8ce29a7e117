"""Making a PostgreSQL cluster: its folder, its superuser, its password, its first database."""

import os
import secrets
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from portal.embedded.accounts import Account
from portal.embedded.postgres_binaries import Binaries
from portal.embedded.refusals import Refusal, last_lines

OWNER = "billing_user"
DATABASE = "billing"


@dataclass(frozen=True)
class Recipe:
    """What a cluster is made with. `synced` has it survive a crash of the machine from its first moment."""

    binaries: Binaries
    account: Account
    log: Path
    synced: bool


def create(home: Path, recipe: Recipe) -> None:
    """Makes `home/data` and `home/password`. Raises Refusal with the tool's last words when that fails."""
    # Made beside its place and renamed when it is whole: a killed first start leaves nothing half-made.
    draft = home / "data.new"
    shutil.rmtree(draft, ignore_errors=True)
    if recipe.account.uid is not None and recipe.account.gid is not None:
        os.chown(home, recipe.account.uid, recipe.account.gid)
    initdb = [str(recipe.binaries.initdb), "-D", str(draft), "-U", OWNER, "-E", "UTF8", "--locale=C.UTF-8"]
    initdb += ["-A", "scram-sha-256", f"--pwfile={_new_password(home, recipe.account)}"]
    single = [str(recipe.binaries.postgres), "--single", "-D", str(draft)]
    if not recipe.synced:
        initdb += ["--no-sync"]
        single += ["-c", "fsync=off"]
    with recipe.log.open("ab") as log:
        _run(initdb, recipe, log)
        _run([*single, "postgres"], recipe, log, f"CREATE DATABASE {DATABASE};\n")
    draft.rename(home / "data")


def environment() -> dict[str, str]:
    """What the server's programs see of ours: PGDATA, PGPORT or the language would change how they run."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _new_password(home: Path, account: Account) -> Path:
    password = home / "password"
    password.touch(mode=0o600)
    password.write_text(f"{secrets.token_urlsafe(24)}\n")
    account.adopt(password)
    return password


def _run(command: list[str], recipe: Recipe, log: IO[bytes], standard_input: str = "") -> None:
    done = subprocess.run(
        [*recipe.account.prefix, *command],
        input=standard_input.encode(),
        stdout=log,
        stderr=log,
        cwd="/",
        env=environment(),
        check=False,
        **recipe.account.identity(),
    )
    if done.returncode:
        raise Refusal(f"PostgreSQL could not be set up; {recipe.log} ends with:\n{last_lines(recipe.log)}")
