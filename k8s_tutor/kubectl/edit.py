"""``kubectl edit``: fetch, hand to the person's editor, send back what has changed (kubectl pkg/cmd/util/editor).

Two steps: the command yields an `Edit` with the text, and goes on when the `Edited` text comes back. An unchanged text
cancels; one that the server refuses is handed out again, with the reason on top.
"""

from __future__ import annotations

import json
from typing import Any

from k8s_tutor.api import schema
from k8s_tutor.kubectl import merge, printers, targets, yamlout
from k8s_tutor.kubectl.create import LAST_APPLIED, annotated
from k8s_tutor.kubectl.errors import Failure, Refused, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Edit, Edited, Tree
from k8s_tutor.kubectl.resources import Info
from k8s_tutor.kubectl.session import MERGE_PATCH, STRATEGIC_PATCH, Session

FLAGS = printers.FLAGS + (
    "filename:f* recursive:R! kustomize:k output-patch! subresource windows-line-endings! save-config! field-manager "
    "validate?strict selector:l all!"
)
LAST_FLAGS = printers.FLAGS + "filename:f* recursive:R! windows-line-endings! field-manager"
HEADER = (
    "# Please edit the object below. Lines beginning with a '#' will be ignored,\n"
    "# and an empty file will abort the edit. If an error occurs while saving this file will be\n"
    "# reopened with the relevant failures.\n#\n"
)
TRIES = 10


def run(session: Session, words: Words) -> Asking[int]:
    """``edit TYPE NAME``."""
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, words.positional, failures)
    raise_all(failures)
    for info in infos:
        yield from _edit(session, words, info, printers.cleaned(info.tree))
    return 0


def _edit(session: Session, words: Words, info: Info, tree: Tree) -> Asking[None]:
    """One object, until it is saved, or left as it was."""
    name, complaint = f"{info.resource.plural}-{info.name}.yaml", ""
    as_json = words.text("output") == "json"
    body = printers.to_json(tree) + "\n" if as_json else yamlout.dump(tree)
    first = body
    for _ in range(TRIES):
        edited: Edited = yield Edit(name, HEADER + complaint + body)
        bare = _without_comments(edited.text)
        if not bare.strip():
            session.warn("Edit cancelled, saved file was empty.")
            return
        if bare == _without_comments(body):
            what = "no changes made" if body == first else "no valid changes were saved"
            session.warn(f"Edit cancelled, {what}.")
            return
        content = json.loads(edited.documents)
        if isinstance(content, str):
            complaint, body = f"# The edited file had a syntax error: {content}\n#\n", bare
            continue
        problem = yield from _save(session, words, info, tree, content[0] if content else {})
        if problem is None:
            return
        complaint, body = f"# {problem}\n#\n", bare
    raise Failure("Edit cancelled, no valid changes were saved.")


def _without_comments(text: str) -> str:
    return "".join(line + "\n" for line in text.splitlines() if not line.startswith("#"))


def _save(session: Session, words: Words, info: Info, before: Tree, after: Any) -> Asking[str | None]:
    """PATCH what differs; the reason when the server refuses it."""
    same_object = isinstance(after, dict) and all(
        (after.get("metadata") or {}).get(key) == before["metadata"].get(key) for key in ("name", "namespace")
    )
    if not same_object or after.get("kind") != before.get("kind"):
        return "At least one of apiVersion, kind and name was changed"
    if words.on("save-config"):
        after = annotated(after)
    type_name = schema.type_of(info.resource.group, info.resource.version, info.resource.kind)
    patch = merge.two_way(before, after, type_name)
    if not patch:
        session.say(f"{info.title} skipped")
        return None
    if words.on("output-patch"):
        session.say(f"Patch: {printers.to_json(patch, None)}")
    path = info.resource.path(info.namespace, info.name, words.text("subresource"))
    query = (("fieldManager", words.text("field-manager", "kubectl-edit")), ("fieldValidation", "Strict"))
    try:
        yield from session.ask("PATCH", path, query, patch, STRATEGIC_PATCH if type_name else MERGE_PATCH)
    except Refused as refused:
        return refused.alone().replace("\n", "\n# ")
    session.say(f"{info.title} edited")
    return None


def last_applied(session: Session, words: Words) -> Asking[int]:
    """``apply edit-last-applied``: of the annotation alone."""
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, words.positional, failures)
    raise_all(failures)
    for info in infos:
        kept = ((info.tree.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)
        if kept is None:
            raise Failure(f"no last-applied-configuration annotation found on resource: {info.name}")
        body = yamlout.dump(json.loads(kept))
        edited: Edited = yield Edit(f"{info.resource.plural}-{info.name}.yaml", HEADER + body)
        content = json.loads(edited.documents)
        if _without_comments(edited.text) in ("", body) or isinstance(content, str) or not content:
            session.warn("Edit cancelled, no changes made.")
            continue
        patch = {"metadata": {"annotations": {LAST_APPLIED: printers.to_json(content[0], None) + "\n"}}}
        yield from session.ask("PATCH", info.path, (("fieldManager", "kubectl-edit"),), patch, MERGE_PATCH)
        session.say(f"{info.title} edited")
    return 0
