"""``kubectl auth can-i`` and ``whoami``, and ``kubectl certificate`` (kubectl pkg/cmd/auth, pkg/cmd/certificates)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from k8s_tutor.kubectl import printers, tabs, targets
from k8s_tutor.kubectl.errors import Failure, raise_all
from k8s_tutor.kubectl.goprint import plain
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking, Tree
from k8s_tutor.kubectl.resources import Undiscovered, find, the
from k8s_tutor.kubectl.session import Session

CAN_I_FLAGS = "all-namespaces:A! quiet:q! list! no-headers! subresource chunk-size#"
WHOAMI_FLAGS = printers.FLAGS
CERTIFICATE_FLAGS = printers.FLAGS + "force! filename:f* recursive:R!"
AUTHORIZATION, AUTHENTICATION = "authorization.k8s.io", "authentication.k8s.io"


def can_i(session: Session, words: Words) -> Asking[int]:
    """``auth can-i VERB TYPE[/NAME]``, ``can-i VERB /url``, ``can-i --list``."""
    if words.on("list"):
        if words.positional:
            raise Failure("list option must be specified with no arguments")
        return (yield from _list(session, words))
    if words.on("all-namespaces"):
        session.namespace = ""
    if len(words.positional) < 2 or len(words.positional) > 3:
        raise Failure("you must specify two arguments: verb resource or verb resource/resourceName.\n"
                      "See 'kubectl auth can-i -h' for help and examples.")  # fmt: skip
    verb, what, *more = words.positional
    if what.startswith("/"):
        attributes: Tree = {"nonResourceAttributes": {"path": what, "verb": verb}}
    else:
        attributes = {"resourceAttributes": _attributes(session, words, verb, what, more)}
    review = {"apiVersion": f"{AUTHORIZATION}/v1", "kind": "SelfSubjectAccessReview", "metadata": {"creationTimestamp": None},
              "spec": attributes, "status": {"allowed": False}}  # fmt: skip
    answer: Tree = yield from session.ask("POST", f"/apis/{AUTHORIZATION}/v1/selfsubjectaccessreviews", (), review)
    status = answer.get("status") or {}
    text = "yes" if status.get("allowed") else "no"
    for key, form in (("reason", " - {}"), ("evaluationError", " - {}")):
        if status.get(key) and not status.get("allowed"):
            text += form.format(status[key])
    if not words.on("quiet"):
        session.say(text)
    return 0 if status.get("allowed") else 1


def _attributes(session: Session, words: Words, verb: str, what: str, more: list[str]) -> Tree:
    head, slash, name = what.partition("/")
    name = more[0] if more else name
    if more and slash:
        raise Failure("you must specify two arguments: verb resource or verb resource/resourceName.\n"
                      "See 'kubectl auth can-i -h' for help and examples.")  # fmt: skip
    resource = find(head, session.known)
    group, plural = (resource.group, resource.plural) if resource else ("", head)
    if resource is None and head != "*":
        if not session.discovered:
            raise Undiscovered
        plural, _, group = head.partition(".")
        said = f" in group '{group}'" if group else ""
        session.warn(f"Warning: the server doesn't have a resource type '{plural}'{said}\n")
    elif head == "*":
        group = "*"
    if resource is not None and not resource.namespaced and (session.namespace_given or not words.on("all-namespaces")):
        scope = f" in group '{group}'" if group else ""
        session.warn(f"Warning: resource '{plural}' is not namespace scoped{scope}\n")
    attributes: Tree = {"verb": verb, "resource": plural, "group": group, "namespace": session.namespace, "name": name,
                        "subresource": words.text("subresource")}  # fmt: skip
    return {key: value for key, value in attributes.items() if value}


def _list(session: Session, words: Words) -> Asking[int]:
    """All rules, as the server tells them, sorted by resource."""
    review = {"apiVersion": f"{AUTHORIZATION}/v1", "kind": "SelfSubjectRulesReview", "metadata": {"creationTimestamp": None},
              "spec": {"namespace": session.namespace},
              "status": {"incomplete": False, "nonResourceRules": None, "resourceRules": None}}  # fmt: skip
    answer: Tree = yield from session.ask("POST", f"/apis/{AUTHORIZATION}/v1/selfsubjectrulesreviews", (), review)
    status = answer.get("status") or {}
    if status.get("incomplete") and status.get("evaluationError"):
        session.warn(f"warning: the list may be incomplete: {status['evaluationError']}")
    rows = [] if words.on("no-headers") else [["Resources", "Non-Resource URLs", "Resource Names", "Verbs"]]
    for row in rows_of([*(status.get("resourceRules") or []), *(status.get("nonResourceRules") or [])]):
        rows.append([row.title, plain(row.urls), plain(row.names), plain(row.verbs)])
    session.say(tabs.table(rows))
    return 0


class Row(NamedTuple):
    """One line of a table of rules."""

    group: str
    resource: str
    urls: tuple[str, ...]
    names: tuple[str, ...]
    verbs: list[str]

    @property
    def title(self) -> str:
        """``pods/log``, ``deployments.apps/scale``."""
        head, slash, sub = self.resource.partition("/")
        return f"{head}.{self.group}{slash}{sub}" if self.group else self.resource

    @property
    def order(self) -> str:
        """What kubectl sorts by: the rule as Go prints it, verbs first."""
        parts = (self.verbs, [self.group], [self.resource], self.names, self.urls)
        return "],".join(" ".join(part) for part in parts) + "]"


def _alone(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Each name by itself; without names once none."""
    return [(name,) for name in names] or [()]


