"""What the server serves: discovery, ``kubectl api-resources``, ``api-versions``, ``version`` and ``cluster-info``."""

from __future__ import annotations

import json

from k8s_tutor.kubectl import printers, tabs
from k8s_tutor.kubectl.errors import SERVER, Failure, Usage
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Resource, discovered
from k8s_tutor.kubectl.session import Session

VERSION_FLAGS = "client! output:o"
API_RESOURCES_FLAGS = "namespaced! api-group output:o no-headers! sort-by verbs* cached! categories* show-managed-fields!"
API_VERSIONS_FLAGS = "cached!"
CLIENT = {
    "major": "1", "minor": "36", "gitVersion": "v1.36.2", "gitCommit": "98b35193b2ac7a23a673325f5e9b830ecd5ba406",
    "gitTreeState": "clean", "buildDate": "2026-01-01T00:00:00Z", "goVersion": "go1.26.4", "compiler": "gc",
    "platform": "linux/amd64",
}  # fmt: skip
AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


def discover(session: Session) -> Asking[tuple[Resource, ...]]:
    """Ask what is served, preferred versions first."""
    found: tuple[Resource, ...] = ()
    for path in ("/api", "/apis"):
        document = yield from session.ask("GET", path, accept=AGGREGATED)
        found += discovered(document)
    return found


def _preferred(found: tuple[Resource, ...]) -> list[Resource]:
    """Each resource in the version that its group prefers."""
    first: dict[tuple[str, str], Resource] = {}
    for one in found:
        first.setdefault((one.group, one.plural), one)
    return list(first.values())


def api_resources(session: Session, words: Words) -> Asking[int]:
    """``api-resources`` with all its filters."""
    form, order = words.text("output"), words.text("sort-by")
    if words.positional:
        raise Usage(f"unexpected arguments: [{' '.join(words.positional)}]", words.command)
    if form not in ("", "wide", "name", "json", "yaml"):
        raise Failure(f'--output {form} is not available')
    if order not in ("", "name", "kind"):
        raise Failure("--sort-by accepts only name or kind")
    found = yield from discover(session)
    chosen = [one for one in _preferred(found) if not words.given("namespaced") or one.namespaced == words.on("namespaced")]
    if words.given("api-group"):
        chosen = [one for one in chosen if one.group == words.text("api-group")]
    chosen = [one for one in chosen if set(words.many("verbs")) <= set(one.verbs)]
    chosen = [one for one in chosen if set(words.many("categories")) <= set(one.categories)]
    chosen.sort(key=lambda one: one.kind if order == "kind" else one.plural if order == "name" else (one.group, one.plural))
    if form in ("json", "yaml"):
        session.out.append(printers.show(_list(chosen), form))
    elif form == "name":
        session.out.append("".join(one.qualified + "\n" for one in chosen))
    else:
        session.say(tabs.table(_rows(chosen, form == "wide", words.on("no-headers"))))
    return 0


def _list(chosen: list[Resource]) -> Tree:
    resources = []
    for one in chosen:
        tree: Tree = {"group": one.group, "kind": one.kind, "name": one.plural, "namespaced": one.namespaced,
                      "singularName": one.singular, "verbs": list(one.verbs), "version": one.version}  # fmt: skip
        tree |= {"categories": list(one.categories)} if one.categories else {}
        resources.append({**tree, **({"shortNames": list(one.short_names)} if one.short_names else {})})
    return {"apiVersion": "v1", "groupVersion": "", "kind": "APIResourceList", "resources": resources}


def _rows(chosen: list[Resource], wide: bool, bare: bool) -> list[list[str]]:
    head = ["NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", *(["VERBS", "CATEGORIES"] if wide else [])]
    rows = [] if bare else [head]
    for one in chosen:
        row = [one.plural, ",".join(one.short_names), one.api_version, str(one.namespaced).lower(), one.kind]
        rows.append([*row, *([",".join(one.verbs), ",".join(one.categories)] if wide else [])])
    return rows


def api_versions(session: Session, words: Words) -> Asking[int]:
    """Groups and versions."""
    found = yield from discover(session)
    session.say("\n".join(sorted({one.api_version for one in found})))
    return 0


def version(session: Session, words: Words) -> Asking[int]:
    """Client and, unless ``--client``, server."""
    form = words.text("output")
    if form not in ("", "yaml", "json"):
        raise Failure("--output must be 'yaml' or 'json'")
    tree: Tree = {"clientVersion": CLIENT, "kustomizeVersion": "v5.8.1"}
    if not words.on("client"):
        tree["serverVersion"] = yield from session.ask("GET", "/version", (("timeout", "32s"),))
    if form == "json":
        session.say(json.dumps(tree, indent=2))
    elif form:
        session.out.append(printers.show(tree, form))
    else:
        session.say(f"Client Version: {CLIENT['gitVersion']}\nKustomize Version: v5.8.1")
        if "serverVersion" in tree:
            session.say(f"Server Version: {tree['serverVersion'].get('gitVersion', '')}")
    return 0


def cluster_info(session: Session, words: Words) -> Asking[int]:
    """Where the control plane is. Asks for the services of kube-system, as the real one does."""
    if words.positional == ("dump",):
        raise Failure("'kubectl cluster-info dump' is not available in this console: it would print everything there is")
    if words.positional:
        raise Usage(f"unknown command \"{words.positional[0]}\"", words.command)
    query = (("labelSelector", "kubernetes.io/cluster-service=true"), ("limit", "500"))
    yield from session.ask("GET", "/api/v1/namespaces/kube-system/services", query)
    session.say(f"Kubernetes control plane is running at https://{SERVER}\n")
    session.say("To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.")
    return 0
