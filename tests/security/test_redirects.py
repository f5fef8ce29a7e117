"""Where a sign-in may lead back to."""

import pytest

from portal.security.redirects import safe_path

HOSTILE = [
    "", "https://evil.example", "http://evil.example/", "//evil.example", "///evil.example", "////evil.example",
    "/\\evil.example", "\\\\evil.example", "\\/evil.example", "/\t/evil.example", "/\n/evil.example",
    "\t//evil.example",
    " //evil.example", "/ /evil.example", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x",
    "vbscript:x",
    "/%2f%2fevil.example", "/%2F/evil.example", "/%5cevil.example", "/%5C%5Cevil.example", "/%252f%252fevil.example",
    "/%09/evil.example", "/%0d%0aSet-Cookie:%20a=b", "/a\r\nSet-Cookie: a=b", "/\x00", "/%00", "evil.example",
    "plans",
    "./plans", "../plans", "/../plans", "/a/../../b", "/..//evil.example", "/a//evil.example", "http:/evil.example",
    "http:evil.example", "//user@evil.example", "/@evil.example//x", "https:///evil.example", "/\u2028/evil",
    "/é", "//[::1]/", "/sign-out", "/sign-in?next=/sign-in", "/%73ign-out", "?next=//evil", "#//evil", "/" + "a" * 3000,
]  # fmt: skip
LOCAL = [
    "/",
    "/plans",
    "/plans?interval=year",
    "/invoices/0190-1?x=1&y=2",
    "/m%C3%A9todos-pago",
    "/a@b",
    "/x?u=http://y",
]


@pytest.mark.parametrize("target", HOSTILE)
def test_a_hostile_target_leads_nowhere(target: str) -> None:
    assert safe_path(target) is None


@pytest.mark.parametrize("target", LOCAL)
def test_a_local_path_is_kept(target: str) -> None:
    assert safe_path(target) == target


def test_there_are_forty_hostile_values() -> None:
    assert len(set(HOSTILE)) >= 40
