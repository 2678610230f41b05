"""``kubectl create``: from files, or a deployment, configmap, service or namespace from arguments."""

from __future__ import annotations

from k8s_tutor.kubectl import generators, manifests, printers
from k8s_tutor.kubectl.errors import Failure, Refused, Usage, Worded, raise_all
from k8s_tutor.kubectl.line import Words, need
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import CONFIGMAPS, DEPLOYMENTS, NAMESPACES, SERVICES, Resource
from k8s_tutor.kubectl.session import Query, Session

COMMON = "output:o dry-run?unchanged field-manager validate?strict save-config! show-managed-fields! "
FLAGS = COMMON + "filename:f* edit! recursive:R! selector:l kustomize:k raw"
DEPLOYMENT_FLAGS = COMMON + "image@ replicas:r# port#"
CONFIGMAP_FLAGS = COMMON + "from-literal@ from-file@ from-env-file@ append-hash!"
SERVICE_FLAGS = COMMON + "tcp* clusterip node-port#"
ALIASES = {"deployment": "deployment", "deploy": "deployment", "configmap": "configmap", "cm": "configmap",
           "namespace": "namespace", "ns": "namespace", "service": "service", "svc": "service"}  # fmt: skip
ABSENT = ("clusterrole", "clusterrolebinding", "cronjob", "ingress", "job", "poddisruptionbudget", "priorityclass",
          "quota", "role", "rolebinding", "secret", "serviceaccount", "token")  # fmt: skip
SERVICE_HELP = """Create a service using a specified subcommand.

Aliases:
service, svc

Available Commands:
  clusterip      Create a ClusterIP service
  externalname   Create an ExternalName service
  loadbalancer   Create a LoadBalancer service
  nodeport       Create a NodePort service

Usage:
  kubectl create service [flags] [options]

Use "kubectl create service <command> --help" for more information about a given command.
Use "kubectl options" for a list of global command-line options (applies to all commands)."""


def dry_run(words: Words) -> str:
    """``client``, ``server`` or nothing. Raises kubectl's error for other values."""
    value = words.text("dry-run", "none")
    if value == "unchanged":
        raise Failure('--dry-run flag without a value was specified. A value must be set: "none", "server", or "client".')
    if value not in ("none", "client", "server"):
        raise Failure(f'Invalid dry-run value ({value}). Must be "none", "server", or "client".')
    return "" if value == "none" else value


def dry_run_query(words: Words) -> Query:
    """The query of a write."""
    return (("dryRun", "All"),) if dry_run(words) == "server" else ()


def subcommand(typed: list[str]) -> tuple[str, str]:
    """(full name of the command, its flags) for the words after ``create``; falls back to ``create -f``."""
    kind = ALIASES.get(typed[0], "") if typed else ""
    flags = {"deployment": DEPLOYMENT_FLAGS, "configmap": CONFIGMAP_FLAGS, "namespace": COMMON, "service": SERVICE_FLAGS}
    if kind == "service" and len(typed) > 1 and not typed[1].startswith("-"):
        return f"kubectl create service {typed[1]}", flags[kind]
    return (f"kubectl create {kind}", flags[kind]) if kind else ("kubectl create", FLAGS)


def run(session: Session, words: Words) -> Asking[int]:
    """Dispatch on the kind; ``words.positional`` still holds it."""
    kind = ALIASES.get(words.positional[0], "") if words.positional else ""
    printers.check(words.text("output"))
    if kind == "deployment":
        yield from _deployment(session, words)
    elif kind == "configmap":
        yield from _config_map(session, words)
    elif kind == "namespace":
        name = one_name(words, words.positional[1:])
        yield from create(session, words, NAMESPACES, generators.namespace(name), "")
    elif kind == "service":
        yield from _service(session, words)
    else:
        yield from _from_files(session, words)
    return 0


def one_name(words: Words, names: tuple[str, ...]) -> str:
    """The NAME argument. Raises kubectl's usage error."""
    if len(names) != 1:
        raise Usage(f"exactly one NAME is required, got {len(names)}", words.command)
    return names[0]


