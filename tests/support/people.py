"""People for tests, made by the portal's own verbs, and browsers that they sign in with."""

from contextvars import Context
from dataclasses import dataclass
from html.parser import HTMLParser
from itertools import count
from typing import Any
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.billing import tenants
from portal.security import passwords, people

PASSWORD = "a calm and exact tool"
_numbers = count(1)


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in."""

    user_id: UUID
    email: str
    password: str
    tenant_id: UUID | None = None


class Browser(FlaskClient):
    """A client whose requests never share an app context, with each other or with the test around them.

    Flask reuses a context that is pushed: the principal and the database session of one request would be
    those of the next.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return Context().run(super().open, *args, **kwargs)

    def token(self, page: str = "/sign-in") -> str:
        """The CSRF token of a page's first form."""
        return form_token(self.get(page).text)

    def send(self, url: str, page: str = "/account", **data: Any) -> TestResponse:
        """Post a form as the page that holds it would; ``page`` is where the token comes from."""
        return self.post(url, data={"csrf_token": self.token(page), **data})

    def sign_in(self, person: Person, **data: Any) -> TestResponse:
        form = {"email": person.email, "password": person.password, **data}
        return self.send("/sign-in", "/forgot-password", **form)


def prepare(app: Flask) -> Flask:
    """Make an app cheap to sign in to: the least Argon2id that there is, and isolated browsers."""
    app.extensions["password_cost"] = passwords.TEST_COST
    app.test_client_class = Browser
    return app


def browser(app: Flask, person: Person | None = None) -> Browser:
    """A fresh browser, signed in as ``person`` if there is one."""
    client = prepare(app).test_client()
    assert isinstance(client, Browser)
    if person is not None:
        response = client.sign_in(person)
        assert response.status_code == 303, response.text
    return client


def tenant(name: str = "") -> UUID:
    number = next(_numbers)
    name = name or f"Tenant {number}"
    return tenants.create(name, f"tenant-{number}", f"billing-{number}@tenant.example")


def user(email: str = "", **values: Any) -> Person:
    email = email or f"person-{next(_numbers)}@example.com"
    password = values.pop("password", PASSWORD)
    return Person(people.create_user(email, values.pop("name", "A Person"), password, **values), email, password)


def member(tenant_id: UUID | None = None, role: str = "owner", **values: Any) -> Person:
    """A user in a tenant, both new unless the tenant is given."""
    tenant_id = tenant_id or tenant()
    made = user(**values)
    people.add_member(tenant_id, made.user_id, role)
    return Person(made.user_id, made.email, made.password, tenant_id)


def staff(role: str = "admin", **values: Any) -> Person:
    made = user(**values)
    people.grant_staff_role(made.user_id, role)
    return made


class _Tokens(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "input" and values.get("name") == "csrf_token":
            self.found.append(values.get("value") or "")


def form_tokens(html: str) -> list[str]:
    """Every CSRF token in a page's forms."""
    parser = _Tokens()
    parser.feed(html)
    return parser.found


def form_token(html: str) -> str:
    """The first CSRF token in a page."""
    return form_tokens(html)[0]
