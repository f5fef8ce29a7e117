"""In CI a skip needs a listed reason."""

import os
import subprocess
import sys

import pytest

from tests.support import skips

SUITE = """
import pytest

@pytest.mark.skip(reason="the moon is not full")
def test_skipped(): ...

@pytest.mark.xfail(reason="known", strict=True)
def test_expected_to_fail(): assert False

def test_passes(): ...
"""


@pytest.mark.parametrize(
    ("listing", "ci", "code"),
    [("", "true", 1), ("# nothing\nthe moon\n", "true", 0), ("", "", 0)],
    ids=["unlisted", "listed", "not in CI"],
)
def test_a_skip_fails_the_run_in_ci_unless_its_reason_is_listed(tmp_path, listing, ci, code):
    (tmp_path / "test_it.py").write_text(SUITE)
    (tmp_path / "conftest.py").write_text(
        "import pathlib\nfrom tests.support import skips\n"
        f"skips.ALLOWED = pathlib.Path({str(tmp_path / 'skips.txt')!r})\n"
        "pytest_plugins = ['tests.support.skips']\n"
    )
    (tmp_path / "skips.txt").write_text(listing)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", str(tmp_path), "-c", "/dev/null", str(tmp_path)],
        env=os.environ | {"CI": ci, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert ("the moon is not full" in done.stdout) == (code == 1)


def test_an_empty_list_allows_nothing():
    assert not "any reason".startswith(skips.allowed_reasons("# only a comment\n\n"))
