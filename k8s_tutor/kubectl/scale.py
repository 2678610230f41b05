"""``kubectl scale`` (kubectl pkg/cmd/scale)."""

from __future__ import annotations

from k8s_tutor.kubectl import printers, targets
from k8s_tutor.kubectl.create import dry_run, dry_run_query
from k8s_tutor.kubectl.errors import Failure, Refused, raise_all
from k8s_tutor.kubectl.line import Words, need
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import MERGE_PATCH, Session

FLAGS = printers.FLAGS + (
    "replicas# current-replicas# resource-version all! selector:l filename:f* dry-run?unchanged timeout~ recursive:R! "
    "kustomize:k"
)


def run(session: Session, words: Words) -> Asking[int]:
    """PATCH the scale subresource of each object."""
    need(words, "replicas")
    count = words.number("replicas")
    if count < 0:
        raise Failure("The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0")
    output = printers.chosen(session, words)
    printers.check(output)
    mode = dry_run(words)
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, words.positional, failures)
    if words.given("resource-version") and len(infos) > 1:
        raise Failure("cannot use --resource-version with multiple resources")
    for info in infos:
        try:
            if mode != "client":
                yield from _scale(session, words, info, count)
        except Failure as failure:
            failures.append(failure)
            continue
        session.out.append(printers.done(info.resource, info.name, "scaled", output, info.tree, mode))
    if not infos:
        raise Failure(" ".join(["no objects passed to scale", *(getattr(one, "said", one.message) for one in failures)]))
    raise_all(failures)
    return 0


def _scale(session: Session, words: Words, info: Info, count: int) -> Asking[None]:
    path = info.resource.path(info.namespace, info.name, "scale")
    expected = words.number("current-replicas", -1)
    patch: Tree = {"spec": {"replicas": count}}
    if words.text("resource-version"):
        patch["metadata"] = {"resourceVersion": words.text("resource-version")}
    if words.given("current-replicas") and expected >= 0:
        scale = yield from session.ask("GET", path)
        had = (scale.get("spec") or {}).get("replicas", 0)
        if had != expected:
            raise Failure(f"Expected replicas to be {expected}, was {had}")
    try:
        yield from session.ask("PATCH", path, dry_run_query(words), patch, MERGE_PATCH)
    except Refused as refused:
        if refused.reason == "Conflict":
            raise Failure(f"Scaling the resource failed with: {refused.said}; Current resource version "
                          f"{(info.tree.get('metadata') or {}).get('resourceVersion')}") from None  # fmt: skip
        raise
