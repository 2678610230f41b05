"""Profiles: under which name a scheduler works, with which plugins and weights (apis/config KubeSchedulerProfile)."""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from msgspec import json

from k8s_tutor.api import scheme
from k8s_tutor.api.component import Access
from k8s_tutor.scheduler.framework import Plugin
from k8s_tutor.scheduler.plugins import DEFAULT
from k8s_tutor.scheduler.plugins.expression import CelPlugin, Expression
from k8s_tutor.scheduler.plugins.inter_pod_affinity import HARD_WEIGHT, InterPodAffinity
from k8s_tutor.scheduler.plugins.node_affinity import NodeAffinity
from k8s_tutor.scheduler.plugins.resources_fit import Fit, FitArgs
from k8s_tutor.scheduler.plugins.topology_spread import SYSTEM, PodTopologySpread, SpreadDefault
from k8s_tutor.sim import Body

DEFAULT_NAME = "default-scheduler"


class Profile(Body):
    """One profile. ``weights``: (plugin, weight) where it is not the default; 0 takes its score away."""

    name: str = DEFAULT_NAME
    weights: tuple[tuple[str, int], ...] = ()
    disabled: tuple[str, ...] = ()
    """Plugins that do not run at all."""
    fit: FitArgs = FitArgs()
    hard_affinity: int = HARD_WEIGHT
    spread: tuple[SpreadDefault, ...] = SYSTEM
    affinity: str = ""
    """Node affinity that every pod has beside its own, as JSON."""
    cel: tuple[CelPlugin, ...] = ()


class SchedulerConfig(Access):
    """Configuration of a scheduler process."""

    profiles: tuple[Profile, ...] = (Profile(),)
    percentage: int = 0
    """How many nodes must be found feasible before the search ends, in percent; 0: the fewer, the more nodes there are."""


class Line(NamedTuple):
    """A profile at work."""

    plugins: tuple[Plugin, ...]
    weights: tuple[int, ...]
    by_name: dict[str, Plugin]
    """Never written."""
    gates: tuple[Plugin, ...]
    """Those of the plugins that decide who may queue up."""
    permits: tuple[Plugin, ...]
    """Those that may keep a pod waiting which has its place."""


def lines_of(config: Any) -> dict[str, Line]:
    """Profile name → its plugins; the caller only reads it. A plain `Access` means the default profile."""
    return _lines(getattr(config, "profiles", (Profile(),)))


@cache
def _lines(profiles: tuple[Profile, ...]) -> dict[str, Line]:
    return {profile.name: _line(profile) for profile in profiles}


def _line(profile: Profile) -> Line:
    made: dict[str, Plugin] = {
        "NodeResourcesFit": Fit(profile.fit), "InterPodAffinity": InterPodAffinity(profile.hard_affinity),
        "PodTopologySpread": PodTopologySpread(profile.spread), "NodeAffinity": NodeAffinity(affinity(profile.affinity)),
    }  # fmt: skip
    plugins = [made.get(plugin.name, plugin) for plugin in DEFAULT if plugin.name not in profile.disabled]
    plugins += [Expression(one) for one in profile.cel]
    wanted = dict(profile.weights)
    weights = tuple([wanted.get(plugin.name, plugin.weight) for plugin in plugins])
    gates = tuple([plugin for plugin in plugins if type(plugin).pre_enqueue is not Plugin.pre_enqueue])
    permits = tuple([plugin for plugin in plugins if plugin.permit_timeout])
    return Line(tuple(plugins), weights, {plugin.name: plugin for plugin in plugins}, gates, permits)


_AFFINITY = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"


def affinity(text: str) -> Any:
    """Node affinity (JSON) as a pod has it, typed; None for no text. Raises ValueError for what is none."""
    if not text:
        return None
    wanted = json.decode(text)
    unknown = [key for key in wanted if key not in _AFFINITY]
    if unknown:
        raise ValueError(f"it has no {unknown[0]}; there are {' and '.join(_AFFINITY)}")
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [], "affinity": {"nodeAffinity": wanted}}}
    return scheme.typed(json.encode(pod)).spec.affinity.nodeAffinity


def known_plugins() -> dict[str, int]:
    """The default plugins and their weights (0: it gives no points)."""
    return {plugin.name: plugin.weight for plugin in DEFAULT}
