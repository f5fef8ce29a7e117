"""The JSON API: what integrations do, under ``/api/v1``, in the contract's Spanish and in English."""

from blueprints.api import usage

BLUEPRINTS = (usage.bp,)
