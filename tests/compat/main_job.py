"""The main job on real input: a shelf of real files goes up, is listed, read, compared and deleted, with the official SDK.

What it does, in this order, with openai-python against a running server:
  1. picks at least 200 real files of this machine (sources, PDFs, images, gz archives, JSON, fonts, binaries ...) from /usr,
     the same ones on every run of the same machine, from 0 bytes to several MiB; adds JSONL for `batch` and `fine-tune`
     made on the spot, and one large file of pseudo-random bytes (400 MiB unless told otherwise);
  2. uploads them all, purposes mixed, and compares id, size, name, purpose and status of every answer;
  3. lists them in pages of 7, oldest first and newest first: every file exactly once and in order of creation;
  4. retrieves each; downloads each and compares SHA-256 with the file on disk;
  5. reads ranges of the large file and compares them byte for byte;
  6. deletes them all; the list must be empty, and with --binary the blob folder too.
It prints a table of kinds and ends with `main job: N files, B bytes, all identical`, or fails at the first difference.

    main_job.py --base-url http://HOST:PORT/v1 --key vk_...  [--big-mib 400]     against any server
    main_job.py --binary target/release/venna                [--big-mib 400]     starts and stops its own
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from openai import DefaultHttpxClient, OpenAI

import transport
from server import Venna

MIB = 1024 * 1024
SHELVES = ["/usr/share", "/usr/include", "/usr/lib", "/usr/local", "/usr/bin"]
AT_LEAST, PER_KIND, KINDS = 200, 12, 24
WELCOME = [".pdf", ".jpg", ".gif", ".ttf", ".otf", ".woff2", ".zip", ".tar", ".whl", ".db", ".wasm", ".ogg"]
"""Kinds that are taken wherever there are any, also when they are not among the most common."""
LARGEST_BYTES = 16 * MIB
PURPOSES = ["user_data", "assistants", "vision", "evals"]
PAGE = 7


@dataclass
class Book:
    """One file of the shelf."""

    kind: str
    path: Path
    purpose: str
    sha256: str
    size_bytes: int


def kind_of(path: Path) -> str:
    return path.suffix.lower() if 1 < len(path.suffix) <= 8 and path.suffix[1:].isalnum() else "(none)"


def files_below(folder: str) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent, name)
            if path.is_file() and not path.is_symlink() and os.access(path, os.R_OK) and name.isprintable():
                yield path


def sha256_of(path: Path) -> str:
    with path.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def real_files() -> list[Path]:
    """A few of each common kind: the smallest, the largest and some between; the same on every run of one machine."""
    by_kind: dict[str, list[tuple[int, Path]]] = {}
    for shelf in SHELVES:
        for path in files_below(shelf):
            if (size := path.stat().st_size) <= LARGEST_BYTES:
                by_kind.setdefault(kind_of(path), []).append((size, path))
    chosen: dict[Path, None] = {}
    common = sorted(by_kind, key=lambda kind: (-len(by_kind[kind]), kind))[:KINDS]
    for kind in [*common, *(kind for kind in WELCOME if kind in by_kind and kind not in common)]:
        ordered = sorted(by_kind[kind])
        step = max(1, (len(ordered) - 1) // (PER_KIND - 1))
        chosen |= dict.fromkeys(path for _, path in [*ordered[::step][: PER_KIND - 1], ordered[-1]])
    return list(chosen)


def made_here(folder: Path, big_mib: int) -> list[tuple[Path, str]]:
    """What /usr does not have: input for batch and fine-tune, an empty file, and the large one."""
    batch = folder / "requests.jsonl"
    batch.write_text("".join(json.dumps({"custom_id": f"request-{n}", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "messages": [{"role": "user", "content": f"Nr. {n}"}]}}) + "\n" for n in range(20_000)))
    training = folder / "training.jsonl"
    training.write_text("".join(json.dumps({"messages": [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": f"{n}!"}]}) + "\n" for n in range(5_000)))
    empty = folder / "empty.dat"
    empty.touch()
    large = folder / f"large-{big_mib}-mib.bin"
    dice = random.Random(20261122)
    with large.open("wb") as opened:
        for _ in range(big_mib):
            opened.write(dice.randbytes(MIB))
    return [(batch, "batch"), (training, "fine-tune"), (empty, "user_data"), (large, "user_data")]


def a_shelf(folder: Path, big_mib: int) -> list[Book]:
    chosen = [(path, PURPOSES[number % len(PURPOSES)]) for number, path in enumerate(real_files())]
    assert len(chosen) >= AT_LEAST, f"only {len(chosen)} suitable files below {', '.join(SHELVES)}"
    return [Book(kind_of(path), path, purpose, sha256_of(path), path.stat().st_size) for path, purpose in chosen + made_here(folder, big_mib)]


class Watch:
    """Times the steps and prints one line for each."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def lap(self, step: str, size_bytes: int = 0) -> None:
        seconds = time.monotonic() - self._last
        rate = f"{size_bytes / MIB / seconds:8.0f} MiB/s" if size_bytes else ""
        print(f"  {step:<44} {seconds:7.2f} s {rate}", flush=True)
        self._last = time.monotonic()


