"""openai-python's own test suite, from its sdist on PyPI, against the real program. Contract section 11.

The suite's key constant is replaced and `TEST_API_BASE_URL` points here; nothing else of it is touched. Its selection holds
90 tests: 18 for each of five clients (sync loose and strict, async loose, strict and aiohttp). Of the 18,
  7 are refused by the SDK itself before any request (`path_params`),
  4 need POST /v1/files and 3 need GET /v1/files to answer as OpenAI does,
  4 need POST /v1/uploads to create an Upload.

    openai_python_own_suite.py SDIST.tar.gz [--binary PATH]

Ends with 0 only when pytest ran exactly the expected number of tests and all of them passed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from server import Venna

UPLOADS_BUILT = False
"""Whether this program serves /v1/uploads. The server itself is asked too, so that neither can forget the other."""

SELECTION = "path_params or (create and not Parts) or (list and not all_params)"
FILES = ["tests/api_resources/test_files.py", "tests/api_resources/test_uploads.py", "tests/api_resources/uploads/test_parts.py"]
ALL_TESTS = 90
UPLOAD_CREATING = " and not ((TestUploads or TestAsyncUploads) and create)"
UPLOAD_CREATING_TESTS = 20
KEY_CONSTANT = 'api_key = "My API Key"'


def serves_uploads(venna: Venna) -> bool:
    request = urllib.request.Request(
        venna.base_url + "/uploads",
        data=json.dumps({"bytes": 0, "filename": "probe", "mime_type": "text/plain", "purpose": "assistants"}).encode(),
        headers={"Authorization": f"Bearer {venna.first_key()}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30):
            return True
    except urllib.error.HTTPError as refusal:
        return refusal.code != 501


def unpacked(sdist: Path, folder: Path, key: str) -> Path:
    """The suite alone (without the SDK's own source, so that the installed package is what is tested), with our key."""
    with tarfile.open(sdist) as archive:
        root = archive.getnames()[0].split("/")[0]
        members = [member for member in archive.getmembers() if member.name.startswith(f"{root}/tests/") or member.name == f"{root}/pyproject.toml"]
        archive.extractall(folder, members=members, filter="data")
    conftest = folder / root / "tests/conftest.py"
    text = conftest.read_text()
    assert text.count(KEY_CONSTANT) == 1, "the suite's key constant is not where it was"
    conftest.write_text(text.replace(KEY_CONSTANT, f'api_key = "{key}"'))
    return folder / root


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("sdist", type=Path)
    options.add_argument("--binary", type=Path)
    given = options.parse_args()

    with tempfile.TemporaryDirectory(prefix="venna-own-suite-") as folder, Venna(binary=given.binary) as venna:
        built = serves_uploads(venna)
        if built != UPLOADS_BUILT:
            print(f"UPLOADS_BUILT is {UPLOADS_BUILT} in {Path(__file__).name}, but the server {'serves' if built else 'does not serve'} /v1/uploads: make them agree")
            return 1
        selection, expected = SELECTION, ALL_TESTS
        if not built:
            selection, expected = f"({SELECTION}){UPLOAD_CREATING}", ALL_TESTS - UPLOAD_CREATING_TESTS
            print(f"not run: {UPLOAD_CREATING_TESTS} tests that create an Upload; this release answers 501 on /v1/uploads")
        done = subprocess.run(
            # addopts of the suite ask for all cores and a table of durations
            [sys.executable, "-m", "pytest", "-o", "addopts=", "-p", "no:cacheprovider", "-q", "--tb=short", "-k", selection, *FILES],
            cwd=unpacked(given.sdist, Path(folder), venna.first_key()),
            env=os.environ | {"TEST_API_BASE_URL": venna.base_url, "PYTHONDONTWRITEBYTECODE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    print(done.stdout, end="")
    closing = done.stdout.strip().splitlines()[-1]
    if done.returncode != 0 or not re.match(rf"^=* ?{expected} passed, \d+ deselected", closing):
        print(f"openai-python's own suite: expected exactly {expected} passed")
        return 1
    print(f"openai-python's own suite: {expected} passed, 0 failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
