"""What becomes of a row: it goes to an arm, or is left out for a reason that has a code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from rampgate.aggregate.moments import BASELINE, CANDIDATE
from rampgate.aggregate.steps import moment_of
from rampgate.aggregate.typed import case, is_null, part

if TYPE_CHECKING:
    from rampgate.aggregate.rows import Question

# What becomes of a row, beside going to BASELINE or CANDIDATE.
NO_UNIT, NO_TIME, NO_VARIANT, OTHER_VARIANT, AFTER, NO_CLUSTER = 2, 3, 4, 5, 6, 7
#: The same of rows that are known to be the candidate's.
OF_CANDIDATE = {NO_UNIT: 8, NO_TIME: 9, NO_CLUSTER: 10}


def role_of(ask: Question) -> exp.Expr:
    """A row after the look is that and nothing else: no look may depend on it."""

    def variant(name: str) -> exp.Expr:
        return exp.EQ(this=part("variant"), expression=exp.Literal.string(name))

    def missing(name: str, code: int) -> list[tuple[exp.Expr, int]]:
        own = exp.and_(is_null(part(name)), variant(ask.policy.candidate))
        return [(own, OF_CANDIDATE[code]), (is_null(part(name)), code)]

    arms = exp.or_(variant(ask.policy.baseline), variant(ask.policy.candidate))
    lost = [] if ask.cluster is None else missing("cluster", NO_CLUSTER)
    branches = (
        *missing("at", NO_TIME),
        (exp.GTE(this=part("at"), expression=moment_of(ask.before, ask)), AFTER),
        *missing("unit", NO_UNIT),
        (is_null(part("variant")), NO_VARIANT),
        *((exp.and_(arms.copy(), test), code) for test, code in lost),
        (variant(ask.policy.baseline), BASELINE),
        (variant(ask.policy.candidate), CANDIDATE),
    )
    numbered = [(test, exp.Literal.number(code)) for test, code in branches]
    return case(*numbered, otherwise=exp.Literal.number(OTHER_VARIANT))
