"""Bob, who asks little at a fixed pace, on one connection, while others do what they like."""

from __future__ import annotations

import contextlib
import math
import os
import socket
import ssl
import sys
import time
from collections.abc import Iterator

from suite import tools
from suite.load import Request, filler
from suite.servers import Venna

KIB = 1024
REQUESTS_PER_SECOND = 50
TIMEOUT_SECONDS = 60
# Before what counts, in which a flood rises.
LEAD_SECONDS = 1
# The kernel wakes a sleeper some 0.1 ms late; this time before a request is due, bob watches the clock.
WATCH_SECONDS = 0.0002


def raw(request: Request, path: str) -> bytes:
    body = b"" if request.size is None else request.before + filler(request.size) + request.after
    head = [f"{request.method} {path} HTTP/1.1", "Host: bench", *(f"{name}: {value}" for name, value in request.headers.items())]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body


def paced(bob: Venna, requests: list[bytes], seconds: float, tls: ssl.SSLContext | None = None) -> list[float]:
    """Sends them in turn on one connection, each when it is due or as soon after as the one before is answered."""
    lead = math.ceil(LEAD_SECONDS * REQUESTS_PER_SECOND)
    latencies_ms = []
    tcp = socket.create_connection(("127.0.0.1", bob.port), TIMEOUT_SECONDS)
    tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with (tls.wrap_socket(tcp) if tls else tcp) as connection, before_all_others():
        begun = time.perf_counter()
        for number in range(lead + max(1, math.ceil(seconds * REQUESTS_PER_SECOND))):
            due = begun + number / REQUESTS_PER_SECOND
            wait_until(due)
            connection.sendall(requests[number % len(requests)])
            receive(connection)
            if number >= lead:
                latencies_ms.append((time.perf_counter() - due) * 1000)
    return sorted(latencies_ms)


@contextlib.contextmanager
def before_all_others() -> Iterator[None]:
    """Bob does not wait for a CPU: it is the server whose delay is measured. Without the right to that he does."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
    except PermissionError:
        tools.say("bob's client waits for a CPU like any other, which counts as the server's delay; root's would not")
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def wait_until(due: float) -> None:
    time.sleep(max(0, due - WATCH_SECONDS - time.perf_counter()))
    while time.perf_counter() < due:
        pass


def receive(connection: socket.socket) -> None:
    """One answer, which must be good."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += some(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().lower().split("\r\n")
    length = next((int(line.split(":")[1]) for line in lines if line.startswith("content-length:")), None)
    if lines[0].split()[1] != "200" or length is None:
        sys.exit(f"bob got {answer.decode(errors='replace')}")
    left = length - len(body)
    while left > 0:
        left -= len(some(connection))


def some(connection: socket.socket) -> bytes:
    return connection.recv(64 * KIB) or sys.exit("the server closed bob's connection")


def percentile(ordered: list[float], share: float) -> float:
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]
