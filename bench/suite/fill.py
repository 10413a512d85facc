"""Makes an installation of many files quickly: some are uploaded through the API, the server stops, and their rows are
cloned in SQLite under fresh ids. The bytes of clones exist only where they are rows themselves."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterator

from suite.servers import Venna

ORIGINALS = 100
# Small, because bytes that stand in a row are cloned too: what is measured is the number of rows.
ORIGINAL_BYTES = 256
SAMPLED_IDS = 10_000

# What cloning a file clones: tables in the order of their insertion, and for each column where its value comes from:
# "file id" and "blob id" are fresh ones of the clone, "same" is the original's. The originals of a table are the rows
# whose blob id or file id is that of an original file.
CLONED: dict[str, dict[str, str]] = {
    "blobs": {
        "id": "blob id",
        "workspace_id": "same",
        "process_id": "same",
        "state": "same",
        "size_bytes": "same",
        "sha256": "same",
        "checksums": "same",
        "content": "same",
        "upload_id": "same",
        "deleted_at": "same",
    },
    "files": {
        "workspace_id": "same",
        "id": "file id",
        "blob_id": "blob id",
        "purpose": "same",
        "filename": "same",
        "size_bytes": "same",
        "sha256": "same",
        "parts_sha256": "same",
        "part_count": "same",
        "expires_at": "same",
        "status_details": "same",
        "mime_type": "same",
    },
}
# Tables that a clone needs no rows in.
LEFT_ALONE = {"answers", "default_expiries", "installation", "workspaces", "api_keys", "key_secrets", "limits", "ledger", "usage_hourly", "usage_hourly_totals", "audit_log", "uploads", "parts", "file_parts", "holds", "outbox", "usage_export", "scrub", "schema_migrations", "persons", "sessions", "links", "link_keys"}

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TIME_DIGITS = 9
TAIL_DIGITS = 15
FILE_PREFIX = "file-"


def fill(venna: Venna, count: int, size: int = ORIGINAL_BYTES) -> list[str]:
    """Leaves `count` files in the installation of a stopped `venna` and gives some of their ids, drawn at random."""
    with venna:
        originals = venna.files(size, min(ORIGINALS, count))
    clones = count - len(originals)
    if clones <= 0:
        return originals
    database = sqlite3.connect(venna.data_dir / "venna.db", isolation_level=None)
    try:
        check_schema(database)
        return clone(database, originals, clones)
    finally:
        database.close()


def check_schema(database: sqlite3.Connection) -> None:
    """The tables and columns are those that `CLONED` and `LEFT_ALONE` know, so that no clone is half a file."""
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")}
    if unknown := tables - CLONED.keys() - LEFT_ALONE:
        raise RuntimeError(f"the schema has tables that {__file__} does not know: {', '.join(sorted(unknown))}; name them in CLONED or LEFT_ALONE")
    for table, columns in CLONED.items():
        found = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        if sorted(found) != sorted(columns):
            raise RuntimeError(f"the columns of {table} are {found}, and CLONED in {__file__} has {list(columns)}")


def clone(database: sqlite3.Connection, originals: list[str], count: int) -> list[str]:
    # The journal would be as large as the database; a filling that is cut off is thrown away as a whole.
    for setting in ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE", "cache_size = -1000000"):
        database.execute(f"PRAGMA {setting}")
    oldest_ms = base62_number(min(originals).removeprefix(FILE_PREFIX)[:TIME_DIGITS])
    # One id a millisecond, all of them before the first upload: the newest id stays the newest.
    fresh = [
        (FILE_PREFIX + base62(oldest_ms - count + number, TIME_DIGITS) + base62(secrets.randbits(80), TAIL_DIGITS), secrets.token_hex(16))
        for number in range(count)
    ]
    blob_ids = dict(database.execute(f"SELECT id, blob_id FROM files WHERE id IN ({', '.join('?' * len(originals))})", originals))
    for table, columns in CLONED.items():
        rows = rows_of_originals(database, table, columns, originals, blob_ids)
        insert = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        database.execute("BEGIN")
        database.executemany(insert, clones_of(rows, list(columns.values()), fresh))
        database.execute("COMMIT")
    database.execute("PRAGMA journal_mode = WAL")
    return [file_id for file_id, _ in secrets.SystemRandom().sample(fresh, min(count, SAMPLED_IDS))]


def rows_of_originals(
    database: sqlite3.Connection, table: str, columns: dict[str, str], originals: list[str], blob_ids: dict[str, str]
) -> list[list[tuple]]:
    """For each original its rows of the table; none where the table holds nothing of it."""
    key, source = next((name, source) for name, source in columns.items() if source != "same")
    wanted = [blob_ids[file_id] if source == "blob id" else file_id for file_id in originals]
    select = f"SELECT {', '.join(columns)} FROM {table} WHERE {key} = ?"
    return [database.execute(select, (value,)).fetchall() for value in wanted]


def clones_of(rows: list[list[tuple]], sources: list[str], fresh: list[tuple[str, str]]) -> Iterator[tuple]:
    values: dict[str, Callable[[object, str, str], object]] = {
        "same": lambda value, file_id, blob_id: value,
        "file id": lambda value, file_id, blob_id: file_id,
        "blob id": lambda value, file_id, blob_id: blob_id if value is not None else None,
    }
    take = [values[source] for source in sources]
    for number, (file_id, blob_id) in enumerate(fresh):
        for row in rows[number % len(rows)]:
            yield tuple(take_value(value, file_id, blob_id) for take_value, value in zip(take, row, strict=True))


def base62(number: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, 62)
        text = BASE62[digit] + text
    return text


def base62_number(text: str) -> int:
    number = 0
    for digit in text:
        number = number * 62 + BASE62.index(digit)
    return number

