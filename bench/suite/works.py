"""The works: what a server is asked to do while it is measured. Each gives a sample; `run` takes them pass by pass."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from suite.load import Outcome, Request, wrk
from suite.servers import Server

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

FILES_APIS = ("ogx", "aibrix", "hadrian")
# Distinct files that a read goes round, by size; as many bytes as stay in the page cache.
SMALL_FILES = 1000
# The peers' lists are of no more than this and what the uploads before have left.
LISTED_FILES = 1000
WARM_UP_SECONDS = 1


@dataclass(frozen=True)
class Scale:
    """How long and how large: the full run or the quick one."""

    seconds: int
    passes: int
    million: int
    huge_bytes: int
    transfer_bytes: int
    upload_bytes: int
    deletes: int


FULL = Scale(seconds=4, passes=3, million=1_000_000, huge_bytes=GIB, transfer_bytes=64 * MIB, upload_bytes=512 * MIB, deletes=4000)
QUICK = Scale(seconds=2, passes=1, million=100_000, huge_bytes=128 * MIB, transfer_bytes=16 * MIB, upload_bytes=256 * MIB, deletes=1000)


@dataclass
class Sample:
    """One measurement: `value` is requests/s, GB/s, ms or MiB, as its work says."""

    value: float
    cpu_us_per_request: float | None = None
    peak_mib: float | None = None
    p99_ms: float | None = None
    failures: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Work:
    name: str
    title: str
    unit: str
    #: The servers that do it, by name; those that are not there are left out.
    servers: tuple[str, ...]
    measure: Callable[[Server, Scale], Sample]


def sampled(server: Server, do: Callable[[], Outcome], unit: str) -> Sample:
    """Runs `do` with the server's CPU time and memory taken before and after, on a disk with nothing left to write."""
    assert server.process
    os.sync()
    server.process.forget_peak()
    cpu_seconds = server.process.cpu_seconds()
    outcome = do()
    cpu_seconds = server.process.cpu_seconds() - cpu_seconds
    value = outcome.rate
    if unit == "GB/s":
        value = (outcome.sent_bytes + outcome.received_bytes) / outcome.seconds / 1e9
    return Sample(
        value,
        cpu_seconds / max(outcome.requests, 1) * 1e6,
        server.process.memory_bytes("VmHWM") / MIB,
        outcome.p99_ms,
        outcome.failures,
    )


def small_upload(connections: int, servers: tuple[str, ...]) -> Work:
    def measure(server: Server, scale: Scale) -> Sample:
        count = min(connections, server.upload_connections)
        return sampled(server, lambda: wrk(server.port, server.upload(4 * KIB), count, scale.seconds), "requests/s")

    return Work(f"upload-4k-c{connections}", f"upload 4 KiB, c={connections}", "requests/s", servers, measure)


def large_upload(name: str, title: str, size: Callable[[Scale], int], connections: int, unit: str) -> Work:
    def measure(server: Server, scale: Scale) -> Sample:
        count = max(connections, scale.upload_bytes // size(scale))
        request = server.upload(size(scale))
        return sampled(server, lambda: server.client.run(server.port, request, connections, requests=count), unit)

    return Work(name, title, unit, ("venna", "nginx"), measure)


def small_read(name: str, title: str, request: Callable[[Server], Request], connections: int, servers: tuple[str, ...]) -> Work:
    def measure(server: Server, scale: Scale) -> Sample:
        asked = request(server)
        wrk(server.port, asked, connections, WARM_UP_SECONDS)
        return sampled(server, lambda: wrk(server.port, asked, connections, scale.seconds), "requests/s")

    return Work(name, title, "requests/s", servers, measure)


def large_content(name: str, title: str, size: Callable[[Scale], int], files: int, connections: int, unit: str) -> Work:
    def measure(server: Server, scale: Scale) -> Sample:
        request = server.content(server.files(size(scale), files))
        # Twice: an idle virtual machine may have taken the pages back.
        server.client.run(server.port, request, connections, requests=2 * files)
        return sampled(server, lambda: server.client.run(server.port, request, connections, seconds=scale.seconds), unit)

    return Work(name, title, unit, ("venna", "nginx"), measure)


def deletes(servers: tuple[str, ...]) -> Work:
    def measure(server: Server, scale: Scale) -> Sample:
        count = scale.deletes if server.name == "venna" else scale.deletes // 8
        uploading = min(16, server.upload_connections)
        _, ids = server.client.run_for_ids(server.port, server.upload(4 * KIB), uploading, requests=count)
        return sampled(server, lambda: server.client.run(server.port, server.delete(ids), 16, requests=len(ids)), "requests/s")

    return Work("delete-c16", "delete, c=16", "requests/s", servers, measure)


def listing(name: str, title: str, servers: tuple[str, ...], connections: int = 16) -> Work:
    def request(server: Server) -> Request:
        if server.name in FILES_APIS:
            server.files(4 * KIB, LISTED_FILES)
        return server.list(100)

    return small_read(name, title, request, connections, servers)


def content_4k(connections: int, servers: tuple[str, ...]) -> Work:
    title = f"content 4 KiB, c={connections}"
    return small_read(f"content-4k-c{connections}", title, lambda server: server.content(server.files(4 * KIB, SMALL_FILES)), connections, servers)


def works() -> list[Work]:
    """In the order in which they are done: deletes last, because creates after them are slow on some file systems."""
    venna_and_peers = ("venna", "nginx", *FILES_APIS)
    return [
        small_upload(16, venna_and_peers),
        small_upload(64, ("venna", "nginx")),
        large_upload("upload-1m-c4", "upload 1 MiB, c=4", lambda scale: MIB, 4, "requests/s"),
        large_upload("upload-64m", "upload 64 MiB x 1", lambda scale: 64 * MIB, 1, "GB/s"),
        large_upload("upload-1g", "upload 1 GiB x 1", lambda scale: scale.huge_bytes, 1, "GB/s"),
        content_4k(16, venna_and_peers),
        content_4k(64, ("venna", "nginx")),
        large_content("content-1m-c16", "content 1 MiB, c=16", lambda scale: MIB, 64, 16, "requests/s"),
        large_content("content-64m-c4", "content 64 MiB x 4", lambda scale: 64 * MIB, 4, 4, "GB/s"),
        large_content("content-1g", "content 1 GiB x 1", lambda scale: scale.huge_bytes, 1, 1, "GB/s"),
        small_read("retrieve-c16", "retrieve, c=16", lambda server: server.retrieve(server.files(4 * KIB, SMALL_FILES)), 16, venna_and_peers),
        small_read("retrieve-1m", "retrieve at 1 M files, c=16", lambda server: server.retrieve(server.files(4 * KIB, SMALL_FILES)), 16, ("venna-1m",)),
        listing("list-c16", "list limit=100 at a few thousand files, c=16", FILES_APIS),
        listing("list-1k", "list limit=100 at 1,000 files, c=16", ("venna-1k",)),
        listing("list-1m", "list limit=100 at 1 M files, c=16", ("venna-1m",)),
        deletes(("venna", "aibrix", "ogx")),
    ]
