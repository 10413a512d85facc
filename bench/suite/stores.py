"""Object stores of a run's own, each with an empty bucket, and requests straight to them."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from suite import tools
from suite.load import Request
from suite.process import TICKS_PER_SECOND, ProcessTree, free_port, stat_fields

BUCKET = "venna-bench"
REGION = "us-east-1"
START_SECONDS = 10
# A signature of a URL counts so long.
SIGNED_SECONDS = 7 * 86_400
EXPORT = re.compile(r"^export (\w+)=(.*)$", re.MULTILINE)


@dataclass
class Store:
    """A running object store and its bucket."""

    name: str
    endpoint: str
    bucket: str
    key: str
    secret: str
    #: User and system time that its processes have used so far.
    cpu_seconds: Callable[[], float]

    @property
    def port(self) -> int:
        port = urlsplit(self.endpoint).port
        assert port
        return port

    def environment(self) -> dict[str, str]:
        """The variables by which a server finds the bucket."""
        return {
            "AWS_ENDPOINT": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
        }

    def put(self, keys: list[str], size: int) -> Request:
        return Request([self.signed("PUT", key) for key in keys], "PUT", {}, b"", size, b"")

    def get(self, keys: list[str]) -> Request:
        return Request([self.signed("GET", key) for key in keys])

    def signed(self, method: str, key: str) -> str:
        """The path and the query of a URL that carries its signature. The body is not signed. See
        https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html."""
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        scope = f"{moment[:8]}/{REGION}/s3/aws4_request"
        query = {
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
            "X-Amz-Credential": f"{self.key}/{scope}",
            "X-Amz-Date": moment,
            "X-Amz-Expires": str(SIGNED_SECONDS),
            "X-Amz-SignedHeaders": "host",
        }
        path, asked = f"/{self.bucket}/{key}", "&".join(f"{name}={quote(value, safe='')}" for name, value in sorted(query.items()))
        canonical = "\n".join([method, path, asked, f"host:127.0.0.1:{self.port}", "", "host", "UNSIGNED-PAYLOAD"])
        text = "\n".join(["AWS4-HMAC-SHA256", moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        key_of_scope = f"AWS4{self.secret}".encode()
        for word in scope.split("/"):
            key_of_scope = hmac.digest(key_of_scope, word.encode(), "sha256")
        return f"{path}?{asked}&X-Amz-Signature={hmac.digest(key_of_scope, text.encode(), 'sha256').hex()}"


@contextlib.contextmanager
def s3s(folder: Path) -> Iterator[Store]:
    """s3s-fs, which keeps objects as files of this disk and does not fsync them."""
    root, port, key, secret = folder / "store", free_port(), "bench", "bench-secret"
    (root / BUCKET).mkdir(parents=True)
    command = [tools.s3s_fs(), "--host", "127.0.0.1", "--port", str(port), "--access-key", key, "--secret-key", secret, root]
    store = ProcessTree(command, folder / "store.log")
    try:
        store.wait_for(port, START_SECONDS)
        yield Store("s3s-fs", f"http://127.0.0.1:{port}", BUCKET, key, secret, store.cpu_seconds)
    finally:
        store.stop()


@contextlib.contextmanager
def scripted(name: str, folder: Path) -> Iterator[Store]:
    """A store that a script of the tests starts and stops: `rgw` is Ceph's gateway, `garage` Garage."""
    script = tools.REPOSITORY / f"tests/s3/{name}.sh"
    environment = os.environ | {"TMPDIR": str(folder), "VENNA_TEST_CACHE": str(tools.cache().parent)}
    started = subprocess.run([script, "start"], env=environment, stdout=subprocess.PIPE, text=True, check=True)
    variables = dict(EXPORT.findall(started.stdout))
    pids = Path(variables["VENNA_TEST_STORE_FOLDER"], "pids").read_text().split()
    try:
        yield Store(
            name,
            variables["AWS_ENDPOINT"],
            variables["VENNA_TEST_S3_BUCKET"],
            variables["AWS_ACCESS_KEY_ID"],
            variables["AWS_SECRET_ACCESS_KEY"],
            lambda: sum(map(own_seconds, map(int, pids))),
        )
    finally:
        subprocess.run([script, "stop"], env=environment | variables, check=True)


def own_seconds(pid: int) -> float:
    fields = stat_fields(pid)
    return sum(int(fields[place]) for place in range(11, 13)) / TICKS_PER_SECOND if fields else 0.0


STORES: dict[str, Callable[[Path], contextlib.AbstractContextManager[Store]]] = {
    "s3s-fs": s3s,
    "ceph": lambda folder: scripted("rgw", folder),
    "garage": lambda folder: scripted("garage", folder),
}
