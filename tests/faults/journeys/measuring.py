"""A source's whole life: staff enter it, test it, link a tenant, workers measure; changed, removed, archived."""

from itertools import count
from typing import Any

import requests

from sandbox.outside.netbox import tokens
from tests.faults.acts import Cookies, posting, signing_in
from tests.faults.journey import Journey
from tests.support import database, people

DEVICES = 5
PAGE = "/staff/sources"
_numbers = count(1)
_TURNS = (
    "INSERT INTO outbox (id, kind, key, payload) SELECT gen_random_uuid(), kind, gen_random_uuid(), '{}'"
    " FROM (VALUES ('periodic.pull_usage_sources'), ('periodic.look_at_source_keys')) AS turns(kind) RETURNING 1"
)


class Measuring(Journey):
    """Each hour's figures count once, however many workers measured them."""

    def __post_init__(self) -> None:
        super().__post_init__()
        number = next(_numbers)
        self.name = f"NetBox {number}"
        self.there = f"tenant-there-{number}"
        with self.world.web.app_context():
            self.keeper = people.staff("finance")
            database.dispose(self.world.web)
        self.external = self._make_there()

    def live(self) -> None:
        with self.calm():
            keeper: Cookies = self.until("cookies", lambda: signing_in(self.keeper))
        base_url = f"{self.world.sandbox.url}/netbox"
        form = {"kind": "netbox", "name": self.name, "base_url": base_url, "secret": tokens.READ}
        self.until(lambda _: self._source(), lambda: posting(keeper, PAGE, PAGE, **form))
        source = f"{PAGE}/{self._source()['id']}"
        self.until(lambda _: self._source()["test_outcome"] == "ok", lambda: posting(keeper, f"{source}/test", source))
        tenant_id = str(self.person.tenant_id)
        choice = {"tenant_id": tenant_id, "external_id": self.external, "seen": f"{tenant_id} {self.external}"}
        self.until(
            lambda _: self._links(), lambda: posting(keeper, f"{source}/link", f"{source}/link", **choice, act="link")
        )
        self.until(lambda _: self._links()[0]["sampled_at"], lambda: posting(keeper, "/language", source))
        soon = {**form, "key_expires_on": "2020-01-01"}
        self.until(lambda _: self._source()["key_expires_at"], lambda: posting(keeper, source, source, **soon))
        self._fail_and_mend(keeper, source)
        self.world.rows(_TURNS)
        self.settle()
        remove = f"{PAGE}/links/{self._links()[0]['id']}/remove"
        self.until(lambda _: self._links()[0]["removed_at"], lambda: posting(keeper, remove, source))
        self.until(
            lambda _: self._source()["archived_at"], lambda: posting(keeper, f"{source}/archive", source)
        )  # fmt: skip
        self.settle()

    def _fail_and_mend(self, keeper: Cookies, source: str) -> None:
        """An hour in which its tenant is gone, and one in which it is there again."""
        for external_id, state in (("4711", "unlinked"), (self.external, "linked")):
            move = "UPDATE usage_source_links SET external_id = :there WHERE tenant_id = :tenant RETURNING 1"
            self.of_tenant(move, there=external_id)
            self.of_tenant(
                "INSERT INTO outbox (id, kind, key, tenant_id, payload) SELECT gen_random_uuid(), 'source.pull',"
                " gen_random_uuid(), tenant_id, jsonb_build_object('link_id', id, 'hour', now() - :hours * interval"
                " '1 hour') FROM usage_source_links WHERE tenant_id = :tenant RETURNING 1",
                hours=2 if state == "unlinked" else 1,
            )
            self.until(
                lambda _, state=state: self._links()[0]["state"] == state,  # type: ignore[misc]
                lambda: posting(keeper, "/language", source),
            )

    def _make_there(self) -> str:
        """A tenant at NetBox with some devices."""
        body = {"tenants": [{"name": self.there}], "devices": [{"tenant": self.there, "count": DEVICES}]}
        made = requests.post(f"{self.world.sandbox.url}/_sandbox/netbox/objects", json=body, timeout=60)
        made.raise_for_status()
        return str(made.json()["tenants"][0])

    def _source(self) -> dict[str, Any]:
        found = self.world.rows("SELECT * FROM usage_sources WHERE name = :name", name=self.name)
        return found[0] if found else {}

    def _links(self) -> list[dict[str, Any]]:
        return self.of_tenant("SELECT * FROM usage_source_links WHERE tenant_id = :tenant")

    def verify(self) -> None:
        """One link, each figure once for each hour that was measured, and staff were told of the key."""
        self.verify_nothing_is_left("usage_source_key_ends", "usage_source_unlinked")
        (link,) = self._links()
        found = self.of_tenant(
            "SELECT quantity, event_id FROM usage_events WHERE tenant_id = :tenant AND resource_type = 'netbox_devices'"
        )
        assert {row["quantity"] for row in found} == {DEVICES}
        assert len({row["event_id"] for row in found}) == len(found)
        assert 2 <= len(found) <= 3, "the link's hour, the mended one, and the next where the clock struck in between"
        assert [self.audited(f"source.{verb}") for verb in ("link", "unlink")] == [1, 1]
        assert link["figures"]["netbox_devices"] == str(DEVICES)
        self.verify_mails()
