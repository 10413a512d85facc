"""What Venna is to reach: ratios to a peer in the same run, and limits. Figures of peers that did not run are quoted."""

from __future__ import annotations

import json
from dataclasses import dataclass

from suite.load import BENCH


@dataclass(frozen=True)
class Target:
    """Work `work` of `server` reaches `ratio` times what `against` reaches in `other_work`."""

    work: str
    against: str
    ratio: float
    other_work: str = ""
    server: str = "venna"


@dataclass(frozen=True)
class Limit:
    name: str
    title: str
    at_most: float
    unit: str


@dataclass(frozen=True)
class Verdict:
    title: str
    target: str
    measured: str
    met: bool | None
    #: How far it is: 1 is the target itself, more is better; nothing when it was not measured.
    reached: float | None
    note: str = ""


TARGETS = [
    Target("upload-4k-c64", "nginx", 1.0),
    Target("upload-4k-c64", "hadrian", 15, "upload-4k-c16"),
    Target("upload-4k-c64", "ogx", 100, "upload-4k-c16"),
    Target("upload-1m-c4", "nginx", 0.6),
    Target("upload-64m", "nginx", 0.6),
    Target("upload-64m", "in-line pipeline", 2.0),
    Target("upload-1g", "nginx", 0.6),
    Target("upload-1g", "in-line pipeline", 2.0),
    Target("content-4k-c16", "nginx", 0.7),
    Target("content-4k-c64", "nginx", 0.7),
    Target("content-4k-c16", "hadrian", 8),
    Target("content-1m-c16", "nginx", 1.5),
    Target("content-64m-c4", "nginx", 1.5),
    Target("content-1g", "nginx", 1.0),
    Target("retrieve-c16", "nginx", 0.5),
    Target("retrieve-c16", "hadrian", 3),
    Target("list-1m", "hadrian", 100, "list-c16", "venna-1m"),
    Target("list-1m", "venna-1k", 1 / 1.2, "list-1k", "venna-1m"),
    Target("delete-c16", "aibrix", 20),
]
LIMITS = [
    Limit("memory-idle", "memory, idle with 1 M files", 64, "MiB"),
    Limit("memory-upload", "memory per upload, 64 at once", 1, "MiB"),
    Limit("memory-download", "memory per download, 64 at once", 1, "MiB"),
    Limit("memory-huge", "memory, 1 GiB above 8 MiB", 1, "MiB"),
    Limit("start-1m", "start with 1 M files to the first answer", 200, "ms"),
]
# Targets that nothing here can measure yet.
UNMEASURED = ["PostgreSQL and S3: upload and content 64 MiB against the same PUT and GET on the store, >= 0.8x"]

Medians = dict[str, dict[str, float]]


def quoted() -> dict:
    return json.loads((BENCH / "quoted.json").read_text())


def judge(medians: Medians, titles: dict[str, str], resources: dict[str, float]) -> list[Verdict]:
    figures = quoted()
    verdicts = [judge_ratio(target, medians, titles, figures) for target in TARGETS if target.work in titles]
    for limit in LIMITS:
        if (value := resources.get(limit.name)) is not None:
            reached = limit.at_most / max(value, 0.01)
            verdicts.append(Verdict(limit.title, f"<= {limit.at_most:g} {limit.unit}", f"{value:.2f} {limit.unit}", value <= limit.at_most, reached))
    return verdicts


def judge_ratio(target: Target, medians: Medians, titles: dict[str, str], figures: dict) -> Verdict:
    title = f"{titles[target.work]} against {target.against}"
    goal = f">= {target.ratio:.3g}x"
    work = target.other_work or target.work
    other, note = medians.get(work, {}).get(target.against), ""
    if other is None and target.against in figures["ratios_to_nginx"]:
        share = figures["ratios_to_nginx"][target.against].get(work)
        nginx = medians.get(work, {}).get("nginx")
        other, note = (share * nginx if share and nginx else None), f"{share} of nginx, quoted {figures['measured']}"
    if other is None and (other := figures["figures"].get(target.against, {}).get(work)):
        note = f"{other:g} quoted {figures['measured']}"
    own = medians.get(target.work, {}).get(target.server)
    if own is None or other is None:
        return Verdict(title, goal, "not measured", None, None)
    if not other:
        return Verdict(title, goal, "the peer gave no answer", True, None, note)
    ratio = own / other
    return Verdict(title, goal, f"{ratio:.3g}x", ratio >= target.ratio, ratio / target.ratio, note)
