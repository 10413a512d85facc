"""The samples of the guides, run against the server: those of one language on one page are one program.

The pages show an id; in the shell it is that of the newest File. What installs, or what stands for a value of the reader, is
not run, and is listed here.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from conftest import HERE, NODE, NODE_MODULES, Page, get, origin, run
from server import Venna

GUIDES = sorted((HERE.parents[1] / "docs" / "guides").glob("*.md"))
SHOWN = "FILE_ID=file-00VbjUjhHGglY7j08O6M3Oj9"
NOT_RUN = {
    "venna keys create --workspace default",
    "export VENNA_API_KEY=vk_...",
    "pip install openai\nnpm install openai",
    "pip install mistralai\nnpm install @mistralai/mistralai",
    "pip install anthropic\nnpm install @anthropic-ai/sdk",
    "pip install google-genai\nnpm install @google/genai",
    "export OPENAI_BASE_URL=ORIGIN/v1\nexport OPENAI_API_KEY=vk_...",
}
# What the programs say that the guide says.
EXPECTED = {
    ("quick-start", "sh"): ['"filename":"hello.txt"', "Hello, Files!", '"deleted":true'],
    ("quick-start", "python"): ["hello.txt", "Hello, Files!", "True"],
    ("quick-start", "typescript"): ["hello.txt", "Hello, Files!", "true"],
    ("command-line", "sh"): ["notes.txt", "photos.tar.gz", "upload a.jpg"],
    ("large-files", "sh"): ["2345"],
    ("large-files", "python"): ["completed file-"],
    ("large-files", "typescript"): ["completed file-"],
    ("batch-files", "sh"): ['"status":"processed"'],
    ("batch-files", "python"): ["Lines that are not valid for purpose 'batch'"],
    ("expiry", "sh"): ['"expires_at":'],
    ("links", "sh"): ["Hello, Files!", '"filename":"output.txt"'],
    ("links", "python"): ['{"custom_id": "a"}'],
    ("limits", "sh"): ['"scopes":'],
    ("limits", "python"): ["files.read"],
    ("limits", "typescript"): ["files.read"],
    ("migrating-from-openai", "typescript"): ["0"],
    ("anthropic", "python"): ["application/pdf True", "report.pdf", "file_deleted"],
    ("anthropic", "typescript"): ["application/pdf"],
    ("gemini", "python"): ["application/pdf ACTIVE", "report.pdf", "True"],
    ("gemini", "typescript"): ["application/pdf ACTIVE"],
    ("mistral", "python"): ["application/pdf", "scan.pdf", "True"],
    ("mistral", "typescript"): ["application/pdf"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("guides")
    (folder / "node_modules").symlink_to(NODE_MODULES)
    return folder


def key_of_an_empty_workspace(venna: Venna, admin_key: str, name: str) -> str:
    """Its Files are those of one guide in one language."""
    api = ["curl", "--silent", "--fail-with-body", "-H", f"Authorization: Bearer {admin_key}", "-H", "Content-Type: application/json"]
    projects = f"{origin(venna)}/v1/organization/projects"
    project = json.loads(run(*api, projects, "-d", json.dumps({"name": name}), cwd=HERE))["id"]
    made = json.loads(run(*api, f"{projects}/{project}/api_keys", "-d", json.dumps({"name": "guide"}), cwd=HERE))
    return venna.keep_secret(made["value"])


def program(venna: Venna, guide: str, language: str) -> str:
    texts = [code.text.rstrip("\n") for code in Page(get(venna, f"/docs/{guide}")).codes if code.language == language]
    return "\n\n".join(text for text in texts if text.replace(origin(venna), "ORIGIN") not in NOT_RUN) + "\n"


@pytest.mark.parametrize("guide", [guide.stem for guide in GUIDES])
def test_guide(venna: Venna, admin_key: str, folder: Path, guide: str) -> None:
    ran = []
    for language in ("sh", "python", "typescript"):
        text = program(venna, guide, language)
        if not text.strip():
            continue
        env = {"VENNA_API_KEY": key_of_an_empty_workspace(venna, admin_key, f"{guide} {language}"), "NO_PROXY": "*", "no_proxy": "*"}
        # For the guide to the command line.
        env |= {"PATH": f"{venna.binary.parent}:{os.environ['PATH']}", "HOME": str(folder), "XDG_STATE_HOME": "", "XDG_CONFIG_HOME": ""}
        if language == "sh":
            newest = f'FILE_ID=$(curl --silent --fail "{origin(venna)}/v1/files?limit=1" -H "Authorization: Bearer $VENNA_API_KEY" | grep -o "file-[0-9A-Za-z]*" | head -1)'
            file = folder / f"{guide}.sh"
            file.write_text("set -eu\n" + text.replace(SHOWN, newest))
            output = run("bash", file, cwd=folder, env=env)
            assert '"error":' not in output, output
        elif language == "python":
            file = folder / f"read_{guide.replace('-', '_')}.py"
            file.write_text(text)
            output = run(sys.executable, file, cwd=folder, env=env)
        else:
            file = folder / f"{guide}.mts"
            file.write_text(text)
            strict = ["--strict", "--noEmit", "--target", "es2022", "--module", "nodenext", "--moduleResolution", "nodenext", "--types", "node", "--skipLibCheck"]
            run(NODE, NODE_MODULES / "typescript/bin/tsc", *strict, file, cwd=folder)
            output = run(NODE, "--experimental-strip-types", "--disable-warning=ExperimentalWarning", file, cwd=folder, env=env)
        for said in EXPECTED.get((guide, language), []):
            assert said in output, f"{guide} in {language} printed\n{output}"
        ran.append(language)
    # A guide to pages has no samples.
    assert ran or not Page(get(venna, f"/docs/{guide}")).codes, guide
    print(f"the guide {guide} ran in {', '.join(ran) or 'no language'}")


def test_every_expectation_is_of_a_guide(venna: Venna) -> None:
    assert {guide for guide, _ in EXPECTED} <= {guide.stem for guide in GUIDES}
    assert all(program(venna, guide, language).strip() for guide, language in EXPECTED)
