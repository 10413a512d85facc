"""Plots as SVG, written by hand: bars on a logarithmic axis, a group for each work; and lines over time, a panel for each figure."""

from __future__ import annotations

import math
from html import escape

COLOURS = {
    "venna": "#2a5bd7",
    "venna-1m": "#2a5bd7",
    "venna-1k": "#7fa0ea",
    "nginx": "#6b6b6b",
    "ogx": "#c98a1b",
    "aibrix": "#3a9a6b",
    "hadrian": "#b4483c",
}
MET, MISSED = "#3a9a6b", "#b4483c"
WIDTH = 960
LABELS_WIDTH = 390
NAMES_WIDTH = 80
VALUES_WIDTH = 90
BAR_HEIGHT = 14
GROUP_GAP = 12
TOP = 56
PANEL_LEFT, PANEL_RIGHT, PANEL_HEIGHT = 250, 30, 80

Bar = tuple[str, float, str, str]
"""Name, length, text behind it, colour."""


def bars(title: str, subtitle: str, groups: list[tuple[str, list[Bar]]], mark: float | None = None) -> str:
    """`mark` is a line across all bars."""
    values = [value for _, group in groups for _, value, _, _ in group if value > 0] + ([mark] if mark else [])
    low = 10 ** math.floor(math.log10(min(values)) - 0.001)
    high = 10 ** math.ceil(math.log10(max(values)) + 0.001)

    def x(value: float) -> float:
        share = (math.log10(max(value, low)) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return LABELS_WIDTH + share * (WIDTH - LABELS_WIDTH - VALUES_WIDTH)

    shapes, y = [], TOP
    for label, group in groups:
        names_width = NAMES_WIDTH if any(name for name, _, _, _ in group) else 6
        shapes.append(text(LABELS_WIDTH - names_width, y + BAR_HEIGHT * len(group) / 2 + 4, label, "end"))
        for name, value, written, colour in group:
            if name:
                shapes.append(text(LABELS_WIDTH - 6, y + BAR_HEIGHT - 3, name, "end", "#555"))
            width = max(x(value) - LABELS_WIDTH, 1)
            shapes.append(f'<rect x="{LABELS_WIDTH}" y="{y + 1}" width="{width:.1f}" height="{BAR_HEIGHT - 2}" fill="{colour}"/>')
            shapes.append(text(LABELS_WIDTH + width + 5, y + BAR_HEIGHT - 3, written, "start", "#333"))
            y += BAR_HEIGHT
        y += GROUP_GAP
    grid = []
    for exponent in range(round(math.log10(low)), round(math.log10(high)) + 1):
        at = x(10.0**exponent)
        grid.append(f'<line x1="{at:.1f}" y1="{TOP - 6}" x2="{at:.1f}" y2="{y}" stroke="#ddd"/>')
        grid.append(text(at, y + 14, f"{10.0**exponent:g}", "middle", "#555"))
    if mark:
        shapes.append(f'<line x1="{x(mark):.1f}" y1="{TOP - 6}" x2="{x(mark):.1f}" y2="{y}" stroke="#111" stroke-width="1.5"/>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 28}" font-family="sans-serif" font-size="11">'
    heading = text(12, 20, title, "start", "#111", 15) + text(12, 38, subtitle, "start", "#555")
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', heading, *grid, *shapes, "</svg>", ""])


def lines(title: str, subtitle: str, minutes: list[float], panels: dict[str, list[float]]) -> str:
    """One panel below the other, each with its own axis from 0 on."""
    shapes, y = [], TOP
    last = max(minutes[-1], 0.001)
    width = WIDTH - PANEL_LEFT - PANEL_RIGHT
    for name, values in panels.items():
        most = max(*values, 0.001)
        shapes.append(text(12, y + 12, name, "start", "#111"))
        shapes.append(text(PANEL_LEFT - 6, y + 12, f"{most:,.1f}", "end", "#555"))
        shapes.append(text(PANEL_LEFT - 6, y + PANEL_HEIGHT, "0", "end", "#555"))
        shapes.append(f'<line x1="{PANEL_LEFT}" y1="{y + PANEL_HEIGHT}" x2="{PANEL_LEFT + width}" y2="{y + PANEL_HEIGHT}" stroke="#ddd"/>')
        points = " ".join(
            f"{PANEL_LEFT + minute / last * width:.1f},{y + PANEL_HEIGHT - value / most * PANEL_HEIGHT:.1f}" for minute, value in zip(minutes, values, strict=True)
        )
        shapes.append(f'<polyline points="{points}" fill="none" stroke="{COLOURS["venna"]}" stroke-width="1.2"/>')
        y += PANEL_HEIGHT + GROUP_GAP
    for tenth in range(0, 11, 2):
        shapes.append(text(PANEL_LEFT + width * tenth / 10, y + 8, f"{last * tenth / 10:.0f} min", "middle", "#555"))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 20}" font-family="sans-serif" font-size="11">'
    heading = text(12, 20, title, "start", "#111", 15) + text(12, 38, subtitle, "start", "#555")
    return "\n".join([head, '<rect width="100%" height="100%" fill="#fff"/>', heading, *shapes, "</svg>", ""])


def text(x: float, y: float, words: str, anchor: str, colour: str = "#111", size: int = 11) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" font-size="{size}">{escape(words)}</text>'
