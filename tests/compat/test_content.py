"""Downloads: ranges, conditions, headers, HEAD, and a file deleted while it is read.

Contract section 7; product section 4 (ranges, ETag, Repr-Digest, Content-Disposition). RFC 9110 sections 13 and 14, RFC 9530, RFC 6266.
"""

from __future__ import annotations

import base64
import hashlib
import random
from datetime import timedelta
from email.message import Message
from email.utils import format_datetime, formatdate, parsedate_to_datetime
from urllib.parse import unquote

import pytest

from actors import Caller, assert_error
from wire import Answer

MIB = 1024 * 1024
SMALL = b"0123456789"
LARGE = random.Random(7).randbytes(3 * MIB + 12345)


@pytest.fixture(scope="module", params=[SMALL, LARGE], ids=["10 bytes", "3 MiB"])
def stored(request: pytest.FixtureRequest, ada: Caller) -> tuple[dict, bytes]:
    """A file of ada's and its content: once small enough to lie in the metadata, once a blob."""
    return ada.create_file(request.param, "stored.bin"), request.param


def etag_of(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()}"'


def assert_whole(answer: Answer, content: bytes) -> None:
    assert answer.status == 200, answer
    assert answer.body == content
    assert answer.header("content-length") == str(len(content))
    assert answer.header("content-range") is None


def assert_part(answer: Answer, content: bytes, first: int, last: int) -> None:
    assert answer.status == 206, answer
    assert answer.header("content-range") == f"bytes {first}-{last}/{len(content)}"
    assert answer.header("content-length") == str(last - first + 1)
    assert answer.body == content[first : last + 1]
    assert answer.header("etag") == etag_of(content)
    assert answer.header("content-type") == "application/octet-stream"




def test_a_download_carries_everything_a_careful_client_wants(ada: Caller, stored: tuple[dict, bytes]) -> None:
    file, content = stored
    answer = ada.download_file(file["id"])
    assert_whole(answer, content)
    digest = hashlib.sha256(content).digest()
    assert answer.header("content-type") == "application/octet-stream"
    assert answer.header("accept-ranges") == "bytes"
    assert answer.header("etag") == f'"{digest.hex()}"' == f'"{file["sha256"]}"'
    assert answer.header("repr-digest") == f"sha-256=:{base64.b64encode(digest).decode()}:"
    assert answer.header("last-modified") == formatdate(file["created_at"], usegmt=True)
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("content-security-policy") == "default-src 'none'; sandbox"


@pytest.mark.parametrize("name", ["page.html", "drawing.svg", "script.js", "doc.pdf", "lines.jsonl", "none"])
def test_no_name_makes_a_browser_show_the_content(ada: Caller, name: str) -> None:
    answer = ada.download_file(ada.create_file(b"<script>alert(1)</script>", name)["id"])
    assert answer.header("content-type") == "application/octet-stream"
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("content-security-policy") == "default-src 'none'; sandbox"
    assert answer.header("content-disposition").startswith(f'attachment; filename="{name}"')


@pytest.mark.parametrize("encodings", ["gzip", "gzip, deflate, br, zstd", "*", "identity;q=0"])
def test_content_is_never_compressed(ada: Caller, encodings: str) -> None:
    content = b"compressible " * 50_000
    file = ada.create_file(content, "words.txt")
    answer = ada.download_file(file["id"], accept_encoding=encodings)
    assert_whole(answer, content)
    assert answer.header("content-encoding") is None
    assert_part(ada.download_file(file["id"], accept_encoding=encodings, range="bytes=13-25"), content, 13, 25)


@pytest.mark.parametrize("accept", ["application/binary", "text/plain", "application/json", "image/*", "*/*"])
def test_no_accept_header_is_refused(ada: Caller, accept: str) -> None:
    file = ada.create_file(b"abc")
    assert_whole(ada.download_file(file["id"], accept=accept), b"abc")
    assert ada.request("GET", f"/v1/files/{file['id']}", [("Accept", accept)]).status == 200


