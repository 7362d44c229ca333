"""A PostgreSQL server of the tests' own: Debian's binaries, a folder that is thrown away, nothing but this machine."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

#: Debian keeps the server's programs apart by version and off the path.
_DEBIAN = Path("/usr/lib/postgresql")
#: The server refuses to run as root; Debian's package makes this user for it.
_USER = "postgres"
#: The data are thrown away, so nothing waits for a disk. Collation is that of a language, as on most servers.
_INITDB = [
    "--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu",
    "--icu-locale=en-US", "--no-sync", "--no-instructions",
]  # fmt: skip
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "60"}
_DURABLE = {"max_connections": "60"}
_SECONDS = 60.0


def programs() -> Path | None:
    """The folder with ``initdb`` and ``postgres``, of the newest version there is; None without any."""
    found = [path.parent for path in _DEBIAN.glob("*/bin/postgres")]
    if found:
        return max(found, key=lambda path: int(path.parent.name))
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def server(durable: bool = False) -> Iterator[str]:
    """Start a server, give its URL (user ``postgres``, database ``postgres``), and stop it at the end.

    It listens on 127.0.0.1 and on a Unix socket in its folder, and dies with the process that started it. ``durable``
    waits for the disk, as a server does unless it is told otherwise.
    """
    bin_ = programs()
    if bin_ is None:
        pytest.skip("PostgreSQL is not installed (Debian's package postgresql)")
    # Not a folder of pytest's: the server's user may not enter those.
    folder = Path(tempfile.mkdtemp(prefix="rampgate-postgres-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _USER, _USER)
        data = folder / "data"
        subprocess.run(_as_user(bin_ / "initdb", *_INITDB, f"--pgdata={data}"), check=True, capture_output=True)
        port = _free_port()
        with (folder / "log").open("wb") as log:
            settings = [f"--{name}={value}" for name, value in (_DURABLE if durable else _SETTINGS).items()]
            listen = [f"-D{data}", f"-p{port}", f"-k{folder}", "-h127.0.0.1"]
            running = subprocess.Popen(_as_user(bin_ / "postgres", *listen, *settings), stdout=log, stderr=log)
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        try:
            _await(url, running, folder / "log")
            yield url
        finally:
            # Ends sessions that tests left open; SIGTERM would wait for them.
            running.send_signal(signal.SIGINT)
            running.wait(_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _as_user(program: Path, *arguments: str) -> list[str]:
    """The command, not as root, and ended when the tests are killed."""
    user = [f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"] if os.geteuid() == 0 else []
    return ["setpriv", "--pdeathsig=QUIT", *user, str(program), *arguments]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(url: str, running: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers."""
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and running.poll() is None:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a server; one for each process that runs tests, started when first asked for."""
    with server() as url:
        yield url


_places = count()


@contextmanager
def database(url: str, template: str | None = None) -> Iterator[str]:
    """The URL of a new database on a server; it is dropped at the end, whoever is still connected.

    It is empty, or a copy of the one at the URL ``template``, which nobody may be connected to.
    """
    name = f"test_{os.getpid()}_{next(_places)}"
    made = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template is not None:
        made += sql.SQL(" TEMPLATE {}").format(sql.Identifier(template.rpartition("/")[2]))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(made)
    try:
        yield f"{url.rpartition('/')[0]}/{name}"
    finally:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def postgres_database(postgres_server: str) -> Iterator[str]:
    """The URL of an empty database of the test's own."""
    with database(postgres_server) as url:
        yield url
