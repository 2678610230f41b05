"""Objects as text: ``-o yaml``, ``json``, ``name``, templates, ``custom-columns=``, and ``pod/web created``."""

from __future__ import annotations

import json
import re
from typing import Any

from k8s_tutor.kubectl import goprint, gotemplate, jsonpath, tabs, yamlout
from k8s_tutor.kubectl.errors import Failure
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Tree
from k8s_tutor.kubectl.resources import Resource, of_kind
from k8s_tutor.kubectl.session import Session

FORMATS = "go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,yaml"
GET_FORMATS = "custom-columns,custom-columns-file," + FORMATS + ",wide"
FLAGS = "output:o template show-managed-fields! allow-missing-template-keys! "
"""The flags of every command that prints objects."""
TEMPLATES = ("go-template", "template", "go-template-file", "templatefile")


def check(output: str, formats: str = FORMATS) -> None:
    """Raise kubectl's error for a format that does not exist, or a template that is none."""
    name, _, template = output.partition("=")
    if output and name not in formats.split(","):
        names = ",".join(sorted(formats.split(",")))
        raise Failure(f'unable to match a printer suitable for the output format "{output}", allowed formats are: {names}')
    if name.startswith("jsonpath") or name in TEMPLATES:
        if not template:
            raise Failure("template format specified but no template given")
        if name.startswith("jsonpath"):
            jsonpath.parse(template)
        else:
            gotemplate.parse(template)
    if name.startswith("custom-columns"):
        _spec(template)


def chosen(session: Session, words: Words) -> str:
    """What ``-o`` and ``--template`` ask for; a template that lies in a file is read."""
    output = words.text("output")
    name, equals, template = output.partition("=")
    if words.given("template"):
        template = words.text("template")
        name = name or "go-template"
    if name.endswith("-file") or name == "templatefile":
        text = session.texts(template)[0][1]
        name, template = name.removesuffix("-file").replace("templatefile", "template"), text
    return f"{name}={template}" if template or equals else name


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


def show(tree: Tree, output: str, managed: bool = False) -> str:
    """One object (or a List) in a format that `check` has passed; ends with a line break but for templates."""
    form, _, template = output.partition("=")
    items: list[Tree] = tree["items"] if _is_list(tree) else [tree]
    if form == "name":
        return "".join(name_of(item) + "\n" for item in items)
    if not managed:
        tree = {**tree, "items": [cleaned(item) for item in items]} if _is_list(tree) else cleaned(tree)
    if form == "yaml":
        return yamlout.dump(tree)
    if form == "jsonpath":
        return jsonpath.render(template, tree)
    if form == "jsonpath-as-json":
        return to_json(jsonpath.values(template, tree)) + "\n"
    if form in TEMPLATES:
        return gotemplate.render(template, tree)
    if form.startswith("custom-columns"):
        return columns(tree["items"] if _is_list(tree) else [tree], template)
    return to_json(tree) + "\n"


def _is_list(tree: Tree) -> bool:
    return tree.get("kind") == "List" and "items" in tree


def _spec(template: str) -> list[tuple[str, str]]:
    """(header, path) pairs of custom columns. Raises kubectl's errors."""
    if not template:
        raise Failure("custom-columns format specified but no custom columns given")
    if "\n" in template:
        head, paths = ([line.split() for line in template.splitlines() if line.strip()] + [[], []])[:2]
        return list(zip(head, paths, strict=False))
    found = []
    for part in re.split(r",(?![^\[]*\])", template):
        head_, colon, path = part.partition(":")
        if not colon:
            raise Failure(f"unexpected custom-columns spec: {part}, expected <header>:<json-path-expr>")
        found.append((head_, path))
    return found


def columns(items: list[Tree], template: str, heads: bool = True) -> str:
    """``custom-columns=``; ``heads`` False leaves the first line out."""
    pairs = _spec(template)
    rows = [[head for head, _ in pairs]] if heads else []
    for item in items:
        cells = []
        for _, path in pairs:
            try:
                found = jsonpath.find(path if path[:1] in "{.[" else "." + path, item)
            except jsonpath.OutOfBounds as problem:
                raise Failure(str(problem)) from None
            cells.append(",".join(goprint.plain(value) if value is not None else "<none>" for value in found) or "<none>")
        rows.append(cells)
    return tabs.table(rows) + "\n" if rows else ""


def done(resource: Resource, name: str, what: str, output: str = "", tree: Tree | None = None, dry_run: str = "") -> str:
    """The line of a verb that changes something (``deployment.apps/web scaled``), or the object with ``-o``."""
    if output == "name":
        return f"{resource.prefix}/{name}\n"
    if output and tree is not None:
        return show(tree, output)
    suffix = {"client": " (dry run)", "server": " (server dry run)"}.get(dry_run, "")
    return f"{resource.prefix}/{name} {what}{suffix}\n"
