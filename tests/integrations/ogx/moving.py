"""`venna import` from OGX, which is killed on the way again and again, and makes each file once.

    moving.py PATH_OF_OGX

OGX_FILES sets the number of files. Leaves with 0 when each file arrived once, with its name, purpose, content and creation time.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "compat"))

from ogx_server import running_ogx
from openai import OpenAI
from server import Venna

FILES = int(os.environ.get("OGX_FILES", "100"))
KILLS = 10
LONGEST_LIFE_SECONDS = 0.004 * FILES
PARALLEL = 8
PURPOSES = ("assistants", "batch", "user_data")


def main(ogx: str) -> None:
    with running_ogx(ogx, HERE / "source.yaml", {}) as ogx_url, Venna() as venna, tempfile.TemporaryDirectory() as home:
        source = OpenAI(base_url=ogx_url, api_key="unused", max_retries=3)
        digests = fill(source)
        key = venna.first_key()
        words = [os.environ["VENNA_BINARY"], "import", ogx_url, "--map", f"{home}/map.jsonl"]
        settings = {"HOME": home, "VENNA_URL": venna.base_url, "VENNA_API_KEY": key, "VENNA_FROM_API_KEY": "unused"}
        kills = sum(is_killed(words, settings) for _ in range(KILLS))
        assert kills > 0, "each run ended before its kill: nothing was tried"
        done = subprocess.run(words, env=os.environ | settings, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-2000:]
        check(source, OpenAI(base_url=venna.base_url, api_key=key), Path(home) / "map.jsonl", digests)
        print(f"ogx: {FILES} files imported with {kills} kills", flush=True)


def fill(ogx: OpenAI) -> dict[str, str]:
    """Uploads the files to OGX. Returns the SHA-256 of each by its name."""

    def upload(number: int) -> tuple[str, str]:
        name, purpose = f"file-{number}.jsonl", PURPOSES[number % len(PURPOSES)]
        line = {"custom_id": f"r{number}", "method": "POST", "url": "/v1/embeddings", "body": {"input": "x" * (number * 7 % 5000)}}
        content = (json.dumps(line) + "\n").encode()
        ogx.files.create(file=(name, content), purpose=purpose)
        return name, hashlib.sha256(content).hexdigest()

    with ThreadPoolExecutor(PARALLEL) as pool:
        return dict(pool.map(upload, range(FILES)))


def is_killed(words: list[str], settings: dict[str, str]) -> bool:
    """Runs a command for a random time. Returns whether it had to be killed."""
    process = subprocess.Popen(words, env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(random.uniform(0, LONGEST_LIFE_SECONDS))
    except subprocess.TimeoutExpired:
        process.kill()
    return process.wait() == -signal.SIGKILL


def check(ogx: OpenAI, venna: OpenAI, map: Path, digests: dict[str, str]) -> None:
    there = {file.id: file for file in ogx.files.list(limit=1000)}
    arrived = {file.id: file for file in venna.files.list(limit=1000)}
    lines = [json.loads(line) for line in map.read_text().splitlines()]
    assert len(there) == len(arrived) == len(lines) == FILES, (len(there), len(arrived), len(lines))
    assert {line["source_id"] for line in lines} == there.keys() and {line["id"] for line in lines} == arrived.keys()
    for line in lines:
        old, new = there[line["source_id"]], arrived[line["id"]]
        assert (new.filename, new.purpose, new.bytes) == (old.filename, old.purpose, old.bytes), line
        assert line["created_at"] == old.created_at, line
    assert {file.filename: file.to_dict()["sha256"] for file in arrived.values()} == digests


if __name__ == "__main__":
    main(sys.argv[1])
