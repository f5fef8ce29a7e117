"""Generated documents against Peppol's own rules: ``python -m tests.invoicing.einvoices --rules … --schxslt …``.

Both are others' and not shipped: the rules are ``rules/sch/PEPPOL-EN16931-UBL.sch`` of OpenPEPPOL/peppol-bis-invoice-3,
what compiles them is ``core/src/main/resources/xslt/2.0/pipeline-for-svrl.xsl`` of schxslt/schxslt.
"""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from lxml import etree
from saxonche import PySaxonProcessor

from portal.invoicing.einvoices import ubl
from portal.invoicing.einvoices.endpoints import goes_by_peppol
from portal.invoicing.pdf.document import InvoiceDocument
from tests.invoicing.einvoices.test_rules import documents

_FAILED = "{http://purl.oclc.org/dsdl/svrl}failed-assert"


class Rules:
    """Compiled once. ``checked`` documents so far, ``failed`` by rule."""

    def __init__(self, rules: Path, schxslt: Path) -> None:
        self._saxon = PySaxonProcessor(license=False)
        compiler = self._saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(schxslt))
        with tempfile.NamedTemporaryFile("w", suffix=".xslt") as sheet:
            sheet.write(compiler.transform_to_string(source_file=str(rules)))
            sheet.flush()
            self._sheet: Any = self._saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=sheet.name)
        self.checked = 0
        self.failed: Counter[str] = Counter()

    def check(self, document: InvoiceDocument) -> None:
        xml = ubl(document).decode()
        said = self._sheet.transform_to_string(xdm_node=self._saxon.parse_xml(xml_text=xml))
        self.failed.update(str(each.get("id")) for each in etree.fromstring(said.encode()).iter(_FAILED))
        self.checked += 1


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.invoicing.einvoices", description=__doc__)
    parser.add_argument("--rules", type=Path, required=True)
    parser.add_argument("--schxslt", type=Path, required=True)
    parser.add_argument("--examples", type=int, default=1500)
    arguments = parser.parse_args()
    rules = Rules(arguments.rules, arguments.schxslt)

    @settings(max_examples=arguments.examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(documents())
    def each(document: InvoiceDocument) -> None:
        if goes_by_peppol(document):
            rules.check(document)

    each()
    sys.stdout.write(f"{rules.checked} documents, failures: {dict(rules.failed) or 'none'}\n")
    return 1 if rules.failed else 0


if __name__ == "__main__":
    sys.exit(main())
