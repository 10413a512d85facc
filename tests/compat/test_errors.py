"""Every refusal of the five operations, byte for byte: status, message, type, param, code and headers.

Contract sections 1.2 to 1.6 and 3 to 7, product section 4. Where OpenAI's sentence is recorded it is asserted whole;
where it is our choice, only its key words are.
"""

from __future__ import annotations

import gzip
import re
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

import pytest

from actors import FILE_ID, Caller, assert_error
from conftest import SMALL_LIMIT_BYTES
from wire import Answer, Connection, Form, GeneratedForm, file_part, part, text_part

MIB = 1024 * 1024
BATCH_LIMIT_BYTES = 200 * MIB
CHALLENGE = 'Bearer realm="Venna Files"'
NO_SUCH = "file-000000000000000000000000"
PURPOSES_SENTENCE = "is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'"
PURPOSE = text_part("purpose", "user_data")
FILE = file_part(b"abc")


def anything(*words: str) -> re.Pattern[str]:
    """A message of our own that names these words, in any order and case."""
    return re.compile("".join(f"(?=.*{re.escape(word)})" for word in words), re.IGNORECASE | re.DOTALL)



FIVE_OPERATIONS = [
    ("POST", "/v1/files"),
    ("GET", "/v1/files"),
    ("GET", f"/v1/files/{NO_SUCH}"),
    ("DELETE", f"/v1/files/{NO_SUCH}"),
    ("GET", f"/v1/files/{NO_SUCH}/content"),
]
ELSEWHERE = [("GET", "/v1/xyz"), ("PUT", "/v1/files"), ("POST", "/v1/chat/completions"), ("GET", "/v1/models/m")]


@pytest.mark.parametrize(("method", "path"), FIVE_OPERATIONS + ELSEWHERE)
def test_without_a_key_everything_under_v1_asks_for_one(nobody: Caller, method: str, path: str) -> None:
    answer = nobody.request(method, path)
    assert_error(answer, 401, "Missing bearer authentication in header")
    assert answer.header("www-authenticate") == CHALLENGE


@pytest.mark.parametrize("credentials", ["Basic dmVubmE=", "Basic !", "vk_without_a_scheme", "Token abc"])
def test_another_scheme_is_no_bearer_authentication(nobody: Caller, credentials: str) -> None:
    answer = nobody.request("GET", "/v1/files", [("Authorization", credentials)])
    assert_error(answer, 401, "Missing bearer authentication in header")
    assert answer.header("www-authenticate") == CHALLENGE


@pytest.mark.parametrize(
    "key",
    ["vk_" + "0" * 30 + "00R6IX", "vk_" + "0" * 30 + "00R6IY", "vk_short", "sk-proj-abcdefghijklmnopqrstuvwxyz", "x" * 3000],
    ids=["unknown", "bad checksum", "short", "foreign", "very long"],
)
@pytest.mark.parametrize(("method", "path"), FIVE_OPERATIONS[:2] + ELSEWHERE[:2])
def test_a_wrong_key_is_refused_and_never_echoed(nobody: Caller, key: str, method: str, path: str) -> None:
    answer = nobody.request(method, path, [("Authorization", f"Bearer {key}")])
    assert_error(answer, 401, re.compile("^Incorrect API key provided"), code="invalid_api_key")
    assert answer.header("www-authenticate") == CHALLENGE
    assert key not in answer.body.decode()
    assert len(key) < 12 or key[3:-4] not in answer.body.decode(), "more than the last four characters came back"


@pytest.mark.parametrize("credentials", ["Bearer ключ", "Bearer ", "Bearer", ""], ids=["not ascii", "empty", "scheme only", "nothing"])
def test_what_cannot_be_a_key_is_no_key(nobody: Caller, credentials: str) -> None:
    answer = nobody.request("GET", "/v1/files", [("Authorization", credentials.encode())])
    code = answer.json()["error"]["code"]
    assert code in (None, "invalid_api_key")
    assert_error(answer, 401, re.compile("."), code=code)
    assert answer.header("www-authenticate") == CHALLENGE


