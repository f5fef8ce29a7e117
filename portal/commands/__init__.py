"""``flask …`` commands: set-up, demo data, publishing, checks."""

from flask import Flask

from portal.commands import catalogue, check, demo, invariants, policy, reconcile, setup, tenants, usage
from portal.security.commands import audit_group, create_staff


def register_commands(app: Flask) -> None:
    for command in (
        setup.setup,
        demo.seed_demo,
        catalogue.publish_plans,
        check.check,
        reconcile.reconcile,
        invariants.invariants,
        policy.collection_policy,
        audit_group,
        create_staff,
        tenants.create_tenant,
        usage.usage_group,
    ):
        app.cli.add_command(command)
