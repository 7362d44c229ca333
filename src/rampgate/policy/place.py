"""Where rows lie: a path, a pattern or a URL. What is recorded and shown of one holds no password."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urlsplit

from pydantic import PlainSerializer

from rampgate.policy.names import Text

_SECRET = ("password", "sslpassword", "token", "access_token")


def without_password(events: str) -> str:
    """A place as it may be shown."""
    if "://" not in events:
        return events
    parts = urlsplit(events)
    user, at, host = parts.netloc.rpartition("@")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    shown = [(key, value) for key, value in pairs if key.lower() not in _SECRET]
    query = parts.query if shown == pairs else urlencode(shown, quote_via=quote, safe='./"')
    return joined(parts, query, f"{user.partition(':')[0]}{at}{host}")


def joined(parts: SplitResult, query: str, netloc: str | None = None) -> str:
    """A URL of its parts, with another query; the slashes stay where there is no host, unlike in ``urlunsplit``."""
    return f"{parts.scheme}://{parts.netloc if netloc is None else netloc}{parts.path}{'?' if query else ''}{query}"


#: A policy is hashed, approved, recorded and printed without the password in it.
Place = Annotated[Text, PlainSerializer(without_password)]
