"""What the user sets wins; what is generated stays; nobody else reads it."""

import stat
import subprocess

import pytest

from portal.embedded import environment
from portal.embedded.refusals import Refusal


def test_the_shell_wins_over_the_file_and_empty_means_not_set(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("PORTAL_NAME=File\nCURRENCY=eur\nREDIS_URL=\n")
    given = environment.given(dotenv, {"PORTAL_NAME": "Shell", "DATABASE_URL": "", "HOME": "/root"})
    assert given == {"PORTAL_NAME": "Shell", "CURRENCY": "eur"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("NAME=plain", "plain"),
        ("export NAME=plain", "plain"),
        ("NAME = spaced", "spaced"),
        ("NAME=two words", "two words"),
        ("NAME='single # kept'", "single # kept"),
        ('NAME="double"', "double"),
        ("NAME=value # comment", "value"),
        ("NAME=with#hash=and=equals", "with#hash=and=equals"),
        ("NAME='unclosed", "'unclosed"),
        ("NAME=", ""),
    ],
)
def test_lines_are_read_as_people_write_them(tmp_path, line, value):
    file = tmp_path / ".env"
    file.write_text(f"# a comment\n\n{line}\n")
    assert environment.read(file) == {"NAME": value}


def test_a_line_that_is_none_is_refused_by_number(tmp_path):
    (tmp_path / ".env").write_text("GOOD=1\nwhat is this\n")
    with pytest.raises(Refusal, match=r"Line 2 .* is not NAME=value"):
        environment.read(tmp_path / ".env")


def test_what_is_written_is_read_again_by_us_and_by_a_shell(tmp_path):
    values = {"URL": "postgresql://u:p@127.0.0.1:1/billing", "NAME": 'it\'s "quoted" $HOME #1'}
    file = tmp_path / "env"
    environment.write(file, values)
    assert environment.read(file) == values
    shell = subprocess.run(["sh", "-c", f". {file}; printf '%s' \"$NAME\""], capture_output=True, text=True, check=True)
    assert shell.stdout == values["NAME"]


def test_secrets_are_made_once_and_only_we_can_read_them(tmp_path):
    first = environment.generated(tmp_path / "secrets")
    assert environment.generated(tmp_path / "secrets") == first
    assert len(first["SECRET_KEY"]) >= 32
    assert first["STRIPE_API_KEY"].startswith("sk_test_")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o600
