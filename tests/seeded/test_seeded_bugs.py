"""The seeded bugs still fit the code; that the suite catches them takes longer: ``python -m tests.seeded``."""

import shutil
from pathlib import Path

import pytest

from tests.seeded import bugs


def test_every_patch_has_its_test() -> None:
    assert {path.stem for path in bugs.PATCHES.glob("*.patch")} == set(bugs.CAUGHT_BY)
    for test in bugs.CAUGHT_BY.values():
        path, _, name = test.partition("::")
        assert f"def {name}(" in (bugs.ROOT / path).read_text()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not there")
@pytest.mark.parametrize("bug", sorted(bugs.CAUGHT_BY))
def test_the_patch_still_fits(tmp_path: Path, bug: str) -> None:
    for name in ("portal", "jobs", "migrations"):
        shutil.copytree(bugs.ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    assert bugs.apply(bug, tmp_path) == ""
