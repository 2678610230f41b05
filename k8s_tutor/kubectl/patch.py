"""``kubectl patch`` (kubectl pkg/cmd/patch)."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from k8s_tutor.api import patch as patches
from k8s_tutor.api import schema
from k8s_tutor.kubectl import printers, targets
from k8s_tutor.kubectl.create import dry_run, dry_run_query
from k8s_tutor.kubectl.errors import Failure, Refused, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, Session, is_json

FLAGS = printers.FLAGS + "patch:p type patch-file filename:f* dry-run?unchanged subresource field-manager local! recursive:R!"
KINDS = {"strategic": STRATEGIC_PATCH, "merge": MERGE_PATCH, "json": JSON_PATCH}


def run(session: Session, words: Words) -> Asking[int]:
    """PATCH each object."""
    if words.given("patch") and words.given("patch-file"):
        raise Failure("cannot specify --patch and --patch-file together")
    if not words.given("patch") and not words.given("patch-file"):
        raise Failure("must specify --patch or --patch-file containing the contents of the patch")
    kind = words.text("type", "strategic").lower()
    if kind not in KINDS:
        raise Failure(f'--type must be one of [json merge strategic], not "{kind}"')
    output = printers.chosen(session, words)
    printers.check(output)
    mode = dry_run(words)
    change = _read(session, words)
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, words.positional, failures)
    for info in infos:
        tree: Tree = info.tree
        if mode == "client" or words.on("local"):
            tree = _locally(info, change, kind)
        else:
            path = info.resource.path(info.namespace, info.name, words.text("subresource"))
            query = (*dry_run_query(words), ("fieldManager", words.text("field-manager", "kubectl-patch")))
            try:
                tree = yield from session.ask("PATCH", path, query, change, KINDS[kind])
            except Refused as refused:
                failures.append(refused)
                continue
        before = (info.tree.get("metadata") or {}).get("resourceVersion")
        same = before == (tree.get("metadata") or {}).get("resourceVersion") and not mode and not words.on("local")
        done = "patched (no change)" if same else "patched"
        line = printers.done(info.resource, info.name, done, output, tree, mode)
        session.out.append(line if output or not words.text("subresource") else f"{printers.name_of(tree)} {done}\n")
    raise_all(failures)
    return 0


def _read(session: Session, words: Words) -> Any:
    """The patch: JSON or YAML, in the line or in a file."""
    path = words.text("patch-file")
    files = dict(session.files)
    if not words.given("patch") and path in files:  # handed in as a manifest
        content = json.loads(files[path])
        return content[0] if isinstance(content, list) and len(content) == 1 else content
    text = words.text("patch") if words.given("patch") else session.texts(path)[0][1]
    try:
        found = session.yaml(text)
    except ValueError as problem:
        if is_json(text) and not words.on("local") and dry_run(words) != "client":
            return msgspec.Raw(text.encode())  # the server says what is wrong with it
        raise Failure(f'unable to parse "{text}": {problem}') from None
    return found[0] if found else None


def _locally(info: Info, change: Any, kind: str) -> Tree:
    """The object as the patch would leave it."""
    if kind == "json":
        patched: Tree = patches.json_patch(info.tree, change)
        return patched
    type_name = schema.type_of(info.resource.group, info.resource.version, info.resource.kind)
    merged: Tree
    if kind == "strategic" and type_name:
        merged = patches.strategic(info.tree, change, type_name)
    else:
        merged = patches.merge(info.tree, change)
    return merged
