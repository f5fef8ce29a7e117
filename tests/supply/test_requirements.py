"""Everything that is installed is pinned, by version and by hash, and is what `pyproject.toml` asks for."""

import importlib.metadata
import re
from collections import deque

import pytest
from packaging.requirements import InvalidRequirement
from packaging.utils import canonicalize_name

from tests.support import requirements
from tests.support.requirements import DEV, FILES, RUNTIME, UV, pins

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
SETS = [(RUNTIME, ()), (DEV, ("dev",))]


def faults(text):
    """What is wrong with the entries of a requirements file."""
    entries = pins(text)
    found = [f"{pin.name} has no hash" for pin in entries if not pin.options]
    found += [f"{pin.name}: {option}" for pin in entries for option in pin.options if not HASH.fullmatch(option)]
    found += [f"{pin.name} comes from {pin.requirement.url}" for pin in entries if pin.requirement.url]
    for pin in entries:
        try:
            assert pin.version
        except ValueError:
            found.append(f"{pin.name} is not pinned")
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_every_requirement_is_pinned_with_hashes(file):
    assert len(pins(file.read_text())) >= 1
    assert faults(file.read_text()) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("flask==3.1.3\n", "flask has no hash"),
        ("flask==3.1.3 \\\n    --hash=sha256:abc\n", "flask: --hash=sha256:abc"),
        (f"flask==3.1.3 \\\n    --hash=md5:{'a' * 64}\n", f"flask: --hash=md5:{'a' * 64}"),
        (f"flask>=3.1.3 \\\n    --hash=sha256:{'a' * 64}\n", "flask is not pinned"),
        (f"flask==3.* \\\n    --hash=sha256:{'a' * 64}\n", "flask is not pinned"),
    ],
)
def test_a_loose_requirement_is_seen(text, fault):
    assert fault in faults(text)


@pytest.mark.parametrize("line", ["--index-url https://example.com/simple", "-e .", "-r other.txt"])
def test_a_line_that_names_a_registry_or_another_source_is_seen(line):
    with pytest.raises(InvalidRequirement):
        pins(f"{line}\nflask==3.1.3\n")


@pytest.mark.parametrize(("file", "extras"), SETS, ids=["runtime", "dev"])
def test_the_pins_are_those_that_pyproject_leads_to(file, extras):
    """Walks from `pyproject.toml` through what the installed packages say that they need."""
    pinned = {pin.name: pin for pin in pins(file.read_text()) if pin.applies}
    waiting = deque(asked for asked in requirements.asked_for(*extras) if not asked.marker or asked.marker.evaluate())
    seen: dict[str, set[str]] = {}
    while waiting:
        asked = waiting.popleft()
        name = canonicalize_name(asked.name)
        assert name in pinned, f"{asked} is asked for and {file.name} does not pin it: compile it again"
        assert asked.specifier.contains(pinned[name].version, prereleases=True), (
            f"{asked}, pinned {pinned[name].version}"
        )
        if name not in seen or not asked.extras <= seen[name]:
            seen[name] = seen.get(name, set()) | asked.extras
            waiting.extend(requirements.needs(name, seen[name]))
    assert sorted(set(pinned) - set(seen)) == [], f"nothing needs these any more: compile {file.name} again"


def test_what_is_installed_is_what_is_pinned():
    pinned = {pin.name: pin.version for pin in pins(DEV.read_text()) if pin.applies}
    installed = {name: importlib.metadata.version(name) for name in pinned}
    assert installed == pinned, "this environment is not the pinned one: start ./run test"


def test_development_runs_on_the_very_pins_of_production():
    development = {(pin.name, str(pin.requirement.marker)): pin for pin in pins(DEV.read_text())}
    for pin in pins(RUNTIME.read_text()):
        assert development[pin.name, str(pin.requirement.marker)] == pin


def test_uv_is_the_only_thing_that_is_installed_before_the_rest():
    assert [pin.name for pin in pins(UV.read_text())] == ["uv"]
