"""The pages in a real Chromium; what is tested stands in browser.test.mjs."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from conftest import HERE, NODE, NODE_MODULES, origin, run
from server import Venna

CHROMIUM = shutil.which("chromium")


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine: the pages were not looked at in a browser")
def test_browser(venna: Venna) -> None:
    shots = os.environ.get("VENNA_REFERENCE_SHOTS", "")
    if shots:
        Path(shots).mkdir(parents=True, exist_ok=True)
    # Chromium's sockets need a short path.
    with tempfile.TemporaryDirectory(prefix="venna-", dir="/tmp") as scratch:
        env = {
            "ORIGIN": origin(venna),
            "VENNA_API_KEY": venna.first_key(),
            "NODE_MODULES": str(NODE_MODULES),
            "CHROMIUM": CHROMIUM or "",
            "SHOTS": shots,
            "TMPDIR": scratch,
        }
        print(run(NODE, "--test", "--test-reporter=spec", HERE / "browser.test.mjs", cwd=HERE, env=env, timeout=900))
