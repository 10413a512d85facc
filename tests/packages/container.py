"""The image: built by Buildah from the Containerfile, run by crun as its configuration says, with a read-only root.

The build stage needs an image of Rust from a registry. Here a folder with the program of this machine takes its place,
assembled by the script that the stage runs.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
CONTAINER = REPOSITORY / "deploy/container"
BINARY = os.environ["VENNA_BINARY"]
MOST_BYTES = 50_000_000
START_SECONDS = 60
NAME = "venna-test"
# crun wants one hierarchy of control groups, which some machines mount beside the older ones.
PRIVATE_CGROUPS = "if ! stat -f -c %T /sys/fs/cgroup | grep -q cgroup2fs; then umount -R -l /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup; fi"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        image = Image(work)
        try:
            check_configuration(image.configuration())
            size = image.bytes()
            assert size <= MOST_BYTES, f"the image has {size} bytes"
            print(f"built: {size / 1e6:.1f} MB, user {image.configuration()['User']}")
            run_twice(image, work)
        finally:
            image.close()


def check_configuration(configuration: dict) -> None:
    assert configuration["User"] == "65532:65532", configuration
    assert configuration["Entrypoint"] == ["/usr/bin/venna"] and configuration["Cmd"] == ["serve"], configuration
    assert list(configuration["Volumes"]) == ["/data"], configuration
    assert configuration["Healthcheck"]["Test"] == ["CMD", "/usr/bin/venna", "health"], configuration


def run_twice(image: Image, work: Path) -> None:
    data = work / "data"
    data.mkdir()
    os.chown(data, 65532, 65532)
    content = os.urandom(3_000_000)
    (work / "content").write_bytes(content)
    with Container(image, work, data) as container:
        key = container.run("/usr/bin/venna", "keys", "create", "--quiet").strip()
        made = container.curl(key, "--form", "purpose=user_data", "--form", f"file=@{work}/content", "/v1/files")
        file = re.search(rb'"id":"(file-[^"]+)"', made)[1].decode()
        assert container.curl(key, f"/v1/files/{file}/content") == content
        status = Path(f"/proc/{container.pid}/status").read_text()
        assert re.search(r"^Uid:\t65532\t65532\t65532\t65532$", status, re.MULTILINE), status
        assert re.search(r"^CapEff:\t0+$", status, re.MULTILINE), status
        root = re.search(r"^\S+ / \S+ (\S+)", Path(f"/proc/{container.pid}/mounts").read_text(), re.MULTILINE)
        assert root[1].startswith("ro,"), root[0]
    print("run: uploads and downloads as user 65532, without capabilities, on a read-only root")
    with Container(image, work, data) as container:
        assert container.curl(key, f"/v1/files/{file}/content") == content
    print("run again on the same volume: the file is there")


class Image:
    """The image and the storage of Buildah around it."""

    def __init__(self, work: Path) -> None:
        self.storage = ["buildah", "--root", f"{work}/storage", "--runroot", f"{work}/run", "--storage-driver", "vfs"]
        run(str(CONTAINER / "assemble"), BINARY, f"{work}/build/image")
        (work / "empty").mkdir()
        run(
            *self.storage, "build", "--isolation", "chroot", "--format", "docker", "--pull-never", "--tag", NAME,
            "--build-context", f"build={work}/build", "--file", str(CONTAINER / "Containerfile"), f"{work}/empty",
        )
        self.container = run(*self.storage, "from", "--pull-never", f"localhost/{NAME}").strip()
        self.root = Path(run(*self.storage, "mount", self.container).strip())

    def configuration(self) -> dict:
        return json.loads(run(*self.storage, "inspect", "--type", "image", f"localhost/{NAME}"))["Docker"]["config"]

    def bytes(self) -> int:
        return sum(path.lstat().st_size for path in self.root.rglob("*") if not path.is_dir())

    def close(self) -> None:
        run(*self.storage, "rm", "--all")
        run(*self.storage, "rmi", "--all", "--force")


class Container:
    """A running container; leaving it stops it as an orchestrator does."""

    def __init__(self, image: Image, work: Path, data: Path) -> None:
        self.bundle = Path(tempfile.mkdtemp(dir=work))
        self.crun = ["crun", "--root", f"{work}/crun", "--cgroup-manager=disabled"]
        run("crun", "spec", cwd=self.bundle)
        specification = json.loads((self.bundle / "config.json").read_text())
        configuration = image.configuration()
        self.user = configuration["User"]
        user, group = map(int, self.user.split(":"))
        specification["root"] = {"path": str(image.root), "readonly": True}
        specification["process"] |= {
            "terminal": False,
            "args": configuration["Entrypoint"] + configuration["Cmd"],
            "env": configuration["Env"],
            "user": {"uid": user, "gid": group},
            "noNewPrivileges": True,
            "capabilities": {},
        }
        specification["mounts"].append({"destination": "/data", "type": "bind", "source": str(data), "options": ["bind", "rw"]})
        (self.bundle / "config.json").write_text(json.dumps(specification))

    def __enter__(self) -> Container:
        self.log = (self.bundle / "log").open("w+b")
        command = [*self.crun, "run", "--pid-file", f"{self.bundle}/pid", NAME]
        self.process = subprocess.Popen(privately(command), cwd=self.bundle, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(AssertionError, FileNotFoundError, ValueError):
                self.pid = int((self.bundle / "pid").read_text())
                self.run("/usr/bin/venna", "health", "--ready")
                return self
            time.sleep(0.1)
        self.process.kill()
        raise RuntimeError(f"the container does not start: {(self.bundle / 'log').read_text()}")

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, 15)
        assert self.process.wait(START_SECONDS) == 0, (self.bundle / "log").read_text()
        assert "server stopped" in (self.bundle / "log").read_text()
        self.log.close()

    def run(self, *command: str) -> str:
        # Docker, Podman and Kubernetes take the user of the image; crun has to be told.
        return run(*privately([*self.crun, "exec", "--user", self.user, NAME, *command]))

    def curl(self, key: str, *arguments: str) -> bytes:
        *options, path = arguments
        command = ["nsenter", "--target", str(self.pid), "--net", "curl", "--silent", "--show-error", "--fail", *options]
        return subprocess.run([*command, "--header", f"Authorization: Bearer {key}", f"http://127.0.0.1:8080{path}"], check=True, capture_output=True).stdout


def privately(command: list[str]) -> list[str]:
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", f"{PRIVATE_CGROUPS}; exec {shlex.join(command)}"]


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, f"{command}: {done.stdout[-1000:]} {done.stderr[-2000:]}"
    return done.stdout


def skip_unless_possible() -> None:
    if os.geteuid() != 0 or subprocess.run(["unshare", "--mount", "--net", "true"], check=False, stderr=subprocess.DEVNULL).returncode:
        print("SKIPPED: this needs root and namespaces")
        sys.exit(0)


if __name__ == "__main__":
    skip_unless_possible()
    main()
