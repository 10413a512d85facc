"""The results as Markdown, JSON and plots."""

from __future__ import annotations

import dataclasses
import json
import os
import platform
import statistics
import subprocess
import time
from pathlib import Path

from suite import plot
from suite.targets import UNMEASURED, Medians, Verdict, judge, quoted
from suite.tools import REPOSITORY
from suite.works import Sample, Scale, Work

Samples = dict[str, dict[str, list[Sample]]]
"""By work and server, a sample a pass."""


@dataclasses.dataclass
class Results:
    works: list[Work]
    samples: Samples
    resources: dict[str, float]
    #: Of each server that ran: version and whether an upload is durable.
    servers: dict[str, dict[str, str]]
    scale: Scale
    passes: int
    seconds: float = 0

    def titles(self) -> dict[str, str]:
        return {work.name: work.title for work in self.works}

    def medians(self) -> Medians:
        return {work: {name: statistics.median(sample.value for sample in taken) for name, taken in by.items()} for work, by in self.samples.items()}

    def verdicts(self) -> list[Verdict]:
        return judge(self.medians(), self.titles(), self.resources)


def machine() -> dict[str, str]:
    info = Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), platform.machine())
    load = " ".join(f"{value:.2f}" for value in os.getloadavg())
    return {"cpu": f"{os.cpu_count()} x {model}", "kernel": platform.release(), "load average at the end": load}


def revision() -> str:
    done = subprocess.run(["git", "-C", REPOSITORY, "describe", "--always", "--dirty"], capture_output=True, text=True)
    return done.stdout.strip() or "unknown"


def markdown(results: Results, quick: bool) -> str:
    lines = ["# Benchmark", "", f"{time.strftime('%Y-%m-%d')}, revision {revision()}, {results.passes} alternating pass{'es' if results.passes > 1 else ''}, {results.seconds / 60:.0f} minutes."]
    if quick:
        lines.append(f"A quick run: {results.scale.million:,} files stand for 1 M, {results.scale.huge_bytes >> 20} MiB for 1 GiB.")
    lines += [", ".join(f"{name}: {value}" for name, value in machine().items()), ""]
    lines += ["| server | version | an upload is durable |", "|---|---|---|"]
    lines += [f"| {name} | {facts['version']} | {facts['durable']} |" for name, facts in results.servers.items()]
    lines += ["", "## Targets", "", "| work | target | measured | |", "|---|---|---|---|"]
    marks = {True: "met", False: "missed", None: ""}
    for verdict in results.verdicts():
        note = f" ({verdict.note})" if verdict.note else ""
        lines.append(f"| {verdict.title}{note} | {verdict.target} | {verdict.measured} | {marks[verdict.met]} |")
    lines += [f"| {target} | | not measured | |" for target in UNMEASURED]
    lines += ["", "## Measurements", "", "| work | server | median | lowest-highest | CPU us/request | peak MiB | p99 ms | failed |", "|---|---|---|---|---|---|---|---|"]
    for work in results.works:
        for name, samples in results.samples.get(work.name, {}).items():
            lines.append(f"| {work.title} | {name} | {measured(samples, work.unit)} |")
        lines += quoted_rows(work, results)
    lines += [""]
    return "\n".join(lines)


def measured(samples: list[Sample], unit: str) -> str:
    values = [sample.value for sample in samples]
    failures: dict[str, int] = {}
    for sample in samples:
        for what, count in sample.failures.items():
            failures[what] = failures.get(what, 0) + count
    cpu = statistics.median(sample.cpu_us_per_request or 0 for sample in samples)
    peak = max(sample.peak_mib or 0 for sample in samples)
    p99 = statistics.median(sample.p99_ms or 0 for sample in samples)
    spread = f"{number(min(values))}-{number(max(values))}"
    failed = ", ".join(f"{what}: {count}" for what, count in failures.items())
    return f"{number(statistics.median(values))} {unit} | {spread} | {cpu:,.0f} | {peak:.0f} | {p99:.2f} | {failed}"


def quoted_rows(work: Work, results: Results) -> list[str]:
    figures = quoted()
    rows = []
    for name, known in figures["figures"].items():
        if name in work.servers and name not in results.samples.get(work.name, {}) and work.name in known:
            rows.append(f"| {work.title} | {name} {figures['versions'][name]}, quoted {figures['measured']} | {number(known[work.name])} {work.unit} | | | | | |")
    return rows


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def save(results: Results, folder: Path, quick: bool) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "latest.md").write_text(markdown(results, quick))
    document = {
        "date": time.strftime("%Y-%m-%d"),
        "revision": revision(),
        "machine": machine(),
        "scale": dataclasses.asdict(results.scale) | {"passes": results.passes},
        "servers": results.servers,
        "works": {
            work.name: {
                "title": work.title,
                "unit": work.unit,
                "samples": {name: [dataclasses.asdict(sample) for sample in taken] for name, taken in results.samples.get(work.name, {}).items()},
            }
            for work in results.works
        },
        "resources": results.resources,
        "targets": [dataclasses.asdict(verdict) for verdict in results.verdicts()],
    }
    (folder / "latest.json").write_text(json.dumps(document, indent=1) + "\n")
    for name, drawing in plots(results).items():
        (folder / f"{name}.svg").write_text(drawing)


def plots(results: Results) -> dict[str, str]:
    drawings = {}
    medians = results.medians()
    subtitle = f"medians, logarithmic; {time.strftime('%Y-%m-%d')}, revision {revision()}"
    for name, unit in (("requests", "requests/s"), ("bytes", "GB/s")):
        groups = [
            (work.title, [(server, value, number(value), plot.COLOURS[server]) for server, value in medians[work.name].items()])
            for work in results.works
            if work.unit == unit and medians.get(work.name)
        ]
        if groups:
            drawings[name] = plot.bars(f"{unit}, more is better", subtitle, groups)
    reached = [(verdict, verdict.reached) for verdict in results.verdicts() if verdict.reached]
    if reached:
        groups = [(verdict.title, [("", share, verdict.measured, plot.MET if verdict.met else plot.MISSED)]) for verdict, share in reached]
        drawings["targets"] = plot.bars("Measured against the target", f"the line is the target; {subtitle}", groups, mark=1)
    return drawings
