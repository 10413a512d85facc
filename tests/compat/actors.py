"""Who uses the server in these tests: callers such as ada and bob, each with a workspace and a key.

A caller speaks raw HTTP (`ada.create_file(...)`, `bob.download_file(...)`) or through an official SDK (`ada.openai()`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import urlencode

from openai import AsyncOpenAI, DefaultAsyncHttpxClient, DefaultHttpxClient, OpenAI

import transport
from server import Venna
from wire import Answer, Connection, Form, GeneratedForm, file_part, text_part

REQUEST_ID = re.compile(r"^req_[0-9a-f]{32}$")
FILE_ID = re.compile(r"^file-[0-9A-Za-z]{24}$")


class Caller:
    def __init__(self, venna: Venna, workspace: str, key: str | None) -> None:
        self.venna, self.workspace, self.key = venna, workspace, key


    def connect(self) -> Connection:
        return Connection(self.venna.address, transport.context())

    def authorization(self) -> list[tuple[str, str | bytes]]:
        return [("Authorization", f"Bearer {self.key}")] if self.key else []

    def request(self, method: str, path: str, headers: Iterable[tuple[str, str | bytes]] = (), body: bytes | None = None) -> Answer:
        """One request on a connection of its own."""
        with self.connect() as connection:
            answer = connection.request(method, path, [*self.authorization(), *headers], body)
            if method == "HEAD":
                assert connection.nothing_more_comes(), "a HEAD answer had a body"
        assert REQUEST_ID.match(answer.header("x-request-id") or ""), f"{method} {path}: x-request-id is missing or odd: {answer}"
        return answer

    def post_json(self, path: str, body: object) -> Answer:
        return self.request("POST", path, [("Content-Type", "application/json")], json.dumps(body).encode())

    def post_form(
        self, form: Form | GeneratedForm, *, chunk_bytes: int | None = None, on: Connection | None = None, headers: Iterable[tuple[str, str]] = ()
    ) -> Answer:
        """POST /v1/files with a hand-made form, on a given connection or one of its own."""
        connection = on or self.connect()
        try:
            body, length = (form.pieces(), form.length) if isinstance(form, GeneratedForm) else (form.body, None)
            return connection.request(
                "POST", "/v1/files", [*self.authorization(), ("Content-Type", form.content_type), *headers], body, length=length, chunk_bytes=chunk_bytes
            )
        finally:
            if on is None:
                connection.close()

    def create_file(self, content: bytes, filename: str = "notes.txt", purpose: str = "user_data", **fields: str) -> dict:
        """Uploads and insists on success; gives the file object."""
        answer = self.post_form(Form(text_part("purpose", purpose), *(text_part(*field) for field in fields.items()), file_part(content, filename)))
        assert answer.status == 200, answer
        return answer.json()

    def list_files(self, **query: object) -> Answer:
        return self.request("GET", "/v1/files" + ("?" + urlencode(query) if query else ""))

    def retrieve_file(self, file_id: str) -> Answer:
        return self.request("GET", f"/v1/files/{file_id}")

    def download_file(self, file_id: str, **headers: str) -> Answer:
        """GET content; a header is named as in Python: `if_none_match='*'`."""
        return self.request("GET", f"/v1/files/{file_id}/content", [(name.replace("_", "-"), value) for name, value in headers.items()])

    def delete_file(self, file_id: str) -> Answer:
        return self.request("DELETE", f"/v1/files/{file_id}")

    def file_ids(self, **query: object) -> list[str]:
        return [file["id"] for file in self.list_files(**query).json()["data"]]


    def openai(self, **options: object) -> OpenAI:
        return OpenAI(**{"api_key": self.key, "base_url": self.venna.base_url} | transport.of_openai(DefaultHttpxClient) | options)

    def async_openai(self, **options: object) -> AsyncOpenAI:
        return AsyncOpenAI(**{"api_key": self.key, "base_url": self.venna.base_url} | transport.of_openai(DefaultAsyncHttpxClient) | options)


def assert_error(
    answer: Answer, status: int, message: str | re.Pattern[str], *, param: str | None = None, code: str | None = None, type: str = "invalid_request_error"
) -> None:
    """The whole envelope, exactly. A pattern as `message` stands where OpenAI's own sentence is unknown."""
    assert answer.status == status, answer
    assert answer.header("content-type") == "application/json", answer
    assert REQUEST_ID.match(answer.header("x-request-id") or ""), answer
    body = answer.json()
    assert set(body) == {"error"} and set(body["error"]) == {"message", "type", "param", "code"}, body
    error = body["error"]
    if isinstance(message, str):
        assert error["message"] == message
    else:
        assert message.search(error["message"]), error["message"]
    assert (error["type"], error["param"], error["code"]) == (type, param, code), error
