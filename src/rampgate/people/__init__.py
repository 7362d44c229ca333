"""Who may sign: people and their public keys from ``rampgate.toml``, and their own keys. And the project's ledger."""

from rampgate.people.keys import SigningKey, key_file, new_key, read_key, verifies
from rampgate.people.project import (
    PROJECT,
    People,
    find_ledger,
    find_megabytes,
    find_people,
    find_project,
    read_project,
)

__all__ = [
    "PROJECT",
    "People",
    "SigningKey",
    "find_ledger",
    "find_megabytes",
    "find_people",
    "find_project",
    "key_file",
    "new_key",
    "read_key",
    "read_project",
    "verifies",
]
