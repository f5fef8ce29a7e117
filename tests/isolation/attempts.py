"""The generator: every route × method × actor × place of the id, made from the app's own table of routes."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from apiflask import APIFlask
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.routing.converters import UUIDConverter

from portal.security.guards import Guard, guard_of
from tests.isolation.actors import Actor
from tests.isolation.exchange import FRAGMENT, Sent
from tests.isolation.loot import Loot
from tests.isolation.recipes import VOLATILE, Hers, form_of, parameters_of

SAFE = ("GET", "HEAD", "OPTIONS")
OTHER_METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
# Where a frontend, a proxy or a client library would name a tenant or a person.
HEADERS = {
    "X-Tenant-ID": "tenant_id",
    "X-Tenant": "tenant_id",
    "X-Account-ID": "tenant_id",
    "X-User-ID": "user_id",
    "X-Forwarded-User": "email",
    "X-Remote-User": "email",
    "X-Customer-ID": "customer_id",
    "Stripe-Account": "tenant_id",
    "Idempotency-Key": "invoice_id",
    "HX-Target": "invoice_id",
    "HX-Trigger": "checkout_id",
    "HX-Prompt": "tenant_id",
    "If-None-Match": "document_id",
}
COOKIES = {"tenant": "tenant_id", "tenant_id": "tenant_id", "user_id": "user_id", "session_id": "session_id"}


@dataclass(frozen=True)
class Attempt:
    """One request that names something of the victim's, and what it is called in a failure."""

    rule: Rule
    guard: Guard | None
    actor: Actor
    place: str
    sent: Sent

    def __str__(self) -> str:
        return f"{self.actor.name}: {self.sent.method} {self.rule.rule} by {self.place}"


