"""Plain curl, as in the reference's own samples, with real files.

Product S1 to S6 and section 2 (the pasted line works); contract section 8.1 (curl) and 1.1 (`Expect: 100-continue`).
"""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
from pathlib import Path

import pytest

import transport
from actors import Caller

MIB = 1024 * 1024
LINES = b'{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"hello"}]}\n' * 20


class Terminal:
    """A shell user in an empty folder, with a key."""

    def __init__(self, caller: Caller, folder: Path) -> None:
        self.caller, self.folder = caller, folder

    def curl(self, *words: str) -> subprocess.CompletedProcess:
        *options, path = words
        return subprocess.run(
            ["curl", "-q", "--silent", "--show-error", "--fail-with-body", "--max-time", "60", "--noproxy", "*", *transport.curl_options(), "-H", f"Authorization: Bearer {self.caller.key}", *options, self.caller.venna.base_url + path],
            cwd=self.folder,
            capture_output=True,
            timeout=90,
        )

    def curl_json(self, *words: str) -> dict:
        done = self.curl(*words)
        assert done.returncode == 0, (done.stderr, done.stdout)
        return json.loads(done.stdout)

    def has_file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


@pytest.fixture
def terminal(cara: Caller, tmp_path: Path) -> Terminal:
    return Terminal(cara, tmp_path)


def test_the_references_sample_works_with_a_real_file(terminal: Terminal) -> None:
    """`curl -X POST ".../v1/files" -F file="..." -F purpose="fine-tune"` of the reference page, file first."""
    terminal.has_file("training.jsonl", LINES)
    created = terminal.curl_json("-X", "POST", "-F", "file=@training.jsonl", "-F", "purpose=fine-tune", "/files")
    assert (created["object"], created["bytes"], created["filename"], created["purpose"]) == ("file", len(LINES), "training.jsonl", "fine-tune")

    listed = terminal.curl_json("-X", "GET", "/files")
    assert (listed["object"], listed["data"]) == ("list", [created])
    assert terminal.curl_json("-X", "GET", f"/files/{created['id']}") == created
    assert terminal.curl("-X", "GET", f"/files/{created['id']}/content").stdout == LINES

    assert terminal.curl_json("-X", "DELETE", f"/files/{created['id']}") == {"object": "file", "deleted": True, "id": created["id"]}
    gone = terminal.curl(f"/files/{created['id']}")
    assert gone.returncode == 22 and json.loads(gone.stdout)["error"]["message"] == f"No such File object: {created['id']}"


def test_the_literal_sample_of_the_reference_is_told_that_its_file_is_none(terminal: Terminal) -> None:
    """`-F file="string"` sends a text field: there is no file in it."""
    refused = terminal.curl("-X", "POST", "-F", "file=string", "-F", "purpose=fine-tune", "/files")
    assert refused.returncode == 22
    assert json.loads(refused.stdout)["error"]["message"].startswith("The part 'file' has no filename.")


def test_a_download_lands_under_its_own_name(terminal: Terminal) -> None:
    terminal.has_file("quarterly-report.bin", b"\x00\x01\x02")
    created = terminal.curl_json("-F", "purpose=user_data", "-F", "file=@quarterly-report.bin", "/files")
    (terminal.folder / "quarterly-report.bin").unlink()
    assert terminal.curl("-O", "-J", f"/files/{created['id']}/content").returncode == 0
    assert {path.name: path.read_bytes() for path in terminal.folder.iterdir()} == {"quarterly-report.bin": b"\x00\x01\x02"}


def test_ranges_and_resumed_downloads(terminal: Terminal) -> None:
    content = random.Random(6).randbytes(2 * MIB)
    terminal.has_file("data.bin", content)
    created = terminal.curl_json("-F", "purpose=user_data", "-F", "file=@data.bin", "/files")
    path = f"/files/{created['id']}/content"
    assert terminal.curl("-r", "100-299", path).stdout == content[100:300]
    assert terminal.curl("-r", "-500", path).stdout == content[-500:]
    half = terminal.has_file("half.bin", content[: MIB + 1])
    assert terminal.curl("-C", "-", "-o", "half.bin", path).returncode == 0
    assert half.read_bytes() == content


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("John's Report (1) final.pdf", "John's Report (1) final.pdf"),
        ("a,b=c&d+e [2].txt", "a,b=c&d+e [2].txt"),
        ("text/csv", "text_csv"),
        ("../../up.txt", ".._.._up.txt"),
        ("/etc/cron.d/x", "_etc_cron.d_x"),
        ("a" * 251 + ".txt", "a" * 251 + ".txt"),
    ],
)
def test_a_download_is_stored_under_its_name_in_the_folder_it_is_asked_for(terminal: Terminal, name: str, stored: str) -> None:
    """`curl -OJ` takes the plain form of Content-Disposition."""
    terminal.has_file("sent", b"abc")
    created = terminal.curl_json("-F", "purpose=user_data", "-F", f'file=@sent;filename="{name}"', "/files")
    assert created["filename"] == name
    there = terminal.folder / "down"
    there.mkdir()
    done = terminal.curl("-O", "-J", "--output-dir", str(there), f"/files/{created['id']}/content")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in there.iterdir()] == [stored]
    assert (there / stored).read_bytes() == b"abc"


