"""The administration through the official openai-python, which reads every answer strictly, and our extensions by raw HTTP.

A project is a workspace, and what its keys open. Whatever makes a client's model complain is a failure here.
"""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI

from actors import Caller, assert_error
from server import Venna

pytestmark = pytest.mark.filterwarnings("error")

PROJECT_ID = re.compile(r"^ws_[0-9A-Za-z]{24}$")
KEY_ID = re.compile(r"^key_[0-9A-Za-z]{24}$")
SECRET = re.compile(r"^vk_[0-9A-Za-z]{36}$")
DEFAULT_SCOPES = ["files.read", "files.write", "uploads.write", "usage.read"]
NOBODYS_PROJECT = "ws_00VbjUjhHGglY7j08O6M3Oj9"
NOBODYS_KEY = "key_00VbjUjhHGglY7j08O6M3Oj9"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def house() -> Iterator[Venna]:
    """A server of its own, so that a list of everything is known."""
    with Venna() as server:
        yield server


@pytest.fixture(scope="module")
def root(house: Venna) -> Caller:
    """Someone with an admin key."""
    return Caller(house, "", house.create_admin_key("--name", "root"))


@pytest.fixture
def client(house: Venna, root: Caller) -> Iterator[OpenAI]:
    with strict(house, root.key, house.first_key()) as client:
        yield client


def strict(house: Venna, admin_key: str | None, key: str) -> OpenAI:
    return OpenAI(api_key=key, admin_api_key=admin_key, base_url=house.base_url, max_retries=0, _strict_response_validation=True)


def new_name() -> str:
    return f"project {next(_numbers)}"


def create_key(root: Caller, project: str, **fields: object) -> dict:
    """The extension: OpenAI's own API has no call that makes a key of a project."""
    answer = root.post_json(f"/v1/organization/projects/{project}/api_keys", {"name": "key", **fields})
    assert answer.status == 200, answer
    return with_secret(root, answer.json())


def rotate_key(root: Caller, project: str, key: str, **fields: object) -> dict:
    """The other extension that shows a secret."""
    answer = root.post_json(f"/v1/organization/projects/{project}/api_keys/{key}/rotate", fields)
    assert answer.status == 200, answer
    return with_secret(root, answer.json())


def with_secret(root: Caller, key: dict) -> dict:
    root.venna.keep_secret(key["value"])
    return key


def holder(root: Caller, key: str) -> Caller:
    return Caller(root.venna, "", key)


# Projects -----------------------------------------------------------------------------------------------------------


def test_a_project_is_made_read_renamed_and_archived(client: OpenAI, house: Venna) -> None:
    projects, name, before = client.admin.organization.projects, new_name(), int(time.time())
    made = projects.create(name=name)
    assert PROJECT_ID.match(made.id)
    assert (made.object, made.name, made.status, made.archived_at) == ("organization.project", name, "active", None)
    assert before - 1 <= made.created_at <= time.time() + 1
    assert projects.retrieve(made.id) == made
    assert made in list(projects.list())

    other = new_name()
    renamed = projects.update(made.id, name=other)
    assert renamed == made.model_copy(update={"name": other})
    assert projects.retrieve(made.id) == renamed
    listed = {row["id"]: row["name"] for row in house.list_workspaces()}
    assert listed[made.id] == other, "the command line sees the same"

    archived = projects.archive(made.id)
    assert archived.status == "archived" and archived.archived_at is not None and archived.archived_at >= made.created_at
    assert projects.archive(made.id) == archived, "it is archived once"
    assert archived not in list(projects.list())
    assert archived in list(projects.list(include_archived=True))


def test_projects_come_in_pages(client: OpenAI) -> None:
    projects = client.admin.organization.projects
    made = [projects.create(name=new_name()).id for _ in range(5)]
    projects.archive(made[2])
    page = projects.list(limit=2)
    assert len(page.data) == 2 and page.has_more and page.last_id == page.data[-1].id
    walked = [project.id for project in projects.list(limit=2)]
    assert len(walked) == len(set(walked)) and len(list(projects.list(limit=2).iter_pages())) > 1
    assert [id for id in walked if id in made] == sorted(made[:2] + made[3:]) and walked == sorted(walked)
    everything = [project.id for project in projects.list(limit=2, include_archived=True)]
    assert everything == sorted(everything) and set(made) <= set(everything)
    assert [project.id for project in projects.list(after=walked[-2])] == walked[-1:]


