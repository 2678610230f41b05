"""Why this node? The scheduler's own table: which filter refused a node, and what each plugin gave the others."""

from __future__ import annotations

from k8s_tutor.cluster.views import VerdictView
from k8s_tutor.ui.draw import Canvas, gauge, shorten, squeeze
from k8s_tutor.ui.panels.panel import panel, picked
from k8s_tutor.ui.rows import Row
from k8s_tutor.ui.scene import Picture, Scene
from k8s_tutor.ui.words import stamp

_SHORT = {
    "NodeResourcesFit": "fit",
    "NodeResourcesBalancedAllocation": "balance",
    "ImageLocality": "image",
    "TaintToleration": "taints",
    "NodeAffinity": "affinity",
    "PodTopologySpread": "spread",
    "InterPodAffinity": "pods",
}


@panel
def render(scene: Scene, width: int, height: int) -> Picture:
    """The verdict on the selected pod, else the newest, as a table; other pods as lines below."""
    canvas = Canvas(width, height)
    title = scene.lens.word("verdicts", "Why this node?")
    verdicts = scene.view.verdicts
    if not verdicts:
        canvas.put(0, 0, "the scheduler has decided nothing yet", "dim")
        return canvas.picture(title)
    wanted = scene.selected.removeprefix("verdict ")
    main = next((one for one in verdicts if one.pod == wanted), verdicts[-1])
    row = _table(canvas, scene, main, height)
    rest = [one for one in reversed(verdicts) if one is not main]
    row += 1 if height - row > 2 else 0
    for verdict in rest[: max(0, height - row)]:
        target = f"verdict {verdict.pod}"
        pod = squeeze(verdict.pod.removeprefix("default/"), max(8, width // 2))
        column = canvas.put(row, 0, pod, picked(scene, target, "text")) + 2
        words = f"→ {verdict.chosen}" if verdict.chosen else f"✗ {verdict.message}"
        canvas.put(row, column, shorten(words, width - column), "dim" if verdict.chosen else "warn")
        canvas.spot(row, 0, width, target)
        row += 1
    return canvas.picture(title, _status(main))


def _status(verdict: VerdictView) -> Row:
    feasible = sum(not reason for _, reason, _, _ in verdict.rows)
    words = f"{feasible} of {len(verdict.rows)} nodes would do"
    return ((words, "ok" if feasible else "fail"),)


def _table(canvas: Canvas, scene: Scene, verdict: VerdictView, height: int) -> int:
    """Head, a row a node, the chosen one marked; returns the next row."""
    target = f"verdict {verdict.pod}"
    pod = squeeze(verdict.pod.removeprefix("default/"), max(8, canvas.width // 2))
    end = canvas.put(0, 0, pod, picked(scene, target, "bright+bold"))
    canvas.spot(0, 0, canvas.width, target)
    said = f"→ {verdict.chosen}" if verdict.chosen else "✗ no node"
    canvas.put(0, end + 2, said, "leader" if verdict.chosen else "fail")
    if canvas.width >= end + len(said) + 16:
        canvas.right(0, ((stamp(verdict.at), "dim"),))
    if height < 3:
        return 1
    plugins = _plugins(verdict, canvas.width - 24)
    row = 2 if height >= len(verdict.rows) + 4 else 1
    if plugins and height - row > len(verdict.rows):
        for number, plugin in enumerate(plugins):
            canvas.put(row, 12 + 9 * number, _SHORT.get(plugin, plugin)[:8].rjust(8), "dim")
        canvas.put(row, 12 + 9 * len(plugins), "total".rjust(6), "dim")
        row += 1
    best = max((total for _, _, _, total in verdict.rows), default=0)
    nodes = sorted(verdict.rows, key=lambda one: (one[0] != verdict.chosen, bool(one[1]), -one[3]))
    for node, reason, scores, total in nodes[: max(0, height - row)]:
        chosen = node == verdict.chosen
        canvas.put(row, 0, "★" if chosen else "✗" if reason else " ", "leader" if chosen else "fail")
        canvas.put(row, 2, shorten(node, 9), picked(scene, node, "bright" if chosen else "dim" if reason else "text"))
        canvas.spot(row, 0, 11, node)
        if reason:
            canvas.put(row, 12, shorten(reason, canvas.width - 12), "fail")
        else:
            given = dict(scores)
            for number, plugin in enumerate(plugins):
                canvas.put(row, 12 + 9 * number, str(given.get(plugin, 0)).rjust(8), "text" if given.get(plugin) else "line")
            column = canvas.put(row, 12 + 9 * len(plugins), str(total).rjust(6), "leader" if chosen else "bright") + 2
            if canvas.width - column >= 6:
                canvas.put(row, column, gauge(total, best, min(10, canvas.width - column)), "leader" if chosen else "load")
        row += 1
    return row


def _plugins(verdict: VerdictView, cells: int) -> list[str]:
    """Plugins that gave anybody anything, in the order of their weight, as many as have room."""
    total: dict[str, int] = {}
    for _, _, scores, _ in verdict.rows:
        for plugin, score in scores:
            total[plugin] = total.get(plugin, 0) + score
    return [plugin for plugin in total if total[plugin]][: max(0, cells // 9)]
