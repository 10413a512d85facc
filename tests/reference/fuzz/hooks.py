"""What the document cannot say, and which things the cases are about.

Ids of paths and bodies are taken by turns from what there is. What the run itself rests on, the two keys and the project of the
workspace key, is never among them: an operation that revokes, narrows or archives what it is given cannot end the run.
"""

from __future__ import annotations

import itertools
import json
import os
import random
from collections import defaultdict
from pathlib import Path

import schemathesis

KEPT = frozenset(os.environ["VENNA_FUZZ_KEPT"].split(","))
MOST_OF_A_KIND = 20
NEVER = {
    "project_id": "ws_00VbjUjhHGglY7j08O6M3Oj9",
    "api_key_id": "key_00VbjUjhHGglY7j08O6M3Oj9",
    "user_id": "user_00VbjUjhHGglY7j08O6M3Oj9",
}
LONGEST_OF_DAYS = 31
# Before the id of a person as a member, who may end as that and still be there.
MEMBER = "member "
LONGEST_KEY = 255
SHORTEST_LIFE_SECONDS = 86_400

_choice = random.Random(int(os.environ["VENNA_FUZZ_SEED"]))
_numbers = itertools.count(1)
_there: dict[str, list[str]] = defaultdict(list)
_owner: dict[str, str] = {}
_ended: set[str] = set()
_empty: set[str] = set()
# People come by a sign-in alone, so that these were there at the start.
_people = iter(Path(os.environ["VENNA_FUZZ_PEOPLE"]).read_text().split())


def there_is(kind: str, id: str, owner: str | None = None) -> None:
    if id not in KEPT and id not in _ended and id not in _there[kind]:
        _there[kind] = [*_there[kind][1 - MOST_OF_A_KIND :], id]
        if owner:
            _owner[id] = owner


def is_gone(kind: str, id: str) -> None:
    _ended.add(id)
    _there[kind] = [other for other in _there[kind] if other != id]


def some(kind: str) -> str | None:
    if kind == "user" and len(_there[kind]) < MOST_OF_A_KIND and (person := next(_people, None)):
        there_is(kind, person)
    return _choice.choice(_there[kind]) if _there[kind] else None


def kind_of(operation: str, name: str) -> str:
    """What a parameter of a path names."""
    of_names = {"api_key_id": "key", "service_account_id": "key", "key_id": "admin key", "project_id": "project"}
    if name == "user_id":
        return "member" if "/projects/" in operation else "user"
    return of_names.get(name) or next((kind for kind in ("upload", "link") if f"/{kind}s/{{" in operation), "file")


@schemathesis.hook
def filter_query(ctx, query) -> bool:  # noqa: ANN001
    """A query has texts only: null, a boolean and a number in a list are texts that an id may be, and a text in place of a list
    is a list of one text. An empty text in its place is none."""
    texts = (type(None), bool, int, float)
    lists = [value for name, value in (query or {}).items() if name.endswith("[]") and value != ""]
    return all(
        not any(isinstance(item, texts) for item in value) if isinstance(value, list) else not isinstance(value, (*texts, str))
        for value in lists
    )


@schemathesis.hook
def before_call(ctx, case, kwargs) -> None:  # noqa: ANN001
    name_what_there_is(case)
    if case.meta and case.meta.generation.mode.is_positive:
        say_what_no_schema_says(case)


def name_what_there_is(case) -> None:  # noqa: ANN001
    path = case.path_parameters or {}
    key, member = some("key"), some("member")
    for name in path:
        if name == "rate_limit_id":
            path[name] = _choice.choice(["rl-requests", "rl-uploads", path[name]])
            continue
        if name == "purpose":
            # A purpose is no id.
            continue
        if path[name] in KEPT or path[name] in _ended:
            path[name] = NEVER.get(name, "never")
        if _choice.random() < 0.7:
            kind = kind_of(case.operation.path, name)
            found = {"key": key, "member": member}.get(kind) or some(kind)
            if name == "project_id" and key and {"api_key_id", "service_account_id"} & set(path):
                found = _owner.get(key, found)
            if name == "project_id" and member and "user_id" in path:
                found = _owner.get(member, found)
            if kind == "member" and found:
                found = found.removeprefix(MEMBER)
            if case.operation.path.endswith("/complete") and _choice.random() < 0.5:
                # What needs no part can be completed.
                found = some("empty upload") or found
            path[name] = found or path[name]


