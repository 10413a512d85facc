"""multipart/form-data as the clients of this world really write it, and as broken or hostile ones do.

Proves that field order, framing, chunk edges and the spelling of the file name change nothing, and that a form which is
refused or broken off leaves no byte behind. Contract sections 8.1 to 8.3; product section 4 (`filename`).
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import random
import re
import time
from pathlib import Path

import pytest

from actors import Caller, assert_error
from server import Venna
from wire import BOUNDARY, Answer, Form, file_part, in_chunks, part, text_part

MIB = 1024 * 1024
BYTES = random.Random(8).randbytes(2 * MIB)
PURPOSE = text_part("purpose", "user_data")
BROKEN_OFF_SECONDS = 2


def assert_stored(answer: Answer, content: bytes, *, purpose: str = "user_data", filename: str | None = None) -> dict:
    assert answer.status == 200, answer
    file = answer.json()
    assert (file["purpose"], file["bytes"], file["sha256"]) == (purpose, len(content), hashlib.sha256(content).hexdigest())
    if filename is not None:
        assert file["filename"] == filename
    return file



FIELDS = {
    "purpose": text_part("purpose", "assistants"),
    "anchor": text_part("expires_after[anchor]", "created_at"),
    "seconds": text_part("expires_after[seconds]", "7200"),
    "file": file_part(BYTES[:1000], "any order.bin"),
}


@pytest.mark.parametrize("chunk_bytes", [None, 64], ids=["content-length", "chunked"])
@pytest.mark.parametrize("order", list(itertools.permutations(FIELDS)), ids=",".join)
def test_the_fields_may_come_in_any_order(ada: Caller, order: tuple[str, ...], chunk_bytes: int | None) -> None:
    answer = ada.post_form(Form(*(FIELDS[name] for name in order)), chunk_bytes=chunk_bytes)
    file = assert_stored(answer, BYTES[:1000], purpose="assistants", filename="any order.bin")
    assert file["expires_at"] == file["created_at"] + 7200


@pytest.mark.parametrize("chunk_bytes", [None, 1], ids=["content-length", "chunked"])
def test_a_body_may_come_one_byte_at_a_time(ada: Caller, chunk_bytes: int | None) -> None:
    content = b"\r\n--" + BOUNDARY[:-1].encode() + b"\r\n-"
    form = Form(PURPOSE, file_part(content, "slow.bin"), boundary=BOUNDARY)
    length = [("Transfer-Encoding", "chunked")] if chunk_bytes else [("Content-Length", str(len(form.body)))]
    stream = b"".join(in_chunks(form.body, chunk_bytes)) if chunk_bytes else form.body
    with ada.connect() as connection:
        connection.send_head("POST", "/v1/files", [*ada.authorization(), ("Content-Type", form.content_type), *length])
        connection.send_until_answered(bytes([byte]) for byte in stream)
        file = assert_stored(connection.read_answer(), content, filename="slow.bin")
    assert ada.download_file(file["id"]).body == content


DECOYS = {
    "boundary less its last letter": b"before\r\n--" + BOUNDARY[:-1].encode() + b"\r\nafter",
    "boundary without a line break": b"before--" + BOUNDARY.encode() + b"--after",
    "boundary after a bare line feed": b"before\n--" + BOUNDARY.encode() + b"\nafter",
    "dashes at the end": b"text\r\n--",
    "line break at the end": b"text\r\n",
    "carriage returns only": b"\r" * 5000,
    "line breaks only": b"\r\n" * 5000,
    "nothing but the start of a delimiter": b"\r\n--" + BOUNDARY[:5].encode(),
    "delimiter starts in a row": (b"\r\n--" + BOUNDARY[:10].encode()) * 400,
    "another form": Form(PURPOSE, file_part(b"inner"), boundary="another").body,
}


@pytest.mark.parametrize("chunk_bytes", [None, 7], ids=["content-length", "chunked"])
@pytest.mark.parametrize("content", DECOYS.values(), ids=DECOYS.keys())
def test_content_that_looks_like_a_delimiter_is_content(ada: Caller, content: bytes, chunk_bytes: int | None) -> None:
    file = assert_stored(ada.post_form(Form(file_part(content), PURPOSE), chunk_bytes=chunk_bytes), content)
    assert ada.download_file(file["id"]).body == content


@pytest.mark.parametrize("edge", [256 * 1024, MIB], ids=["256 KiB", "1 MiB"])
def test_the_delimiter_may_lie_anywhere_around_a_chunk_edge(cara: Caller, edge: int) -> None:
    """The original mis-split a file of 1,048,224 bytes here (contract 8.2): `purpose` came out as a line break and `batch`."""
    before_file = len(Form(file_part(b"", "edge.bin"), closed=False).body)
    uploaded = {}
    with cara.connect() as connection:
        for offset in range(-80, 81):
            content = BYTES[: edge - before_file + offset]
            answer = cara.post_form(Form(file_part(content, "edge.bin"), text_part("purpose", "vision")), chunk_bytes=MIB, on=connection)
            file = assert_stored(answer, content, purpose="vision")
            download = connection.request("GET", f"/v1/files/{file['id']}/content", cara.authorization())
            assert download.body == content, f"offset {offset}"
            uploaded[file["id"]] = len(content)
    assert {file["id"]: file["bytes"] for file in cara.list_files().json()["data"]} == uploaded


def test_the_very_file_that_the_original_mis_splits(ada: Caller) -> None:
    content = b'{"custom_id":"1"}\n' * (1_048_224 // 18) + b"\n" * (1_048_224 % 18)
    assert len(content) == 1_048_224
    assert_stored(ada.post_form(Form(file_part(content, "requests.jsonl"), text_part("purpose", "batch")), chunk_bytes=MIB), content, purpose="batch")



TEXT = b"Content-Type: text/plain"
STREAM = b"Content-Type: application/octet-stream"
PLAIN_PURPOSE = part(b'Content-Disposition: form-data; name="purpose"', content=b"user_data")


def named(disposition: bytes | str, *more_headers: bytes, content: bytes = b"abc") -> bytes:
    disposition = disposition.encode() if isinstance(disposition, str) else disposition
    return part(b"Content-Disposition: form-data; " + disposition, *more_headers, content=content)


def dotnet_purpose(value: bytes = b"user_data") -> bytes:
    return part(b"Content-Type: text/plain; charset=utf-8", b"Content-Disposition: form-data; name=purpose", content=value)


DOTNET = {"boundary": "=_venna_0123456789=_", "quoted": True}
HELLO_BASE64 = base64.b64encode("你好.txt".encode()).decode()
WIRE_FORMS: dict[str, tuple[Form, str]] = {
    "python, raw utf-8": (Form(PLAIN_PURPOSE, named('name="file"; filename="résumé 世界.txt"', TEXT), boundary="0f1e2d3c4b5a69788796a5b4c3d2e1f0"), "résumé 世界.txt"),
    "python, a quote": (Form(PLAIN_PURPOSE, named('name="file"; filename="a %22b%22.txt"', TEXT)), 'a "b".txt'),
    "python, raw bytes": (Form(PLAIN_PURPOSE, named('name="file"; filename="upload"', STREAM)), "upload"),
    "node, file first": (Form(named('name="file"; filename="данные.bin"', STREAM), PLAIN_PURPOSE, boundary="openai-7f3a9c0d1e2b"), "данные.bin"),
    "go, backslashes": (Form(PLAIN_PURPOSE, named(r'name="file"; filename="say \"hi\".txt"', STREAM), boundary="a" * 60), 'say "hi".txt'),
    "dotnet, ascii": (Form(named("name=file; filename=report.txt; filename*=utf-8''report.txt"), dotnet_purpose(), **DOTNET), "report.txt"),
    "dotnet, unicode": (Form(named(f"name=file; filename=\"=?utf-8?B?{HELLO_BASE64}?=\"; filename*=utf-8''%E4%BD%A0%E5%A5%BD.txt"), dotnet_purpose(), **DOTNET), "你好.txt"),
    "dotnet, the star wins": (Form(named("name=file; filename=\"wrong.txt\"; filename*=UTF-8''right%20one.txt"), dotnet_purpose(), **DOTNET), "right one.txt"),
    "the star wins from the front": (Form(PLAIN_PURPOSE, named("filename*=UTF-8'en'right.txt; filename=wrong.txt; name=file")), "right.txt"),
    "rfc 2047, base64": (Form(PLAIN_PURPOSE, named(f'name="file"; filename="=?utf-8?B?{HELLO_BASE64}?="')), "你好.txt"),
    "rfc 2047, quoted-printable": (Form(PLAIN_PURPOSE, named('name="file"; filename="=?UTF-8?Q?caf=C3=A9_au_lait.txt?="')), "café au lait.txt"),
    "ruby-openai": (
        Form(named('name="file"; filename="train.jsonl"', b"Content-Length: 3", b"Content-Type: ", b"Content-Transfer-Encoding: binary"), PLAIN_PURPOSE, boundary="-----------RubyMultipartPost-1a2b"),
        "train.jsonl",
    ),
    "curl, raw utf-8": (Form(PLAIN_PURPOSE, named('name="file"; filename="naïve %22x%22.txt"', TEXT), boundary="------------------------a1b2c3d4e5f60718"), 'naïve "x".txt'),
    "other percent signs stay": (Form(PLAIN_PURPOSE, named('name="file"; filename="100%25 %41.txt"')), "100%25 %41.txt"),
    "lower-case headers": (Form(part(b'content-disposition: form-data; name="purpose"', content=b"user_data"), part(b"content-type: text/plain", b'content-disposition: form-data; name="file"; filename="low.txt"', content=b"abc")), "low.txt"),
    "upper-case words": (Form(PLAIN_PURPOSE, part(b'CONTENT-DISPOSITION: FORM-DATA; NAME="file"; FILENAME="up.txt"', content=b"abc")), "up.txt"),
    "no spaces": (Form(PLAIN_PURPOSE, part(b'Content-Disposition:form-data;name="file";filename="tight.txt"', content=b"abc")), "tight.txt"),
    "file name before name": (Form(PLAIN_PURPOSE, named('filename="first.txt"; name="file"')), "first.txt"),
    "a name with parameters inside": (Form(PLAIN_PURPOSE, named('name="file"; filename="a; name=purpose; b=c.txt"')), "a; name=purpose; b=c.txt"),
    "a boundary of 70": (Form(PLAIN_PURPOSE, named('name="file"; filename="long.txt"'), boundary="b" * 70), "long.txt"),
    "a boundary with odd letters": (Form(PLAIN_PURPOSE, named('name="file"; filename="odd.txt"'), boundary="'()+_,-./:=? x", quoted=True), "odd.txt"),
}


@pytest.mark.parametrize("chunk_bytes", [None, 11], ids=["content-length", "chunked"])
@pytest.mark.parametrize(("form", "filename"), WIRE_FORMS.values(), ids=WIRE_FORMS.keys())
def test_every_clients_spelling_gives_the_name_its_user_gave(ada: Caller, form: Form, filename: str, chunk_bytes: int | None) -> None:
    file = assert_stored(ada.post_form(form, chunk_bytes=chunk_bytes), b"abc", filename=filename)
    assert ada.retrieve_file(file["id"]).json() == file


@pytest.mark.parametrize("sequence", ["%0D", "%0A", "%0D%0A", "%0d"])
def test_a_line_break_that_a_client_escaped_is_refused_as_a_control_character(ada: Caller, sequence: str) -> None:
    answer = ada.post_form(Form(PLAIN_PURPOSE, named(f'name="file"; filename="a{sequence}b.txt"')))
    assert_error(answer, 400, answer.json()["error"]["message"], param="file")


def test_text_before_and_after_the_parts_is_skipped(ada: Caller) -> None:
    form = Form(PURPOSE, file_part(b"abc"))
    form.body = b"This is a multi-part message.\r\n" + form.body + b"\r\nThat was all.\r\n"
    assert_stored(ada.post_form(form), b"abc")


def test_parameters_beside_the_boundary_do_no_harm(ada: Caller) -> None:
    form = Form(PURPOSE, file_part(b"abc"))
    form.content_type = f'Multipart/Form-Data; charset=utf-8; boundary="{BOUNDARY}"; x=y'
    assert_stored(ada.post_form(form), b"abc")



BIG_FILE = file_part(BYTES, "big.bin")


def without_boundary_parameter() -> Form:
    form = Form(PURPOSE, BIG_FILE)
    form.content_type = "multipart/form-data"
    return form


def announcing_another_boundary() -> Form:
    form = Form(PURPOSE, BIG_FILE, boundary="other")
    form.content_type = Form().content_type
    return form


def cut(form: Form, count: int) -> Form:
    form.body = form.body[:count]
    return form


MALFORMED = {
    "no closing boundary": Form(PURPOSE, BIG_FILE, closed=False),
    "no closing boundary after a field": Form(BIG_FILE, PURPOSE, closed=False),
    "cut within the file": cut(Form(PURPOSE, BIG_FILE), MIB),
    "cut within the delimiter": cut(Form(PURPOSE, BIG_FILE), len(Form(PURPOSE, BIG_FILE).body) - 6),
    "cut within the headers of a part": cut(Form(BIG_FILE, PURPOSE), len(Form(BIG_FILE, PURPOSE).body) - len(PURPOSE)),
    "no boundary parameter": without_boundary_parameter(),
    "another boundary": announcing_another_boundary(),
    "a part without a name": Form(PURPOSE, BIG_FILE, part(b"Content-Disposition: form-data", content=b"x")),
    "a part without a disposition": Form(PURPOSE, BIG_FILE, part(b"Content-Type: text/plain", content=b"x")),
    "a header block over 8 KiB": Form(PURPOSE, BIG_FILE, part(b'Content-Disposition: form-data; name="x"', b"X-Pad: " + b"p" * 9000, content=b"x")),
    "a header block over 8 KiB on the file": Form(PURPOSE, part(b'Content-Disposition: form-data; name="file"; filename="a"', b"X-Pad: " + b"p" * 9000, content=BYTES)),
    "a header block without end": Form(PURPOSE, BIG_FILE, b'Content-Disposition: form-data; name="x"; pad=' + b"p" * MIB),
    "seventeen parts": Form(PURPOSE, BIG_FILE, *(text_part(f"x{n}", "1") for n in range(15))),
    "a thousand parts": Form(BIG_FILE, *(text_part("purpose", "user_data") for _ in range(1000))),
    "a text field over 64 KiB": Form(BIG_FILE, text_part("purpose", "u" * 65 * 1024)),
    "a file that is refused late": Form(BIG_FILE, text_part("purpose", "poetry")),
    "two files": Form(BIG_FILE, PURPOSE, BIG_FILE),
}


def assert_nothing_new(venna: Venna, before: set[Path], within_seconds: float = BROKEN_OFF_SECONDS) -> None:
    deadline = time.monotonic() + within_seconds
    while (new := venna.blob_files() - before) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not new, f"left behind: {sorted(str(path) for path in new)}"


def test_a_file_kept_leaves_a_blob(cara: Caller) -> None:
    """The measure of the tests below: where a form is accepted the blob folder does grow, and a delete empties it."""
    before = cara.venna.blob_files()
    file = assert_stored(cara.post_form(Form(PURPOSE, BIG_FILE)), BYTES)
    assert cara.venna.blob_files() - before
    assert cara.delete_file(file["id"]).status == 200
    assert_nothing_new(cara.venna, before)


@pytest.mark.parametrize("chunk_bytes", [None, 64 * 1024], ids=["content-length", "chunked"])
@pytest.mark.parametrize("form", MALFORMED.values(), ids=MALFORMED.keys())
def test_a_malformed_form_is_refused_and_leaves_nothing(cara: Caller, form: Form, chunk_bytes: int | None) -> None:
    before = cara.venna.blob_files()
    answer = cara.post_form(form, chunk_bytes=chunk_bytes)
    error = answer.json()["error"]
    assert_error(answer, 400, error["message"], param=error["param"], code=error["code"])
    assert error["message"]
    assert_nothing_new(cara.venna, before)
    assert cara.file_ids() == []


def test_the_seventeenth_part_is_one_too_many(ada: Caller) -> None:
    """Said as such: it is the number of parts that is refused, not only the names of these."""
    answer = ada.post_form(Form(PURPOSE, file_part(b"abc"), *(text_part(f"x{n}", "1") for n in range(15))))
    assert_error(answer, 400, re.compile(r"\bparts\b"))


def test_a_header_block_under_8_kib_is_fine(ada: Caller) -> None:
    padded = part(b'Content-Disposition: form-data; name="file"; filename="padded.txt"', b"X-Pad: " + b"p" * 7000, content=b"abc")
    assert_stored(ada.post_form(Form(PURPOSE, padded)), b"abc", filename="padded.txt")


def test_a_body_shorter_than_promised_is_refused_and_leaves_nothing(cara: Caller) -> None:
    before = cara.venna.blob_files()
    form = Form(PURPOSE, BIG_FILE)
    with cara.connect() as connection:
        headers = [*cara.authorization(), ("Content-Type", form.content_type), ("Content-Length", str(len(form.body) + 1000))]
        connection.send_head("POST", "/v1/files", headers)
        connection.send_until_answered([form.body[:MIB]])
        connection.finish_sending()
        try:
            assert connection.read_answer().status == 400
        except ConnectionError:
            pass  # closing without an answer is as good: nobody is there to read it
    assert_nothing_new(cara.venna, before)
    assert cara.file_ids() == []


@pytest.mark.parametrize("farewell", ["close", "reset"])
@pytest.mark.parametrize("chunk_bytes", [None, MIB], ids=["content-length", "chunked"])
def test_a_client_that_leaves_mid_upload_leaves_nothing(cara: Caller, chunk_bytes: int | None, farewell: str) -> None:
    before = cara.venna.blob_files()
    promised = 64 * MIB
    content = BYTES * 16  # more than the socket buffers hold, so the server is surely writing when we go
    framing = ("Transfer-Encoding", "chunked") if chunk_bytes else ("Content-Length", str(promised))
    start = Form(PURPOSE, file_part(content), closed=False)
    connection = cara.connect()
    connection.send_head("POST", "/v1/files", [*cara.authorization(), ("Content-Type", start.content_type), framing])
    pieces = list(in_chunks(start.body, chunk_bytes))[:-1] if chunk_bytes else [start.body]
    sent = connection.send_until_answered(pieces)
    assert sent >= len(start.body) and not connection.answered(), "the server answered before the client left"
    getattr(connection, farewell)()
    assert_nothing_new(cara.venna, before)
    assert cara.file_ids() == []
