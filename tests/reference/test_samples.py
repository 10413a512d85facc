"""Every sample of the served pages, run against the server, and the example of its answer held against the real one.

Ids that the samples show are replaced by ids of things that are there, made anew for each sample; ids, times and secrets of
answers are masked before they are compared.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import HERE, NODE, NODE_MODULES, Code, Page, add_people, get, operations, origin, run, slug
from server import Venna

LANGUAGES = {"curl": "sh", "Python": "python", "TypeScript": "typescript", "Rust": "rust"}
CONTENT = "Hello, Files!\n"
SHOWN = {
    "file": "file-00VbjUjhHGglY7j08O6M3Oj9",
    "upload": "upload_7d5f0f6bb52743c7a93c2f0e3c3f9d11",
    "part": "part_2f6b1a8e4a0c4d6f9b1f35d7c8e90a12",
    "project": "ws_00VbjUjhHGglY7j08O6M3Oj9",
    "key": "key_00VbjUjhHGglY7j08O6M3Oj9",
    "admin_key": "key_00VbjV0eKQh2wXc7sT4uYb1m",
    "user": "user_00VbjUjhHGglY7j08O6M3Oj9",
    "link": "link_00VbjUjhHGglY7j08O6M3Oj9",
    "name": "research",
    "day": "1795305600",
}
WITH_FILE = {"listFiles", "retrieveFile", "deleteFile", "downloadFile", "listFilesUsage", "usageCosts", "listLedger"}
WITH_LINK = {"listFileLinks", "listLinks", "retrieveLink", "revokeLink", "revokeLinks"}
TO_FILE = WITH_FILE | WITH_LINK | {"createFileLink", "retrieveFileUrl"}
WITH_UPLOAD = {"retrieveUpload", "addUploadPart", "listUploadParts", "completeUpload", "cancelUpload"}
WITH_SPEND_LIMIT = {"retrieveProjectSpendLimit", "deleteProjectSpendLimit"}
WITH_ADMIN_KEY = {"listAdminApiKeys", "retrieveAdminApiKey", "deleteAdminApiKey"}
WITH_USER = {"listUsers", "retrieveUser", "updateUser", "deleteUser", "createProjectUser"}
WITH_MEMBER = {"listProjectUsers", "retrieveProjectUser", "updateProjectUser", "deleteProjectUser"}
WITH_PART = {"listUploadParts", "completeUpload"}
IDS = re.compile(r"\b(file-|link_|ws_|key_|audit_|user_)[0-9A-Za-z]{24}\b|\b(upload_|part_|req_)[0-9a-f]{32}\b")
SECRET = re.compile(r"^vka?_[0-9A-Za-z]{36}$")
TIMES = {"started_at", "added_at", "last_signed_in_at", "created_at", "expires_at", "effective_at", "archived_at", "revoked_at", "last_used_at", "start_time", "end_time", "ts"}
OF_TIME = {"uptime_seconds", "deleting_blobs", "deleting_since", "ledger_rows", "scrub", "warnings", "lag_seconds", "seq", "byte_seconds", "usage_bytes"}


@dataclass
class Sample:
    """A sample that is ready to run."""

    operation: str
    language: str
    text: str
    key: str
    name: str
    output: str = ""

    def file(self, folder: Path) -> Path:
        endings = {"curl": "sh", "Python": "py", "TypeScript": "mts", "Rust": "rs"}
        return folder / f"{slug(self.operation).replace('-', '_')}.{endings[self.language]}"


class World:
    """What samples need, made by way of the API."""

    def __init__(self, venna: Venna, admin_key: str) -> None:
        self.venna, self.admin_key, self.made = venna, admin_key, 0

    def post(self, path: str, key: str, *flags: str) -> dict:
        words = ["curl", "--silent", "--show-error", "--fail-with-body", "-X", "POST", origin(self.venna) + path, "-H", f"Authorization: Bearer {key}", *flags]
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def post_json(self, path: str, key: str, body: dict) -> dict:
        return self.post(path, key, "-H", "Content-Type: application/json", "-d", json.dumps(body))

    def prepare(self, operation: str, language: str, text: str, folder: Path) -> Sample:
        self.made += 1
        real = {**SHOWN, "name": f"research-{self.made}", "day": str(int(time.time()) // 86400 * 86400)}
        own = real["name"] + (" (own)" if operation == "createProject" else "")
        real["project"] = self.post_json("/v1/organization/projects", self.admin_key, {"name": own})["id"]
        made = self.post_json(f"/v1/organization/projects/{real['project']}/api_keys", self.admin_key, {"name": "worker"})
        real["key"], key = made["id"], self.venna.keep_secret(made["value"])
        notes = folder / "notes.txt"
        if operation in TO_FILE:
            real["file"] = self.post("/v1/files", key, "-F", f"file=@{notes}", "-F", "purpose=user_data")["id"]
        if operation in WITH_LINK:
            real["link"] = self.post(f"/v1/files/{real['file']}/links", key)["id"]
        if operation in WITH_UPLOAD:
            creation = {"bytes": len(CONTENT), "filename": "notes.txt", "mime_type": "text/plain", "purpose": "user_data"}
            real["upload"] = self.post_json("/v1/uploads", key, creation)["id"]
        if operation in WITH_PART:
            real["part"] = self.post(f"/v1/uploads/{real['upload']}/parts", key, "-F", f"data=@{notes}")["id"]
        if operation in WITH_SPEND_LIMIT:
            limit = {"threshold_amount": 10000, "currency": "USD", "interval": "month"}
            self.post_json(f"/v1/organization/projects/{real['project']}/spend_limit", self.admin_key, limit)
        if operation in WITH_ADMIN_KEY:
            made = self.post_json("/v1/organization/admin_api_keys", self.admin_key, {"name": "deploy"})
            real["admin_key"] = made["id"]
            self.venna.keep_secret(made["value"])
        if operation in WITH_USER | WITH_MEMBER:
            [real["user"]] = add_people(self.venna, [self.made])
        if operation in WITH_MEMBER:
            member = {"user_id": real["user"], "role": "owner"}
            self.post_json(f"/v1/organization/projects/{real['project']}/users", self.admin_key, member)
        for what, shown in SHOWN.items():
            text = text.replace(shown, real[what])
        return Sample(operation, language, text, key, real["name"])


def environment(key: str, admin_key: str) -> dict[str, str]:
    return {"VENNA_API_KEY": key, "VENNA_ADMIN_KEY": admin_key, "NO_PROXY": "*", "no_proxy": "*"}


def codes_of(venna: Venna, operation: str) -> list[Code]:
    return Page(get(venna, f"/docs/{slug(operation)}")).codes


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    (folder / "notes.txt").write_text(CONTENT)
    (folder / "node_modules").symlink_to(NODE_MODULES)
    return folder


@pytest.fixture(scope="module")
def samples(venna: Venna, admin_key: str, folder: Path) -> dict[str, list[Sample]]:
    """Every sample of every operation, prepared, by its language."""
    world, found = World(venna, admin_key), {language: [] for language in LANGUAGES}
    for operation in operations(venna):
        codes = [code for code in codes_of(venna, operation) if code.section == "samples"]
        assert [(code.title, code.language) for code in codes] == list(LANGUAGES.items()), operation
        for code in codes:
            assert origin(venna) in code.text, "a sample names the origin of its page"
            sample = world.prepare(operation, code.title, code.text, folder)
            sample.file(folder).write_text(sample.text)
            found[code.title].append(sample)
    return found


def masked(value: object, name: str = "") -> object:
    if name in OF_TIME:
        return "OF TIME"
    if isinstance(value, dict):
        own = {"value", "origin"} if value.get("object") == "organization.server.setting" else set()
        return {key: "OF SERVER" if key in own else masked(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [masked(row) for row in value]
    if name == "url":
        # Of a link that the sample makes.
        return "URL" if "/links/link_" in str(value) else value
    if name in TIMES:
        return None if value is None or name == "last_used_at" else "TIME"
    if isinstance(value, str):
        if name == "redacted_value" or SECRET.match(value):
            return "SECRET"
        return IDS.sub(lambda found: (found[1] or found[2]) + "ID", value)
    return value


def first_rows(printed: object, answer: dict) -> object:
    """The output with as many rows as the page shows: a server has more projects and keys than one."""
    rows = len(answer["data"]) if isinstance(answer.get("data"), list) else 0
    if isinstance(printed, list):
        return printed[:rows]
    if rows and len(printed["data"]) > rows:
        return {**printed, "data": printed["data"][:rows], "has_more": answer["has_more"]}
    return printed


def check(venna: Venna, sample: Sample) -> None:
    """The output is the answer that the page shows."""
    where = f"{sample.operation} in {sample.language}"
    shown = next(code for code in codes_of(venna, sample.operation) if code.section == "examples" and code.title == "200")
    output = sample.output.replace(sample.name, SHOWN["name"])
    if sample.operation == "downloadFile":
        assert output.rstrip("\n") == shown.text.rstrip("\n") == CONTENT.rstrip("\n"), where
    elif sample.operation == "listLedger":
        lines = [[masked(json.loads(line)) for line in text.strip().splitlines()] for text in (output, shown.text)]
        assert lines[0] == lines[1] and len(lines[0]) == 3, where
    else:
        answer = masked(json.loads(shown.text))
        printed = first_rows(masked(json.loads(output)), answer)
        # openai-node's pages hold what they need to go on, so that samples print what they hold.
        assert printed == (answer["data"] if isinstance(printed, list) else answer), where


def check_all(venna: Venna, samples: list[Sample]) -> None:
    assert len(samples) == len(operations(venna)) > 30
    for sample in samples:
        check(venna, sample)
    print(f"{len(samples)} samples in {samples[0].language} ran")


def test_curl(venna: Venna, admin_key: str, samples: dict[str, list[Sample]], folder: Path) -> None:
    for sample in samples["curl"]:
        sample.output = run("bash", sample.file(folder), cwd=folder, env=environment(sample.key, admin_key))
    check_all(venna, samples["curl"])


def outputs(samples: list[Sample], text: str) -> None:
    """A line of JSON for each sample: its output."""
    for sample, output in zip(samples, text.splitlines(), strict=True):
        sample.output = json.loads(output)


def listed(samples: list[Sample], folder: Path) -> str:
    return json.dumps([{"file": str(sample.file(folder)), "key": sample.key} for sample in samples])


def test_python(venna: Venna, admin_key: str, samples: dict[str, list[Sample]], folder: Path) -> None:
    env = {**environment("", admin_key), "SAMPLES": listed(samples["Python"], folder)}
    outputs(samples["Python"], run(sys.executable, HERE / "run_python.py", cwd=folder, env=env))
    check_all(venna, samples["Python"])


def test_typescript(venna: Venna, admin_key: str, samples: dict[str, list[Sample]], folder: Path) -> None:
    strict = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext", "--types", "node", "--skipLibCheck"]
    run(NODE, NODE_MODULES / "typescript/bin/tsc", *strict, *(sample.file(folder) for sample in samples["TypeScript"]), cwd=folder)
    env = {**environment("", admin_key), "SAMPLES": listed(samples["TypeScript"], folder)}
    outputs(samples["TypeScript"], run(NODE, "--disable-warning=ExperimentalWarning", HERE / "run_typescript.mjs", cwd=folder, env=env))
    check_all(venna, samples["TypeScript"])


def test_rust(venna: Venna, admin_key: str, samples: dict[str, list[Sample]], folder: Path) -> None:
    """One program of all samples, against the libraries that the tests of the house are built with."""
    libraries = json.loads(os.environ["VENNA_REFERENCE_RUST"])
    modules, arms = [], []
    for sample in samples["Rust"]:
        module, public = sample.file(folder).stem, sample.text.replace("async fn main", "pub async fn main")
        modules.append(f"mod {module} {{\n{public}}}\n")
        arms.append(f"        \"{module}\" => {module}::main(),\n")
    # The house builds reqwest without the TLS provider that its default features bring.
    provider = "    drop(rustls::crypto::ring::default_provider().install_default());\n"
    main = "fn main() -> Result<(), Box<dyn std::error::Error>> {\n" + provider + "    match std::env::args().nth(1).unwrap().as_str() {\n"
    source = folder / "samples.rs"
    source.write_text("".join(modules) + main + "".join(arms) + "        _ => unreachable!(),\n    }\n}\n")
    externs = [word for name, path in libraries["crates"].items() for word in ("--extern", f"{name}={path}")]
    run("rustc", "--edition", "2024", "-D", "warnings", "-L", f"dependency={libraries['folder']}", *externs, "-o", "samples", source, cwd=folder, timeout=300)
    for sample in samples["Rust"]:
        program, name = folder / "samples", sample.file(folder).stem
        sample.output = run(program, name, cwd=folder, env=environment(sample.key, admin_key))
    check_all(venna, samples["Rust"])