def test_the_scheme_is_read_in_any_case(ada: Caller, nobody: Caller) -> None:
    assert nobody.request("GET", "/v1/files?limit=1", [("Authorization", f"bearer {ada.key}")]).status == 200


def until_refused(caller: Caller, within_seconds: float) -> Answer:
    deadline = time.monotonic() + within_seconds
    while (answer := caller.list_files(limit=1)).status == 200 and time.monotonic() < deadline:
        time.sleep(0.02)
    return answer


def test_a_key_revoked_on_the_command_line_is_refused_promptly(cara: Caller) -> None:
    assert cara.list_files().status == 200
    others = {key["id"] for key in cara.venna.list_keys()}
    leaver = Caller(cara.venna, cara.workspace, cara.venna.create_key(cara.workspace))
    (key_id,) = {key["id"] for key in cara.venna.list_keys()} - others
    assert leaver.list_files().status == 200, "a new key works on the very next request"
    cara.venna.revoke_key(key_id)
    assert_error(until_refused(leaver, within_seconds=1.5), 401, re.compile("."), code="invalid_api_key")
    assert cara.list_files().status == 200, "the other key of the workspace stays"


def test_an_expired_key_is_refused(cara: Caller) -> None:
    guest = Caller(cara.venna, cara.workspace, cara.venna.create_key(cara.workspace, "--expires-in", "1"))
    assert_error(until_refused(guest, within_seconds=4), 401, re.compile("."), code="invalid_api_key")


@pytest.mark.parametrize(
    ("scope", "refused", "missing"),
    [
        ("files.read", [("POST", "/v1/files"), ("DELETE", f"/v1/files/{NO_SUCH}")], "files.write"),
        ("files.write", [("GET", "/v1/files"), ("GET", f"/v1/files/{NO_SUCH}"), ("GET", f"/v1/files/{NO_SUCH}/content")], "files.read"),
    ],
)
def test_a_missing_scope_is_named(ada: Caller, scope: str, refused: list[tuple[str, str]], missing: str) -> None:
    limited = Caller(ada.venna, ada.workspace, ada.venna.create_key(ada.workspace, "--scopes", scope))
    for method, path in FIVE_OPERATIONS:
        answer = limited.request(method, path)
        if (method, path) in refused:
            assert_error(answer, 403, anything(missing), code="insufficient_permissions")
        else:
            assert answer.status in (200, 400, 404, 415), f"{scope} does not allow {method} {path}: {answer}"


def test_an_admin_key_has_no_business_with_files(venna) -> None:
    admin = Caller(venna, "default", venna.create_key("default", "--admin"))
    for method, path in FIVE_OPERATIONS:
        assert_error(admin.request(method, path), 403, re.compile("."), code="insufficient_permissions")




@pytest.mark.parametrize(("method", "path"), [("GET", "/v1/xyz"), ("POST", "/v1/xyz"), ("DELETE", "/v1/files/a/b/c"), ("GET", "/v1"), ("GET", "/v2/files")])
def test_an_unknown_path_is_an_invalid_url(ada: Caller, method: str, path: str) -> None:
    hint = ". Did you mean /v1/files? The base URL of a client ends with /v1, once" if path == "/v2/files" else ""
    assert_error(ada.request(method, path), 404, f"Invalid URL ({method} {path}){hint}")


def test_a_query_is_no_part_of_an_invalid_url(ada: Caller) -> None:
    assert_error(ada.request("GET", "/v1/xyz?secret=1"), 404, "Invalid URL (GET /v1/xyz)")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/files", {"GET", "POST"}),
        ("DELETE", "/v1/files", {"GET", "POST"}),
        ("POST", f"/v1/files/{NO_SUCH}", {"GET", "HEAD", "DELETE"}),
        ("PATCH", f"/v1/files/{NO_SUCH}", {"GET", "HEAD", "DELETE"}),
        ("DELETE", f"/v1/files/{NO_SUCH}/content", {"GET", "HEAD"}),
        ("POST", f"/v1/files/{NO_SUCH}/content", {"GET", "HEAD"}),
    ],
)
def test_a_wrong_method_is_told_which_ones_there_are(ada: Caller, method: str, path: str, allowed: set[str]) -> None:
    answer = ada.request(method, path)
    assert_error(answer, 405, re.compile("."), code="method_not_supported")
    named = {name.strip() for value in answer.all_headers("allow") for name in value.split(",")}
    assert allowed <= named <= allowed | {"HEAD", "OPTIONS"}, named


