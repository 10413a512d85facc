"""The Uploads API through the official openai-python: parts become one File. Contract section 9."""

from __future__ import annotations

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import openai
import pytest

from actors import FILE_ID, Caller

CONTENT = random.Random(9).randbytes(5 * 1024 * 1024 + 3)


@pytest.mark.parametrize("size", [0, 1, 700_000, len(CONTENT)])
def test_the_sdks_helper_uploads_in_parts(ada: Caller, size: int) -> None:
    content = CONTENT[:size]
    with ada.openai() as client:
        upload = client.uploads.upload_file_chunked(
            file=content,
            filename="big.bin",
            bytes=size,
            mime_type="application/octet-stream",
            purpose="user_data",
            part_size=1024 * 1024,
            md5=hashlib.md5(content).hexdigest(),
        )
        assert (upload.status, upload.bytes, upload.filename, upload.object) == ("completed", size, "big.bin", "upload")
        assert upload.expires_at == upload.created_at + 3600
        assert upload.file is not None and FILE_ID.match(upload.file.id)
        assert (upload.file.bytes, upload.file.purpose, upload.file.status) == (size, "user_data", "processed")
        assert client.files.content(upload.file.id).read() == content
        client.files.delete(upload.file.id)


def test_the_sdks_helper_takes_a_path(ada: Caller, tmp_path: Path) -> None:
    path = tmp_path / "training.jsonl"
    path.write_bytes(b'{"messages":[]}\n' * 1000)
    with ada.openai() as client:
        upload = client.uploads.upload_file_chunked(file=path, mime_type="text/jsonl", purpose="fine-tune")
        assert upload.file is not None and upload.filename == path.name
        assert client.files.content(upload.file.id).read() == path.read_bytes()


def test_parts_arrive_side_by_side_and_order_is_decided_at_the_end(ada: Caller) -> None:
    pieces = [CONTENT[at : at + 333_333] for at in range(0, len(CONTENT), 333_333)]
    with ada.openai() as client, ThreadPoolExecutor(4) as pool:
        upload = client.uploads.create(bytes=len(CONTENT), filename="a.bin", mime_type="application/octet-stream", purpose="vision")
        parts = list(pool.map(lambda piece: client.uploads.parts.create(upload.id, data=piece), reversed(pieces)))
        assert all(part.upload_id == upload.id and part.object == "upload.part" for part in parts)
        completed = client.uploads.complete(upload.id, part_ids=[part.id for part in reversed(parts)])
        assert completed.file is not None and client.files.content(completed.file.id).read() == CONTENT
        again = client.uploads.complete(upload.id, part_ids=[part.id for part in reversed(parts)])
        assert again == completed


def test_a_cancelled_upload_takes_nothing_more(ada: Caller) -> None:
    with ada.openai() as client:
        upload = client.uploads.create(bytes=3, filename="a.bin", mime_type="pdf", purpose="vision")
        client.uploads.parts.create(upload.id, data=b"abc")
        cancelled = client.uploads.cancel(upload.id)
        assert cancelled.status == "cancelled" and cancelled.file is None
        with pytest.raises(openai.BadRequestError, match="cancelled"):
            client.uploads.parts.create(upload.id, data=b"abc")


def test_a_wrong_md5_leaves_the_upload_pending(ada: Caller) -> None:
    with ada.openai() as client:
        upload = client.uploads.create(bytes=3, filename="a.bin", mime_type="pdf", purpose="vision")
        part = client.uploads.parts.create(upload.id, data=b"abc")
        with pytest.raises(openai.BadRequestError) as refused:
            client.uploads.complete(upload.id, part_ids=[part.id], md5="0" * 32)
        assert refused.value.param == "md5"
        assert client.uploads.complete(upload.id, part_ids=[part.id]).status == "completed"


def test_another_workspaces_upload_does_not_exist(ada: Caller, bob: Caller) -> None:
    with ada.openai() as ours, bob.openai() as theirs:
        upload = ours.uploads.create(bytes=3, filename="a.bin", mime_type="pdf", purpose="vision")
        with pytest.raises(openai.NotFoundError) as refused:
            theirs.uploads.cancel(upload.id)
        assert refused.value.param == "upload_id"
        ours.uploads.cancel(upload.id)
