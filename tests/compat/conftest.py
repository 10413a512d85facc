"""The server and the people of the compatibility tests.

`ada` and `bob` keep one workspace each for the whole run. `cara` arrives anew for every test, in a workspace without files.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

pytest.register_assert_rewrite("actors", "canary", "server", "wire")

from actors import Caller  # noqa: E402
from server import Venna  # noqa: E402

SMALL_LIMIT_BYTES = 1024 * 1024
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def venna() -> Iterator[Venna]:
    """The server on its defaults."""
    with Venna() as server:
        yield server


@pytest.fixture(scope="session")
def small_venna() -> Iterator[Venna]:
    """A server that takes files of at most 1 MiB."""
    with Venna("--max-file-bytes", str(SMALL_LIMIT_BYTES)) as server:
        yield server


def arrive(server: Venna, name: str) -> Caller:
    """A new workspace with one key, made beside the running server."""
    workspace = f"{name}-{next(_numbers)}"
    server.create_workspace(workspace)
    return Caller(server, workspace, server.create_key(workspace))


@pytest.fixture(scope="session")
def ada(venna: Venna) -> Caller:
    return arrive(venna, "ada")


@pytest.fixture(scope="session")
def bob(venna: Venna) -> Caller:
    return arrive(venna, "bob")


@pytest.fixture
def cara(venna: Venna) -> Caller:
    return arrive(venna, "cara")


@pytest.fixture(scope="session")
def nobody(venna: Venna) -> Caller:
    """Someone without a key."""
    return Caller(venna, "", None)


@pytest.fixture(scope="session")
def small_ada(small_venna: Venna) -> Caller:
    return arrive(small_venna, "ada")
