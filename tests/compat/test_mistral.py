"""Mistral's official client, unmodified, on the base path /mistral, beside OpenAI's on the same Files."""

from __future__ import annotations

import io
import os

import pytest
from actors import Caller
from mistralai.client import Mistral, errors

BATCH = b'{"custom_id": "r1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m"}}\n'


def connected(caller: Caller) -> Mistral:
    return Mistral(api_key=caller.key, server_url=f"{origin(caller)}/mistral")


def origin(caller: Caller) -> str:
    return caller.venna.base_url.removesuffix("/v1")


def upload(client: Mistral, name: str, content: bytes, **fields: object):
    return client.files.upload(file={"file_name": name, "content": content}, **fields)


def refusal(call, *arguments: object, **named: object) -> errors.SDKError:
    with pytest.raises(errors.SDKError) as caught:
        call(*arguments, **named)
    return caught.value


def test_a_file_lives_by_the_client_of_mistral(cara: Caller) -> None:
    content = os.urandom(300_000)
    with connected(cara) as client:
        made = upload(client, "scan naïve 文.pdf", content, purpose="ocr", expiry=24)
        assert (made.filename, made.size_bytes, made.purpose, made.source) == ("scan naïve 文.pdf", len(content), "ocr", "upload")
        assert (made.sample_type, made.mimetype, made.visibility) == ("instruct", "application/pdf", "workspace")
        assert made.expires_at == made.created_at + 86_400
        again = client.files.retrieve(file_id=made.id)
        assert (again.id, again.deleted, again.size_bytes) == (made.id, False, len(content))
        assert client.files.download(file_id=made.id).read() == content
        gone = client.files.delete(file_id=made.id)
        assert (gone.id, gone.deleted) == (made.id, True)
        missing = refusal(client.files.retrieve, file_id=made.id)
        assert missing.status_code == 404 and "No such File object" in missing.body
        assert missing.body.startswith('{"detail":'), missing.body


def test_a_stream_and_a_declared_type_are_taken(cara: Caller) -> None:
    with connected(cara) as client:
        file = {"file_name": "page", "content": io.BytesIO(b"x" * 70_000), "content_type": "image/png"}
        made = client.files.upload(file=file)
        assert (made.mimetype, made.purpose, made.size_bytes) == ("image/png", "ocr", 70_000)


def test_pages_have_numbers_and_a_total(cara: Caller) -> None:
    with connected(cara) as client:
        names = [upload(client, f"{number}.txt", b"x").filename for number in range(7)]
        pages = [client.files.list(page=page, page_size=3) for page in range(4)]
        assert [file.filename for page in pages for file in page.data] == names[::-1]
        assert [(len(page.data), page.total) for page in pages] == [(3, 7), (3, 7), (1, 7), (0, 7)]
        assert client.files.list(include_total=False).total is None


def test_filters_meet(cara: Caller) -> None:
    with connected(cara) as client:
        upload(client, "Requests.jsonl", BATCH, purpose="batch")
        upload(client, "report.pdf", b"x", purpose="ocr")
        upload(client, "table.csv", b"a,b\n")

        def names(**query: object) -> list[str]:
            page = client.files.list(**query)
            assert page.total == len(page.data)
            return [file.filename for file in page.data]

        assert names() == ["table.csv", "report.pdf", "Requests.jsonl"]
        assert names(purpose="batch") == names(sample_type=["batch_request"]) == names(search="REQ") == ["Requests.jsonl"]
        assert names(mimetypes=["application/pdf", "text/csv"]) == ["table.csv", "report.pdf"]
        assert names(source=["upload"], search="report") == ["report.pdf"]
        assert names(source=["repository"]) == names(purpose="fine-tune") == []


def test_a_signed_url_needs_no_key(cara: Caller, nobody: Caller) -> None:
    with connected(cara) as client:
        made = upload(client, "a.pdf", b"%PDF", purpose="ocr")
        url = client.files.get_signed_url(file_id=made.id, expiry=1).url
    path = url.removeprefix(origin(cara))
    assert path != url
    assert nobody.request("GET", path).body == b"%PDF"


def test_refusals_are_those_of_the_dialect(cara: Caller, bob: Caller) -> None:
    with connected(cara) as client, connected(bob) as stranger:
        made = upload(client, "a.pdf", b"%PDF")
        for refused, status in [
            (refusal(stranger.files.retrieve, file_id=made.id), 404),
            (refusal(stranger.files.delete, file_id=made.id), 404),
            (refusal(stranger.files.download, file_id=made.id), 404),
            (refusal(Mistral(api_key="vk_wrong", server_url=f"{origin(cara)}/mistral").files.list), 401),
            (refusal(upload, client, "a.txt", BATCH, purpose="batch"), 422),
            (refusal(upload, client, "a.txt", b"x", expiry=0), 422),
            (refusal(upload, client, "a.txt", b"x", visibility="user"), 422),
            (refusal(client.files.list, page=5_000_000), 422),
        ]:
            assert refused.status_code == status, refused.body
            assert refused.body.startswith('{"detail":"'), refused.body
        assert client.files.download(file_id=made.id).read() == b"%PDF"


def test_one_file_is_read_and_deleted_in_both_dialects(cara: Caller) -> None:
    content = os.urandom(100_000)
    with connected(cara) as mistral, cara.openai() as openai:
        ours = openai.files.create(file=("a.bin", content), purpose="user_data")
        theirs = upload(mistral, "b.bin", content, purpose="ocr")
        assert mistral.files.download(file_id=ours.id).read() == openai.files.content(theirs.id).read() == content
        assert [file.id for file in mistral.files.list().data] == [theirs.id, ours.id] == [file.id for file in openai.files.list()]
        assert openai.files.retrieve(theirs.id).purpose == "user_data" and mistral.files.retrieve(file_id=ours.id).purpose == "ocr"
        assert openai.files.delete(theirs.id).deleted and mistral.files.delete(file_id=ours.id).deleted
        assert mistral.files.list().data == [] == list(openai.files.list())