async def test_the_async_client_reads_the_same(client: OpenAI, house: Venna, root: Caller) -> None:
    async with root.async_openai(api_key="unused", admin_api_key=root.key, _strict_response_validation=True) as other:
        walked = [project async for project in other.admin.organization.projects.list(limit=1, include_archived=True)]
    assert walked == list(client.admin.organization.projects.list(include_archived=True))


def test_what_a_project_may_not_be(client: OpenAI) -> None:
    projects = client.admin.organization.projects
    taken, other = projects.create(name=new_name()), projects.create(name=new_name())
    for attempt in (lambda: projects.create(name=taken.name), lambda: projects.update(other.id, name=taken.name)):
        with pytest.raises(openai.BadRequestError, match="There is a project of this name") as refused:
            attempt()
        assert refused.value.param == "name"
    for name in ["", " padded ", "x" * 65, other.id]:
        with pytest.raises(openai.BadRequestError) as refused:
            projects.create(name=name)
        assert refused.value.param == "name"
    default = next(project for project in projects.list() if project.name == "default")
    for attempt in (lambda: projects.archive(default.id), lambda: projects.update(default.id, name=new_name())):
        with pytest.raises(openai.BadRequestError) as refused:
            attempt()
        assert refused.value.param == "project_id"
    assert projects.retrieve(other.id) == other


@pytest.mark.parametrize("id", [NOBODYS_PROJECT, "proj_abc"])
def test_an_unknown_project_is_not_found(client: OpenAI, id: str) -> None:
    projects = client.admin.organization.projects
    for attempt in (
        lambda: projects.retrieve(id),
        lambda: projects.update(id, name=new_name()),
        lambda: projects.archive(id),
        lambda: projects.api_keys.list(id),
        lambda: projects.api_keys.retrieve(NOBODYS_KEY, project_id=id),
        lambda: projects.api_keys.delete(NOBODYS_KEY, project_id=id),
    ):
        with pytest.raises(openai.NotFoundError, match=f"No such project: {id}") as refused:
            attempt()
        assert refused.value.param == "project_id"


@pytest.mark.parametrize("limit", [0, 101, -1])
def test_a_limit_out_of_bounds_is_refused(client: OpenAI, limit: int) -> None:
    organization = client.admin.organization
    project = next(iter(organization.projects.list())).id
    for attempt in (
        lambda: organization.projects.list(limit=limit),
        lambda: organization.projects.api_keys.list(project, limit=limit),
        lambda: organization.audit_logs.list(limit=limit),
    ):
        with pytest.raises(openai.BadRequestError) as refused:
            attempt()
        assert refused.value.param == "limit"


# Keys ---------------------------------------------------------------------------------------------------------------


def test_keys_of_a_project_are_listed_read_and_deleted(client: OpenAI, root: Caller) -> None:
    organization = client.admin.organization
    project = organization.projects.create(name=new_name()).id
    made = [create_key(root, project, name=f"key {number}") for number in range(3)]
    keys = list(organization.projects.api_keys.list(project, limit=1))
    assert [key.id for key in keys] == sorted(key["id"] for key in made)
    for shown in made:
        key = organization.projects.api_keys.retrieve(shown["id"], project_id=project)
        assert key in keys and key.to_dict(exclude_none=False, mode="json") == {name: value for name, value in shown.items() if name != "value"}
        assert key.owner.type == "service_account" and key.owner.service_account and key.owner.service_account.id == key.id
        assert (key.object, key.owner_project_access, key.last_used_at, key.expires_at) == ("organization.project.api_key", "active", None, None)
        assert key.redacted_value.startswith(shown["value"][:7]) and shown["value"] not in key.to_json()

    caller = holder(root, made[0]["value"])
    assert caller.list_files().status == 200
    deleted = organization.projects.api_keys.delete(made[0]["id"], project_id=project)
    assert (deleted.id, deleted.deleted, deleted.object) == (made[0]["id"], True, "organization.project.api_key.deleted")
    assert caller.list_files().status == 401, "on the very next request"
    with pytest.raises(openai.NotFoundError) as refused:
        organization.projects.api_keys.retrieve(made[0]["id"], project_id=project)
    assert refused.value.param == "api_key_id"
    assert [key.id for key in organization.projects.api_keys.list(project)] == sorted(key["id"] for key in made[1:])
    assert holder(root, made[1]["value"]).list_files().status == 200


