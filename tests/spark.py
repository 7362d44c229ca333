"""A Spark cluster of the tests' own: a master, two workers and an executor of each, on this machine alone."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

#: Two executors, each one core and 1024 MB.
MASTER = "local-cluster[2,1,1024]"
_SETTINGS = {
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "2",  # 200 by default, each a task
    "spark.sql.session.timeZone": "Asia/Tokyo",  # an engine must not depend on it
    "spark.driver.memory": "1g",
    # Each look is a handful of small queries: to compile them for speed takes longer than to run them.
    "spark.sql.codegen.wholeStage": "false",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


@contextmanager
def cluster(**settings: str) -> Iterator[SparkSession]:
    """Start a cluster, give a session on it, and stop it at the end; ``settings`` have underscores for dots."""
    if shutil.which("java") is None:
        pytest.skip("Java is not installed (Debian's package openjdk-17-jre-headless)")
    from pyspark.sql import SparkSession

    folder = tempfile.mkdtemp(prefix="rampgate-spark-")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["SPARK_WORKER_DIR"] = f"{folder}/work"
    builder = SparkSession.builder.master(MASTER).appName("tests")
    more = {key.replace("_", "."): value for key, value in settings.items()}
    for key, value in {**_SETTINGS, "spark.sql.warehouse.dir": f"{folder}/warehouse", **more}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A session on a cluster, started when first asked for."""
    with cluster() as session:
        yield session