def rows_of(rules: list[Tree]) -> list[Row]:
    """One row for each resource, name and URL that rules speak of, verbs together (rbac BreakdownRule, CompactRules)."""
    merged: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    urls: list[Row] = []
    for rule in rules:
        verbs = rule.get("verbs") or ()
        for group in rule.get("apiGroups") or ():
            for resource in rule.get("resources") or ():
                for names in _alone(rule.get("resourceNames") or ()):
                    known = merged.setdefault((group, resource, names), [])
                    known += [verb for verb in verbs if verb not in known]
        urls += [Row("", "", (url,), (), [verb]) for url in rule.get("nonResourceURLs") or () for verb in verbs]
    found = [Row(group, resource, (), names, verbs) for (group, resource, names), verbs in merged.items()]
    return sorted([*found, *urls], key=lambda row: row.order)


def whoami(session: Session, words: Words) -> Asking[int]:
    """``auth whoami``."""
    output = printers.chosen(session, words)
    printers.check(output)
    review = {"apiVersion": f"{AUTHENTICATION}/v1", "kind": "SelfSubjectReview", "metadata": {"creationTimestamp": None},
              "status": {"userInfo": {}}}  # fmt: skip
    answer: Tree = yield from session.ask("POST", f"/apis/{AUTHENTICATION}/v1/selfsubjectreviews", (), review)
    if output:
        metadata = {"creationTimestamp": None, **(answer.get("metadata") or {})}
        session.out.append(printers.show({**answer, "metadata": metadata}, output))
        return 0
    user = (answer.get("status") or {}).get("userInfo") or {}
    rows = [["ATTRIBUTE", "VALUE"], ["Username", user.get("username", "")]]
    rows += [["UID", user["uid"]]] if user.get("uid") else []
    rows += [["Groups", plain(user["groups"])]] if user.get("groups") else []
    rows += [[f"Extra: {key}", plain(user["extra"][key])] for key in sorted(user.get("extra") or {})]
    session.say(tabs.table(rows))
    return 0


def certificate(session: Session, words: Words) -> Asking[int]:
    """``certificate approve`` and ``deny``: a condition of a CertificateSigningRequest."""
    verb = words.command.rpartition(" ")[2]
    kind, done = ("Approved", "approved") if verb == "approve" else ("Denied", "denied")
    reason = f"Kubectl{verb.capitalize()}"
    if not words.positional and not words.many("filename"):
        raise Failure("one or more CSRs must be specified as <name> or -f <filename>")
    requests = the("certificatesigningrequests", "certificates.k8s.io")
    names = tuple(name.rpartition("/")[2] for name in words.positional)
    failures: list[Failure] = []
    infos = yield from targets.resolve(session, words, (requests.plural, *names) if names else (), failures)
    for info in infos:
        conditions = list((info.tree.get("status") or {}).get("conditions") or ())
        if all(one.get("type") != kind for one in conditions):
            conditions.append({"type": kind, "status": "True", "reason": reason,
                               "message": f"This CSR was {done} by kubectl certificate {verb}."})  # fmt: skip
            tree = {**info.tree, "status": {**(info.tree.get("status") or {}), "conditions": conditions}}
            yield from session.ask("PUT", requests.path(None, info.name, "approval"), (), tree)
        session.say(f"{info.title} {done}")
    raise_all(failures)
    return 0