def test_a_key_is_looked_for_in_its_own_project(client: OpenAI, root: Caller) -> None:
    projects = client.admin.organization.projects
    ours, theirs = projects.create(name=new_name()).id, projects.create(name=new_name()).id
    key = create_key(root, theirs)
    for id in (key["id"], NOBODYS_KEY, "key"):
        for attempt in (lambda: projects.api_keys.retrieve(id, project_id=ours), lambda: projects.api_keys.delete(id, project_id=ours)):
            with pytest.raises(openai.NotFoundError, match=f"No such API key: {id}") as refused:
                attempt()
            assert refused.value.param == "api_key_id"
    assert holder(root, key["value"]).list_files().status == 200


def test_the_keys_of_an_archived_project_open_nothing(client: OpenAI, root: Caller) -> None:
    projects = client.admin.organization.projects
    project = projects.create(name=new_name()).id
    caller = holder(root, create_key(root, project)["value"])
    assert caller.list_files().status == 200
    projects.archive(project)
    assert_error(caller.list_files(), 401, re.compile("archived"), code="invalid_api_key")
    refused = root.post_json(f"/v1/organization/projects/{project}/api_keys", {"name": "late"})
    assert_error(refused, 400, f"Project {project} is archived.", param="project_id")


def test_only_an_admin_key_opens_the_administration(client: OpenAI, house: Venna, root: Caller) -> None:
    with strict(house, house.first_key(), house.first_key()) as other:
        for attempt in (
            lambda: other.admin.organization.projects.list(),
            lambda: other.admin.organization.projects.create(name=new_name()),
            lambda: other.admin.organization.audit_logs.list(),
        ):
            with pytest.raises(openai.PermissionDeniedError, match="vka_") as refused:
                attempt()
            assert refused.value.code == "insufficient_permissions"
    with strict(house, "vka_wrong", house.first_key()) as other, pytest.raises(openai.AuthenticationError):
        other.admin.organization.projects.list()
    assert_error(root.list_files(), 403, re.compile("vk_"), code="insufficient_permissions")
    assert client.files.list().data == [], "one client holds both keys"


def test_a_key_gets_another_end_and_other_scopes(client: OpenAI, root: Caller) -> None:
    projects = client.admin.organization.projects
    project = projects.create(name=new_name()).id
    made = create_key(root, project)
    changed = projects.api_keys.update(made["id"], project_id=project, scopes=["api.all.read"], expires_in_seconds=3600)
    assert changed.expires_at and abs(changed.expires_at - time.time() - 3600) < 60
    assert changed.to_dict()["scopes"] == ["files.read", "usage.read"]
    assert projects.api_keys.update(made["id"], project_id=project) == changed, "nothing changes"
    with holder(root, made["value"]).openai(max_retries=0) as worker, pytest.raises(openai.PermissionDeniedError):
        worker.files.create(file=b"a", purpose="user_data")
    # When it was used is noted after the answer.
    listed = [key.to_dict() | {"last_used_at": None} for key in projects.api_keys.list(project, owner_project_access="active")]
    assert listed == [changed.to_dict()]
    assert list(projects.api_keys.list(project, owner_project_access="inactive")) == []


def test_a_service_account_makes_a_key(client: OpenAI, root: Caller) -> None:
    projects = client.admin.organization.projects
    project = projects.create(name=new_name(), geography="EU", external_key_id="key-1", residency="EU_STORAGE_PROCESSING").id
    assert (projects.retrieve(project).residency, projects.retrieve(project).external_key_id) == (None, None)
    accounts = projects.service_accounts
    made = accounts.create(project, name="ci", expires_in_seconds=3600)
    assert made.api_key and KEY_ID.match(made.id) and made.api_key.id == made.id
    value = root.venna.keep_secret(made.api_key.value)
    with holder(root, value).openai(max_retries=0) as ci:
        assert ci.files.create(file=b"a", purpose="user_data").id
    account = accounts.retrieve(made.id, project_id=project)
    assert (account.name, account.role, account.object) == ("ci", "member", "organization.project.service_account")
    assert list(accounts.list(project, limit=1)) == [account]
    assert accounts.update(made.id, project_id=project, name="cd", role="member").name == "cd"
    assert accounts.delete(made.id, project_id=project).deleted
    assert list(accounts.list(project)) == []
    assert holder(root, value).list_files().status == 401


