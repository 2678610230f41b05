"""``kubectl apply -f``: client-side by default, ``--server-side`` when asked (kubectl pkg/cmd/apply)."""

from __future__ import annotations

from typing import Any

import msgspec

from k8s_tutor.api import schema
from k8s_tutor.kubectl import manifests, merge, printers
from k8s_tutor.kubectl.create import dry_run, dry_run_query
from k8s_tutor.kubectl.errors import Failure, Refused, Unreachable, Usage, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import APPLY_PATCH, STRATEGIC_PATCH, Session

FLAGS = (
    "filename:f* output:o dry-run?unchanged server-side! force-conflicts! field-manager validate?strict overwrite! "
    "selector:l force! grace-period# timeout~ wait! show-managed-fields! kustomize:k recursive:R! prune! all!"
)
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
TRIES = 5
SECOND = 1_000_000


def run(session: Session, words: Words) -> Asking[int]:
    """Apply each object of the files in order; what fails does not stop the rest."""
    if words.positional:
        raise Usage(f"Unexpected args: [{' '.join(words.positional)}]", "kubectl apply")
    if not words.many("filename"):
        raise Failure("must specify one of -f and -k")
    printers.check(words.text("output"))
    dry_run(words)
    for unsupported in ("prune", "kustomize", "selector"):
        if words.given(unsupported):
            raise Failure(f"--{unsupported} is not available in this console")
    failures: list[Failure] = []
    infos = manifests.load(session, words.many("filename"), failures)
    if not infos and not failures:
        raise Failure("no objects passed to apply")
    for info in infos:
        try:
            yield from _apply(session, words, info)
        except Unreachable:
            raise
        except Failure as failure:
            failures.append(failure)
    raise_all(failures)
    return 0


def _apply(session: Session, words: Words, info: Info) -> Asking[None]:
    if not info.name:
        if info.tree.get("metadata", {}).get("generateName"):
            raise Failure(f"from {info.tree['metadata']['generateName']}: cannot use generate name with apply")
        raise Failure(f'error when retrieving current configuration of:\nResource: "{info.resource.qualified}", Name: ""')
    if words.on("server-side"):
        yield from _server_side(session, words, info)
        return
    annotated = with_last_applied(info.tree)
    for attempt in range(TRIES):
        try:
            done, tree = yield from _client_side(session, words, info, annotated)
            break
        except Refused as refused:
            if refused.reason != "Conflict" or attempt == TRIES - 1:
                raise
            yield from session.pause(SECOND)
    session.out.append(printers.done(info.resource, info.name, done, words.text("output"), tree, dry_run(words)))


def _client_side(session: Session, words: Words, info: Info, wanted: Tree) -> Asking[tuple[str, Tree]]:
    """Create or patch; what was done, and the object."""
    manager = words.text("field-manager", "kubectl-client-side-apply")
    query = (*dry_run_query(words), ("fieldManager", manager), ("fieldValidation", "Strict"))
    try:
        live: Tree = yield from session.ask("GET", info.path)
    except Refused as refused:
        if refused.reason != "NotFound" or refused.missing_type:
            raise refused.when("retrieving current configuration of", info.source) from None
        if dry_run(words) == "client":
            return "created", wanted
        path = info.resource.path(info.namespace)
        try:
            tree: Tree = yield from session.ask("POST", path, query, wanted)
        except Refused as again:
            raise again.when("creating", info.source) from None
        return "created", tree
    last = (live.get("metadata") or {}).get("annotations", {}).get(LAST_APPLIED)
    if last is None:
        session.warn(_missing(info))
    patch = _patch(info, msgspec.json.decode(last) if last else {}, wanted, live)
    if not patch:
        return "unchanged", live
    if dry_run(words) == "client":
        return "configured", live
    try:
        tree = yield from session.ask("PATCH", info.path, query, patch, STRATEGIC_PATCH)
    except Refused as refused:
        if refused.reason == "Conflict":
            raise
        text = f"applying patch:\n{printers.to_json(patch, None)}\nto:\n{_told(info)}\nfor:"
        raise refused.when("patching", info.source).when(text, info.source) from None
    return "configured", tree


def _patch(info: Info, last: Tree, wanted: Tree, live: Tree) -> Tree:
    try:
        return merge.three_way(last, wanted, live, _type(info))
    except merge.NoKey as problem:
        trees = zip(("original", "modified", "current"), (last, wanted, live), strict=True)
        dump = "".join(f"{title}:\n{printers.to_json(tree, None)}\n" for title, tree in trees)
        raise Failure(f'error when creating patch with:\n{dump}for: "{info.source}": {problem}') from None


def _told(info: Info) -> str:
    """An object as error texts describe it."""
    group, _, version = info.resource.api_version.rpartition("/")
    kind = f"{group}/{version}, " if group else f"/{version}, "
    return (
        f'Resource: "{kind}Resource={info.resource.plural}", GroupVersionKind: "{kind}Kind={info.resource.kind}"\n'
        f'Name: "{info.name}", Namespace: "{info.namespace or ""}"'
    )


def _missing(info: Info) -> str:
    return (
        f"Warning: resource {info.resource.plural}/{info.name} is missing the {LAST_APPLIED} annotation which is required "
        "by kubectl apply. kubectl apply should only be used on resources created declaratively by either kubectl create "
        "--save-config or kubectl apply. The missing annotation will be patched automatically."
    )


def _type(info: Info) -> str | None:
    version = info.resource.api_version.rpartition("/")[2]
    return schema.type_of(info.resource.group, version, info.resource.kind)


def with_last_applied(tree: Tree) -> Tree:
    """The manifest with the annotation that keeps it for the next apply."""
    metadata = tree.get("metadata") or {}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    bare: Tree = {**tree, "metadata": {**metadata, "annotations": annotations}}
    kept = printers.to_json(bare, None) + "\n"
    return {**tree, "metadata": {**metadata, "annotations": {**annotations, LAST_APPLIED: kept}}}


def _server_side(session: Session, words: Words, info: Info) -> Asking[None]:
    manager = words.text("field-manager", "kubectl")
    query: tuple[tuple[str, str], ...] = (*dry_run_query(words), ("fieldManager", manager), ("fieldValidation", "Strict"))
    query = (*query, ("force", "true" if words.on("force-conflicts") else "false"))
    tree: Any = yield from session.ask("PATCH", info.path, query, info.tree, APPLY_PATCH)
    text = printers.done(info.resource, info.name, "serverside-applied", words.text("output"), tree, dry_run(words))
    session.out.append(text)
