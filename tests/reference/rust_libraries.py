"""Reads the messages of `cargo test --no-run --message-format=json` and prints where the libraries are that Rust samples use.

A crate that build scripts use, too, may be built twice. The libraries of the product are those that fit together.
"""

import itertools
import json
import subprocess
import sys
import tempfile
from pathlib import Path

USED = ["reqwest", "rustls", "serde_json", "tokio"]
# Compiles only if reqwest was built with this serde_json.
PROBE = "pub async fn probe() { let _: serde_json::Value = reqwest::get(\"\").await.unwrap().json().await.unwrap(); }"


def candidates(messages: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in USED}
    for message in map(json.loads, messages):
        if message["reason"] == "compiler-artifact" and message["target"]["name"] in found:
            found[message["target"]["name"]] += [file for file in message["filenames"] if file.endswith(".rlib")]
    return found


def fits(crates: dict[str, str], folder: Path) -> bool:
    with tempfile.TemporaryDirectory() as place:
        probe = Path(place, "probe.rs")
        probe.write_text(PROBE)
        command = ["rustc", "--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--out-dir", place, "-L", f"dependency={folder}"]
        command += [word for name, file in crates.items() for word in ("--extern", f"{name}={file}")]
        return subprocess.run([*command, probe], capture_output=True).returncode == 0


found = candidates(list(sys.stdin))
for files in itertools.product(*found.values()):
    crates = dict(zip(found, files, strict=True))
    folder = Path(crates["tokio"]).parent
    if fits(crates, folder):
        print(json.dumps({"crates": crates, "folder": str(folder)}))
        break
else:
    sys.exit(f"no libraries fit together: {found}")