NOT_BUILT = [
    ("POST", "/v1/chat/completions"),
    ("GET", "/v1/chat/completions"),
    ("GET", "/v1/chat/completions/chatcmpl-1"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/responses"),
    ("GET", "/v1/responses/resp_1"),
    ("POST", "/v1/responses/resp_1/cancel"),
    ("POST", "/v1/embeddings"),
    ("GET", "/v1/models/gpt-4o"),
    ("DELETE", "/v1/models/my-model"),
    ("POST", "/v1/images/generations"),
    ("POST", "/v1/images/edits"),
    ("POST", "/v1/audio/speech"),
    ("POST", "/v1/audio/transcriptions"),
    ("POST", "/v1/moderations"),
    ("GET", "/v1/batches"),
    ("POST", "/v1/batches"),
    ("GET", "/v1/batches/batch_1"),
    ("POST", "/v1/batches/batch_1/cancel"),
    ("GET", "/v1/fine_tuning/jobs"),
    ("POST", "/v1/fine_tuning/jobs"),
    ("GET", "/v1/fine_tuning/jobs/ftjob-1/events"),
    ("GET", "/v1/vector_stores"),
    ("POST", "/v1/vector_stores/vs_1/files"),
    ("GET", "/v1/vector_stores/vs_1/files/file-1/content"),
    ("GET", "/v1/assistants"),
    ("DELETE", "/v1/assistants/asst_1"),
    ("POST", "/v1/threads"),
    ("GET", "/v1/threads/thread_1/messages"),
    ("POST", "/v1/evals"),
    ("GET", "/v1/evals/eval_1/runs"),
    ("GET", "/v1/containers"),
    ("GET", "/v1/containers/cntr_1/files/cfile_1/content"),
    ("POST", "/v1/realtime/client_secrets"),
    ("GET", "/v1/realtime"),
]


@pytest.mark.parametrize(("method", "path"), NOT_BUILT)
def test_the_rest_of_openais_surface_says_that_it_is_not_built(ada: Caller, nobody: Caller, method: str, path: str) -> None:
    body = b"{}" if method == "POST" else None
    answer = ada.request(method, path, [("Content-Type", "application/json")], body)
    assert_error(answer, 501, f"Endpoint '{method} {path}' is not implemented yet on Venna gateway", code="not_implemented", type="not_implemented")
    assert answer.header("x-should-retry") == "false"
    assert_error(nobody.request(method, path), 401, "Missing bearer authentication in header")



BY_ID = [("GET", ""), ("DELETE", ""), ("GET", "/content")]


@pytest.mark.parametrize("file_id", [NO_SUCH, "fake_id", "file_id", "file-", "x" * 300, "file-00000000000000000000000!"])
@pytest.mark.parametrize(("method", "tail"), BY_ID)
def test_a_missing_or_malformed_id_is_not_found(ada: Caller, method: str, tail: str, file_id: str) -> None:
    assert_error(ada.request(method, f"/v1/files/{file_id}{tail}"), 404, f"No such File object: {file_id}", param="id")


@pytest.mark.parametrize(("method", "tail"), BY_ID)
def test_a_deleted_file_is_not_found(ada: Caller, method: str, tail: str) -> None:
    file_id = ada.create_file(b"abc")["id"]
    assert ada.delete_file(file_id).status == 200
    assert_error(ada.request(method, f"/v1/files/{file_id}{tail}"), 404, f"No such File object: {file_id}", param="id")


def stranger_to(file_id: str) -> str:
    """A well-formed id beside a real one that was never given out."""
    assert FILE_ID.match(file_id)
    return file_id[:-2] + ("zz" if file_id[-2:] != "zz" else "yy")


def without_what_differs(answer: Answer, file_id: str) -> tuple:
    """Everything a client can see, less the request's own id, the clock and the id that it sent itself."""
    headers = [(name, value) for name, value in answer.headers if name.lower() not in ("x-request-id", "date", "openai-processing-ms")]
    return answer.status, answer.reason, headers, answer.body.replace(file_id.encode(), b"ID")


@pytest.mark.parametrize(("method", "tail"), [*BY_ID, ("HEAD", ""), ("HEAD", "/content")])
@pytest.mark.parametrize("content", [b"small", b"large" * MIB], ids=["small", "large"])
def test_a_foreign_id_answers_byte_for_byte_like_one_that_never_existed(ada: Caller, bob: Caller, content: bytes, method: str, tail: str) -> None:
    foreign = ada.create_file(content)["id"]
    never = stranger_to(foreign)
    seen = bob.request(method, f"/v1/files/{foreign}{tail}")
    assert seen.status == 404
    assert without_what_differs(seen, foreign) == without_what_differs(bob.request(method, f"/v1/files/{never}{tail}"), never)
    assert ada.download_file(foreign).body == content, "the stranger's attempt changed nothing"


def test_a_foreign_cursor_is_only_a_position(ada: Caller, cara: Caller) -> None:
    first = cara.create_file(b"1")["id"]
    foreign = ada.create_file(b"2")["id"]
    second = cara.create_file(b"3")["id"]
    assert cara.file_ids(after=foreign, order="asc") == [second]
    assert cara.file_ids(after=foreign, order="desc") == [first]
    seen, never = (cara.list_files(after=cursor, order="asc") for cursor in (foreign, stranger_to(foreign)))
    assert without_what_differs(seen, foreign) == without_what_differs(never, stranger_to(foreign))


def test_the_lists_of_two_workspaces_have_nothing_in_common(ada: Caller, cara: Caller) -> None:
    mine = cara.create_file(b"mine")["id"]
    hers = ada.create_file(b"hers")["id"]
    assert cara.file_ids() == [mine]
    assert mine not in ada.file_ids() and hers in ada.file_ids()




@pytest.mark.parametrize("limit", [0, -1, -9223372036854775808])
def test_a_limit_below_one_is_refused(ada: Caller, limit: int) -> None:
    sentence = f"Invalid 'limit': integer below minimum value. Expected a value >= 1, but got {limit} instead."
    assert_error(ada.list_files(limit=limit), 400, sentence, param="limit", code="integer_below_min_value")


@pytest.mark.parametrize("limit", [10001, 1_000_000])
def test_a_limit_above_ten_thousand_is_refused(ada: Caller, limit: int) -> None:
    sentence = f"Invalid 'limit': integer above maximum value. Expected a value <= 10000, but got {limit} instead."
    assert_error(ada.list_files(limit=limit), 400, sentence, param="limit", code="integer_above_max_value")


@pytest.mark.parametrize("limit", [1, 10000])
def test_the_outermost_limits_are_allowed(ada: Caller, limit: int) -> None:
    assert ada.list_files(limit=limit).status == 200


def assert_refused_for(answer: Answer, param: str) -> None:
    """A refusal whose code is our own affair: status, type and param stand."""
    code = answer.json()["error"]["code"]
    assert code is None or re.fullmatch("[a-z_]+", code)
    assert_error(answer, 400, re.compile("."), param=param, code=code)


@pytest.mark.parametrize("limit", ["abc", "1.5", "1e3", "0x10", "99999999999999999999999"])
def test_a_limit_that_is_no_integer_is_refused(ada: Caller, limit: str) -> None:
    assert_refused_for(ada.list_files(limit=limit), "limit")


@pytest.mark.parametrize("order", ["up", "ASC", "created_at"])
def test_an_unknown_order_is_refused(ada: Caller, order: str) -> None:
    assert_refused_for(ada.list_files(order=order), "order")


@pytest.mark.parametrize("after", ["after", "file-", "file-short", "file-" + "0" * 23 + "!", NO_SUCH + "0", "upload_" + "0" * 32])
def test_a_malformed_cursor_is_refused(ada: Caller, after: str) -> None:
    assert_refused_for(ada.list_files(after=after), "after")


@pytest.mark.parametrize("query", [{}, {"purpose": "poetry"}, {"purpose": "batch"}, {"order": "asc", "limit": 1}, {"after": NO_SUCH}])
def test_an_empty_list_has_null_ids(cara: Caller, query: dict) -> None:
    answer = cara.list_files(**query)
    assert answer.status == 200 and answer.header("content-type") == "application/json"
    assert answer.json() == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


def test_an_unknown_purpose_filters_everything_out(ada: Caller) -> None:
    ada.create_file(b"abc")
    assert ada.list_files(purpose="poetry").json()["data"] == []




def test_a_missing_file_is_named(ada: Caller) -> None:
    assert_error(ada.post_form(Form(PURPOSE)), 400, "'file' is a required property")


def test_a_missing_purpose_is_named(ada: Caller) -> None:
    assert_error(ada.post_form(Form(FILE)), 400, "'purpose' is a required property")


def by_order(*parts: bytes) -> list[Form]:
    """The form with its fields as given and in reverse: clients send the file first or last."""
    return [Form(*parts), Form(*parts[::-1])]


@pytest.mark.parametrize("purpose", ["poetry", "", "Batch", " batch", "batch\r\n", "assistants_output", "batch_output", "fine-tune-results", "日本"])
def test_a_bad_purpose_gets_openais_sentence(ada: Caller, purpose: str) -> None:
    for form in by_order(text_part("purpose", purpose), FILE):
        answer = ada.post_form(form)
        if purpose.isprintable():
            assert_error(answer, 400, f"'{purpose}' {PURPOSES_SENTENCE}", param="purpose")
        else:
            assert_error(answer, 400, re.compile(re.escape(PURPOSES_SENTENCE) + "$"), param="purpose")


def test_a_duplicate_purpose_is_refused(ada: Caller) -> None:
    for second in ("user_data", "batch"):
        assert_refused_for(ada.post_form(Form(PURPOSE, FILE, text_part("purpose", second))), "purpose")


def test_a_duplicate_file_is_refused(ada: Caller) -> None:
    assert_refused_for(ada.post_form(Form(PURPOSE, FILE, file_part(b"second", "second.txt"))), "file")


def test_one_extra_field_is_named(ada: Caller) -> None:
    sentence = "Additional properties are not allowed ('x' was unexpected)"
    for form in by_order(PURPOSE, text_part("x", "1"), FILE):
        assert_error(ada.post_form(form), 400, sentence)
    assert_error(ada.post_form(Form(PURPOSE, FILE, file_part(b"1", "x.bin", name="x"))), 400, sentence)


def test_several_extra_fields_are_named_in_turn(ada: Caller) -> None:
    """On one side of the file: what stands before it may be refused without waiting for what comes after."""
    extra = [text_part("a", "1"), text_part("b", "2")]
    for parts in ([PURPOSE, *extra, FILE], [*extra, FILE, PURPOSE], [PURPOSE, FILE, *extra], [FILE, *extra, PURPOSE]):
        assert_error(ada.post_form(Form(*parts)), 400, "Additional properties are not allowed ('a', 'b' were unexpected)")


@pytest.mark.parametrize("fields", [{"expires_after": "604800"}, {"expires_after.anchor": "created_at", "expires_after.seconds": "3600"}], ids=["flat", "dotted"])
def test_other_spellings_of_expires_after_are_refused(ada: Caller, fields: dict[str, str]) -> None:
    for form in by_order(PURPOSE, *(text_part(*field) for field in fields.items()), FILE):
        answer = ada.post_form(form)
        assert_error(answer, 400, anything("expires_after"), param=answer.json()["error"]["param"], code=None)


ANCHOR, SECONDS = "expires_after[anchor]", "expires_after[seconds]"


@pytest.mark.parametrize("seconds", ["3599", "2592001", "0", "-1", "", "abc", "3600.5", "1e4", "99999999999999999999"])
def test_seconds_out_of_bounds_are_refused(ada: Caller, seconds: str) -> None:
    for form in by_order(PURPOSE, text_part(ANCHOR, "created_at"), text_part(SECONDS, seconds), FILE):
        assert_refused_for(ada.post_form(form), SECONDS)


@pytest.mark.parametrize("seconds", [3600, 2592000])
def test_the_outermost_seconds_are_allowed(ada: Caller, seconds: int) -> None:
    file = ada.create_file(b"abc", **{ANCHOR: "created_at", SECONDS: str(seconds)})
    assert file["expires_at"] == file["created_at"] + seconds


@pytest.mark.parametrize("anchor", ["last_active_at", "", "Created_At"])
def test_any_other_anchor_is_refused(ada: Caller, anchor: str) -> None:
    for form in by_order(PURPOSE, text_part(ANCHOR, anchor), text_part(SECONDS, "3600"), FILE):
        assert_refused_for(ada.post_form(form), ANCHOR)


def test_half_an_expiry_is_refused_for_the_half_that_is_missing(ada: Caller) -> None:
    for form in by_order(PURPOSE, text_part(ANCHOR, "created_at"), FILE):
        assert_refused_for(ada.post_form(form), SECONDS)
    for form in by_order(PURPOSE, text_part(SECONDS, "3600"), FILE):
        assert_refused_for(ada.post_form(form), ANCHOR)


def test_a_batch_file_is_named_jsonl_or_has_no_extension(ada: Caller) -> None:
    batch = text_part("purpose", "batch")
    for form in by_order(batch, file_part(b"{}\n", "requests.txt")):
        assert_error(ada.post_form(form), 400, "Invalid file format for Batch API. Must be .jsonl")
    for name in ("requests.jsonl", "requests"):
        assert ada.post_form(Form(batch, file_part(b"{}\n", name))).status == 200


@pytest.mark.parametrize(
    ("content_type", "body"),
    [("application/json", b'{"purpose":"user_data","file":"abc"}'), ("application/x-www-form-urlencoded", b"purpose=user_data&file=abc"), (None, b"abc")],
    ids=["json", "urlencoded", "none"],
)
def test_a_body_that_is_no_form_is_refused_by_its_type(ada: Caller, content_type: str | None, body: bytes) -> None:
    answer = ada.request("POST", "/v1/files", [("Content-Type", content_type)] if content_type else [], body)
    came = f"'{content_type}'" if content_type else "absent"
    assert_error(answer, 415, f"The Content-Type of the request is {came}; this operation takes multipart/form-data.", code="unsupported_media_type")
    assert answer.header("accept") == "multipart/form-data"


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip"])
@pytest.mark.parametrize("path", ["/v1/files", "/v1/uploads"])
def test_a_body_in_a_content_coding_is_refused_by_its_name(ada: Caller, path: str, coding: str) -> None:
    """RFC 9110, section 15.5.16."""
    form = Form(PURPOSE, FILE)
    answer = ada.request("POST", path, [("Content-Type", form.content_type), ("Content-Encoding", coding)], gzip.compress(form.body))
    assert_error(answer, 415, f"The request body has the Content-Encoding '{coding}', which is not supported. Send it without one.", code="unsupported_media_type")
    assert answer.header("accept-encoding") == "identity"


def test_the_coding_that_changes_nothing_is_taken(ada: Caller) -> None:
    form = Form(PURPOSE, FILE)
    assert ada.request("POST", "/v1/files", [("Content-Type", form.content_type), ("Content-Encoding", "identity")], form.body).status == 200


@pytest.mark.parametrize("content", [b"abc", b"x" * 100_000], ids=["short", "longer than a field"])
def test_a_file_without_a_filename_is_told_so(ada: Caller, content: bytes) -> None:
    for form in by_order(PURPOSE, text_part("file", content)):
        assert_error(ada.post_form(form), 400, re.compile(r"^The part 'file' has no filename\. "), param="file")


def test_an_empty_body_is_refused(ada: Caller) -> None:
    answer = ada.request("POST", "/v1/files", [("Content-Type", Form().content_type)], b"")
    assert_error(answer, 400, re.compile("."))




@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b'filename="text/csv"', "text/csv"),
        (b'filename="../../etc/passwd"', "../../etc/passwd"),
        (b'filename="/abs/olute/report.pdf"', "/abs/olute/report.pdf"),
        (b"filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", "../../etc/passwd"),
        (b"filename*=UTF-8''C%3A%5Cdir%5Creport.pdf", "C:\\dir\\report.pdf"),
        (b'filename="..hidden..name.."', "..hidden..name.."),
        ('filename="gpj.\u202eexe"'.encode(), "gpj.\u202eexe"),
        (b'filename="dir/"', "dir/"),
        (b'filename=".."', ".."),
    ],
)
def test_a_name_is_kept_whole(ada: Caller, sent: bytes, kept: str) -> None:
    answer = ada.post_form(Form(PURPOSE, part(b'Content-Disposition: form-data; name="file"; ' + sent, content=b"abc")))
    assert answer.status == 200, answer
    assert answer.json()["filename"] == kept


