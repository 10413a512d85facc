"""Reads the messages of `cargo test --no-run --message-format=json` and prints where the libraries are that Rust samples use."""

import json
import sys
from pathlib import Path

USED = {"reqwest", "rustls", "serde_json", "tokio"}

found: dict[str, str] = {}
for line in sys.stdin:
    message = json.loads(line)
    if message["reason"] == "compiler-artifact" and message["target"]["name"] in USED:
        for file in message["filenames"]:
            if file.endswith(".rlib"):
                found[message["target"]["name"]] = file
if found.keys() != USED:
    sys.exit(f"cargo named {sorted(found)} only")
print(json.dumps({"crates": found, "folder": str(Path(found["tokio"]).parent)}))
