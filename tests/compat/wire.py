"""HTTP/1.1 and multipart/form-data by hand, so that a test says and sees every byte on the wire.

`Connection` is one socket; `Answer` one parsed response; `Form` one multipart body. Nothing here knows the Files API.
"""

from __future__ import annotations

import json
import select
import socket
import ssl
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

SECONDS_PER_ANSWER = 60
PIECE = 256 * 1024


@dataclass
class Answer:
    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    interim: list[int] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        """The one value of a header, or None; the same header twice is an error."""
        found = self.all_headers(name)
        assert len(found) <= 1, f"{name} came {len(found)} times: {found}"
        return found[0] if found else None

    def all_headers(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def json(self) -> dict:
        return json.loads(self.body)

    def __str__(self) -> str:
        return f"{self.status} {self.headers} {self.body[:600]!r}"


class Connection:
    """One keep-alive connection. Sending stops as soon as the server has answered, as a good client does."""

    def __init__(self, address: tuple[str, int], tls: ssl.SSLContext | None = None) -> None:
        self._socket = socket.create_connection(address, timeout=SECONDS_PER_ANSWER)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self._socket = tls.wrap_socket(self._socket, server_hostname=address[0])
        self._unread = b""

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._socket.close()

    def reset(self) -> None:
        """Goes away with a TCP reset, like a killed process behind some routers."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()

    def finish_sending(self) -> None:
        # Not the method of an SSL socket, which would end its receiving, too.
        socket.socket.shutdown(self._socket, socket.SHUT_WR)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answered(self, within_seconds: float = 0) -> bool:
        if self._unread:
            return True
        if not isinstance(self._socket, ssl.SSLSocket):
            return bool(select.select([self._socket], [], [], within_seconds)[0])
        # A readable socket can hold a record without data, such as a session ticket.
        self._socket.settimeout(within_seconds)
        try:
            self._unread = self._receive()
        except (ssl.SSLWantReadError, TimeoutError):
            return False
        except ConnectionResetError:
            pass
        finally:
            self._socket.settimeout(SECONDS_PER_ANSWER)
        return True

    def send_until_answered(self, pieces: Iterable[bytes]) -> int:
        """Sends the pieces in turn and stops early when an answer lies there; gives the number of bytes sent."""
        sent = 0
        try:
            for piece in pieces:
                if self.answered():
                    break
                self.send(piece)
                sent += len(piece)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the server closed after its answer, which can still be read
        return sent

    def send_head(self, method: str, path: str, headers: Iterable[tuple[str, str | bytes]] = ()) -> None:
        head = [f"{method} {path} HTTP/1.1".encode(), b"Host: venna.test"]
        head += [name.encode() + b": " + (value if isinstance(value, bytes) else value.encode()) for name, value in headers]
        self.send(b"\r\n".join(head) + b"\r\n\r\n")

    def request(
        self,
        method: str,
        path: str,
        headers: Iterable[tuple[str, str | bytes]] = (),
        body: bytes | Iterable[bytes] | None = None,
        *,
        length: int | None = None,
        chunk_bytes: int | None = None,
    ) -> Answer:
        """One request and its answer. With `chunk_bytes` the body goes out chunked, otherwise with its Content-Length."""
        headers = list(headers)
        pieces: Iterable[bytes] = ()
        if body is not None and chunk_bytes:
            headers.append(("Transfer-Encoding", "chunked"))
            pieces = in_chunks(body, chunk_bytes)
        elif body is not None:
            if length is None:
                assert isinstance(body, bytes), "a generated body needs its length"
                length = len(body)
            headers.append(("Content-Length", str(length)))
            pieces = in_pieces(body)
        self.send_head(method, path, headers)
        self.send_until_answered(pieces)
        return self.read_answer(method)

    def read_answer(self, method: str = "GET") -> Answer:
        interim: list[int] = []
        while True:
            status, reason, headers = self._read_head()
            if status >= 200:
                break
            interim.append(status)
        answer = Answer(status, reason, headers, interim=interim)
        if method != "HEAD" and status not in (204, 304):
            answer.body = self._read_body(answer)
        return answer

    def nothing_more_comes(self, within_seconds: float = 0.2) -> bool:
        """True when the server sent no byte beyond what was read (closing the connection is fine)."""
        if self._unread:
            return False
        if not self.answered(within_seconds):
            return True
        if isinstance(self._socket, ssl.SSLSocket):
            return not self._unread
        try:
            return self._socket.recv(1, socket.MSG_PEEK) == b""
        except ConnectionResetError:
            return True

    def read_exactly(self, count: int) -> bytes:
        kept = bytearray(self._unread[:count])
        self._unread = self._unread[count:]
        while len(kept) < count:
            more = self._receive(min(PIECE, count - len(kept)))
            if not more:
                raise ConnectionError(f"the server closed after {len(kept)} of {count} bytes: {bytes(kept[:300])!r}")
            kept += more
        return bytes(kept)

    def _receive(self, limit: int = PIECE) -> bytes:
        return self._socket.recv(limit)

    def _read_until(self, mark: bytes) -> bytes:
        while mark not in self._unread:
            more = self._receive()
            if not more:
                raise ConnectionError(f"the server closed the connection; unread: {self._unread[:300]!r}")
            self._unread += more
        found, _, self._unread = self._unread.partition(mark)
        return found

    def _read_head(self) -> tuple[int, str, list[tuple[str, str]]]:
        first, *lines = self._read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        version, _, rest = first.partition(" ")
        assert version == "HTTP/1.1", first
        status, _, reason = rest.partition(" ")
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
        return int(status), reason, headers

    def _read_body(self, answer: Answer) -> bytes:
        if (answer.header("transfer-encoding") or "").lower() == "chunked":
            body = b""
            while size := int(self._read_until(b"\r\n").split(b";")[0], 16):
                body += self.read_exactly(size)
                self.read_exactly(2)
            self._read_until(b"\r\n")
            return body
        if (length := answer.header("content-length")) is not None:
            return self.read_exactly(int(length))
        body = self._unread
        self._unread = b""
        while more := self._receive():
            body += more
        return body


def in_pieces(body: bytes | Iterable[bytes], size: int = PIECE) -> Iterator[bytes]:
    if not isinstance(body, bytes):
        yield from body
        return
    for start in range(0, len(body), size):
        yield body[start : start + size]


def in_chunks(body: bytes | Iterable[bytes], size: int) -> Iterator[bytes]:
    """The chunked transfer coding: pieces of `size` bytes (generated bodies keep their own pieces), then the last chunk."""
    for piece in in_pieces(body, size):
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


# multipart/form-data ------------------------------------------------------------------------------------------------

BOUNDARY = "venna-compat-0a1b2c3d4e5f"


def text_part(name: str, value: str | bytes) -> bytes:
    value = value.encode() if isinstance(value, str) else value
    return b'Content-Disposition: form-data; name="%b"\r\n\r\n%b' % (name.encode(), value)


def file_part(content: bytes, filename: str | bytes = "notes.txt", *, name: str = "file", content_type: str = "application/octet-stream") -> bytes:
    """A file part as openai-python writes it: raw UTF-8, with only the quote, CR and LF percent-encoded."""
    if isinstance(filename, str):
        filename = filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A").encode()
    return part(b'Content-Disposition: form-data; name="%b"; filename="%b"' % (name.encode(), filename), f"Content-Type: {content_type}".encode(), content=content)


def part(*header_lines: bytes, content: bytes) -> bytes:
    """A part with exactly these header lines, in this order."""
    return b"\r\n".join(header_lines) + b"\r\n\r\n" + content


class Form:
    """A multipart body of ready-made parts, closed as RFC 7578 asks unless told otherwise."""

    def __init__(self, *parts: bytes, boundary: str = BOUNDARY, quoted: bool = False, closed: bool = True) -> None:
        self.content_type = f'multipart/form-data; boundary="{boundary}"' if quoted else f"multipart/form-data; boundary={boundary}"
        self.opening = b"--%b\r\n" % boundary.encode()
        self.closing = b"\r\n--%b--\r\n" % boundary.encode() if closed else b""
        self.body = self.opening + (b"\r\n" + self.opening).join(parts) + self.closing


class GeneratedForm:
    """A form around one file too large to keep in memory: text parts before and after `size` bytes made of `line`s."""

    def __init__(self, size: int, *, before: Iterable[bytes] = (), after: Iterable[bytes] = (), filename: str = "large.jsonl", line: bytes = b"{}\n") -> None:
        self.content_type = f"multipart/form-data; boundary={BOUNDARY}"
        delimiter = b"--%b\r\n" % BOUNDARY.encode()
        self._head = b"".join(delimiter + part_ + b"\r\n" for part_ in before) + delimiter + file_part(b"", filename)
        self._tail = b"".join(b"\r\n" + delimiter + part_ for part_ in after) + b"\r\n--%b--\r\n" % BOUNDARY.encode()
        self._block = line * (1024 * 1024 // len(line))
        self._size = size
        self.length = len(self._head) + size + len(self._tail)

    def pieces(self) -> Iterator[bytes]:
        yield self._head
        whole, rest = divmod(self._size, len(self._block))
        for _ in range(whole):
            yield self._block
        if rest:
            yield self._block[:rest]
        yield self._tail
