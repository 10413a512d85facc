"""The server whose reference is tested, and what it serves."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple

import pytest

from server import Venna

HERE = Path(__file__).resolve().parent
NODE_MODULES = Path(os.environ["VENNA_REFERENCE_NODE"]) / "node_modules"
NODE = NODE_MODULES / ".bin" / "node"


@pytest.fixture(scope="session")
def venna() -> Iterator[Venna]:
    with Venna("--max-failed-logins-per-minute", "0") as server:
        yield server


@pytest.fixture(scope="session")
def admin_key(venna: Venna) -> str:
    return venna.create_admin_key()


def add_people(venna: Venna, numbers: Iterable[int]) -> list[str]:
    """People as a provider would bring them: written into the database, since there is no provider. Returns their ids."""
    ids = [f"user_00VbjUjhHGglY7j08O6M{number:04}" for number in numbers]
    rows = [(id, "https://sso.example", id, "Ada", "ada@files.example", int(time.time())) for id in ids]
    with closing(sqlite3.connect(venna.data_dir / "venna.db", timeout=30)) as database, database:
        database.executemany("INSERT INTO persons VALUES (?, ?, ?, ?, ?, ?)", rows)
    return ids


def origin(venna: Venna) -> str:
    return venna.base_url.removesuffix("/v1")


def get(venna: Venna, path: str) -> str:
    """What anybody reads there."""
    with urllib.request.urlopen(origin(venna) + path, timeout=30) as answer:
        return answer.read().decode()


def document(venna: Venna) -> dict:
    return json.loads(get(venna, "/openapi.json"))


class Code(NamedTuple):
    """A text of a page that can be copied: the heading that it stands under, its own title, and its language."""

    section: str
    title: str
    language: str
    text: str


class Page(HTMLParser):
    """The texts of a page that can be copied."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.codes: list[Code] = []
        self._section = self._language = ""
        self._reading: str | None = None
        self._texts: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "h2":
            self._section = attributes.get("id") or ""
        elif tag == "figure":
            self._texts = {"figcaption": "", "pre": ""}
        elif tag in self._texts:
            self._reading = tag
            self._language = attributes.get("data-language") or self._language

    def handle_data(self, data: str) -> None:
        if self._reading:
            self._texts[self._reading] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == self._reading:
            self._reading = None
        elif tag == "figure":
            self.codes.append(Code(self._section, self._texts["figcaption"], self._language, self._texts["pre"]))
            self._texts = {}


def operations(venna: Venna) -> dict[str, tuple[str, str]]:
    """Method and path of every operation, by its id."""
    paths = document(venna)["paths"].items()
    return {operation["operationId"]: (method.upper(), path) for path, of_path in paths for method, operation in of_path.items()}


def slug(operation_id: str) -> str:
    return "".join(f"-{character.lower()}" if character.isupper() else character for character in operation_id)


def run(*words: object, cwd: Path, env: dict[str, str] | None = None, timeout: int = 120) -> str:
    """Runs a command, which must succeed, and gives its standard output."""
    done = subprocess.run([str(word) for word in words], cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, f"{words} left with {done.returncode}:\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
    return done.stdout
