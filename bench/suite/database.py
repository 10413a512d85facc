"""The databases behind a measured Venna: a PostgreSQL server of the run's own, and SQL on either store."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from suite import tools
from suite.process import TICKS_PER_SECOND, stat_fields

LONG_STATEMENT_SECONDS = 3600


@contextlib.contextmanager
def postgres(folder: Path, *settings: str) -> Iterator[tuple[str, int]]:
    """The URL of a server of its own on this disk, and the process that it descends from."""
    home = folder / "database"
    home.mkdir()
    home.chmod(0o777)
    script = [str(tools.REPOSITORY / "crates/testkit/postgres.sh"), *settings]
    environment = {"PATH": os.environ["PATH"], "VENNA_TEST_POSTGRES_HOME": str(home)}
    with subprocess.Popen(script, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin and server.stdout
        url = server.stdout.readline().strip()
        if not url:
            sys.exit("there is no PostgreSQL on this machine")
        (place,) = home.glob("venna-postgres.*/data/postmaster.pid")
        try:
            yield url, int(place.read_text().split()[0])
        finally:
            server.stdin.close()


def database_seconds(pid: int) -> float:
    """User and system time of a PostgreSQL server and its processes, those that ended included."""
    children = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    ticks = 0
    for process in children:
        fields = stat_fields(process)
        if fields and (process == pid or int(fields[1]) == pid):
            ticks += sum(int(fields[place]) for place in (range(11, 15) if process == pid else range(11, 13)))
    return ticks / TICKS_PER_SECOND


class SqliteRows:
    """SQL on the database of an installation on SQLite."""

    name = "SQLite"

    def __init__(self, path: Path) -> None:
        self.path = path

    def run(self, *statements: str) -> None:
        with contextlib.closing(sqlite3.connect(self.path, isolation_level=None, timeout=60)) as database:
            database.execute("PRAGMA cache_size = -500000")
            # What is filled is thrown away when the filling is cut off.
            database.execute("PRAGMA synchronous = OFF")
            for statement in statements:
                database.execute(statement)
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def value(self, query: str) -> str:
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=60)) as database:
            row = database.execute(query).fetchone()
            return "" if row is None or row[0] is None else str(row[0])

    def columns(self, table: str) -> list[str]:
        with contextlib.closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as database:
            return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]

    def series(self, count: int) -> tuple[str, str]:
        """What stands before a SELECT, and the table `n` with the column `i` from 1 to `count`."""
        return f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})", "n"

    def digits(self, number: str, width: int) -> str:
        return f"printf('%0{width}d', {number})"

    def settled(self) -> list[str]:
        """Statements after a filling."""
        return ["PRAGMA analysis_limit = 1000", "ANALYZE"]


class PostgresRows:
    """SQL on a PostgreSQL database."""

    name = "PostgreSQL"

    def __init__(self, url: str) -> None:
        self.url = url

    def run(self, *statements: str) -> None:
        for statement in statements:
            self._psql(statement)

    def value(self, query: str) -> str:
        return self._psql(query).strip()

    def columns(self, table: str) -> list[str]:
        return self.value(
            f"SELECT column_name FROM information_schema.columns WHERE table_name = '{table}' AND is_generated = 'NEVER' AND is_identity = 'NO' ORDER BY ordinal_position"
        ).split()

    def series(self, count: int) -> tuple[str, str]:
        return "", f"generate_series(1, {count}) AS n(i)"

    def digits(self, number: str, width: int) -> str:
        return f"lpad(({number})::text, {width}, '0')"

    def settled(self) -> list[str]:
        return ["VACUUM ANALYZE"]

    def _psql(self, sql: str) -> str:
        command = ["psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--command", sql, self.url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONG_STATEMENT_SECONDS)
        if done.returncode:
            raise RuntimeError(f"{sql[:200]}: {done.stderr.strip()}")
        return done.stdout


Rows = SqliteRows | PostgresRows
