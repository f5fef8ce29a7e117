"""The ways in which a flow is gone through: three languages, with JavaScript and without."""

import os

import pytest

SPEECH = {"en": "en_US", "es": "es_ES", "pt_BR": "pt_BR"}
# Each language and each mode in every run; all six with ALL_WAYS=1.
_USUAL = [("en", True), ("es", False), ("pt_BR", True)]
_ALL = [(language, javascript) for language in SPEECH for javascript in (True, False)]
SPOKEN = pytest.mark.parametrize(
    ("language", "javascript"),
    [
        pytest.param(language, javascript, id=f"{language}-{'javascript' if javascript else 'plain'}")
        for language, javascript in (_ALL if os.environ.get("ALL_WAYS") else _USUAL)
    ],
)
MODES = pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "plain"])
