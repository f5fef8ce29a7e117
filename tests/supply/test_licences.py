"""Which licences pass, which do not, and what is said of those."""

from email.message import Message

import pytest

from tests.support import licences
from tests.support.licences import EXCEPTIONS, Licensed, faults, licence_of

MIT = "License :: OSI Approved :: MIT License"
BSD = "License :: OSI Approved :: BSD License"
GPL = "License :: OSI Approved :: GNU General Public License v3 (GPLv3)"
TEXT = "Copyright (c) the authors\n\nPermission is hereby granted to use this for no evil at all."


def metadata(*classifiers, expression="", licence=""):
    message = Message()
    for classifier in classifiers:
        message["Classifier"] = classifier
    if expression:
        message["License-Expression"] = expression
    if licence:
        message.add_header("License", licence)
    return message


@pytest.mark.parametrize(
    ("given", "licence", "allowed"),
    [
        (metadata(expression="MIT"), "MIT", True),
        (metadata(expression="Apache-2.0 OR GPL-3.0-only"), "Apache-2.0 OR GPL-3.0-only", True),
        (metadata(expression="Apache-2.0 AND GPL-3.0-only"), "Apache-2.0 AND GPL-3.0-only", False),
        (metadata(expression="(GPL-3.0-only OR MIT) AND BSD-3-Clause"), "(GPL-3.0-only OR MIT) AND BSD-3-Clause", True),
        (metadata(expression="Apache-2.0 WITH LLVM-exception"), "Apache-2.0 WITH LLVM-exception", False),
        (metadata(expression="MIT AND"), "MIT AND", False),
        (metadata(MIT), "MIT", True),
        (metadata(MIT, licence="MIT"), "MIT", True),
        (metadata(BSD, licence="BSD-3-Clause"), "BSD-3-Clause", True),
        (metadata(BSD, licence=TEXT), "BSD", True),
        (metadata(licence=TEXT), "", False),
        (metadata("License :: OSI Approved", licence="Apache 2.0"), "Apache-2.0", True),
        (metadata(GPL), "GNU General Public License v3 (GPLv3)", False),
        (metadata(MIT, GPL), "GNU General Public License v3 (GPLv3) / MIT", False),
        (metadata(MIT, BSD), "BSD / MIT", True),
        (metadata(MIT, licence="Proprietary"), "MIT / Proprietary", False),
        (metadata(MIT, expression="AGPL-3.0-only"), "AGPL-3.0-only", False),
        (metadata(expression="LGPL-3.0-only"), "LGPL-3.0-only", False),
        (metadata(), "", False),
    ],
)
def test_a_licence_is_read_and_judged(given, licence, allowed):
    assert licence_of(given) == licence
    assert (Licensed("some-package", licence).fault == "") is allowed


@pytest.mark.parametrize(
    ("licence", "sentence"), [("", "names no licence"), ("AGPL-3.0-only", "is under 'AGPL-3.0-only'")]
)
def test_what_is_refused_says_what_to_do(licence, sentence):
    fault = Licensed("some-package", licence).fault
    assert sentence in fault
    assert "with the reason, in EXCEPTIONS" in fault


def test_an_exception_is_for_one_package_and_one_licence():
    assert Licensed("psycopg", "LGPL-3.0-only").fault == ""
    assert Licensed("psycopg", "AGPL-3.0-only").fault != ""
    assert Licensed("other", "LGPL-3.0-only").fault != ""


def test_every_exception_is_still_needed():
    used = {package.name: package.licence for package in licences.runtime() if package.name in EXCEPTIONS}
    assert used == {name: licence for name, (licence, _) in EXCEPTIONS.items()}


def test_a_listing_that_is_out_of_date_is_seen():
    found, listing = licences.runtime(), licences.LISTING.read_text()
    assert faults(found, listing) == []
    assert "(flask)" in faults(found, listing.replace("| flask | BSD-3-Clause |  |\n", ""))[0]
    assert "(flask)" in faults(found, listing.replace("| flask | BSD-3-Clause |", "| flask | MIT |"))[0]
    assert "(gone)" in faults(found, f"{listing}| gone | MIT |  |\n")[0]
