"""What is not a fresh, signed event of our account's mode is refused, and leaves no row in any table."""

import base64
import gzip
import hashlib
import hmac
import json
import time

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool
from werkzeug.test import EnvironBuilder

from portal.config import load
from tests.support import database
from tests.support.database import WEBHOOK_SECRET
from tests.support.events import PATH, sign

NOW = int(time.time())
EVENT = {
    "id": "evt_forged",
    "object": "event",
    "type": "invoice.paid",
    "api_version": "2026-10-28.endive",
    "livemode": False,
    "created": NOW,
    "data": {"object": {"id": "in_forged", "object": "invoice"}},
}
BODY = json.dumps(EVENT)
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
RETIRED = "whsec_that_was_rolled_away"


def mac(payload: str, secret: str = WEBHOOK_SECRET, algorithm=hashlib.sha256) -> str:
    return hmac.new(secret.encode(), payload.encode(), algorithm).hexdigest()


def changed(**values) -> str:
    return json.dumps({**EVENT, **values})


def without(name: str) -> str:
    return json.dumps({key: value for key, value in EVENT.items() if key != name})


def headers_only():
    """Forgeries by the header over a good body: name, body, Stripe-Signature (``False``: none at all)."""
    good = sign(BODY)
    stamp, signature = good.split(",")
    seconds, now = stamp[2:], int(time.time())
    return [
        ("no signature", BODY, False),
        ("empty signature", BODY, ""),
        ("garbage", BODY, "garbage"),
        ("wrong secret", BODY, sign(BODY, "whsec_other")),
        ("empty secret", BODY, sign(BODY, "")),
        ("retired secret", BODY, sign(BODY, RETIRED)),
        ("our publishable key as secret", BODY, sign(BODY, "pk_test_portal")),
        ("only v0", BODY, good.replace("v1=", "v0=")),
        ("only v2", BODY, good.replace("v1=", "v2=")),
        ("v1 in capitals", BODY, good.replace("v1=", "V1=")),
        ("no time", BODY, signature),
        ("no signature but a time", BODY, stamp),
        ("empty fields", BODY, "t=,v1="),
        ("text as time", BODY, good.replace("t=", "t=x")),
        ("a fraction as time", BODY, good.replace(stamp, f"{stamp}.0")),
        ("negative time", BODY, good.replace("t=", "t=-")),
        ("a time beyond every calendar", BODY, good.replace(seconds, "9" * 30)),
        ("arabic digits as time", BODY, good.replace(seconds, seconds.translate(ARABIC))),
        ("stale", BODY, sign(BODY, at=now - 301)),
        ("a day old", BODY, sign(BODY, at=now - 86400)),
        ("from the first second", BODY, sign(BODY, at=1)),
        ("from the future", BODY, sign(BODY, at=now + 3600)),
        ("a fresh time over an old signature", BODY, sign(BODY, at=now - 400).replace(str(now - 400), str(now))),
        ("two times, the second signed", BODY, f"t={now - 9999},{good}"),
        ("signed without the time", BODY, f"t={seconds},v1={mac(BODY)}"),
        ("signed with another separator", BODY, f"t={seconds},v1={mac(f'{seconds}:{BODY}')}"),
        ("signed by SHA-1", BODY, f"t={seconds},v1={mac(f'{seconds}.{BODY}', algorithm=hashlib.sha1)}"),
        ("a bare hash", BODY, f"t={seconds},v1={hashlib.sha256(f'{seconds}.{BODY}'.encode()).hexdigest()}"),
        ("base64 instead of hex", BODY, f"t={seconds},v1={base64.b64encode(bytes.fromhex(signature[3:])).decode()}"),
        ("signature in capitals", BODY, f"{stamp},v1={signature[3:].upper()}"),
        ("half a signature", BODY, good[:-32]),
        ("one digit off", BODY, good[:-1] + ("0" if good[-1] != "0" else "1")),
        ("a signature and more", BODY, good + "00"),
        ("signature that is not ASCII", BODY, good.replace("v1=", "v1=é")),
        ("look-alike letters", BODY, good.replace("v1=", "ｖ1=")),
        ("semicolons", BODY, good.replace(",", ";")),
        ("a header of 100 kB", BODY, "v1=" + "0" * 100_000),
        ("ten thousand signatures", BODY, ",".join([stamp, *["v1=" + "0" * 64] * 1000])),
        ("signature of another body", BODY, sign("{}")),
    ]


