"""A batch for a worker that has URLs instead of a key: input by a signed link, output by another, end to end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import openai
import transport
from actors import Caller

REQUESTS = 500
WORKER = Path(__file__).with_name("batch_worker.py")
NO_SECRETS = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "VENNA_"))}


def connected(caller: Caller) -> openai.OpenAI:
    return openai.OpenAI(base_url=caller.venna.base_url, api_key=caller.key, max_retries=0)


def requests() -> bytes:
    def line(number: int) -> str:
        messages = [{"role": "user", "content": f"thought {number}"}]
        body = {"model": "m", "messages": messages}
        return json.dumps({"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions", "body": body})

    return "".join(f"{line(number)}\n" for number in range(REQUESTS)).encode()


def links(client: openai.OpenAI) -> tuple[str, dict]:
    """The URL of a new input, and the link of the output."""
    given = client.files.create(file=("input.jsonl", requests()), purpose="batch")
    source = client.post(f"/files/{given.id}/links", cast_to=httpx2.Response, body={"one_time": True}).json()
    target = client.post("/upload_links", cast_to=httpx2.Response, body={"filename": "output.jsonl", "purpose": "user_data"}).json()
    return source["url"], target


def work(source: str, target: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, WORKER, source, target], env=NO_SECRETS, capture_output=True, text=True, timeout=120)


def written(client: openai.OpenAI, link: dict) -> list[dict]:
    """The lines of the output, which the link names."""
    now = client.get(f"/links/{link['id']}", cast_to=httpx2.Response).json()
    assert now["status"] == "used", now
    return [json.loads(line) for line in client.files.content(now["file_id"]).read().splitlines()]


def check(client: openai.OpenAI, link: dict) -> None:
    answers = {line["custom_id"]: line["response"]["body"]["choices"][0]["message"]["content"] for line in written(client, link)}
    assert answers == {f"r{number}": f"THOUGHT {number}" for number in range(REQUESTS)}
    named = [file.id for file in client.files.list() if file.filename == "output.jsonl"]
    assert len(named) == 1, "one output, however often it was sent"


@contextmanager
def losing_the_first_answer_to_a_put(target: tuple[str, int]) -> Iterator[int]:
    """The port of a proxy that sends all requests on and drops the first answer to a PUT; there must be a second."""
    puts, lost = [], threading.Event()

    def serve(client: socket.socket) -> None:
        with client, socket.create_connection(target) as server:
            head = client.recv(65536)
            is_put = head.startswith(b"PUT ")
            puts.extend([head] * is_put)
            server.sendall(head)
            threading.Thread(target=send_on, args=(client, server), daemon=True).start()
            while answer := server.recv(65536):
                if is_put and b"HTTP/1.1 200" in answer and not lost.is_set():
                    lost.set()
                    return client.shutdown(socket.SHUT_RDWR)
                client.sendall(answer)

    def send_on(client: socket.socket, server: socket.socket) -> None:
        try:
            while more := client.recv(65536):
                server.sendall(more)
        except OSError:
            pass

    def accept(listener: socket.socket) -> None:
        try:
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
        except OSError:
            pass

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
    assert lost.is_set() and len(puts) == 2, "an answer was lost, and the body sent again"


def test_a_worker_without_a_key_reads_its_input_and_writes_its_output(cara: Caller) -> None:
    client = connected(cara)
    source, target = links(client)
    done = work(source, target["url"])
    assert (done.returncode, done.stdout) == (0, "written at try 1\n"), done.stderr
    check(client, target)
    again = work(source, target["url"])
    assert again.returncode != 0 and "403" in again.stderr, "the input was for one time"


def test_a_worker_whose_answer_was_lost_sends_its_output_again(cara: Caller) -> None:
    if transport.context():
        return print("skipped over TLS: the proxy reads plain HTTP")
    client = connected(cara)
    source, target = links(client)
    with losing_the_first_answer_to_a_put(cara.venna.address) as port:
        url = urlsplit(target["url"])._replace(netloc=f"127.0.0.1:{port}").geturl()
        done = work(source, url)
    # The client's library, too, repeats a PUT whose answer was lost.
    assert done.returncode == 0 and "written" in done.stdout, done.stderr
    check(client, target)
