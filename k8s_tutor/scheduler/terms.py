"""Terms of pod affinity and anti-affinity, worked out once per pod (framework/types.go AffinityTerm)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from k8s_tutor.api import selectors
from k8s_tutor.api.selectors import Requirement, Selector

Labels = Mapping[str, str]


class Term(NamedTuple):
    """Pods that ``selector`` finds in some namespaces, compared by the node label ``key``; ``weight`` of a preferred term."""

    key: str
    selector: Selector
    namespaces: tuple[str, ...]
    namespace_selector: Selector
    weight: int = 0

    def matches(self, namespace: str, labels: Labels, known: Mapping[str, Labels]) -> bool:
        """Whether a pod with these labels is meant; ``known`` has the labels of all namespaces."""
        if namespace not in self.namespaces and not self.namespace_selector.matches(known.get(namespace)):
            return False
        return self.selector.matches(labels)


class Terms(NamedTuple):
    """All that a pod demands of its neighbours, and would like."""

    required: tuple[Term, ...] = ()
    forbidden: tuple[Term, ...] = ()
    """Required anti-affinity."""
    liked: tuple[Term, ...] = ()
    disliked: tuple[Term, ...] = ()
    """Preferred anti-affinity."""


def terms_of(pod: Any) -> Terms | None:
    """The terms of a pod (typed struct); None when it has none."""
    affinity = pod.spec.affinity
    if affinity is None or (affinity.podAffinity is None and affinity.podAntiAffinity is None):
        return None
    near, far = affinity.podAffinity, affinity.podAntiAffinity
    found = Terms(
        _hard(pod, near and near.requiredDuringSchedulingIgnoredDuringExecution),
        _hard(pod, far and far.requiredDuringSchedulingIgnoredDuringExecution),
        _soft(pod, near and near.preferredDuringSchedulingIgnoredDuringExecution),
        _soft(pod, far and far.preferredDuringSchedulingIgnoredDuringExecution),
    )
    return found if any(found) else None


def _hard(pod: Any, terms: Iterable[Any] | None) -> tuple[Term, ...]:
    return tuple([_term(pod, term) for term in terms or ()])


def _soft(pod: Any, terms: Iterable[Any] | None) -> tuple[Term, ...]:
    return tuple([_term(pod, one.podAffinityTerm, one.weight) for one in terms or () if one.weight])


def _term(pod: Any, term: Any, weight: int = 0) -> Term:
    selector = selectors.from_object(term.labelSelector)
    labels = pod.metadata.labels or {}
    extra = [Requirement(key, "in", (labels[key],)) for key in term.matchLabelKeys or () if key in labels]
    extra += [Requirement(key, "notin", (labels[key],)) for key in term.mismatchLabelKeys or () if key in labels]
    namespaces = tuple(term.namespaces or ())
    if not namespaces and term.namespaceSelector is None:
        namespaces = (pod.metadata.namespace or "",)
    return Term(
        term.topologyKey, selector._replace(requirements=(*selector.requirements, *extra)), namespaces,
        selectors.from_object(term.namespaceSelector), weight,
    )  # fmt: skip
