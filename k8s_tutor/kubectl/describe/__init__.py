"""``kubectl describe``: fetch an object and what belongs to it, and tell it in words (kubectl pkg/describe)."""

from __future__ import annotations

from collections.abc import Callable

from k8s_tutor.api import selectors
from k8s_tutor.kubectl import manifests, targets
from k8s_tutor.kubectl.describe import access, jobs, network, node, others, pod, scaling, storage, workloads
from k8s_tutor.kubectl.errors import Failure, Refused, raise_all
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import ENDPOINTSLICES, EVENTS, LEASES, PODS, RESOURCES, SECRETS, SERVICES, Info, Resource, the
from k8s_tutor.kubectl.revisions import replica_sets, revision_of
from k8s_tutor.kubectl.session import Query, Session

FLAGS = "all-namespaces:A! selector:l filename:f* show-events! recursive:R! chunk-size#"


def run(session: Session, words: Words) -> Asking[int]:
    """Describe each object, two empty lines between them."""
    failures: list[Failure] = []
    if not words.positional and not words.many("filename"):
        kinds = 'Use "kubectl api-resources" for a complete list of supported resources.'
        raise Failure(f"You must specify the type of resource to describe. {kinds}")
    infos, matched = yield from _chosen(session, words, failures)
    texts: list[str] = []
    for info in infos:
        try:
            text = yield from describe(session, info, words.text("show-events", "true") == "true")
            texts.append(text)
        except Refused as refused:
            failures.append(refused)
    session.out.append("\n\n".join(texts) + ("\n" if matched else ""))
    if not infos and not failures:
        session.warn("No resources found" + ("" if words.on("all-namespaces") else f" in {session.namespace} namespace."))
    raise_all(failures)
    return 0


def _chosen(session: Session, words: Words, failures: list[Failure]) -> Asking[tuple[list[Info], bool]]:
    """The objects, and whether they were found by the beginning of a name."""
    if words.many("filename"):
        named = manifests.load(session, words.many("filename"), failures)
        wanted = [targets.Target(one.resource, one.name, one.namespace) for one in named]
    else:
        wanted = targets.read(session, words.positional)
        targets.check(words, wanted)
    found: list[Info] = []
    matched = False
    for target in wanted:
        try:
            if target.name:
                found += yield from _named(session, words, target)
                matched |= found[-1].name != target.name
            else:
                found += yield from targets.listed(session, words, target.resource)
        except Failure as failure:
            failures.append(failure)
    return found, matched


def _named(session: Session, words: Words, target: targets.Target) -> Asking[list[Info]]:
    """The object of that name; without one, all whose names begin so."""
    namespace = session.scope(target.resource, target.namespace)
    try:
        tree = yield from session.fetch(target.resource, target.name, target.namespace)
    except Refused as refused:
        if refused.reason != "NotFound" or refused.missing_type:
            raise targets.typed(refused, target.resource) from None
        everything = yield from targets.listed(session, words, target.resource)
        found = [info for info in everything if info.name.startswith(target.name)]
        if not found:
            raise refused from None
        return found
    return [Info(target.resource, namespace, target.name, tree)]


Text = Callable[[Tree, "list[Tree] | None", int], str]
PLAIN: dict[str, Text] = {
    "CertificateSigningRequest": access.signing_request,
    "ClusterRole": access.role,
    "ClusterRoleBinding": access.binding,
    "ConfigMap": others.config_map,
    "CronJob": jobs.cron_job,
    "EndpointSlice": network.endpoint_slice,
    "Endpoints": network.old_endpoints,
    "HorizontalPodAutoscaler": scaling.autoscaler,
    "IngressClass": network.ingress_class,
    "Job": jobs.job,
    "LimitRange": storage.limit_range,
    "NetworkPolicy": network.policy,
    "PersistentVolume": storage.volume,
    "Pod": pod.describe,
    "PodDisruptionBudget": scaling.budget,
    "PriorityClass": storage.priority_class,
    "ResourceQuota": storage.quota,
    "Role": access.role,
    "RoleBinding": access.binding,
    "Secret": storage.secret,
    "StorageClass": storage.storage_class,
}
"""Kinds that are told from the object and its events alone."""
OWNERS: dict[str, Callable[[Tree, list[Tree], list[Tree] | None, int], str]] = {
    "DaemonSet": jobs.daemon_set,
    "PersistentVolumeClaim": storage.claim,
    "ReplicaSet": workloads.replica_set,
    "ReplicationController": jobs.replication_controller,
    "StatefulSet": jobs.stateful_set,
}
"""Kinds that are told with pods."""


