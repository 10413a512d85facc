"""A running OGX."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server import environment_without_settings, leave_with_parent

START_SECONDS = 120


@contextmanager
def running_ogx(ogx: str, config: Path, variables: dict[str, str]) -> Iterator[str]:
    """The base URL of a running OGX."""
    with tempfile.TemporaryDirectory(prefix="venna-ogx-") as folder:
        port = free_port()
        settings = {"SQLITE_STORE_DIR": folder, "OGX_PORT": str(port), "OTEL_SDK_DISABLED": "true", "HOME": folder}
        log = Path(folder) / "log"
        with log.open("wb") as kept:
            process = subprocess.Popen(
                [ogx, "run", config, "--port", str(port), "--insecure"],
                env=environment_without_settings() | variables | settings, stdin=subprocess.DEVNULL, stdout=kept, stderr=kept,
                preexec_fn=leave_with_parent,
            )
        try:
            wait_for(process, port, log)
            yield f"http://127.0.0.1:{port}/v1"
        except BaseException:
            print(log.read_text(errors="replace")[-6000:], file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait(30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"OGX does not listen (exit code {process.poll()}): {log}")
