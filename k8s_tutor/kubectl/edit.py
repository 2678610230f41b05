"""``kubectl edit``: fetch, hand to the person's editor, send back what has changed (kubectl pkg/cmd/util/editor).

The command yields an `Edit` with the text, and goes on when the `Edited` text comes back. An unchanged text cancels; one that
cannot be read or that the server refuses is handed out again, with the reasons on top.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from typing import Any, TypeAlias

from k8s_tutor.api import schema
from k8s_tutor.kubectl import merge, printers, targets, yamlout
from k8s_tutor.kubectl.create import LAST_APPLIED, annotated
from k8s_tutor.kubectl.errors import Failure, Refused, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import EDITS, Asking, Edit, Edited, Save, Step, Tree
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
LAST_HEADER = (
    "# Please edit the 'last-applied-configuration' annotations below.\n"
    "# Lines beginning with a '#' will be ignored, and an empty file will abort the edit.\n#\n"
)
NO_LAST = (
    "no last-applied-configuration annotation found on resources, to create the annotation, use command `kubectl apply "
    "set-last-applied --create-annotation`"
)
TRIES = 50
"""How often one file is handed out."""

Saving: TypeAlias = Callable[[Session, Words, Info, Tree], Asking[str]]
"""Sends one object as it was edited (its `Info` has it as it was); what was done: ``edited``, ``skipped``."""


def run(session: Session, words: Words) -> Asking[int]:
    """``edit TYPE NAME``."""
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, words.positional, failures)
    raise_all(failures)
    if not infos:
        raise Failure("edit cancelled, no objects found")
    infos = [info._replace(tree=printers.cleaned(info.tree)) for info in infos]
    return (yield from _Edits(session, words, infos, HEADER, _patch).run())


def last_applied(session: Session, words: Words) -> Asking[int]:
    """``apply edit-last-applied``: of the annotation alone."""
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, words.positional, failures)
    raise_all(failures)
    kept = [(info, ((info.tree.get("metadata") or {}).get("annotations") or {}).get(LAST_APPLIED)) for info in infos]
    infos = [info._replace(tree=json.loads(text)) for info, text in kept if text is not None]
    if not infos:
        raise Failure(NO_LAST)
    return (yield from _Edits(session, words, infos, LAST_HEADER, _annotate).run())


class _Edits:
    """The rounds of one file: it is handed out until it is saved, or left as it was."""

    def __init__(self, session: Session, words: Words, infos: list[Info], header: str, save: Saving) -> None:
        self.session = session
        self.words = words
        self.infos = infos
        self.header = header
        self.save = save
        self.reasons: list[str] = []
        """Why the file is handed out again."""
        self.copy = ""
        """Where a copy of what was edited last lies."""
        self.done: set[str] = set()
        """Titles of the objects that need not be sent again."""

    def run(self) -> Asking[int]:
        """Exit status. Raises `Failure`."""
        body = original = self._written()
        title = self.infos[0].title if len(self.infos) == 1 else f"{len(self.infos)} objects"
        for _ in range(TRIES):
            again = bool(self.reasons)
            edited: Edited = yield Edit(title, self.header + "".join(self.reasons) + body)
            text = _without_comments(edited.text)
            if again and text == _without_comments(body):
                break
            if text == _without_comments(original):
                self.session.warn("Edit cancelled, no changes made.")
                return 0
            self.reasons, body = [], text
            yield from self._keep(edited)
            code = yield from self._read(json.loads(edited.documents))
            if code is not None:
                return code
        raise self._preserved("Edit cancelled, no valid changes were saved.")

    def _written(self) -> str:
        trees = [info.tree for info in self.infos]
        whole = trees[0] if len(trees) == 1 else {"apiVersion": "v1", "items": trees, "kind": "List", "metadata": {}}
        return printers.to_json(whole) + "\n" if self.words.text("output") == "json" else yamlout.dump(whole)

    def _keep(self, edited: Edited) -> Generator[Step, Any, None]:
        """A copy of the edits, where a later ``kubectl replace -f`` finds them."""
        kind = "json" if self.words.text("output") == "json" else "yaml"
        self.copy = f"{EDITS}{self.session.now % 10**10}.{kind}"
        yield Save(self.copy, edited.documents.encode())

    def _preserved(self, problem: str) -> Failure:
        self.session.warn(f'A copy of your changes has been stored to "{self.copy}"')
        return Failure(problem)

    def _read(self, content: Any) -> Asking[int | None]:
        """What came back from the editor is sent; exit status, or None when it has to be edited again."""
        problem = content if isinstance(content, str) else _incomplete(content)
        if problem:
            cause = {"field": "<nil>", "message": f'Invalid value: "The edited file failed validation": {problem}'}
            self._invalid(self.infos[0], [cause])
            return None
        missing = retry = False
        for after in (item for document in content for item in _items(document)):
            info = self._original(after)
            if info.title in self.done:
                continue
            try:
                done = yield from self.save(self.session, self.words, info, after)
                self.done.add(info.title)
                self.session.say(f"{info.title} {done}")
            except Refused as refused:
                if refused.reason == "Invalid":
                    self._invalid(info, (refused.status.get("details") or {}).get("causes") or [])
                elif refused.reason == "NotFound":
                    missing = True
                    self._warn(info, "could not be found on the server")
                else:
                    retry = True
                    self._warn(info, f"could not be patched: {refused.said}")
        if retry:
            self.session.warn(f"You can run `kubectl replace -f {self.copy}` to try this update again.")
        elif missing:
            self.session.warn(f'The edits you made on deleted resources have been saved to "{self.copy}"')
        return 1 if retry or missing else None if self.reasons else 0

    def _original(self, after: Tree) -> Info:
        """The object as it was. Raises `Failure` when there is none, or when it is called otherwise now."""
        uid = (after.get("metadata") or {}).get("uid")
        for info in self.infos:
            if (info.tree.get("metadata") or {}).get("uid") == uid:
                break
        else:
            raise self._preserved(f"no original object found for {printers.to_json(after, None)}")
        names = [(tree.get("apiVersion"), tree.get("kind"), (tree.get("metadata") or {}).get("name"))
                 for tree in (info.tree, after)]  # fmt: skip
        if names[0] != names[1]:
            raise self._preserved("At least one of apiVersion, kind and name was changed")
        return info

    def _invalid(self, info: Info, causes: list[Tree]) -> None:
        said = [f"{cause.get('field') or ''}: {cause.get('message')}" for cause in causes]
        lines = [f'{info.resource.qualified} "{info.name}" was not valid' + (":" if said else "")]
        lines += [f"* {one}" for one in said]
        self.reasons.append("".join("# " + line.replace("\n", "\n# ") + "\n" for line in lines) + "#\n")
        self._warn(info, "is invalid")

    def _warn(self, info: Info, problem: str) -> None:
        self.session.warn(f'error: {info.resource.qualified} "{info.name}" {problem}')


def _without_comments(text: str) -> str:
    return "".join(line + "\n" for line in text.splitlines() if not line.startswith("#"))


def _items(document: Any) -> list[Tree]:
    listed = document.get("kind") == "List" and "items" in document
    return list(document["items"] or []) if listed else [document]


def _incomplete(content: list[Any]) -> str:
    """What is wrong with documents that are no objects. An empty file is one, whatever its header says."""
    for document in content or [None]:
        if not isinstance(document, dict):
            return "invalid object to validate"
        missing = [f"{field} not set" for field in ("apiVersion", "kind") if not document.get(field)]
        if missing:
            return missing[0] if len(missing) == 1 else f"[{', '.join(missing)}]"
    return ""


def _patch(session: Session, words: Words, info: Info, after: Tree) -> Asking[str]:
    """PATCH what differs."""
    if words.on("save-config"):
        after = annotated(after)
    type_name = schema.type_of(info.resource.group, info.resource.version, info.resource.kind)
    try:
        patch = merge.two_way(info.tree, after, type_name)
    except merge.NoKey as problem:
        raise Failure(str(problem)) from None
    if not patch:
        return "skipped"
    if words.on("output-patch"):
        session.say(f"Patch: {printers.to_json(patch, None)}")
    path = info.resource.path(info.namespace, info.name, words.text("subresource"))
    query = (("fieldManager", words.text("field-manager", "kubectl-edit")), ("fieldValidation", "Strict"))
    yield from session.ask("PATCH", path, query, patch, STRATEGIC_PATCH if type_name else MERGE_PATCH)
    return "edited"


def _annotate(session: Session, words: Words, info: Info, after: Tree) -> Asking[str]:
    """PATCH the annotation, which then says what was edited."""
    if after == info.tree:
        return "skipped"
    patch = {"metadata": {"annotations": {LAST_APPLIED: printers.to_json(after, None) + "\n"}}}
    query = (("fieldManager", words.text("field-manager", "kubectl-edit")), ("fieldValidation", "Strict"))
    yield from session.ask("PATCH", info.path, query, patch, MERGE_PATCH)
    return "edited"
