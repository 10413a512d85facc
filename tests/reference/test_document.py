"""The OpenAPI document: valid for a validator that is not ours, and so are its examples for its schemas."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from conftest import HERE, document, get, operations, slug
from server import Venna

# Beside operations and guides.
OTHER_PAGES = 5


def test_the_document_is_valid(venna: Venna) -> None:
    OpenAPIV31SpecValidator(document(venna)).validate()


def test_a_broken_document_is_not(venna: Venna) -> None:
    broken = document(venna)
    del broken["paths"]["/v1/files/{id}"]["get"]["parameters"]
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


def test_what_is_served_is_what_stands_in_the_repository(venna: Venna) -> None:
    golden = json.loads((HERE.parents[1] / "docs" / "openapi.json").read_text())
    served = document(venna)
    assert served.pop("servers") == [{"url": venna.base_url.removesuffix("/v1")}]
    del golden["servers"]
    assert served == golden


def media_types(node: object, at: str = "") -> Iterator[tuple[str, dict]]:
    if isinstance(node, dict):
        if "schema" in node and ("example" in node or "examples" in node):
            yield at, node
        for name, child in node.items():
            yield from media_types(child, f"{at}/{name}")
    elif isinstance(node, list):
        for number, child in enumerate(node):
            yield from media_types(child, f"{at}/{number}")


def test_every_example_is_valid(venna: Venna) -> None:
    whole = document(venna)
    registry = Registry().with_resource("urn:venna", Resource.from_contents(whole, default_specification=DRAFT202012))
    checked = 0
    for at, media in media_types(whole):
        schema = json.loads(json.dumps(media["schema"]).replace('"#/', '"urn:venna#/'))
        validator = Draft202012Validator(schema, registry=registry)
        examples = [media["example"]] if "example" in media else [example["value"] for example in media["examples"].values()]
        for example in examples:
            errors = list(validator.iter_errors(example))
            assert not errors, f"{at}: {errors}"
            checked += 1
    assert checked > 100


def test_openais_names(venna: Venna) -> None:
    known = operations(venna)
    assert known["createFile"] == ("POST", "/v1/files") and known["downloadFile"] == ("GET", "/v1/files/{id}/content")
    names = "listFiles createFile retrieveFile deleteFile downloadFile createUpload addUploadPart completeUpload cancelUpload"
    assert set(names.split()) <= set(known)


@pytest.mark.parametrize("path", ["/llms.txt", "/llms-full.txt"])
def test_language_models_find_every_operation(venna: Venna, path: str) -> None:
    text = get(venna, path)
    missing = [name for name, (method, at) in operations(venna).items() if f"{method} {at}" not in text]
    assert not missing
    if path == "/llms.txt":
        links = [line.split("](")[1].split(")")[0] for line in text.splitlines() if line.startswith("- [")]
        guides = list((HERE.parents[1] / "docs" / "guides").glob("*.md"))
        assert len(links) == len(operations(venna)) + len(guides) + OTHER_PAGES
        for link in links:
            assert get(venna, link.removeprefix(venna.base_url.removesuffix("/v1"))).startswith("# ")


def test_every_page_has_a_twin(venna: Venna) -> None:
    for name, (method, path) in operations(venna).items():
        twin = get(venna, f"/docs/{slug(name)}.md")
        assert f"`{method} {path}`" in twin and "```typescript" in twin, name
    for guide in (HERE.parents[1] / "docs" / "guides").glob("*.md"):
        twin, text = get(venna, f"/docs/{guide.stem}.md"), guide.read_text()
        assert twin.splitlines()[0] == text.splitlines()[0], guide.name
        assert len(twin.splitlines()) == len(text.splitlines()), guide.name
    assert "  file: File | Blob;\n" in get(venna, "/docs/create-file.md")
    assert Path(HERE.parents[1] / "docs" / "errors.md").read_text() == get(venna, "/docs/errors.md")