@pytest.mark.skipif(transport.HTTP_2, reason="curl asks for leave in HTTP/1.1 alone")
def test_an_upload_over_1_mib_waits_for_leave_and_arrives(terminal: Terminal) -> None:
    content = random.Random(5).randbytes(5 * MIB + 1)
    terminal.has_file("big.bin", content)
    done = terminal.curl("-v", "--expect100-timeout", "30", "-F", "file=@big.bin", "-F", "purpose=user_data", "/files")
    assert done.returncode == 0, done.stderr
    assert b"> Expect: 100-continue" in done.stderr and b"< HTTP/1.1 100 Continue" in done.stderr
    created = json.loads(done.stdout)
    assert (created["bytes"], created["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert terminal.curl(f"/files/{created['id']}/content").stdout == content


def test_an_upload_without_a_length_is_chunked_and_arrives(terminal: Terminal) -> None:
    content = random.Random(4).randbytes(3 * MIB)
    terminal.has_file("data.bin", content)
    created = terminal.curl_json("-H", "Transfer-Encoding: chunked", "-F", "file=@data.bin;filename=без длины.bin", "-F", "purpose=user_data", "/files")
    assert (created["bytes"], created["filename"]) == (len(content), "без длины.bin")
    assert terminal.curl(f"/files/{created['id']}/content").stdout == content


def test_expiry_and_list_parameters_in_curls_own_spelling(terminal: Terminal) -> None:
    terminal.has_file("a.txt", b"abc")
    created = terminal.curl_json("-F", "purpose=user_data", "-F", "expires_after[anchor]=created_at", "-F", "expires_after[seconds]=3600", "-F", "file=@a.txt", "/files")
    assert created["expires_at"] == created["created_at"] + 3600
    page = terminal.curl_json("-G", "-d", "limit=1", "-d", "order=asc", "-d", "purpose=user_data", "/files")
    assert (page["first_id"], page["last_id"], page["has_more"]) == (created["id"], created["id"], False)


@pytest.mark.skipif(transport.ENCRYPTED, reason="prior knowledge is for clear text")
def test_http_2_with_prior_knowledge(terminal: Terminal) -> None:
    content = random.Random(5).randbytes(3 * MIB)
    terminal.has_file("data.bin", content)
    created = terminal.curl_json("--http2-prior-knowledge", "-F", "purpose=user_data", "-F", "file=@data.bin", "/files")
    assert created["bytes"] == len(content)
    done = terminal.curl("--include", "--http2-prior-knowledge", f"/files/{created['id']}/content")
    assert done.stdout.startswith(b"HTTP/2 200") and done.stdout.endswith(content)
    refused = terminal.curl("--verbose", "--http2", "/files")
    assert refused.stdout.startswith(b"{") and b"HTTP/1.1 200" in refused.stderr, "an upgrade is ignored"


def test_the_first_key_of_the_first_run_works(venna, tmp_path: Path) -> None:
    """`first-key` holds the secret and a newline, nothing else; only its owner may read it."""
    path = venna.data_dir / "first-key"
    assert path.read_text() == venna.first_key() + "\n" and venna.first_key().startswith("vk_")
    assert path.stat().st_mode & 0o777 == 0o600
    owner = Terminal(Caller(venna, "default", venna.first_key()), tmp_path)
    owner.has_file("hello.txt", b"hello")
    created = owner.curl_json("-F", "purpose=user_data", "-F", "file=@hello.txt", "/files")
    assert owner.curl(f"/files/{created['id']}/content").stdout == b"hello"