def describe(session: Session, info: Info, show_events: bool) -> Asking[str]:
    """The text of one object."""
    tree, now = info.tree, session.now
    kind = info.resource.kind if info.resource in RESOURCES else ""
    if kind == "Node":
        return (yield from _node(session, info, show_events))
    if kind == "Namespace":
        quotas = yield from session.listed(the("resourcequotas"), info.name)
        limits = yield from session.listed(the("limitranges"), info.name)
        return others.namespace(tree, quotas, limits)
    related = yield from _related(session, info, kind)
    events = (yield from _events(session, info)) if show_events else None
    if kind == "Deployment":
        old, new = yield from _replica_sets(session, tree)
        return workloads.deployment(tree, old, new, events, now)
    if kind in OWNERS:
        return OWNERS[kind](tree, related, events, now)
    if kind == "Service":
        return network.service(tree, related, events, now)
    if kind == "ServiceAccount":
        return storage.service_account(tree, related, events, now)
    if kind == "Ingress":
        known = yield from _backends(session, info)
        return network.ingress(tree, known, events, now)
    return PLAIN.get(kind, others.generic)(tree, events, now)


def _related(session: Session, info: Info, kind: str) -> Asking[list[Tree]]:
    """The objects that an object is told with: pods, slices of endpoints, secrets."""
    if kind == "Service":
        return (yield from _slices(session, info.namespace, info.name))
    if kind == "ServiceAccount":
        return (yield from _allowed(session, SECRETS, info.namespace, ()))
    if kind == "PersistentVolumeClaim":
        return (yield from _allowed(session, PODS, info.namespace, ()))
    if kind in OWNERS:
        own = (info.tree.get("spec") or {}).get("selector") or {}
        plain = kind == "ReplicationController"
        text = str(selectors.from_map(own) if plain else selectors.from_object(own))
        return (yield from _allowed(session, PODS, info.namespace, (("labelSelector", text),)))
    return []


def _allowed(session: Session, resource: Resource, namespace: str | None, query: Query) -> Asking[list[Tree]]:
    """A list; empty for who may not see it."""
    try:
        return (yield from session.listed(resource, namespace, query))
    except Refused:
        return []


def _slices(session: Session, namespace: str | None, service: str) -> Asking[list[Tree]]:
    label = (("labelSelector", f"kubernetes.io/service-name={service}"),)
    return (yield from session.listed(ENDPOINTSLICES, namespace, label))


def _backends(session: Session, info: Info) -> Asking[dict[str, str]]:
    """What stands behind each backend of an Ingress: addresses, or why there are none."""
    found: dict[str, str] = {}
    for backend in network.backends(info.tree):
        name = network.name_of(backend)
        if not name or name in found:
            continue
        target = backend["service"]
        try:
            service = yield from session.fetch(SERVICES, target["name"], info.namespace)
            slices = yield from _slices(session, info.namespace, target["name"])
        except Refused as refused:
            found[name] = f"<error: {refused.said}>"
            continue
        wanted = target.get("port") or {}
        port = next((one.get("name", "") for one in (service.get("spec") or {}).get("ports") or ()
                     if one.get("port") == wanted.get("number") or one.get("name") == wanted.get("name")), "")  # fmt: skip
        found[name] = network.endpoints(slices, port)
    return found


def _events(session: Session, info: Info) -> Asking[list[Tree]]:
    """What happened to an object. Nobody fails because there are no events to be had."""
    metadata = info.tree.get("metadata") or {}
    terms = [f"involvedObject.name={info.name}"]
    if info.namespace:
        terms.append(f"involvedObject.namespace={info.namespace}")
    if info.resource.kind != "Pod":
        terms.append(f"involvedObject.kind={info.resource.kind}")
    if metadata.get("uid"):
        terms.append(f"involvedObject.uid={metadata['uid']}")
    try:
        return (yield from session.listed(EVENTS, info.namespace or "default", (("fieldSelector", ",".join(terms)),)))
    except Refused:
        return []


def _node(session: Session, info: Info, show_events: bool) -> Asking[str]:
    chosen = f"spec.nodeName={info.name},status.phase!=Succeeded,status.phase!=Failed"
    pods: list[Tree] | None = None
    try:
        pods = yield from session.listed(PODS, None, (("fieldSelector", chosen),))
    except Refused as refused:
        if refused.reason != "Forbidden":
            raise
    events: list[Tree] | None = None
    if show_events:
        about = f"involvedObject.kind=Node,involvedObject.name={info.name}"
        try:
            events = yield from session.listed(EVENTS, None, (("fieldSelector", about),))
        except Refused:
            events = []
    lease: Tree | str
    try:
        lease = yield from session.fetch(LEASES, info.name, "kube-node-lease")
    except Refused as refused:
        lease = refused.said
    return node.describe(info.tree, lease, pods, events, session.now)


def _replica_sets(session: Session, deployment: Tree) -> Asking[tuple[list[Tree], list[Tree]]]:
    """(old, new): the one with the Deployment's own revision is new."""
    try:
        sets = yield from replica_sets(session, deployment)
    except Refused:
        return [], []
    revision = revision_of(deployment)
    new = [one for one in sets if revision and revision_of(one) == revision][:1]
    return [one for one in sets if one not in new], new
