"""What is to be said of one scheduling decision, as rows: the sentence, the table of nodes and plugins, what a pod waits for.

The panel of verdicts, the inspector and plain text are all made of these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8s_tutor.cluster.views import ClusterView, QueuedView, VerdictView
from k8s_tutor.ui.draw import gauge, shorten, wrap
from k8s_tutor.ui.rows import Row, text_of
from k8s_tutor.ui.words import count, listed, stamp

SHORT = {
    "NodeResourcesFit": "fit",
    "NodeResourcesBalancedAllocation": "balance",
    "ImageLocality": "image",
    "TaintToleration": "taints",
    "NodeAffinity": "affinity",
    "PodTopologySpread": "spread",
    "InterPodAffinity": "pods",
}
"""Plugins at the head of a column."""
PLACES = {
    "flying": ("being decided", "you"),
    "active": ("is next in line", "peer"),
    "backoff": ("backs off", "warn"),
    "error": ("backs off", "warn"),
    "unschedulable": ("unschedulable", "fail"),
    "gated": ("held by gates", "dim"),
}
"""Place in the queue → (words, role)."""
TOTAL = 6
"""Cells of the sum, with the blank before it."""
CELL = 8
"""Cells of a plugin's column, with the blank before it."""


class Case(NamedTuple):
    """A pod, with the latest verdict on it and its place in the queue."""

    pod: str
    verdict: VerdictView | None
    queued: QueuedView | None

    @property
    def name(self) -> str:
        """As it is shown: pods of ``default`` without their namespace."""
        return self.pod.removeprefix("default/")


class Line(NamedTuple):
    """A row, and what is selected by it."""

    row: Row
    target: str = ""


class Score(NamedTuple):
    """A feasible node: (raw, from 0 to 100, times the weight) of each plugin, and the sum."""

    node: str
    given: tuple[tuple[int, int, int], ...]
    total: int


def cases(view: ClusterView) -> list[Case]:
    """All pods of which something is known, the latest first; those that wait without a verdict at the end."""
    queued = {one.pod: one for one in view.queue}
    found = [Case(one.pod, one, queued.get(one.pod)) for one in reversed(view.verdicts)]
    known = {case.pod for case in found}
    return found + [Case(one.pod, None, one) for one in view.queue if one.pod not in known]


def picked_case(view: ClusterView, selected: str) -> tuple[Case | None, str]:
    """(the pod that is looked at, the node of it that is selected): of the selected pod or verdict, else the latest."""
    every = cases(view)
    pod, _, node = selected.removeprefix("verdict ").partition(" ")
    case = next((one for one in every if one.pod == pod), None)
    if case is None:
        return (every[0] if every else None), ""
    return case, node


def scores(verdict: VerdictView) -> list[Score]:
    """The feasible nodes: the chosen one first, then by their sum."""
    totals = {node: total for node, reason, _, total in verdict.rows if not reason}
    found = [
        Score(node, tuple((raw[i], normal[i], normal[i] * weight) for _, weight, raw, normal in verdict.columns), totals[node])
        for i, node in enumerate(verdict.feasible)
    ]
    return sorted(found, key=lambda one: (one.node != verdict.chosen, -one.total))


# ------------------------------------------------------------------------------------------------------ sentences


def sentence(case: Case) -> tuple[str, str]:
    """(why it is so, role): the winning margin, or what the condition of the pod says."""
    verdict = case.verdict
    if verdict is None:
        gates = case.queued.gates if case.queued is not None else ()
        held = f"It does not queue up while it carries {listed(list(gates), 6)}." if gates else "No decision on it yet."
        return held, "dim"
    if not verdict.chosen:
        return verdict.message, "fail"
    return " ".join((_margin(verdict), *_unseen(verdict))), "text"


def _unseen(verdict: VerdictView) -> list[str]:
    if verdict.before and verdict.before[-1].node == verdict.chosen:
        return ["It was emptied for this pod, so no other was looked at."]
    if not verdict.skipped:
        return []
    return [f"{count(verdict.skipped, 'node')} were not looked at: {len(verdict.feasible)} that will do are enough."]


def _margin(verdict: VerdictView) -> str:
    """``node-2 beats node-1 by 12: fit +10, balance +2.``"""
    ranked = scores(verdict)
    if len(ranked) < 2:
        return f"{'Only ' if not verdict.skipped else ''}{verdict.chosen} passes every filter: nothing to score."
    best, second = ranked[0], ranked[1]
    if best.total == second.total:
        equal = [one.node for one in ranked if one.total == best.total]
        return f"{listed(equal, 4)} are equal with {best.total}; the first that was looked at wins."
    gaps = [
        (mine[2] - theirs[2], short(plugin))
        for (plugin, *_), mine, theirs in zip(verdict.columns, best.given, second.given, strict=True)
    ]
    gaps = sorted((gap for gap in gaps if gap[0]), key=lambda gap: -abs(gap[0]))
    words = ", ".join(f"{plugin} {points:+}" for points, plugin in gaps).replace("-", "−")
    return f"{best.node} beats {second.node} by {best.total - second.total}: {words}."