@pytest.mark.parametrize(
    "name", ["plain.txt", "two words.txt", "你好.txt", "naïve.txt", 'a "quote".txt', "back%5Cslash.txt", "semi;colon=x.txt", "per%20cent.txt", "🗂️.bin", "a'b.txt"]
)
def test_the_disposition_names_the_file_in_both_forms(ada: Caller, name: str) -> None:
    """RFC 6266: a plain form that every client understands, and the exact name in UTF-8."""
    header = ada.download_file(ada.create_file(b"abc", name)["id"]).header("content-disposition")
    assert header.isascii() and header.isprintable()
    assert header.startswith('attachment; filename="')
    _, star, extended = header.partition("filename*=UTF-8''")
    if star:
        assert unquote(extended, errors="strict") == name
        assert not set(extended) & set(" \"'()<>@,;:\\/[]?={}"), extended
    else:
        assert header == f'attachment; filename="{name}"', "the plain form is the whole name"
        assert name.isascii() and not set(name) & set('"\\%'), "a name that the plain form cannot say needs its extended form"
    parsed = Message()
    parsed["content-disposition"] = header.partition("; filename*=")[0]
    assert parsed.get_filename(), "the plain form must be readable and not empty"




def test_ranges_of_every_form_give_their_bytes(ada: Caller, stored: tuple[dict, bytes]) -> None:
    file, content = stored
    last = len(content) - 1
    for asked, (first, final) in {
        "bytes=0-3": (0, 3),
        "bytes=0-0": (0, 0),
        "bytes=5-5": (5, 5),
        "bytes=4-": (4, last),
        "bytes=0-": (0, last),
        "bytes=-3": (last - 2, last),
        "bytes=-1": (last, last),
        f"bytes={last}-": (last, last),
        f"bytes={last}-{last}": (last, last),
        f"bytes=2-{last + 1000}": (2, last),
        f"bytes=-{len(content)}": (0, last),
        f"bytes=-{len(content) + 1000}": (0, last),
        "bytes=3-99999999999999999999999": (3, last),
        "Bytes=1-2": (1, 2),
    }.items():
        assert_part(ada.download_file(file["id"], range=asked), content, first, final)


def test_any_range_is_a_slice(ada: Caller) -> None:
    file = ada.create_file(LARGE, "slices.bin")
    dice = random.Random(20261122)
    edges = [edge + nudge for edge in (64 * 1024, 128 * 1024, 256 * 1024, MIB, 2 * MIB) for nudge in (-1, 0, 1)]
    with ada.connect() as connection:
        for _ in range(150):
            first, last = sorted(dice.choice([dice.randrange(len(LARGE)), dice.choice(edges)]) for _ in range(2))
            headers = [*ada.authorization(), ("Range", f"bytes={first}-{last}")]
            assert_part(connection.request("GET", f"/v1/files/{file['id']}/content", headers), LARGE, first, last)


def test_a_range_beyond_the_end_is_not_satisfiable(ada: Caller, stored: tuple[dict, bytes]) -> None:
    file, content = stored
    size = len(content)
    for asked in (f"bytes={size}-", f"bytes={size}-{size + 5}", f"bytes={size + 1000}-", "bytes=-0", "bytes=99999999999999999999999-"):
        answer = ada.download_file(file["id"], range=asked)
        error = answer.json()["error"]
        assert_error(answer, 416, error["message"], param=error["param"], code="range_not_satisfiable")
        assert answer.header("content-range") == f"bytes */{size}"


def test_an_empty_file_has_no_range(ada: Caller) -> None:
    file = ada.create_file(b"")
    assert_whole(ada.download_file(file["id"]), b"")
    answer = ada.download_file(file["id"], range="bytes=0-")
    assert answer.status == 416 and answer.header("content-range") == "bytes */0"


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "bytes=0-0,-1", "bytes=abc", "bytes=5-2", "bytes=", "bytes=-", "bytes 0-5", "lines=0-5", "0-5", "bytes=1.5-2", "bytes=--5", "bytes=+1-5"]
)
def test_several_ranges_and_nonsense_give_the_whole(ada: Caller, stored: tuple[dict, bytes], asked: str) -> None:
    file, content = stored
    assert_whole(ada.download_file(file["id"], range=asked), content)



OTHER = '"' + "0" * 64 + '"'


def test_if_none_match_saves_the_download(ada: Caller, stored: tuple[dict, bytes]) -> None:
    file, content = stored
    etag = etag_of(content)
    for tags in (etag, f"W/{etag}", f"{OTHER}, {etag}", "*"):
        answer = ada.download_file(file["id"], if_none_match=tags)
        assert (answer.status, answer.header("etag"), answer.body) == (304, etag, b""), tags
        assert answer.header("content-length") in (None, str(len(content)))
    for tags in (OTHER, f'"{file["id"]}"', etag.strip('"')):
        assert_whole(ada.download_file(file["id"], if_none_match=tags), content)
    assert ada.download_file(file["id"], if_none_match=etag, range="bytes=0-1").status == 304


