"""How times and numbers are written is taken from the values only where they prove it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.guess.test_guess import refused, small, value

from rampgate.guess import Given, guess
from rampgate.rollout.evaluate import check

START = pd.Timestamp("2026-01-05") + pd.to_timedelta(np.arange(400) * 2, unit="h")


@pytest.mark.parametrize(
    ("form", "read"),
    [
        ("%d/%m/%Y %H:%M", None), ("%m/%d/%Y %H:%M", None), ("%d.%m.%Y", None), ("%d-%m-%Y %H:%M:%S", None),
        ("%m/%d/%Y %I:%M %p", None), ("%d-%b-%Y", None), ("%d %B %Y", None), ("%d-%b-%y %H:%M", None),
        ("%Y/%m/%d %H:%M", None), ("%d/%m/%Y, %H:%M", None), ("%d/%m/%Y %H:%M+0100", "%d/%m/%Y %H:%M%z"),
    ],
)  # fmt: skip
def test_a_form_that_the_values_prove(form: str, read: str | None) -> None:
    frame = small(opened_at=START.strftime(form))
    found = guess(frame)
    assert value(found, "time_format") == (read or form)
    decision = check(found.policy, frame, "2026-02-20")
    before = 1 if "+" in form else 0  # midnight at +01:00 is a row of the day before the first candidate row
    assert decision.metrics[0].n_baseline == 200 - before


def test_days_and_times_in_one_column() -> None:
    texts = [at.strftime("%d.%m.%Y" if i % 7 == 0 else "%d.%m.%Y %H:%M") for i, at in enumerate(START)]
    found = guess(small(opened_at=texts))
    assert found.policy.source.time_format == ("%d.%m.%Y", "%d.%m.%Y %H:%M")
    again = guess(small(opened_at=texts), Given(time_format=value(found, "time_format")))
    assert again.policy == found.policy


@pytest.mark.parametrize(
    ("form", "both"),
    [
        ("%d/%m/%Y", ("%d/%m/%Y", "%m/%d/%Y")),
        ("%m.%d.%Y %H:%M", ("%d.%m.%Y %H:%M", "%m.%d.%Y %H:%M")),
    ],
)
def test_days_up_to_the_twelfth_prove_nothing(form: str, both: tuple[str, str]) -> None:
    """A month of days 1 to 12: every value is a date either way, so neither is guessed."""
    days = pd.Timestamp("2026-03-01") + pd.to_timedelta(np.arange(400) % 12, unit="D")
    frame = small(opened_at=days.strftime(form))
    error = refused(frame)
    assert "no value proves which" in error.what
    for one in both:
        assert f'--time-format "{one}"' in str(error.remedy)
        assert guess(frame, Given(time_format=one)).policy.source.time_format == (one,)


def test_one_value_above_twelve_proves_it() -> None:
    days = ["03/02/2026"] * 399 + ["13/02/2026"]
    assert value(guess(small(opened_at=days)), "time_format") == "%d/%m/%Y"
    assert value(guess(small(opened_at=[*days[:-1], "02/13/2026"])), "time_format") == "%m/%d/%Y"


def test_values_of_both_orders_are_in_no_form() -> None:
    error = refused(small(opened_at=["13/02/2026", "02/13/2026"] * 200))
    assert "are in no form that is known; 200 of 400 fit" in error.what


def test_a_few_values_that_are_no_times_are_counted() -> None:
    error = refused(small(opened_at=[*START.strftime("%Y-%m-%d %H:%M")[:398], "?", "later"]))
    assert "; 398 of 400 fit %Y-%m-%d %H:%M" in error.what
    assert str(error.remedy).startswith("mend the other values")


def test_years_of_two_digits_are_read_where_only_one_order_fits() -> None:
    days = pd.Timestamp("2026-01-13") + pd.to_timedelta(np.arange(400) % 18, unit="D")
    assert "no value proves which" in refused(small(opened_at=days.strftime("%d/%m/%y"))).what  # 26/01/13 fits too
    days = pd.Timestamp("2026-01-13") + pd.to_timedelta(np.arange(400), unit="D")
    assert value(guess(small(opened_at=days.strftime("%m/%d/%y"))), "time_format") == "%m/%d/%y"


@pytest.mark.parametrize(("units", "form"), [(1, "epoch_s"), (1_000, "epoch_ms"), (1_000_000, "epoch_us")])
@pytest.mark.parametrize("kind", [int, float, str])
def test_epochs(units: int, form: str, kind: type) -> None:
    counts = [kind(int(at.timestamp()) * units) for at in START]
    frame = small(opened_at=counts)
    found = guess(frame)
    assert value(found, "time_format") == form
    assert check(found.policy, frame, "2026-02-20").metrics[0].n_baseline == 200


def test_numbers_without_a_telling_name_are_no_times() -> None:
    counts = [int(at.timestamp()) for at in START]
    assert refused(small(opened_at=None, zzz=counts)).what == "no column holds times"
    assert "nothing says which times they are" in refused(small(opened_at=range(400)), time="opened_at").what


def test_days_as_digits() -> None:
    frame = small(opened_at=[int(at.strftime("%Y%m%d")) for at in START])
    assert value(guess(frame), "time_format") == "%Y%m%d"


# --- decimal commas ---------------------------------------------------------------------------


def hours(texts: list[str]) -> pd.DataFrame:
    """Each text about as often in either version."""
    return small(hours=[texts[i // 2 % len(texts)] for i in range(400)])


def test_a_decimal_comma_that_the_values_prove() -> None:
    found = guess(hours(["3,5", "12", "0,25", "1.204,75"]))
    assert found.policy.source.decimal == ","
    assert "hours" in found.policy.metrics


@pytest.mark.parametrize("texts", [["1,234", "2,500"], ["3.5", "12.25"], ["3,5", "4.5"]])
def test_what_does_not_prove_it(texts: list[str]) -> None:
    """Thousands of the English, points, and both marks: nothing is read as something else."""
    found = guess(hours(texts))
    assert found.policy.source.decimal == "."
    assert ("hours" in found.policy.metrics) == (texts[0] == "3.5")


def test_it_can_be_said() -> None:
    found = guess(hours(["3,5", "4,25"]), Given(decimal=","))
    assert found.policy.source.decimal == ","
    assert "decimal" in [note.role for note in found.notes]