def say_what_no_schema_says(case) -> None:  # noqa: ANN001
    body, query, headers = case.body, case.query or {}, case.headers or {}
    if len(headers.get("Idempotency-Key", "")) in range(1, LONGEST_KEY + 1):
        # Another request has another key.
        headers["Idempotency-Key"] = f"{headers['Idempotency-Key'][:200]}{next(_numbers)}"
    if isinstance(body, dict):
        if case.operation.path.startswith("/v1/organization/projects") and isinstance(body.get("name"), str):
            # Names of projects are unique.
            body["name"] = f"fuzz {next(_numbers)}"
        if isinstance(body.get("expires_in_seconds"), (int, float)):
            # A key whose time is over is changed no more.
            body["expires_in_seconds"] = max(body["expires_in_seconds"], SHORTEST_LIFE_SECONDS)
        if "user_id" in body and _choice.random() < 0.9:
            body["user_id"] = some("user") or body["user_id"]
        # What is reversed is an event of the ledger.
        body.pop("reverses", None)
        if body.get("purpose") == "batch" and "file" not in body:
            # Files of this purpose have names that end with .jsonl, and fewer bytes than others.
            body["purpose"] = "user_data"
        if case.operation.path == "/v1/uploads" and _choice.random() < 0.3:
            body["bytes"] = 0
        if case.operation.path == "/v1/links/revoke":
            # Either a key or all.
            key = body.get("api_key_id")
            case.body = body = {"api_key_id": key} if key and _choice.random() < 0.5 else {"all": True}
        if "part_ids" in body and (case.path_parameters or {}).get("id") in _empty:
            # Of the parts of an empty file there are none.
            case.body = {"part_ids": []}
    if "name_prefix" in query:
        # Without a purpose, and behind a File that is there.
        query.pop("purpose", None)
        query.pop("after", None)
    if "start_time" in query:
        # Pages are named by the answer before; a window has an end behind its start; days come 31 at a time.
        query.pop("page", None)
        if "end_time" in query:
            query["end_time"] = max(int(query["end_time"] or 0), int(query["start_time"]) + 1)
        if query.get("limit"):
            query["limit"] = min(int(query["limit"]), LONGEST_OF_DAYS)


@schemathesis.hook
def after_call(ctx, case, response) -> None:  # noqa: ANN001
    if response.status_code != 200 or not response.content.startswith(b"{"):
        return
    if b"\n" in response.content:
        # Lines of the ledger.
        return
    answer, path = json.loads(response.content), case.path_parameters or {}
    kind, id = answer.get("object"), str(answer.get("id"))
    if kind == "organization.project":
        there_is("project", id) if answer["status"] == "active" else archived(id)
    elif kind in ("organization.project.api_key", "organization.project.service_account"):
        there_is("key", id, path.get("project_id"))
    elif kind == "organization.admin_api_key":
        there_is("admin key", id)
    elif kind == "organization.project.user":
        there_is("member", MEMBER + id, path.get("project_id"))
    elif kind == "organization.project.user.deleted":
        is_gone("member", MEMBER + id)
    elif kind == "organization.user.deleted":
        is_gone("user", id)
        is_gone("member", MEMBER + id)
    elif kind == "file":
        is_gone("file", id) if answer.get("deleted") else there_is("file", id)
    elif kind == "file.link":
        there_is("link", id)
    elif kind == "upload":
        if answer["bytes"] == 0:
            _empty.add(id)
        for kind in ("upload", *["empty upload"] * (id in _empty)):
            there_is(kind, id) if answer["status"] == "pending" else is_gone(kind, id)
    elif answer.get("deleted"):
        is_gone("key", id)
        is_gone("admin key", id)


def archived(project: str) -> None:
    is_gone("project", project)
    for key in [key for key in _there["key"] if _owner.get(key) == project]:
        is_gone("key", key)


@schemathesis.check
class EveryOperationSucceeds:
    """A run in which an operation never succeeds has shown nothing of it."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.succeeded: set[str] = set()

    def after_response(self, ctx, response, case) -> None:  # noqa: ANN001
        self.asked.add(case.operation.label)
        if response.status_code == 200:
            self.succeeded.add(case.operation.label)

    def after_run(self, ctx) -> None:  # noqa: ANN001
        assert not self.asked - self.succeeded, f"never 200: {sorted(self.asked - self.succeeded)}"
