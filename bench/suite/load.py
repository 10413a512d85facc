"""The two clients: wrk for small requests, `bench/load` for large bodies, deletes and everything that needs ids."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1]
BOUNDARY = "venna-bench-5f0c1d2e3b4a"
WRK_THREADS = 2
WRK_TIMEOUT_SECONDS = 30
# A body for wrk is kept in memory once; beyond this `bench/load` sends it.
WRK_BODY_LIMIT_BYTES = 1024 * 1024


@dataclass
class Request:
    """What a client sends again and again. The body is `before`, `size` bytes of filler, `after`."""

    paths: list[str]
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    before: bytes = b""
    size: int | None = None
    after: bytes = b""
    expect: int = 200


@dataclass
class Outcome:
    requests: int
    seconds: float
    sent_bytes: int = 0
    received_bytes: int = 0
    p50_ms: float = 0
    p99_ms: float = 0
    max_ms: float = 0
    failed: int = 0
    failures: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return max(self.requests - self.failed, 0) / self.seconds


def form(fields: dict[str, str], filename: str) -> tuple[bytes, bytes, dict[str, str]]:
    """A multipart body around one file: what stands before it, what follows it, and the header that names the boundary."""
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}' for name, value in fields.items()]
    parts.append(f'Content-Disposition: form-data; name="file"; filename="{filename}"\r\nContent-Type: application/octet-stream\r\n\r\n')
    before = "".join(f"--{BOUNDARY}\r\n{part}\r\n" for part in parts).removesuffix("\r\n")
    return before.encode(), f"\r\n--{BOUNDARY}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def wrk(port: int, request: Request, connections: int, seconds: int) -> Outcome:
    assert (request.size or 0) <= WRK_BODY_LIMIT_BYTES
    with tempfile.TemporaryDirectory(prefix="venna-bench-") as folder:
        body = b"" if request.size is None else request.before + filler(request.size) + request.after
        Path(folder, "method").write_text(request.method)
        Path(folder, "headers").write_text("\n".join(f"{name}: {value}" for name, value in request.headers.items()))
        Path(folder, "body").write_bytes(body)
        Path(folder, "paths").write_text("\n".join(request.paths))
        command = ["wrk", f"-t{min(WRK_THREADS, connections)}", f"-c{connections}", f"-d{seconds}s", f"--timeout={WRK_TIMEOUT_SECONDS}s"]
        command += ["-s", str(BENCH / "lua/requests.lua"), f"http://127.0.0.1:{port}"]
        done = subprocess.run(command, env=os.environ | {"BENCH_REQUEST": folder}, capture_output=True, text=True, timeout=seconds + 60)
    if done.returncode:
        raise RuntimeError(f"wrk left with {done.returncode}:\n{done.stdout}{done.stderr}")
    said = json.loads(done.stdout.strip().splitlines()[-1])
    failures = {name: said[name] for name in ("statuses_failed", "sockets_failed", "timed_out") if said[name]}
    return Outcome(said["requests"], said["seconds"], p50_ms=said["p50_ms"], p99_ms=said["p99_ms"], failed=said["statuses_failed"], failures=failures)


def filler(size: int) -> bytes:
    """Letters that do not repeat at short range."""
    block = "".join(f"{number:07d}" for number in range(10_000)).translate(str.maketrans("0123456789", "qwertyuiop")).encode()
    return (block * (size // len(block) + 1))[:size]


class LoadClient:
    """`bench/load`, built by `tools.load_client`; `before` is what starts it, as `nice` does."""

    def __init__(self, program: Path, *before: str) -> None:
        self.program = program
        self.before = before
        #: With it a connection that is answered 429 waits as long as `Retry-After` says, or so long if it says nothing.
        self.wait_after_429_seconds: float | None = None

    def run(self, port: int, request: Request, connections: int, *, requests: int | None = None, seconds: float | None = None, first: int = 0) -> Outcome:
        return self.run_for_ids(port, request, connections, requests=requests, seconds=seconds, first=first, wanted=False)[0]

    def run_for_ids(
        self,
        port: int,
        request: Request,
        connections: int,
        *,
        requests: int | None = None,
        seconds: float | None = None,
        first: int = 0,
        wanted: bool = True,
    ) -> tuple[Outcome, list[str]]:
        """The outcome, and the ids of the objects in the answers."""
        with tempfile.TemporaryDirectory(prefix="venna-bench-") as folder:
            place = Path(folder)
            (place / "paths").write_text("\n".join(request.paths))
            command = [*self.before, self.program, "--address", f"127.0.0.1:{port}", "--connections", connections, "--method", request.method]
            command += ["--paths", place / "paths", "--first", first, "--expect", request.expect]
            for name, value in request.headers.items():
                command += ["--header", f"{name}: {value}"]
            if request.size is not None:
                (place / "before").write_bytes(request.before)
                (place / "after").write_bytes(request.after)
                command += ["--before", place / "before", "--size", request.size, "--after", place / "after"]
            if requests is not None:
                command += ["--requests", requests]
            if seconds is not None:
                command += ["--seconds", seconds]
            if self.wait_after_429_seconds is not None:
                command += ["--wait-after-429-seconds", self.wait_after_429_seconds]
            if wanted:
                command += ["--ids", place / "ids"]
            done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(done.stderr.strip())
            said = json.loads(done.stdout)
            failures = said.pop("failures")
            ids = (place / "ids").read_text().split() if wanted else []
        if not said["requests"]:
            raise RuntimeError(f"no request of {request.method} {request.paths[0]} succeeded: {failures}")
        return Outcome(**said, failures=failures), ids
