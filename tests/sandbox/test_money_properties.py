"""Whatever happens to money, nothing is lost and nothing is given twice: random payments, refunds and notes."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.engine import crediting
from sandbox.engine.crediting import Line, Portion

from .lives import START, Life

DAY = 86400
# Of an invoice, in percent.
SHARES = st.integers(1, 110)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    """A line of 1 to 10,000.00 with up to two discounts and two taxes."""
    gross = draw(st.integers(1, 1_000_000))
    discounts = draw(st.lists(st.integers(0, gross // 3), max_size=2))
    net = gross - sum(discounts)
    taxes = draw(st.lists(st.integers(0, net // 4), max_size=2))
    inclusive = tuple(draw(st.booleans()) for _ in taxes)
    whole = Portion(gross, tuple(discounts), tuple(taxes), tuple(net for _ in taxes))
    return Line(whole, inclusive, crediting.nothing(whole))


@given(lines(), st.lists(st.tuples(st.booleans(), st.floats(0, 1)), max_size=5))
def test_notes_for_all_of_a_line_add_up_to_it(line: Line, steps: list[tuple[bool, float]]) -> None:
    for by_total, share in steps:
        if by_total:
            portion = crediting.by_total(line, int(line.left * share), "usd") if line.left else None
            assert portion is None or line.total_of(portion) == int(line.left * share)
        else:
            gross = int((line.whole.gross - line.credited.gross) * share)
            portion = crediting.by_gross(line, gross, "usd") if gross > 0 else None
        if portion is not None:
            line = Line(line.whole, line.inclusive, crediting.added(line.credited, portion))
            assert all(part >= 0 for part in (*portion.discounts, *portion.taxes, *portion.taxable))
    if line.left > 0:
        rest = crediting.by_total(line, line.left, "usd")
        assert crediting.added(line.credited, rest) == line.whole


@given(st.lists(lines(), min_size=1, max_size=4), st.floats(0, 1))
def test_an_amount_is_shared_out_without_loss(found: list[Line], share: float) -> None:
    amount = int(sum(line.left for line in found) * share)
    portions = crediting.by_amount(found, amount, "usd")
    assert sum(line.total_of(portion) for line, portion in zip(found, portions, strict=True)) == amount


STEPS = st.one_of(
    st.tuples(st.just("note"), SHARES, st.sampled_from(["refund_amount", "credit_amount", "out_of_band_amount"])),
    st.tuples(st.just("void"), st.integers(0, 5), st.just("")),
    st.tuples(st.just("refund"), SHARES, st.just("")),
    st.tuples(st.just("pay"), st.sampled_from([0, 0, 1, 2, 3]), st.just("")),
    st.tuples(st.just("wait"), st.integers(1, 6), st.just("")),
)
METHODS = ("pm_card_visa", "pm_card_refundFail", "pm_card_pendingRefund", "pm_usBankAccount_success")


class Books:
    """One invoice in one life, and what has to hold for it at every moment."""

    def __init__(self, amounts: list[int], percentage: int, balance: int) -> None:
        self.life = Life()
        self.customer = self.life.post("/v1/customers", test_clock=self.life.clock)["id"]
        if balance:
            path = f"/v1/customers/{self.customer}/balance_transactions"
            self.life.post(path, amount=-balance, currency="usd")
        rate = self.life.post("/v1/tax_rates", display_name="VAT", percentage=percentage, inclusive=False)["id"]
        draft = self.life.post("/v1/invoices", customer=self.customer, default_tax_rates=[rate])["id"]
        for amount in amounts:
            item: Any = {"customer": self.customer, "invoice": draft, "amount": amount, "currency": "usd"}
            self.life.post("/v1/invoiceitems", **item)
        self.invoice = self.life.post(f"/v1/invoices/{draft}/finalize", auto_advance=False)["id"]
        self.owed = self.read()["amount_due"]
        self.taken = self.read()["total"] - self.owed

    def read(self) -> Any:
        return self.life.get(f"/v1/invoices/{self.invoice}")

    def charge(self) -> Any:
        payment = self.life.get("/v1/invoice_payments", invoice=self.invoice)["data"]
        if not payment or payment[0]["status"] != "paid":
            return None
        intent = self.life.get(f"/v1/payment_intents/{payment[0]['payment']['payment_intent']}")
        return self.life.get(f"/v1/charges/{intent['latest_charge']}")

    def step(self, what: str, number: int, way: str) -> None:
        amount = max(1, (self.owed + self.taken) * number // 100)
        if what == "note":
            back = max(0, amount - self.read()["amount_remaining"])
            ways: Any = {way: back} if back else {}
            given = self.life.call("POST", "/v1/credit_notes", expect=0, invoice=self.invoice, amount=amount, **ways)
            if "error" not in given:
                self._check_note()
        elif what == "void":
            notes = self.life.get("/v1/credit_notes", invoice=self.invoice)["data"]
            if notes:
                self.life.call("POST", f"/v1/credit_notes/{notes[number % len(notes)]['id']}/void", expect=0)
        elif what == "refund" and (charge := self.charge()) is not None:
            self.life.call("POST", "/v1/refunds", expect=0, charge=charge["id"], amount=amount)
        elif what == "pay":
            method = self.life.post(f"/v1/payment_methods/{METHODS[number]}/attach", customer=self.customer)["id"]
            self.life.call("POST", f"/v1/invoices/{self.invoice}/pay", expect=0, payment_method=method)
        elif what == "wait":
            self.life.leap(self.life.now + number * DAY)

    def check(self) -> None:
        invoice = self.read()
        notes = self.life.get("/v1/credit_notes", invoice=self.invoice, limit=100)["data"]
        issued = [note for note in notes if note["status"] == "issued"]
        before = sum(note["pre_payment_amount"] for note in issued)
        after = sum(note["post_payment_amount"] for note in issued)
        assert invoice["amount_paid"] + invoice["amount_remaining"] + before == self.owed
        assert invoice["amount_due"] == invoice["amount_paid"] + invoice["amount_remaining"]
        assert (invoice["pre_payment_credit_notes_amount"], invoice["post_payment_credit_notes_amount"]) == (
            before,
            after,
        )
        assert (invoice["status"] == "paid") == (invoice["amount_remaining"] == 0)
        self._check_notes(issued)
        self._check_charge(invoice)
        self._check_balance()

    def _check_notes(self, issued: list[Any]) -> None:
        for note in issued:
            tax = sum(each["amount"] for each in note["total_taxes"])
            assert note["total_excluding_tax"] + tax == note["amount"] == note["total"]
            assert note["amount"] == note["pre_payment_amount"] + note["post_payment_amount"]
        assert sum(note["amount"] for note in issued) <= self.owed + self.taken

    def _check_note(self) -> None:
        """A note that was accepted; refunds that come later go by the charge alone, as Stripe's do."""
        issued = self.life.get("/v1/credit_notes", invoice=self.invoice, limit=100)["data"]
        issued = [note for note in issued if note["status"] == "issued"]
        linked = {link["refund"] for note in issued for link in note["refunds"]}
        charge = self.charge()
        refunds = self.life.get("/v1/refunds", charge=charge["id"], limit=100)["data"] if charge else []
        apart = sum(each["amount"] for each in refunds if each["id"] not in linked and each["status"] != "failed")
        assert sum(note["amount"] for note in issued) + apart <= self.owed + self.taken

    def _check_charge(self, invoice: Any) -> None:
        charge = self.charge()
        if charge is None:
            return
        assert charge["amount_captured"] == invoice["amount_paid"]
        refunds = self.life.get("/v1/refunds", charge=charge["id"], limit=100)["data"]
        gone = sum(each["amount"] for each in refunds if each["status"] not in ("failed", "canceled"))
        assert charge["amount_refunded"] == gone <= charge["amount_captured"]

    def _check_balance(self) -> None:
        balance = self.life.get("/v1/balance")
        found = {"available": 0, "pending": 0}
        for each in self.life.get("/v1/balance_transactions", limit=100)["data"]:
            found[each["status"]] += each["net"]
        assert {name: sum(each["amount"] for each in balance[name]) for name in found} == found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(1, 20_000), min_size=1, max_size=3),
    st.integers(0, 30),
    st.sampled_from([0, 0, 500, 5_000]),
    st.sampled_from([None, 0, 1, 2]),
    st.lists(STEPS, min_size=2, max_size=8),
)
def test_paid_and_remaining_and_credited_are_the_total(
    amounts: list[int], percentage: int, balance: int, method: int | None, steps: list[tuple[str, int, str]]
) -> None:
    books = Books(amounts, percentage, balance)
    assert books.life.now == START
    if method is not None:
        books.step("pay", method, "")
    for step in steps:
        books.step(*step)
        if books.read()["status"] != "draft":
            books.check()
