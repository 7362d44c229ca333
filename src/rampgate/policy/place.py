"""Where rows lie: a path, a pattern or a URL. What is recorded and shown of one holds no password."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from pydantic import PlainSerializer

from rampgate.policy.names import Text

_SECRET = ("password", "sslpassword", "token", "access_token")


def without_password(events: str) -> str:
    """A place as it may be shown."""
    if "://" not in events:
        return events
    parts = urlsplit(events)
    user, at, host = parts.netloc.rpartition("@")
    query = parts.query
    if any(key.lower() in _SECRET for key, _ in parse_qsl(query)):
        pairs = [(key, value) for key, value in parse_qsl(query) if key.lower() not in _SECRET]
        query = urlencode(pairs, quote_via=quote, safe='./"')
    return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}{at}{host}", query=query))


#: A policy is hashed, approved, recorded and printed without the password in it.
Place = Annotated[Text, PlainSerializer(without_password)]
