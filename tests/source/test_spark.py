"""What a Spark cluster may do to a look, and what a look must not do to the user's session."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.aggregate.support import look, only, policy, tickets
from tests.contract.engines import alike, into_parquet
from tests.spark import MASTER

import rampgate
from rampgate.errors import SourceError, UsageError
from rampgate.source import open_engine
from rampgate.source.spark import SparkEngine

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.xdist_group("spark")

CHOSEN: dict[str, Any] = {
    "baseline": "v1", "candidate": "v2", "start": "2026-03-23",
    "source": {"unit": "ticket", "time": "opened", "variant": "version"},
    "metrics": {"right": {"kind": "proportion", "column": "correct"},
                "hours": {"kind": "mean", "column": "hours", "better": "lower", "best": 0, "worst": 100}},
    "kpi": {"weights": {"right": 0.7, "hours": 0.3}}, "phases": [{"traffic": "40%"}, {"traffic": "100%"}],
}  # fmt: skip


@pytest.fixture(scope="module")
def given() -> pa.Table:
    return tickets(600).drop_columns(["unused"])


@pytest.fixture
def frame(spark: SparkSession, given: pa.Table, tmp_path: Path) -> DataFrame:
    return spark.read.parquet(str(into_parquet(tmp_path, given)))


def executors(spark: SparkSession) -> set[int]:
    """The processes of the cluster's executors, which the driver's Java started."""
    jvm: Any = spark.sparkContext._jvm
    java = jvm.java.lang.ProcessHandle.current().pid()
    found = set[int]()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            command = (path.parent / "cmdline").read_text()
        except (OSError, ValueError):
            continue  # it ended meanwhile
        if parent == java and "CoarseGrainedExecutorBackend" in command:
            found.add(int(path.parent.name))
    return found


def kill_one_at_work(spark: SparkSession, done: threading.Event, killed: list[int]) -> None:
    """Kill an executor as soon as both are at work, or on a machine that is too busy for that, one is."""
    tracker, wanted = spark.sparkContext.statusTracker(), 2
    while not done.wait(0.02):
        stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
        if any(stage is not None and stage.numActiveTasks >= wanted for stage in stages):
            victim = min(executors(spark))
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)
            return
        if any(stage is not None and stage.numActiveTasks for stage in stages):
            wanted = 1


def test_an_executor_is_killed_during_a_look(spark: SparkSession, given: pa.Table, frame: DataFrame) -> None:
    """Two real processes do the work; what one had done is done again, and the decision is the same."""
    slow = frame.repartition(2).where("java_method('java.lang.Thread', 'sleep', 5L) IS NOT NULL")
    assert spark.sparkContext.master == MASTER
    assert len(executors(spark)) == 2
    done, killed = threading.Event(), list[int]()
    killer = threading.Thread(target=kill_one_at_work, args=(spark, done, killed))
    killer.start()
    try:
        found = rampgate.check(CHOSEN, events=slow, as_of="2026-04-06", ledger=None)
    finally:
        done.set()
        killer.join()
    assert len(killed) == 1
    assert not Path(f"/proc/{killed[0]}/fd").exists() or killed[0] not in executors(spark)
    alike(found.to_dict(), rampgate.check(CHOSEN, events=given, as_of="2026-04-06", ledger=None).to_dict())


def test_the_users_session_is_left_as_it_was(spark: SparkSession, frame: DataFrame) -> None:
    zone, views = spark.conf.get("spark.sql.session.timeZone"), len(spark.catalog.listTables())
    with SparkEngine.open(frame) as engine:
        assert engine._session.conf.get("spark.sql.session.timeZone") == "UTC"
        assert look(engine, policy()).intake.used == 600
        assert len(spark.catalog.listTables()) == views
    assert spark.conf.get("spark.sql.session.timeZone") == zone == "Asia/Tokyo"
    assert not spark.sparkContext._jsc.sc().isStopped()


def test_a_table_of_the_open_session_and_one_of_its_catalog(spark: SparkSession, frame: DataFrame) -> None:
    frame.createOrReplaceTempView("tickets_now")
    frame.write.mode("overwrite").saveAsTable("kept")
    try:
        for table in ("tickets_now", "`tickets_now`", "kept", "default.kept", "spark_catalog.default.kept"):
            assert look(f"spark:///?table={table}", only(column="correct")).intake.used == 600
    finally:
        spark.catalog.dropTempView("tickets_now")
        spark.sql("DROP TABLE kept")


def test_parquet_files_by_url(spark: SparkSession, given: pa.Table, tmp_path: Path) -> None:
    for i in range(2):
        pq.write_table(given.slice(i * 300, 300), tmp_path / f"part-{i}.parquet")
    assert look(f"spark:///?parquet={tmp_path}/part-*.parquet", policy()).intake.used == 600


REFUSED: dict[str, tuple[Callable[[Path], str], str]] = {
    "no table": (lambda _: "spark:///?table=nowhere.tickets", "no such table"),
    "no files": (lambda folder: f"spark:///?parquet={folder}/none.parquet", "no such files"),
    "another cluster": (lambda _: "spark://10.0.0.1:7077?table=tickets", "is open in this process"),
    "no Parquet": (lambda folder: f"spark:///?parquet={folder}/text.parquet", "could not answer"),
    "nanoseconds": (lambda folder: f"spark:///?parquet={folder}/nanos.parquet", "nanoseconds"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_read(spark: SparkSession, tmp_path: Path, case: str) -> None:
    (tmp_path / "text.parquet").write_text("no Parquet at all")
    pq.write_table(pa.table({"t": pa.array([0], pa.timestamp("ns"))}), tmp_path / "nanos.parquet")
    source, says = REFUSED[case]
    with pytest.raises(SourceError, match=says) as caught:
        look(source(tmp_path), policy())
    assert caught.value.exit_code == 1
    assert caught.value.remedy


@pytest.mark.parametrize(
    "url",
    ["spark://h:7077", "spark://h:7077/db", "spark:///?table=", "spark:///?table=a&parquet=/b", "spark:///?view=a"],
)
def test_a_url_that_says_too_little(url: str) -> None:
    with pytest.raises(UsageError, match="does not name one table"):
        open_engine(url)


def test_a_path_that_is_not_whole() -> None:
    with pytest.raises(UsageError, match="not a whole path"):
        open_engine("spark:///?parquet=tickets/*.parquet")


def test_a_session_is_no_rows(spark: SparkSession) -> None:
    with pytest.raises(SourceError, match="cannot read rows from a SparkSession"):
        open_engine(spark)


def test_names_that_differ_in_case_are_refused(spark: SparkSession) -> None:
    with pytest.raises(SourceError, match="repeated"):
        open_engine(spark.sql("SELECT 1 AS a, 2 AS A"))


def test_a_query_that_fails_on_the_cluster(frame: DataFrame) -> None:
    broken = frame.selectExpr("*", "string(raise_error('disk on fire')) AS x")
    with pytest.raises(SourceError, match="disk on fire") as caught:
        look(broken, only(metric={"equals": "a"}))
    assert caught.value.remedy == "see the cluster's log, then look again"
