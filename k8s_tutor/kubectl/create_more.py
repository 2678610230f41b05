"""``kubectl create`` of roles and bindings, service accounts, quotas, budgets, priority classes, jobs, ingresses, tokens."""

from __future__ import annotations

import re
from collections.abc import Callable

from k8s_tutor.api import selectors
from k8s_tutor.kubectl import generators, printers, targets
from k8s_tutor.kubectl.create import COMMON, create, one_name
from k8s_tutor.kubectl.errors import Failure, Refused, Worded
from k8s_tutor.kubectl.line import Words, need
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Undiscovered, find, the
from k8s_tutor.kubectl.session import Session

RBAC, AUTH = "rbac.authorization.k8s.io", "authentication.k8s.io/v1"
VERBS = (
    "get", "delete", "list", "create", "update", "patch", "watch", "proxy", "deletecollection", "use", "bind", "escalate",
    "impersonate", "*",
)  # fmt: skip
"""Verbs that kubectl does not warn of."""


def role(session: Session, words: Words) -> Asking[int]:
    """``create role NAME --verb=... --resource=...``."""
    name = one_name(words)
    verbs = _verbs(session, words)
    rules = _rules(session, words, verbs)
    tree: Tree = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": generators.metadata(name), "rules": rules}
    yield from create(session, words, the("roles", RBAC), tree, "role")
    return 0


