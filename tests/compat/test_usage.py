"""Usage and costs through the official openai-python, whose answers are parsed strictly, page by page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from actors import Caller
from conftest import arrive
from server import Venna

PRICES = """
[[prices]]
effective_from = "2020-01-01T00:00:00Z"
currency = "usd"
"files.ops.class_a" = { per = "requests", usd = "0.25" }
"files.ingress" = { per = "gibibytes", usd = "1" }
"""
DAY = 86_400


@pytest.fixture(scope="module")
def priced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Venna]:
    """A server that has prices."""
    file: Path = tmp_path_factory.mktemp("prices") / "venna.toml"
    file.write_text(PRICES)
    with Venna("--config", str(file)) as server:
        yield server


@pytest.fixture(scope="module")
def dora(priced: Venna) -> Caller:
    caller = arrive(priced, "dora")
    for size in (1000, 2000):
        caller.create_file(b"x" * size)
    return caller


@pytest.fixture(scope="module")
def admin(priced: Venna) -> Iterator[openai.OpenAI]:
    key = priced.create_admin_key()
    with openai.OpenAI(api_key="unused", admin_api_key=key, base_url=priced.base_url, _strict_response_validation=True) as client:
        yield client


@pytest.mark.filterwarnings("error")
def test_the_client_pages_through_a_hundred_buckets_of_costs(admin: openai.OpenAI, dora: Caller) -> None:
    start = int(time.time()) // DAY * DAY - 99 * DAY
    seen, page = [], None
    while True:
        answer = admin.admin.organization.usage.costs(start_time=start, limit=30, group_by=["line_item", "project_id"], **({"page": page} if page else {}))
        seen += answer.data
        if not answer.has_more:
            break
        page = answer.next_page
    assert [bucket.start_time for bucket in seen] == [start + number * DAY for number in range(100)]
    assert all(bucket.end_time == bucket.start_time + DAY for bucket in seen)
    assert all(not bucket.results for bucket in seen[:-2])
    results = {result.line_item: result for bucket in seen for result in bucket.results}
    created = results["files.ops.class_a"]
    assert (created.amount.value, created.amount.currency, created.quantity, created.quantity_unit) == (0.5, "usd", 2, "requests")
    assert results["files.ingress"].quantity == 3000
    assert created.project_id == dora.venna.list_workspaces()[-1]["id"]


def test_usage_by_the_hour_is_what_was_stored(admin: openai.OpenAI, dora: Caller) -> None:
    start = int(time.time()) // 3600 * 3600
    page = admin.get(
        "/organization/usage/files",
        cast_to=dict,
        options={"params": {"start_time": start - 3600, "bucket_width": "1h", "group_by[]": "project_id"}, "security": {"admin_api_key_auth": True}},
    )
    last = [result for bucket in page["data"] for result in bucket["results"]][-1]
    assert (last["end_bytes"], last["num_files"], last["object"]) == (3000, 2, "organization.usage.files.result")


def test_a_wrong_question_is_a_bad_request(admin: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        admin.admin.organization.usage.costs(start_time=0, limit=181)
    assert refused.value.param == "limit"
