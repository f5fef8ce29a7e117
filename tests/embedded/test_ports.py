"""Ports: kept while free, given up when taken; and a taken one for the portal is one sentence."""

import socket

import pytest

from portal.embedded import ports, preflight
from portal.embedded.refusals import Refusal


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_noted_port_is_kept_while_it_is_free(tmp_path):
    port = ports.kept(tmp_path / "port")
    assert ports.kept(tmp_path / "port") == port


@pytest.mark.parametrize("note", ["", "no number", "-1", "0", "99999999"])
def test_a_damaged_note_gives_a_new_port(tmp_path, note):
    (tmp_path / "port").write_text(note)
    assert ports.is_free(ports.kept(tmp_path / "port"))


def test_a_taken_port_is_given_up(tmp_path, taken):
    (tmp_path / "port").write_text(str(taken))
    assert ports.kept(tmp_path / "port") != taken
    assert ports.next_free(taken) != taken


def test_a_taken_port_is_refused_with_another_to_choose(taken):
    with pytest.raises(Refusal, match=rf"Port {taken} is taken by another program; .* --port \d+"):
        preflight.check_port("127.0.0.1", taken)


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(Refusal, match=r"cannot listen at 192\.0\.2\.1"):
        preflight.check_port("192.0.2.1", 8000)