def cluster_role(session: Session, words: Words) -> Asking[int]:
    """``create clusterrole NAME``: of resources, of URLs, or gathered by labels."""
    name = one_name(words)
    tree: Tree = {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": generators.metadata(name)}
    urls = list(words.many("non-resource-url"))
    if words.given("aggregation-rule"):
        if any(words.many(flag) for flag in ("verb", "resource", "resource-name", "non-resource-url")):
            raise Failure("aggregation rule must be specified without verbs, resources, resource names or non-resource urls")
        pairs = dict(pair.partition("=")[::2] for pair in words.text("aggregation-rule").split(","))
        tree |= {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": pairs}]}, "rules": None}
    else:
        verbs = _verbs(session, words)
        if not words.many("resource") and not urls:
            raise Failure("one of resource or nonResourceURL must be specified")
        if words.many("resource") and urls:
            raise Failure("one of resource or nonResourceURL must be specified")
        tree["rules"] = [{"nonResourceURLs": urls, "verbs": verbs}] if urls else _rules(session, words, verbs)
    yield from create(session, words, the("clusterroles", RBAC), tree, "clusterrole")
    return 0


def _verbs(session: Session, words: Words) -> list[str]:
    verbs = list(dict.fromkeys(words.many("verb")))
    if not verbs:
        raise Failure("at least one verb must be specified")
    if "*" in verbs:
        verbs = ["*"]
    for verb in verbs:
        if verb not in VERBS and not words.many("non-resource-url"):
            session.warn(f"Warning: '{verb}' is not a standard resource verb")
    return verbs


def _rules(session: Session, words: Words, verbs: list[str]) -> list[Tree]:
    """One rule for each API group, in order of first mention."""
    if not words.many("resource"):
        raise Failure("at least one resource must be specified")
    groups: dict[str, list[str]] = {}
    for text in words.many("resource"):
        head, slash, sub = text.partition("/")
        if head == "*":
            groups.setdefault("*", []).append("*" + slash + sub)
            continue
        resource = find(head, session.known)
        if resource is None:
            if not session.discovered:
                raise Undiscovered
            raise Worded(f'the server doesn\'t have a resource type "{head}"')
        groups.setdefault(resource.group, []).append(resource.plural + slash + sub)
    names = {"resourceNames": list(words.many("resource-name"))} if words.many("resource-name") else {}
    return [{"apiGroups": [group], "resources": list(dict.fromkeys(plurals)), "verbs": verbs, **names}
            for group, plurals in groups.items()]  # fmt: skip


def role_binding(session: Session, words: Words) -> Asking[int]:
    """``create rolebinding NAME --role=R|--clusterrole=R --user=U --group=G --serviceaccount=NS:NAME``."""
    name = one_name(words)
    if bool(words.text("role")) == bool(words.text("clusterrole")):
        raise Failure("exactly one of clusterrole or role must be specified")
    kind = "Role" if words.text("role") else "ClusterRole"
    tree = _binding("RoleBinding", name, kind, words.text("role") or words.text("clusterrole"), words)
    yield from create(session, words, the("rolebindings", RBAC), tree, "rolebinding")
    return 0


def cluster_role_binding(session: Session, words: Words) -> Asking[int]:
    """``create clusterrolebinding NAME --clusterrole=R ...``."""
    name = one_name(words)
    need(words, "clusterrole")
    tree = _binding("ClusterRoleBinding", name, "ClusterRole", words.text("clusterrole"), words)
    yield from create(session, words, the("clusterrolebindings", RBAC), tree, "clusterrolebinding")
    return 0


def _binding(kind: str, name: str, role_kind: str, role_name: str, words: Words) -> Tree:
    tree: Tree = {
        "apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": generators.metadata(name),
        "roleRef": {"apiGroup": RBAC, "kind": role_kind, "name": role_name},
    }  # fmt: skip
    found = subjects(words)
    return {**tree, "subjects": found} if found else tree


def subjects(words: Words) -> list[Tree]:
    """The subjects that ``--user``, ``--group`` and ``--serviceaccount`` name."""
    found: list[Tree] = [{"apiGroup": RBAC, "kind": "User", "name": name} for name in words.many("user")]
    found += [{"apiGroup": RBAC, "kind": "Group", "name": name} for name in words.many("group")]
    for account in words.many("serviceaccount"):
        namespace, colon, name = account.partition(":")
        if not (namespace and colon and name) or ":" in name:
            raise Failure("serviceaccount must be <namespace>:<name>")
        found.append({"kind": "ServiceAccount", "name": name, "namespace": namespace})
    return found


def service_account(session: Session, words: Words) -> Asking[int]:
    """``create serviceaccount NAME``."""
    tree = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": generators.metadata(one_name(words))}
    yield from create(session, words, the("serviceaccounts"), tree, "serviceaccount")
    return 0


def quota(session: Session, words: Words) -> Asking[int]:
    """``create quota NAME --hard=pods=10,cpu=4 --scopes=...``."""
    name = one_name(words)
    spec: Tree = {}
    if words.text("hard"):
        pairs = [pair.partition("=") for pair in words.text("hard").split(",")]
        if not all(key and equals for key, equals, _ in pairs):
            raise Failure(f"invalid argument syntax {words.text('hard')}, expected <resource>=<value>")
        spec["hard"] = {key: value for key, _, value in pairs}
    if words.text("scopes"):
        spec["scopes"] = words.text("scopes").split(",")
    tree: Tree = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": generators.metadata(name), "spec": spec,
                  "status": {}}  # fmt: skip
    yield from create(session, words, the("resourcequotas"), tree, "quota")
    return 0


def budget(session: Session, words: Words) -> Asking[int]:
    """``create poddisruptionbudget NAME --selector=S --min-available=N|--max-unavailable=N``."""
    name = one_name(words)
    if not words.text("selector"):
        raise Failure("a selector must be specified")
    least, most = words.text("min-available"), words.text("max-unavailable")
    if not least and not most:
        raise Failure("one of min-available or max-unavailable must be specified")
    if least and most:
        raise Failure("min-available and max-unavailable cannot be both specified")
    amount = least or most
    value = amount if amount.endswith("%") else generators.whole(amount)
    spec = {("minAvailable" if least else "maxUnavailable"): value, "selector": _selector(words.text("selector"))}
    counts = {"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0}
    tree: Tree = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": generators.metadata(name),
                  "spec": spec, "status": counts}  # fmt: skip
    yield from create(session, words, the("poddisruptionbudgets", "policy"), tree, "poddisruptionbudgets")
    return 0


def _selector(text: str) -> Tree:
    """A selector as text as a label selector; plain equalities are ``matchLabels``."""
    found = selectors.parse(text).requirements
    if all(one.op in ("in", "=") and len(one.values) == 1 for one in found) and "(" not in text:
        return {"matchLabels": {one.key: one.values[0] for one in found}}
    names = {"in": "In", "notin": "NotIn", "exists": "Exists", "!": "DoesNotExist"}
    return {"matchExpressions": [
        {"key": one.key, "operator": names.get(one.op, "In"), **({"values": list(one.values)} if one.values else {})}
        for one in found
    ]}  # fmt: skip


def priority_class(session: Session, words: Words) -> Asking[int]:
    """``create priorityclass NAME --value=N``."""
    name = one_name(words)
    tree: Tree = {
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": generators.metadata(name),
        "preemptionPolicy": words.text("preemption-policy", "PreemptLowerPriority"), "value": words.number("value"),
    }  # fmt: skip
    tree |= {"globalDefault": True} if words.on("global-default") else {}
    tree |= {"description": words.text("description")} if words.text("description") else {}
    yield from create(session, words, the("priorityclasses", "scheduling.k8s.io"), tree, "priorityclass")
    return 0


def job(session: Session, words: Words) -> Asking[int]:
    """``create job NAME --image=IMAGE -- COMMAND``, or ``--from=cronjob/NAME``."""
    if not words.positional:
        raise Failure(f"exactly one NAME is required, got 0\nSee '{words.command} -h' for help and examples")
    name, *extra = words.positional
    if bool(words.text("image")) == bool(words.text("from")):
        raise Failure("either --image or --from must be specified")
    command = (*extra, *(words.rest or ()))
    if words.text("from"):
        if command:
            raise Failure("cannot specify --from and command")
        tree = yield from _from_cron_job(session, words, name)
    else:
        tree = generators.job(name, words.text("image"), command)
    yield from create(session, words, the("jobs", "batch"), tree, "job")
    return 0


def _from_cron_job(session: Session, words: Words, name: str) -> Asking[Tree]:
    kind, slash, source = words.text("from").partition("/")
    resource = targets.known(session, kind)
    if not slash:
        raise Failure("arguments in resource/name form must have a single resource and name")
    if resource.kind != "CronJob":
        raise Failure(f"from must be an existing cronjob: {resource.kind}")
    cron = yield from session.fetch(resource, source)
    template = cron["spec"]["jobTemplate"]
    metadata = generators.metadata(name, (template.get("metadata") or {}).get("labels"))
    given = (template.get("metadata") or {}).get("annotations") or {}
    metadata["annotations"] = {"cronjob.kubernetes.io/instantiate": "manual", **given}
    metadata["ownerReferences"] = [{"apiVersion": "batch/v1", "controller": True, "kind": "CronJob", "name": source,
                                    "uid": cron["metadata"].get("uid", "")}]  # fmt: skip
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template.get("spec") or {}, "status": {}}


