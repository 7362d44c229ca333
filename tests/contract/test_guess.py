"""What `init` and `compare` guess of a table they guess wherever it is."""

from __future__ import annotations

from typing import Any

from tests.aggregate.support import tickets
from tests.contract.engines import Hold, alike

import rampgate


def test_a_table_without_a_policy(hold: Hold) -> None:
    given = tickets(600).drop_columns(["unused"])
    wanted, found = rampgate.compare(given), rampgate.compare(hold(given))
    assert found.policy == wanted.policy
    alike(found.to_dict(), {**wanted.to_dict(), **_named(found.to_dict())})


def _named(content: dict[str, Any]) -> dict[str, Any]:
    """What a comparison calls its rows, which is the engine's."""
    return {key: content[key] for key in ("source", "events", "table") if key in content}
