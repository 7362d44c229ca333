"""Moments of a rollout: what ``as_of`` means, which look it is, and where traffic changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rampgate.aggregate.calendar import local_midnight, looks_later
from rampgate.errors import UsageError
from rampgate.judge.state import State
from rampgate.policy import Policy

#: How far the clocks of two machines may differ.
CLOCKS = timedelta(minutes=5)


def parse_moment(value: str | date | datetime | None, zone: ZoneInfo) -> datetime:
    """``as_of`` as an aware datetime in the policy's zone.

    A bare date is its 00:00; a time without an offset is local; None is now.
    """
    if value is None:
        return datetime.now(UTC).astimezone(zone).replace(microsecond=0)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            remedy = "write a date as 2026-03-01, or a time as 2026-03-01T09:00 or 2026-03-01T09:00+01:00"
            raise UsageError(f"{value!r} is not a moment", where="as_of", remedy=remedy) from None
    if not isinstance(value, datetime):
        value = datetime.combine(value, time())
    aware = value.replace(tzinfo=zone) if value.tzinfo is None else value
    # Through UTC, so that an hour which clocks skip is told as the hour that it really is.
    return aware.astimezone(UTC).astimezone(zone)


def refuse_future(as_of: datetime) -> None:
    """Refuse a look at what is not over yet: it would judge days without all their rows, and bar every earlier look.

    Raises
    ------
    UsageError : ``as_of`` is later than this machine's clock, by more than clocks differ
    """
    now = datetime.now(UTC).astimezone(as_of.tzinfo).replace(microsecond=0)
    if as_of <= now + CLOCKS:
        return
    raise UsageError(
        f"{as_of.isoformat()} is in the future: it is {now.isoformat()} by this machine's clock",
        where="as_of",
        remedy=f"leave it out to look now, or give {now:%Y-%m-%d} or an earlier moment; a date without a time is its "
        f"00:00 in the policy's time zone, {as_of.tzinfo}",
    )


def look_at(policy: Policy, as_of: datetime) -> datetime:
    """End of the last complete period before ``as_of``."""
    day = as_of.astimezone(policy.zone).date()
    if policy.source.look == "week":
        day -= timedelta(days=day.weekday())
    return local_midnight(day, policy.zone)


def next_look(policy: Policy, look: datetime) -> datetime:
    """The look after this one."""
    return looks_later(look, policy.source.look, 1, policy.zone)


def switches(policy: Policy, state: State | None) -> tuple[datetime, ...]:
    """When traffic changed: as the policy's ``exposure`` says, else by the phases in the ledger."""
    if policy.exposure:
        return tuple(step.start(policy.zone) for step in policy.exposure[1:])
    if state is None:
        return ()
    return tuple(since for _, since in state.phases[1:])


def first_phase(policy: Policy, start: date, as_of: datetime) -> tuple[int, datetime]:
    """Phase of the first look on an empty ledger and since when: the first, or the one whose traffic is in force."""
    if not policy.exposure:
        return 1, local_midnight(start, policy.zone)
    past = [step for step in policy.exposure if step.start(policy.zone) <= as_of]
    if not past:
        return 1, local_midnight(start, policy.zone)
    for index, phase in enumerate(policy.phases, start=1):
        if abs(phase.traffic - past[-1].traffic) < 1e-9:
            since = max(past[-1].start(policy.zone), local_midnight(start, policy.zone))
            return index, since.astimezone(policy.zone)
    raise UsageError(
        f"exposure says {past[-1].traffic:.4g} of traffic since {past[-1].from_}, and no phase has that traffic",
        where="exposure",
        remedy="name the traffic of one of the phases, or add the phase",
    )