def test_an_admin_key_makes_another(client: OpenAI, house: Venna, root: Caller) -> None:
    keys, name = client.admin.organization.admin_api_keys, new_name()
    made = keys.create(name=name, expires_in_seconds=3600)
    value = house.keep_secret(made.value)
    assert KEY_ID.match(made.id) and value.startswith("vka_") and made.owner.role == "owner"
    listed = list(keys.list(limit=1, order="desc"))
    assert listed[0].id == made.id and [key.id for key in keys.list(limit=1)] == [key.id for key in reversed(listed)]
    assert keys.retrieve(made.id) == listed[0] and "value" not in listed[0].to_dict()
    with strict(house, value, house.first_key()) as other:
        assert other.admin.organization.admin_api_keys.delete(made.id).deleted, "its own"
        with pytest.raises(openai.AuthenticationError):
            other.admin.organization.projects.list()


def test_limits_have_openais_names(client: OpenAI, root: Caller) -> None:
    projects = client.admin.organization.projects
    project = projects.create(name=new_name()).id
    assert [limit.id for limit in projects.rate_limits.list_rate_limits(project)] == ["rl-requests", "rl-uploads"]
    changed = projects.rate_limits.update_rate_limit("rl-uploads", project_id=project, max_requests_per_1_minute=30)
    assert changed in list(projects.rate_limits.list_rate_limits(project)) and changed.max_requests_per_1_minute == 30
    with pytest.raises(openai.NotFoundError):
        projects.spend_limit.retrieve(project)
    limit = projects.spend_limit.update(project, threshold_amount=500, currency="USD", interval="month")
    assert limit == projects.spend_limit.retrieve(project) and limit.enforcement.status == "inactive"
    shown = root.request("GET", f"/v1/organization/projects/{project}/limits").json()
    assert (shown["uploads_per_minute"], shown["monthly_spend_cents"]) == (30, 500)
    assert projects.spend_limit.delete(project).deleted


def test_a_repeated_post_has_one_effect(client: OpenAI, root: Caller) -> None:
    projects, once = client.admin.organization.projects, {"Idempotency-Key": new_name()}
    name = new_name()
    made = projects.create(name=name, extra_headers=once)
    assert projects.create(name=name, extra_headers=once) == made
    accounts = [projects.service_accounts.create(made.id, name="ci", extra_headers=once | {"Idempotency-Key": name}) for _ in range(2)]
    assert accounts[0] == accounts[1] and accounts[0].api_key
    root.venna.keep_secret(accounts[0].api_key.value)
    assert len(list(projects.service_accounts.list(made.id))) == 1
    with pytest.raises(openai.BadRequestError) as refused:
        projects.create(name=new_name(), extra_headers=once)
    assert refused.value.code == "idempotency_key_reused"


# The audit log ------------------------------------------------------------------------------------------------------