def cron_job(session: Session, words: Words) -> Asking[int]:
    """``create cronjob NAME --image=IMAGE --schedule='0/5 * * * ?' -- COMMAND``."""
    need(words, "image", "schedule")
    if not words.positional:
        raise Failure(f"exactly one NAME is required, got 0\nSee '{words.command} -h' for help and examples")
    name, *extra = words.positional
    restart = words.text("restart", "OnFailure")
    tree = generators.cron_job(name, words.text("image"), words.text("schedule"), (*extra, *(words.rest or ())), restart)
    yield from create(session, words, the("cronjobs", "batch"), tree, "cronjob")
    return 0


_RULE = re.compile(
    r"(?P<host>[\w*\-.]*)(?P<path>/[^=]*)=(?P<name>[\w\-]+):(?P<port>[\w\-]+)(?P<tls>,tls(=(?P<secret>[\w\-]+))?)?"
)


def ingress(session: Session, words: Words) -> Asking[int]:
    """``create ingress NAME --rule=host/path=service:port[,tls[=secret]]``."""
    name = one_name(words)
    rules, backend = words.many("rule"), words.text("default-backend")
    if not rules and not backend:
        raise Failure("not enough information provided: every ingress has to either specify a default-backend (which catches "
                      "all traffic) or a list of rules (which catch specific paths)")  # fmt: skip
    matches = []
    for rule in rules:
        match = _RULE.fullmatch(rule)
        if match is None:
            raise Failure(f"rule {rule} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]")
        matches.append(match)
    if backend and not re.fullmatch(r"[\w\-]+:[\w\-]+", backend):
        raise Failure("default-backend should be in format servicename:serviceport")
    tree = generators.ingress(name, [match.groupdict() for match in matches], backend, words.text("class"))
    for pair in words.many("annotation"):
        key, equals, value = pair.partition("=")
        if not equals:
            raise Failure(f"annotation {pair} is invalid and should be in format key=[value]")
        tree["metadata"].setdefault("annotations", {})[key] = value
    yield from create(session, words, the("ingresses", "networking.k8s.io"), tree, "ingress")
    return 0


