"""Settings: read once from the environment, checked once, passed on as one frozen object."""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlsplit

from sqlalchemy.engine import URL, make_url

Role = Literal["owner", "web", "worker", "staff", "reader", "backup"]
LOGIN_ROLES: tuple[Role, ...] = ("web", "worker", "staff", "reader", "backup")
STRIPE_API_BASE = "https://api.stripe.com"
LANGUAGES = ("en", "es", "pt_BR")


# Passed on as they are; empty means "not used".
_MAY_BE_EMPTY = (
    "netbox_api_url",
    "netbox_api_token",
    "odoo_api_url",
    "odoo_api_key",
    "odoo_database",
    "odoo_login",
    "sources_key",
    "sources_ca_bundle",
    "stripe_public_key",
    "smtp_username",
    "smtp_password",
    "failpoints",
)


class ConfigError(Exception):
    """A setting is missing or cannot be used; the message names it and says what to do."""


@dataclass(frozen=True)
class Settings:
    """Everything that comes from outside. Durations in seconds, addresses without trailing slash."""

    database_url: str
    db_role_prefix: str
    db_role_urls: Mapping[str, str]
    db_pool_size: int
    db_max_overflow: int
    redis_url: str
    stripe_api_key: str
    stripe_webhook_secret: str
    stripe_public_key: str
    stripe_api_base: str
    stripe_test_clocks: bool
    smtp_host: str
    smtp_port: int
    smtp_username: str
    smtp_password: str
    smtp_from_email: str
    smtp_starttls: str
    secret_key: str
    public_url: str
    environment: str
    currency: str
    portal_name: str
    log_level: str
    netbox_api_url: str
    netbox_api_token: str
    odoo_api_url: str
    odoo_api_key: str
    odoo_database: str
    odoo_login: str
    sources_key: str
    sources_ca_bundle: str
    sources_http_hosts: tuple[str, ...]
    failpoints: str
    usage_retention_months: int
    usage_retention: str
    usage_hours_kept_days: int

    @property
    def is_production(self) -> bool:
        return self.environment == "production"

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https://")

    @property
    def is_livemode(self) -> bool:
        """Whether the Stripe key moves real money."""
        return "_live_" in self.stripe_api_key

    def webhook_secrets(self) -> list[str]:
        """Accepted signing secrets, newest first; two during a rotation, separated by a comma."""
        return [part.strip() for part in self.stripe_webhook_secret.split(",") if part.strip()]

    def role_name(self, role: str) -> str:
        """The database role's name: prefixed, because roles belong to the whole cluster."""
        return f"{self.db_role_prefix}_{role}"

    def role_password(self, role: str) -> str:
        """Derived from ``SECRET_KEY``, so that set-up and every process agree without another secret."""
        return hmac.new(self.secret_key.encode(), f"db-role:{role}".encode(), hashlib.sha256).hexdigest()

    def role_url(self, role: Role) -> URL:
        """The database URL of one of the portal's roles (``owner`` is ``DATABASE_URL`` itself)."""
        owner = make_url(self.database_url)
        if role == "owner":
            return owner
        if override := self.db_role_urls.get(role):
            return make_url(override)
        return owner.set(username=self.role_name(role), password=self.role_password(role))


def _psycopg_url(raw: str, name: str, password: str | None = None) -> str:
    """Any ``postgresql+driver://`` URL, read as psycopg's; ``password`` serves where the URL has none."""
    try:
        url = make_url(raw)
    except Exception as error:
        raise ConfigError(f"{name} is not a database URL; expected postgresql://user:password@host/name") from error
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise ConfigError(f"{name} must be a postgresql:// URL")
    if password and url.password is None:
        url = url.set(password=password)
    return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)


def _redis_url(raw: str, password: str | None) -> str:
    """The URL, with ``REDIS_PASSWORD`` where it names none itself."""
    parts = urlsplit(raw)
    if not password or parts.password is not None or parts.scheme not in ("redis", "rediss"):
        return raw
    return parts._replace(netloc=f":{quote(password, safe='')}@{parts.netloc.rpartition('@')[2]}").geturl()


def _integer(env: Mapping[str, str], name: str, default: int) -> int:
    raw = env.get(name) or str(default)
    if not raw.isdigit():
        raise ConfigError(f"{name} must be a whole number, not {raw!r}")
    return int(raw)


def _hosts(raw: str) -> tuple[str, ...]:
    """Names of hosts, separated by commas."""
    return tuple(part.strip().lower() for part in raw.split(",") if part.strip())


