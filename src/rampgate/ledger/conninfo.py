"""The URL of a PostgreSQL database, as libpq reads it, and its name without what is secret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from rampgate.errors import LedgerError, UsageError

#: A server that is silent is given up after these; a URL may say otherwise.
_PATIENCE = {
    "connect_timeout": "10",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}
_SECRET = ("password", "sslpassword")
_REMEDY = (
    "write postgresql://user@host:5432/database?schema=NAME, with other characters than letters and digits in its "
    "parts as %40; a password is better left to PGPASSWORD or ~/.pgpass"
)


@dataclass(frozen=True)
class Address:
    """How a database is reached.

    Attributes
    ----------
    name : a URL for people, without passwords
    parameters : for ``psycopg.connect``
    schema : that the URL names, if it names one
    """

    name: str
    parameters: dict[str, Any]
    schema: str | None

    def __repr__(self) -> str:
        return f"Address({self.name})"

    @classmethod
    def of(cls, url: str) -> Address:
        """Read a URL.

        Raises
        ------
        UsageError
            It cannot be read. The URL is not repeated.
        LedgerError
            psycopg is not installed.
        """
        rest, _, query = url.partition("://")[2].partition("?")
        asked = [part.partition("=") for part in query.split("&") if part]
        schemas = [unquote(value) for key, _, value in asked if key == "schema"]
        others = "&".join("".join(part) for part in asked if part[0] != "schema")
        psycopg = driver()
        try:
            given = psycopg.conninfo.conninfo_to_dict(f"postgresql://{rest}?{others}")
        except psycopg.Error:
            raise _unreadable() from None
        # A password with a bare @ or / would end up among the parts that are shown.
        if "@" in rest.partition("/")[2] or rest.count("@") > 1 or len(schemas) > 1 or schemas == [""]:
            raise _unreadable()
        if not re.fullmatch(r"[0-9,]*", str(given.get("port", ""))):
            raise _unreadable()
        parameters = {"fallback_application_name": "rampgate", **_PATIENCE, **given, "client_encoding": "UTF8"}
        # Statements are not prepared on the server: behind a pooler the next one may go to another session.
        schema = schemas[0] if schemas else None
        return cls(_name(given, schema), {**parameters, "prepare_threshold": None}, schema)

    def without_secrets(self, error: object) -> str:
        """Return the words of an error in one line, without any password of the URL."""
        text = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
        for key in _SECRET:
            if secret := self.parameters.get(key):
                text = text.replace(str(secret), "***")
        return text


def driver() -> Any:
    """Return psycopg.

    Raises
    ------
    LedgerError
        It is not installed.
    """
    try:
        import psycopg
    except ImportError as error:
        raise LedgerError(
            f"a ledger on PostgreSQL needs psycopg 3 ({error})", remedy="pip install 'rampgate[postgres]'"
        ) from None
    return psycopg


def _name(given: dict[str, Any], schema: str | None) -> str:
    user, host, port = (str(given.get(key) or "") for key in ("user", "host", "port"))
    hosts, ports = host.split(","), port.split(",")
    if host.startswith("/"):
        hosts, also = [""], {"host": host}
    else:
        also = {}
    places = ",".join(
        one + (f":{ports[min(index, len(ports) - 1)]}" if port else "") for index, one in enumerate(hosts)
    )
    also |= {"service": str(given.get("service") or ""), "schema": schema or ""}
    query = "&".join(f"{key}={quote(value, safe='/')}" for key, value in also.items() if value)
    who = f"{quote(user)}@" if user else ""
    return f"postgresql://{who}{places}/{quote(str(given.get('dbname') or ''))}" + (f"?{query}" if query else "")


def _unreadable() -> UsageError:
    return UsageError("the ledger's URL cannot be read", remedy=_REMEDY)