def test_an_empty_name_is_refused(ada: Caller) -> None:
    assert_error(ada.post_form(Form(PURPOSE, file_part(b"abc", ""))), 400, "The filename is empty.", param="file")


@pytest.mark.parametrize("character", ["\x00", "\x01", "\t", "\x1b", "\x7f", "\x85", "\r", "\n"], ids=lambda c: f"U+{ord(c):04X}")
def test_control_characters_are_refused(ada: Caller, character: str) -> None:
    pct = "".join(f"%{byte:02X}" for byte in character.encode())
    extended = part(f"Content-Disposition: form-data; name=\"file\"; filename*=UTF-8''a{pct}b.txt".encode(), content=b"abc")
    assert_error(ada.post_form(Form(PURPOSE, extended)), 400, anything("filename"), param="file")
    raw = ada.post_form(Form(PURPOSE, file_part(b"abc", f"a{character}b.txt")))
    assert_error(raw, 400, re.compile("."), param=raw.json()["error"]["param"])


@pytest.mark.parametrize("unit", ["n", "字", "🗂"], ids=["1 byte", "3 bytes", "4 bytes"])
def test_a_name_has_at_most_255_characters(ada: Caller, unit: str) -> None:
    longest = unit * 255
    assert ada.create_file(b"abc", longest)["filename"] == longest
    assert_error(ada.post_form(Form(PURPOSE, file_part(b"abc", longest + "n"))), 400, anything("filename", "255", "256"), param="file")




