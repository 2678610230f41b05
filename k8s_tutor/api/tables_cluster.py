"""Tables of what a cluster is made of and ruled by."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import quantity, times
from k8s_tutor.api.printing import AGE, NAME, NAME_TEXT, NONE, UNSET, Column, Moment, Rows, created, name

Tree = dict[str, Any]


def node_status(tree: Tree) -> str:
    """``Ready``, ``NotReady,SchedulingDisabled``, ..."""
    words = [
        "Ready" if item["status"] == "True" else "NotReady"
        for item in tree.get("status", {}).get("conditions", ())
        if item["type"] == "Ready"
    ]
    words = words or ["Unknown"]
    if tree.get("spec", {}).get("unschedulable"):
        words.append("SchedulingDisabled")
    return ",".join(words)


def node_roles(tree: Tree) -> str:
    """``control-plane``, or ``<none>``."""
    prefix, found = "node-role.kubernetes.io/", []
    for key, value in tree["metadata"].get("labels", {}).items():
        if key.startswith(prefix) and len(key) > len(prefix):
            found.append(key.removeprefix(prefix))
        elif key == "kubernetes.io/role" and value:
            found.append(value)
    return ",".join(sorted(found)) or NONE


def _node(tree: Tree, at: Moment) -> list[Any]:
    status = tree.get("status", {})
    info = status.get("nodeInfo", {})
    addresses = {item["type"]: item["address"] for item in reversed(status.get("addresses", ()))}
    kernel, machine = info.get("kernelVersion"), info.get("architecture")
    return [
        name(tree), node_status(tree), node_roles(tree), created(tree, at), info.get("kubeletVersion", ""),
        addresses.get("InternalIP", NONE), addresses.get("ExternalIP", NONE), info.get("osImage") or "<unknown>",
        (f"{kernel} ({machine})" if machine else kernel) if kernel else "<unknown>",
        info.get("containerRuntimeVersion") or "<unknown>",
    ]  # fmt: skip


def _event(tree: Tree, at: Moment) -> list[Any]:
    about, source, series = tree.get("involvedObject", {}), tree.get("source", {}), tree.get("series")
    first = at.age(tree.get("firstTimestamp") or tree.get("eventTime"))
    last = at.age(tree["lastTimestamp"]) if tree.get("lastTimestamp") else first
    count = tree.get("count", 0) or 1
    if series:
        last, count = at.age(series.get("lastObservedTime")), series.get("count", 0)
    kind = about.get("kind", "").lower()
    component = source.get("component") or tree.get("reportingComponent") or ""
    host = source.get("host") or tree.get("reportingInstance") or ""
    return [
        last, tree.get("type", ""), tree.get("reason", ""), f"{kind}/{about['name']}" if about.get("name") else kind,
        about.get("fieldPath", ""), f"{component}, {host}" if host else component, tree.get("message", "").strip(),
        first, count, name(tree),
    ]  # fmt: skip


def _config_map(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), len(tree.get("data", ())) + len(tree.get("binaryData", ())), created(tree, at)]


def _namespace(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), tree.get("status", {}).get("phase", ""), created(tree, at)]


def _lease(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), tree.get("spec", {}).get("holderIdentity", ""), created(tree, at)]


def _secret(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), tree.get("type", ""), len(tree.get("data", ())), created(tree, at)]


def _service_account(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), len(tree.get("secrets", ())), created(tree, at)]


def _quota(tree: Tree, at: Moment) -> list[Any]:
    status = tree.get("status", {})
    hard = status.get("hard") or tree["spec"].get("hard", {})
    used = status.get("used", {})
    requests: list[str] = []
    limits: list[str] = []
    for resource in sorted(hard):
        text = f"{resource}: {used.get(resource, '0')}/{quantity.canonical(hard[resource])}"
        (limits if resource.startswith("limits") else requests).append(text)
    return [name(tree), ", ".join(requests), ", ".join(limits), created(tree, at)]


def _priority_class(tree: Tree, at: Moment) -> list[Any]:
    return [
        name(tree), tree.get("value", 0), tree.get("globalDefault", False), created(tree, at),
        tree.get("preemptionPolicy", "PreemptLowerPriority"),
    ]  # fmt: skip


def _runtime_class(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), tree.get("handler", ""), created(tree, at)]


def _binding(tree: Tree, at: Moment) -> list[Any]:
    reference = tree.get("roleRef", {})
    found: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in tree.get("subjects", ()):
        text = subject.get("name", "")
        if subject.get("kind") == "ServiceAccount":
            text = f"{subject.get('namespace', '')}/{text}"
        found.setdefault(subject.get("kind", ""), []).append(text)
    return [
        name(tree), f"{reference.get('kind')}/{reference.get('name')}", created(tree, at), ", ".join(found["User"]),
        ", ".join(found["Group"]), ", ".join(found["ServiceAccount"]),
    ]  # fmt: skip


def _webhooks(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), len(tree.get("webhooks", ())), created(tree, at)]


def _policy(tree: Tree, at: Moment) -> list[Any]:
    spec = tree["spec"]
    kind = spec.get("paramKind")
    shown = f"{kind.get('apiVersion')}/{kind.get('kind')}" if kind else UNSET
    return [name(tree), len(spec.get("validations") or spec.get("mutations") or ()), shown, created(tree, at)]


def _policy_binding(tree: Tree, at: Moment) -> list[Any]:
    spec = tree["spec"]
    parameter, shown = spec.get("paramRef"), UNSET
    if parameter:
        shown = "/".join(text for text in (parameter.get("namespace"), parameter.get("name")) if text) or "*"
    return [name(tree), spec.get("policyName", ""), shown, created(tree, at)]


def _flow_schema(tree: Tree, at: Moment) -> list[Any]:
    spec = tree["spec"]
    missing = "?"
    for item in tree.get("status", {}).get("conditions", ()):
        if item.get("type") == "Dangling":
            missing = item.get("status", "?")
    return [
        name(tree), spec.get("priorityLevelConfiguration", {}).get("name", ""), spec.get("matchingPrecedence", 0),
        spec.get("distinguisherMethod", {}).get("type", NONE), created(tree, at), missing,
    ]  # fmt: skip


def _priority_level(tree: Tree, at: Moment) -> list[Any]:
    spec = tree["spec"]
    limited = spec.get("limited", {})
    queuing = limited.get("limitResponse", {}).get("queuing", {})
    return [
        name(tree), spec.get("type", ""), limited.get("nominalConcurrencyShares", NONE), queuing.get("queues", NONE),
        queuing.get("handSize", NONE), queuing.get("queueLengthLimit", NONE), created(tree, at),
    ]  # fmt: skip


def _request(tree: Tree, at: Moment) -> list[Any]:
    spec, status = tree["spec"], tree.get("status", {})
    seconds = spec.get("expirationSeconds")
    words = [item["type"] for item in status.get("conditions", ()) if item.get("type") in ("Approved", "Denied", "Failed")]
    if status.get("certificate"):
        words.append("Issued")
    return [
        name(tree), created(tree, at), spec.get("signerName", NONE), spec.get("username", ""),
        NONE if seconds is None else times.human_duration(seconds * 1_000_000), ",".join(words) or "Pending",
    ]  # fmt: skip


def _api_service(tree: Tree, at: Moment) -> list[Any]:
    service = tree["spec"].get("service")
    shown, available = "Local", "Unknown"
    if service:
        shown = f"{service.get('namespace')}/{service.get('name')}"
    for item in tree.get("status", {}).get("conditions", ()):
        if item.get("type") == "Available":
            available = item["status"]
            if available != "True":
                available += f" ({item.get('reason', '')})"
    return [name(tree), shown, available, created(tree, at)]


def _claim(tree: Tree, at: Moment) -> list[Any]:
    status, gone = tree.get("status", {}), bool(tree["metadata"].get("deletionTimestamp"))
    states = ["deleted"] if gone else []
    if "allocation" in status:
        states += ["allocated", *(["reserved"] if status.get("reservedFor") else [])]
    elif not gone:
        states.append("pending")
    return [name(tree), ",".join(states), created(tree, at)]


def _slice(tree: Tree, at: Moment) -> list[Any]:
    spec = tree["spec"]
    return [
        name(tree), spec.get("nodeName", UNSET), spec.get("driver", ""), spec.get("pool", {}).get("name", ""),
        created(tree, at),
    ]  # fmt: skip


def _component(tree: Tree, at: Moment) -> list[Any]:
    healthy: Tree = next((item for item in tree.get("conditions", ()) if item.get("type") == "Healthy"), {})
    word = {"True": "Healthy", "False": "Unhealthy"}.get(healthy.get("status", ""), "Unknown")
    return [name(tree), word, healthy.get("message", ""), healthy.get("error", "")]


def _aged(tree: Tree, at: Moment) -> list[Any]:
    return [name(tree), created(tree, at)]


_WEBHOOKS = (NAME, Column("Webhooks", "The number of webhooks registered in this configuration", "integer"), AGE)
_PARAM_KIND = Column("ParamKind", "ParamKind specifies the kind of resources used to parameterize this policy")
_POLICY_BINDING = (
    NAME, Column("PolicyName", "PolicyName indicates the policy definition which the policy binding binded to"),
    Column("ParamRef", "ParamRef indicates the param resource which sets the configration param"), AGE,
)  # fmt: skip
_BINDING = (
    NAME, Column("Role", "The role that is given."), AGE, Column("Users", "Users in the roleBinding", wide=True),
    Column("Groups", "Groups in the roleBinding", wide=True),
    Column("ServiceAccounts", "ServiceAccounts in the roleBinding", wide=True),
)  # fmt: skip

ROWS: Rows = {
    "Node": (_node, (
        NAME,
        Column("Status", "The status of the node"),
        Column("Roles", "The roles of the node"),
        AGE,
        Column("Version", "Kubelet Version reported by the node."),
        Column("Internal-IP", "List of addresses reachable to the node.", wide=True),
        Column("External-IP", "List of addresses reachable to the node.", wide=True),
        Column("OS-Image", "OS Image reported by the node from /etc/os-release.", wide=True),
        Column("Kernel-Version", "Kernel Version reported by the node from 'uname -r'.", wide=True),
        Column("Container-Runtime", "ContainerRuntime Version reported by the node through runtime remote API.", wide=True),
    )),
    "Event": (_event, (
        Column("Last Seen", "The time at which the most recent occurrence of this event was recorded."),
        Column("Type", "Type of this event (Normal, Warning), new types could be added in the future"),
        Column("Reason", "A short, machine understandable string that gives the reason for this event."),
        Column("Object", "The object that this event is about."),
        Column("Subobject", "A part of the object that this event is about.", wide=True),
        Column("Source", "The component reporting this event.", wide=True),
        Column("Message", "A human-readable description of the status of this operation."),
        Column("First Seen", "The time at which the event was first recorded.", wide=True),
        Column("Count", "The number of times this event has occurred.", wide=True),
        Column("Name", NAME_TEXT, wide=True),
    )),
    "ConfigMap": (_config_map, (NAME, Column("Data", "The number of keys."), AGE)),
    "Namespace": (_namespace, (NAME, Column("Status", "The status of the namespace"), AGE)),
    "Lease": (_lease, (NAME, Column("Holder", "The identity of the holder of this lease."), AGE)),
    "Secret": (_secret, (NAME, Column("Type", "What the secret data is for."), Column("Data", "The number of keys."), AGE)),
    "ServiceAccount": (_service_account, (NAME, Column("Secrets", "Secrets that pods with this account may use."), AGE)),
    "ResourceQuota": (_quota, (
        NAME, Column("Request", "Request represents a minimum amount of cpu/memory that a container may consume."),
        Column("Limit", "Limits control the maximum amount of cpu/memory that a container may use independent of "
                        "contention on the node."), AGE,
    )),
    "PriorityClass": (_priority_class, (
        NAME, Column("Value", "The integer value of this priority class.", "integer"),
        Column("Global-Default", "Whether pods without a class get this one.", "boolean"), AGE,
        Column("PreemptionPolicy", "Whether pods of this class may displace others."),
    )),
    "RuntimeClass": (_runtime_class, (NAME, Column("Handler", "What runs the containers of this class."), AGE)),
    "RoleBinding": (_binding, _BINDING),
    "ClusterRoleBinding": (_binding, _BINDING),
    "MutatingWebhookConfiguration": (_webhooks, _WEBHOOKS),
    "ValidatingWebhookConfiguration": (_webhooks, _WEBHOOKS),
    "ValidatingAdmissionPolicy": (_policy, (
        NAME, Column("Validations", "Validations indicates the number of validation rules defined in this configuration",
                     "integer"), _PARAM_KIND, AGE,
    )),
    "MutatingAdmissionPolicy": (_policy, (
        NAME, Column("Mutations", "Mutation indicates the number of mutations rules defined in this configuration",
                     "integer"), _PARAM_KIND, AGE,
    )),
    "ValidatingAdmissionPolicyBinding": (_policy_binding, _POLICY_BINDING),
    "MutatingAdmissionPolicyBinding": (_policy_binding, _POLICY_BINDING),
    "FlowSchema": (_flow_schema, (
        NAME, Column("PriorityLevel", "The priority level of requests that match."),
        Column("MatchingPrecedence", "Which of several schemas that match a request is used: the lowest."),
        Column("DistinguisherMethod", "What makes a flow."), AGE,
        Column("MissingPL", "references a broken or non-existent PriorityLevelConfiguration"),
    )),
    "PriorityLevelConfiguration": (_priority_level, (
        NAME, Column("Type", "Whether requests of this level are limited."),
        Column("NominalConcurrencyShares", "Its share of the requests that are served at a time."),
        Column("Queues", "The number of queues."), Column("HandSize", "The number of queues of one flow."),
        Column("QueueLengthLimit", "The most requests that may wait in a queue."), AGE,
    )),
    "CertificateSigningRequest": (_request, (
        NAME, AGE, Column("SignerName", "Who is asked to sign."), Column("Requestor", "Who asked."),
        Column("RequestedDuration", "How long the certificate shall be valid."), Column("Condition", "How far it is."),
    )),
    "APIService": (_api_service, (
        NAME, Column("Service", "The reference to the service that hosts this API endpoint."),
        Column("Available", "Whether this service is available."), AGE,
    )),
    "ResourceClaim": (_claim, (
        NAME, Column("State", "A summary of the current state (allocated, pending, reserved, etc.)."), AGE,
    )),
    "ResourceClaimTemplate": (_aged, (NAME, AGE)),
    "DeviceClass": (_aged, (NAME, AGE)),
    "ResourceSlice": (_slice, (
        NAME, Column("Node", "The node that has the devices."), Column("Driver", "The driver of the devices."),
        Column("Pool", "The pool that the devices belong to."), AGE,
    )),
    "ComponentStatus": (_component, (
        NAME, Column("Status", "Status of the component conditions"), Column("Message", "Message of the component conditions"),
        Column("Error", "Error of the component conditions"),
    )),
}  # fmt: skip
