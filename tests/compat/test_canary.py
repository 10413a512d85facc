"""The canary: every operation of the API with marked keys, names and contents, and then a look at all that the server keeps.

A key stands nowhere at all, but for the answer that shows it and the echo of a path to whoever wrote it there. Content
stands in blobs and in `blobs.content`; a file's name in the rows of Files and Uploads and in answers that are given again.
No marker of any kind is in the log, which is as verbose as it can be, in the access log or in traces.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import sqlite3
import string
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from actors import Caller
from server import REPOSITORY, Venna
from wire import BOUNDARY, Answer, Connection, Form, file_part, part, text_part

ROUTE = re.compile(r'^ +(get|post|upload|delete)\(\s*(?:"(/v1/[^"]+)"|([A-Z_]+)),', re.MULTILINE)
PATH = re.compile(r'^const ([A-Z_]+): &str = "(/v1/[^"]+)";', re.MULTILINE)
LARGE_BYTES = 200_000
"""Too large for the database."""
PART_BYTES = 100_000
MAX_FILE_BYTES = 1024 * 1024
BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase

# Where each kind of marker may stand in the database, and stands.
COLUMNS = {
    "content": {"blobs.content"},
    "name": {"files.filename", "links.filename", "uploads.filename", "answers.answer"},
    "title": {"workspaces.name", "api_keys.name", "audit_log.details", "answers.key", "answers.answer", "ledger.note", "ledger.event_id", "audit_log.object_id"},
    "person": {"persons.subject", "persons.name", "persons.email", "api_keys.name", "answers.answer"},
    "stray": set(),
    "key": set(),
}


class Markers:
    """Random words, so that whatever holds one has it from here."""

    def __init__(self) -> None:
        self.words: dict[str, list[str]] = {kind: [] for kind in COLUMNS}

    def new(self, kind: str) -> str:
        word = "mark" + secrets.token_hex(12)
        self.words[kind].append(word)
        return word

    def kinds_in(self, data: bytes) -> list[str]:
        return [kind for kind, words in self.words.items() if any(word.encode() in data for word in words)]


class Walk:
    """Requests of one caller or another, which of them succeeded, and how many were answered."""

    def __init__(self, venna: Venna, key: str, admin_key: str, markers: Markers) -> None:
        self.venna, self.markers = venna, markers
        self.user, self.admin, self.nobody = Caller(venna, "", key), Caller(venna, "", admin_key), Caller(venna, "", None)
        self.asked: set[tuple[str, str]] = set()
        self.answered = 0

    def send(self, who: Caller, method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None, echoes: bool = False) -> Answer:
        """`body` is a form, bytes, or what is sent as JSON. Unless the request itself holds a key, no answer shows one."""
        fields = list((headers or {}).items())
        if isinstance(body, Form):
            fields, body = [("Content-Type", body.content_type), *fields], body.body
        elif body is not None and not isinstance(body, bytes):
            fields, body = [("Content-Type", "application/json"), *fields], json.dumps(body).encode()
        answer = who.request(method, path, fields, body)
        self.saw(method, path, answer, echoes)
        return answer

    def ask(self, who: Caller, method: str, path: str, body: object = None, **options: object) -> Answer:
        answer = self.send(who, method, path, body, **options)
        assert answer.status in (200, 206, 304), answer
        return answer

    def fail(self, who: Caller, method: str, path: str, body: object = None, **options: object) -> Answer:
        answer = self.send(who, method, path, body, **options)
        assert 400 <= answer.status < 502 and answer.status != 500, answer
        return answer

    def saw(self, method: str, path: str, answer: Answer, echoes: bool) -> None:
        self.answered += 1
        if answer.status < 400:
            self.asked.add((method, path.partition("?")[0]))
        told = str(answer.headers).encode() + answer.body
        shown = [secret for secret in self.venna.secrets if secret.encode() in told]
        assert echoes or not shown, f"{method} {path} shows a key: {answer}"

    def new_secret(self, who: Caller, path: str, body: dict, **options: object) -> dict:
        """The answer that shows a secret, once; that of a service account shows it within its key."""
        made = self.ask(who, "POST", path, body, **options).json()
        self.venna.keep_secret(made.get("api_key", made)["value"])
        return made


def a_key() -> str:
    """A well-formed key that opens nothing."""
    body = "vk_" + "".join(secrets.choice(BASE62) for _ in range(30))
    checksum, digits = zlib.crc32(body.encode()), ""
    for _ in range(6):
        checksum, digit = divmod(checksum, len(BASE62))
        digits = BASE62[digit] + digits
    return body + digits


def routes() -> set[tuple[str, str]]:
    """The table of routes, from its source."""
    source = (REPOSITORY / "src/http/routes.rs").read_text()
    named = dict(PATH.findall(source))
    table = {("POST" if method == "upload" else method.upper(), path or named[name]) for method, path, name in ROUTE.findall(source)}
    assert len(table) > 20, table
    return table


def use_files(walk: Walk) -> None:
    user, new = walk.user, walk.markers.new
    small, large = new("content").encode(), (new("content") * LARGE_BYTES).encode()[:LARGE_BYTES]
    upload = lambda content, **headers: walk.ask(  # noqa: E731
        user, "POST", "/v1/files", Form(text_part("purpose", "user_data"), file_part(content, new("name") + ".txt")), headers=headers
    ).json()["id"]
    kept = [upload(small), upload(large)]
    for id, content in zip(kept, (small, large)):
        walk.ask(user, "GET", f"/v1/files/{id}")
        assert walk.ask(user, "GET", f"/v1/files/{id}/content").body == content
        walk.ask(user, "GET", f"/v1/files/{id}/content", headers={"Range": "bytes=3-9"})
        etag = walk.ask(user, "HEAD", f"/v1/files/{id}/content").header("etag")
        assert walk.ask(user, "GET", f"/v1/files/{id}/content", headers={"If-None-Match": etag or ""}).status == 304
    walk.ask(user, "GET", f"/v1/files?limit=1&order=asc&purpose=user_data&after={kept[0]}")
    bad_lines = b'{"custom_id": "%b"}\n%b\n' % (new("content").encode(), new("content").encode())
    for purpose in ("batch", "fine-tune"):
        walk.ask(user, "POST", "/v1/files", Form(text_part("purpose", purpose), file_part(bad_lines, new("name") + ".jsonl")))
    form = Form(text_part("purpose", "vision"), file_part(new("content").encode(), new("name")))
    once = {"Idempotency-Key": new("title")}
    first = walk.ask(user, "POST", "/v1/files", form, headers=once)
    assert walk.ask(user, "POST", "/v1/files", form, headers=once).json() == first.json()
    other = Form(text_part("purpose", "vision"), file_part(new("content").encode(), new("name")))
    walk.fail(user, "POST", "/v1/files", other, headers=once)
    for content in (new("content").encode(), (new("content") * LARGE_BYTES).encode()[:LARGE_BYTES]):
        walk.ask(user, "DELETE", f"/v1/files/{upload(content)}")


def use_links(walk: Walk) -> None:
    user, new = walk.user, walk.markers.new
    content = new("content").encode()
    file = walk.ask(user, "POST", "/v1/files", Form(text_part("purpose", "user_data"), file_part(content, new("name")))).json()["id"]

    def open_link(method: str, url: str, body: bytes | None = None) -> Answer:
        signed = url.rpartition("/")[2]
        walk.venna.keep_secret(signed.rpartition(".")[2])
        return walk.send(walk.nobody, method, f"/links/{signed}", body)

    link = walk.ask(user, "POST", f"/v1/files/{file}/links", {"one_time": True}).json()
    assert open_link("GET", link["url"]).body == content
    assert open_link("GET", link["url"]).status == 403
    assert open_link("HEAD", walk.ask(user, "GET", f"/v1/files/{file}/url?expiry=1").json()["url"]).status == 200
    details = {"filename": new("name"), "purpose": "user_data", "max_bytes": LARGE_BYTES}
    upload = walk.ask(user, "POST", "/v1/upload_links", details).json()
    for sent in (content, content):
        assert open_link("PUT", upload["url"], sent).status == 200
    assert open_link("PUT", upload["url"], new("content").encode()).status == 403
    assert open_link("PUT", upload["url"], b"x" * (LARGE_BYTES + 1)).status == 413
    assert open_link("GET", upload["url"] + new("stray")).status == 403
    walk.ask(user, "GET", "/v1/links")
    walk.ask(user, "GET", f"/v1/files/{file}/links")
    walk.ask(user, "GET", f"/v1/links/{link['id']}")
    walk.ask(user, "POST", f"/v1/links/{link['id']}/revoke")
    walk.ask(user, "POST", "/v1/links/revoke", {"all": True})
    walk.fail(user, "POST", "/v1/upload_links", {"filename": new("stray"), "purpose": new("stray")})


def use_uploads(walk: Walk) -> None:
    user, new = walk.user, walk.markers.new

    def begin(size: int, **headers: str) -> str:
        details = {"bytes": size, "filename": new("name"), "mime_type": "text/plain", "purpose": "user_data"}
        return walk.ask(user, "POST", "/v1/uploads", details, headers=headers).json()["id"]

    def add(upload: str, content: bytes) -> str:
        return walk.ask(user, "POST", f"/v1/uploads/{upload}/parts", Form(file_part(content, new("stray"), name="data"))).json()["id"]

    contents = [(new("content") * PART_BYTES).encode()[:PART_BYTES] for _ in range(2)]
    upload = begin(2 * PART_BYTES, **{"Idempotency-Key": new("title")})
    parts = [add(upload, content) for content in contents]
    left_over = add(upload, new("content").encode())
    walk.ask(user, "GET", f"/v1/uploads/{upload}")
    walk.ask(user, "GET", f"/v1/uploads/{upload}/parts?limit=1&after={left_over}")
    once = {"Idempotency-Key": new("title")}
    completed = walk.ask(user, "POST", f"/v1/uploads/{upload}/complete", {"part_ids": parts}, headers=once).json()
    assert walk.ask(user, "GET", f"/v1/files/{completed['file']['id']}/content").body == b"".join(contents)
    walk.ask(user, "POST", f"/v1/uploads/{upload}/complete", {"part_ids": parts}, headers=once)
    cancelled = begin(5)
    add(cancelled, new("content").encode())
    walk.ask(user, "POST", f"/v1/uploads/{cancelled}/cancel")
    walk.fail(user, "POST", f"/v1/uploads/{cancelled}/parts", Form(file_part(new("content").encode(), new("stray"), name="data")))
    pending = begin(5)
    walk.fail(user, "POST", f"/v1/uploads/{pending}/complete", {"part_ids": [new("stray")]})
    walk.fail(user, "POST", f"/v1/uploads/{pending}/complete", {"part_ids": [add(pending, b"12345")], "md5": new("stray")})
    walk.fail(user, "POST", f"/v1/uploads/{pending}/parts", Form(text_part(new("stray"), new("stray"))))
    for details in ({"filename": new("stray")}, {new("stray"): 1}, {"bytes": new("stray"), "purpose": new("stray")}):
        walk.fail(user, "POST", "/v1/uploads", details)


def use_administration(walk: Walk) -> None:
    admin, user, new = walk.admin, walk.user, walk.markers.new
    walk.ask(admin, "GET", "/v1/organization/server")
    walk.ask(admin, "GET", "/v1/organization/server/configuration")
    for who in (admin, user):
        walk.ask(who, "GET", "/v1/organization/key")
        walk.ask(who, "GET", "/v1/models")
    project = walk.ask(admin, "POST", "/v1/organization/projects", {"name": new("title")}).json()["id"]
    path = f"/v1/organization/projects/{project}"
    walk.ask(admin, "GET", path)
    walk.ask(admin, "POST", path, {"name": new("title")})
    made = walk.new_secret(admin, f"{path}/api_keys", {"name": new("title"), "expires_in_seconds": 3600})
    rotated = walk.new_secret(admin, f"{path}/api_keys/{made['id']}/rotate", {"overlap_seconds": 60})
    for secret in (made["value"], rotated["value"]):
        walk.ask(Caller(walk.venna, "", secret), "GET", "/v1/files")
    walk.ask(admin, "GET", f"{path}/api_keys?limit=1")
    walk.ask(admin, "GET", f"{path}/api_keys/{made['id']}")
    for limits in (f"{path}/limits", f"{path}/api_keys/{made['id']}/limits"):
        walk.ask(admin, "POST", limits, {"requests_per_minute": 1_000_000})
        walk.ask(admin, "GET", limits)
        walk.fail(admin, "POST", limits, {new("stray"): 1, "requests_per_minute": new("stray")})
    for who in (admin, walk.user):
        walk.ask(who, "GET", "/v1/organization/usage/files?start_time=1700000000&limit=1")
        walk.ask(who, "GET", "/v1/organization/costs?start_time=1700000000&group_by[]=line_item")
        walk.ask(who, "GET", "/v1/organization/usage/ledger?limit=5")
    walk.fail(admin, "GET", f"/v1/organization/usage/files?start_time={new('stray')}")
    adjustment = {"project_id": project, "line_item": "files.egress", "quantity": -1, "reason": new("title")}
    walk.ask(admin, "POST", "/v1/organization/usage/adjustments", adjustment, headers={"Idempotency-Key": new("title")})
    for change in ({"reason": new("stray") + "\n"}, {"line_item": new("stray")}, {new("stray"): 1}, {"reverses": new("stray")}):
        walk.fail(admin, "POST", "/v1/organization/usage/adjustments", adjustment | change)
    walk.ask(admin, "POST", f"{path}/api_keys/{made['id']}", {"scopes": ["files.read"]})
    use_accounts(walk, path)
    use_people(walk, path)
    rate = walk.ask(admin, "GET", f"{path}/rate_limits").json()["data"][0]["id"]
    walk.ask(admin, "POST", f"{path}/rate_limits/{rate}", {"max_requests_per_1_minute": 1_000_000})
    walk.fail(admin, "POST", f"{path}/rate_limits/{new('stray')}", {"max_requests_per_1_minute": 1})
    walk.ask(admin, "POST", f"{path}/spend_limit", {"threshold_amount": 1_000_000, "currency": "USD", "interval": "month"})
    walk.ask(admin, "GET", f"{path}/spend_limit")
    walk.ask(admin, "DELETE", f"{path}/spend_limit")
    walk.ask(admin, "GET", f"{path}/default_expiries")
    walk.ask(admin, "POST", f"{path}/default_expiries/evals", {"expires_after": {"anchor": "created_at", "seconds": 3600}})
    walk.fail(admin, "POST", f"{path}/default_expiries/{new('stray')}", {"expires_after": None})
    walk.ask(admin, "DELETE", f"{path}/default_expiries/evals")
    walk.ask(admin, "DELETE", f"{path}/api_keys/{made['id']}")
    for secret in (made["value"], rotated["value"]):
        walk.fail(Caller(walk.venna, "", secret), "GET", "/v1/files")
    walk.ask(admin, "POST", f"{path}/archive")
    walk.ask(admin, "GET", "/v1/organization/projects?include_archived=true&limit=1")
    walk.ask(admin, "GET", f"/v1/organization/audit_logs?project_ids[]={project}&event_types[]=project.created")
    for query in (f"after={new('stray')}", f"limit={new('stray')}", f"effective_at[gt]={new('stray')}"):
        walk.fail(admin, "GET", f"/v1/organization/audit_logs?{query}")
    walk.fail(admin, "POST", "/v1/organization/projects", {"name": f" {new('stray')}"})
    walk.fail(admin, "POST", "/v1/organization/projects", {"name": "x", new("stray"): new("stray")})
    walk.fail(admin, "POST", f"{path}/api_keys", {"name": "x", "scopes": [new("stray")]})
    walk.fail(admin, "POST", f"/v1/organization/projects/{new('stray')}/api_keys/{new('stray')}/rotate", {})
    walk.fail(user, "GET", f"/v1/organization/projects/{new('stray')}")


def use_accounts(walk: Walk, project: str) -> None:
    """Keys by OpenAI's other names, made under a key of the client's too, so that an answer with a secret is kept."""
    admin, new = walk.admin, walk.markers.new
    once = {"Idempotency-Key": new("title")}
    asked = {"name": new("title")}
    account = walk.new_secret(admin, f"{project}/service_accounts", asked, headers=once)
    again = walk.ask(admin, "POST", f"{project}/service_accounts", asked, headers=once, echoes=True)
    assert again.json() == account, again
    one = f"{project}/service_accounts/{account['id']}"
    walk.ask(admin, "GET", f"{project}/service_accounts")
    walk.ask(admin, "GET", one)
    walk.ask(admin, "POST", one, {"name": new("title")})
    walk.ask(admin, "DELETE", one)
    made = walk.new_secret(admin, "/v1/organization/admin_api_keys", {"name": new("title")}, headers={"Idempotency-Key": new("title")})
    walk.ask(admin, "GET", "/v1/organization/admin_api_keys")
    walk.ask(admin, "GET", f"/v1/organization/admin_api_keys/{made['id']}")
    walk.ask(admin, "DELETE", f"/v1/organization/admin_api_keys/{made['id']}")
    walk.fail(Caller(walk.venna, "", made["value"]), "GET", "/v1/organization/projects")


def use_people(walk: Walk, project: str) -> None:
    """People as a provider would bring them: written into the database, since there is no provider."""
    admin, new = walk.admin, walk.markers.new
    people = ["user_0" + "".join(secrets.choice(BASE62) for _ in range(23)) for _ in range(2)]
    with closing(sqlite3.connect(walk.venna.data_dir / "venna.db", timeout=30)) as database, database:
        for id in people:
            row = (id, "https://sso.example", new("person"), new("person"), new("person"))
            database.execute("INSERT INTO persons VALUES (?, ?, ?, ?, ?, 0)", row)
    walk.ask(admin, "GET", "/v1/organization/users")
    for id in people:
        walk.ask(admin, "GET", f"/v1/organization/users/{id}")
        once = {"Idempotency-Key": new("title")}
        walk.ask(admin, "POST", f"{project}/users", {"user_id": id, "role": "writer"}, headers=once)
        walk.ask(admin, "GET", f"{project}/users")
        walk.ask(admin, "GET", f"{project}/users/{id}")
        walk.ask(admin, "POST", f"{project}/users/{id}", {"role": "reader"})
        walk.fail(admin, "POST", f"{project}/users/{id}", {"role": new("stray")})
    walk.ask(admin, "DELETE", f"{project}/users/{people[0]}")
    walk.ask(admin, "POST", f"/v1/organization/users/{people[0]}", {"role": "owner"}, headers={"Idempotency-Key": new("title")})
    walk.ask(admin, "DELETE", f"/v1/organization/users/{people[0]}")


def use_console(walk: Walk) -> None:
    """A session: neither its cookie nor its token may stand anywhere."""
    new, nobody = walk.markers.new, walk.nobody
    own = {"Sec-Fetch-Site": "same-origin"}
    for who in (walk.user, walk.admin):
        answer = walk.send(nobody, "POST", "/console/api/sign-in", {"key": who.key}, headers=own)
        assert answer.status == 200, answer
        cookie = (answer.header("set-cookie") or "").partition(";")[0]
        walk.venna.keep_secret(cookie.partition("=")[2])
        signed_in = own | {"Cookie": cookie, "X-CSRF-Token": walk.venna.keep_secret(answer.json()["session"]["csrf_token"])}
        for path in ("/console/api/session", "/console/api/sessions", "/console/api/v1/organization/key"):
            assert walk.send(nobody, "GET", path, headers=signed_in, echoes=True).status == 200
        walk.fail(nobody, "POST", "/console/api/v1/files", headers=own | {"Cookie": cookie})
        assert walk.send(nobody, "POST", "/console/api/sign-out", headers=signed_in).status == 204
        walk.fail(nobody, "GET", "/console/api/session", headers=signed_in)
    walk.fail(nobody, "POST", "/console/api/sign-in", {"key": new("stray")}, headers=own)
    walk.fail(nobody, "POST", "/console/api/sign-in", {"key": a_key()}, headers=own)
    walk.fail(nobody, "GET", "/console/api/session", headers={"Cookie": f"venna_session={new('stray')}"})
    walk.fail(nobody, "GET", f"/console/api/v1/files?project={new('stray')}")
    walk.fail(nobody, "GET", f"/console/sign-in/oidc?return_to={new('stray')}")
    walk.fail(nobody, "POST", "/console/oidc/back-channel-logout", b"logout_token=" + new("stray").encode())


def fail_in_every_way(walk: Walk) -> None:
    user, new = walk.user, walk.markers.new
    stray = lambda: new("stray").encode()  # noqa: E731
    purpose, file = text_part("purpose", "user_data"), file_part(b"x", "x")
    for form in (
        Form(purpose, text_part(new("stray"), stray()), file_part(stray(), new("stray"))),
        Form(text_part("purpose", new("stray")), file_part(stray(), new("stray"))),
        Form(text_part("purpose", new("stray")), file),
        Form(purpose, file_part(stray(), new("stray")), file_part(stray(), new("stray"))),
        Form(purpose, text_part("file", stray())),
        Form(purpose, part(b'Content-Disposition: form-data; name="file"; filename="' + stray(), content=stray())),
        Form(purpose, part(stray() + b": " + stray(), content=stray())),
        Form(purpose, part(b"\x00" + stray(), content=stray())),
        Form(purpose, file_part(stray(), new("stray")), closed=False),
        Form(purpose, text_part("expires_after[anchor]", new("stray")), file_part(stray(), new("stray"))),
        Form(purpose, text_part("expires_after[seconds]", new("stray")), text_part("expires_after[anchor]", "created_at"), file),
        Form(purpose, file_part((new("stray") * MAX_FILE_BYTES).encode()[: MAX_FILE_BYTES + 1], new("stray"))),
        Form(purpose, file_part(stray(), "a/" + "b" * 300 + new("stray") + "\x01")),
        Form(text_part("purpose", "batch"), file_part(stray(), new("stray") + ".txt")),
    ):
        answer = walk.send(user, "POST", "/v1/files", form)
        assert answer.status in (200, 400, 413), answer
        if answer.status == 200:
            kept = answer.json()
            walk.ask(user, "DELETE", f"/v1/files/{kept['id']}")
    for kind in (f"multipart/form-data; boundary={new('stray')}", f"text/{new('stray')}", f"multipart/form-data; {new('stray')}", "multipart/form-data"):
        walk.fail(user, "POST", "/v1/files", stray(), headers={"Content-Type": kind})
    for body in (stray(), b'{"%b": ' % stray(), b'["%b"]' % stray(), b'{"filename": "%b\xff"}' % stray(), b'"%b"' % stray()):
        walk.fail(user, "POST", "/v1/uploads", body, headers={"Content-Type": "application/json"})
        walk.fail(walk.admin, "POST", "/v1/organization/projects", body, headers={"Content-Type": "application/json"})
    for method, path in (
        ("GET", f"/v1/files/{new('stray')}"),
        ("GET", f"/v1/files/file-{secrets.token_hex(12)}{new('stray')}"),
        ("DELETE", f"/v1/files/{new('stray')}%00%0A"),
        ("GET", f"/v1/files/{new('stray')}/content"),
        ("GET", f"/v1/files/%FF{new('stray')}"),
        ("HEAD", f"/v1/files/{new('stray')}"),
        ("GET", f"/v1/files?after={new('stray')}"),
        ("GET", f"/v1/files?limit={new('stray')}"),
        ("GET", f"/v1/files?order={new('stray')}"),
        ("GET", f"/v1/uploads/{new('stray')}"),
        ("POST", f"/v1/uploads/{new('stray')}/complete"),
        ("POST", f"/v1/uploads/{new('stray')}/cancel"),
        ("GET", f"/v1/{new('stray')}"),
        ("GET", f"/v1/chat/{new('stray')}"),
        ("PUT", f"/v1/files/{new('stray')}"),
        ("PATCH", f"/{new('stray')}"),
        (new("stray").upper(), "/v1/files"),
        (new("stray"), f"/{new('stray')}"),
    ):
        walk.fail(user, method, path)
        walk.send(walk.nobody, method, path)
    for headers in ({"Idempotency-Key": "x" * 300 + new("stray")}, {"Idempotency-Key": f"\t{new('stray')}\xff"}):
        walk.send(user, "POST", "/v1/files", Form(purpose, file), headers=headers)
    walk.send(user, "GET", "/v1/files", headers={"User-Agent": new("stray"), "X-Request-Id": new("stray"), "Cookie": new("stray"), "X-Forwarded-For": new("stray")})


def misplace_keys(walk: Walk) -> None:
    """A key where none belongs: in the path, in the query, in a body, with another word before it."""
    user, key = walk.user, walk.user.key or ""
    for method, path in (
        ("GET", f"/v1/files/{key}"),
        ("GET", f"/v1/files/{key}/content"),
        ("DELETE", f"/v1/uploads/{key}"),
        ("GET", f"/v1/files?api_key={key}"),
        ("GET", f"/v1/files?after={key}"),
        ("GET", f"/{key}"),
        ("GET", f"/v1/{key}?key={key}"),
        (key, "/v1/files"),
        ("GET", f"/v1/organization/projects/{key}/api_keys/{key}"),
        ("GET", f"/v1/organization/audit_logs?after={key}"),
    ):
        for who in (user, walk.admin, walk.nobody):
            walk.send(who, method, path, echoes=True)
    for body in ({"api_key": key}, {"name": f" {key}"}, {key: key}):
        walk.fail(walk.admin, "POST", "/v1/organization/projects", body, echoes=True)
        walk.fail(user, "POST", "/v1/uploads", body, echoes=True)
    walk.fail(user, "POST", "/v1/files", Form(text_part(key, key), text_part("purpose", key), file_part(b"x", "x")), echoes=True)
    unknown, mistyped = walk.venna.keep_secret(a_key()), walk.venna.keep_secret(key[:-1] + ("0" if key[-1] != "0" else "1"))
    for authorization in (
        f"Bearer {unknown}", f"Bearer {mistyped}", f"Bearer {key}{key}", f"Basic {key}", f"Bearer  {key} x", key, f"Bearer {walk.markers.new('key')}",
        f"Bearer sk-{walk.markers.new('key')}", f"Bearer {key}\xff",
    ):
        walk.fail(walk.nobody, "GET", "/v1/files", headers={"Authorization": authorization})
    walk.fail(walk.nobody, "GET", "/v1/files", headers={"X-Api-Key": key, "Api-Key": key, "Cookie": f"key={key}"})


def break_off(walk: Walk) -> None:
    """Requests that end too early, in head and body, or are no HTTP at all."""
    user, new = walk.user, walk.markers.new
    form = Form(text_part("purpose", "user_data"), file_part((new("stray") * LARGE_BYTES).encode()[:LARGE_BYTES], new("stray")))
    head = [*user.authorization(), ("Content-Type", form.content_type), ("Content-Length", str(len(form.body)))]
    for sent in (0, 60, 200, 100_000, len(form.body) - 5):
        for reset in (False, True):
            connection = user.connect()
            connection.send_head("POST", "/v1/files", head)
            connection.send(form.body[:sent])
            time.sleep(0.05)
            connection.reset() if reset else connection.close()
    chunked = [*user.authorization(), ("Content-Type", f"multipart/form-data; boundary={BOUNDARY}"), ("Transfer-Encoding", "chunked")]
    key = user.key or ""
    for method, path, headers, body in (
        ("POST", "/v1/files", chunked, f"{new('stray')}\r\n".encode()),
        ("POST", "/v1/files", [*head, ("Content-Length", "1")], new("stray").encode()),
        ("POST", "/v1/files", [*chunked, ("Transfer-Encoding", new("stray"))], b""),
        ("GET", f"/v1/files/{new('stray')} {key}", user.authorization(), b""),
        ("GET", f"/{new('stray')}\x01{key}", user.authorization(), b""),
        ("GET", "/v1/files", [(f"Bad Name {new('stray')}", key)], b""),
        ("GET", "/" + key + new("stray") * 100_000, user.authorization(), b""),
        (f"{key} {new('stray')}\x00", "/", [], b""),
        ("GET", "/v1/files", [("X-Long", new("stray") * 100_000)], b""),
    ):
        with user.connect() as connection:
            try:
                connection.send_head(method, path, headers)
                connection.send(body)
                connection.finish_sending()
                connection.read_answer(method)
                walk.answered += 1
            except OSError:
                pass  # what is no HTTP may be answered by the end of the connection
    with user.connect() as connection:
        connection.send(f"\x16\x03\x01{key}{new('stray')}\r\n\r\n".encode())
        connection.finish_sending()


def ask_health(walk: Walk, admin_address: tuple[str, int]) -> None:
    key, stray = walk.user.key, walk.markers.new("stray")
    for connect in (walk.user.connect, lambda: Connection(admin_address)):
        for path in ("/healthz", "/readyz", "/metrics", f"/{stray}", f"/readyz?key={key}"):
            with connect() as connection:
                answer = connection.request("GET", path, walk.user.authorization())
                walk.saw("GET", path, answer, echoes=False)


def free_port() -> int:
    import socket

    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        return taken.getsockname()[1]


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a receiver of traces, and what it received."""
    received: list[bytes] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()


