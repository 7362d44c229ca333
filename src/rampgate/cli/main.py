"""The entry point: run a command; every error ends in an exit code and, with ``--json``, in one JSON object."""

from __future__ import annotations

import gc
import io
import os
import shutil
import sys
import textwrap
from collections.abc import Callable
from typing import Any, NoReturn

import typer
from typer.exceptions import TyperException

# Imported for what they register, in the order in which `--help` lists them.
# fmt: off
from rampgate.cli import demo, compare, init, look, drift, policy, simulate, people, book  # isort: skip  # noqa: F401
from rampgate.cli import incident, review, record, report  # isort: skip  # noqa: F401
# fmt: on
from rampgate.cli.app import app
from rampgate.cli.output import print_json


def main() -> None:
    """Run the command line; every error ends in an exit code and, with ``--json``, in one JSON object."""
    gc.set_threshold(
        50_000
    )  # queries are trees of thousands of small objects; looking for cycles in them costs a tenth
    as_json = "--json" in sys.argv[1:]
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no ellipsis must not cost a verdict
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except TyperException as error:
        # Typer's own errors print their usage line; they carry an exit code of 2.
        _fail(str(error), int(getattr(error, "exit_code", 2)), as_json, getattr(error, "show", None))
    except typer.Abort:
        _fail("interrupted; nothing was recorded by this command", 1, as_json)
    except Exception as error:  # noqa: BLE001 - the last resort: exit 1, which a pipeline treats as hold
        _fail_with(error, as_json)


def _fail_with(error: Exception, as_json: bool) -> NoReturn:
    from rampgate.errors import RampgateError

    if isinstance(error, RampgateError):
        _fail(str(error), error.exit_code, as_json)
    if os.environ.get("RAMPGATE_TRACEBACK"):
        raise error
    text = f"could not judge, treat this as hold: {type(error).__name__}: {error}"
    _fail(f"{text}\n  remedy: set RAMPGATE_TRACEBACK=1 to see where, and report it", 1, as_json)


def _fail(message: str, code: int, as_json: bool, show: Callable[[], None] | None = None) -> NoReturn:
    if as_json:
        print_json(_error_object(message, code))
    elif show is not None:
        show()
    else:
        typer.echo(_wrapped(f"error: {message}"), err=True)
    sys.exit(code)


def _wrapped(message: str) -> str:
    """A message as a terminal can show it, broken between words; as it is for a log, which is searched by lines."""
    if not sys.stderr.isatty():
        return message
    width = min(80, shutil.get_terminal_size().columns)
    lines = [
        textwrap.wrap(line, width, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        for line in message.splitlines()
    ]
    return "\n".join("\n".join(line) for line in lines)


def _error_object(message: str, code: int) -> dict[str, Any]:
    """The keys of a decision, with nothing decided: whoever reads ``decision`` reads hold."""
    empty: dict[str, Any] = dict.fromkeys(
        ("rollout", "attempt", "as_of", "policy_sha256", "phase", "kpi", "decision_id", "previous_sha256")
    )
    lists: dict[str, Any] = {key: [] for key in ("metrics", "criteria", "windows", "drift", "health", "waiting_for")}
    reason = {"code": "error", "verdict": "ERROR", "metric": None, "segment": None, "message": message}
    return {**empty, **lists, "decision": "hold", "reasons": [reason], "error": message, "exit_code": code}
