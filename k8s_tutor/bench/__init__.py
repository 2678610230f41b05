"""``k8s-tutor bench``: how fast we are, as ratios beside other tools and budgets, measured in one run on one machine."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from k8s_tutor.bench.measure import Row

GROUPS: dict[str, tuple[str, ...]] = {
    "kernel": ("B1", "B2"),
    "consensus": ("B3", "B3-go"),
    "history": ("B8", "B9"),
    "serving": ("B4", "B15"),
    "scheduling": ("B5",),
    "rollout": ("B6",),
    "scale": ("B7",),
    "screen": ("B11", "B12", "B13"),
}
"""Module → the rows that it measures."""


def measure(only: list[str] | None = None) -> list[Row]:
    """Measures the wanted rows (all by default). Raises ValueError for a row that does not exist."""
    known = [row for rows in GROUPS.values() for row in rows]
    for name in only or ():
        if name not in known:
            raise ValueError(f"there is no row {name}; there are {', '.join(known)}")
    found: list[Row] = []
    for module, names in GROUPS.items():
        if only is None or any(name in only for name in names):
            sys.stderr.write(f"measuring {', '.join(names)} ...\n")
            found += [row for row in _rows(module)() if only is None or row.id in only]
    return found


def _rows(module: str) -> Callable[[], list[Row]]:
    from importlib import import_module

    rows: Callable[[], list[Row]] = import_module(f"k8s_tutor.bench.{module}").rows
    return rows


def main(as_json: bool, only: str | None) -> int:
    """Measures and prints; the exit status."""
    try:
        rows = measure([name.strip().upper().replace("-GO", "-go") for name in only.split(",")] if only else None)
    except ValueError as error:
        sys.stderr.write(f"k8s-tutor: {error}\n")
        return 2
    if as_json:
        print(json.dumps({"rows": [row._asdict() for row in rows]}, indent=2))
        return 0
    for row in rows:
        peer = f"{row.peer:>12,.1f}" if row.peer is not None else f"{'-':>12}"
        ratio = f"{row.ratio:>6.2f}" if row.ratio is not None else f"{'-':>6}"
        print(f"{row.id:<6} {ratio}  {row.goal:<18} {row.ours:>12,.1f} {peer} {row.unit:<4} {row.what}")
        if row.reason:
            print(f"{'':<6} {'':>6}  {row.reason}")
    return 0