def assert_too_large(answer: Answer) -> None:
    assert_error(answer, 413, anything(str(SMALL_LIMIT_BYTES)), param=answer.json()["error"]["param"], code="file_too_large")


def promise(caller: Caller, connection: Connection, length: int, *, key: bool = True) -> None:
    """The head of a large upload that waits for leave to send its body."""
    headers = [("Content-Type", Form().content_type), ("Content-Length", str(length)), ("Expect", "100-continue")]
    connection.send_head("POST", "/v1/files", [*(caller.authorization() if key else ()), *headers])


@pytest.mark.parametrize("length", [SMALL_LIMIT_BYTES * 64, 1 << 40, (1 << 63) - 1])
def test_a_body_that_says_it_is_too_large_is_never_asked_for(small_ada: Caller, length: int) -> None:
    with small_ada.connect() as connection:
        promise(small_ada, connection, length)
        answer = connection.read_answer()
        assert_too_large(answer)
        assert answer.interim == [], "100 Continue asked for a body that was going to be refused"


def test_a_stranger_is_not_asked_for_a_body(small_ada: Caller) -> None:
    with small_ada.connect() as connection:
        promise(small_ada, connection, 1000, key=False)
        answer = connection.read_answer()
        assert answer.status == 401 and answer.interim == []