def test_if_match_guards_the_download(ada: Caller, stored: tuple[dict, bytes]) -> None:
    file, content = stored
    etag = etag_of(content)
    for tags in (etag, f"{OTHER}, {etag}", "*"):
        assert_whole(ada.download_file(file["id"], if_match=tags), content)
    for tags in (OTHER, f"W/{etag}"):
        answer = ada.download_file(file["id"], if_match=tags)
        error = answer.json()["error"]
        assert_error(answer, 412, error["message"], param=error["param"], code=error["code"])


def test_if_range_decides_between_the_part_and_the_whole(ada: Caller, stored: tuple[dict, bytes]) -> None:
    file, content = stored
    etag, date = etag_of(content), formatdate(file["created_at"], usegmt=True)
    for validator in (etag, date):
        assert_part(ada.download_file(file["id"], range="bytes=2-4", if_range=validator), content, 2, 4)
    for validator in (OTHER, f"W/{etag}", formatdate(file["created_at"] - 1, usegmt=True), "yesterday"):
        assert_whole(ada.download_file(file["id"], range="bytes=2-4", if_range=validator), content)
    assert_whole(ada.download_file(file["id"], if_range=etag), content)


def test_if_modified_since_compares_with_the_creation(ada: Caller, stored: tuple[dict, bytes]) -> None:
    file, content = stored
    modified = parsedate_to_datetime(ada.download_file(file["id"]).header("last-modified"))
    assert modified.timestamp() == file["created_at"]
    unchanged = ada.download_file(file["id"], if_modified_since=format_datetime(modified, usegmt=True))
    assert (unchanged.status, unchanged.body) == (304, b"")
    earlier = format_datetime(modified - timedelta(seconds=1), usegmt=True)
    assert_whole(ada.download_file(file["id"], if_modified_since=earlier), content)
    assert_whole(ada.download_file(file["id"], if_modified_since="not a date"), content)
    both = ada.download_file(file["id"], if_modified_since=format_datetime(modified, usegmt=True), if_none_match=OTHER)
    assert_whole(both, content)




def test_head_tells_what_get_would_send_and_sends_nothing(ada: Caller, stored: tuple[dict, bytes]) -> None:
    """`Caller.request` also watches the connection for a stray byte after the head."""
    file, content = stored
    differing = ("x-request-id", "date", "openai-processing-ms")
    for path in (f"/v1/files/{file['id']}", f"/v1/files/{file['id']}/content"):
        head, get = ada.request("HEAD", path), ada.request("GET", path)
        assert head.status == get.status == 200
        assert head.header("content-length") == str(len(get.body))
        head_names, get_names = ({name.lower(): value for name, value in answer.headers if name.lower() not in differing} for answer in (head, get))
        assert head_names == get_names
    assert ada.request("HEAD", f"/v1/files/{file['id']}/content", [("If-None-Match", etag_of(content))]).status == 304


@pytest.mark.parametrize("tail", ["", "/content"])
def test_head_of_a_missing_file_is_not_found(ada: Caller, tail: str) -> None:
    assert ada.request("HEAD", f"/v1/files/file-doesnotexist{tail}").status == 404




def test_a_file_deleted_while_it_is_read_is_read_to_its_end(ada: Caller) -> None:
    content = random.Random(9).randbytes(MIB) * 32
    file = ada.create_file(content, "long.bin")
    with ada.connect() as reader:
        reader.send_head("GET", f"/v1/files/{file['id']}/content", ada.authorization())
        assert reader.answered(within_seconds=10), "the download never began"
        assert ada.delete_file(file["id"]).status == 200
        assert ada.download_file(file["id"]).status == 404
        assert reader.read_answer().body == content


def test_many_downloads_of_one_file_side_by_side_are_all_whole(ada: Caller) -> None:
    file = ada.create_file(LARGE, "shared.bin")
    readers = [ada.connect() for _ in range(16)]
    try:
        for reader in readers:
            reader.send_head("GET", f"/v1/files/{file['id']}/content", ada.authorization())
        for reader in readers:
            assert_whole(reader.read_answer(), LARGE)
    finally:
        for reader in readers:
            reader.close()
