"""The environment of what we start: what the user gives, and what a bare machine gets for the rest."""

import os
import secrets
import shlex
from collections.abc import Mapping
from pathlib import Path

from portal.embedded.refusals import Refusal

# What belongs to the portal among everything that a shell exports.
SETTINGS = (
    "DATABASE_URL",
    "DATABASE_URL_WEB",
    "DATABASE_URL_WORKER",
    "DATABASE_URL_STAFF",
    "DATABASE_URL_READER",
    "DATABASE_URL_BACKUP",
    "DB_ROLE_PREFIX",
    "DB_POOL_SIZE",
    "DB_MAX_OVERFLOW",
    "REDIS_URL",
    "STRIPE_API_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "STRIPE_PUBLIC_KEY",
    "STRIPE_API_BASE",
    "SMTP_HOST",
    "SMTP_PORT",
    "SMTP_USERNAME",
    "SMTP_PASSWORD",
    "SMTP_FROM_EMAIL",
    "SMTP_STARTTLS",
    "SECRET_KEY",
    "PUBLIC_URL",
    "HOST",
    "PORT",
    "PORTAL_ENV",
    "PORTAL_NAME",
    "PORTAL_PDF",
    "CURRENCY",
    "LOG_LEVEL",
    "PROMETHEUS_MULTIPROC_DIR",
    "NETBOX_API_URL",
    "NETBOX_API_TOKEN",
    "ODOO_API_URL",
    "ODOO_API_KEY",
    "ODOO_DATABASE",
    "ODOO_LOGIN",
    "SOURCES_KEY",
    "SOURCES_CA_BUNDLE",
    "SOURCES_HTTP_HOSTS",
)


def given(dotenv: Path, environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """What the user set: the shell's variables before those of `.env`; an empty value counts as not set."""
    environ = os.environ if environ is None else environ
    from_shell = {name: environ[name] for name in SETTINGS if environ.get(name)}
    return {name: value for name, value in read(dotenv).items() if value} | from_shell


def generated(file: Path) -> dict[str, str]:
    """The secrets of this installation: made with the first start, kept in a file that only we can read."""
    values = read(file)
    if not values:
        values = {
            "SECRET_KEY": secrets.token_hex(32),
            "STRIPE_API_KEY": f"sk_test_{secrets.token_hex(16)}",
            "STRIPE_PUBLIC_KEY": f"pk_test_{secrets.token_hex(16)}",
            "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(24)}",
        }
        write(file, values)
    return values


def read(file: Path) -> dict[str, str]:
    """The `NAME=value` lines of a file, as a shell would read them; nothing when there is no file.

    Raises Refusal for a line that is not of this form: a typing error must not silently change a setting.
    """
    values = {}
    lines = file.read_text().splitlines() if file.exists() else []
    for number, line in enumerate(lines, 1):
        text = line.strip().removeprefix("export ").lstrip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise Refusal(f"Line {number} of {file} is not NAME=value: {name[:40]!r}.")
        values[name.strip()] = _unquoted(value.strip())
    return values


def _unquoted(value: str) -> str:
    if value[:1] in {"'", '"'}:
        try:
            return "".join(shlex.split(value, comments=True))
        except ValueError:
            return value
    return value.split(" #")[0].rstrip()


def write(file: Path, values: Mapping[str, str]) -> None:
    """Writes `NAME=value` lines that a shell can read too; whole or not at all, for our eyes only."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f"{file.name}.new")
    draft.unlink(missing_ok=True)
    draft.touch(mode=0o600)
    draft.write_text("".join(f"{name}={shlex.quote(value)}\n" for name, value in values.items()))
    draft.replace(file)
