"""Ed25519 keys: a person's own in a file that only that person can read, the public half as one word of text."""

from __future__ import annotations

import base64
import binascii
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rampgate.errors import UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SCHEME = "ed25519:"
#: Encrypts a new key, and opens an encrypted one.
PASSPHRASE = "RAMPGATE_KEY_PASSPHRASE"
#: Folder of the keys, where it is not the usual one.
FOLDER = "RAMPGATE_KEYS"


@dataclass(frozen=True)
class SigningKey:
    """A person's own key. Nothing shows it; ``public`` is what others know it by."""

    public: str
    _own: Ed25519PrivateKey = field(repr=False, compare=False)

    def sign(self, data: bytes) -> str:
        """The signature of bytes, in base64."""
        return base64.b64encode(self._own.sign(data)).decode()


def key_file(person: str) -> Path:
    """Where a person's own key is kept unless another file is named."""
    folder = os.environ.get(FOLDER)
    home = Path(folder) if folder else Path.home() / ".config" / "rampgate" / "keys"
    return home / f"{quote(person, safe=' ')}.pem"


def new_key(path: Path) -> SigningKey:
    """Make a key and keep it in a new file, which only its owner can read; an existing one is never replaced.

    Raises
    ------
    UsageError
        The file exists or cannot be written.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    own = Ed25519PrivateKey.generate()
    secret = os.environ.get(PASSPHRASE)
    lock: Any = serialization.BestAvailableEncryption(secret.encode()) if secret else serialization.NoEncryption()
    pem = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    try:
        if not path.parent.exists():
            path.parent.mkdir(parents=True, mode=stat.S_IRWXU)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
    except FileExistsError:
        raise UsageError(
            "there is a key already, and it is not replaced: what it signed would be nobody's",
            where=str(path),
            remedy="name another file with --out; a person may have several keys",
        ) from None
    except OSError as error:
        raise UsageError(
            f"the key cannot be kept here ({error.strerror})", where=str(path), remedy="name a file with --out"
        ) from error
    return _key(own)


def read_key(path: Path) -> SigningKey:
    """Read a person's own key.

    Raises
    ------
    UsageError
        There is none, others can read it, it is of another kind, or its passphrase is not given.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    where = str(path)
    try:
        mode, pem = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        remedy = "make one with `rampgate key new --as NAME`, or name its file with --key"
        raise UsageError(f"there is no key to sign with ({error.strerror})", where=where, remedy=remedy) from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError("others can read this key", where=where, remedy=f"chmod 600 {path}")
    secret = os.environ.get(PASSPHRASE)
    try:
        own = load_pem_private_key(pem, secret.encode() if secret and b"ENCRYPTED" in pem else None)
    except TypeError:
        what = "the key is encrypted"
        raise UsageError(what, where=where, remedy=f"give its passphrase in {PASSPHRASE}") from None
    except (ValueError, UnsupportedAlgorithm):
        what = "this is no key, or the passphrase is not its own"
        raise UsageError(what, where=where, remedy="name the file that `rampgate key new` made with --key") from None
    if not isinstance(own, Ed25519PrivateKey):
        raise UsageError("the key is not an Ed25519 key", where=where, remedy="make one with `rampgate key new`")
    return _key(own)


def verifies(public: str, data: bytes, signature: str) -> bool:
    """Whether bytes were signed with the key that has this public half; whatever cannot be read was not."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        raw = base64.b64decode(signature, validate=True)
        Ed25519PublicKey.from_public_bytes(public_bytes(public)).verify(raw, data)
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True


def public_bytes(public: str) -> bytes:
    """The 32 bytes of a public key.

    Raises
    ------
    ValueError
        The text is no such key.
    """
    if not public.startswith(SCHEME):
        raise ValueError(f"a public key begins with {SCHEME}")
    try:
        raw = base64.b64decode(public.removeprefix(SCHEME), validate=True)
    except binascii.Error:
        raise ValueError("a public key is base64") from None
    if len(raw) != 32:
        raise ValueError("a public key has 32 bytes")
    return raw


def _key(own: Ed25519PrivateKey) -> SigningKey:
    return SigningKey(SCHEME + base64.b64encode(own.public_key().public_bytes_raw()).decode(), own)
