"""``kubectl diff``: what ``apply`` would change, told by a dry run on the server (kubectl pkg/cmd/diff)."""

from __future__ import annotations

import difflib

from k8s_tutor.kubectl import apply, manifests, printers, yamlout
from k8s_tutor.kubectl.errors import Failure, Refused, Usage, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import Session

FLAGS = (
    "filename:f* recursive:R! kustomize:k server-side! force-conflicts! field-manager selector:l prune! "
    "prune-allowlist@ show-managed-fields! concurrency#"
)


def run(session: Session, words: Words) -> Asking[int]:
    """0: nothing would change; 1: something would; more than 1: an error."""
    if words.positional:
        raise Usage(f"Unexpected args: [{' '.join(words.positional)}]", "kubectl diff")
    try:
        if not words.many("filename"):
            raise Failure("must specify one of -f and -k")
        failures: list[Failure] = []
        infos = manifests.load(session, words.many("filename"), failures)
        raise_all(failures)
        differs = False
        for info in infos:
            live, merged = yield from _both(session, words, info)
            differs |= _tell(session, words, info, live, merged)
    except Failure as failure:
        failure.code = 2
        raise
    return 1 if differs else 0


def _both(session: Session, words: Words, info: Info) -> Asking[tuple[Tree, Tree]]:
    """(live, as it would be); an object that does not exist is empty."""
    live: Tree = {}
    try:
        live = yield from session.ask("GET", info.path)
    except Refused as refused:
        if refused.reason != "NotFound" or refused.missing_type:
            raise
    if words.on("server-side"):
        merged: Tree = yield from apply.server_side(session, words, info, (("dryRun", "All"),))
        return live, merged
    metadata = info.tree.get("metadata") or {}
    wanted = {**info.tree, "metadata": {**metadata, "annotations": metadata.get("annotations") or {}}}
    query = (("dryRun", "All"), ("fieldManager", words.text("field-manager", "kubectl-client-side-apply")))
    if not live:
        merged = yield from session.ask("POST", info.resource.path(info.namespace), query, wanted)
        return live, merged
    patch, content_type = apply.patch_of(info, wanted, live)
    if not patch:
        return live, live
    merged = yield from session.ask("PATCH", info.path, query, patch, content_type)
    return live, merged


def _tell(session: Session, words: Words, info: Info, live: Tree, merged: Tree) -> bool:
    texts = []
    for tree in (live, merged):
        shown = tree if words.on("show-managed-fields") else printers.cleaned(tree)
        texts.append(yamlout.dump(_masked(shown)).splitlines(keepends=True) if shown else [])
    if texts[0] == texts[1]:
        return False
    group, _, version = info.resource.api_version.rpartition("/")
    name = ".".join(part for part in (group, version, info.resource.kind, info.namespace or "", info.name) if part)
    session.say(f"diff -u -N LIVE/{name} MERGED/{name}")
    session.out.append("".join(difflib.unified_diff(texts[0], texts[1], f"LIVE/{name}", f"MERGED/{name}")))
    return True


def _masked(tree: Tree) -> Tree:
    """A Secret's values are not shown."""
    if tree.get("kind") != "Secret" or not isinstance(tree.get("data"), dict):
        return tree
    return {**tree, "data": dict.fromkeys(tree["data"], "***")}
