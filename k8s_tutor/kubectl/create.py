"""``kubectl create``: from files, and the kinds that hold data: config maps, secrets, namespaces, services, deployments."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from k8s_tutor.kubectl import generators, manifests, printers
from k8s_tutor.kubectl.errors import Failure, Refused, Usage, raise_all
from k8s_tutor.kubectl.line import Words, need
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import CONFIGMAPS, DEPLOYMENTS, NAMESPACES, SECRETS, SERVICES, Resource
from k8s_tutor.kubectl.session import Query, Session

COMMON = printers.FLAGS + "dry-run?unchanged field-manager validate?strict save-config! "
FLAGS = COMMON + "filename:f* edit! recursive:R! selector:l kustomize:k raw windows-line-endings!"
SOURCES = COMMON + "from-literal@ from-file@ from-env-file@ append-hash! "
SERVICE_FLAGS = COMMON + "tcp* clusterip node-port# external-name"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


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


def strictness(words: Words) -> str:
    """``fieldValidation`` as ``--validate`` says. Raises kubectl's error for other values."""
    value = words.text("validate", "strict")
    names = {"strict": "Strict", "true": "Strict", "warn": "Warn", "ignore": "Ignore", "false": "Ignore"}
    if value.lower() not in names:
        raise Failure(f'invalid - validate option "{value}"; must be one of: strict (or true), warn, ignore (or false)')
    return names[value.lower()]


def one_name(words: Words) -> str:
    """The NAME argument. Raises kubectl's usage error."""
    if len(words.positional) != 1:
        raise Usage(f"exactly one NAME is required, got {len(words.positional)}", words.command)
    return words.positional[0]


def annotated(tree: Tree) -> Tree:
    """An object with the annotation that keeps it for the next apply."""
    metadata = tree.get("metadata") or {}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    bare: Tree = {**tree, "metadata": {**metadata, "annotations": annotations}}
    kept = printers.to_json(bare, None) + "\n"
    return {**tree, "metadata": {**metadata, "annotations": {**annotations, LAST_APPLIED: kept}}}


def create(session: Session, words: Words, resource: Resource, tree: Tree, what: str, manager: str = "kubectl-create",
           done: str = "created") -> Asking[None]:  # fmt: skip
    """POST one object and print the line. ``what`` goes into ``failed to create ...``; empty leaves the error as it is."""
    mode = dry_run(words)
    name = str(tree["metadata"].get("name", ""))
    if resource.namespaced and session.namespace_given:
        tree = {**tree, "metadata": {**tree["metadata"], "namespace": session.namespace}}
    if words.on("save-config"):
        tree = annotated(tree)
    if mode != "client":
        manager = words.text("field-manager", manager)
        query = (*dry_run_query(words), ("fieldManager", manager), ("fieldValidation", strictness(words)))
        try:
            tree = yield from session.ask("POST", resource.path(session.scope(resource)), query, tree)
        except Refused as refused:
            if what:
                raise Failure(f"failed to create {what}: {refused.said}") from None
            raise
    session.out.append(printers.done(resource, name, done, printers.chosen(session, words), tree, mode))


def deployment(session: Session, words: Words) -> Asking[int]:
    """``create deployment NAME --image=IMAGE``."""
    need(words, "image")
    printers.check(printers.chosen(session, words))
    name = one_name(words)
    images, command = tuple(image for image in words.many("image") if image), words.rest or ()
    if len(images) > 1 and command:
        raise Failure("cannot specify multiple --image options and command")
    replicas = words.number("replicas", 1)
    if replicas < 0:
        raise Failure("--replicas must be greater than or equal to 0")
    tree = generators.deployment(name, images, replicas, words.number("port"), command)
    yield from create(session, words, DEPLOYMENTS, tree, "deployment")
    return 0


def namespace(session: Session, words: Words) -> Asking[int]:
    """``create namespace NAME``."""
    name = one_name(words)
    printers.check(printers.chosen(session, words))
    yield from create(session, words, NAMESPACES, generators.namespace(name), "")
    return 0


# ---------------------------------------------------------------------- config maps and secrets


def gathered(session: Session, words: Words) -> dict[str, str]:
    """What ``--from-literal``, ``--from-file`` and ``--from-env-file`` give. Raises kubectl's errors."""
    if words.many("from-env-file") and (words.many("from-file") or words.many("from-literal")):
        raise Failure("from-env-file cannot be combined with from-file or from-literal")
    data: dict[str, str] = {}
    for entry in words.many("from-file"):
        key, equals, path = entry.partition("=")
        if equals and not (key and path):
            which = "file path" if key else "key name"
            raise Failure(f"{which} for {'key ' + key if key else 'file path ' + path} missing")
        for name, text in session.texts(path if equals else entry):
            _add(words, data, key if equals else name, text)
    for pair in words.many("from-literal"):
        key, value = generators.literal(pair)
        _add(words, data, key, value)
    for path in words.many("from-env-file"):
        for _, text in session.texts(path):
            for key, value in generators.env_lines(text):
                _add(words, data, key, value)
    return data


def _add(words: Words, data: dict[str, str], key: str, value: str) -> None:
    if key in data:
        kind = "ConfigMap" if words.command.endswith("configmap") else "Secret"
        name = words.positional[0] if words.positional else ""
        raise Failure(f'cannot add key "{key}", another key by that name already exists in Data for {kind} "{name}"')
    data[key] = value


