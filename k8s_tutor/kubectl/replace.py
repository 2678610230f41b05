"""``kubectl replace`` (kubectl pkg/cmd/replace)."""

from __future__ import annotations

from k8s_tutor.kubectl import manifests, printers
from k8s_tutor.kubectl.create import annotated, dry_run, dry_run_query, strictness
from k8s_tutor.kubectl.delete import FOREVER, gone
from k8s_tutor.kubectl.errors import Failure, Refused, Usage, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import Session

FLAGS = printers.FLAGS + (
    "filename:f* dry-run?unchanged force! grace-period# cascade?background timeout~ wait! save-config! subresource "
    "field-manager validate?strict recursive:R! kustomize:k raw"
)


def run(session: Session, words: Words) -> Asking[int]:
    """PUT each object of the files; with ``--force`` delete and create it."""
    if words.positional:
        raise Usage(f"Unexpected args: [{' '.join(words.positional)}]", "kubectl replace")
    if not words.many("filename"):
        raise Failure("must specify one of -f and -k")
    if words.number("grace-period", -1) >= 0 and not words.on("force"):
        raise Failure("--grace-period must have --force specified")
    if words.duration("timeout") and not words.on("force"):
        raise Failure("--timeout must have --force specified")
    output = printers.chosen(session, words)
    printers.check(output)
    failures: list[Failure] = []
    infos = manifests.load(session, words.many("filename"), failures, strictness(words) != "Ignore")
    if not infos and not failures:
        raise Failure("no objects passed to replace")
    for info in infos:
        try:
            done, tree = yield from _force(session, words, info) if words.on("force") else _put(session, words, info)
        except Refused as refused:
            failures.append(refused.when("replacing", info.source))
            continue
        session.out.append(printers.done(info.resource, info.name, done, output, tree, dry_run(words)))
    raise_all(failures)
    return 0


def _put(session: Session, words: Words, info: Info) -> Asking[tuple[str, Tree]]:
    path = info.resource.path(info.namespace, info.name, words.text("subresource"))
    tree = _wanted(words, info)
    if dry_run(words) == "client":
        return "replaced", tree
    if not (tree.get("metadata") or {}).get("resourceVersion"):
        live = yield from session.ask("GET", path)
        tree = {**tree, "metadata": {**tree["metadata"], "resourceVersion": live["metadata"]["resourceVersion"]}}
    answer: Tree = yield from session.ask("PUT", path, _query(words), tree)
    return "replaced", answer


def _wanted(words: Words, info: Info) -> Tree:
    metadata = (info.tree.get("metadata") or {}).get("annotations") or {}
    keeps = words.on("save-config") or "kubectl.kubernetes.io/last-applied-configuration" in metadata
    return annotated(info.tree) if keeps else info.tree


def _query(words: Words) -> tuple[tuple[str, str], ...]:
    manager = words.text("field-manager", "kubectl-replace")
    return (*dry_run_query(words), ("fieldManager", manager), ("fieldValidation", strictness(words)))


def _force(session: Session, words: Words, info: Info) -> Asking[tuple[str, Tree]]:
    """Delete what is there, wait until it is gone, create it anew."""
    if dry_run(words) == "client":
        return "replaced", info.tree
    grace = words.number("grace-period", -1)
    options: Tree = {"propagationPolicy": "Background", **({"gracePeriodSeconds": grace} if grace >= 0 else {})}
    try:
        answer = yield from session.ask("DELETE", info.path, dry_run_query(words), options)
        session.say(f'{info.resource.prefix} "{info.name}" {"force deleted" if grace == 0 else "deleted"}')
        uid = (answer.get("details") or answer.get("metadata") or {}).get("uid", "")
        if not dry_run(words):
            yield from gone(session, [(info, uid)], words.duration("timeout") or FOREVER)
    except Refused as refused:
        if refused.reason != "NotFound":
            raise
    tree: Tree = yield from session.ask("POST", info.resource.path(info.namespace), _query(words), _wanted(words, info))
    return "replaced", tree
