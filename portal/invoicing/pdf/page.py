"""What is printed without being frozen: a page that was rendered already, in the reader's words."""

from dataclasses import dataclass
from typing import Any, Self

from portal.invoicing.pdf.snapshots import from_json, to_json


@dataclass(frozen=True, kw_only=True)
class PrintedPage:
    """A whole HTML page, texts escaped, drawings inside. It may fetch nothing but the bundled fonts."""

    html: str

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        values: dict[str, Any] = to_json(self)
        return values

    @classmethod
    def from_json(cls, values: Any) -> Self:
        """Return the page of such values. Raises InvalidDocument naming the field that is wrong."""
        return from_json(cls, values)