def config_map(session: Session, words: Words) -> Asking[int]:
    """``create configmap NAME``."""
    name = one_name(words)
    printers.check(printers.chosen(session, words))
    tree = generators.config_map(name, gathered(session, words))
    yield from create(session, words, CONFIGMAPS, _hashed(tree, words), "configmap")
    return 0


def secret_generic(session: Session, words: Words) -> Asking[int]:
    """``create secret generic NAME``."""
    name = one_name(words)
    printers.check(printers.chosen(session, words))
    tree = generators.secret(name, words.text("type"), gathered(session, words))
    yield from create(session, words, SECRETS, _hashed(tree, words), "secret")
    return 0


def _hashed(tree: Tree, words: Words) -> Tree:
    """With ``--append-hash``: a name that says what is in it."""
    if not words.on("append-hash"):
        return tree
    suffix = generators.content_hash(tree)
    return {**tree, "metadata": {**tree["metadata"], "name": f"{tree['metadata']['name']}-{suffix}"}}


def secret_tls(session: Session, words: Words) -> Asking[int]:
    """``create secret tls NAME --cert=FILE --key=FILE``."""
    name = one_name(words)
    if not words.text("cert") or not words.text("key"):
        raise Failure("key and cert must be specified")
    data = {key: session.texts(words.text(flag))[0][1] for key, flag in (("tls.crt", "cert"), ("tls.key", "key"))}
    yield from create(session, words, SECRETS, generators.secret(name, "kubernetes.io/tls", data), "secret")
    return 0


def secret_docker(session: Session, words: Words) -> Asking[int]:
    """``create secret docker-registry NAME``."""
    name = one_name(words)
    user, password = words.text("docker-username"), words.text("docker-password")
    server, mail = words.text("docker-server", "https://index.docker.io/v1/"), words.text("docker-email")
    data = gathered(session, words)
    if not data:
        if not (user and password):
            raise Failure("either --from-file or the combination of --docker-username, --docker-password and --docker-server "
                          "is required")  # fmt: skip
        entry = {"username": user, "password": password, **({"email": mail} if mail else {}),
                 "auth": base64.b64encode(f"{user}:{password}".encode()).decode()}  # fmt: skip
        data = {".dockerconfigjson": json.dumps({"auths": {server: entry}}, separators=(",", ":"))}
    tree = generators.secret(name, "kubernetes.io/dockerconfigjson", data)
    yield from create(session, words, SECRETS, _hashed(tree, words), "secret")
    return 0


# ---------------------------------------------------------------------- services


def service(kind: str) -> Callable[[Session, Words], Asking[int]]:
    """``create service KIND NAME``."""

    def run(session: Session, words: Words) -> Asking[int]:
        name = one_name(words)
        printers.check(printers.chosen(session, words))
        cluster_ip = words.text("clusterip")
        if kind == "ExternalName":
            need(words, "external-name")
        elif not words.many("tcp") and cluster_ip != "None":
            raise Failure("at least one tcp port specifier must be provided")
        if words.many("tcp") and cluster_ip == "None":
            raise Failure("can not map ports with clusterip=None")
        ports = generators.service_ports(words.many("tcp"), words.number("node-port"))
        tree = generators.service(name, kind, ports, cluster_ip, words.text("external-name"))
        yield from create(session, words, SERVICES, tree, f"{kind} service")
        return 0

    return run


# ---------------------------------------------------------------------- files


def run(session: Session, words: Words) -> Asking[int]:
    """``create -f``."""
    printers.check(printers.chosen(session, words))
    if not words.many("filename"):
        if words.positional:
            raise Usage(f"Unexpected args: [{' '.join(words.positional)}]", "kubectl create")
        raise Failure("must specify one of -f and -k")
    if words.positional:
        raise Usage(f"Unexpected args: [{' '.join(words.positional)}]", "kubectl create")
    failures: list[Failure] = []
    infos = manifests.load(session, words.many("filename"), failures, strictness(words) != "Ignore")
    if not infos and not failures:
        raise Failure("no objects passed to create")
    mode = dry_run(words)
    manager = words.text("field-manager", "kubectl-create")
    query = (*dry_run_query(words), ("fieldManager", manager), ("fieldValidation", strictness(words)))
    for info in infos:
        tree = annotated(info.tree) if words.on("save-config") else info.tree
        if mode != "client":
            try:
                tree = yield from session.ask("POST", info.resource.path(info.namespace), query, tree)
            except Refused as refused:
                failures.append(refused.when("creating", info.source))
                continue
        name = str((tree.get("metadata") or {}).get("name") or info.name)
        session.out.append(printers.done(info.resource, name, "created", printers.chosen(session, words), tree, mode))
    raise_all(failures)
    return 0


KINDS: dict[str, tuple[str, Callable[[Session, Words], Asking[int]]]] = {
    "configmap": (SOURCES, config_map),
    "deployment": (COMMON + "image@ replicas:r# port#", deployment),
    "namespace": (COMMON, namespace),
    "secret docker-registry": (
        SOURCES + "docker-username docker-password docker-email docker-server", secret_docker),
    "secret generic": (SOURCES + "type", secret_generic),
    "secret tls": (COMMON + "cert key append-hash!", secret_tls),
    "service clusterip": (SERVICE_FLAGS, service("ClusterIP")),
    "service externalname": (SERVICE_FLAGS, service("ExternalName")),
    "service loadbalancer": (SERVICE_FLAGS, service("LoadBalancer")),
    "service nodeport": (SERVICE_FLAGS, service("NodePort")),
}  # fmt: skip
"""Kind → its flags, and what makes one."""
