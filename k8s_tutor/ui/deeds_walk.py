"""Deeds of the packet walk: which packets are followed, and at which place of their way we look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from k8s_tutor.ui.panels.bands import TARGET

if TYPE_CHECKING:
    from k8s_tutor.ui.stage import Stage

MOST = 2
"""Walks that can be compared."""


def walk(stage: Stage, argument: str) -> None:
    """Follow a packet, or put the panel away. Without ends: from the selected pod to the first Service."""
    look = stage.look
    words = argument.replace("→", " ").replace("|", " ").split()
    if words == ["-"]:
        look.walks = ()
        return
    if not words and look.focus == "walk":
        look.toggle("walk")
        return
    if not words and not look.walks:
        words = _suggested(stage)
    if words and len(words) not in (2, 4):
        raise ValueError(":walk FROM TO, e.g. :walk web-1 shop:80; a second pair is compared with the first")
    for origin, target in zip(words[::2], words[1::2], strict=True):
        follow(stage, origin, target)
    look.open("walk")


def follow(stage: Stage, origin: str, target: str) -> None:
    """Follows one more packet; the oldest beyond two is forgotten. Raises LookupError for ends that do not exist."""
    look = stage.look
    found = stage.session.walk(origin, target)
    if found.verdict == "unknown":
        raise LookupError(found.told)
    look.walks = (*[one for one in look.walks if one != (origin, target)], (origin, target))[-MOST:]
    if look.selected.startswith(TARGET):
        look.selected = ""


def _suggested(stage: Stage) -> list[str]:
    """From the selected pod, or the first that has an address, to the first Service that is not the API's."""
    work = stage.session.view().workload
    pods = [pod for pod in work.pods if pod.ip]
    chosen = next((pod for pod in pods if f"{pod.namespace}/{pod.name}" == stage.look.selected), pods[0] if pods else None)
    service = next((one for one in work.services if one.name != "kubernetes" and one.cluster_ip not in ("", "None")), None)
    if chosen is None:
        return []
    origin = f"{chosen.namespace}/{chosen.name}".removeprefix("default/")
    if service is not None:
        return [origin, f"{service.namespace}/{service.name}".removeprefix("default/")]
    other = next((pod for pod in pods if pod is not chosen), None)
    return [origin, f"{other.namespace}/{other.name}".removeprefix("default/")] if other is not None else []


def step(stage: Stage, by: int) -> None:
    """To the next place of the walk, or the one before. Raises LookupError beyond its ends."""
    from k8s_tutor.ui.panels.walk import current

    look = stage.look
    walks = [stage.session.walk(origin, target) for origin, target in look.walks]
    longest = max(walks, key=lambda one: len(one.hops))
    here = current(longest, look.selected) + by
    if not 0 <= here < len(longest.hops):
        raise LookupError("this is where the packet starts" if here < 0 else "this is where its way ends")
    look.selected = f"{TARGET}{here + 1}"


def to_rule(stage: Stage, name: str) -> None:
    """From the lamp of a rule to the walk that breaks it. Raises ValueError while it is kept."""
    rule = next((one for one in stage.session.rules() if one.name == name), None)
    if rule is None or rule.ok:
        kept = f"{rule.promise} {rule.tested} walks say so." if rule is not None else "nobody has tested it"
        raise ValueError(kept)
    origin, target = rule.broken[0]
    stage.look.walks = ()
    follow(stage, origin, target)
    stage.look.selected = ""
    stage.look.open("walk")
    stage.say(rule.sentence, "fail")
