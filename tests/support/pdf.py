"""Whether this machine can make PDFs; what needs them is skipped, with the reason, where it cannot."""

import pytest

from portal.invoicing.pdf import selfcheck


@pytest.fixture(scope="session", name="pdf")
def fixture_pdf() -> None:
    found = selfcheck()
    if found.state != "ok":
        pytest.skip(f"no PDFs on this machine: {found.detail}")
