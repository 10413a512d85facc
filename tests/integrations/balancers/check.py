"""What clients do through a balancer: each of them is started before a server of its own.

    check.py [NAME...]      nginx, haproxy, caddy, apache2

Prints a line for each check, and leaves with 0 when all of them passed.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "compat"))

from server import Venna, leave_with_parent

MIB = 1024 * 1024
START_SECONDS = 20
# Longer than the idle time of nginx, ALB and HAProxy before a server.
IDLE_SECONDS = 65
IDLE_CONNECTIONS = 20
LISTED_FILES = 3000
MAX_FILE_BYTES = 48 * MIB
BOUNDARY = "balancer-boundary"
COMMANDS: dict[str, tuple[str, Callable[[Path], list[str]]]] = {
    "nginx": ("nginx.conf", lambda config: ["/usr/sbin/nginx", "-c", str(config)]),
    "haproxy": ("haproxy.cfg", lambda config: ["/usr/sbin/haproxy", "-f", str(config), "-db"]),
    "caddy": ("Caddyfile", lambda config: ["/usr/bin/caddy", "run", "--config", str(config), "--adapter", "caddyfile"]),
    "apache2": ("apache2.conf", lambda config: ["/usr/sbin/apache2", "-f", str(config), "-DFOREGROUND"]),
}


def main(names: list[str]) -> None:
    chosen = names or list(COMMANDS)
    with ThreadPoolExecutor(len(chosen)) as pool:
        outcomes = dict(zip(chosen, pool.map(check, chosen)))
    failed = 0
    for name, lines in outcomes.items():
        for line in lines:
            failed += line.startswith("FAILED")
            print(f"{name:8} {line}")
    sys.exit(1 if failed else 0)


def check(name: str) -> list[str]:
    """The outcome of every check behind one balancer."""
    flags = ("--trusted-proxies", "127.0.0.1/32", "--max-file-bytes", str(MAX_FILE_BYTES))
    with Venna(*flags) as venna, balancer(name, venna.address) as address:
        client = Client(address, venna.first_key())
        checks = [upload_and_read, upload_in_chunks, ranges, a_long_list, early_refusals, idle_connections, http_1_0]
        return [outcome(one, client) for one in checks]


def outcome(one: Callable[[Client], str], client: Client) -> str:
    label = one.__name__.replace("_", " ")
    try:
        return f"passed   {label}: {one(client)}"
    except Exception as error:  # noqa: BLE001 (a check of another's program may fail in any way)
        return f"FAILED   {label}: {type(error).__name__} {error}"


@contextlib.contextmanager
def balancer(name: str, venna: tuple[str, int]) -> Iterator[tuple[str, int]]:
    template, command = COMMANDS[name]
    port = free_port()
    with tempfile.TemporaryDirectory(prefix=f"venna-{name}-") as folder:
        os.chmod(folder, 0o755)
        words = {"LISTEN": f"127.0.0.1:{port}", "VENNA": f"{venna[0]}:{venna[1]}", "FOLDER": folder}
        text = (HERE / template).read_text()
        for word, value in words.items():
            text = text.replace(word, value)
        config = Path(folder) / template
        config.write_text(text)
        log = Path(folder) / "log"
        environment = os.environ | {"HOME": folder, "XDG_DATA_HOME": folder, "XDG_CONFIG_HOME": folder}
        with log.open("wb") as kept:
            process = subprocess.Popen(command(config), stdin=subprocess.DEVNULL, stdout=kept, stderr=kept, env=environment, preexec_fn=leave_with_parent)
        try:
            wait_until_ready(process, port, log)
            yield "127.0.0.1", port
        finally:
            process.terminate()
            process.wait(30)


def wait_until_ready(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/readyz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the balancer does not answer: {log.read_text(errors='replace')[-2000:]}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Client:
    """A client that knows the address of the balancer and a key."""

    def __init__(self, address: tuple[str, int], key: str) -> None:
        self.address = address
        self.headers = {"Authorization": f"Bearer {key}"}

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self.address, timeout=120)

    def ask(self, method: str, path: str, connection: http.client.HTTPConnection | None = None, **headers: str) -> tuple[int, bytes, dict[str, str]]:
        connection = connection or self.connection()
        connection.request(method, path, headers=self.headers | headers)
        return answer_of(connection)

    def upload(self, content: bytes, connection: http.client.HTTPConnection | None = None, *, chunked: bool = False) -> tuple[int, dict]:
        connection = connection or self.connection()
        body = form(content)
        parts = (body[at : at + 65536] for at in range(0, len(body), 65536)) if chunked else body
        headers = self.headers | {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
        # Whoever has answered may stop reading; the answer is there all the same.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request("POST", "/v1/files", parts, headers, encode_chunked=chunked)
        status, answer, _ = answer_of(connection)
        return status, json.loads(answer)


def answer_of(connection: http.client.HTTPConnection) -> tuple[int, bytes, dict[str, str]]:
    answer = connection.getresponse()
    return answer.status, answer.read(), {name.lower(): value for name, value in answer.getheaders()}


def form(content: bytes) -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
    return head.encode() + content + f"\r\n--{BOUNDARY}--\r\n".encode()


def upload_and_read(client: Client) -> str:
    content = os.urandom(32 * MIB)
    status, file = client.upload(content)
    assert (status, file.get("sha256")) == (200, hashlib.sha256(content).hexdigest()), (status, file)
    status, read, _ = client.ask("GET", f"/v1/files/{file['id']}/content")
    assert status == 200 and read == content
    return "32 MiB, the same bytes"


def upload_in_chunks(client: Client) -> str:
    content = os.urandom(8 * MIB + 1)
    status, file = client.upload(content, chunked=True)
    assert (status, file.get("sha256")) == (200, hashlib.sha256(content).hexdigest()), (status, file)
    return "8 MiB without a length"


def ranges(client: Client) -> str:
    content = os.urandom(MIB)
    _, file = client.upload(content)
    path = f"/v1/files/{file['id']}/content"
    status, read, headers = client.ask("GET", path, Range="bytes=1000-1999")
    assert (status, read, headers["content-range"]) == (206, content[1000:2000], f"bytes 1000-1999/{MIB}"), (status, headers)
    status, read, _ = client.ask("GET", path, **{"If-None-Match": headers["etag"]})
    assert (status, read) == (304, b""), status
    return "206, 304"


def a_long_list(client: Client) -> str:
    connection = client.connection()
    for _ in range(LISTED_FILES):
        status, file = client.upload(b"x", connection)
        assert status == 200, file
    status, read, _ = client.ask("GET", "/v1/files?limit=10000", connection)
    assert status == 200 and len(json.loads(read)["data"]) >= LISTED_FILES
    return f"{LISTED_FILES} files on one connection"


def early_refusals(client: Client) -> str:
    status, answer = client.upload(bytes(MAX_FILE_BYTES + MIB))
    assert (status, answer["error"]["code"]) == (413, "file_too_large"), (status, answer)
    status, answer = Client(client.address, "vk_000000000000000000000000000000000000").upload(bytes(32 * MIB))
    assert (status, answer["error"]["code"]) == (401, "invalid_api_key"), (status, answer)
    return "413 and 401 before the body is sent"


def idle_connections(client: Client) -> str:
    """Posts on connections that stood idle, of the client and of the balancer; a post is never repeated by a balancer."""
    connections = [client.connection() for _ in range(IDLE_CONNECTIONS)]
    for connection in connections:
        assert client.upload(b"before", connection)[0] == 200
    time.sleep(IDLE_SECONDS)
    with ThreadPoolExecutor(IDLE_CONNECTIONS) as pool:
        statuses = list(pool.map(lambda connection: client.upload(b"after", connection)[0], connections))
    assert statuses == [200] * IDLE_CONNECTIONS, statuses
    return f"{IDLE_CONNECTIONS} posts after {IDLE_SECONDS} s"


def http_1_0(client: Client) -> str:
    with socket.create_connection(client.address, timeout=60) as connection:
        connection.sendall(f"GET /v1/files?limit=10000 HTTP/1.0\r\nHost: {client.address[0]}:{client.address[1]}\r\nAuthorization: {client.headers['Authorization']}\r\n\r\n".encode())
        read = b"".join(iter(lambda: connection.recv(65536), b""))
    head, body = read.split(b"\r\n\r\n", 1)
    assert b" 200 " in head.split(b"\r\n")[0] and len(json.loads(body)["data"]) >= LISTED_FILES, head
    return "a long list to a client of HTTP/1.0"


if __name__ == "__main__":
    main(sys.argv[1:])
