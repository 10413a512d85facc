"""How the clients of a run reach the server: `VENNA_COMPAT_TRANSPORT`, which `run.sh` describes.

`run.sh` makes the certificate in the folder `VENNA_COMPAT_CERTIFICATE`, and sets the variables by which clients trust it.
"""

from __future__ import annotations

import os
import ssl
from pathlib import Path

NAME = os.environ.get("VENNA_COMPAT_TRANSPORT", "http")
ENCRYPTED = NAME != "http"
HTTP_2 = NAME == "h2"


def flags() -> list[str]:
    """What `venna serve` needs."""
    return ["--tls-cert", str(_certificate()), "--tls-key", str(_certificate().with_name("key.pem"))] if ENCRYPTED else []


def curl_options() -> list[str]:
    return {"http": [], "tls": ["--http1.1"], "h2": ["--http2"]}[NAME]


def of_openai(client: type) -> dict[str, object]:
    """The options of an OpenAI client, whose HTTP client is of this type."""
    return {"http_client": client(http2=True)} if HTTP_2 else {}


def context() -> ssl.SSLContext | None:
    """For connections that a test makes by hand, in HTTP/1.1."""
    if not ENCRYPTED:
        return None
    made = ssl.create_default_context(cafile=str(_certificate()))
    made.set_alpn_protocols(["http/1.1"])
    return made


def _certificate() -> Path:
    return Path(os.environ["VENNA_COMPAT_CERTIFICATE"]) / "chain.pem"
