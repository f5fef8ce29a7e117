"""`./run test`: one failure fails the whole, hides nothing after it, and what was skipped is named."""

import os

import pytest

from portal.embedded import checks
from portal.embedded.checks import Check
from portal.embedded.console import Console
from portal.embedded.places import Places
from tests.support import advisories, skips

SUITE = """
import pytest

@pytest.mark.parametrize("number", [1, 2])
def test_skipped(number):
    pytest.skip("the moon is not full")

def test_passes():
    assert {truth}
"""
PASSES = Check("passes", ("-c", "pass"))
FAILS = Check("fails", ("-c", "raise SystemExit(3)"))
KNOWS_NOTHING = Check("asks", ("-c", "raise SystemExit(75)"), unanswered="nobody answered")
ABSENT = Check("absent", ("-c", "raise SystemExit('it was run')"), skipped="the tool is not there")


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs these checks and a small suite; gives the exit code and the lines of the summary."""
    monkeypatch.setattr(checks, "_prepare", lambda *_: {})
    monkeypatch.setattr(checks, "_everything", lambda: ("-q", "-p", "no:cacheprovider"))
    monkeypatch.delenv("CI", raising=False)

    def run(*static, truth=True, arguments=()):
        (tmp_path / "test_it.py").write_text(SUITE.format(truth=truth))
        monkeypatch.setattr(checks, "_static_checks", lambda: list(static))
        monkeypatch.setattr(checks, "_supply_checks", list)
        monkeypatch.setattr(checks, "_on_oldest_postgres", lambda: PASSES)
        code = checks.run_checks(Places(tmp_path, tmp_path / "var"), Console(), list(arguments))
        return code, capsys.readouterr().out.partition("Summary\n")[2].splitlines()

    return run


def shown(lines, name):
    return " ".join(next(line for line in lines if f" {name} " in line).split())


def test_all_well_is_0_and_skipped_tests_are_named_with_their_reason(run):
    code, lines = run(PASSES)
    assert code == 0, lines
    assert shown(lines, "passes").startswith("✓ passes passed")
    assert shown(lines, "tests").startswith("✓ tests passed")
    assert lines[-1].split(maxsplit=1)[1] == "2 tests skipped: the moon is not full"


def test_one_that_fails_makes_1_and_the_rest_is_still_run(run):
    code, lines = run(FAILS, PASSES)
    assert code == 1
    assert [shown(lines, name).split()[2] for name in ("fails", "passes", "tests")] == ["failed", "passed", "passed"]


def test_failing_tests_make_1(run):
    code, lines = run(PASSES, truth=False)
    assert code == 1
    assert shown(lines, "tests").startswith("✗ tests failed")


@pytest.mark.parametrize(
    ("ci", "listing", "code", "mark"),
    [("", "", 0, "–"), ("true", "# nothing\n", 1, "✗"), ("true", "the tool is not\n", 0, "–")],
    ids=["not in CI", "unlisted", "listed"],
)
def test_a_check_that_cannot_be_run_fails_in_ci_unless_listed(run, tmp_path, monkeypatch, ci, listing, code, mark):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "skips.txt").write_text(listing)
    ended, lines = None, []
    with monkeypatch.context() as patched:
        patched.setenv("CI", ci)
        ended, lines = run(ABSENT)
    assert ended == code
    assert shown(lines, "absent") == f"{mark} absent skipped: the tool is not there"


@pytest.mark.parametrize(
    ("ci", "listing", "code", "mark"),
    [("", "", 0, "–"), ("true", "", 1, "✗"), ("true", "nobody answered\n", 0, "–")],
    ids=["not in CI", "unlisted", "listed"],
)
def test_a_check_that_finds_nothing_out_is_a_skip_and_never_passes(run, tmp_path, monkeypatch, ci, listing, code, mark):
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "skips.txt").write_text(listing)
    with monkeypatch.context() as patched:
        patched.setenv("CI", ci)
        ended, lines = run(KNOWS_NOTHING)
    assert ended == code
    assert shown(lines, "asks") == f"{mark} asks skipped: nobody answered"


def test_another_check_that_ends_with_that_code_has_failed(run):
    code, lines = run(Check("asks", ("-c", "raise SystemExit(75)")))
    assert code == 1
    assert shown(lines, "asks").startswith("✗ asks failed")


def test_a_check_gets_its_variables(run):
    seen = "import os; raise SystemExit(os.environ.get('RUN_POSTGRES') != '16')"
    assert run(Check("asks", ("-c", seen), variables={"RUN_POSTGRES": "16"}))[0] == 0


def test_the_oldest_postgres_is_used_even_when_the_tests_go_to_another_server(monkeypatch):
    monkeypatch.setenv("TEST_DATABASE_ADMIN_URL", "postgresql://postgres@db.example/postgres")
    assert (os.environ | checks._on_oldest_postgres().variables)["TEST_DATABASE_ADMIN_URL"] == ""


def test_what_the_audit_says_is_what_its_check_knows():
    (audit,) = [check for check in checks._supply_checks() if check.unanswered]
    assert audit.unanswered == advisories.REASON
    assert checks.UNANSWERED == advisories.UNANSWERED
    assert audit.unanswered in skips.allowed_reasons(skips.ALLOWED.read_text())


def test_with_arguments_only_pytest_is_run(run):
    code, lines = run(FAILS, arguments=["-q", "-p", "no:cacheprovider", "-k", "passes"])
    assert code == 0
    assert [line.split()[1] for line in lines] == ["tests"]


def test_the_checks_of_this_project_can_all_be_run():
    assert [check.name for check in checks._static_checks() if check.skipped] == []
