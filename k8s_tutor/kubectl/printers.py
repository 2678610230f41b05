"""Objects as text: ``-o yaml``, ``json``, ``name``, ``jsonpath=``, ``custom-columns=``, and ``pod/web created``."""

from __future__ import annotations

import json
from typing import Any

from k8s_tutor.kubectl import jsonpath, tabs, yamlout
from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.program import Tree
from k8s_tutor.kubectl.resources import Resource, of_kind

FORMATS = "go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,yaml"
GET_FORMATS = "custom-columns,custom-columns-file," + FORMATS + ",wide"
OURS = ("json", "yaml", "name", "jsonpath", "wide", "custom-columns")


def check(output: str, formats: str = FORMATS) -> None:
    """Raise kubectl's error for a format that does not exist (or that this console does not have)."""
    name = output.partition("=")[0]
    names = sorted(formats.split(","))
    if output and (name not in names or name not in OURS):
        text = f'unable to match a printer suitable for the output format "{output}", allowed formats are: '
        raise Failure(text + ",".join(names if name not in names else [one for one in names if one in OURS]))


def cleaned(tree: Tree) -> Tree:
    """Without ``managedFields``, which kubectl hides."""
    metadata = tree.get("metadata")
    if isinstance(metadata, dict) and "managedFields" in metadata:
        tree = {**tree, "metadata": {key: value for key, value in metadata.items() if key != "managedFields"}}
    return tree


def to_json(tree: Any, indent: int | None = 4) -> str:
    """JSON with sorted keys, and with ``<``, ``>`` and ``&`` escaped as Go does; compact without ``indent``."""
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(tree, indent=indent, sort_keys=True, ensure_ascii=False, separators=separators)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def name_of(tree: Tree) -> str:
    """``deployment.apps/web``."""
    resource = of_kind(str(tree.get("apiVersion", "")), str(tree.get("kind", "")))
    name = (tree.get("metadata") or {}).get("name", "")
    if resource is not None:
        return f"{resource.prefix}/{name}"
    group = str(tree.get("apiVersion", "")).rpartition("/")[0]
    kind = str(tree.get("kind", "")).lower()
    return f"{kind}.{group}/{name}" if group else f"{kind}/{name}"


def show(tree: Tree, output: str) -> str:
    """One object (or a List) in a format that `check` has passed; ends with a line break but for jsonpath."""
    form, _, template = output.partition("=")
    if form == "name":
        items = tree["items"] if tree.get("kind") == "List" else [tree]
        return "".join(name_of(item) + "\n" for item in items)
    if tree.get("kind") == "List":
        tree = {**tree, "items": [cleaned(item) for item in tree["items"]]}
    else:
        tree = cleaned(tree)
    if form == "yaml":
        return yamlout.dump(tree)
    if form == "jsonpath":
        return jsonpath.render(template, tree)
    if form == "custom-columns":
        return _columns(tree["items"] if tree.get("kind") == "List" else [tree], template)
    return to_json(tree) + "\n"


def _columns(items: list[Tree], template: str) -> str:
    if not template:
        raise Failure("custom-columns format specified but no custom columns given")
    heads, paths = [], []
    for part in template.split(","):
        head, colon, path = part.partition(":")
        if not colon:
            raise Failure(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
        heads.append(head)
        paths.append(path)
    rows = [heads]
    for item in items:
        cells = [jsonpath.find(path, item) for path in paths]
        rows.append([",".join(jsonpath.text(value) for value in found) or "<none>" for found in cells])
    return tabs.table(rows) + "\n"


def done(resource: Resource, name: str, what: str, output: str = "", tree: Tree | None = None, dry_run: str = "") -> str:
    """The line of a verb that changes something (``deployment.apps/web scaled``), or the object with ``-o``."""
    if output == "name":
        return f"{resource.prefix}/{name}\n"
    if output and tree is not None:
        return show(tree, output)
    suffix = {"client": " (dry run)", "server": " (server dry run)"}.get(dry_run, "")
    return f"{resource.prefix}/{name} {what}{suffix}\n"
