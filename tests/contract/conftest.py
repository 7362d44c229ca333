from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.engines import ENGINES, Hold, held


@pytest.fixture(params=ENGINES)
def hold(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hold]:
    """Puts a table where an engine keeps it; every test that asks for it runs on every engine."""
    with held(request.param, request, tmp_path) as into:
        yield into