def _required(env: Mapping[str, str], name: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is not set; ./run sets it for a local start, .env.example explains it")
    return value


def load(env: Mapping[str, str] | None = None) -> Settings:
    """Read and check the environment. Raises :class:`ConfigError` with one clear sentence."""
    env = os.environ if env is None else env
    database_url = _psycopg_url(_required(env, "DATABASE_URL"), "DATABASE_URL", env.get("POSTGRES_PASSWORD"))
    role_urls: dict[str, str] = {
        role: _psycopg_url(env[f"DATABASE_URL_{role.upper()}"], f"DATABASE_URL_{role.upper()}")
        for role in LOGIN_ROLES
        if env.get(f"DATABASE_URL_{role.upper()}")
    }
    settings = Settings(
        **{name: env.get(name.upper(), "") for name in _MAY_BE_EMPTY},
        database_url=database_url,
        db_role_prefix=env.get("DB_ROLE_PREFIX") or str(make_url(database_url).database),
        db_role_urls=role_urls,
        db_pool_size=_integer(env, "DB_POOL_SIZE", 5),
        db_max_overflow=_integer(env, "DB_MAX_OVERFLOW", 10),
        redis_url=_redis_url(_required(env, "REDIS_URL"), env.get("REDIS_PASSWORD")),
        stripe_api_key=_required(env, "STRIPE_API_KEY"),
        stripe_webhook_secret=_required(env, "STRIPE_WEBHOOK_SECRET"),
        stripe_api_base=(env.get("STRIPE_API_BASE") or STRIPE_API_BASE).rstrip("/"),
        stripe_test_clocks=env.get("STRIPE_TEST_CLOCKS", "") == "1",
        smtp_host=env.get("SMTP_HOST", "localhost"),
        smtp_port=_integer(env, "SMTP_PORT", 587),
        smtp_from_email=env.get("SMTP_FROM_EMAIL", "billing@platform.local"),
        smtp_starttls=env.get("SMTP_STARTTLS", "auto"),
        secret_key=_required(env, "SECRET_KEY"),
        public_url=(env.get("PUBLIC_URL") or "http://127.0.0.1:8000").rstrip("/"),
        environment=env.get("PORTAL_ENV", "production"),
        currency=(env.get("CURRENCY") or "usd").lower(),
        portal_name=env.get("PORTAL_NAME") or "Billing Portal",
        sources_http_hosts=_hosts(env.get("SOURCES_HTTP_HOSTS", "")),
        usage_retention_months=_integer(env, "USAGE_RETENTION_MONTHS", 0),
        usage_retention=env.get("USAGE_RETENTION") or "detach",
        usage_hours_kept_days=_integer(env, "USAGE_HOURS_KEPT_DAYS", 35),
        log_level=(env.get("LOG_LEVEL") or "INFO").upper(),
    )
    _check(settings)
    return settings


def _check(settings: Settings) -> None:
    if len(settings.secret_key) < 32:
        raise ConfigError(
            "SECRET_KEY must have at least 32 characters; python -c 'import secrets; print(secrets.token_hex())'"
        )
    if settings.smtp_starttls not in ("auto", "on", "off"):
        raise ConfigError("SMTP_STARTTLS must be auto, on or off")
    if any(0 < len(part.strip()) < 32 for part in settings.sources_key.split(",")):
        raise ConfigError("SOURCES_KEY must have at least 32 characters; two during a rotation, separated by a comma")
    if settings.usage_retention not in ("detach", "drop"):
        raise ConfigError("USAGE_RETENTION must be detach or drop")
    if settings.usage_hours_kept_days < 0:
        raise ConfigError("USAGE_HOURS_KEPT_DAYS must be a number of days, or 0 to keep all")
    if urlsplit(settings.public_url).scheme not in ("http", "https"):
        raise ConfigError("PUBLIC_URL must start with http:// or https://")
    _check_surroundings(settings)


def _check_surroundings(settings: Settings) -> None:
    """What may be set in development, or with test keys, alone."""
    if settings.is_production and settings.stripe_api_base != STRIPE_API_BASE:
        raise ConfigError("STRIPE_API_BASE points away from Stripe; that is allowed only with PORTAL_ENV=development")
    if settings.is_production and settings.failpoints:
        raise ConfigError("FAILPOINTS makes processes die on purpose; it is allowed only with PORTAL_ENV=development")
    if settings.stripe_test_clocks and settings.is_livemode:
        raise ConfigError("STRIPE_TEST_CLOCKS stops the time of every new customer; it is for test keys only")
    if settings.stripe_api_base != STRIPE_API_BASE and settings.is_livemode:
        raise ConfigError("a live Stripe key must never be sent to another address than Stripe's")