def test_a_welcome_body_is_asked_for(small_ada: Caller) -> None:
    form = Form(PURPOSE, file_part(bytes(SMALL_LIMIT_BYTES)))
    with small_ada.connect() as connection:
        promise(small_ada, connection, len(form.body))
        assert connection.answered(within_seconds=10), "the server neither asked for the body nor refused it"
        connection.send(form.body)
        answer = connection.read_answer()
    assert (answer.interim, answer.status) == ([100], 200), answer
    assert answer.json()["bytes"] == SMALL_LIMIT_BYTES


@pytest.mark.parametrize("chunk_bytes", [None, 65536], ids=["content-length", "chunked"])
@pytest.mark.parametrize("purpose_first", [True, False], ids=["purpose first", "file first"])
def test_the_limit_is_exact(small_ada: Caller, chunk_bytes: int | None, purpose_first: bool) -> None:
    def form(size: int) -> Form:
        parts = [PURPOSE, file_part(bytes(size))]
        return Form(*(parts if purpose_first else parts[::-1]))

    stored = small_ada.post_form(form(SMALL_LIMIT_BYTES), chunk_bytes=chunk_bytes)
    assert stored.status == 200 and stored.json()["bytes"] == SMALL_LIMIT_BYTES, stored
    assert_too_large(small_ada.post_form(form(SMALL_LIMIT_BYTES + 1), chunk_bytes=chunk_bytes))


