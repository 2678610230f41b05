"""Authorization: may this user do this? The privileged group first, then the node authorizer, then RBAC.

The texts are those of apiserver endpoints/handlers/responsewriters/errors.go.
"""

from __future__ import annotations

from functools import lru_cache

from k8s_tutor.api import nodeauth, rbac
from k8s_tutor.api.authn import MASTERS, User
from k8s_tutor.api.rbac import Answer, Ask, Rights
from k8s_tutor.api.scheme import Target
from k8s_tutor.api.status import Refusal, Subject, forbidden, forbidden_path
from k8s_tutor.api.watchcache import Caches
from k8s_tutor.api.wire import Request

_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}
CONNECTS = ("attach", "exec", "portforward")
"""Who connects to a pod needs ``create``, also with a GET that becomes a websocket
(AuthorizePodWebsocketUpgradeCreatePermission)."""
OPEN = ("/healthz", "/livez", "/readyz")
"""Paths that anybody may get (--authorization-always-allow-paths)."""


@lru_cache(maxsize=256)
def verb_of(method: str, named: bool, watching: bool) -> str:
    """The API verb of a request: ``list``, ``watch``, ``deletecollection``, ..."""
    if method in ("GET", "HEAD"):
        return "watch" if watching else "get" if named else "list"
    if method == "DELETE":
        return "delete" if named else "deletecollection"
    return _VERBS.get(method, method.lower())


def ask_of(request: Request, target: Target, verb: str) -> Ask:
    """What a request wants."""
    row = target.resource
    if row is None:
        return Ask(verb, path=request.path)
    name = "" if verb == "create" and not target.subresource else target.name
    if not name and verb in ("list", "watch", "deletecollection"):
        name = _selected_name(request)
    return Ask(verb, row.group, row.plural, target.subresource, target.namespace, name)


def _selected_name(request: Request) -> str:
    """A list of one object by its name counts as a request for that name."""
    selector = request.parameter("fieldSelector")
    if not selector.startswith("metadata.name="):
        return ""
    name = selector.removeprefix("metadata.name=").removeprefix("=")
    return "" if "," in name or "/" in name else name


def decide(rights: Rights, caches: Caches, user: User, ask: Ask, selector: str = "") -> Answer:
    """Whether somebody may do something; ``selector`` is the field selector of a list or watch."""
    if MASTERS in user.groups:
        return Answer(True)
    if ask.path in OPEN:
        return Answer(True)
    reason = ""
    if nodeauth.GROUP in user.groups:
        answer = nodeauth.decide(caches, user, ask, selector)
        if answer.allowed:
            return answer
        reason = answer.reason
    answer = rbac.answer(rights, user, ask)
    if answer.allowed or not reason:
        return answer
    return Answer(False, ", ".join(filter(None, (reason, answer.reason))))


def denied(user: User, ask: Ask, reason: str = "") -> Refusal:
    """The 403 of a request."""
    if ask.path:
        return forbidden_path(user.name, ask.verb, ask.path)
    return forbidden(Subject(ask.group, ask.resource, ask.name), sentence(user, ask) + (f": {reason}" if reason else ""))


def sentence(user: User, ask: Ask) -> str:
    """``User "alice" cannot list resource "pods" in API group "" in the namespace "default"``."""
    scope = f'in the namespace "{ask.namespace}"' if ask.namespace else "at the cluster scope"
    return f'User "{user.name}" cannot {ask.verb} resource "{ask.combined}" in API group "{ask.group}" {scope}'