@dataclass(frozen=True)
class Generator:
    """``asked``: by endpoint and place, the names that handlers were found to read. ``below``: a prefix of paths."""

    app: APIFlask
    loot: Loot
    asked: Mapping[tuple[str, str], set[str]]
    below: str = "/"

    def attempts(self, actor: Actor) -> Iterator[Attempt]:
        """All that this actor tries."""
        for rule in rules(self.app, self.below):
            for method in methods_of(rule):
                base = self.base(rule, method, actor)
                for place, sent in self._places(rule, base, actor):
                    yield Attempt(rule, guard_of(self.app, rule.endpoint), actor, place, sent)

    def base(self, rule: Rule, method: str, actor: Actor) -> Sent:
        """A request that is right in all but whose things it names."""
        parameters = parameters_of(rule, self.loot.named)
        headers = {"Authorization": f"Bearer {actor.bearer}"} if actor.bearer else {}
        sent = Sent(method, self._path(rule, parameters), headers=headers, cookies=actor.cookies)
        if method in SAFE:
            return sent
        fields = {
            name: self.loot.named[value.name] if isinstance(value, Hers) else value
            for name, value in form_of(rule).items()
        }
        return replace(sent, form={"csrf_token": actor.token, **fields})

    def _places(self, rule: Rule, base: Sent, actor: Actor) -> Iterator[tuple[str, Sent]]:
        if actor.standing == "within":
            yield "path", base
            return
        everything = self._everywhere(base)
        yield "everything at once", everything
        if rule.endpoint in VOLATILE:
            return
        yield (
            "fragment",
            replace(everything, form=base.form, cookies=base.cookies, headers={**everything.headers, **FRAGMENT}),
        )
        if base.form is not None and actor.standing == "apart":
            yield "JSON", self._as_json(base, actor)
        if actor.thorough:
            yield "query", replace(base, query=everything.query)
            yield "headers", replace(base, headers=everything.headers)
            yield "cookies", replace(base, cookies=everything.cookies)
            if base.form is not None:
                yield "form", replace(base, form=everything.form)
            yield from self._by_path(rule, base)
            yield from self._by_name(rule, base)

    def _by_path(self, rule: Rule, base: Sent) -> Iterator[tuple[str, Sent]]:
        """Every id of hers where the route takes one, whatever it is an id of."""
        for name, converter in rule._converters.items():
            for value in self.loot.uuids if isinstance(converter, UUIDConverter) else (self.loot.named["number"],):
                path = self._path(rule, {**parameters_of(rule, self.loot.named), name: value})
                yield f"path {name}={value}", replace(base, path=path)
                if base.method == "GET":
                    yield f"fragment of {name}={value}", replace(base, path=path, headers=FRAGMENT)
        for method in OTHER_METHODS if rule.arguments else ():
            if method not in methods_of(rule):
                yield f"method {method}", replace(base, method=method)

    def _by_name(self, rule: Rule, base: Sent) -> Iterator[tuple[str, Sent]]:
        """Every name that the handler was found to ask for, with ids of several kinds."""
        for name in sorted(self.asked.get((rule.endpoint, "query"), ())):
            for value in self._values(name):
                yield f"query {name}={value}", replace(base, query={name: value})
        for name in sorted(self.asked.get((rule.endpoint, "form"), ())) if base.form is not None else ():
            for value in self._values(name):
                yield f"form {name}={value}", replace(base, form={**(base.form or {}), name: value})
        for place in ("header", "cookie"):
            for name in sorted(self.asked.get((rule.endpoint, place), ())):
                given = {name: self.loot.named.get(name, self.loot.named["tenant_id"])}
                changed = replace(base, headers=given) if place == "header" else self._with_cookies(base, given)
                yield f"{place} {name}", changed

    def _values(self, name: str) -> Iterable[str]:
        """What the name itself promises, a path to hers, and one id of each kind."""
        named = self.loot.named
        wanted = (named[each] for each in (name, "customer_id", "number") if each in named)
        return dict.fromkeys([*wanted, f"/invoices/{named['invoice_id']}", *self.loot.uuids])

    def _everywhere(self, base: Sent) -> Sent:
        """All her ids at all places at once; what the route needs to work stays."""
        names = dict(self.loot.named)
        form = None if base.form is None else {**names, **base.form}
        changed = replace(base, query=names, form=form, headers={**self._headers(HEADERS), **base.headers})
        return self._with_cookies(changed, {name: self.loot.named[of] for name, of in COOKIES.items()})

    def _with_cookies(self, base: Sent, cookies: Mapping[str, str]) -> Sent:
        return replace(base, cookies={**cookies, **base.cookies})

    def _headers(self, names: Mapping[str, str]) -> dict[str, str]:
        hers = f"/invoices/{self.loot.named['invoice_id']}"
        places = {"HX-Current-URL": f"http://localhost{hers}", "X-Original-URL": hers, "X-Rewrite-URL": hers}
        named = {header: self.loot.named[name] for header, name in names.items()}
        return {**named, **places, "Authorization": f"Bearer {self.loot.named['tenant_id']}"}

    def _as_json(self, base: Sent, actor: Actor) -> Sent:
        fields = {name: value for name, value in (base.form or {}).items() if name != "csrf_token"}
        nested: dict[str, Any] = {"object": "event", "data": {"object": {**self.loot.named}}}
        body = {**self.loot.named, **nested, **fields}
        return replace(base, form=None, json=body, headers={"X-CSRFToken": actor.token, **base.headers})

    def _path(self, rule: Rule, values: Mapping[str, str]) -> str:
        return self.app.url_map.bind("localhost").build(rule.endpoint, dict(values))


def rules(app: Flask, below: str = "/") -> list[Rule]:
    """Every route of the app, files included."""
    found = (rule for rule in app.url_map.iter_rules() if rule.rule.startswith(below))
    return sorted(found, key=lambda rule: (rule.rule, rule.endpoint))


def methods_of(rule: Rule) -> list[str]:
    """The methods with a handler of their own."""
    return sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"})
