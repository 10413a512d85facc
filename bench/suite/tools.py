"""What the benchmark needs and how it comes here: Debian packages, peers in environments of their own, and programs built
from this repository. Everything is kept between runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from suite.load import BENCH, LoadClient

REPOSITORY = BENCH.parent
OGX_VERSION = "1.5.0"
AIBRIX_VERSION = "0.8.0"
S3S_FS_VERSION = "0.14.1"
HADRIAN_VERSION = "0.0.0-alpha.11"
# OGX and AIBrix are not installed by an older one.
PEERS_PYTHON = (3, 12)


def say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


def cache() -> Path:
    base = os.environ.get("VENNA_TEST_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "venna-test"
    folder = Path(base) / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def need_debian_package(program: str, package: str) -> None:
    if ":/usr/sbin" not in os.environ["PATH"]:
        os.environ["PATH"] += ":/usr/sbin:/sbin"
    if shutil.which(program):
        return
    say(f"installing Debian's {package}")
    # RUNLEVEL: the package shall not start its service.
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    subprocess.run(["apt-get", "update", "-qq"], env=quiet, stdout=subprocess.DEVNULL, check=True)
    subprocess.run(["apt-get", "install", "-y", "-qq", package], env=quiet, stdout=subprocess.DEVNULL, check=True)


def venna(given: str | None) -> Path:
    """The program under test: the given one, or this repository's as it is shipped, brought up to date."""
    if given:
        return Path(given).resolve(strict=True)
    return cargo_build(REPOSITORY, "venna", "dist", {})


def venna_with_line_numbers() -> Path:
    """A release build that profilers can read, beside the one that is shipped."""
    flags = {"CARGO_PROFILE_RELEASE_DEBUG": "1", "CARGO_PROFILE_RELEASE_STRIP": "none"}
    return cargo_build(REPOSITORY, "venna", "release", flags, Path(target_dir(REPOSITORY)) / "profiling")


def load_client() -> LoadClient:
    return LoadClient(cargo_build(BENCH / "load", "venna-load", "release", {}))


def target_dir(package: Path) -> str:
    return os.environ.get("CARGO_TARGET_DIR") or str(package / "target")


def cargo_build(package: Path, program: str, profile: str, environment: dict[str, str], target: Path | None = None) -> Path:
    folder = target or Path(target_dir(package))
    command = ["cargo", "build", "--quiet", "--locked", "--profile", profile, "--manifest-path", package / "Cargo.toml"]
    subprocess.run([*command, "--bin", program, "--target-dir", folder], env=os.environ | environment, check=True)
    return folder.resolve() / profile / program


def peers_python() -> Path | None:
    """A Python that can install the peers: this one, one on the path, or one of pyenv's."""
    minors = range(PEERS_PYTHON[1], 20)
    names = [sys.executable, *(f"python3.{minor}" for minor in minors)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    names += [str(path) for minor in minors for path in sorted(pyenv.glob(f"3.{minor}.*/bin/python"))]
    for name in names:
        found = shutil.which(name)
        if found and subprocess.run([found, "-c", f"import sys, ensurepip; sys.exit(sys.version_info < {PEERS_PYTHON})"], capture_output=True).returncode == 0:
            return Path(found)
    return None


def python_peer(package: str, version: str) -> Path | None:
    """The environment of a peer from PyPI, or nothing when this machine cannot have it; says why."""
    venv = cache() / package
    stamp = venv / ".stamp"
    if stamp.is_file() and stamp.read_text() == version:
        return venv
    python = peers_python()
    if not python:
        say(f"{package} is skipped: it needs Python {'.'.join(map(str, PEERS_PYTHON))} or later, and none was found")
        return None
    say(f"installing {package} {version} into {venv}")
    shutil.rmtree(venv, ignore_errors=True)
    subprocess.run([python, "-m", "venv", venv], check=True)
    pip = [venv / "bin/pip", "install", "--quiet", "--disable-pip-version-check", f"{package}=={version}"]
    if subprocess.run(pip).returncode:
        say(f"{package} is skipped: pip could not install it")
        return None
    stamp.write_text(version)
    return venv


def s3s_fs() -> Path:
    """A store that speaks S3 over a folder, from crates.io."""
    root = cache() / f"s3s-fs-{S3S_FS_VERSION}"
    program = root / "bin/s3s-fs"
    if not program.is_file():
        say(f"building s3s-fs {S3S_FS_VERSION} into {root}, some minutes")
        command = ["cargo", "install", "s3s-fs", "--version", S3S_FS_VERSION, "--features", "binary", "--locked", "--quiet"]
        subprocess.run([*command, "--root", root, "--target-dir", root / "build"], check=True)
        shutil.rmtree(root / "build", ignore_errors=True)
    return program


def hadrian() -> Path | None:
    """Hadrian from crates.io; its build takes minutes."""
    root = cache() / "hadrian"
    program = root / "bin/hadrian"
    if program.is_file():
        return program
    say(f"building hadrian {HADRIAN_VERSION} into {root}, a few minutes")
    command = ["cargo", "install", "hadrian", "--version", HADRIAN_VERSION, "--quiet", "--no-default-features"]
    command += ["--features", "tiny,database-sqlite", "--root", root, "--target-dir", root / "build"]
    done = subprocess.run(command, env=os.environ | {"CARGO_PROFILE_RELEASE_LTO": "off"})
    shutil.rmtree(root / "build", ignore_errors=True)
    if done.returncode:
        say("hadrian is skipped: cargo could not install it")
        return None
    return program
