"""Manifests: what ``-f`` names.

Files come as (name, text) pairs. The caller has already read the YAML: the text is a JSON array of the documents, or a
JSON string, the message with which the YAML could not be read. ``-f -`` is the file named ``-``; a name that ends in
``/`` (or that other names continue with ``/``) is a folder.
"""

from __future__ import annotations

import json
from typing import Any

from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.printers import to_json
from k8s_tutor.kubectl.program import Tree
from k8s_tutor.kubectl.resources import Info, Undiscovered, of_kind
from k8s_tutor.kubectl.session import Session

EXTENSIONS = (".json", ".yaml", ".yml")


def documents(session: Session, names: tuple[str, ...]) -> list[tuple[str, Any]]:
    """(source, document) pairs in order. Raises `Failure` for a file that is missing or that is no YAML."""
    files = dict(session.files)
    found: list[tuple[str, Any]] = []
    for name in names:
        if name.startswith(("http://", "https://")):
            raise Failure(f'unable to read URL "{name}", this console has no network of its own')
        folder = name.rstrip("/") + "/"
        inside = sorted(file for file in files if file.startswith(folder) and "/" not in file[len(folder):])
        inside = [file for file in inside if file.endswith(EXTENSIONS)]
        if name not in files and inside:
            for file in inside:
                found += _read(file, files[file])
        elif name in files:
            found += _read(name, files[name])
        elif name == "-":
            raise Failure("no objects passed to stdin")
        else:
            raise Failure(f'the path "{name}" does not exist')
    return found


def _read(name: str, text: str) -> list[tuple[str, Any]]:
    source = "STDIN" if name == "-" else name
    content = json.loads(text)
    if isinstance(content, str):
        why = content if content.startswith("json: ") else f"error converting YAML to JSON: {content}"
        raise Failure(f"error parsing {source}: {why}")
    found: list[tuple[str, Any]] = []
    for document in content:
        if isinstance(document, dict) and str(document.get("kind", "")).endswith("List") and "items" in document:
            found += [(source, item) for item in document["items"] or []]
        elif document is not None:
            found.append((source, document))
    return found


def load(session: Session, names: tuple[str, ...], failures: list[Failure], validated: bool = False) -> list[Info]:
    """The objects of the files, with the namespace that they go to. A document that is none goes to ``failures``.

    ``validated``: kubectl looks whether a document says what it is before it decodes it, in other words.
    """
    found: list[Info] = []
    for source, document in documents(session, names):
        try:
            if validated and isinstance(document, dict):
                _validate(source, document)
            found.append(_object(session, source, document))
        except Failure as failure:
            failures.append(failure)
    return found


def _validate(source: str, document: Tree) -> None:
    missing = [f"{field} not set" for field in ("apiVersion", "kind") if not document.get(field)]
    if missing:
        text = missing[0] if len(missing) == 1 else f"[{', '.join(missing)}]"
        raise Failure(f'error validating "{source}": error validating data: {text}; if you choose to ignore these errors, turn '
                      "validation off with --validate=false")  # fmt: skip


def _object(session: Session, source: str, document: Any) -> Info:
    if not isinstance(document, dict):
        kind = type(document).__name__.replace("str", "string").replace("list", "array")
        text = f'json: cannot unmarshal {kind} into Go value of type unstructured.detector'
        raise Failure(f'unable to decode "{source}": {text}')
    missing = [field for field in ("apiVersion", "kind") if not document.get(field)]
    if "kind" in missing:
        raise Failure(f"unable to decode \"{source}\": Object 'Kind' is missing in '{to_json(document, None)}'")
    if missing:
        raise Failure(f"unable to decode \"{source}\": Object 'apiVersion' is missing in '{to_json(document, None)}'")
    metadata: Tree = document.get("metadata") or {}
    name = str(metadata.get("name") or "")
    version, kind = str(document["apiVersion"]), str(document["kind"])
    resource = of_kind(version, kind, session.known)
    if resource is None:
        if not session.discovered:
            raise Undiscovered
        raise Failure(
            f'resource mapping not found for name: "{name}" namespace: "{metadata.get("namespace") or ""}" from '
            f'"{source}": no matches for kind "{kind}" in version "{version}"\nensure CRDs are installed first'
        )
    namespace: str | None = None
    if resource.namespaced:
        namespace = str(metadata.get("namespace") or session.namespace)
        if session.namespace_given and namespace != session.namespace:
            raise Failure(
                f'the namespace from the provided object "{namespace}" does not match the namespace '
                f"\"{session.namespace}\". You must pass '--namespace={namespace}' to perform this operation."
            )
        document = {**document, "metadata": {**metadata, "namespace": namespace}}
    return Info(resource, namespace, name, document, source)