def test_no_secret_is_where_it_may_not_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with collector() as (endpoint, traces):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
        walk_and_look(tmp_path, traces)


def walk_and_look(tmp_path: Path, traces: list[bytes]) -> None:
    markers, key, port = Markers(), a_key(), free_port()
    key_file = tmp_path / "bootstrap-key"
    key_file.write_text(key + "\n")
    access_log = tmp_path / "access.log"
    venna = Venna(
        "--bootstrap-key-file", str(key_file), "--max-file-bytes", str(MAX_FILE_BYTES), "--max-failed-logins-per-minute", "0",
        "--access-log", "json", "--access-log-file", str(access_log),
        admin_listen=f"127.0.0.1:{port}",
    )
    with venna:
        venna.keep_secret(key)
        walk = Walk(venna, key, venna.create_admin_key("--name", markers.new("title")), markers)
        bootstrap = next(row["id"] for row in venna.list_keys() if row["name"] == "bootstrap")
        rotated = venna.rotate_key(bootstrap, "--overlap", "3600")
        use_files(walk)
        walk.ask(Caller(venna, "", rotated), "GET", "/v1/files")
        use_links(walk)
        use_uploads(walk)
        use_administration(walk)
        use_console(walk)
        fail_in_every_way(walk)
        misplace_keys(walk)
        break_off(walk)
        ask_health(walk, ("127.0.0.1", port))
        patterns = {(method, path): re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$") for method, path in routes()}
        unasked = [route for route, pattern in patterns.items() if not any(route[0] == method and pattern.match(path) for method, path in walk.asked)]
        assert not unasked, f"the canary knows nothing of {unasked}"
        for command in (("keys", "list"), ("workspaces", "list"), ("audit", "list")):
            check_command(venna, markers, venna.command(*command, "--json"))
        wait_for_the_sweeper(venna)
        venna.stop()
        check_log(venna, walk)
        check_access_log(venna, walk, access_log)
        check_traces(venna, walk, b"".join(traces))
        check_database(venna, markers, tmp_path)
        check_blobs(venna, markers)
    print(f"canary: {walk.answered} requests, {len(patterns)} routes, {len(venna.secrets)} keys, {sum(map(len, markers.words.values()))} markers")


def check_command(venna: Venna, markers: Markers, told: str) -> None:
    assert set(markers.kinds_in(told.encode())) == {"title"}, told
    assert not any(secret in told for secret in venna.secrets), told


def wait_for_the_sweeper(venna: Venna) -> None:
    """Deleted blobs go in the background."""
    deadline = time.monotonic() + 10
    with closing(sqlite3.connect(f"file:{venna.data_dir / 'venna.db'}?mode=ro", uri=True)) as rows:
        while rows.execute("SELECT count(*) FROM blobs WHERE state <> 'ready'").fetchone()[0]:
            assert time.monotonic() < deadline, "the sweeper leaves nothing behind"
            time.sleep(0.05)


def check_log(venna: Venna, walk: Walk) -> None:
    log = venna.log_file.read_bytes()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith(b"{")]
    answered = [line for line in lines if line.get("message") == "request finished"]
    assert len(answered) >= walk.answered * 0.9, f"{len(answered)} of {walk.answered} requests are in the log: it is not as verbose as it can be"
    leaking = [line.decode(errors="replace") for line in log.splitlines() if walk.markers.kinds_in(line)]
    assert not leaking, "\n".join(["the log holds markers:", *leaking[:20]])
    assert {line["route"] for line in answered} >= {"/v1/files", "/v1/files/{id}", "/v1/files/{id}/content", "/readyz", "none"}
    for secret in venna.secrets:
        assert hashlib.sha256(secret.encode()).hexdigest().encode() not in log


