"""``flask collection-policy``: shown, changed with an audit entry, refused when it makes no sense."""

import pytest
from sqlalchemy import select

from portal import tenancy
from portal.billing import standing
from portal.extensions import db
from portal.models import AuditEntry


@pytest.fixture(name="run")
def fixture_run(web):
    return lambda *arguments: web.test_cli_runner().invoke(args=["collection-policy", *arguments])


def test_it_is_shown_and_changed_with_an_audit_entry(run):
    assert "restricted after 7 days, suspended after 14 days, 5 tries" in run().output
    changed = run("--restricted-after", "10", "--suspended-after", "21")
    assert "restricted after 10 days, suspended after 21 days, 5 tries" in changed.output
    with tenancy.bound(tenancy.PLATFORM):
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.verb == "policy.change")).one()
    assert (entry.before["restricted_after_days"], entry.after["restricted_after_days"]) == (7, 10)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--restricted-after", "15"),
        ("--restricted-after", "-1"),
        ("--suspended-after", "366"),
        ("--tries-by-hand", "0"),
    ],
)
def test_what_makes_no_sense_is_refused(run, arguments):
    refused = run(*arguments)
    assert refused.exit_code == 1
    assert "suspension cannot come before restriction" in refused.output
    with tenancy.bound():
        assert standing.policy().restricted_after_days == 7
