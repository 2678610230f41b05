"""What is to be said of one scheduling decision, as rows: the sentence, the table of nodes and plugins, what a pod waits for.

The panel of verdicts and the inspector are made of these.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from k8s_tutor.cluster import verdictwords
from k8s_tutor.cluster.verdictwords import Score, scores, short
from k8s_tutor.cluster.views import ClusterView, QueuedView, VerdictView
from k8s_tutor.ui.draw import gauge, shorten, wrap
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.words import count, stamp

ROLES = {
    "flying": "you", "permit": "leader", "active": "peer", "backoff": "warn", "error": "warn", "unschedulable": "fail",
    "gated": "dim",
}  # fmt: skip
"""Place in the queue → role."""
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


# ------------------------------------------------------------------------------------------------------ sentences


def sentence(case: Case) -> tuple[str, str]:
    """(why it is so, role): the winning margin, or what the condition of the pod says."""
    if case.verdict is None:
        gates = case.queued.gates if case.queued is not None else ()
        return ("It does not queue up while it carries gates." if gates else "No decision on it yet."), "dim"
    return verdictwords.sentence(case.verdict), "text" if case.verdict.chosen else "fail"


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
    points = {i: [one.given[i][1] for one in ranked] for i in shown}
    most = {i: max(given) if len(set(given)) > 1 else -1 for i, given in points.items()}
    lines: list[Line] = []
    for one in ranked:
        role = "leader" if one.node == verdict.chosen else "text"
        cells = _cells(verdict, one, most, rest)
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


def _cells(verdict: VerdictView, one: Score, most: dict[int, int], rest: list[int]) -> Row:
    """``92   100×3``: what each plugin gives, and how often that counts. Where the nodes differ the best stands out: ``most``
    has the index of each plugin with its highest score, or -1 where all are alike."""
    out: list[tuple[str, str]] = []
    for i, best in most.items():
        weight, points = verdict.columns[i][1], one.given[i][1]
        times = f"×{weight}" if weight != 1 else "  "
        role = "dim" if best < 0 else "ok" if points == best else "text"
        out += [(f"{points}".rjust(CELL - len(times)), role), (times, "dim")]
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
    for label, words in verdictwords.waiting(case.verdict, case.queued):
        role = "leader" if label == "victims" else "text"
        if label == "queue" and case.queued is not None:
            role = ROLES[case.queued.place]
        rows += labelled(label, words, role, width)
    return rows


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