def print_kinds(shelf: list[Book]) -> None:
    counts: dict[str, list[int]] = {}
    for book in shelf:
        counts.setdefault(book.kind, []).append(book.size_bytes)
    print(f"  {'kind':<10} {'files':>6} {'smallest':>10} {'largest':>12} {'bytes':>12}")
    for kind, sizes in sorted(counts.items(), key=lambda item: -sum(item[1])):
        print(f"  {kind:<10} {len(sizes):>6} {min(sizes):>10} {max(sizes):>12} {sum(sizes):>12}")


def do_main_job(client: OpenAI, shelf: list[Book]) -> None:
    total_bytes = sum(book.size_bytes for book in shelf)
    print_kinds(shelf)
    watch = Watch()
    assert client.files.list(limit=1).data == [], "the main job wants a workspace without files"

    ids: list[str] = []
    for book in shelf:
        created = client.files.create(file=book.path, purpose=book.purpose)
        told = (created.bytes, created.filename, created.purpose, created.status)
        assert told == (book.size_bytes, book.path.name, book.purpose, "processed"), f"{book}: {told}"
        ids.append(created.id)
    assert len(set(ids)) == len(shelf)
    watch.lap(f"uploaded {len(shelf)} files", total_bytes)

    for order, expected in (("asc", ids), ("desc", ids[::-1])):
        pages = list(itertools.islice(client.files.list(limit=PAGE, order=order).iter_pages(), len(ids)))
        assert [file.id for page in pages for file in page.data] == expected, f"the list is not the files in order ({order})"
        assert len(pages) == -(-len(ids) // PAGE)
    watch.lap(f"listed both ways in pages of {PAGE}")

    for file_id, book in zip(ids, shelf, strict=True):
        file = client.files.retrieve(file_id)
        assert (file.id, file.bytes, file.filename, file.purpose) == (file_id, book.size_bytes, book.path.name, book.purpose), book
    watch.lap("retrieved each")

    for file_id, book in zip(ids, shelf, strict=True):
        seen = hashlib.sha256()
        with client.files.with_streaming_response.content(file_id) as response:
            for piece in response.iter_bytes(MIB):
                seen.update(piece)
        assert seen.hexdigest() == book.sha256, f"{book.path} came back different"
    watch.lap("downloaded each and compared SHA-256", total_bytes)

    large_id, large = max(zip(ids, shelf, strict=True), key=lambda pair: pair[1].size_bytes)
    size, dice = large.size_bytes, random.Random(7)
    spans = [(0, 0), (0, MIB), (size - 1, size - 1), (size - MIB, size - 1)]
    spans += [(first, min(size - 1, first + dice.randrange(2 * MIB))) for first in (dice.randrange(size) for _ in range(20))]
    with large.path.open("rb") as opened:
        for first, last in spans:
            opened.seek(first)
            part = client.files.content(large_id, extra_headers={"Range": f"bytes={first}-{last}"})
            assert part.response.status_code == 206
            assert part.read() == opened.read(last - first + 1), f"bytes {first} to {last} of the large file differ"
    watch.lap(f"read {len(spans)} ranges of the large file")

    for file_id in ids:
        assert client.files.delete(file_id).deleted
    assert client.files.list().data == [], "deleted files are still listed"
    watch.lap("deleted each; the list is empty")
    print(f"main job: {len(shelf)} files, {total_bytes} bytes, all identical", flush=True)


def wait_for_empty_blob_folder(venna: Venna, within_seconds: float = 10) -> None:
    deadline = time.monotonic() + within_seconds
    while (left := venna.blob_files()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left, f"{len(left)} blobs are left after every file was deleted: {sorted(left)[:5]}"
    print("  the blob folder is empty")


def main() -> int:
    options = argparse.ArgumentParser(description="The main job on real input.")
    options.add_argument("--binary", type=Path, help="start this program on a data directory of its own")
    options.add_argument("--base-url", help="a running server, with /v1")
    options.add_argument("--key", help="a key of a workspace without files")
    options.add_argument("--big-mib", type=int, default=400, help="size of the large file (400)")
    given = options.parse_args()
    if bool(given.binary) == bool(given.base_url and given.key):
        options.error("give either --binary, or --base-url and --key")

    with tempfile.TemporaryDirectory(prefix="venna-main-job-") as folder:
        shelf = a_shelf(Path(folder), given.big_mib)
        if given.binary:
            with Venna(binary=given.binary.resolve()) as venna:
                with OpenAI(base_url=venna.base_url, api_key=venna.first_key(), **transport.of_openai(DefaultHttpxClient)) as client:
                    do_main_job(client, shelf)
                wait_for_empty_blob_folder(venna)
        else:
            with OpenAI(base_url=given.base_url, api_key=given.key) as client:
                do_main_job(client, shelf)
    return 0


if __name__ == "__main__":
    sys.exit(main())