def token(session: Session, words: Words) -> Asking[int]:
    """``create token SERVICE_ACCOUNT``."""
    name = one_name(words)
    printers.check(words.text("output"))
    spec: Tree = {"audiences": list(words.many("audience")) or None, "boundObjectRef": None, "expirationSeconds": None}
    if words.given("duration"):
        if words.duration("duration") <= 0:
            negative = words.duration("duration") < 0
            raise Failure("duration must be greater than or equal to 0" if negative else "duration cannot be 0")
        spec["expirationSeconds"] = words.duration("duration") // 1_000_000
    if words.text("bound-object-kind"):
        api = "v1"
        spec["boundObjectRef"] = {"apiVersion": api, "kind": words.text("bound-object-kind"),
                                  "name": words.text("bound-object-name"), "uid": words.text("bound-object-uid")}  # fmt: skip
    body = {"apiVersion": AUTH, "kind": "TokenRequest", "metadata": generators.metadata(""), "spec": spec, "status": {}}
    path = the("serviceaccounts").path(session.namespace, name, "token")
    try:
        answer: Tree = yield from session.ask("POST", path, (), body)
    except Refused as refused:
        raise Failure(f"failed to create token: {refused.said}") from None
    status = answer.get("status") or {}
    if not status.get("token"):
        raise Failure("failed to create token: no token in server response")
    if words.text("output"):
        session.out.append(printers.show(answer, words.text("output")))
    else:
        session.say(status["token"])
    return 0


SUBJECTS = "user@ group@ serviceaccount@ "
KINDS: dict[str, tuple[str, Callable[[Session, Words], Asking[int]]]] = {
    "clusterrole": (COMMON + "verb* resource* resource-name@ non-resource-url* aggregation-rule", cluster_role),
    "clusterrolebinding": (COMMON + SUBJECTS + "clusterrole", cluster_role_binding),
    "cronjob": (COMMON + "image schedule restart", cron_job),
    "ingress": (COMMON + "rule@ class default-backend annotation@", ingress),
    "job": (COMMON + "image from", job),
    "poddisruptionbudget": (COMMON + "min-available max-unavailable selector", budget),
    "priorityclass": (COMMON + "value# description global-default! preemption-policy", priority_class),
    "quota": (COMMON + "hard scopes", quota),
    "role": (COMMON + "verb* resource* resource-name@", role),
    "rolebinding": (COMMON + SUBJECTS + "role clusterrole", role_binding),
    "serviceaccount": (COMMON, service_account),
    "token": (printers.FLAGS + "audience@ duration~ bound-object-kind bound-object-name bound-object-uid", token),
}
"""Kind → its flags, and what makes one."""
