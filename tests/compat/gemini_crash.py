#!/usr/bin/env python3
"""Uploads by Google's client while the server is killed and started again at random moments.

Every other upload goes through a proxy that answers 503 while the server is away, as a load balancer does: the client's own
retries finish it then. The others lose their connection, which the client does not repeat. After each upload its file is
there once with the bytes that were sent, or, if the client failed, perhaps not at all.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import io
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from google import genai
from google.genai import errors, types

from server import environment_without_settings, leave_with_parent

MIB = 1024 * 1024
START_SECONDS = 30
# What httpx raises is no error of the client: a connection that broke.
CLIENT_FAILURES = (errors.APIError, OSError, ValueError)
DROPPED = {"connection", "transfer-encoding", "keep-alive", "content-length"}


def free_port() -> int:
    """A port that no connection of another program gets by itself while the server is away."""
    first_given = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.randrange(10_000, first_given)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port


class Killed:
    """A server on one port and one data directory, which is killed and comes back."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary, self._data_dir = binary, folder / "data"
        self.port = free_port()
        self.start()
        created = [binary, "keys", "create", "--quiet", "--data-dir", self._data_dir]
        self.key = subprocess.run(created, check=True, capture_output=True, text=True, env=environment_without_settings()).stdout.strip()

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._binary, "serve", "--data-dir", self._data_dir, "--listen", f"127.0.0.1:{self.port}", "--admin-listen", "off"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment_without_settings(), preexec_fn=leave_with_parent,
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/healthz")
                if connection.getresponse().status == 200:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
            finally:
                connection.close()
        raise RuntimeError("the server did not start")

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self.key}"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (path, answer.status, body[:500])
        connection.close()
        return body

    def files(self, name: str) -> list[dict]:
        return [file for file in json.loads(self.get("/v1/files?limit=100"))["data"] if file["filename"] == name]


class Balancer(ThreadingHTTPServer):
    """Forwards to the server, and answers 503 while it is away."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                try:
                    upstream = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
                    upstream.request("POST", self.path, body, dict(self.headers.items()))
                    answer = upstream.getresponse()
                    status, headers, content = answer.status, answer.getheaders(), answer.read()
                    upstream.close()
                except (OSError, http.client.HTTPException):
                    status, headers, content = 503, [], b""
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in DROPPED:
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


def upload(port: int, key: str, name: str, content: bytes) -> str:
    """Uploads with the client as it is. Says how that ended."""
    client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=f"http://127.0.0.1:{port}/gemini"))
    try:
        made = client.files.upload(file=io.BytesIO(content), config={"display_name": name, "mime_type": "text/plain"})
    except CLIENT_FAILURES:
        return "failed"
    except Exception as error:
        assert type(error).__module__.startswith("http"), error
        return "failed"
    assert made.size_bytes == len(content)
    return "finished"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--mib", type=int, default=200, help="of each upload")
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    chance, content = random.Random(arguments.seed), os.urandom(arguments.mib * MIB)
    digest = hashlib.sha256(content).hexdigest()
    folder = Path(tempfile.mkdtemp(prefix="venna-compat-"))
    outcomes: Counter[str] = Counter()
    try:
        server = Killed(arguments.binary, folder)
        balancer = Balancer(server.port)
        begun = time.monotonic()
        assert upload(server.port, server.key, "undisturbed", content) == "finished"
        usual_seconds = time.monotonic() - begun
        for number in range(arguments.times):
            name, port = f"number-{number}", (server.port, balancer.server_address[1])[number % 2]
            ended: list[str] = []
            client = threading.Thread(target=lambda name=name, port=port, ended=ended: ended.append(upload(port, server.key, name, content)))
            client.start()
            time.sleep(chance.uniform(0, usual_seconds))
            server.kill()
            server.start()
            client.join()
            outcome, found = ended[0], server.files(name)
            assert len(found) <= 1, f"{name} {outcome} and is there {len(found)} times"
            assert outcome == "failed" or len(found) == 1, f"{name} {outcome} and is not there"
            for file in found:
                assert hashlib.sha256(server.get(f"/v1/files/{file['id']}/content")).hexdigest() == digest, f"{name} has other bytes"
            outcomes[f"{'by the proxy' if number % 2 else 'directly'}: {outcome}, {len(found)} files"] += 1
        server.kill()
        balancer.shutdown()
        balancer.server_close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for outcome, count in sorted(outcomes.items()):
        print(f"{outcome}: {count}")


if __name__ == "__main__":
    main()
