"""Makes an installation of many files and many workspaces quickly, on either store: one file is uploaded through the API, and its
rows are cloned in SQL under fresh ids, with a row of the ledger each. The bytes of clones stand in their rows."""

from __future__ import annotations

import time

from suite.database import Rows

# Names of clones begin alike and end with a number: a search by the start of a name finds all of them or a few.
NAME_PREFIX = "report-"
NAME_DIGITS = 9
# Ids of clones: the time of their original, which is a millisecond, and a number, which keeps them in order.
FILE_TIME_CHARACTERS = len("file-") + 9
FILE_DIGITS = 15
BLOB_DIGITS = 30
WORKSPACE_PREFIX = "ws_00VbjUjhHGglY7j08"
WORKSPACE_DIGITS = 7
LEDGER_SPREAD_SECONDS = 30 * 86_400


def clone_workspaces(rows: Rows, count: int) -> None:
    """Adds so many workspaces, numbered from 1."""
    before, series = rows.series(count)
    number = rows.digits("i", WORKSPACE_DIGITS)
    rows.run(f"INSERT INTO workspaces (id, name) {before} SELECT '{WORKSPACE_PREFIX}' || {number}, 'tenant-' || i FROM {series}")


def clone_files(rows: Rows, original: str, count: int, tenants: int, *, series_id: int = 0, expires_at: int | None = None) -> None:
    """Adds so many files, spread in turn over the original's workspace and `tenants - 1` cloned ones. `series_id` is a digit that
    keeps the clones of several calls apart."""
    before, series = rows.series(count)
    file_id = f"substr(o.id, 1, {FILE_TIME_CHARACTERS}) || '{series_id}' || {rows.digits('i', FILE_DIGITS - 1)}"
    blob_id = f"'0{series_id}' || {rows.digits('i', BLOB_DIGITS)}"
    number = rows.digits(f"i % {tenants}", WORKSPACE_DIGITS)
    workspace = f"CASE WHEN i % {tenants} = 0 THEN o.workspace_id ELSE '{WORKSPACE_PREFIX}' || {number} END"
    filename = f"'{NAME_PREFIX}' || {rows.digits('i', NAME_DIGITS)}"
    ts = int(time.time()) - LEDGER_SPREAD_SECONDS
    values = {
        "blobs": {"id": blob_id, "workspace_id": workspace},
        "files": {"id": file_id, "blob_id": blob_id, "workspace_id": workspace, "filename": filename, "expires_at": "o.expires_at" if expires_at is None else str(expires_at)},
        "ledger": {
            "event_id": f"'st+:' || {file_id}",
            "file_id": file_id,
            "workspace_id": workspace,
            "ts": f"{ts} + i % {LEDGER_SPREAD_SECONDS}",
        },
    }
    originals = {
        "blobs": f"(SELECT * FROM blobs WHERE id = (SELECT blob_id FROM files WHERE id = '{original}'))",
        "files": f"(SELECT * FROM files WHERE id = '{original}')",
        "ledger": f"(SELECT l.*, '{original}' AS id FROM ledger l WHERE event_id = 'st+:{original}')",
    }
    for table, changed in values.items():
        columns = [column for column in rows.columns(table) if column not in ("seq", "arrival")]
        # Of a blob, `o.id` is the blob's own; nothing of it is taken from there.
        selected = ", ".join(changed.get(column, f"o.{column}") for column in columns)
        rows.run(f"INSERT INTO {table} ({', '.join(columns)}) {before} SELECT {selected} FROM {originals[table]} o CROSS JOIN {series}")
    rows.run(*rows.settled())


def clone_completed_uploads(rows: Rows, original: str, count: int, tenants: int) -> None:
    """Adds Uploads that were completed long ago."""
    before, series = rows.series(count)
    number = rows.digits(f"i % {tenants}", WORKSPACE_DIGITS)
    workspace = f"CASE WHEN i % {tenants} = 0 THEN o.workspace_id ELSE '{WORKSPACE_PREFIX}' || {number} END"
    columns = rows.columns("uploads")
    changed = {"id": f"substr(o.id, 1, length(o.id) - 12) || {rows.digits('i', 12)}", "workspace_id": workspace, "status": "'completed'"}
    selected = ", ".join(changed.get(column, f"o.{column}") for column in columns)
    one = f"(SELECT * FROM uploads WHERE id = '{original}')"
    rows.run(f"INSERT INTO uploads ({', '.join(columns)}) {before} SELECT {selected} FROM {one} o CROSS JOIN {series}")
