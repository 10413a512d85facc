"""What Venna needs: memory at rest and per transfer, and the time from its start to the first answer."""

from __future__ import annotations

import http.client
import statistics
import time
from pathlib import Path

from suite.load import LoadClient
from suite.servers import Venna
from suite.works import MIB, Scale

TRANSFERS = 64
STARTS = 5
ANSWER_SECONDS = 30


def start_and_idle(million: Venna) -> dict[str, float]:
    """With the filled installation, stopped: the first answer of several starts, and memory after some requests."""
    times_ms = []
    for _ in range(STARTS):
        began = time.monotonic()
        million.start_unwaited()
        try:
            first_answer(million)
            times_ms.append((time.monotonic() - began) * 1000)
        finally:
            million.stop()
    with million:
        for request in (million.list(100), million.retrieve(million.files(4096, 1000))):
            million.client.run(million.port, request, 16, requests=2000)
        time.sleep(1)
        assert million.process
        idle_mib = million.process.memory_bytes() / MIB
    return {"start-1m": statistics.median(times_ms), "memory-idle": idle_mib}


def first_answer(venna: Venna) -> None:
    """Returns once a list with a key is answered."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", venna.port, timeout=ANSWER_SECONDS)
            connection.request("GET", "/v1/files?limit=1", headers=venna.headers())
            answer = connection.getresponse()
            answer.read()
            assert answer.status == 200, answer.status
            return
        except ConnectionError:
            time.sleep(0.001)
        finally:
            connection.close()
    raise RuntimeError("the server does not answer")


def transfers(folder: Path, client: LoadClient, program: Path, scale: Scale) -> dict[str, float]:
    """Peaks above the idle server: one small and one huge file, then many transfers at once, up and down."""
    with Venna(folder, client, program) as venna:
        assert venna.process
        files: dict[int, list[str]] = {}

        def peak(size: int, count: int, up: bool) -> float:
            venna.process.forget_peak()
            if up:
                _, files[size] = client.run_for_ids(venna.port, venna.upload(size), count, requests=count)
            else:
                client.run(venna.port, venna.content(files[size]), count, requests=count)
            return venna.process.memory_bytes("VmHWM") / MIB

        idle = venna.process.memory_bytes() / MIB
        small = max(peak(8 * MIB, 1, True), peak(8 * MIB, 1, False))
        huge = max(peak(scale.huge_bytes, 1, True), peak(scale.huge_bytes, 1, False))
        before = venna.process.memory_bytes() / MIB
        up = peak(scale.transfer_bytes, TRANSFERS, True)
        down = peak(scale.transfer_bytes, TRANSFERS, False)
        # The huge file goes first so that what it costs is not hidden by the many; the many are counted from there.
        return {
            "memory-fresh": idle,
            "memory-huge": huge - small,
            "memory-upload": (up - min(idle, before)) / TRANSFERS,
            "memory-download": (down - min(idle, before)) / TRANSFERS,
        }
