"""Google's official client of Gemini, unmodified, beside OpenAI's on the same Files, and the commands that it does not send by raw HTTP."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest
from actors import Caller
from counting_proxy import CountingProxy
from google import genai
from google.genai import errors, types
from wire import Answer

MIB = 1024 * 1024
CHUNK_BYTES = 8 * MIB


def origin(caller: Caller) -> str:
    return caller.venna.base_url.removesuffix("/v1")


def connected(caller: Caller, base: str | None = None, **options: str) -> genai.Client:
    """A client is closed with its last reference, so a test keeps it in a name."""
    url = base or f"{origin(caller)}/gemini"
    return genai.Client(api_key=caller.key, http_options=types.HttpOptions(base_url=url, **options))


@pytest.mark.parametrize("size", [0, 3, CHUNK_BYTES, 2 * CHUNK_BYTES + 5])
def test_bytes_of_any_number_of_chunks_are_a_file(cara: Caller, size: int) -> None:
    sent = os.urandom(size)
    client = connected(cara)
    made = client.files.upload(file=io.BytesIO(sent), config={"mime_type": "text/plain", "display_name": "d"})
    assert (made.size_bytes, made.mime_type, made.display_name, made.state) == (size, "text/plain", "d", types.FileState.ACTIVE)
    assert made.name.startswith("files/") and made.uri.endswith(made.name) and made.source == types.FileSource.UPLOADED
    assert client.files.get(name=made.name) == made
    assert client.files.download(file=made) == sent == client.files.download(file=made.name)
    client.files.delete(name=made.name)
    with pytest.raises(errors.ClientError) as gone:
        client.files.get(name=made.name)
    assert (gone.value.code, gone.value.status) == (403, "PERMISSION_DENIED")
    assert made.name.removeprefix("files/") in gone.value.message


def test_a_path_brings_its_name_and_type(cara: Caller, tmp_path: Path) -> None:
    client = connected(cara)
    path = tmp_path / "plain name.png"
    path.write_bytes(b"png")
    made = client.files.upload(file=path)
    assert (made.display_name, made.mime_type, made.size_bytes) == ("plain name.png", "image/png", 3)
    named = client.files.upload(file=str(path), config=types.UploadFileConfig(display_name="a naïve 文"))
    assert (named.display_name, named.mime_type) == ("a naïve 文", "image/png")
    with path.open("rb") as file:
        assert client.files.upload(file=file, config={"mime_type": "image/png"}).size_bytes == 3


def test_a_name_may_be_chosen_once(cara: Caller, bob: Caller) -> None:
    client, stranger = connected(cara), connected(bob)
    config = {"name": "my-file-1", "display_name": "d", "mime_type": "text/plain"}
    made = client.files.upload(file=io.BytesIO(b"abc"), config=config)
    assert made.name == "files/my-file-1" and client.files.get(name="my-file-1") == made
    assert client.files.download(file="files/my-file-1") == b"abc"
    with pytest.raises(errors.ClientError) as taken:
        client.files.upload(file=io.BytesIO(b"def"), config=config)
    assert (taken.value.code, taken.value.status) == (409, "ALREADY_EXISTS")
    with pytest.raises(errors.ClientError) as foreign:
        stranger.files.get(name="my-file-1")
    assert foreign.value.code == 403
    client.files.delete(name="my-file-1")
    assert client.files.upload(file=io.BytesIO(b"def"), config=config).name == made.name


def test_a_uri_names_its_file(cara: Caller) -> None:
    client = connected(cara)
    made = client.files.upload(file=io.BytesIO(b"abc"), config={"mime_type": "text/plain"})
    # The client takes the id out of an URI of https alone, and sends another one as it is.
    for uri in (made.uri.replace("http://", "https://"), made.uri):
        assert client.files.get(name=uri) == made


def test_a_list_goes_on_by_itself(cara: Caller) -> None:
    client = connected(cara)
    made = [client.files.upload(file=io.BytesIO(b"x"), config={"mime_type": "text/plain"}).name for _ in range(4)][::-1]
    assert [file.name for file in client.files.list(config={"page_size": 1})] == made
    pager = client.files.list(config={"page_size": 3})
    assert [file.name for file in pager.page] == made[:3]
    pager.next_page()
    assert [file.name for file in pager.page] == made[3:]
    with pytest.raises(IndexError):
        pager.next_page()
    assert len(list(client.files.list())) == 4


def test_refusals_have_their_statuses(cara: Caller, bob: Caller) -> None:
    client, stranger = connected(cara), connected(bob)
    made = client.files.upload(file=io.BytesIO(b"abc"), config={"mime_type": "text/plain"})
    for call in (stranger.files.get, stranger.files.delete):
        with pytest.raises(errors.ClientError) as foreign:
            call(name=made.name)
        assert (foreign.value.code, foreign.value.status) == (403, "PERMISSION_DENIED")
    impostor = connected(Caller(cara.venna, cara.workspace, "vk_wrong"))
    with pytest.raises(errors.ClientError) as wrong:
        impostor.files.get(name="x")
    assert (wrong.value.code, wrong.value.status) == (401, "UNAUTHENTICATED")
    with pytest.raises(errors.ClientError) as malformed:
        client.files.upload(file=io.BytesIO(b"abc"), config={"mime_type": "text/plain", "name": "Not-A-Name"})
    assert (malformed.value.code, malformed.value.status) == (400, "INVALID_ARGUMENT")
    cara.venna.command("limits", "set", cara.workspace, "storage_bytes=100")
    with pytest.raises(errors.ClientError) as full:
        client.files.upload(file=io.BytesIO(b"x" * 101), config={"mime_type": "text/plain"})
    assert (full.value.code, full.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert [file.name for file in client.files.list()] == [made.name]


def test_a_chunk_that_failed_is_sent_again(cara: Caller) -> None:
    sent = os.urandom(CHUNK_BYTES + 5)
    with CountingProxy(cara.venna) as proxy:
        client = connected(cara, proxy.base_url.removesuffix("/v1") + "/gemini")
        # The first request begins the session, so that the next one is the first chunk.
        proxy.fail_after(1, 1)
        made = client.files.upload(file=io.BytesIO(sent), config={"mime_type": "text/plain"})
        assert sum(proxy.seen.values()) == 4, "a start, a chunk twice, and the last chunk"
        assert client.files.download(file=made) == sent
        assert [file.name for file in client.files.list()] == [made.name]


def test_the_base_path_is_not_needed(cara: Caller) -> None:
    client, of_beta = connected(cara, origin(cara)), connected(cara, origin(cara), api_version="v1beta")
    made = client.files.upload(file=io.BytesIO(b"abc"), config={"mime_type": "text/plain"})
    assert "/v1/" in made.uri and "/v1beta/" in of_beta.files.get(name=made.name).uri
    with cara.openai() as openai:
        assert [file.filename for file in openai.files.list()] == [made.display_name]


def test_one_file_is_read_and_deleted_in_both_dialects(cara: Caller) -> None:
    client, sent = connected(cara), os.urandom(100_000)
    with cara.openai() as openai:
        ours = openai.files.create(file=("a.bin", sent), purpose="user_data")
        theirs = client.files.upload(file=io.BytesIO(sent), config={"mime_type": "application/pdf"})
        seen, listed = [file.name for file in client.files.list()], [file.id for file in openai.files.list()]
        assert seen[0] == theirs.name and listed[1] == ours.id and len(seen) == len(listed) == 2
        for file in seen:
            assert client.files.download(file=file) == sent
        for file in [*listed, theirs.name.removeprefix("files/")]:
            assert openai.files.content(file).read() == sent
        assert openai.files.delete(theirs.name.removeprefix("files/")).deleted
        client.files.delete(name=ours.id)
        assert list(client.files.list()) == [] == list(openai.files.list())


class Session:
    """A session of an upload by raw HTTP, without a key."""

    def __init__(self, caller: Caller, described: dict[str, object], **headers: str) -> None:
        self._anyone = Caller(caller.venna, caller.workspace, None)
        sent = [("X-Goog-Upload-Protocol", "resumable"), ("X-Goog-Upload-Command", "start"), ("Content-Type", "application/json"), *headers.items()]
        started = caller.request("POST", "/upload/v1beta/files", sent, json.dumps({"file": described}).encode())
        assert started.status == 200, started
        self._path = started.header("x-goog-upload-url").removeprefix(origin(caller))

    def send(self, command: str, offset: int = 0, chunk: bytes = b"", method: str = "POST") -> Answer:
        sent = [("X-Goog-Upload-Command", command), ("X-Goog-Upload-Offset", str(offset)), ("Content-Type", "application/json")]
        return self._anyone.request(method, self._path, sent, chunk)


def status(answer: Answer) -> tuple[int, str | None, str | None]:
    return answer.status, answer.header("x-goog-upload-status"), answer.header("x-goog-upload-size-received")


def test_a_lost_answer_makes_no_second_file(cara: Caller) -> None:
    sent = os.urandom(300_000)
    session = Session(cara, {"sizeBytes": str(len(sent))})
    first = session.send("upload, finalize", 0, sent)
    again = session.send("upload, finalize", 0, sent, method="PUT")
    assert status(first) == status(again) == (200, "final", None) and first.json() == again.json()
    assert len(cara.file_ids()) == 1


def test_a_session_tells_how_far_it_is(cara: Caller) -> None:
    session = Session(cara, {})
    assert status(session.send("query")) == (200, "active", "0")
    assert status(session.send("upload", 0, b"abc")) == (200, "active", "3")
    assert status(session.send("upload", 4, b"e")) == (400, "active", "3")
    assert status(session.send("query")) == (200, "active", "3")
    made = session.send("finalize")
    assert status(made) == (200, "final", None) and made.json()["file"]["sizeBytes"] == "3"
    other = Session(cara, {"size_bytes": 3})
    assert status(other.send("cancel")) == (200, "cancelled", None)
    assert status(other.send("upload, finalize", 0, b"abc")) == (410, "cancelled", None)


def test_one_request_may_bring_the_file(cara: Caller) -> None:
    related = b'--X\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n{"file": {"displayName": "r"}}\r\n--X\r\nContent-Type: image/png\r\n\r\npng\r\n--X--'
    sent = [("X-Goog-Upload-Protocol", "multipart"), ("Content-Type", "multipart/related; boundary=X"), ("X-Goog-Api-Key", cara.key)]
    answer = Caller(cara.venna, cara.workspace, None).request("POST", "/upload/v1beta/files", sent, related)
    assert (answer.status, answer.json()["file"]["mimeType"], answer.json()["file"]["displayName"]) == (200, "image/png", "r")
    anyone = Caller(cara.venna, cara.workspace, None)
    raw = [("X-Goog-Upload-Protocol", "raw"), ("X-Goog-Upload-File-Name", "a%20b.txt"), ("Content-Type", "text/plain")]
    answer = anyone.request("POST", f"/upload/v1beta/files?key={cara.key}", raw, b"raw")
    assert (answer.status, answer.json()["file"]["displayName"]) == (200, "a b.txt")
    assert len(cara.file_ids()) == 2
