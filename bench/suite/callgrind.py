"""Instructions of a server, counted by valgrind's callgrind: they hardly depend on the machine's load."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from suite.load import Request
from suite.servers import Server, Venna

WARM_UP_REQUESTS = 20


class UnderCallgrind:
    """A Venna whose command runs under callgrind; the profile lies in its folder."""

    def __init__(self, venna: Venna) -> None:
        plain = venna.command
        self.venna = venna
        self.profile = venna.folder / "callgrind.out"
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.profile}", "--dump-line=no"]
        venna.command = lambda: [*valgrind, *plain()]  # type: ignore[method-assign]

    def count(self, request_of: Callable[[Venna], Request], requests: int) -> int:
        with self.venna:
            request = request_of(self.venna)
            ask(self.venna, request, WARM_UP_REQUESTS)
            ask(self.venna, request, requests)
        return int(re.search(r"^(?:summary|totals): (\d+)", self.profile.read_text(), re.MULTILINE)[1])


def instructions_per_request(copy: Callable[[], Venna], request_of: Callable[[Venna], Request], requests: int) -> int:
    """The difference between a run of N requests and one of 2N, by N. Each run has a fresh copy."""
    totals = []
    for count in (requests, 2 * requests):
        venna = copy()
        totals.append(UnderCallgrind(venna).count(request_of, count))
        shutil.rmtree(venna.folder)
    return round((totals[1] - totals[0]) / requests)


def ask(server: Server, request: Request, requests: int) -> None:
    outcome = server.client.run(server.port, request, 1, requests=requests)
    if outcome.failures:
        raise RuntimeError(f"not every request succeeded: {outcome.failures}")
