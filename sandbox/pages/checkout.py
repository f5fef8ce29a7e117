"""The hosted Checkout page and its 3-D Secure page: plain forms, no script."""

import re

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..cards import BY_NUMBER
from ..deliveries import races
from ..engine import checkout_payment, checkout_sessions
from ..engine.account import NAME
from ..engine.checkout_payment import CardEntry, Payer
from ..engine.work import Obj, Work
from ..errors import CardRefused, InvalidRequest, Refusal, ResourceMissing
from ..world import World
from .rendering import page
from .texts import Words, words_for

# The helper's list: number and the text that says what the card does.
TEST_CARDS = [
    ("4242424242424242", "card_ok"),
    ("4000000000000002", "card_declined"),
    ("4000000000009995", "card_funds"),
    ("4000000000000069", "card_expired"),
    ("4000000000000127", "card_cvc"),
    ("4000000000000119", "card_processing"),
    ("4000002500003155", "card_3ds"),
    ("4000002760003184", "card_3ds_always"),
    ("4000008260003178", "card_3ds_funds"),
]
_FIELDS = ("email", "number", "expiry", "cvc", "name", "country", "postal_code")
_FIELD_OF = {"exp_month": "expiry", "exp_year": "expiry"}


def show(world: World, request: Request, session_id: str) -> Response:
    """GET /c/pay/{session}: the form; a paid session leads on, an expired one says so."""
    session = world.store.run(checkout_sessions.retrieve, {}, session_id)
    words = words_for(session["locale"], request.accept_languages)
    if session["status"] == "complete":
        return _landed(session)
    if session["status"] == "expired":
        return page("expired.html", words, status=410, back=session["cancel_url"])
    problem = None
    if request.args.get("problem") == "authentication":
        problem = ("", words.refusal("authentication_not_handled", ""))
    return _form(world, session, words, {}, problem)


def pay(world: World, request: Request, session_id: str) -> Response:
    """POST /c/pay/{session}: pays and leads to the success page, or shows what is wrong."""
    values = {name: request.form.get(name, "").strip() for name in _FIELDS}
    session = world.store.run(checkout_sessions.retrieve, {}, session_id)
    words = words_for(session["locale"], request.accept_languages)
    if session["status"] != "open":
        return show(world, request, session_id)
    if request.form.get("fill") in BY_NUMBER:
        return _form(world, session, words, {**values, **_filled(str(request.form["fill"]))}, None)
    payer = Payer(
        email=values["email"] or None,
        name=values["name"] or None,
        country=values["country"].upper() or None,
        postal_code=values["postal_code"] or None,
    )
    try:
        entry = _entry(values) if checkout_payment.needs_card(session) else None
        session = world.store.run(races.announced_late, checkout_payment.submit, session_id, payer, entry)
    except ResourceMissing:
        raise
    except Refusal as error:
        status = 402 if isinstance(error, CardRefused) else 422
        return _form(world, session, words, values, _problem(words, error), status=status)
    if session["status"] == "complete":
        races.wait_before_redirect(world.store, world.dispatcher, session_id)
        return _landed(session)
    return redirect(f"/c/pay/{session_id}/authenticate", 303)


def ask(world: World, request: Request, session_id: str) -> Response:
    """GET /c/pay/{session}/authenticate: the bank's page, while 3-D Secure waits."""
    session, method = world.store.run(_waiting, session_id)
    if method is None:
        return redirect(f"/c/pay/{session_id}", 303)
    words = words_for(session["locale"], request.accept_languages)
    return page(
        "three_d_secure.html",
        words,
        goes_to=_targets(session),
        merchant=NAME,
        amount=words.money(session["amount_total"], session["currency"]),
        last4=method["card"]["last4"],
    )