def short(plugin: str) -> str:
    """A plugin in one word."""
    return SHORT.get(plugin, plugin)


# ------------------------------------------------------------------------------------------------------ the table


class Table(NamedTuple):
    """Head and rows of the table, and how it stands: columns of which plugins, and how wide the names are."""

    head: Row
    lines: tuple[Line, ...]


def table(verdict: VerdictView, width: int, node: str = "", name: Callable[[str], str] = str) -> Table:
    """Nodes by plugins: the chosen node, the others by their sum, then those that were refused, each with who refused it.
    ``node``: the one that is selected; ``name``: what a node is called."""
    names = [name(one) for one, *_ in verdict.rows]
    wide = min(max((len(one) for one in names), default=6), max(6, width // 4)) + 4
    ranked = scores(verdict)
    shown, rest = _columns(verdict, ranked, width - wide - TOTAL)
    refused = [(one, reason) for one, reason, *_ in verdict.rows if reason]
    plugins = dict(verdict.refused_by)
    by = 0 if width < 64 else min(max((len(plugins.get(refusing, "")) for refusing, _ in refused), default=0), 31)
    lines: list[Line] = []
    for one in ranked:
        role = "leader" if one.node == verdict.chosen else "text"
        cells = _cells(verdict, ranked, one, shown, rest)
        total: Row = ((f"{one.total:>{TOTAL}}", f"{role}+bold" if role == "leader" else "bright"),) if verdict.columns else ()
        row = (*_name("★ " if role == "leader" else "  ", name(one.node), wide, role, one.node == node), *cells, *total)
        lines.append(Line((*row, *_gap(ranked, one, width - sum(len(text) for text, _ in row))), _target(verdict, one.node)))
    for refusing, reason in refused:
        row = _name("✗ ", name(refusing), wide, "fail", refusing == node)
        who = plugins.get(refusing, "")
        who = f"{who.ljust(by)}  " if by and who else ""
        words = shorten(reason, max(8, width - wide - len(who)))
        lines.append(Line((*row, (who, "dim"), (words, "fail")), _target(verdict, refusing)))
    head: Row = ((" " * wide, "dim"),)
    if verdict.columns:
        head = (*head, *((short(verdict.columns[i][0])[: CELL - 1].rjust(CELL), "dim") for i in shown))
        head = (*head, *((("others".rjust(CELL), "dim"),) if rest else ()), ("sum".rjust(TOTAL), "dim"))
    return Table(head if verdict.columns else (), tuple(lines))


def _target(verdict: VerdictView, node: str) -> str:
    return f"verdict {verdict.pod} {node}"


def _name(mark: str, node: str, wide: int, role: str, selected: bool) -> Row:
    role = "dim" if role == "fail" else role
    mark_role = "fail" if mark.startswith("✗") else "leader"
    return (mark, mark_role), (shorten(node, wide - 4).ljust(wide - 2), f"{role}+selected" if selected else role)


def _columns(verdict: VerdictView, ranked: list[Score], cells: int) -> tuple[list[int], list[int]]:
    """(indices of the plugins that get a column, of those that are summed up): those that tell the nodes apart go first."""
    every = [i for i, (_, _, _, normal) in enumerate(verdict.columns) if any(normal)]
    room = max(0, cells // CELL)
    if len(every) <= room:
        return every, []
    points = {i: [one.given[i][2] for one in ranked] for i in every}
    telling = sorted(every, key=lambda i: (min(points[i]) - max(points[i]), -max(points[i])))
    shown = sorted(telling[: max(0, room - 1)])
    return shown, [i for i in every if i not in shown]


def _cells(verdict: VerdictView, ranked: list[Score], one: Score, shown: list[int], rest: list[int]) -> Row:
    """``92   100×3``: what each plugin gives, and how often that counts. Where the nodes differ the best stands out."""
    out: list[tuple[str, str]] = []
    for i in shown:
        weight, points = verdict.columns[i][1], one.given[i][1]
        times = f"×{weight}" if weight != 1 else "  "
        column = [other.given[i][1] for other in ranked]
        role = "dim" if len(set(column)) < 2 else "ok" if points == max(column) else "text"
        out += [(f"{points}".rjust(CELL - len(times)), role), (times, "line" if role == "dim" else "dim")]
    if rest:
        out.append((f"{sum(one.given[i][2] for i in rest)}".rjust(CELL), "dim"))
    return tuple(out)


def _gap(ranked: list[Score], one: Score, cells: int) -> Row:
    """A bar, and how far behind the first."""
    best = ranked[0].total
    behind = f"−{best - one.total}" if one.total < best else ""
    if cells < 8 or not best:
        return ()
    bar = min(20, cells - 8)
    first = one is ranked[0]
    drawn: Row = ((f"  {gauge(one.total, best, bar)}", "leader" if first else "load"),) if bar >= 5 else (("  ", "text"),)
    return (*drawn, (f" {behind}", "dim"))


def node_lines(verdict: VerdictView, node: str, width: int) -> list[Row]:
    """All that was said of one node: each filter, then each score: ``taints 0 → 100 ×3 = 300``."""
    reason = next((reason for name, reason, *_ in verdict.rows if name == node), None)
    if reason is None:
        return []
    by = dict(verdict.refused_by).get(node, "")
    passed = verdict.filters[: verdict.filters.index(by)] if by in verdict.filters else () if by else verdict.filters
    rows: list[Row] = [((f"{node}  ", "bright"), (f"passed {count(len(passed), 'filter')}" if passed else "", "ok"))]
    if passed:
        rows += [((f"  {line}", "dim"),) for line in wrap(", ".join(passed), width - 2)]
    if by:
        rows += [((f"  {line}", "fail"),) for line in wrap(f"✗ {by}: {reason}", width - 2)]
    one = next((one for one in scores(verdict) if one.node == node), None)
    if one is not None and one.given:
        sums = []
        for (plugin, weight, *_), (raw, points, product) in zip(verdict.columns, one.given, strict=True):
            made = f"{raw} → {points}" if raw != points else f"{points}"
            sums.append(f"{short(plugin)} {made} ×{weight} = {product}")
        rows += [((f"  {line}", "text"),) for line in wrap(f"{' · '.join(sums)} · sum {one.total}", width - 2)]
    return rows


# ------------------------------------------------------------------------------------------------------ waiting


def waiting_lines(case: Case, width: int) -> list[Row]:
    """What becomes of a pod without a node: who must go for it, where it waits, what would wake it."""
    rows: list[Row] = []
    verdict, queued = case.verdict, case.queued
    if verdict is not None and verdict.nominated and not verdict.chosen:
        victims = listed([victim.removeprefix("default/") for victim in verdict.victims], 6)
        rows += labelled("victims", f"{victims} must leave {verdict.nominated}, which is nominated", "leader", width)
    if queued is not None:
        rows += labelled("queue", place(queued), PLACES[queued.place][1], width)
        if queued.wakes:
            rows += labelled("wakes on", " · ".join(queued.wakes), "text", width)
    return rows


def place(queued: QueuedView) -> str:
    """``unschedulable since 41.900, tried 3 times, not before 45.900``."""
    words = [f"{PLACES[queued.place][0]} since {stamp(queued.since)}"]
    if queued.attempts:
        words.append(f"tried {'once' if queued.attempts == 1 else f'{queued.attempts} times'}")
    if queued.until:
        words.append(f"not before {stamp(queued.until)}")
    if queued.priority:
        words.append(f"priority {queued.priority}")
    return ", ".join(words)


def past_lines(case: Case, width: int) -> list[Row]:
    """The earlier attempts, the latest first."""
    verdict = case.verdict
    rows: list[Row] = []
    for one in reversed(verdict.before if verdict is not None else ()):
        said = f"#{one.number}  {stamp(one.at)}  {f'→ {one.node}' if one.node else brief(one.message)}"
        rows.append((("before".ljust(10) if not rows else " " * 10, "dim"), (shorten(said, max(8, width - 10)), "dim")))
    return rows


def brief(message: str) -> str:
    """A message without what it says of preemption: ``0/3 nodes are available: 3 Insufficient cpu.``"""
    head, dot, _ = message.partition(". ")
    return f"{head}." if dot else head


def labelled(label: str, value: str, role: str, width: int) -> list[Row]:
    """A label, and its value beside it, wrapped."""
    lines = wrap(value, max(8, width - 10))
    return [((label.ljust(10) if not number else " " * 10, "dim"), (line, role)) for number, line in enumerate(lines)]


def plain(view: ClusterView, pod: str, width: int = 100) -> str:
    """Everything about one pod as text; raises LookupError for one that no scheduler has seen."""
    case = next((one for one in cases(view) if one.pod == pod), None)
    if case is None:
        raise LookupError(f"no scheduler has decided about {pod} yet")
    lines = explain(case, width)
    return "\n".join(text_of(line.row).rstrip() for line in lines)


def explain(case: Case, width: int) -> list[Line]:
    """Head, sentence, table and what it waits for, one below the other."""
    words, role = sentence(case)
    lines = [Line(headline(case, width)), *[Line(((line, role),)) for line in wrap(words, width)]]
    lines += [Line(row) for row in waiting_lines(case, width)]
    if case.verdict is not None:
        found = table(case.verdict, width)
        lines += [Line(()), *([Line(found.head)] if found.head else []), *found.lines]
    past = past_lines(case, width)
    return lines + ([Line(()), *[Line(row) for row in past]] if past else [])


def headline(case: Case, width: int) -> Row:
    """``web-1  → node-2   attempt 2``."""
    verdict = case.verdict
    name = shorten(case.name, max(8, width // 2))
    said, role = "◌ waits", "warn"
    if verdict is not None and verdict.chosen:
        said, role = f"→ {verdict.chosen}", "leader+bold"
    elif verdict is not None:
        said, role = (f"◌ waits for {verdict.nominated}", "leader") if verdict.nominated else ("✗ no node", "fail")
    attempt = f"   attempt {verdict.attempt}" if verdict is not None and verdict.attempt > 1 else ""
    if len(name) + len(said) + len(attempt) + 2 > width:
        attempt = ""
    return (name, "bright+bold"), (f"  {said}", role), (attempt, "dim")
