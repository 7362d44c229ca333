"""Blocks: the lowest and the highest value have theirs, and a gap is a gap."""

from __future__ import annotations

import math

from rampgate.report.spark import BLOCKS, spark


def test_a_ramp_uses_every_block_once() -> None:
    assert spark([0, 1, 2, 3, 4, 5, 6, 7]) == BLOCKS == "▁▂▃▄▅▆▇█"


def test_what_is_not_known_is_a_gap() -> None:
    assert spark([0.0, None, math.nan, math.inf, 1.0]) == "▁   █"
    assert spark([None, None]) == "  "
    assert spark([]) == ""


def test_equal_values_stand_in_the_middle() -> None:
    assert spark([3.0, 3.0]) == "▅▅"


def test_two_lines_can_share_a_scale() -> None:
    assert spark([1.0, 2.0], 0.0, 8.0) == "▂▃"
    assert spark([-5.0, 50.0], 0.0, 8.0) == "▁█"