def test_an_endless_chunked_body_is_refused_while_it_streams(small_ada: Caller) -> None:
    form = GeneratedForm(1 << 40, before=[PURPOSE])
    with small_ada.connect() as connection:
        connection.send_head("POST", "/v1/files", [*small_ada.authorization(), ("Content-Type", form.content_type), ("Transfer-Encoding", "chunked")])
        sent = connection.send_until_answered(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in form.pieces())
        assert_too_large(connection.read_answer())
    assert sent < 256 * SMALL_LIMIT_BYTES
    assert not any(file["bytes"] > SMALL_LIMIT_BYTES for file in small_ada.list_files().json()["data"])


BATCH = text_part("purpose", "batch")
LARGE_BATCHES: dict[str, Callable[[int], GeneratedForm]] = {
    "purpose first": lambda size: GeneratedForm(size, before=[BATCH]),
    "file first": lambda size: GeneratedForm(size, after=[BATCH]),
}


@pytest.mark.parametrize(
    ("order", "excess", "chunk_bytes"), [("purpose first", MIB, None), ("file first", 1, MIB)], ids=["content-length, purpose first", "chunked, file first"]
)
def test_a_batch_file_over_200_mib_is_too_large(cara: Caller, order: str, excess: int, chunk_bytes: int | None) -> None:
    assert_error(cara.post_form(LARGE_BATCHES[order](BATCH_LIMIT_BYTES + excess), chunk_bytes=chunk_bytes), 400, "File is too large.")
    assert cara.file_ids() == []


