"""schemathesis over the whole document, with keys: the server does what the document says, and nothing else.

The run is short and the same every time. `VENNA_FUZZ_EXAMPLES` (cases of each operation and phase) makes it longer, and with
`VENNA_FUZZ_SEED` it has other cases.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import HERE, add_people, operations, origin
from server import Venna

FUZZ = HERE / "fuzz"
EXAMPLES = os.environ.get("VENNA_FUZZ_EXAMPLES", "4")
SEED = os.environ.get("VENNA_FUZZ_SEED")
CASES = re.compile(r"(\d[\d,]*) generated")
FEWEST_CASES = 2000
# More than a run deletes.
PEOPLE = 3000


@pytest.fixture
def server() -> Iterator[Venna]:
    """A server on which a failed log-in more or less makes no difference."""
    with Venna("--max-failed-logins-per-minute", "0") as server:
        yield server


def run(server: Venna, folder: Path) -> subprocess.CompletedProcess[str]:
    server.create_workspace("fuzz")
    key, admin_key = server.create_key("fuzz"), server.create_admin_key()
    people = folder / "people"
    people.write_text("\n".join(add_people(server, range(PEOPLE))))
    kept = [row["id"] for row in [*server.list_keys(), *server.list_workspaces()]]
    env = os.environ | {
        "VENNA_API_KEY": key,
        "VENNA_ADMIN_KEY": admin_key,
        "VENNA_FUZZ_HOOKS": str(FUZZ / "hooks.py"),
        "VENNA_FUZZ_KEPT": ",".join(kept),
        "VENNA_FUZZ_SEED": SEED or "1",
        "VENNA_FUZZ_PEOPLE": str(people),
        "PYTHONHASHSEED": "0",
        "NO_PROXY": "*",
    }
    chosen = ["--seed", SEED] if SEED else ["--generation-deterministic"]
    words = [Path(sys.executable).parent / "schemathesis", "--config-file", FUZZ / "schemathesis.toml", "--no-color", "run"]
    words += ["--max-examples", EXAMPLES, *chosen, f"{origin(server)}/openapi.json"]
    return subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True)


def test_the_server_does_what_the_document_says(server: Venna, tmp_path: Path) -> None:
    done = run(server, tmp_path)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    cases = CASES.search(done.stdout)
    assert cases and int(cases[1].replace(",", "")) > FEWEST_CASES, done.stdout[-2000:]
    assert len(operations(server)) > 45
    print(f"seed {SEED or 'none'}: {cases[1]} cases")
