"""The migrations and the models describe the same database."""

import re

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from portal import config
from portal.models import Model
from tests.support import database

# The contract's statement, verbatim.
SEED_INSERT = """
INSERT INTO plans (plan_id, name, price_monthly, features, limits) VALUES
('free', 'Free', 0.00, '["Basic features"]', '{"api_calls": 1000}'),
('starter', 'Starter', 29.00, '["All Free", "Email support"]', '{"api_calls": 10000}'),
('professional', 'Professional', 99.00, '["All Starter", "Priority support"]', '{"api_calls": 100000}'),
('enterprise', 'Enterprise', 299.00, '["All Professional", "24/7 support"]', '{"api_calls": 1000000}');
"""


def _owner(name: str):
    return create_engine(config.load(database.environment(name)).role_url("owner"))


def test_models_equal_migrations(template):
    with database.cloned(template) as name:
        engine = _owner(name)
        with engine.connect() as connection:
            differences = compare_metadata(MigrationContext.configure(connection), Model.metadata)
        engine.dispose()
    beside = re.compile(r"alembic_version|_p\d+(_\d+)?\b")  # alembic's own, and partitions
    differences = [entry for entry in differences if not beside.search(str(entry))]
    assert differences == []


def test_the_contracts_insert_runs_verbatim(template):
    with database.cloned(template) as name:
        engine = _owner(name)
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM plan_prices; DELETE FROM plans"))
            connection.exec_driver_sql(SEED_INSERT)
            rows = connection.execute(text("SELECT plan_id, price_yearly, trial_days, currency FROM plans")).all()
        engine.dispose()
    assert len(rows) == 4
    assert {(row.price_yearly, row.trial_days, row.currency) for row in rows} == {(None, 14, None)}
