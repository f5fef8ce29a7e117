"""Twelve bugs that fakes, plug-ins and peers of Stripe's users had, and which test keeps each of them away.

The list is that of the bugs' reports; a row whose test was renamed or lost fails here.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
ROWS = {
    "1 an update before the creation leaves a paid subscription incomplete": [
        "webhooks/test_orders.py::test_every_order_of_five_events_of_the_path",
        "webhooks/test_orders.py::test_every_order_of_one_to_four_of_them",
    ],
    "2 events side by side insert three rows, or lock each other out": [
        "webhooks/test_orders.py::test_eight_threads_deliver_three_events_of_one_object",
    ],
    "3 the redirect beats the webhook: not subscribed": [
        "billing/test_purchase.py::test_from_checkout_to_document",
        "pages/test_checkout.py::test_an_active_subscription_ends_the_waiting_with_its_invoice",
    ],
    "4 the webhook beats the answer to our own call": [
        "webhooks/test_orders.py::test_the_webhooks_beat_the_answer_to_our_own_call",
    ],
    "5 two tabs: two customers or subscriptions": [
        "billing/test_purchase.py::test_twenty_at_once_are_one_customer_and_one_subscription",
        "billing/test_purchase.py::test_paid_twice_is_one_subscription_and_a_refund",
    ],
    "6 an open session is paid beside another payment": [
        "billing/test_duplicates.py::test_no_second_session_stays_open_beside_a_paid_one",
        "billing/test_duplicates.py::test_a_real_duplicate_is_ended_and_refunded",
    ],
    "7 an endpoint of another version": [
        "webhooks/test_deliveries.py::test_another_api_version_is_parked_with_a_finding",
        "reconcile/test_missed_events.py::test_an_account_of_another_api_version_heals_as_well",
    ],
    "8 a fake that answers otherwise than the SDK": ["test_known_bugs.py::test_nothing_of_stripe_is_faked"],
    "9 usage lost: late, at the last second, with an end at once": [
        "scenarios/test_usage.py::test_overage_is_on_the_renewals_invoice",
        "scenarios/test_usage.py::test_what_comes_after_the_close_is_billed_with_the_next_month",
        "scenarios/test_usage.py::test_ended_at_once",
    ],
    "10 nothing due today, and charged afterwards": [
        "pricing/test_quotes.py::test_what_was_quoted_is_what_is_invoiced",
        "scenarios/test_plan_changes.py::test_a_coupon_is_in_the_quote_and_in_the_invoice",
    ],
    "11 a trial that is over keeps its end, or its access": [
        "scenarios/test_trials.py::test_without_a_card_and_canceled_at_the_end",
        "scenarios/test_trials.py::test_without_a_card_and_paused_until_there_is_one",
        "scenarios/test_trials.py::test_without_a_card_and_invoiced_at_the_end",
        "scenarios/test_trials.py::test_a_trial_that_stripe_no_longer_has_is_gone_here_too",
    ],
    "12 a key that makes a second try impossible; authentication taken for the end": [
        "browser/test_main_job.py::test_a_declined_card_says_so_and_another_one_pays",
        "billing/test_plan_changes.py::test_an_unknown_answer_is_finished_by_a_worker_with_the_same_key",
        "billing/test_plan_changes.py::test_extra_authentication_can_be_given_up",
        "scenarios/test_collection.py::test_a_bank_that_asks_sends_the_payer_to_stripes_page",
    ],
    "a new card on the customer while the subscription's own fails": [
        "billing/test_payment_methods.py::test_a_new_default_mends_the_customer_and_the_subscription",
        "scenarios/test_collection.py::test_a_card_on_the_customer_alone_would_not_help",
    ],
}
FAKES = ("mock", "responses", "requests_mock", "respx", "vcr", "pytest_mock")


def defined(path: str) -> set[str]:
    tree = ast.parse((ROOT / path).read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("row", ROWS)
def test_each_known_bug_has_its_test(row: str) -> None:
    for node in ROWS[row]:
        path, _, name = node.partition("::")
        assert name in defined(path), node


def test_nothing_of_stripe_is_faked() -> None:
    """Tests speak to the sandbox by the real SDK over HTTP; a double would know Stripe only as we believe it to be."""
    found = [
        f"{path.name}: {name}"
        for path in ROOT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
        if set(name.split(".")) & set(FAKES)
    ]
    assert found == []
