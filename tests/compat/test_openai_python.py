"""The official openai-python, unmodified: only `base_url` and the key are ours.

Proves the five operations, every upload purpose, byte equality, paging, waiting, error classes and the number of
requests that a failing call makes. Contract sections 1.1, 1.3, 1.6, 2, 3, 4, 5, 6, 7; product S1 to S6.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import json
import random
import time
from collections.abc import Iterable

import httpx2
import openai
import pytest

from actors import FILE_ID, REQUEST_ID, Caller
from conftest import SMALL_LIMIT_BYTES
from counting_proxy import CountingProxy

PURPOSES = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
DAY = 24 * 60 * 60
BINARY = random.Random(20261122).randbytes(3 * 1024 * 1024 + 17)
CONTENTS = {
    "empty": b"",
    "one byte": b"\x00",
    "text": "Grüße, 世界\r\n--not-a-boundary\r\n".encode(),
    "binary": BINARY,
}
BATCH_LINES = b"".join(
    json.dumps({"custom_id": f"r{n}", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "messages": []}}).encode() + b"\n"
    for n in range(3)
)
TRAINING_LINES = b'{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}]}\n' * 10


def suitable(purpose: str) -> tuple[str, bytes]:
    """A name and content that fit the purpose."""
    return {"batch": ("requests.jsonl", BATCH_LINES), "fine-tune": ("training.jsonl", TRAINING_LINES)}.get(purpose, ("notes.txt", b"some notes\n"))




@pytest.mark.parametrize("purpose", PURPOSES)
def test_every_purpose_takes_the_five_operations(ada: Caller, purpose: str) -> None:
    filename, content = suitable(purpose)
    with ada.openai() as client:
        before = int(time.time())
        created = client.files.create(file=(filename, content), purpose=purpose)
        assert FILE_ID.match(created.id)
        assert (created.object, created.bytes, created.filename, created.purpose) == ("file", len(content), filename, purpose)
        assert created.status == "processed" and created.status_details is None
        assert before - 1 <= created.created_at <= time.time() + 1
        assert created.expires_at == (created.created_at + 30 * DAY if purpose == "batch" else None)

        assert client.files.retrieve(created.id) == created
        assert created in client.files.list(purpose=purpose).data
        assert client.files.content(created.id).read() == content

        deleted = client.files.delete(created.id)
        assert (deleted.id, deleted.object, deleted.deleted) == (created.id, "file", True)
        with pytest.raises(openai.NotFoundError):
            client.files.retrieve(created.id)
        assert created.id not in [file.id for file in client.files.list()]


async def test_the_async_client_takes_the_five_operations_side_by_side(ada: Caller) -> None:
    async with ada.async_openai() as client:

        async def one_life(number: int) -> None:
            content = BINARY[: number * 50_000]
            created = await client.files.create(file=(f"{number}.bin", content), purpose="user_data")
            assert await client.files.retrieve(created.id) == created
            assert created in (await client.files.list()).data
            assert (await client.files.content(created.id)).read() == content
            assert (await client.files.delete(created.id)).deleted is True
            with pytest.raises(openai.NotFoundError):
                await client.files.content(created.id)

        await asyncio.gather(*(one_life(number) for number in range(8)))


def test_the_file_object_has_openais_nine_members_and_two_of_ours(ada: Caller) -> None:
    with ada.openai() as client:
        raw = client.files.with_raw_response.create(file=("a.txt", b"abc"), purpose="user_data")
        listed = client.files.with_raw_response.list(limit=1)
        deleted = client.files.with_raw_response.delete(raw.parse().id)
    file = json.loads(raw.text)
    assert set(file) == {"object", "id", "purpose", "filename", "bytes", "created_at", "expires_at", "status", "status_details", "mime_type", "sha256"}
    assert file["mime_type"] == "text/plain"
    assert file["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert file["expires_at"] is None and file["status_details"] is None
    page = json.loads(listed.text)
    assert set(page) == {"object", "data", "first_id", "last_id", "has_more"}
    assert page["object"] == "list" and page["data"][0] == file
    assert json.loads(deleted.text) == {"object": "file", "deleted": True, "id": file["id"]}


def test_strict_validation_of_the_sdk_accepts_every_answer(cara: Caller) -> None:
    with cara.openai(_strict_response_validation=True) as client:
        created = client.files.create(file=("a.txt", b"abc"), purpose="assistants")
        client.files.retrieve(created.id)
        assert [file.id for file in client.files.list()] == [created.id]
        client.files.delete(created.id)
        assert client.files.list().data == []


def test_organization_project_and_beta_headers_are_accepted_and_ignored(cara: Caller) -> None:
    with cara.openai(organization="org-x", project="proj_y", default_headers={"OpenAI-Beta": "assistants=v2"}, base_url=cara.venna.base_url + "/") as client:
        created = client.files.create(file=("a.txt", b"abc"), purpose="assistants")
        assert client.files.content(created.id).text == "abc"




@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_the_bytes_come_back_as_they_went(ada: Caller, content: bytes) -> None:
    with ada.openai() as client:
        created = client.files.create(file=("round trip.bin", content), purpose="user_data")
        assert created.bytes == len(content)
        assert client.files.content(created.id).read() == content


@pytest.mark.parametrize("form", ["path", "open file", "bytes", "bytes io", "tuple"])
def test_every_form_of_file_that_the_sdk_takes_arrives_whole(ada: Caller, tmp_path, form: str) -> None:
    path = tmp_path / "report 1.bin"
    path.write_bytes(BINARY)
    with ada.openai() as client, path.open("rb") as opened:
        given, filename = {
            "path": (path, path.name),
            "open file": (opened, path.name),
            "bytes": (BINARY, "upload"),
            "bytes io": (io.BytesIO(BINARY), "upload"),
            "tuple": (("named.bin", BINARY, "image/png"), "named.bin"),
        }[form]
        created = client.files.create(file=given, purpose="user_data")
        assert (created.filename, created.bytes) == (filename, len(BINARY))
        assert client.files.content(created.id).content == BINARY


@pytest.mark.parametrize("filename", ["naïve café.txt", "你好.json", "смета №5.xlsx", "🗂️ plan.md", 'a "quoted" name.txt', "100% done; really=yes.txt", "no-extension"])
def test_a_filename_keeps_every_character(ada: Caller, filename: str) -> None:
    with ada.openai() as client:
        created = client.files.create(file=(filename, b"x"), purpose="user_data")
        assert created.filename == filename
        assert client.files.retrieve(created.id).filename == filename


def test_a_streamed_download_arrives_in_pieces_and_whole(ada: Caller, tmp_path) -> None:
    with ada.openai() as client:
        created = client.files.create(file=("big.bin", BINARY), purpose="user_data")
        with client.files.with_streaming_response.content(created.id) as response:
            assert response.headers["content-type"] == "application/octet-stream"
            assert int(response.headers["content-length"]) == len(BINARY)
            assert REQUEST_ID.match(response.request_id)
            pieces = list(response.iter_bytes(chunk_size=100_000))
        assert len(pieces) == -(-len(BINARY) // 100_000) and b"".join(pieces) == BINARY

        with client.files.with_streaming_response.content(created.id) as response:
            response.stream_to_file(tmp_path / "streamed.bin")
        client.files.content(created.id).write_to_file(tmp_path / "written.bin")
        assert (tmp_path / "streamed.bin").read_bytes() == (tmp_path / "written.bin").read_bytes() == BINARY


async def test_the_async_client_streams_a_download(ada: Caller) -> None:
    async with ada.async_openai() as client:
        created = await client.files.create(file=("big.bin", BINARY), purpose="user_data")
        async with client.files.with_streaming_response.content(created.id) as response:
            assert b"".join([piece async for piece in response.iter_bytes()]) == BINARY


def test_the_deprecated_retrieve_content_gives_the_text(ada: Caller) -> None:
    with ada.openai() as client:
        created = client.files.create(file=("a.txt", b"plain words"), purpose="user_data")
        with pytest.warns(DeprecationWarning):
            assert client.files.retrieve_content(created.id) == "plain words"


def test_a_range_can_be_asked_for_through_the_sdk(ada: Caller) -> None:
    with ada.openai() as client:
        created = client.files.create(file=("big.bin", BINARY), purpose="user_data")
        assert client.files.content(created.id, extra_headers={"Range": "bytes=1000-1999"}).read() == BINARY[1000:2000]




@pytest.mark.parametrize("purpose", ["user_data", "batch"])
@pytest.mark.parametrize("seconds", [3600, 604800, 30 * DAY])
def test_expires_after_counts_from_creation_and_overrides_the_default(ada: Caller, purpose: str, seconds: int) -> None:
    with ada.openai() as client:
        created = client.files.create(file=suitable(purpose), purpose=purpose, expires_after={"anchor": "created_at", "seconds": seconds})
        assert created.expires_at == created.created_at + seconds
        assert client.files.retrieve(created.id).expires_at == created.expires_at


def test_waiting_for_processing_ends_at_once(ada: Caller) -> None:
    with ada.openai() as client:
        created = client.files.create(file=suitable("batch"), purpose="batch")
        started = time.monotonic()
        assert client.files.wait_for_processing(created.id).status == "processed"
        assert time.monotonic() - started < 4, "the helper had to poll: the file was not ready in the first answer"


async def test_waiting_for_processing_ends_at_once_for_the_async_client(ada: Caller) -> None:
    async with ada.async_openai() as client:
        created = await client.files.create(file=suitable("fine-tune"), purpose="fine-tune")
        assert (await asyncio.wait_for(client.files.wait_for_processing(created.id), 4)).status == "processed"


@pytest.mark.parametrize("purpose", ["batch", "fine-tune"])
def test_a_file_with_a_bad_line_is_kept_and_says_why_it_is_bad(ada: Caller, purpose: str) -> None:
    """OpenAI does not refuse such an upload either; its batch would fail later (product section 4)."""
    _, good = suitable(purpose)
    with ada.openai() as client:
        created = client.files.create(file=("bad.jsonl", good + b"this is not JSON\n"), purpose=purpose)
        assert created.status == "error"
        bad_line = good.count(b"\n") + 1
        assert str(bad_line) in created.status_details
        assert client.files.wait_for_processing(created.id).status == "error"
        assert client.files.content(created.id).read() == good + b"this is not JSON\n"




ENOUGH = 100
"""More than any list here holds: a server that gave the same page again and again would else keep the SDK busy for ever."""


def ids_of(files: Iterable) -> list[str]:
    return [file.id for file in itertools.islice(files, ENOUGH)]


@pytest.fixture
def twins(cara: Caller) -> tuple[Caller, list[str]]:
    """Seven files of one workspace, all created in the same second, and their ids in order of creation."""
    deadline = time.monotonic() + 30
    with cara.openai() as client:
        while time.monotonic() < deadline:
            files = [client.files.create(file=(f"{n}.txt", b"%d" % n), purpose="user_data") for n in range(7)]
            if len({file.created_at for file in files}) == 1:
                return cara, [file.id for file in files]
            for file in files:
                client.files.delete(file.id)
    pytest.fail("seven small files could not be created within one second")


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_paging_visits_each_file_of_one_second_once_and_in_order(twins: tuple[Caller, list[str]], limit: int, order: str) -> None:
    cara, created = twins
    expected = created if order == "asc" else created[::-1]
    with cara.openai() as client:
        assert ids_of(client.files.list(limit=limit, order=order)) == expected
        pages = list(itertools.islice(client.files.list(limit=limit, order=order).iter_pages(), ENOUGH))
    assert [len(page.data) for page in pages] == [limit] * (7 // limit) + [7 % limit] * (7 % limit > 0)
    assert [page.has_more for page in pages] == [True] * (len(pages) - 1) + [False]
    for page in pages:
        raw = page.to_dict()
        assert (raw["first_id"], raw["last_id"]) == (page.data[0].id, page.data[-1].id)


async def test_paging_with_the_async_client(twins: tuple[Caller, list[str]]) -> None:
    cara, created = twins
    async with cara.async_openai() as client:
        found: list[str] = []
        async for file in client.files.list(limit=2):
            found.append(file.id)
            assert len(found) < ENOUGH
    assert found == created[::-1]


def test_newest_come_first_and_all_in_one_page_by_default(twins: tuple[Caller, list[str]]) -> None:
    cara, created = twins
    with cara.openai() as client:
        page = client.files.list()
        assert [file.id for file in page.data] == created[::-1] and page.has_more is False
        assert [file.id for file in client.files.list(limit=7).data] == created[::-1]
        assert client.files.list(limit=7).has_more is False, "a page that ends exactly at the last file has no more"


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_a_cursor_works_after_its_file_was_deleted(twins: tuple[Caller, list[str]], order: str) -> None:
    cara, created = twins
    expected = created if order == "asc" else created[::-1]
    with cara.openai() as client:
        client.files.delete(expected[3])
        assert ids_of(client.files.list(after=expected[3], order=order, limit=2)) == expected[4:]


def test_deleting_while_paging_skips_nothing(twins: tuple[Caller, list[str]]) -> None:
    cara, created = twins
    visited = []
    with cara.openai() as client:
        for page in client.files.list(limit=2).iter_pages():
            visited += [file.id for file in page.data]
            for file in page.data:
                client.files.delete(file.id)
        assert visited == created[::-1]
        assert client.files.list().data == []


def test_the_purpose_filter_gives_that_purpose_only_also_over_pages(cara: Caller) -> None:
    with cara.openai() as client:
        created = {purpose: [client.files.create(file=suitable(purpose), purpose=purpose).id for _ in range(3)] for purpose in PURPOSES}
        for purpose in PURPOSES:
            assert ids_of(client.files.list(purpose=purpose, limit=2, order="asc")) == created[purpose]
        assert client.files.list(purpose="batch_output").data == []
        assert len(client.files.list().data) == 3 * len(PURPOSES)




def assert_raised(error: openai.APIStatusError, kind: type, status: int, *, code: str | None = None, param: str | None = None) -> None:
    assert type(error) is kind, repr(error)
    assert (error.status_code, error.code, error.param, error.type) == (status, code, param, "invalid_request_error")
    assert REQUEST_ID.match(error.request_id)


def test_a_bad_request_is_told_in_openais_words(ada: Caller) -> None:
    with ada.openai() as client, pytest.raises(openai.BadRequestError) as caught:
        client.files.create(file=b"x", purpose="poetry")
    assert_raised(caught.value, openai.BadRequestError, 400, param="purpose")
    assert "'poetry' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'" in caught.value.message


@pytest.mark.parametrize("operation", ["retrieve", "content", "delete"])
def test_an_unknown_id_is_not_found(ada: Caller, operation: str) -> None:
    with ada.openai() as client, pytest.raises(openai.NotFoundError) as caught:
        getattr(client.files, operation)("file-doesnotexist")
    assert_raised(caught.value, openai.NotFoundError, 404, param="id")
    assert "No such File object: file-doesnotexist" in caught.value.message


async def test_an_unknown_id_is_not_found_for_the_async_client(ada: Caller) -> None:
    async with ada.async_openai() as client:
        with pytest.raises(openai.NotFoundError) as caught:
            await client.files.retrieve("file-doesnotexist")
    assert_raised(caught.value, openai.NotFoundError, 404, param="id")


def test_an_id_that_needs_percent_encoding_is_not_found(ada: Caller) -> None:
    with ada.openai() as client, pytest.raises(openai.NotFoundError) as caught:
        client.files.retrieve("file/../../v1/files?limit=1")
    assert caught.value.status_code == 404


def test_a_wrong_key_is_an_authentication_error(ada: Caller) -> None:
    with ada.openai(api_key="vk_wrong") as client, pytest.raises(openai.AuthenticationError) as caught:
        client.files.list()
    assert_raised(caught.value, openai.AuthenticationError, 401, code="invalid_api_key")


def test_a_missing_scope_is_a_permission_error(ada: Caller) -> None:
    reader = ada.venna.create_key(ada.workspace, "--scopes", "files.read")
    with ada.openai(api_key=reader) as client:
        assert client.files.list(limit=1) is not None
        with pytest.raises(openai.PermissionDeniedError) as caught:
            client.files.create(file=b"x", purpose="user_data")
    assert_raised(caught.value, openai.PermissionDeniedError, 403, code="insufficient_permissions")


def test_a_file_over_the_limit_is_a_status_error_and_one_at_the_limit_is_stored(small_ada: Caller) -> None:
    with small_ada.openai() as client:
        assert client.files.create(file=bytes(SMALL_LIMIT_BYTES), purpose="user_data").bytes == SMALL_LIMIT_BYTES
        for size in (SMALL_LIMIT_BYTES + 1, 64 * SMALL_LIMIT_BYTES):
            with pytest.raises(openai.APIStatusError) as caught:
                client.files.create(file=bytes(size), purpose="user_data")
            assert (caught.value.status_code, caught.value.code) == (413, "file_too_large")
            assert str(SMALL_LIMIT_BYTES) in caught.value.message


def test_what_is_not_built_is_an_internal_server_error_that_names_the_endpoint(ada: Caller) -> None:
    with ada.openai() as client, pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}])
    assert (caught.value.status_code, caught.value.code, caught.value.type) == (501, "not_implemented", "not_implemented")
    assert "Endpoint 'POST /v1/chat/completions' is not implemented yet on Venna gateway" in caught.value.message




def test_no_refusal_is_asked_twice(ada: Caller) -> None:
    refusals = {
        (400, "POST /v1/files"): lambda client: client.files.create(file=b"x", purpose="poetry"),
        (400, "GET /v1/files?limit=0"): lambda client: client.files.list(limit=0),
        (401, "GET /v1/files"): lambda client: client.with_options(api_key="vk_wrong").files.list(),
        (404, "GET /v1/files/file-x"): lambda client: client.files.retrieve("file-x"),
        (404, "GET /v1/xyz"): lambda client: client.get("/xyz", cast_to=httpx2.Response),
        (405, "POST /v1/files/file-x"): lambda client: client.post("/files/file-x", cast_to=httpx2.Response),
        (501, "GET /v1/models/m"): lambda client: client.models.retrieve("m"),
    }
    for (status, request), call in refusals.items():
        with CountingProxy(ada.venna) as proxy, ada.openai(base_url=proxy.base_url) as client:
            with pytest.raises(openai.APIStatusError) as caught:
                call(client)
            assert (caught.value.status_code, dict(proxy.seen)) == (status, {request: 1})


def test_an_unsatisfiable_range_is_asked_once(ada: Caller) -> None:
    created = ada.create_file(b"abc")
    with CountingProxy(ada.venna) as proxy, ada.openai(base_url=proxy.base_url) as client:
        with pytest.raises(openai.APIStatusError) as caught:
            client.files.content(created["id"], extra_headers={"Range": "bytes=9-"})
        assert (caught.value.status_code, caught.value.code) == (416, "range_not_satisfiable")
        assert proxy.seen.total() == 1


def test_an_upload_is_repeated_whole_after_a_failure_on_the_way(cara: Caller) -> None:
    """Shows also that the counter counts: the same client does repeat what another machine failed."""
    with CountingProxy(cara.venna) as proxy, cara.openai(base_url=proxy.base_url) as client:
        proxy.fail_next(2)
        created = client.files.create(file=("again.bin", BINARY), purpose="user_data")
        assert dict(proxy.seen) == {"POST /v1/files": 3}
        assert client.files.content(created.id).read() == BINARY
        assert [file.id for file in client.files.list()] == [created.id]


def test_environment_variables_alone_are_enough(ada: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", ada.venna.base_url)
    monkeypatch.setenv("OPENAI_API_KEY", ada.key)
    with openai.OpenAI() as client:
        created = client.files.create(file=b"x", purpose="user_data")
        assert client.files.retrieve(created.id).id == created.id
