"""What a generator cannot guess about a route. A route that needs an entry here and has none fails the test."""

from collections.abc import Mapping
from dataclasses import dataclass

from werkzeug.routing import Rule
from werkzeug.routing.converters import PathConverter, UnicodeConverter, UUIDConverter

from tests.support.people import PASSWORD


@dataclass(frozen=True)
class Hers:
    """A field of a form that takes one of the victim's values, by its name in :attr:`Loot.named`."""

    name: str


Form = Mapping[str, str | Hers]
_ANOTHER = {"new_password": "another calm and exact tool", "repeated": "another calm and exact tool"}
_EVENT: Form = {"resource_type": "api_calls", "quantity": "1", "event_id": Hers("event_id")}

# What a form would send so that the handler goes as far as it can. Passwords are wrong: nothing may come of them.
FORMS: Mapping[str, Form] = {
    "account.change_password": {"current_password": f"not {PASSWORD}", **_ANOTHER},
    "account.revoke_other_sessions": {},
    "account.revoke_session": {},
    "account.save_preferences": {"language": "en", "format_locale": "en_US", "timezone": "UTC", "theme": "auto"},
    "account.switch_tenant": {"tenant_id": Hers("tenant_id")},
    "billing_details.change": {
        "legal_name": "Mine",
        "country": "ES",
        "email": Hers("email"),
        "copies": "",
        "language": "en",
        "format_locale": "en_US",
        "timezone": "UTC",
    },
    "billing_details.tax": {"country": "ES", "tax_id": ""},
    "cancellations.cancel": {"ending": "now", "reason": "unused", "comment": "", "token": ""},
    "cancellations.keep": {},
    "api_keys.create": {"attempt": Hers("api_key_id"), "name": "mine", "scopes": "usage:read", "expires_in_days": ""},
    "api_keys.revoke": {},
    "api_usage.report": _EVENT,
    "api_usage.report_in_english": _EVENT,
    "api_usage.report_many": _EVENT,
    "api_usage.report_many_in_english": _EVENT,
    "checkout.start": {"plan_id": "starter", "interval": "month", "code": ""},
    "coupons.remove": {},
    "coupons.use": {"code": "SAVE20", "saving_minor": "580"},
    "invoices.request_credit_note": {},
    "invoices.request_document": {},
    "invoices.request_receipt": {},
    "payment_methods.add": {},
    "payment_methods.drop_backup": {},
    "payment_methods.make_backup": {},
    "payment_methods.make_default": {},
    "payment_methods.remove": {},
    "payments.create": {"method_id": Hers("method_id"), "amount_minor": "76543219"},
    "plan_changes.cancel": {},
    "plan_changes.confirm": {},
    "preferences.language": {"language": "en"},
    "preferences.theme": {"theme": "auto"},
    "sign_in.request_reset": {"email": Hers("email")},
    "sign_in.set_password": _ANOTHER,
    "sign_in.sign_out": {},
    "sign_in.submit": {"email": Hers("email"), "password": f"not {PASSWORD}"},
    "staff.adjust_balance": {
        "kind": "balance_credit",
        "amount": "1.00",
        "reason": "mine now",
        "attempt": Hers("adjustment_id"),
    },
    "staff.approve_adjustment": {},
    "staff.archive_coupon": {},
    "staff.change_money_policy": {
        "second_person_above": "500",
        "dispute_opened_action": "nothing",
        "dispute_lost_action": "nothing",
    },
    "staff.issue_credit_note": {
        "amount": "1.00",
        "way": "refund",
        "reason_code": "",
        "reason": "mine now",
        "attempt": Hers("adjustment_id"),
    },
    "staff.refund_payment": {
        "payment": Hers("payment_id"),
        "amount": "1.00",
        "reason_code": "",
        "reason": "mine now",
        "attempt": Hers("adjustment_id"),
    },
    "staff.reject_adjustment": {},
    "staff.settle_invoice": {"act": "write_off", "reason": "mine now", "attempt": Hers("adjustment_id")},
    "staff.add_tax_rate": {"country": "ES", "customers": "all", "name": "IVA", "percentage": "21"},
    "staff.change_tax_mode": {"mode": "rates"},
    "staff.end_tax_rate": {"country": "ES", "customers": "all"},
    "staff.end_tenant_exemption": {},
    "staff.exempt_tenant": {"reason": "mine now"},
    "staff.change_branding": {"name": "Mine", "preview_language": "en"},
    "staff.preview_branding": {"name": "Mine", "preview_language": "en"},
    "staff.change_collection_policy": {
        "restricted_after_days": "7",
        "suspended_after_days": "14",
        "tries_by_hand_per_hour": "5",
    },
    "staff.change_plan_policy": {
        "trial_days": "14",
        "trial_method": "optional",
        "trial_end": "cancel",
        "upgrade_at": "now",
        "downgrade_at": "period_end",
        "interval_change_at": "period_end",
        "cancel_at": "period_end",
        "cancel_refund": "none",
        "processing_access": "wait",
        "usage_in_trial": "free",
        "usage_on_change": "carry_on",
    },
    "staff.archive_resource": {},
    "staff.change_plan_terms": {"included": "5", "limit_kind": "hard", "tiers_mode": "graduated", "package_size": "1"},
    "staff.change_resource": {"name_en": "Mine", "decimals": "0", "position": "1"},
    "staff.create_resource": {
        "resource_type": "mine",
        "aggregation": "sum",
        "name_en": "Mine",
        "decimals": "0",
        "position": "1",
    },
    "staff.archive_source": {},
    "staff.change_source": {"name": "Mine", "base_url": "http://127.0.0.1:1", "secret": "mine"},
    "staff.create_source": {"kind": "netbox", "name": "Mine", "base_url": "http://127.0.0.1:1", "secret": "mine"},
    "staff.link_source": {"tenant_id": Hers("tenant_id"), "external_id": "1", "seen": "", "act": "link"},
    "staff.remove_source_link": {},
    "staff.restore_source": {},
    "staff.test_source": {},
    "staff.remove_plan_terms": {},
    "staff.restore_resource": {},
    "staff.create_coupon": {"code": "MADE", "name": "Made", "percent_off": "10", "duration": "once"},
    "subscription.resume": {"amount_minor": "2900"},
    "webhooks.stripe": {},
    "webhooks.stripe_short": {},
}

