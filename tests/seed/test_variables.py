"""Every environment variable that the contract names is explained, and takes effect."""

import re
from pathlib import Path

import pytest

from portal import config
from tests.support import database

ROOT = Path(__file__).parents[2]
CONTRACT = (Path(__file__).parent / "billing-service.es.md").read_text()
# The block of variables, as the document prints it.
SECTION = CONTRACT[CONTRACT.index("### Variables de Entorno") : CONTRACT.index("### Configuración de Stripe")]
PRINTED = dict(re.findall(r"^([A-Z][A-Z_]+)=(.*)$", SECTION, flags=re.MULTILINE))

# Variable → the setting that it becomes. The two others complete a URL.
BECOMES = {
    "DB_POOL_SIZE": "db_pool_size",
    "DB_MAX_OVERFLOW": "db_max_overflow",
    "REDIS_URL": "redis_url",
    "STRIPE_API_KEY": "stripe_api_key",
    "STRIPE_WEBHOOK_SECRET": "stripe_webhook_secret",
    "STRIPE_PUBLIC_KEY": "stripe_public_key",
    "SMTP_HOST": "smtp_host",
    "SMTP_PORT": "smtp_port",
    "SMTP_USERNAME": "smtp_username",
    "SMTP_PASSWORD": "smtp_password",
    "SMTP_FROM_EMAIL": "smtp_from_email",
    "NETBOX_API_URL": "netbox_api_url",
    "NETBOX_API_TOKEN": "netbox_api_token",
    "ODOO_API_URL": "odoo_api_url",
    "ODOO_API_KEY": "odoo_api_key",
}
PASSWORDS = {"POSTGRES_PASSWORD": "DATABASE_URL", "REDIS_PASSWORD": "REDIS_URL"}


@pytest.fixture(name="printed")
def fixture_printed() -> config.Settings:
    """The settings that the document's own values give."""
    base = {"SECRET_KEY": database.SECRET_KEY, "PORTAL_ENV": "development"}
    return config.load({**base, **PRINTED})


def test_every_variable_is_known():
    assert set(PRINTED) == set(BECOMES) | set(PASSWORDS) | {"DATABASE_URL"}


@pytest.mark.parametrize("name", sorted(PRINTED))
def test_every_variable_is_explained(name):
    example = (ROOT / ".env.example").read_text()
    assert re.search(rf"^#?{name}=", example, flags=re.MULTILINE)


@pytest.mark.parametrize("name", sorted(BECOMES))
def test_every_variable_takes_effect(name, printed):
    assert str(getattr(printed, BECOMES[name])) == PRINTED[name]


def test_passwords_complete_the_urls_that_name_none():
    base = {"SECRET_KEY": database.SECRET_KEY, "PORTAL_ENV": "development", **PRINTED}
    named = config.load(base)
    assert named.role_url("owner").password == "password"
    assert named.redis_url == PRINTED["REDIS_URL"]
    urls = {"DATABASE_URL": "postgresql+asyncpg://billing_user@postgres/billing", "REDIS_URL": "redis://redis:6379/0"}
    completed = config.load({**base, **urls, "REDIS_PASSWORD": "a/b@c"})
    assert completed.role_url("owner").password == PRINTED["POSTGRES_PASSWORD"]
    assert completed.redis_url == "redis://:a%2Fb%40c@redis:6379/0"


def test_any_postgresql_driver_is_read_as_psycopg(printed):
    url = printed.role_url("owner")
    assert url.drivername == "postgresql+psycopg"
    assert (url.username, url.host, url.port, url.database) == ("billing_user", "postgres", 5432, "billing")
    assert printed.role_url("web").username == "billing_web"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("DATABASE_URL", "mysql://x/y"),
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", ""),
        ("DB_POOL_SIZE", "many"),
        ("SECRET_KEY", "short"),
        ("SMTP_STARTTLS", "maybe"),
        ("PUBLIC_URL", "ftp://x"),
        ("STRIPE_API_KEY", ""),
    ],
)
def test_a_wrong_value_is_one_clear_sentence(variable, value):
    base = {"SECRET_KEY": database.SECRET_KEY, "PORTAL_ENV": "development", **PRINTED}
    with pytest.raises(config.ConfigError, match=variable):
        config.load({**base, variable: value})


def test_production_refuses_another_stripe():
    base = {"SECRET_KEY": database.SECRET_KEY, **PRINTED, "STRIPE_API_BASE": "http://127.0.0.1:12111"}
    with pytest.raises(config.ConfigError, match="STRIPE_API_BASE"):
        config.load({**base, "PORTAL_ENV": "production"})
    with pytest.raises(config.ConfigError, match="live"):
        config.load({**base, "PORTAL_ENV": "development", "STRIPE_API_KEY": "sk_live_x"})
