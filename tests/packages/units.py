"""The units of systemd: their hardening, and that the server and a backup need no system call that the filter refuses."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
UNITS = REPOSITORY / "deploy/systemd"
BINARY = os.environ["VENNA_BINARY"]
MOST_EXPOSURE = 2.0
START_SECONDS = 60
BLOB = b"venna" * 1_000_000
# Debian's nobody and nogroup. As root SQLite changes owners, which a service does not.
UNPRIVILEGED = 65534


def main() -> None:
    for name in ("venna.service", "venna-backup.service"):
        exposure = exposure_of(UNITS / name)
        assert exposure <= MOST_EXPOSURE, f"systemd-analyze security {name}: {exposure}"
        print(f"{name}: exposure {exposure}")
    verify()
    allowed = allowed_calls((UNITS / "venna.service").read_text())
    assert allowed == allowed_calls((UNITS / "venna-backup.service").read_text())
    assert {"openat", "fsync", "accept4", "execve"} <= allowed and not {"setuid", "mount", "ptrace"} & allowed
    used = calls_of_a_server()
    assert {"fsync", "accept4", "renameat2"} <= used, f"the tracer saw too little: {sorted(used)}"
    assert used <= allowed, f"the unit refuses {sorted(used - allowed)}"
    print(f"the server and a backup make {len(used)} system calls, and the units allow all of them")


def exposure_of(unit: Path) -> float:
    text = run("systemd-analyze", "security", "--offline=true", str(unit))
    return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", text)[1])


def verify() -> None:
    """`systemd-analyze verify` knows every directive. The program itself is not installed here."""
    with tempfile.TemporaryDirectory() as folder:
        for unit in UNITS.iterdir():
            text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", unit.read_text(), flags=re.MULTILINE)
            (Path(folder) / unit.name).write_text(text)
        units = [str(unit) for unit in Path(folder).iterdir()]
        verified = subprocess.run(["systemd-analyze", "verify", "--man=no", *units], capture_output=True, text=True, check=False)
        about_units = [line for line in verified.stderr.splitlines() if "venna" in line]
        assert not about_units, about_units


def allowed_calls(unit: str) -> set[str]:
    """The system calls that the filter of a unit allows, in the sets of this systemd."""
    sets: dict[str, list[str]] = {}
    current: list[str] = []
    for line in run("systemd-analyze", "syscall-filter").splitlines():
        if line.startswith("@"):
            current = sets.setdefault(line.strip(), [])
        elif line.startswith("    ") and not line.strip().startswith("#"):
            current.append(line.strip())

    def expand(name: str) -> set[str]:
        return set().union(*map(expand, sets[name])) if name.startswith("@") else {name}

    allowed: set[str] = set()
    for value in re.findall(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE):
        named = set().union(*(expand(name) for name in value.lstrip("~").split()))
        allowed = allowed - named if value.startswith("~") else allowed | named
    return allowed


def calls_of_a_server() -> set[str]:
    """The system calls of a server that stores, serves, lists and deletes files and reloads, and of a backup beside it."""
    with tempfile.TemporaryDirectory() as folder:
        data, trace, backup_trace = Path(folder, "data"), Path(folder, "trace"), Path(folder, "backup-trace")
        settings = ["--data-dir", str(data)]
        program = shutil.copy(BINARY, folder)
        if unprivileged():
            os.chown(folder, UNPRIVILEGED, UNPRIVILEGED)
        log = Path(folder, "log")
        with log.open("wb") as kept:
            server = subprocess.Popen(
                [*tracer(trace), program, "serve", *settings, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"],
                stdin=subprocess.DEVNULL, stdout=kept, stderr=kept, start_new_session=True, **unprivileged(),
                env=environment() | {"NOTIFY_SOCKET": f"{folder}/notify", "WATCHDOG_USEC": "20000"},
            )
        try:
            url = wait_for(server, log)
            key = (data / "first-key").read_text().strip()
            use(url, key, folder)
            run(*tracer(backup_trace), program, "backup", "--incremental", f"{folder}/backups", *settings, **unprivileged())
            os.killpg(server.pid, signal.SIGHUP)
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(START_SECONDS)
        finally:
            if server.poll() is None:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()
        lines = trace.read_text().splitlines() + backup_trace.read_text().splitlines()
    found = (re.match(r"(?:\d+ +)?([a-z0-9_]+)\(", line) for line in lines)
    return {match[1] for match in found if match}


def unprivileged() -> dict[str, object]:
    return {"user": UNPRIVILEGED, "group": UNPRIVILEGED, "extra_groups": []} if os.geteuid() == 0 else {}


def tracer(trace: Path) -> list[str]:
    return ["strace", "--follow-forks", "--quiet=all", "-I2", "--output", str(trace)]


def use(url: str, key: str, folder: str) -> None:
    """Uploads a file for a row and one for a blob, reads both, lists, deletes."""
    for content in (b"small", BLOB):
        path = Path(folder, "content")
        path.write_bytes(content)
        curl = ("curl", "--silent", "--show-error", "--fail", "--header", f"Authorization: Bearer {key}")
        made = run(*curl, "--form", "purpose=user_data", "--form", f"file=@{path}", f"{url}/v1/files")
        file = re.search(r'"id":"(file-[^"]+)"', made)[1]
        run(*curl, "--output", f"{folder}/read", f"{url}/v1/files/{file}/content")
        assert Path(folder, "read").read_bytes() == content
        run(*curl, "--output", f"{folder}/read", "--range", "1-3", f"{url}/v1/files/{file}/content")
        run(*curl, f"{url}/v1/files")
        run(*curl, f"{url}/readyz")
        run(*curl, "--request", "DELETE", f"{url}/v1/files/{file}")


def wait_for(server: subprocess.Popen, log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        if found := re.search(r"listening on (http://\S+)", log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise RuntimeError(f"the server does not start: {log.read_text()[-2000:]}")


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("VENNA_")}


def run(*command: str, **options: object) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment(), **options)
    assert done.returncode == 0, f"{command}: {done.stderr[-2000:]}"
    return done.stdout


if __name__ == "__main__":
    main()
    sys.exit(0)
