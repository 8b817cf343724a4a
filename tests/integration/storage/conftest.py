"""What the tests of the store share: each runs on every kind of it."""

import pytest

from tests.support.backends import BACKENDS, open_backend


@pytest.fixture(params=BACKENDS)
async def backend(request, wire_uri):
    async with open_backend(request.param, wire_uri) as backend:
        yield backend
