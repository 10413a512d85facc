"""A measured server as a tree of processes: started so that nothing is left behind, with its CPU time and memory."""

from __future__ import annotations

import ctypes
import os
import random
import signal
import socket
import subprocess
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
STOP_SECONDS = 30
SERVER_PORTS = (20_000, 32_000)


def free_port() -> int:
    """Below the ports that the system gives to clients, so that none of them sits on it when the server binds."""
    while True:
        port = random.randrange(*SERVER_PORTS)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def leave_with_parent() -> None:
    """Runs in the new process: the kernel ends it when the benchmark is killed."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


class ProcessTree:
    """One program in a session of its own, and whatever it starts."""

    def __init__(self, command: list[str | Path], log: Path, environment: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={name: value for name, value in os.environ.items() if not name.startswith("VENNA_")} | (environment or {}),
                cwd=log.parent,
                start_new_session=True,
                preexec_fn=leave_with_parent,
            )
        self.pid = self._process.pid

    def wait_for(self, port: int, seconds: float) -> None:
        """Until somebody listens; a process that ended says why in its log."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.has_ended():
                break
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise RuntimeError(f"nothing listens on port {port} after {seconds} s; the end of its log:\n{self.log_tail()}")

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])

    def stop(self) -> None:
        for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 5)):
            try:
                os.killpg(self.pid, number)
            except ProcessLookupError:
                pass
            try:
                self._process.wait(seconds)
                break
            except subprocess.TimeoutExpired:
                continue
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def pids(self) -> list[int]:
        """The process and its descendants."""
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (fields := stat_fields(int(entry.name))):
                children.setdefault(int(fields[1]), []).append(int(entry.name))
        found, unseen = [], [self.pid]
        while unseen:
            pid = unseen.pop()
            found.append(pid)
            unseen += children.get(pid, [])
        return found

    def cpu_seconds(self) -> float:
        """User and system time of the tree, children that ended included."""
        ticks = sum(sum(int(fields[place]) for place in range(11, 15)) for pid in self.pids() if (fields := stat_fields(pid)))
        return ticks / TICKS_PER_SECOND

    def memory_bytes(self, name: str = "VmRSS") -> int:
        """Resident memory of the tree, or with `VmHWM` its peak since `forget_peak`; shared pages count in each process."""
        return sum(status_bytes(pid, name) for pid in self.pids())

    def forget_peak(self) -> None:
        for pid in self.pids():
            try:
                Path(f"/proc/{pid}/clear_refs").write_text("5")
            except OSError:
                pass


def stat_fields(pid: int) -> list[str]:
    """Fields of /proc/PID/stat from the state on, which is field 3; empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def status_bytes(pid: int, name: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(name + ":")), 0)
