"""``kubectl describe``: fetch an object and what belongs to it, and tell it in words (kubectl pkg/describe)."""

from __future__ import annotations

from k8s_tutor.api import selectors
from k8s_tutor.kubectl import manifests, targets
from k8s_tutor.kubectl.describe import node, others, pod, workloads
from k8s_tutor.kubectl.errors import Failure, Refused, raise_all
from k8s_tutor.kubectl.get import nothing
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import ENDPOINTSLICES, EVENTS, LEASES, PODS, Info, Resource, find
from k8s_tutor.kubectl.revisions import replica_sets, revision_of
from k8s_tutor.kubectl.session import Session

FLAGS = "all-namespaces:A! selector:l filename:f* show-events! recursive:R! chunk-size#"


def run(session: Session, words: Words) -> Asking[int]:
    """Describe each object, two empty lines between them."""
    failures: list[Failure] = []
    if not words.positional and not words.many("filename"):
        kinds = 'Use "kubectl api-resources" for a complete list of supported resources.'
        raise Failure(f"You must specify the type of resource to describe. {kinds}")
    infos = yield from _chosen(session, words, failures)
    texts: list[str] = []
    for info in infos:
        try:
            text = yield from describe(session, info, words.text("show-events", "true") == "true")
            texts.append(text)
        except Refused as refused:
            failures.append(refused)
    session.out.append("\n\n".join(texts))
    if not infos and not failures:
        session.warn(nothing(session, words, [target.resource for target in targets.read(session, words.positional)]))
    raise_all(failures)
    return 0


def _chosen(session: Session, words: Words, failures: list[Failure]) -> Asking[list[Info]]:
    if words.many("filename"):
        named = manifests.load(session, words.many("filename"), failures)
        wanted = [targets.Target(one.resource, one.name, one.namespace) for one in named]
    else:
        wanted = targets.read(session, words.positional)
        targets.check(words, wanted)
    found: list[Info] = []
    for target in wanted:
        try:
            if target.name:
                found += yield from _named(session, words, target)
            else:
                found += yield from targets.listed(session, words, target.resource)
        except Failure as failure:
            failures.append(failure)
    return found


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


def describe(session: Session, info: Info, show_events: bool) -> Asking[str]:
    """The text of one object."""
    tree, kind, now = info.tree, info.resource.kind, session.now
    if kind == "Node":
        return (yield from _node(session, info, show_events))
    if kind == "Namespace":
        quotas = yield from _optional(session, find("resourcequotas"), info.name)
        limits = yield from _optional(session, find("limitranges"), info.name)
        return others.namespace(tree, quotas, limits)
    slices: list[Tree] = []
    if kind == "Service":
        label = (("labelSelector", f"kubernetes.io/service-name={info.name}"),)
        slices = yield from session.listed(ENDPOINTSLICES, info.namespace, label)
    pods: list[Tree] = []
    if kind == "ReplicaSet":
        text = str(selectors.from_object((tree.get("spec") or {}).get("selector")))
        pods = yield from session.listed(PODS, info.namespace, (("labelSelector", text),))
    events = (yield from _events(session, info)) if show_events else None
    if kind == "Deployment":
        old, new = yield from _replica_sets(session, tree)
        return workloads.deployment(tree, old, new, events, now)
    if kind == "ReplicaSet":
        return workloads.replica_set(tree, pods, events, now)
    if kind == "Service":
        return others.service(tree, slices, events, now)
    simple = {"Pod": pod.describe, "ConfigMap": others.config_map, "EndpointSlice": others.endpoint_slice}
    return simple.get(kind, others.generic)(tree, events, now)


def _optional(session: Session, resource: Resource | None, namespace: str) -> Asking[list[Tree]]:
    if resource is None:
        return []
    return (yield from session.listed(resource, namespace))


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
