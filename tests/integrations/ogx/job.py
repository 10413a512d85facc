"""A whole batch job on OGX with venna as its Files server: upload, batch, wait, download, delete.

    job.py PATH_OF_OGX

Runs once as venna is, and once with `--strict-jsonl`. Leaves with 0 when each batch was completed and each file was as expected.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "compat"))

from model import running_model
from ogx_server import running_ogx
from openai import NotFoundError, OpenAI
from server import Venna

BATCH_SECONDS = 60
REQUESTS = 25
FAILING = 7


def main(ogx: str) -> None:
    for flags in [(), ("--strict-jsonl", "true")]:
        with running_model() as model_url, Venna(*flags) as venna:
            key = venna.first_key()
            settings = {"MODEL_URL": model_url, "OPENAI_BASE_URL": venna.base_url, "OPENAI_API_KEY": key}
            with running_ogx(ogx, HERE / "config.yaml", settings) as ogx_url:
                run_batch(OpenAI(base_url=ogx_url, api_key="unused", max_retries=0), OpenAI(base_url=venna.base_url, api_key=key))
        print(f"ogx: passed with {' '.join(flags) or 'the defaults'}", flush=True)


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
