"""What `import rampgate` offers, and what it does not load."""

from __future__ import annotations

import subprocess
import sys

import pytest


def run(code: str) -> str:
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("rampgate.estimate.two_proportions(1, 2, 1, 2).difference", "0.0"),
        ("rampgate.policy.load_policy is rampgate.load_policy", "True"),
        ("rampgate.errors.RampgateError is rampgate.RampgateError", "True"),
        ("rampgate.ledger.Ledger is rampgate.Ledger", "True"),
        ("rampgate.demo.__name__", "rampgate.demo"),
    ],
)
def test_rooms_are_there_after_a_plain_import(expression: str, wanted: str) -> None:
    assert run(f"import rampgate; print({expression})") == wanted


def test_a_plain_import_loads_neither_numbers_nor_engines() -> None:
    heavy = "{'numpy', 'pandas', 'duckdb', 'sqlalchemy', 'sqlglot', 'pydantic', 'typer'}"
    assert run(f"import sys, rampgate; print({heavy} & set(sys.modules))") == "set()"


def test_other_names_are_refused() -> None:
    code = "import rampgate\ntry: rampgate.judges\nexcept AttributeError as e: print(e)"
    assert run(code) == "module 'rampgate' has no attribute 'judges'"
