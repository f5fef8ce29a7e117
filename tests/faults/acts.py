"""What people, Stripe and workers do, each in the process that runs it."""

import re
from contextlib import suppress
from hashlib import sha256
from typing import Any

from apiflask import APIFlask
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy.exc import InvalidRequestError

from jobs.ticker import tick
from portal.failpoints import Injected
from portal.invoicing.pdf import PdfProcess
from portal.outbox import schedule
from portal.outbox.wake import QUEUE, bell
from portal.security.api_keys import SCOPES
from portal.usage.closing import close_due
from tests.faults.forks import Act, Report
from tests.support import html, people
from tests.support.events import deliver
from tests.support.people import Browser, Person

Cookies = list[tuple[str, str]]


def browser_with(app: APIFlask, cookies: Cookies = ()) -> Browser:  # type: ignore[assignment]
    """A browser that was signed in earlier, by another process."""
    client = people.browser(app)
    for name, value in cookies:
        client.set_cookie(name, value)
    return client


def cookies_of(client: Browser) -> Cookies:
    return [(cookie.key, cookie.value) for cookie in client._cookies.values()]  # type: ignore[union-attr]


def signing_in(person: Person, password: str = "") -> Act:
    def act(app: APIFlask, report: Report) -> None:
        client = browser_with(app)
        answer = client.sign_in(person, **({"password": password} if password else {}))
        if answer.status_code == 303:
            report(cookies=cookies_of(client))
        else:
            report(refused=answer.status_code)

    return act


def choosing(cookies: Cookies, plan: str = "starter") -> Act:
    """Reports where the browser is sent to pay, and how any choice was answered."""

    def act(app: APIFlask, report: Report) -> None:
        answer = browser_with(app, cookies).send("/checkout", "/plans", plan_id=plan, interval="month")
        stripe = app.extensions["settings"].stripe_api_base
        if answer.status_code == 303 and answer.location.startswith(stripe):
            report(location=answer.location)
        report(answered=answer.status_code)

    return act


def landing(cookies: Cookies, checkout_id: str) -> Act:
    def act(app: APIFlask, report: Report) -> None:
        if browser_with(app, cookies).get(f"/checkout/{checkout_id}").status_code == 200:
            report(landed=True)

    return act


def leaving(cookies: Cookies, checkout_id: str) -> Act:
    """Stripe's link back, without having paid."""

    def act(app: APIFlask, report: Report) -> None:
        if browser_with(app, cookies).get(f"/checkout/{checkout_id}/back").status_code == 303:
            report(left=True)

    return act


def downloading(cookies: Cookies, invoice_id: str) -> Act:
    def act(app: APIFlask, report: Report) -> None:
        answer = browser_with(app, cookies).get(f"/invoices/{invoice_id}/document.pdf")
        if answer.status_code == 200:
            report(document=sha256(answer.data).hexdigest())

    return act


def posting(cookies: Cookies, url: str, page: str, **form: str) -> Act:
    """Send a form of ``page``; reports the answer's status, and the cookies as they are then."""

    def act(app: APIFlask, report: Report) -> None:
        client = browser_with(app, cookies)
        answer = client.send(url, page, **form)
        report(status=answer.status_code, cookies=cookies_of(client))

    return act


def filling(cookies: Cookies, page: str, action: str, **changed: str) -> Act:
    """Send the form of ``page`` that posts to ``action`` as it stands there, but for what is changed."""

    def act(app: APIFlask, report: Report) -> None:
        client = browser_with(app, cookies)
        shown = client.get(page)
        forms = html.parse(shown.text).all("form", action=action) if shown.status_code == 200 else []
        for form in forms:  # none, when it is being done already
            report(status=client.post(action, data={**form.fields(), **changed}).status_code)

    return act


def offering(cookies: Cookies, plan: str) -> Act:
    """Ask what a change of plan costs, and once more with the back button."""

    def act(app: APIFlask, report: Report) -> None:
        client = browser_with(app, cookies)
        answers = [client.get(f"/plan-changes/new?plan_id={plan}&interval=month") for _press in range(2)]
        if [answer.status_code for answer in answers] == [302, 302]:
            report(offered=True)

    return act


def reporting(token: str, body: str) -> Act:
    """A batch of usage, as an integration sends it again until it is answered."""

    def act(app: APIFlask, report: Report) -> None:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        answer = app.test_client().post("/api/v1/uso/lote", data=body, headers=headers)
        if answer.status_code == 200 and {item["status"] for item in answer.json["items"]} <= {"accepted", "duplicate"}:
            report(counted=True)

    return act


def making_a_key(cookies: Cookies) -> Act:
    """As somebody who sees no key makes another one; reports the one that was shown."""

    def act(app: APIFlask, report: Report) -> None:
        client = browser_with(app, cookies)
        fields = html.parse(client.get("/api-keys").text).form("/api-keys").fields()
        chosen = {"name": "Meter", "scopes": list(SCOPES), "expires_in_days": ""}
        answer = client.post("/api-keys", data={**fields, **chosen})
        if answer.status_code == 201:
            report(token=str(re.search(r"bp_test_\w+", answer.text)[0]))  # type: ignore[index]

    return act


def asking(token: str) -> Act:
    """What an integration asks before and after: whether more may be used, and what was used."""

    def act(app: APIFlask, report: Report) -> None:
        client, headers = app.test_client(), {"Authorization": f"Bearer {token}"}
        asked = ("permiso?resource_type=api_calls", "resumen")
        answers = [client.get(f"/api/v1/uso/{each}", headers=headers) for each in asked]
        if [answer.status_code for answer in answers] == [200, 200]:
            report(asked=answers[1].json["resources"])

    return act


def closing(_app: APIFlask, _report: Report) -> None:
    """The turn that closes periods of usage, as the ticker starts it every minute; one that fails is not the last."""
    with suppress(Injected, InvalidRequestError):  # the latter where a commit fails that is already made
        close_due()


def looking(cookies: Cookies, url: str) -> Act:
    """Open a page; reports the answer's status."""

    def act(app: APIFlask, report: Report) -> None:
        report(status=browser_with(app, cookies).get(url).status_code)

    return act


def delivering(events: list[dict[str, Any]]) -> Act:
    def act(app: APIFlask, report: Report) -> None:
        client = browser_with(app)
        for event in events:
            if deliver(client, event).status_code == 200:
                report(acknowledged=event["id"])

    return act


def working(app: APIFlask, _report: Report) -> None:
    """A worker that starts, is rung, and ends when nothing is left in its queue."""
    bell().ring()
    queue = Queue(QUEUE, connection=bell().redis, serializer=JSONSerializer)
    SimpleWorker([queue], connection=bell().redis, serializer=JSONSerializer).work(burst=True, logging_level="ERROR")


def working_without_renderer(app: APIFlask, report: Report) -> None:
    """The same on a machine that cannot make PDFs."""
    app.extensions["pdf_process"] = PdfProcess(enabled=False)
    working(app, report)


def ticking(_app: APIFlask, _report: Report) -> None:
    """One look of a ticker; one that fails ends, and is started again."""
    with suppress(Injected):
        schedule.register_all()
        tick()