def test_the_audit_log_says_who_did_what(client: OpenAI, house: Venna, root: Caller) -> None:
    organization, name, other = client.admin.organization, new_name(), new_name()
    begun = int(time.time())
    project = organization.projects.create(name=name).id
    key = create_key(root, project, scopes=["files.read", "files.write"])
    caller = holder(root, key["value"])
    file = caller.create_file(b"to be deleted")
    caller.delete_file(file["id"])
    organization.projects.update(project, name=other)
    rotate_key(root, project, key["id"], overlap_seconds=60)
    organization.projects.api_keys.delete(key["id"], project_id=project)
    organization.projects.archive(project)

    entries = list(organization.audit_logs.list(project_ids=[project]))
    expected = ["project.archived", "api_key.deleted", "api_key.updated", "project.updated", "resource.deleted", "api_key.created", "project.created"]
    assert [entry.type for entry in entries] == expected
    archived, deleted, rotated, renamed, removed, issued, made = entries
    admin = next(row["id"] for row in house.list_keys() if row["name"] == "root")
    for entry in entries:
        assert entry.project and entry.project.id == project
        assert entry.actor and entry.actor.type == "api_key" and entry.actor.api_key and entry.actor.api_key.type == "service_account"
        assert entry.actor.api_key.id == (key["id"] if entry is removed else admin)
        assert begun - 1 <= entry.effective_at <= time.time() + 1
        assert entry.to_dict()["ip_address"] == "127.0.0.1" and str(entry.to_dict()["request_id"]).startswith("req_")
    assert made.project_created and made.project_created.id == project and made.project_created.data
    assert (made.project_created.data.name, made.project_created.data.title) == (name, name)
    assert issued.api_key_created and issued.api_key_created.id == key["id"] and issued.api_key_created.data
    assert issued.api_key_created.data.scopes == ["files.read", "files.write"]
    assert removed.to_dict()["resource.deleted"] == {"id": file["id"]}
    assert renamed.project_updated and renamed.project_updated.id == project and renamed.project_updated.changes_requested
    assert renamed.project_updated.changes_requested.title == other
    assert rotated.api_key_updated and rotated.api_key_updated.id == key["id"]
    assert deleted.api_key_deleted and deleted.api_key_deleted.id == key["id"]
    assert archived.project_archived and archived.project_archived.id == project
    assert key["value"] not in "".join(entry.to_json() for entry in entries)


def test_the_audit_log_is_filtered(client: OpenAI, root: Caller) -> None:
    organization = client.admin.organization
    first, second = (organization.projects.create(name=new_name()).id for _ in range(2))
    key = create_key(root, first)["id"]
    logs = organization.audit_logs

    def of(**filters: object) -> list[tuple[str, str | None]]:
        return [(entry.type, entry.project.id if entry.project else None) for entry in logs.list(**{"project_ids": [first, second]} | filters)]

    assert of() == [("api_key.created", first), ("project.created", second), ("project.created", first)]
    assert of(event_types=["project.created"]) == [("project.created", second), ("project.created", first)]
    assert of(event_types=["api_key.created", "project.archived"]) == [("api_key.created", first)]
    assert of(actor_emails=["ada@example.com"]) == [], "nobody here has an address"
    bad = [("event_types", "group.created"), ("actor_ids", "user-1"), ("project_ids", "proj_1"), ("actor_emails", "ada")]
    for filter, value in bad:
        with pytest.raises(openai.BadRequestError, match=value) as refused:
            of(**{filter: [value]})
        assert refused.value.param == f"{filter}[]"
    assert of(project_ids=[second]) == of(resource_ids=[second]) == [("project.created", second)]
    assert of(resource_ids=[key, second]) == [("api_key.created", first), ("project.created", second)]
    newest = logs.list(limit=1).data[0].effective_at
    assert of(effective_at={"gt": newest}) == of(effective_at={"lt": newest - 60}) == []
    assert len(of(effective_at={"gte": newest - 60, "lte": newest})) == 3
    assert all(entry.actor and entry.actor.type == "session" for entry in logs.list(actor_ids=["command_line"]))
    for filters in ({"effective_at": {"gt": "now"}}, {"after": "nothing"}):
        with pytest.raises(openai.BadRequestError):
            logs.list(**filters)


def test_the_audit_log_comes_in_pages(client: OpenAI, root: Caller) -> None:
    logs = client.admin.organization.audit_logs
    project = client.admin.organization.projects.create(name=new_name()).id
    keys = [create_key(root, project)["id"] for _ in range(6)]
    pages = [page.data for page in logs.list(project_ids=[project], limit=3).iter_pages()]
    assert [len(page) for page in pages] == [3, 3, 1]
    walked = [entry for page in pages for entry in page]
    assert [entry.api_key_created.id for entry in walked if entry.api_key_created] == keys[::-1]
    assert [entry.id for entry in walked] == sorted((entry.id for entry in walked), reverse=True)
    newer = logs.list(project_ids=[project], limit=2, before=walked[4].id).data
    assert newer == walked[2:4], "the ones right before it, newest first"