def bodies_only():
    """Forgeries by the body: altered under a good signature, or no event although signed (``None``)."""
    good = sign(BODY)
    deep = "[" * 50_000 + "]" * 50_000
    huge = BODY.replace("evt_forged", "evt_" + "x" * 1_000_000)
    return [
        ("altered", BODY.replace("in_forged", "in_changed"), good),
        ("re-encoded", json.dumps(EVENT, indent=1), good),
        ("keys sorted", json.dumps(EVENT, sort_keys=True), good),
        ("a space more", BODY + " ", good),
        ("a line end more", BODY + "\n", good),
        ("truncated", BODY[:-10], good),
        ("byte order mark", b"\xef\xbb\xbf" + BODY.encode(), good),
        ("UTF-16", BODY.encode("utf-16"), good),
        ("latin-1", BODY.encode() + b"\xff", good),
        ("compressed", gzip.compress(BODY.encode()), good),
        ("empty", "", sign("")),
        ("not JSON", "{", sign("{")),
        ("truncated and signed", BODY[:-10], None),
        ("a list", "[]", sign("[]")),
        ("a text", '"evt_1"', None),
        ("null", "null", None),
        ("a number", "7", None),
        ("nothing in it", "{}", None),
        ("no id", without("id"), None),
        ("no type", without("type"), None),
        ("no data", without("data"), None),
        ("no livemode", without("livemode"), None),
        ("null object", changed(data={"object": None}), None),
        ("a list as data", changed(data=[]), None),
        ("number as id", changed(id=7), None),
        ("an invoice's id", changed(id="in_forged"), None),
        ("an invoice itself", json.dumps(EVENT["data"]["object"]), None),
        ("text as created", changed(created="today"), None),
        ("yes as created", changed(created=True), None),
        ("a time beyond every calendar as created", changed(created=10**30), None),
        ("live mode", changed(livemode=True), None),
        ("number as API version", changed(api_version=7), None),
        ("text as livemode", changed(livemode="false"), None),
        ("NaN", BODY.replace(str(NOW), "NaN"), None),
        ("NaN inside", changed(data={"object": {"id": "in_forged", "total": float("nan")}}), None),
        ("a NUL in the id", changed(id="evt_for\0ged"), None),
        ("a NUL in the object", changed(data={"object": {"id": "in_for\0ged"}}), None),
        ("half a surrogate pair", changed(id="evt_\ud800"), None),
        ("half a surrogate pair inside", changed(data={"object": {"id": "in_1", "description": "\udfff"}}), None),
        ("a NUL in the API version", changed(api_version="2024\0"), None),
        ("half a surrogate pair in the API version", changed(api_version="2024\ud800"), None),
        ("a hundred thousand brackets", "[" * 100_000, None),
        ("deep inside", BODY.replace('"in_forged"', f'"in_forged", "x": {deep}'), None),
        ("one megabyte", huge, None),
        ("a thin event", changed(object="v2.core.event"), None),
    ]


def of_another_version():
    """The bodies once more, as an endpoint of another API version would send them: those are stored and parked."""
    ours, other = json.dumps(EVENT["api_version"]), json.dumps("2024-06-20")
    for name, body, signature in bodies_only():
        if signature is None and isinstance(body, str) and ours in body:
            yield f"{name}, of another API version", body.replace(ours, other), None


def forgeries():
    """All of them, signed now: one that has waited for its turn would be refused for its age alone."""
    return [*headers_only(), *bodies_only(), *of_another_version()]


@pytest.fixture(scope="module", name="portal")
def fixture_portal(shop, stripe_sandbox):
    """One portal for all forgeries: none of them may leave anything."""
    from blueprints import webhooks
    from portal.app import create_app

    with database.cloned(shop) as name:
        settings = load(database.environment(name, **stripe_sandbox.environment()))
        app = create_app("web", settings=settings, blueprints=[webhooks.bp])
        engine = create_engine(settings.role_url("owner"), poolclass=StaticPool)
        yield app, engine
        engine.dispose()
        with app.app_context():
            database.dispose(app)


def counted(engine) -> dict[str, int]:
    """How many rows each table has."""
    with engine.begin() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        every = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables)  # noqa: S608
        return dict(connection.execute(text(every)).all())


def post(app, body, signature, **headers):
    builder = EnvironBuilder(PATH, method="POST", data=body, content_type="application/json", headers=headers)
    environ = builder.get_environ()
    if signature is not False:
        # As a server passes it on: the bytes, whatever they are.
        environ["HTTP_STRIPE_SIGNATURE"] = signature.encode().decode("latin-1")
    return app.test_client().open(environ)


def test_forged_deliveries_leave_nothing(portal):
    app, engine = portal
    before = counted(engine)
    answers, tried = {}, forgeries()
    for name, body, signature in tried:
        answers[name] = post(app, body, sign(body) if signature is None else signature).status_code
    assert len(answers) == len(tried) >= 60
    assert {name: status for name, status in answers.items() if not 400 <= status < 500} == {}
    assert counted(engine) == before


def test_forged_by_the_envelope(portal):
    """Headers twice, other content types, other methods, other places."""
    app, engine = portal
    before = counted(engine)
    good = sign(BODY)
    client = app.test_client()
    twice = [("Stripe-Signature", sign(BODY, "whsec_other")), ("Stripe-Signature", sign(BODY, "whsec_third"))]
    spoilt = [("Stripe-Signature", "t=1,v1=0"), ("Stripe-Signature", good)]
    form = {"Content-Type": "application/x-www-form-urlencoded", "Stripe-Signature": sign(BODY, "whsec_other")}
    answers = [
        client.post(PATH, data=BODY, headers=twice),
        client.post(PATH, data=BODY, headers=spoilt),
        client.post(PATH, data={"payload": BODY}, headers={"Stripe-Signature": good}),
        client.post(PATH, data=BODY, headers=form),
        client.post(PATH + f"?signature={good}", data=BODY),
        client.post(PATH, data=BODY, headers={"X-Stripe-Signature": good}),
        client.get(PATH, query_string={"payload": BODY}, headers={"Stripe-Signature": good}),
        client.put(PATH, data=BODY, headers={"Stripe-Signature": good}),
    ]
    assert [answer.status_code for answer in answers if not 400 <= answer.status_code < 500] == []
    assert counted(engine) == before


def test_the_good_one_among_them_is_taken(portal):
    """What all forgeries were made of is itself a delivery: they were refused for what is wrong with them."""
    app, engine = portal
    before = counted(engine)
    assert post(app, BODY, sign(BODY)).status_code == 200
    assert counted(engine)["stripe_events"] == before["stripe_events"] + 1
