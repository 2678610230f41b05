"""``kubectl apply --prune``: what was applied once and is in the files no more (kubectl pkg/cmd/apply/prune.go)."""

from __future__ import annotations

from k8s_tutor.kubectl.create import LAST_APPLIED, dry_run, dry_run_query
from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking
from k8s_tutor.kubectl.resources import Info, Resource, of_kind, the
from k8s_tutor.kubectl.session import Query, Session

DEFAULTS = (
    ("configmaps", ""), ("endpoints", ""), ("persistentvolumeclaims", ""), ("pods", ""), ("replicationcontrollers", ""),
    ("secrets", ""), ("services", ""), ("jobs", "batch"), ("cronjobs", "batch"), ("ingresses", "networking.k8s.io"),
    ("daemonsets", "apps"), ("deployments", "apps"), ("replicasets", "apps"), ("statefulsets", "apps"), ("namespaces", ""),
    ("persistentvolumes", ""),
)  # fmt: skip
"""The kinds that are looked at unless ``--prune-allowlist`` names others."""


def check(words: Words) -> None:
    """Raise kubectl's error for flags that do not go together."""
    if words.on("prune") and words.on("all") and words.text("selector"):
        raise Failure("cannot set --all and --selector at the same time")
    if words.on("prune") and not words.on("all") and not words.text("selector"):
        raise Failure("all resources selected for prune without explicitly passing --all. To prune all resources, pass the "
                      "--all flag. If you did not mean to prune all resources, specify a label selector")  # fmt: skip


def _kinds(session: Session, words: Words) -> list[Resource]:
    named = (*words.many("prune-allowlist"), *words.many("prune-whitelist"))
    if not named:
        return [the(*pair) for pair in DEFAULTS]
    found = []
    for text in named:
        parts = text.split("/")
        if len(parts) != 3:
            raise Failure(f"invalid GroupVersionKind format: {text}, please follow <group/version/kind>")
        group, version, kind = parts
        resource = of_kind(version if group in ("core", "") else f"{group}/{version}", kind, session.known)
        if resource is None:
            raise Failure(f'no matches for kind "{kind}" in version "{group}/{version}"')
        found.append(resource)
    return found


def run(session: Session, words: Words, applied: list[Info]) -> Asking[None]:
    """Delete objects with the annotation of ``apply`` that were not among those applied now."""
    kept = {(info.resource.kind, info.namespace, info.name) for info in applied}
    namespaces = list(dict.fromkeys(info.namespace for info in applied if info.namespace))
    query: Query = (("labelSelector", words.text("selector")),) if words.text("selector") else ()
    for resource in _kinds(session, words):
        for namespace in namespaces if resource.namespaced else [None]:
            for tree in (yield from session.listed(resource, namespace, query)):
                metadata = tree.get("metadata") or {}
                if LAST_APPLIED not in (metadata.get("annotations") or {}):
                    continue
                if (resource.kind, namespace, metadata["name"]) in kept:
                    continue
                mode = dry_run(words)
                if mode != "client":
                    path = resource.path(namespace, metadata["name"])
                    yield from session.ask("DELETE", path, dry_run_query(words), {"propagationPolicy": "Background"})
                suffix = {"client": " (dry run)", "server": " (server dry run)"}.get(mode, "")
                session.say(f"{resource.prefix}/{metadata['name']} pruned{suffix}")
