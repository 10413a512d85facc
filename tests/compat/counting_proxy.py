"""A small proxy between an SDK and the server that counts requests, and can fail some of them itself."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import transport
from server import Venna

NOT_FORWARDED = {"connection", "transfer-encoding", "keep-alive"}


def connection(venna: Venna) -> http.client.HTTPConnection:
    tls = transport.context()
    if tls:
        return http.client.HTTPSConnection(*venna.address, timeout=60, context=tls)
    return http.client.HTTPConnection(*venna.address, timeout=60)


class CountingProxy:
    """`seen["POST /v1/files"]` is how often the request was made; `fail_next(n)` answers 503 to the next n requests, and
    `fail_after(m, n)` to the n requests behind the next m."""

    def __init__(self, venna: Venna) -> None:
        self.seen: Counter[str] = Counter()
        self._failures = 0
        self._before_failures = 0
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                proxy.seen[f"{self.command} {self.path}"] += 1
                if proxy._before_failures:
                    proxy._before_failures -= 1
                elif proxy._failures:
                    proxy._failures -= 1
                    self.reply(503, [("Content-Type", "text/plain"), ("Retry-After-Ms", "1")], b"the proxy is unwell")
                    return
                upstream = connection(venna)
                upstream.request(self.command, self.path, body or None, dict(self.headers.items()))
                answer = upstream.getresponse()
                self.reply(answer.status, answer.getheaders(), answer.read())
                upstream.close()

            def reply(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in NOT_FORWARDED | {"content-length"}:
                        # A server with TLS does not know that the proxy speaks without.
                        own = f"{self.headers.get('host')}/"
                        self.send_header(name, value.replace(f"https://{own}", f"http://{own}"))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = forward

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> CountingProxy:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def fail_next(self, requests: int) -> None:
        self.fail_after(0, requests)

    def fail_after(self, passed: int, requests: int) -> None:
        self._before_failures, self._failures = passed, requests
