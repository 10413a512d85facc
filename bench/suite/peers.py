"""The servers beside which Venna is measured: nginx as the bound of what files over HTTP can do, and the Files APIs."""

from __future__ import annotations

import json
import os
from pathlib import Path

from suite.load import LoadClient, Request
from suite.servers import Server, version_of

# As large as the answer that describes one file.
FILE_OBJECT_BYTES = 300
WORKER_PROCESSES = os.cpu_count() or 2


class Nginx(Server):
    """A file is PUT and read back by sendfile; a retrieve is a small static file."""

    name = "nginx"
    durable = "no"

    def __init__(self, folder: Path, client: LoadClient) -> None:
        super().__init__(folder, client)
        self.version = version_of(["nginx", "-v"], r"nginx/(\S+)")
        self._runs = 0

    def command(self) -> list[str | Path]:
        for name in ("root/put", "root/meta", "body"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "nginx.conf").write_text(self._configuration())
        return ["nginx", "-c", self.folder / "nginx.conf", "-p", self.folder, "-e", "stderr"]

    def _configuration(self) -> str:
        user = "user root;" if os.geteuid() == 0 else ""
        return f"""
{user}
daemon off;
worker_processes {WORKER_PROCESSES};
pid {self.folder}/nginx.pid;
error_log stderr notice;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    keepalive_requests 1000000000;
    keepalive_timeout 3600s;
    client_max_body_size 0;
    client_body_temp_path {self.folder}/body;
    server {{
        listen {self.listen()};
        root {self.folder}/root;
        location /put/ {{ dav_methods PUT DELETE; create_full_put_path on; }}
    }}
}}
"""

    def listen(self) -> str:
        """What follows `listen` in its configuration."""
        return f"127.0.0.1:{self.port}"

    def upload(self, size: int) -> Request:
        self._runs += 1
        return Request([f"/put/{self._runs}-{{n}}"], "PUT", {}, b"", size, b"", 201)

    def files(self, size: int, count: int) -> list[str]:
        ids = self._ids.setdefault(size, [])
        if len(ids) < count:
            request = self.upload(size)
            self.client.run(self.port, request, 4, requests=count)
            ids[:] = [request.paths[0].replace("{n}", str(number)) for number in range(count)]
            for id in ids:
                (self.folder / "root/meta" / Path(id).name).write_text("m" * FILE_OBJECT_BYTES)
        return ids[:count]

    def retrieve(self, ids: list[str]) -> Request:
        return Request([f"/meta/{Path(id).name}" for id in ids])

    def content(self, ids: list[str]) -> Request:
        return Request(ids)


class Ogx(Server):
    """The files API of OGX alone, on its local store and SQLite."""

    name = "ogx"
    durable = "no"

    def __init__(self, folder: Path, client: LoadClient, venv: Path, version: str) -> None:
        super().__init__(folder, client)
        self.venv = venv
        self.version = version

    def command(self) -> list[str | Path]:
        def store(**keys: str) -> dict[str, str]:
            return keys

        provider = {"storage_dir": f"{self.folder}/files", "metadata_store": store(table_name="files", backend="sql_default")}
        configuration = {
            "version": 2,
            "distro_name": "bench",
            "image_name": "bench",
            "apis": ["files"],
            "providers": {"files": [{"provider_id": "local", "provider_type": "inline::localfs", "config": provider}]},
            "storage": {
                "backends": {
                    "kv_default": store(type="kv_sqlite", db_path=f"{self.folder}/kv.db"),
                    "sql_default": store(type="sql_sqlite", db_path=f"{self.folder}/sql.db"),
                },
                "stores": {
                    "metadata": store(namespace="registry", backend="kv_default"),
                    "inference": store(table_name="inference", backend="sql_default"),
                    "conversations": store(table_name="conversations", backend="sql_default"),
                    "prompts": store(namespace="prompts", backend="kv_default"),
                },
            },
            "server": {"host": "127.0.0.1", "port": self.port},
        }
        # JSON is YAML.
        (self.folder / "config.yaml").write_text(json.dumps(configuration))
        return [self.venv / "bin/ogx", "run", self.folder / "config.yaml", "--insecure"]

    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.folder)}


class Aibrix(Server):
    """AIBrix's metadata service on its local store; it takes purpose `batch` and `.jsonl` only."""

    name = "aibrix"
    durable = "yes"

    def __init__(self, folder: Path, client: LoadClient, venv: Path, version: str) -> None:
        super().__init__(folder, client)
        self.venv = venv
        self.version = version

    def command(self) -> list[str | Path]:
        return [self.venv / "bin/aibrix_metadata", "--host", "127.0.0.1", "--port", str(self.port), "--dry-run"]

    def environment(self) -> dict[str, str]:
        return {"STORAGE_TYPE": "local", "STORAGE_LOCAL_PATH": str(self.folder / "files"), "HOME": str(self.folder)}

    def upload_fields(self) -> dict[str, str]:
        return {"purpose": "batch"}

    def filename(self) -> str:
        return "data.jsonl"


class Hadrian(Server):
    """Hadrian's files API on SQLite without authentication; uploads name their owner."""

    name = "hadrian"
    durable = "yes"
    # With 16 it answers 500 to some: its database is locked.
    upload_connections = 8

    def __init__(self, folder: Path, client: LoadClient, program: Path, version: str) -> None:
        super().__init__(folder, client)
        self.program = program
        self.version = version
        self._owner = ""

    def command(self) -> list[str | Path]:
        lines = ["[server]", 'host = "127.0.0.1"', f"port = {self.port}", "[database]", 'type = "sqlite"', f'path = "{self.folder}/db"']
        (self.folder / "config.toml").write_text("\n".join([*lines, "[auth.mode]", 'type = "none"', ""]))
        return [self.program, "-c", self.folder / "config.toml", "--no-browser"]

    def environment(self) -> dict[str, str]:
        return {"NO_COLOR": "1", "HOME": str(self.folder)}

    def started(self) -> None:
        self._owner = self.wait_for_log(r"user_id=([0-9a-f-]{36})")[1]

    def files_path(self) -> str:
        return "/api/v1/files"

    def upload_fields(self) -> dict[str, str]:
        return {"purpose": "assistants", "owner_type": "user", "owner_id": self._owner}

    def list(self, limit: int) -> Request:
        return Request([f"{self.files_path()}?owner_type=user&owner_id={self._owner}&limit={limit}"])
