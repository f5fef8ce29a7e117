"""Which language and which separators a reader gets, and how both are switched."""

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session

from portal.catalogues import catalogue
from portal.i18n import Viewer, speaking_to, viewer
from portal.templating import money
from tests.pages import rows
from tests.support import html, people
from tests.support.people import Browser, Person


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("es-MX,es;q=0.9", "es"),
        ("pt-PT", "pt-BR"),
        ("pt-BR", "pt-BR"),
        ("de,fr;q=0.5", "en"),
        ("", "en"),
        ("xx-!!", "en"),
    ],
)
def test_strangers_are_met_in_their_browsers_language(app: APIFlask, accepted: str, language: str) -> None:
    page = html.page(app.test_client().get("/sign-in", headers={"Accept-Language": accepted}))
    assert page.one("html")["lang"] == language


def test_a_stranger_switches_by_a_plain_form_and_it_stays(app: APIFlask) -> None:
    client = people.browser(app)
    form = html.page(client.get("/sign-in?next=/invoices")).form("/language")
    sent = {**form.fields(), "language": "pt_BR"}
    response = client.post("/language", data=sent)
    assert (response.status_code, response.location) == (303, "/sign-in?next=/invoices")
    assert html.page(client.get("/sign-in")).one("html")["lang"] == "pt-BR"


def test_a_member_switches_for_all_browsers(app: APIFlask, browser: Browser, person: Person) -> None:
    browser.send("/language", language="es", next="/plans")
    assert html.page(people.browser(app, person).get("/")).one("html")["lang"] == "es"


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_the_way_back_stays_here(browser: Browser, target: str) -> None:
    assert browser.send("/language", language="es", next=target).location == "/"


@pytest.mark.parametrize(
    ("path", "sent"), [("/language", {"language": "tlh"}), ("/theme", {"theme": "pink"}), ("/theme", {})]
)
def test_unknown_choices_are_refused(browser: Browser, path: str, sent: dict[str, str]) -> None:
    assert browser.send(path, **sent).status_code == 422


def test_colours_are_in_the_first_byte_of_the_page(browser: Browser) -> None:
    assert html.page(browser.get("/")).one("html")["data-theme"] == "auto"
    browser.send("/theme", theme="dark", next="/")
    root = html.page(browser.get("/")).one("html")
    assert (root["data-theme"], root["data-bs-theme"]) == ("dark", "dark")


def test_separators_are_kept_apart_from_the_language(app: APIFlask, write: Session) -> None:
    person = people.member(language="es", format_locale="es_MX")
    rows.subscription(write, person.tenant_id, "professional", "year")
    write.commit()
    page = html.page(people.browser(app, person).get("/"))
    assert page.one("html")["lang"] == "es"
    assert "990.00" in page.one(class_="big-number").text


def test_a_mail_speaks_to_its_recipient_and_the_request_goes_on_as_before(app: APIFlask) -> None:
    with app.test_request_context(headers={"Accept-Language": "en"}):
        with speaking_to(Viewer("pt_BR", "pt_BR", "America/Sao_Paulo")):
            assert viewer().language == "pt_BR"
            assert money(290000, "brl") == "R$\u00a02.900,00"
        assert viewer().language == "en"
        assert money(290000, "usd") == "$2,900.00"


def test_brazilian_zero_is_singular() -> None:
    plural = catalogue("pt_BR").plural  # type: ignore[attr-defined]  # gettext's own
    assert plural(0) == plural(1) != plural(2)


def test_static_files_are_kept_for_a_year_under_their_hash(browser: Browser) -> None:
    links = html.page(browser.get("/")).all("link", rel="stylesheet")
    response = browser.get(links[0]["href"])
    assert response.status_code == 200
    assert "immutable" in response.headers["Cache-Control"]


def test_a_page_and_its_fragment_are_never_mixed_up_by_a_cache(browser: Browser) -> None:
    assert "HX-Request-Type" in browser.get("/plans").headers["Vary"]
