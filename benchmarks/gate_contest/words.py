"""What docs/contest.md says beside its figures."""

from __future__ import annotations

from benchmarks.gate_contest.rollouts import GATE, HORIZON
from benchmarks.gate_contest.scenarios import LATE, NOW

INTRODUCTION = """\
How rampgate compares with the rules that other tools and notebooks use, on the same simulated rollouts, and with what
nobody could beat. 10, 25 and 50 % of traffic for four weeks each; 300 units a day unless it says otherwise; harm of 4
points beyond `worse_by` is what every rule is set to catch. What was tried to get nearer to the limits is in
[decision 15](decisions/0015-the-contest.md)."""

NOTES = f"""\
- **{GATE}**: the judge itself, with its defaults. **{HORIZON}**: the same with `error_budget: horizon: 12w`
  (six weeks for ServiceNow's log), which spreads the onset prior evenly over the days before it.
- **enrolled**: half of those enrolled have the candidate and half are their control, at every traffic share: the
  design of experiments. **ramp**: the candidate against everybody else, over all days so far. **within days**: the
  same units compared within each day, as rampgate does; a peer's rule on rampgate's sums.
- **fired before**: rolled back before harm began. Of the rest: **caught**, **delay** in days (median over all of them,
  a dash where fewer than half were caught), **harmed**: extra bad outcomes by then (extra time, for durations) with
  its Monte-Carlo error, whether caught or not, so read it with **missed**.
- The limits are tests that know the true size and variance; one knows the onset as well, the other that it is drawn
  evenly from the days from which it is drawn. **x onset**, **x prior**: harmed, as a multiple of theirs; after ± the
  Monte-Carlo error of that multiple, by the delta method on the rollouts that both have in common. They stop
  at odds of 20 to 1 (Wald), which keeps their false rollbacks below 5 % and makes them a little slower than they
  could be: a rule that spends all of its 5 % can come out below 1.
- Every rule is looked at as its makers do: weekly (point threshold, Mann-Whitney, z-test, group-sequential) or daily.
  Their sources stand in `benchmarks/gate_contest/rules/`, one file each. With segments, tests share the 5 % between
  the whole and the segments. Kayenta has no bounds on harm; `worse_by` is its `allowedIncrease`."""

FALSE = """\
Share of harmless candidates ever rolled back; **bold**: above 5 % by more than three Monte-Carlo errors. The last line
has the error of the largest share among rules that keep 5 % everywhere."""

SUMMARY = {
    NOW: "Harmed as a multiple of the test that knows onset and size.",
    LATE: """\
Harmed as a multiple of the test that knows the size and the onset's prior, with the share missed where it is above
5 %; a dash where more than half fired before there was any harm.""",
}

WEEKS = """\
A harmless candidate goes on after a week at 10 %, a week at 25 % and two at 50 %, unless it is rolled back; rampgate
may also demand a proof before 100 %. Median weeks over all rollouts, and the share that got there within twelve."""

CAPTION = """\
*Four points more bad outcomes from a day drawn from 14 to 63: harm done by each rule as a multiple of the test that
knows the size and the onset's prior, over runs not stopped before there was any harm. The table is below.*"""
