"""The real `venna` program as the compatibility tests see it: started, asked on its command line, stopped.

Only the stable words of the product are used here (command line, `listening on URL`, `first-key`).
Nothing in this file knows HTTP.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections import deque
from pathlib import Path

import canary
import transport

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 30
STOP_SECONDS = 30
TAIL_LINES = 2000
LISTENING = re.compile(r"listening on (https?://[^\s\"]+)")


def chosen_binary() -> Path:
    """The program under test: `VENNA_BINARY`, or the release build of this repository."""
    binary = Path(os.environ.get("VENNA_BINARY") or REPOSITORY / "target/release/venna").resolve()
    if not binary.is_file():
        raise FileNotFoundError(f"no venna program at {binary}: build it, or set VENNA_BINARY")
    return binary


def environment_without_settings() -> dict[str, str]:
    """Our environment less every VENNA_ variable, so that a developer's settings cannot bend a test."""
    return {name: value for name, value in os.environ.items() if not name.startswith("VENNA_")}


def leave_with_parent() -> None:
    """Runs in the new process: the kernel ends it when the test run is killed, so that no server is left behind."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


class Venna:
    """One running server on a data directory of its own; `with Venna(...) as venna:` leaves nothing behind.

    It logs all it can, and when it has stopped neither the log nor the data directory may hold a key that was in use.
    """

    def __init__(self, *flags: str, binary: Path | None = None, admin_listen: str = "off") -> None:
        self.binary = binary or chosen_binary()
        self.flags = flags
        self.admin_listen = admin_listen
        self.folder = Path(tempfile.mkdtemp(prefix="venna-compat-"))
        self.data_dir = self.folder / "data"
        self.log_file = self.folder / "log"
        self.log: deque[str] = deque(maxlen=TAIL_LINES)
        self.secrets: set[str] = set()
        self._ready = threading.Event()
        self._url = ""

    def __enter__(self) -> Venna:
        self._process = subprocess.Popen(
            [
                self.binary, "serve", "--data-dir", self.data_dir, "--listen", "127.0.0.1:0", "--admin-listen", self.admin_listen,
                "--log-level", "debug", *transport.flags(), *self.flags,
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment_without_settings(),
            preexec_fn=leave_with_parent,
        )
        self._reader = threading.Thread(target=self._follow_log, daemon=True)
        self._reader.start()
        self._ready.wait(START_SECONDS)
        if not self._url:
            self._process.kill()
            self._process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise RuntimeError("the server never said `listening on http...`:\n" + self.log_tail())
        return self

    def __exit__(self, failure: object, *_: object) -> None:
        try:
            code = self.stop()
            if failure is None:
                assert code == 0, f"the server left with {code} after SIGTERM:\n{self.log_tail()}"
                self.check_what_is_left()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def stop(self) -> int | None:
        """Tells the server to stop, waits until it has, and gives its exit code; None when it had to be killed."""
        self._process.terminate()
        try:
            code = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            code = None
        self._reader.join(STOP_SECONDS)
        if self._process.stderr:
            self._process.stderr.close()
        return code

    def check_what_is_left(self) -> None:
        """Log and data directory of the server, which has stopped."""
        log = self.log_file.read_bytes()
        assert b"panicked" not in log, self.log_tail()
        if (self.data_dir / "first-key").exists():
            self.secrets.add(self.first_key())
        canary.assert_no_secret(self.secrets, self.log_file, self.data_dir)

    def _follow_log(self) -> None:
        assert self._process.stderr
        with self.log_file.open("wb") as kept:
            for line in self._process.stderr:
                kept.write(line)
                self.log.append(line.decode(errors="replace").rstrip("\n"))
                if not self._url and (found := LISTENING.search(self.log[-1])):
                    self._url = found[1].rstrip("/")
                    self._ready.set()
        self._ready.set()

    def log_tail(self) -> str:
        return "\n".join(list(self.log)[-40:])

    @property
    def base_url(self) -> str:
        """What a user puts into `base_url` of an SDK."""
        return self._url + "/v1"

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._url.partition("://")[2].rsplit(":", 1)
        return host, int(port)

    def peak_memory_mib(self) -> float:
        """The highest resident memory of the server since it began."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024

    def first_key(self) -> str:
        return self.keep_secret((self.data_dir / "first-key").read_text().strip())

    def keep_secret(self, secret: str) -> str:
        """From now on this may be found nowhere."""
        self.secrets.add(secret)
        return secret

    def command(self, *words: str) -> str:
        """Runs `venna WORDS --data-dir D` beside the running server and gives its standard output."""
        done = subprocess.run(
            [self.binary, *words, "--data-dir", self.data_dir],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment_without_settings(),
        )
        assert done.returncode == 0, f"venna {' '.join(words)} left with {done.returncode}:\n{done.stderr}"
        return done.stdout

    def create_workspace(self, name: str) -> str:
        return self.command("workspaces", "create", name).strip()

    def create_key(self, workspace: str, *flags: str) -> str:
        return self.keep_secret(self.command("keys", "create", "--workspace", workspace, "--quiet", *flags).strip())

    def create_admin_key(self, *flags: str) -> str:
        return self.keep_secret(self.command("keys", "create", "--admin", "--quiet", *flags).strip())

    def rotate_key(self, key_id: str, *flags: str) -> str:
        return self.keep_secret(self.command("keys", "rotate", key_id, "--quiet", *flags).strip())

    def list_keys(self) -> list[dict]:
        listed = json.loads(self.command("keys", "list", "--json"))
        return listed["data"] if isinstance(listed, dict) else listed

    def list_workspaces(self) -> list[dict]:
        return json.loads(self.command("workspaces", "list", "--json"))

    def revoke_key(self, key_id: str) -> None:
        self.command("keys", "revoke", key_id)

    def blob_files(self) -> set[Path]:
        """Every file below the blob folder, finished or temporary."""
        return {path for path in (self.data_dir / "blobs").glob("*/*") if path.is_file()}
