"""Anthropic's official client, unmodified, beside OpenAI's on the same Files.

Runs twice: with the newest client, which sends the key as a bearer, and with 0.125.0 (`anthropic_0.txt`), which sends
`X-Api-Key` and has the shapes of the beta below `client.beta.files`.
"""

from __future__ import annotations

import io
import os
import sqlite3
from datetime import datetime, timedelta
from pathlib import Path

import anthropic
import pytest
from actors import Caller
from anthropic import Anthropic

IS_OF_BETA = anthropic.__version__.startswith("0.")
of_today = pytest.mark.skipif(IS_OF_BETA, reason="a class of the newest client")
of_beta = pytest.mark.skipif(not IS_OF_BETA, reason="the newest client has no beta of Files")


def origin(caller: Caller) -> str:
    return caller.venna.base_url.removesuffix("/v1")


def connected(caller: Caller, base: str = "/anthropic", **options: object) -> Anthropic:
    return Anthropic(api_key=caller.key, base_url=f"{origin(caller)}{base}", max_retries=0, **options)


def test_a_file_lives_by_the_client_of_anthropic(cara: Caller) -> None:
    content = os.urandom(300_000)
    with connected(cara) as client:
        made = client.files.upload(file=("scan naïve 文.pdf", content, "application/pdf"), expires_in_seconds=7200)
        assert (made.filename, made.mime_type, made.size_bytes) == ("scan naïve 文.pdf", "application/pdf", len(content))
        assert (made.type, made.downloadable) == ("file", True) and made.id.startswith("file_")
        assert made.expires_at - made.created_at == timedelta(seconds=7200)
        assert client.files.retrieve_metadata(made.id) == made
        assert client.files.download(made.id).read() == content
        gone = client.files.delete(made.id)
        assert (gone.id, gone.type) == (made.id, "file_deleted")
        with pytest.raises(anthropic.NotFoundError) as missing:
            client.files.retrieve_metadata(made.id)
        assert missing.value.request_id.startswith("req_") and missing.value.body["request_id"] == missing.value.request_id


def test_a_path_bytes_and_a_stream_are_files(cara: Caller, tmp_path: Path) -> None:
    path = tmp_path / "notes.jsonl"
    path.write_bytes(b"{}\n")
    with connected(cara) as client:
        made = client.files.upload(file=path)
        assert (made.filename, made.mime_type, made.expires_at) == ("notes.jsonl", "application/jsonl", None)
        bare = client.files.upload(file=b"x" * 70_000)
        assert bare.filename == ("upload" if IS_OF_BETA else "unnamed.bin") and bare.size_bytes == 70_000
        streamed = client.files.upload(file=("page", io.BytesIO(b"png"), "image/png"))
        assert (streamed.filename, streamed.mime_type) == ("page", "image/png")


def test_lists_go_on_and_find_ids(cara: Caller) -> None:
    with connected(cara) as client:
        made = [client.files.upload(file=(f"{number}.txt", b"x")).id for number in range(5)][::-1]
        assert [file.id for file in client.files.list()] == made
        assert [file.id for file in client.files.list(limit=1)] == made
        assert [file.id for file in client.files.list(ids=[made[4], made[1], "file_x"])] == [made[1], made[4]]
        with pytest.raises(anthropic.BadRequestError):
            client.files.list(limit=0)


@of_beta
def test_lists_of_the_beta_go_both_ways(cara: Caller) -> None:
    with connected(cara) as client:
        made = [client.beta.files.upload(file=(f"{number}.txt", b"x", "text/plain")).id for number in range(7)][::-1]
        first = client.beta.files.list(limit=3)
        assert (first.first_id, first.last_id, first.has_more) == (made[0], made[2], True)
        assert [file.id for file in first] == made, "over three pages"
        backwards = client.beta.files.list(limit=2, before_id=made[6])
        assert [file.id for page in backwards.iter_pages() for file in page.data] == [made[4], made[5], made[2], made[3], made[0], made[1]]
        assert client.beta.files.retrieve_metadata(made[0]).id == made[0]
        assert client.beta.files.delete(made[0]).type == "file_deleted"


@of_today
def test_refusals_have_their_classes(cara: Caller, bob: Caller) -> None:
    with connected(cara) as client, connected(bob) as stranger:
        made = client.files.upload(file=("a.txt", b"x"))
        for call in (stranger.files.retrieve_metadata, stranger.files.download, stranger.files.delete):
            with pytest.raises(anthropic.NotFoundError):
                call(made.id)
        with pytest.raises(anthropic.AuthenticationError):
            Anthropic(api_key="vk_wrong", base_url=f"{origin(cara)}/anthropic", max_retries=0).files.list()
        for wrong in ({"file": ("a?", b"x")}, {"file": ("a", b"x"), "expires_in_seconds": 3599}):
            with pytest.raises(anthropic.BadRequestError) as refused:
                client.files.upload(**wrong)
            assert refused.value.body["error"]["type"] == "invalid_request_error"
        with pytest.raises(anthropic.PermissionDeniedError):
            client.files.list(extra_headers={"anthropic-workspace-id": "wrkspc_of_another"})
        assert client.files.download(made.id).read() == b"x"


@of_today
def test_a_full_workspace_and_an_expired_file_have_classes_of_their_own(cara: Caller) -> None:
    with connected(cara) as client:
        brief = client.files.upload(file=("a", b"x"), expires_in_seconds=3600)
        with sqlite3.connect(cara.venna.data_dir / "venna.db") as database:
            database.execute("UPDATE files SET expires_at = expires_at - 7200 WHERE expires_at IS NOT NULL")
        database.close()
        # A commit of the server ends the snapshots that do not see the change.
        client.files.upload(file=("b", b"x"))
        with pytest.raises(anthropic.types.FileExpiredError):
            client.files.download(brief.id)
        cara.venna.command("limits", "set", cara.workspace, "storage_bytes=100")
        with pytest.raises(anthropic.types.StorageQuotaExceededError):
            client.files.upload(file=("a", b"x" * 101))


def test_the_base_path_is_not_needed(cara: Caller) -> None:
    with connected(cara, base="") as client, cara.openai() as openai:
        made = client.files.upload(file=("a.txt", b"x"))
        assert made.type == "file" and made.created_at <= datetime.now(made.created_at.tzinfo) + timedelta(seconds=1)
        assert openai.files.retrieve(made.id).filename == "a.txt"


def test_one_file_is_read_and_deleted_in_both_dialects(cara: Caller) -> None:
    content = os.urandom(100_000)
    with connected(cara) as client, cara.openai() as openai:
        ours = openai.files.create(file=("a.bin", content), purpose="user_data")
        theirs = client.files.upload(file=("b.bin", content))
        assert client.files.download(ours.id).read() == openai.files.content(theirs.id).read() == content
        plain = [file.id.removeprefix("file_") for file in client.files.list()]
        assert plain == [file.id.removeprefix("file-") for file in openai.files.list()] and len(plain) == 2
        assert openai.files.delete(theirs.id).deleted and client.files.delete(ours.id).type == "file_deleted"
        assert list(client.files.list()) == [] == list(openai.files.list())
