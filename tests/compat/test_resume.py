"""A large file through the official openai-python's chunked upload: byte for byte the same, in little memory, completed
without a look at its bytes, and taken up again after an interruption. Contract section 9.

`VENNA_COMPAT_CHUNKED_MIB` is the size of the file (128). What was measured is printed; `pytest -s` shows it.
"""

from __future__ import annotations

import hashlib
import os
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import openai
import pytest

from conftest import arrive
from actors import Caller
from server import Venna

MIB = 1024 * 1024
SIZE_MIB = int(os.environ.get("VENNA_COMPAT_CHUNKED_MIB", "128"))
PARTS = 16
PART_BYTES = SIZE_MIB * MIB // PARTS
# What receiving one part at a time may take, whatever the size of the file: far less than the smallest file here.
MAX_GROWTH_MIB = 32
COMPLETE = re.compile(r"/v1/uploads/[^/]+/complete$")
ADD_PART = re.compile(r"/v1/uploads/([^/]+)/parts$")


class Interrupted(BaseException):
    """Somebody pulled the plug; no `except Exception` of an SDK stands in the way."""


@pytest.fixture(scope="module")
def server() -> Iterator[Venna]:
    """A server of its own: nobody else adds to the peak of its memory."""
    with Venna() as venna:
        yield venna


@pytest.fixture(scope="module")
def dora(server: Venna) -> Caller:
    return arrive(server, "dora")


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("big") / "big.bin"
    numbers = random.Random(17)
    with path.open("wb") as file:
        for _ in range(SIZE_MIB):
            file.write(numbers.randbytes(MIB))
    return path


def connected(caller: Caller, **hooks: Callable[..., None]) -> openai.OpenAI:
    return caller.openai(http_client=openai.DefaultHttpxClient(event_hooks={name: [hook] for name, hook in hooks.items()}))


def sha256_of_content(client: openai.OpenAI, file_id: str) -> str:
    digest = hashlib.sha256()
    with client.files.with_streaming_response.content(file_id) as content:
        for piece in content.iter_bytes(MIB):
            digest.update(piece)
    return digest.hexdigest()


def sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PART_BYTES):
            yield piece


def test_a_large_file_arrives_whole_in_little_memory(dora: Caller, server: Venna, big: Path) -> None:
    completion_ms: list[int] = []

    def note_completion(response: httpx2.Response) -> None:
        if COMPLETE.search(response.request.url.path):
            completion_ms.append(int(response.headers["openai-processing-ms"]))

    with connected(dora, response=note_completion) as client:
        dora.create_file(b"warm")
        before_mib = server.peak_memory_mib()
        upload = client.uploads.upload_file_chunked(file=big, mime_type="application/octet-stream", purpose="user_data", part_size=PART_BYTES)
        assert upload.file is not None and (upload.status, upload.file.bytes) == ("completed", SIZE_MIB * MIB)
        assert sha256_of_content(client, upload.file.id) == sha256_of_file(big)
        growth_mib = server.peak_memory_mib() - before_mib
        client.files.delete(upload.file.id)
    print(f"{SIZE_MIB} MiB in {PARTS} parts: completed in {completion_ms} whole milliseconds of server time, peak memory grew by {growth_mib:.1f} MiB")
    assert growth_mib < MAX_GROWTH_MIB
    assert len(completion_ms) == 1


def test_an_interrupted_upload_goes_on_where_it_stopped(dora: Caller, big: Path) -> None:
    begun: list[str] = []

    def interrupt_after_half(request: httpx2.Request) -> None:
        if found := ADD_PART.search(request.url.path):
            begun.append(found[1])
            if len(begun) > PARTS // 2:
                raise Interrupted

    with connected(dora, request=interrupt_after_half) as client, pytest.raises(Interrupted):
        client.uploads.upload_file_chunked(file=big, mime_type="application/octet-stream", purpose="user_data", part_size=PART_BYTES)
    upload_id = begun[0]

    with dora.openai() as client:
        assert client.get(f"/uploads/{upload_id}", cast_to=dict)["status"] == "pending"
        listed = client.get(f"/uploads/{upload_id}/parts", options={"params": {"limit": 100}}, cast_to=dict)
        known = {part["sha256"]: part["id"] for part in listed["data"]}
        assert len(known) == PARTS // 2 and not listed["has_more"]
        sent, part_ids = 0, []
        for piece in pieces(big):
            part_id = known.get(hashlib.sha256(piece).hexdigest())
            if part_id is None:
                part_id, sent = client.uploads.parts.create(upload_id, data=piece).id, sent + 1
            part_ids.append(part_id)
        assert sent == PARTS - PARTS // 2, "what had arrived is not sent again"
        completed = client.uploads.complete(upload_id, part_ids=part_ids)
        assert completed.file is not None and sha256_of_content(client, completed.file.id) == sha256_of_file(big)
        client.files.delete(completed.file.id)