def check_access_log(venna: Venna, walk: Walk, access_log: Path) -> None:
    text = access_log.read_bytes()
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) >= walk.answered * 0.9, f"{len(lines)} of {walk.answered} requests are in the access log"
    assert not walk.markers.kinds_in(text), text.decode(errors="replace")
    assert {line["route"] for line in lines} >= {"/v1/files", "/v1/files/{id}", "/v1/files/{id}/content", "/readyz", "none"}
    assert {line["method"] for line in lines} >= {"GET", "HEAD", "POST", "DELETE", "other"}
    for secret in venna.secrets:
        for shown in (secret, hashlib.sha256(secret.encode()).hexdigest()):
            assert shown.encode() not in text


def check_traces(venna: Venna, walk: Walk, sent: bytes) -> None:
    assert sent.count(b"venna.request.id") >= walk.answered * 0.9, "requests are traced"
    assert not walk.markers.kinds_in(sent)
    for secret in venna.secrets:
        for shown in (secret, hashlib.sha256(secret.encode()).hexdigest()):
            assert shown.encode() not in sent


def check_database(venna: Venna, markers: Markers, tmp_path: Path) -> None:
    database, copy = venna.data_dir / "venna.db", tmp_path / "copy.db"
    found: dict[str, Counter[str]] = {kind: Counter() for kind in markers.words}
    with closing(sqlite3.connect(database)) as rows:
        assert rows.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        tables = [name for (name,) in rows.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")]
        for table in tables:
            for row in (cursor := rows.execute(f"SELECT * FROM {table}")):
                for (column, *_), value in zip(cursor.description, row):
                    data = value if isinstance(value, bytes) else str(value).encode()
                    for kind in markers.kinds_in(data):
                        found[kind][f"{table}.{column}"] += 1
                    assert not any(secret.encode() in data for secret in venna.secrets), f"a key is in {table}.{column}"
        rows.execute("VACUUM INTO ?", [str(copy)])
    assert {"files", "uploads", "blobs", "answers", "audit_log", "api_keys", "key_secrets"} <= set(tables)
    assert {kind: set(columns) for kind, columns in found.items()} == COLUMNS
    raw = copy.read_bytes()
    assert not any(secret.encode() in raw for secret in venna.secrets)
    assert not [kind for kind in markers.kinds_in(raw) if not COLUMNS[kind]], "rows, indexes and everything between them"


def check_blobs(venna: Venna, markers: Markers) -> None:
    files = [path for path in (venna.data_dir / "blobs").rglob("*") if path.is_file()]
    kinds = Counter(kind for path in files for kind in markers.kinds_in(path.read_bytes()))
    assert set(kinds) == {"content"} and kinds["content"] == 3, f"one file and two parts of another: {kinds}"
    for path in venna.data_dir.rglob("*"):
        assert not markers.kinds_in(os.fsencode(path.relative_to(venna.data_dir))), path
        if path.is_file() and path.name not in ("venna.db", "venna.db-wal") and path not in files:
            assert not markers.kinds_in(path.read_bytes()), path