# Their answers hold durations and counters: of these, status and headers are compared, and nothing of hers is shown.
VOLATILE = frozenset({"ops.health", "ops.prometheus"})
# They count tries, by account and address or by tenant; each attempt begins with none counted.
COUNTED = frozenset(
    {
        "account.change_password",
        "checkout.start",
        "coupons.index",
        "coupons.use",
        "plans.index",
        "sign_in.request_reset",
        "sign_in.submit",
    }
)
# The person has to sign in again afterwards.
ENDS_SESSION = frozenset({"sign_in.sign_out"})
# Whoever belongs to both tenants may go from one to the other.
OPEN_TO_MEMBERS_OF_BOTH = frozenset({"account.switch_tenant"})

# Parameters of the path that hold no uuid.
TEXT_PARAMETERS = ("code", "plan_id", "resource_type", "token", "filename")


class Unknown(AssertionError):
    """The generator met something that nobody told it about; the message says what to add."""


def form_of(rule: Rule) -> Form:
    """A valid form for an unsafe route. Raises :class:`Unknown`."""
    if rule.endpoint not in FORMS:
        raise Unknown(
            f"POST {rule.rule} is new here. Add to FORMS in tests/isolation/recipes.py: "
            f'"{rule.endpoint}": {{the fields of a valid form; Hers("…_id") where it takes an id; {{}} for none}}'
        )
    return FORMS[rule.endpoint]


def parameters_of(rule: Rule, named: Mapping[str, str]) -> Mapping[str, str]:
    """For each parameter of the path, the victim's value that it was made for. Raises :class:`Unknown`."""
    found = {}
    for name, converter in rule._converters.items():
        if isinstance(converter, UUIDConverter):
            if name not in named:
                raise Unknown(
                    f"{rule.rule} takes {name}, and the victim has no row of that kind. Add one to _plant() in "
                    f"tests/isolation/world.py: a row of a table whose name in the singular ends with "
                    f"{name.removesuffix('_id')!r}. Known: {', '.join(sorted(named))}"
                )
            found[name] = named[name]
        elif isinstance(converter, UnicodeConverter | PathConverter) and name in TEXT_PARAMETERS:
            found[name] = named["invoice_id"]
        else:
            raise Unknown(
                f"{rule.rule} takes {name} by a {type(converter).__name__}. Say in TEXT_PARAMETERS in "
                f"tests/isolation/recipes.py what it holds, or use <uuid:{name}>"
            )
    return found
