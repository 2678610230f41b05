"""What may be known of scheduling: verdicts on pods, and the queue of those that wait. See `cluster.views`."""

from __future__ import annotations

from k8s_tutor.cluster.consensusviews import View


class AttemptView(View, frozen=True):
    """An earlier try to find a node for a pod. ``node``: the one that was chosen or nominated, or empty."""

    at: int
    number: int
    node: str
    message: str


class VerdictView(View, frozen=True):
    """Why the scheduler put a pod where it is: per node the first filter that refused it, or its weighted scores."""

    pod: str
    at: int
    chosen: str
    message: str
    rows: tuple[tuple[str, str, tuple[tuple[str, int], ...], int], ...]
    """(node, reason of refusal or empty, ((plugin, weighted score), ...), total)."""
    attempt: int = 1
    filters: tuple[str, ...] = ()
    """The plugins that filtered, in the order in which they were asked; each node up to the one that refused it."""
    refused_by: tuple[tuple[str, str], ...] = ()
    """(node, plugin that refused it)."""
    feasible: tuple[str, ...] = ()
    """The nodes that were scored."""
    columns: tuple[tuple[str, int, tuple[int, ...], tuple[int, ...]], ...] = ()
    """(plugin, weight, raw scores, scores from 0 to 100), each in the order of ``feasible``."""
    skipped: int = 0
    """Nodes that nobody looked at, because enough had been found."""
    nominated: str = ""
    """The node that is being emptied for the pod."""
    victims: tuple[str, ...] = ()
    """Keys of the pods that must go for it, the most important first."""
    before: tuple[AttemptView, ...] = ()
    """The latest earlier attempts, oldest first."""


class QueuedView(View, frozen=True):
    """A pod in the scheduling queue."""

    pod: str
    priority: int
    place: str
    """``active``, ``backoff``, ``error`` (back-off after a failed request), ``unschedulable``, ``gated``, ``flying``: taken
    for a cycle, or being bound, or ``permit``: it has its node, and waits until a plugin lets it go."""
    since: int
    """When it came to this place, µs."""
    until: int
    """When its back-off ends (or has ended), µs; 0: it has none."""
    attempts: int
    refused_by: tuple[str, ...] = ()
    """The plugins that refused it last."""
    wakes: tuple[str, ...] = ()
    """What has to happen so that it gets another try."""
    gates: tuple[str, ...] = ()
    """The scheduling gates that are still on it."""
