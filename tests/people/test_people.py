"""Keys and ``rampgate.toml``: what is refused, and that nothing shows a key."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from rampgate.errors import UsageError
from rampgate.people import find_ledger, find_people, key_file, new_key, read_key, verifies
from rampgate.people.keys import public_bytes
from rampgate.people.project import entry

# RFC 8032, section 7.1, tests 1 and 2: secret key, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246"
        "55141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
        "00d291612bb0c00",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), RFC_8032)
def test_signatures_are_those_of_the_standard(
    tmp_path: Path, secret: str, public: str, message: str, signature: str
) -> None:
    from base64 import b64encode

    own = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret))
    path = tmp_path / "key.pem"
    path.write_bytes(
        own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path.chmod(0o600)
    key = read_key(path)
    assert public_bytes(key.public).hex() == public
    assert key.sign(bytes.fromhex(message)) == b64encode(bytes.fromhex(signature)).decode()
    assert verifies(key.public, bytes.fromhex(message), key.sign(bytes.fromhex(message)))
    assert not verifies(key.public, b"other", key.sign(bytes.fromhex(message)))


def test_a_new_key_is_its_owner_s_alone_and_is_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "lee.pem"
    made = new_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path) == made
    data = path.read_bytes()
    with pytest.raises(UsageError, match="there is a key already"):
        new_key(path)
    assert path.read_bytes() == data
    with pytest.raises(UsageError, match="cannot be kept here"):
        new_key(path / "below")


def test_a_passphrase_encrypts_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "lee.pem"
    monkeypatch.setenv("RAMPGATE_KEY_PASSPHRASE", "open sesame")
    made = new_key(path)
    assert read_key(path) == made
    monkeypatch.setenv("RAMPGATE_KEY_PASSPHRASE", "open barley")
    with pytest.raises(UsageError, match="the passphrase is not its own") as caught:
        read_key(path)
    assert "barley" not in str(caught.value)
    monkeypatch.delenv("RAMPGATE_KEY_PASSPHRASE")
    with pytest.raises(UsageError, match="the key is encrypted"):
        read_key(path)


def test_other_keys_and_no_keys_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    rsa = generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for data, says in ((rsa, "is not an Ed25519 key"), (b"hello", "this is no key"), (b"", "this is no key")):
        path.write_bytes(data)
        path.chmod(0o600)
        with pytest.raises(UsageError, match=says):
            read_key(path)


def test_the_file_of_a_key_is_named_for_the_person(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RAMPGATE_KEYS", str(tmp_path))
    assert key_file("lee") == tmp_path / "lee.pem"
    assert key_file("Lee Ann") == tmp_path / "Lee Ann.pem"
    assert key_file("../x").parent == tmp_path


@pytest.mark.parametrize(
    ("public", "signature"), [("", ""), ("ed25519:AA==", "AA=="), ("rsa:x", "x"), ("ed25519:ö", "ö")]
)
def test_what_cannot_be_read_verifies_nothing(public: str, signature: str) -> None:
    assert not verifies(public, b"data", signature)


PUBLIC = "ed25519:" + "A" * 43 + "="


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[[people]\n", "this cannot be read: "),
        ("people = 1\n", "people is no list"),
        ("secret = 1\n", "there is no key 'secret' here"),
        ('[[people]]\nname = "lee"\n', "entry 1: an entry has a name and a key"),
        (f'[[people]]\nname = "lee"\nkey = "{PUBLIC}"\nrole = "boss"\n', "nothing else but retired"),
        ('[[people]]\nname = "lee"\nkey = "rsa:xx"\n', "entry 1: a public key begins with ed25519:"),
        ('[[people]]\nname = "lee"\nkey = "ed25519:!"\n', "a public key is base64"),
        ('[[people]]\nname = "lee"\nkey = "ed25519:AAAA"\n', "a public key has 32 bytes"),
        ('[[people]]\nname = "lee"\nkey = 5\n', "the key is no text"),
        (f'[[people]]\nname = " "\nkey = "{PUBLIC}"\n', "is not a name"),
        (f'[[people]]\nname = "lee"\nkey = "{PUBLIC}"\nretired = true\n', "retired is True"),
        (
            f'[[people]]\nname = "lee"\nkey = "{PUBLIC}"\n[[people]]\nname = "sam"\nkey = "{PUBLIC}"\n',
            "lee and sam have the same key",
        ),
    ],
)
def test_a_file_that_says_something_else_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "rampgate.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        find_people(tmp_path)
    assert says in str(caught.value)
    assert str(tmp_path / "rampgate.toml") in str(caught.value)
    assert "remedy" in str(caught.value)


def test_the_nearest_file_counts(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_people(inner) is None
    (tmp_path / "rampgate.toml").write_text(entry("lee", lambda: PUBLIC))
    found = find_people(inner)
    assert found is not None
    assert found.names == ("lee",)
    (inner / "rampgate.toml").write_text(entry('Sam "the" Ö', lambda: PUBLIC))
    found = find_people(inner)
    assert found is not None
    assert found.names == ('Sam "the" Ö',)


@pytest.mark.parametrize("head", ["", "approval_required = true\n", "approval_required = false\n"])
@pytest.mark.parametrize(
    "nearer",
    ["", "[store]\nmegabytes = 0\n", 'ledger = "x.db"\n', "people = []\n", "approval_required = false\n"],
)
def test_a_nearer_file_that_names_nobody_changes_nothing(tmp_path: Path, head: str, nearer: str) -> None:
    inner = tmp_path / "a"
    inner.mkdir()
    (tmp_path / "rampgate.toml").write_text(head + entry("lee", lambda: PUBLIC))
    without = find_people(inner)
    (inner / "rampgate.toml").write_text(nearer)
    assert without is not None
    assert find_people(inner) == without
    assert without.approval_required == ("false" not in head)


def test_approvals_are_asked_for_where_any_file_asks(tmp_path: Path) -> None:
    inner = tmp_path / "a"
    inner.mkdir()
    (inner / "rampgate.toml").write_text("approval_required = true\n")
    found = find_people(inner)
    assert found is not None
    assert (found.names, found.approval_required) == ((), True)
    (tmp_path / "rampgate.toml").write_text("approval_required = false\n" + entry("lee", lambda: PUBLIC))
    found = find_people(inner)
    assert found is not None
    assert (found.names, found.approval_required) == (("lee",), True)


def test_a_name_that_is_none_makes_no_key() -> None:
    with pytest.raises(UsageError, match="cannot be used as a name"):
        entry("a|b", lambda: pytest.fail("a key was made"))


@pytest.mark.parametrize(
    ("text", "ledger"),
    [
        ('ledger = "postgresql://gate@db/x?schema=a"', "postgresql://gate@db/x?schema=a"),
        ('ledger = "book/gate.db"', Path("book/gate.db")),
        ("", None),
    ],
)
def test_a_project_names_its_ledger(tmp_path: Path, text: str, ledger: str | Path | None) -> None:
    (tmp_path / "rampgate.toml").write_text(text)
    below = tmp_path / "below"
    below.mkdir()
    assert find_ledger(below) == (tmp_path / ledger if isinstance(ledger, Path) else ledger)
    assert find_people(below) is None  # it names nobody


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("ledger = 5", "the ledger is no text"),
        ('ledger = ""', "the ledger is no text"),
        ('ledger = "sqlite:///x.db"', "named by its path"),
        ('ledger = "postgresql://dana:secret@db/x"', "holds a password"),
        ('ledger = "postgresql://db/x?user=dana&password=secret"', "holds a password"),
        ('[ledger]\nurl = "x"', "the ledger is no text"),
    ],
)
def test_a_ledger_that_no_project_can_name(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "rampgate.toml").write_text(text)
    with pytest.raises(UsageError, match=problem) as caught:
        find_ledger(tmp_path)
    assert "secret" not in str(caught.value)
    assert "remedy: " in str(caught.value)
