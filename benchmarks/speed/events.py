"""The benchmark's events: weekly Parquet files of ticket decisions, the same rows for every contender.

Columns: unit_id, analyst_id (2,000), variant, ts, queue (8), urgency (4), geo (6), correct, overridden, sla_met,
escalated, escalation_correct (NULL unless escalated), resolution_hours (6 % NULL: open), csat (70 % NULL), score.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb

#: All values are made by hash and random() of one thread, so that a seed gives the same file.
_SQL = """
copy (
  with raw as (
    select i + {first} as unit_id, hash(i + {first}) as h, i,
           random() r1, random() r2, random() r3, random() r4, random() r5,
           random() r6, random() r7, random() r8, random() r9, random() g1, random() g2
    from range({rows}) t(i)
  ), unit as (
    select *, (h >> 7) % 2 = 0 as cand, ((h >> 20) % 8)::int as q, ((h >> 30) % 100)::int as u,
           ((h >> 40) % 6)::int as g
    from raw
  )
  select unit_id,
         (r1 * 2000)::int % 2000 as analyst_id,
         case when cand then 'candidate' else 'baseline' end as variant,
         timestamp '{start}' + to_microseconds((i::double / {rows} * 604800000000)::bigint) as ts,
         'queue_' || q as queue,
         case when u < 50 then 'low' when u < 80 then 'medium' when u < 95 then 'high' else 'critical' end as urgency,
         'geo_' || g as geo,
         r2 < 0.86 + (case when cand then 0.01 else 0 end) - q * 0.004 - (case when u >= 95 then 0.03 else 0 end)
           as correct,
         r3 < 0.12 - (case when cand then 0.005 else 0 end) as overridden,
         r4 < 0.91 - (case when u >= 80 then 0.05 else 0 end) as sla_met,
         r5 < 0.15 as escalated,
         case when r5 < 0.15 then r6 < 0.8 + (case when cand then 0.02 else 0 end) end as escalation_correct,
         case when r7 >= 0.06 then round(exp(1.2 + 0.9 * sqrt(-2 * ln(1 - g1)) * cos(2 * pi() * g2)
              - (case when cand then 0.03 else 0 end)), 3) end as resolution_hours,
         case when r8 >= 0.7 then 1 + (r9 * 5)::int % 5 end::tinyint as csat,
         0.5 + 0.2 * sqrt(-2 * ln(1 - g1)) * sin(2 * pi() * g2) as score
  from unit order by i
) to '{path}' (format parquet, compression zstd, row_group_size 122880)
"""


def make(folder: Path, weeks: int, rows: int, start: date) -> list[Path]:
    """Write weekly files that are not there yet.

    Parameters
    ----------
    rows : in each week
    start : a Monday

    Returns
    -------
    Paths, one per week.
    """
    folder.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    paths = []
    for week in range(weeks):
        path = folder / f"week-{week:03d}-{rows}.parquet"
        paths.append(path)
        if not path.exists():
            beside = path.with_suffix(".new")
            connection.execute(f"select setseed({(week + 1) / 1000})")
            monday = start + timedelta(weeks=week)
            connection.execute(_SQL.format(first=week * rows, rows=rows, start=monday, path=beside))
            beside.replace(path)
    return paths