def authenticated(world: World, request: Request, session_id: str) -> Response:
    """POST /c/pay/{session}/authenticate with `result`: complete or fail."""
    session, method = world.store.run(_waiting, session_id)
    if method is None:
        return redirect(f"/c/pay/{session_id}", 303)
    words = words_for(session["locale"], request.accept_languages)
    passed = request.form.get("result") == "complete"
    try:
        session = world.store.run(races.announced_late, checkout_payment.authenticate, session_id, passed=passed)
    except CardRefused as error:
        if not passed:
            return redirect(f"/c/pay/{session_id}?problem=authentication", 303)
        return _form(world, session, words, {}, _problem(words, error), status=402)
    races.wait_before_redirect(world.store, world.dispatcher, session_id)
    return _landed(session)


def _waiting(work: Work, session_id: str) -> tuple[Obj, Obj | None]:
    session = checkout_sessions.retrieve(work, {}, session_id)
    if session["status"] != "open" or not checkout_payment.is_waiting(work, session_id):
        return session, None
    aside = work.read(checkout_sessions.ASIDE, session_id)
    return session, work.read("payment_method", aside["method"])


def _form(
    world: World,
    session: Obj,
    words: Words,
    values: dict[str, str],
    problem: tuple[str, str] | None,
    status: int = 200,
) -> Response:
    items, trial_end, now = world.store.run(_shown, session["id"])
    price = items[0]["price"]
    sums = sum(item["amount_total"] for item in items)
    every = words.every(price["recurring"])
    per_period = f"{words.money(sums, session['currency'])} {every}"
    trial = None
    if trial_end is not None:
        days = round((trial_end - now) / 86400)
        trial = words("trial", days=days, price=per_period, date=words.date(trial_end))
    return page(
        "checkout.html",
        words,
        status=status,
        goes_to=_targets(session),
        merchant=NAME,
        session=session,
        items=items,
        price=words.money(sums, session["currency"]),
        every=every,
        trial=trial,
        known_email=(session["customer_details"] or {}).get("email"),
        values={name: values.get(name, "") for name in _FIELDS},
        problem=problem,
        needs_card=checkout_payment.needs_card(session),
        wants_address=session["billing_address_collection"] == "required",
        test_cards=TEST_CARDS,
        button=_button(session, words, trial_end),
    )


def _shown(work: Work, session_id: str) -> tuple[list[Obj], int | None, int]:
    items = list(checkout_sessions.line_items(work, {}, session_id))
    return items, checkout_sessions.trial_end_of(work, session_id), work.now


def _button(session: Obj, words: Words, trial_end: int | None) -> str:
    if trial_end is not None:
        return words("start_trial")
    if session["amount_total"] == 0:
        return words("subscribe")
    return words("pay", amount=words.money(session["amount_total"], session["currency"]))


def _entry(values: dict[str, str]) -> CardEntry:
    if not values["number"]:
        raise InvalidRequest("Enter a card number.", param="number")
    month, year = _expiry(values["expiry"])
    return CardEntry(values["number"], month, year, values["cvc"])


def _expiry(text: str) -> tuple[int, int]:
    """`12 / 34`, `12/2034` or `1234`; an unreadable one is month 0, which is refused as such."""
    found = re.fullmatch(r"(\d{1,2})\s*[/\-. ]\s*(\d{4}|\d{2})|(\d{2})(\d{2})", text)
    if found is None:
        return 0, 0
    month, year = int(found[1] or found[3]), int(found[2] or found[4])
    return month, year + 2000 if year < 100 else year


def _filled(number: str) -> dict[str, str]:
    digits = 4 if BY_NUMBER[number].brand == "amex" else 3
    return {"number": " ".join(re.findall(r"\d{1,4}", number)), "expiry": "12 / 34", "cvc": "1234"[:digits]}


def _problem(words: Words, error: Refusal) -> tuple[str, str]:
    """The field that is wrong ("" for the payment as a whole) and the sentence for the payer."""
    code = str(error.extra.get("decline_code") or error.code or error.param or "")
    field = _FIELD_OF.get(error.param or "", error.param or "")
    return (field if field in _FIELDS else ""), words.refusal(code, error.message)


def _landed(session: Obj) -> Response:
    target = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return redirect(target, 303)


def _targets(session: Obj) -> tuple[str, ...]:
    return tuple(url for url in (session["success_url"], session["cancel_url"]) if url)
