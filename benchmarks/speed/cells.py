"""By hand: the cells that `check` needs, in DuckDB. ``python cells.py GLOB [plain]``: without covariances.

Per week, arm, queue, urgency and geo: units, known units and sums of six metrics; of the three metrics of the KPI the
joint counts, of the two means their variances and covariances with being known, and a digest of the rows.
"""

import sys

import duckdb

KPI = ("correct", "overridden", "sla_met")
MEANS = ("resolution_hours", "csat")
PLAIN = ["count(*)"]
for name in (*KPI, "escalation_correct"):
    PLAIN += [f"sum({name}::int)", f"count({name})"]
for name in MEANS:
    PLAIN += [f"sum({name})", f"count({name})", f"min({name})", f"max({name})"]
JOINT = []
for i, first in enumerate(KPI):
    for second in KPI[i + 1 :]:
        JOINT += [
            f"sum(({first} and {second})::int)",
            f"count(case when {first} is not null and {second} is not null then 1 end)",
            f"sum(case when {second} is not null then {first}::int end)",
            f"sum(case when {first} is not null then {second}::int end)",
        ]
JOINT += [f"var_pop(coalesce({name}, 0)::double)" for name in MEANS]
USED = "unit_id, ts, correct, overridden, sla_met, escalation_correct, resolution_hours, csat"
JOINT += [f"sum((hash({USED}) >> 32)::bigint)", f"sum((hash({USED}) & 4294967295)::bigint)"]

if __name__ == "__main__":
    chosen = PLAIN if "plain" in sys.argv else PLAIN + JOINT
    keys = "date_trunc('week', ts), variant, queue, urgency, geo"
    found = (
        duckdb.connect()
        .execute(
            f"select {keys}, {', '.join(chosen)} from read_parquet('{sys.argv[1]}') group by all"  # noqa: S608
        )
        .fetchnumpy()
    )
    assert found
