"""A page of another origin with the official SDK, in real browsers. Each is started with the page as its only argument, and
the page reports to the server it came from, so that no browser needs a driver of its own.
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from conftest import HERE, NODE_MODULES
from server import Venna

SDK = NODE_MODULES / "openai"
SECONDS_PER_PAGE = 90
TYPES = {".mjs": "text/javascript", ".js": "text/javascript", ".html": "text/html; charset=utf-8"}
SPECIFIERS = {"imports": {"openai": "/openai/index.mjs"}}

CHROMIUM = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--user-data-dir={profile}"]
FIREFOX = ["firefox-esr", "--headless", "--no-remote", "--new-instance", "--profile", "{profile}"]


@contextmanager
def origin_of_page(base_url: str, key: str) -> Iterator[tuple[str, queue.Queue[dict]]]:
    """A server with the page and the SDK, and what the page reports to it."""
    reports: queue.Queue[dict] = queue.Queue()
    server = json.dumps({"baseURL": base_url, "apiKey": key})
    page = (HERE / "cross_origin.html").read_text().replace(">SPECIFIERS<", f">{json.dumps(SPECIFIERS)}<").replace("= SERVER;", f"= {server};")

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            file = (SDK / self.path.removeprefix("/openai/")).resolve()
            if self.path == "/page.html":
                self.answer(200, page.encode(), TYPES[".html"])
            elif self.path.startswith("/openai/") and file.is_relative_to(SDK.resolve()) and file.is_file():
                self.answer(200, file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"))
            else:
                self.answer(404, b"", "text/plain")

        def do_POST(self) -> None:
            reports.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.answer(204, b"", "text/plain")

        def answer(self, status: int, body: bytes, content_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{httpd.server_port}/page.html", reports
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def visit(browser: list[str], venna: Venna, key: str) -> dict:
    # The sockets of browsers need a short path.
    with origin_of_page(venna.base_url, key) as (page, reports), tempfile.TemporaryDirectory(prefix="venna-", dir="/tmp", ignore_cleanup_errors=True) as profile:
        words = [word.format(profile=profile) for word in browser]
        with subprocess.Popen([*words, page], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"HOME": profile, "TMPDIR": profile, "PATH": "/usr/bin:/bin", "MOZ_DISABLE_CONTENT_SANDBOX": "1"}) as process:
            try:
                return reports.get(timeout=SECONDS_PER_PAGE)
            finally:
                process.terminate()


def in_browser(words: list[str], name: str) -> object:
    missing = pytest.mark.skipif(shutil.which(words[0]) is None, reason=f"there is no {words[0]} on this machine: no page of another origin was opened in it")
    return pytest.param(words, name, id=words[0], marks=missing)


BROWSERS = [in_browser(CHROMIUM, "Chrome/"), in_browser(FIREFOX, "Firefox/")]


@pytest.mark.parametrize(("words", "name"), BROWSERS)
def test_a_page_of_another_origin_makes_lists_reads_and_deletes_a_file(venna: Venna, words: list[str], name: str) -> None:
    seen = visit(words, venna, venna.first_key())
    assert name in seen.pop("browser"), seen
    print(f"{words[0]}: {seen}")
    assert seen == {
        "made": ["page.txt", 15],
        "isListed": True,
        "text": "bytes of a page",
        "headers": ["content-disposition", "etag", "repr-digest", "x-request-id", "accept-ranges"],
        "part": [206, "bytes 9-14/15", "a page"],
        "fresh": 200,
        "deleted": True,
        "missing": [404, "id", "req_"],
        "wrong": [401, "invalid_api_key"],
    }


@pytest.mark.parametrize(("words", "name"), BROWSERS)
def test_a_page_of_an_origin_that_is_not_listed_gets_nothing(words: list[str], name: str) -> None:
    with Venna("--cors-origins", "https://app.example") as venna:
        seen = visit(words, venna, venna.first_key())
    assert name in seen["browser"]
    assert "Connection error" in seen.get("error", ""), seen
