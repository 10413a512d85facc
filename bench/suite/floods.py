"""What one tenant does to harm the others: a flood of each route, and of what costs a server without being a request."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from suite import http_2
from suite.load import LoadClient, Outcome, Request, form
from suite.servers import Venna

KIB, MIB = 1024, 1024 * 1024
CONNECTIONS = 64
LARGE_CONNECTIONS = 16
LISTED_FILES = 1000
DOWNLOADED_FILES = 16
# Of which each takes 10,000 parts.
UPLOADS_OF_PARTS = 64
# What a completion would have to read to find that its MD5 is wrong.
HASHED_BYTES = 64 * MIB
SLOW_BODIES = 512
IDLE_CONNECTIONS = 5000
FRAME_CONNECTIONS = 16
# Another address than the quiet tenant's.
FLOOD_ADDRESS = "127.0.0.2"
SLOW_PAUSE_SECONDS = 1.0
CONNECT_TIMEOUT_SECONDS = 5
WAIT_AFTER_429_SECONDS = 1
# More than a server does.
DELETES_PER_SECOND = {"sqlite": 8000, "postgres": 10_000}


@dataclass
class Flood:
    """One way to flood: what it needs made before each stretch of it, and how it runs for so many seconds."""

    name: str
    prepare: Callable[[Venna, float], Callable[[float], Outcome]]


def flooder(client: LoadClient) -> LoadClient:
    """On one of the CPUs alone and behind the server there: a tenant's clients take no processor of the server's."""
    flooder = LoadClient(client.program, "nice", "-n", "19", "taskset", "--cpu-list", str(max(os.sched_getaffinity(0))))
    flooder.wait_after_429_seconds = WAIT_AFTER_429_SECONDS
    return flooder


def requests(name: str, request: Callable[[Venna], Request], connections: int = CONNECTIONS) -> Flood:
    """The same request again and again."""

    def prepare(ada: Venna, _: float) -> Callable[[float], Outcome]:
        asked = request(ada)
        return lambda seconds: flooder(ada.client).run(ada.port, asked, connections, seconds=seconds)

    return Flood(name, prepare)


def usage_by_minutes(ada: Venna) -> Request:
    start = int(time.time()) - 86_400
    return Request([f"/v1/organization/usage/files?start_time={start}&bucket_width=1m&limit=1440"], headers=ada.headers())


def ledger(ada: Venna) -> Request:
    return Request(["/v1/organization/usage/ledger?limit=1000"], headers=ada.headers())


def unknown_keys(ada: Venna) -> Request:
    """With the key of another installation, which looks right and is not known here."""
    folder = Path(tempfile.mkdtemp(prefix="venna-bench-"))
    try:
        stranger = Venna(folder, ada.client, ada.program)
        with stranger:
            headers = stranger.headers()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Request(["/v1/files?limit=1"], headers=headers, expect=401)


def json_post(ada: Venna, paths: list[str], body: dict, expect: int = 200) -> Request:
    return Request(paths, "POST", ada.headers() | {"Content-Type": "application/json"}, json.dumps(body).encode(), 0, b"", expect)


def begun_uploads(ada: Venna, count: int, size: int) -> list[str]:
    begin = json_post(ada, ["/v1/uploads"], {"bytes": size, "filename": "a", "purpose": "user_data", "mime_type": "text/plain"})
    return ada.client.run_for_ids(ada.port, begin, 1, requests=count)[1]


def part_request(ada: Venna, uploads: list[str], size: int) -> Request:
    before, after, headers = form({}, "part")
    before = before.replace(b'name="file"', b'name="data"')
    return Request([f"/v1/uploads/{upload}/parts" for upload in uploads], "POST", ada.headers() | headers, before, size, after)


def parts(ada: Venna) -> Request:
    return part_request(ada, begun_uploads(ada, UPLOADS_OF_PARTS, 1024 * MIB), 64 * KIB)


def completions(ada: Venna) -> Request:
    (upload,) = begun_uploads(ada, 1, HASHED_BYTES)
    _, (part,) = ada.client.run_for_ids(ada.port, part_request(ada, [upload], HASHED_BYTES), 1, requests=1)
    return json_post(ada, [f"/v1/uploads/{upload}/complete"], {"part_ids": [part], "md5": "0" * 32}, expect=400)


def twins(ada: Venna) -> Request:
    request = ada.upload(MIB)
    request.headers |= {"Idempotency-Key": f"twin-{time.time_ns()}"}
    return request


def deletes(store: str) -> Flood:
    def prepare(ada: Venna, seconds: float) -> Callable[[float], Outcome]:
        count = int(DELETES_PER_SECOND[store] * seconds)
        _, ids = ada.client.run_for_ids(ada.port, ada.upload(KIB), CONNECTIONS, requests=count)
        # It ends early where deletes are quicker than that.
        return lambda seconds: flooder(ada.client).run(ada.port, ada.delete(ids), CONNECTIONS, requests=len(ids))

    return Flood("delete", prepare)


def sockets(name: str, count: int, first: Callable[[Venna], bytes], more: bytes) -> Flood:
    """So many connections, each of which says `first` and then `more` now and then; one that is closed is opened again."""

    def prepare(ada: Venna, _: float) -> Callable[[float], Outcome]:
        said = first(ada)
        return lambda seconds: apart(hold_open, ada.port, count, said, more, seconds)

    return Flood(name, prepare)


def apart(work: Callable[..., Outcome], *arguments: object) -> Outcome:
    """In a process of its own, which does not wait for the threads of this one."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as process:
        return process.submit(work, *arguments).result()