def create(session: Session, words: Words, resource: Resource, tree: Tree, what: str, manager: str = "kubectl-create",
           done: str = "created") -> Asking[None]:  # fmt: skip
    """POST one object and print the line. ``what`` goes into ``failed to create ...``; empty leaves the error as it is."""
    mode = dry_run(words)
    name = str(tree["metadata"].get("name", ""))
    if resource.namespaced and session.namespace_given:
        tree = {**tree, "metadata": {**tree["metadata"], "namespace": session.namespace}}
    if mode != "client":
        manager = words.text("field-manager", manager)
        query = (*dry_run_query(words), ("fieldManager", manager), ("fieldValidation", "Strict"))
        try:
            tree = yield from session.ask("POST", resource.path(session.scope(resource)), query, tree)
        except Refused as refused:
            if what:
                raise Failure(f"failed to create {what}: {refused.said}") from None
            raise
    session.out.append(printers.done(resource, name, done, words.text("output"), tree, mode))


def _deployment(session: Session, words: Words) -> Asking[None]:
    need(words, "image")
    name = one_name(words, words.positional[1:])
    images, command = words.many("image"), words.rest or ()
    if len(images) > 1 and command:
        raise Failure("cannot specify multiple --image options and command")
    replicas = words.number("replicas", 1)
    if replicas < 0:
        raise Failure("--replicas must be greater than or equal to 0")
    tree = generators.deployment(name, images, replicas, words.number("port"), command)
    yield from create(session, words, DEPLOYMENTS, tree, "deployment")


def _config_map(session: Session, words: Words) -> Asking[None]:
    name = one_name(words, words.positional[1:])
    data = generators.literals(words.many("from-literal"))
    if words.many("from-env-file") or words.on("append-hash"):
        raise Failure("this console makes configmaps from --from-literal and --from-file only")
    files = dict(session.files)
    for entry in words.many("from-file"):
        key, equals, path = entry.partition("=")
        path = path if equals else entry
        if path not in files:
            raise Failure(f"error reading {path}: no such file or directory")
        data[key if equals else path.rpartition("/")[2]] = files[path]
    yield from create(session, words, CONFIGMAPS, generators.config_map(name, data), "configmap")


def _service(session: Session, words: Words) -> Asking[None]:
    if len(words.positional) < 2:
        raise Worded(SERVICE_HELP)
    kinds = {"clusterip": "ClusterIP", "nodeport": "NodePort", "loadbalancer": "LoadBalancer"}
    kind = kinds.get(words.positional[1])
    if kind is None:
        raise Usage(f'unknown command "{words.positional[1]}"', "kubectl create service")
    name = one_name(words, words.positional[2:])
    cluster_ip = words.text("clusterip")
    if not words.many("tcp") and cluster_ip != "None":
        raise Failure("at least one tcp port specifier must be provided")
    if words.many("tcp") and cluster_ip == "None":
        raise Failure("can not map ports with clusterip=None")
    ports = generators.service_ports(words.many("tcp"), words.number("node-port"))
    yield from create(session, words, SERVICES, generators.service(name, kind, ports, cluster_ip), f"{kind} service")


def _from_files(session: Session, words: Words) -> Asking[None]:
    if words.positional and words.positional[0] in ABSENT and not words.many("filename"):
        raise Failure(f"'kubectl create {words.positional[0]}' is not available in this console")
    if not words.many("filename"):
        if words.positional:
            raise Usage(f"Unexpected args: [{' '.join(words.positional)}]", "kubectl create")
        raise Failure("must specify one of -f and -k")
    if words.positional:
        raise Usage(f"Unexpected args: [{' '.join(words.positional)}]", "kubectl create")
    failures: list[Failure] = []
    infos = manifests.load(session, words.many("filename"), failures)
    if not infos and not failures:
        raise Failure("no objects passed to create")
    mode = dry_run(words)
    query = (*dry_run_query(words), ("fieldManager", "kubectl-create"), ("fieldValidation", "Strict"))
    for info in infos:
        tree = info.tree
        if mode != "client":
            try:
                tree = yield from session.ask("POST", info.resource.path(info.namespace), query, tree)
            except Refused as refused:
                failures.append(refused.when("creating", info.source))
                continue
        name = str((tree.get("metadata") or {}).get("name") or info.name)
        session.out.append(printers.done(info.resource, name, "created", words.text("output"), tree, mode))
    raise_all(failures)
