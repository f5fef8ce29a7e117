"""Resources of every aggregation."""

import pytest

from portal.models import Resource
from tests.pages import rows

MORE = {"level": "last", "visitors": "unique"}


@pytest.fixture(name="metered")
def fixture_metered(settings, tenant):
    """A tenant, where there is a resource of each aggregation."""
    with rows.written(settings) as session:
        for resource_type, aggregation in MORE.items():
            session.add(Resource(resource_type=resource_type, aggregation=aggregation, names={"en": resource_type}))
    return tenant
