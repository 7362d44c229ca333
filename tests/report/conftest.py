"""Dossiers of the cases, each made once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.report.cases import told

from rampgate.report.dossier import Dossier

_KNOWN: dict[str, Dossier] = {}


@pytest.fixture
def tell(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Dossier]:
    def made(name: str) -> Dossier:
        if name not in _KNOWN:
            _KNOWN[name] = told(name, tmp_path_factory.mktemp(name))
        return _KNOWN[name]

    return made
