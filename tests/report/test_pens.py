"""A picture is the same whoever draws it, and is drawn whatever becomes of the process beside."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import Any

import pytest

from rampgate.report import pens
from rampgate.report.drawing import Draw, draw_here
from rampgate.report.pens import Beside, Here, pen

SPEC: dict[str, Any] = {
    "data": {"values": [{"a": 1, "b": "zwölf\n"}]},
    "mark": "point",
    "encoding": {"x": {"field": "b"}},
}


def drawn_as(mark: str, draw: Draw) -> str:
    return draw({**SPEC, "mark": mark})


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pens, "_cores", lambda: 2)


def test_both_pens_draw_the_same_bytes_in_the_order_of_the_jobs() -> None:
    marks = ["point", "bar", "tick"]
    with pen() as beside:
        assert isinstance(beside, Beside)
        drawn = [beside.submit(partial(drawn_as, mark)) for mark in marks]
        assert [one.result() for one in drawn] == [draw_here({**SPEC, "mark": mark}) for mark in marks]


def test_a_process_that_ended_is_done_without() -> None:
    beside = Beside()
    beside._process.kill()
    beside._process.wait()
    assert beside.submit(lambda draw: draw(SPEC)).result() == draw_here(SPEC)
    beside.close()


def test_what_cannot_be_drawn_is_the_same_error_from_both() -> None:
    with pen() as beside:
        job = beside.submit(lambda draw: draw({"mark": "no such mark"}))
        with pytest.raises(ValueError, match="conversion failed"):
            job.result()
    with pytest.raises(ValueError, match="conversion failed"):
        Here().submit(lambda draw: draw({"mark": "no such mark"}))


def test_the_process_ends_with_its_use() -> None:
    with pen() as beside:
        assert isinstance(beside, Beside)
        process = beside._process
    assert process.poll() is not None


def test_one_core_and_a_process_that_cannot_start_draw_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError

    monkeypatch.setattr(subprocess, "Popen", refused)
    with pen() as here:
        assert isinstance(here, Here)
    monkeypatch.undo()
    monkeypatch.setattr(pens, "_cores", lambda: 1)
    with pen() as here:
        assert isinstance(here, Here)
    monkeypatch.setattr(pens, "_cores", lambda: 2)
    monkeypatch.setattr(sys, "executable", None)
    with pen() as here:
        assert isinstance(here, Here)
