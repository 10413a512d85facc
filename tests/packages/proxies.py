"""The configurations of deploy/proxies, each before a server, on the ports and addresses that they name.

A network namespace of its own makes that possible. Only the paths of the certificate are replaced, and Caddy makes a
certificate instead of asking for one.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PROXIES = REPOSITORY / "deploy/proxies"
BINARY = os.environ["VENNA_BINARY"]
MIB = 1024 * 1024
MAX_FILE_BYTES = 64 * MIB
SECONDS = 60
BOUNDARY = "proxy-boundary"
NAME = "files.example.com"
# An address of this machine that is not the proxy's.
CLIENT = "127.0.0.2"
# What a proxy may write to disk while 128 MiB pass it: a log, not a body.
MOST_WRITTEN_BYTES = MIB
COMMANDS: dict[str, Callable[[Path], list[str]]] = {
    "nginx.conf": lambda config: ["nginx", "-c", str(config), "-g", "daemon off;"],
    "haproxy.cfg": lambda config: ["haproxy", "-f", str(config), "-db"],
    "Caddyfile": lambda config: ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"],
}


def main() -> None:
    assert set(COMMANDS) == {path.name for path in PROXIES.iterdir()}
    subprocess.run(["haproxy", "-c", "-q", "-f", REPOSITORY / "deploy/compose/haproxy.cfg"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for name in COMMANDS:
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            work = Path(folder)
            with server(work) as key, proxy(name, work) as pid:
                check(name, work, key, pid)


def check(name: str, work: Path, key: str, pid: int) -> None:
    client = Client(key)
    before = written_bytes(pid)
    content = os.urandom(MAX_FILE_BYTES)
    file = upload_in_two_halves(client, content, work / "data")
    status, read, _ = client.ask("GET", f"/v1/files/{file}/content")
    assert (status, hashlib.sha256(read).digest()) == (200, hashlib.sha256(content).digest())
    written = written_bytes(pid) - before
    assert written <= MOST_WRITTEN_BYTES, f"the proxy wrote {written} bytes to disk"
    status, read, headers = client.ask("GET", f"/v1/files/{file}/content", Range="bytes=1000-1999")
    assert (status, read, headers["content-range"]) == (206, content[1000:2000], f"bytes 1000-1999/{len(content)}")
    status, answer = client.upload(bytes(MAX_FILE_BYTES + MIB))
    assert (status, answer["error"]["code"]) == (413, "file_too_large"), (status, answer)
    check_address(client, file, work)
    plain = http.client.HTTPConnection("127.0.0.1", 80, timeout=SECONDS)
    plain.request("GET", "/v1/files", headers={"Host": NAME})
    answer = plain.getresponse()
    assert answer.status in (301, 308) and answer.headers["Location"].startswith(f"https://{NAME}/"), answer.headers
    http2 = subprocess.run(
        ["curl", "--silent", "--insecure", "--http2", "--resolve", f"{NAME}:443:127.0.0.1", "--write-out", "%{http_version}", "--output", "/dev/null", f"https://{NAME}/healthz"],
        capture_output=True, text=True, check=True,
    )
    assert http2.stdout == "2", http2.stdout
    print(f"{name}: 64 MiB streamed both ways ({written} bytes written to disk), ranges, 413, the client's address, HTTP/2, redirect to HTTPS")


def upload_in_two_halves(client: Client, content: bytes, data: Path) -> str:
    """Uploads, and sends the second half only when the server has most of the first one: no proxy holds the body back."""
    connection = client.connection()
    body = form(content)
    half = len(body) // 2
    connection.putrequest("POST", "/v1/files", skip_host=True)
    for header, value in (client.headers | {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}", "Content-Length": str(len(body))}).items():
        connection.putheader(header, value)
    connection.endheaders()
    connection.send(body[:half])

    def received() -> int:
        return sum(path.stat().st_size for path in data.glob("blobs/*/*.tmp"))

    wait_until("the server has half of the upload", lambda: received() >= half - 4 * MIB)
    connection.send(body[half:])
    status, answer, _ = answer_of(connection)
    assert status == 200, answer
    return json.loads(answer)["id"]


def check_address(client: Client, file: str, work: Path) -> None:
    """The audit log has the address of the client, also when the client claims another one."""
    status, answer, _ = client.ask("DELETE", f"/v1/files/{file}", **{"X-Forwarded-For": "192.0.2.1"})
    assert status == 200, answer
    listed = subprocess.run([BINARY, "audit", "list", "--json", "--data-dir", str(work / "data")], capture_output=True, text=True, check=True)
    assert f'"{CLIENT}"' in listed.stdout and "192.0.2.1" not in listed.stdout, listed.stdout


@contextlib.contextmanager
def server(work: Path) -> Iterator[str]:
    flags = ["--data-dir", f"{work}/data", "--trusted-proxies", "127.0.0.1", "--max-file-bytes", str(MAX_FILE_BYTES)]
    with running([BINARY, "serve", *flags], work / "server.log"):
        wait_until("the server is ready", lambda: subprocess.run([BINARY, "health", "--ready"], capture_output=True, check=False).returncode == 0)
        yield (work / "data/first-key").read_text().strip()


@contextlib.contextmanager
def proxy(name: str, work: Path) -> Iterator[int]:
    key, chain = work / "key.pem", work / "chain.pem"
    subject = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    subprocess.run(["openssl", "req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", *subject, "-keyout", key, "-out", chain], capture_output=True, check=True)
    (work / "haproxy.pem").write_text(chain.read_text() + key.read_text())
    text = (PROXIES / name).read_text().replace("/etc/ssl/venna/", f"{work}/")
    if name == "Caddyfile":
        text = "{\n\tlocal_certs\n\tskip_install_trust\n\tadmin off\n}\n" + text
    config = work / name
    config.write_text(text)
    with running(COMMANDS[name](config), work / "proxy.log", HOME=str(work)) as process:
        wait_until("the proxy is ready", lambda: Client("").ask("GET", "/readyz")[0] == 200)
        yield process.pid


@contextlib.contextmanager
def running(command: list[str], log: Path, **variables: str) -> Iterator[subprocess.Popen]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("VENNA_", "XDG_"))}
    with log.open("wb") as kept:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=kept, stderr=kept, env=environment | variables)
    try:
        yield process
        assert process.poll() is None, log.read_text()
    except BaseException:
        print(log.read_text(errors="replace")[-3000:], file=sys.stderr)
        raise
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS)


class Client:
    """A client at an address of its own, with a key."""

    def __init__(self, key: str) -> None:
        self.headers = {"Host": NAME, "Authorization": f"Bearer {key}"}

    def connection(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = NamedConnection("127.0.0.1", 443, timeout=SECONDS, context=context, source_address=(CLIENT, 0))
        connection.connect()
        return connection

    def ask(self, method: str, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        connection = self.connection()
        connection.request(method, path, headers=self.headers | headers)
        return answer_of(connection)

    def upload(self, content: bytes) -> tuple[int, dict]:
        connection = self.connection()
        headers = self.headers | {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        # A proxy that has answered may stop reading; the answer is there all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            connection.request("POST", "/v1/files", form(content), headers)
        status, answer, _ = answer_of(connection)
        return status, json.loads(answer)


class NamedConnection(http.client.HTTPSConnection):
    """A connection to an address, whose handshake names the server."""

    def connect(self) -> None:
        if self.sock is None:
            http.client.HTTPConnection.connect(self)
            self.sock = self._context.wrap_socket(self.sock, server_hostname=NAME)


def answer_of(connection: http.client.HTTPConnection) -> tuple[int, bytes, dict[str, str]]:
    answer = connection.getresponse()
    return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}


def form(content: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def written_bytes(pid: int) -> int:
    """The bytes that a process and its children have had written to disks."""
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False).stdout.split()
    counters = [Path(f"/proc/{one}/io").read_text() for one in (str(pid), *children)]
    return sum(int(re.search(r"^write_bytes: (\d+)$", text, re.MULTILINE)[1]) for text in counters)


def wait_until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if holds():
                return
        time.sleep(0.05)
    raise AssertionError(f"within {SECONDS} s: {what}")


if __name__ == "__main__":
    if "--inside" in sys.argv:
        main()
    elif os.geteuid() != 0 or subprocess.run(["unshare", "--net", "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        print("SKIPPED: this needs root and a network namespace")
    else:
        namespace = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child=KILL"]
        sys.exit(subprocess.run([*namespace, sys.executable, __file__, "--inside"], check=False).returncode)
