"""A whole batch job on OGX with venna as its Files server: upload, batch, wait, download, delete.

    job.py PATH_OF_OGX

Runs once as venna is, and once with `--strict-jsonl`. Leaves with 0 when each batch was completed and each file was as expected.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "compat"))

from model import running_model
from openai import NotFoundError, OpenAI
from server import Venna, environment_without_settings, leave_with_parent

START_SECONDS = 120
BATCH_SECONDS = 60
REQUESTS = 25
FAILING = 7


def main(ogx: str) -> None:
    for flags in [(), ("--strict-jsonl", "true")]:
        with running_model() as model_url, Venna(*flags) as venna:
            key = venna.first_key()
            with running_ogx(ogx, model_url, venna.base_url, key) as ogx_url:
                run_batch(OpenAI(base_url=ogx_url, api_key="unused", max_retries=0), OpenAI(base_url=venna.base_url, api_key=key))
        print(f"ogx: passed with {' '.join(flags) or 'the defaults'}", flush=True)


@contextmanager
def running_ogx(ogx: str, model_url: str, files_url: str, key: str) -> Iterator[str]:
    """The base URL of a running OGX."""
    with tempfile.TemporaryDirectory(prefix="venna-ogx-") as folder:
        port = free_port()
        settings = {
            "MODEL_URL": model_url, "OPENAI_BASE_URL": files_url, "OPENAI_API_KEY": key, "SQLITE_STORE_DIR": folder,
            "OGX_PORT": str(port), "OTEL_SDK_DISABLED": "true", "HOME": folder,
        }
        log = Path(folder) / "log"
        with log.open("wb") as kept:
            process = subprocess.Popen(
                [ogx, "run", HERE / "config.yaml", "--port", str(port), "--insecure"],
                env=environment_without_settings() | settings, stdin=subprocess.DEVNULL, stdout=kept, stderr=kept,
                preexec_fn=leave_with_parent,
            )
        try:
            wait_for(process, port, log)
            yield f"http://127.0.0.1:{port}/v1"
        except BaseException:
            print(log.read_text(errors="replace")[-6000:], file=sys.stderr)
            raise
        finally:
            process.terminate()
            process.wait(30)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def wait_for(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"OGX does not listen (exit code {process.poll()}): {log}")


def run_batch(ogx: OpenAI, venna: OpenAI) -> None:
    requests = "".join(json.dumps(request(number)) + "\n" for number in range(REQUESTS)).encode()
    given = ogx.files.create(file=("requests.jsonl", requests), purpose="batch")
    stored = venna.files.retrieve(given.id)
    assert (stored.bytes, stored.purpose, stored.status) == (len(requests), "batch", "processed"), stored
    batch = ogx.batches.create(input_file_id=given.id, endpoint="/v1/chat/completions", completion_window="24h")
    deadline = time.monotonic() + BATCH_SECONDS
    while batch.status not in ("completed", "failed", "expired", "cancelled"):
        assert time.monotonic() < deadline, batch
        time.sleep(0.2)
        batch = ogx.batches.retrieve(batch.id)
    assert batch.status == "completed", batch
    assert batch.request_counts and batch.request_counts.completed == REQUESTS - 1 and batch.request_counts.failed == 1, batch
    assert batch.output_file_id and batch.error_file_id, batch
    answers = lines_of(ogx, venna, batch.output_file_id)
    assert set(answers) == {f"r{number}" for number in range(REQUESTS) if number != FAILING}, set(answers)
    assert all("echo: say" in json.dumps(answer["response"]) for answer in answers.values())
    errors = lines_of(ogx, venna, batch.error_file_id)
    assert set(errors) == {f"r{FAILING}"} and errors[f"r{FAILING}"]["error"], errors
    for file_id in (given.id, batch.output_file_id, batch.error_file_id):
        ogx.files.delete(file_id)
        try:
            venna.files.retrieve(file_id)
        except NotFoundError:
            continue
        raise AssertionError(f"{file_id} was not deleted")


def request(number: int) -> dict:
    text = "fail" if number == FAILING else f"say {number}"
    body = {"model": "model/echo", "messages": [{"role": "user", "content": text}]}
    return {"custom_id": f"r{number}", "method": "POST", "url": "/v1/chat/completions", "body": body}


def lines_of(ogx: OpenAI, venna: OpenAI, file_id: str) -> dict[str, dict]:
    """The lines of an output by their custom_id, which OGX and venna give alike; venna has found them good."""
    stored = venna.files.retrieve(file_id)
    assert stored.status == "processed", stored
    content = venna.files.content(file_id).read()
    assert ogx.files.content(file_id).read() == content
    lines = [json.loads(line) for line in content.splitlines()]
    return {line["custom_id"]: line for line in lines}


if __name__ == "__main__":
    os.chdir(HERE)
    main(sys.argv[1])