def hold_open(port: int, count: int, first: bytes, more: bytes, seconds: float) -> Outcome:
    began = time.monotonic()
    opened, closed = 0, 0
    held: list[socket.socket] = []
    try:
        while time.monotonic() - began < seconds:
            while len(held) < count and time.monotonic() - began < seconds:
                try:
                    held.append(connect(port, first))
                    opened += 1
                except OSError:
                    closed += 1
                    break
            time.sleep(SLOW_PAUSE_SECONDS)
            living = [connection for connection in held if say(connection, more)]
            closed += len(held) - len(living)
            held = living
    finally:
        for connection in held:
            connection.close()
    return Outcome(max(opened, 1), time.monotonic() - began, failures={"closed": closed} if closed else {})


def connect(port: int, first: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), CONNECT_TIMEOUT_SECONDS, (FLOOD_ADDRESS, 0))
    if first:
        connection.sendall(first)
    connection.setblocking(False)
    return connection


def say(connection: socket.socket, more: bytes) -> bool:
    """Whether the connection is still there."""
    try:
        if more:
            connection.send(more)
        elif connection.recv(1, socket.MSG_PEEK) == b"":
            raise ConnectionResetError
    except BlockingIOError:
        return True
    except OSError:
        connection.close()
        return False
    return True


def slow_upload(ada: Venna) -> bytes:
    before, after, headers = form(ada.upload_fields(), ada.filename())
    headers = ada.headers() | headers | {"Host": "bench", "Content-Length": str(len(before) + MIB + len(after))}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {ada.files_path()} HTTP/1.1\r\n{head}\r\n".encode() + before


def http_2_floods() -> list[Flood]:
    """Connections of HTTP/2 in clear text, each of which sends one kind of frame until it is closed; then there is another one."""
    return [frames(f"HTTP/2: {name}", sent) for name, sent in http_2.floods().items()]


def frames(name: str, sent: bytes) -> Flood:
    def prepare(ada: Venna, _: float) -> Callable[[float], Outcome]:
        return lambda seconds: apart(send_frames, ada.port, sent, seconds)

    return Flood(name, prepare)


def send_frames(port: int, sent: bytes, seconds: float) -> Outcome:
    """As fast as the server takes them."""
    step_back()
    began = time.monotonic()
    with ThreadPoolExecutor(FRAME_CONNECTIONS) as senders:
        counts = list(senders.map(lambda _: send_until(port, sent, began + seconds), range(FRAME_CONNECTIONS)))
    return Outcome(max(sum(counts), 1), time.monotonic() - began)


def step_back() -> None:
    """Puts this process on one of the CPUs alone and behind the server there, as `flooder` does with a client."""
    os.nice(19)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def send_until(port: int, sent: bytes, end: float) -> int:
    """Returns the number of connections that it took."""
    opened = 0
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), CONNECT_TIMEOUT_SECONDS, (FLOOD_ADDRESS, 0)) as connection:
            opened += 1
            connection.sendall(sent)
            # Answers are read once all is sent: until then they fill the server's buffers.
            while connection.recv(64 * KIB):
                pass
    return opened


def all_floods(store: str) -> list[Flood]:
    """In the order of what they write, so that no disk is tired before the last."""
    return [
        requests("list 1,000 files", lambda ada: ada.list(LISTED_FILES)),
        requests("usage by minutes", usage_by_minutes),
        requests("ledger", ledger),
        requests("download 1 MiB", lambda ada: ada.content(ada.files(MIB, DOWNLOADED_FILES))),
        requests("unknown key", unknown_keys),
        sockets("idle connections", IDLE_CONNECTIONS, lambda ada: b"", b""),
        sockets("slow bodies", SLOW_BODIES, slow_upload, b"x"),
        *http_2_floods(),
        requests("complete with a wrong md5", completions),
        requests("begin an Upload", lambda ada: json_post(ada, ["/v1/uploads"], {"bytes": 1, "filename": "a", "purpose": "user_data", "mime_type": "text/plain"})),
        requests("twins under one Idempotency-Key", twins),
        deletes(store),
        requests("upload 4 KiB", lambda ada: ada.upload(4 * KIB)),
        requests("parts of 64 KiB", parts),
        requests("upload 1 MiB", lambda ada: ada.upload(MIB)),
        requests("upload 64 MiB", lambda ada: ada.upload(64 * MIB), LARGE_CONNECTIONS),
    ]

