"""A pytest plugin: templates are compiled once for all the apps of a process.

Nearly every test has an app of its own; compiling the macros again for each was a quarter of what tests cost.
"""

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class SharedBytecode(BytecodeCache):
    """Compiled templates by their name; jinja itself compares the checksum of their source."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


def pytest_configure(config: pytest.Config) -> None:
    Flask.jinja_options = {**Flask.jinja_options, "bytecode_cache": SharedBytecode()}
