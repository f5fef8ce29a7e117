"""Pango: used where it is, and where it cannot be had, PDFs are off and the way to have them is said."""

import pytest

from portal.embedded import pango


def test_where_the_libraries_load_nothing_is_needed(tmp_path):
    if not pango._loads({}):
        pytest.skip("this machine has no Pango")
    found = pango.prepare(tmp_path, tmp_path, tmp_path / "log", may_install=False)
    assert found == pango.Pango("from this machine")


def test_where_they_cannot_be_had_pdfs_are_off_and_the_command_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(pango, "_LIBRARIES", ("libpango-that-is-not-there.so.0",))
    found = pango.prepare(tmp_path, tmp_path, tmp_path / "log", may_install=False)
    assert not found.found
    assert found.variables == {"PORTAL_PDF": "off"}
    assert pango.advice() in found.note


def test_unpacked_libraries_are_found_through_two_variables(tmp_path, monkeypatch):
    (tmp_path / "pango" / "usr" / "lib" / "x86_64-linux-gnu").mkdir(parents=True)
    monkeypatch.setattr(pango, "_loads", bool)  # a process without variables finds nothing, with them all
    found = pango.prepare(tmp_path, tmp_path, tmp_path / "log", may_install=False)
    assert found.note == "unpacked in var/system"
    assert str(tmp_path / "pango") in found.variables["LD_LIBRARY_PATH"]
    settings = (tmp_path / "pango" / "fonts.conf").read_text()
    assert "<cachedir>" in settings
    # A bare machine has no other fonts than those that came along: names in scripts that ours lack need them.
    assert f"<dir>{tmp_path / 'pango' / 'usr' / 'share' / 'fonts'}</dir>" in settings
    assert found.variables["FONTCONFIG_FILE"] == str(tmp_path / "pango" / "fonts.conf")
