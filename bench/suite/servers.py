"""What a measured server is, and Venna itself. The peers are in `peers.py`."""

from __future__ import annotations

import copy
import re
import subprocess
import time
from pathlib import Path

from suite.load import LoadClient, Request, form
from suite.process import ProcessTree, free_port

START_SECONDS = 60
# Room for the largest file of the suite and its form.
MAX_FILE_BYTES = 2 * 1024**3

COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Server:
    """One server on a fresh folder. A subclass says how it starts and how its requests look."""

    name = ""
    version = ""
    #: Whether an upload is on the disk before it is answered.
    durable = ""
    #: The most concurrent uploads it is measured with.
    upload_connections = 64

    def __init__(self, folder: Path, client: LoadClient) -> None:
        self.folder = folder
        self.client = client
        self.port = 0
        self.process: ProcessTree | None = None
        self._ids: dict[int, list[str]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        self.start_unwaited()
        assert self.process
        self.process.wait_for(self.port, START_SECONDS)
        self.started()

    def start_unwaited(self) -> None:
        self.port = free_port()
        # Each start has its own log, in which `wait_for_log` looks.
        (self.folder / "log").unlink(missing_ok=True)
        self.process = ProcessTree(self.command(), self.folder / "log", self.environment())

    def stop(self) -> None:
        if self.process:
            self.process.stop()
            self.process = None

    def command(self) -> list[str | Path]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return {}

    def started(self) -> None:
        """What is to be learnt from the running server."""

    def wait_for_log(self, pattern: str) -> re.Match[str]:
        """The first match of `pattern` in what the server has written, colours left out."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            log = COLOUR.sub("", (self.folder / "log").read_text(errors="replace"))
            if found := re.search(pattern, log):
                return found
            time.sleep(0.02)
        raise RuntimeError(f"{self.name} never says {pattern!r}")

    def upload(self, size: int) -> Request:
        before, after, headers = form(self.upload_fields(), self.filename())
        return Request([self.files_path()], "POST", self.headers() | headers, before, size, after)

    def retrieve(self, ids: list[str]) -> Request:
        return Request([f"{self.files_path()}/{id}" for id in ids], headers=self.headers())

    def content(self, ids: list[str]) -> Request:
        return Request([f"{self.files_path()}/{id}/content" for id in ids], headers=self.headers())

    def delete(self, ids: list[str]) -> Request:
        return Request([f"{self.files_path()}/{id}" for id in ids], "DELETE", self.headers())

    def list(self, limit: int) -> Request:
        return Request([f"{self.files_path()}?limit={limit}"], headers=self.headers())

    def files_path(self) -> str:
        return "/v1/files"

    def headers(self) -> dict[str, str]:
        return {}

    def upload_fields(self) -> dict[str, str]:
        return {"purpose": "user_data"}

    def filename(self) -> str:
        return "data.bin"

    def adopt(self, size: int, ids: list[str]) -> None:
        """Ids of files that are there already."""
        self._ids[size] = ids

    def files(self, size: int, count: int) -> list[str]:
        """Ids of at least `count` files of this size, uploaded when they are not there."""
        ids = self._ids.setdefault(size, [])
        missing = count - len(ids)
        if missing > 0:
            connections = min(8, missing, self.upload_connections)
            _, uploaded = self.client.run_for_ids(self.port, self.upload(size), connections, requests=missing)
            ids += uploaded
        return ids[:count]


class Venna(Server):
    name = "venna"
    durable = "yes"

    def __init__(self, folder: Path, client: LoadClient, program: Path, *flags: str) -> None:
        super().__init__(folder, client)
        self.program = program
        self.flags = flags
        self.variables: dict[str, str] = {}
        self.version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.split()[-1]
        self._key = ""

    def named(self, name: str) -> Venna:
        """One of several installations of one run."""
        self.name = name
        return self

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    def command(self) -> list[str | Path]:
        command: list[str | Path] = [self.program, "serve", "--data-dir", self.data_dir, "--listen", f"127.0.0.1:{self.port}"]
        # No scrub of its own: it would read what is measured.
        command += ["--admin-listen", "off", "--max-file-bytes", str(MAX_FILE_BYTES), "--scrub-interval-seconds", "0"]
        return command + list(self.flags)

    def environment(self) -> dict[str, str]:
        return self.variables

    def started(self) -> None:
        # It binds before it has made the key of a first run.
        self.wait_for_log("listening on ")
        self._key = (self.data_dir / "first-key").read_text().strip()

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"}

    def tell(self, *words: str) -> str:
        """What a command on the data directory prints."""
        command = [self.program, *words, "--data-dir", self.data_dir]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    def tenant(self, name: str) -> Venna:
        """The same running server, for a key of a new workspace."""
        self.tell("workspaces", "create", name)
        tenant = copy.copy(self).named(name)
        tenant._key = self.tell("keys", "create", "--workspace", name, "--quiet")
        tenant._ids = {}
        return tenant


class OnPostgres(Venna):
    """A server on PostgreSQL, with small files in rows as on SQLite."""

    def __init__(self, folder: Path, client: LoadClient, program: Path, url: str) -> None:
        super().__init__(folder, client, program, "--metadata-url", url, "--inline-max-bytes", str(64 * 1024))
        self.url = url

    def tell(self, *words: str) -> str:
        return super().tell(*words, "--metadata-url", self.url)


def version_of(command: list[str], pattern: str = r"([0-9]+\.[0-9][^\s]*)") -> str:
    """The version that a program prints on either output."""
    done = subprocess.run(command, capture_output=True, text=True)
    found = re.search(pattern, done.stdout + done.stderr)
    return found[1] if found else "unknown"
