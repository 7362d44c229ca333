"""People with keys, and policies that they approve."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from tests.rollout.tables import write_policy

from rampgate.people import new_key
from rampgate.people.project import entry

RULES: dict[str, Any] = {"author": "dana", "approvers": ["lee", "sam"], "required": 2}


def project(folder: Path, monkeypatch: pytest.MonkeyPatch, *names: str) -> Path:
    """A folder with ``rampgate.toml``, where each name has a key, and policies may do without approvals."""
    keys = folder / "keys"
    monkeypatch.setenv("RAMPGATE_KEYS", str(keys))
    (folder / "rampgate.toml").write_text("approval_required = false\n")
    for name in names or ("dana", "lee", "sam"):
        add(folder, name, keys / f"{name}.pem")
    return folder


def add(folder: Path, name: str, key: Path) -> str:
    """Make a key and write its entry; its public half."""
    made = new_key(key)
    with (folder / "rampgate.toml").open("a") as file:
        file.write(entry(name, lambda: made.public))
    return made.public


def approved(folder: Path, rules: dict[str, Any] | None = None, **changes: Any) -> Path:
    """POLICY with rules of approval, as a file."""
    return write_policy(folder, approval={**RULES, **(rules or {})}, **changes)


def clock(moment: datetime) -> type[datetime]:
    """A clock that stands."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return moment

    return Clock