def test_a_batch_file_of_200_mib_is_not_too_large(cara: Caller) -> None:
    answer = cara.post_form(LARGE_BATCHES["purpose first"](BATCH_LIMIT_BYTES))
    assert answer.status == 200, answer
    assert answer.json()["bytes"] == BATCH_LIMIT_BYTES
    assert cara.delete_file(answer.json()["id"]).status == 200




def test_each_answer_has_a_request_id_of_its_own_and_a_true_date(ada: Caller) -> None:
    answers = [ada.list_files(limit=1), ada.list_files(limit=0), ada.retrieve_file(NO_SUCH), ada.request("GET", "/v1/xyz")]
    assert len({answer.header("x-request-id") for answer in answers}) == len(answers)
    for answer in answers:
        assert abs(parsedate_to_datetime(answer.header("date")).timestamp() - time.time()) < 5


def test_errors_are_json_whatever_is_accepted(ada: Caller) -> None:
    for accept in ("application/binary", "text/plain", "image/png"):
        answer = ada.request("GET", f"/v1/files/{NO_SUCH}/content", [("Accept", accept)])
        assert_error(answer, 404, f"No such File object: {NO_SUCH}", param="id")


def test_a_connection_survives_refusals(ada: Caller) -> None:
    """What was refused after its body was read leaves the next request on the same connection alone."""
    with ada.connect() as connection:
        for _ in range(3):
            assert ada.post_form(Form(FILE, text_part("purpose", "poetry")), on=connection).status == 400
            assert ada.post_form(Form(PURPOSE, FILE), on=connection).status == 200
            assert connection.request("GET", f"/v1/files/{NO_SUCH}", ada.authorization()).status == 404
            assert connection.request("DELETE", f"/v1/files/{NO_SUCH}", [*ada.authorization(), ("Content-Type", "application/json")]).status == 404
