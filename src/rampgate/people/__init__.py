"""Who may sign: people and their public keys from ``rampgate.toml``, and their own keys."""

from rampgate.people.keys import SigningKey, key_file, new_key, read_key, verifies
from rampgate.people.project import PROJECT, People, find_megabytes, find_people

__all__ = [
    "PROJECT",
    "People",
    "SigningKey",
    "find_megabytes",
    "find_people",
    "key_file",
    "new_key",
    "read_key",
    "verifies",
]