# Extensions ---------------------------------------------------------------------------------------------------------


def test_a_key_is_made_with_what_it_may_and_for_how_long(client: OpenAI, root: Caller) -> None:
    project = client.admin.organization.projects.create(name=new_name()).id
    made = create_key(root, project, name="brief reader", scopes=["files.read"], expires_in_seconds=3600)
    assert KEY_ID.match(made["id"]) and SECRET.match(made["value"])
    assert (made["name"], made["scopes"], made["expires_at"]) == ("brief reader", ["files.read"], made["created_at"] + 3600)
    assert create_key(root, project)["scopes"] == DEFAULT_SCOPES
    path = f"/v1/organization/projects/{project}/api_keys"
    listed = root.request("GET", path)
    assert made["value"].encode() not in listed.body and all("value" not in key for key in listed.json()["data"]), "it is shown once"
    reader = holder(root, made["value"])
    assert reader.list_files().status == 200
    refused = reader.delete_file("file-000000000000000000000000")
    assert_error(refused, 403, re.compile("files.write"), code="insufficient_permissions")
    for fields, param in (
        ({"scopes": ["files.read", "everything"]}, "scopes"),
        ({"scopes": "files.read"}, "scopes"),
        ({"expires_in_seconds": 0}, "expires_in_seconds"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
    ):
        answer = root.post_json(path, {"name": "key"} | fields)
        assert answer.status == 400 and answer.json()["error"]["param"] == param, (fields, answer)
    assert root.post_json(path, {"name": "key", "owner": "me"}).status == 400
    assert len(root.request("GET", path).json()["data"]) == 2


def test_a_key_is_rotated_and_the_old_secret_goes_on_for_a_while(client: OpenAI, root: Caller) -> None:
    project = client.admin.organization.projects.create(name=new_name()).id
    made = create_key(root, project)
    path = f"/v1/organization/projects/{project}/api_keys/{made['id']}/rotate"
    rotated = rotate_key(root, project, made["id"], overlap_seconds=3600)
    assert rotated["id"] == made["id"] and SECRET.match(rotated["value"]) and rotated["value"] != made["value"]
    old, new = holder(root, made["value"]), holder(root, rotated["value"])
    assert old.list_files().status == new.list_files().status == 200
    newest = rotate_key(root, project, made["id"], overlap_seconds=0)["value"]
    for caller in (old, new):
        assert_error(caller.list_files(), 401, re.compile("replaced"), code="invalid_api_key")
    assert holder(root, newest).list_files().status == 200
    usual = root.request("POST", path)
    assert usual.status == 200 and SECRET.match(with_secret(root, usual.json())["value"]), "without a body the overlap is the usual one"
    assert root.post_json(path, {"overlap_seconds": -1}).status == 400
    client.admin.organization.projects.api_keys.delete(made["id"], project_id=project)
    assert root.post_json(path, {}).status == 404


def test_a_key_asks_who_it_is(client: OpenAI, house: Venna, root: Caller) -> None:
    name = new_name()
    project = client.admin.organization.projects.create(name=name)
    made = create_key(root, project.id, name="curious", scopes=["files.read"], expires_in_seconds=3600)
    own = holder(root, made["value"]).request("GET", "/v1/organization/key").json()
    assert (own["object"], own["type"], own["name"], own["scopes"]) == ("organization.key", "workspace", "curious", ["files.read"])
    assert {field: own[field] for field in ("id", "created_at", "expires_at", "redacted_value")} == {
        field: made[field] for field in ("id", "created_at", "expires_at", "redacted_value")
    }
    assert own["project"] == project.to_dict(exclude_none=False, exclude_unset=True, mode="json")
    admin = root.request("GET", "/v1/organization/key").json()
    assert (admin["type"], admin["name"], admin["scopes"], admin["project"], admin["expires_at"]) == ("admin", "root", [], None, None)
    assert root.key is not None and root.key not in str(admin) and admin["redacted_value"].startswith("vka_")
    assert_error(holder(root, "vk_wrong").request("GET", "/v1/organization/key"), 401, re.compile("Incorrect"), code="invalid_api_key")
