"""Clients made from the document by generators of the field, and the served types, compiled and used against the server."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from conftest import HERE, NODE, NODE_MODULES, get, origin, run
from server import Venna

TSC = NODE_MODULES / "typescript/bin/tsc"
STRICT = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--target", "es2022", "--module", "nodenext", "--typeRoots", "none", "--lib", "es2023,dom"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    return tmp_path


def node_program(folder: Path, name: str, venna: Venna) -> str:
    (folder / name).write_text((HERE / name).read_text())
    run(NODE, TSC, *STRICT, "--noEmit", name, cwd=folder)
    env = {"ORIGIN": origin(venna), "VENNA_API_KEY": venna.first_key()}
    return run(NODE, "--disable-warning=ExperimentalWarning", name, cwd=folder, env=env)


def test_openapi_typescript_and_fetch(venna: Venna, folder: Path) -> None:
    (folder / "openapi.json").write_text(get(venna, "/openapi.json"))
    (folder / "generate.mjs").write_text((HERE / "generate.mjs").read_text())
    run(NODE, "generate.mjs", "openapi.json", "api.d.ts", cwd=folder)
    assert node_program(folder, "openapi_fetch.mts", venna) == "uploaded, listed, retrieved, read, refused, deleted\n"


def test_the_served_types_are_strict_and_those_of_real_answers(venna: Venna, folder: Path) -> None:
    (folder / "types.d.ts").write_text(get(venna, "/docs/types.d.ts"))
    assert node_program(folder, "types.mts", venna) == "uploaded, listed, refused, deleted\n"


def test_a_program_that_misuses_the_types_does_not_compile(venna: Venna, folder: Path) -> None:
    (folder / "types.d.ts").write_text(get(venna, "/docs/types.d.ts"))
    (folder / "wrong.mts").write_text('import type { CreateFileRequest } from "./types.d.ts";\nexport const form: CreateFileRequest = { file: "text", purpose: "batch" };\n')
    with pytest.raises(AssertionError, match="not assignable to type 'Blob | File'|not assignable to type 'File | Blob'"):
        run(NODE, TSC, *STRICT, "--noEmit", "wrong.mts", cwd=folder)


def test_openapi_python_client(venna: Venna, tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(get(venna, "/openapi.json"))
    generator = Path(sys.executable).parent / "openapi-python-client"
    said = run(generator, "generate", "--path", "openapi.json", "--output-path", "client", "--meta", "none", "--fail-on-warning", cwd=tmp_path)
    assert "Warning" not in said, said
    env = {"ORIGIN": origin(venna), "VENNA_API_KEY": venna.first_key()}
    (tmp_path / "program.py").write_text((HERE / "python_client.py").read_text())
    assert run(sys.executable, "program.py", cwd=tmp_path, env=env) == "uploaded, listed, retrieved, read, refused, deleted\n"
