"""``authorizer`` in the expressions of policies: may who sends this request do something else too?
(apiserver pkg/cel/library/authz.go).

A question is a map that the methods fill in: ``authorizer.group('apps').resource('deployments').check('delete').allowed()``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from k8s_tutor.api import access
from k8s_tutor.api.admission.gate import Gate
from k8s_tutor.api.authn import User
from k8s_tutor.api.rbac import SERVICE_ACCOUNT, Ask
from k8s_tutor.api.resources import Resource

Tree = dict[str, Any]

_FIELDS = ("path", "group", "resource", "subresource", "namespace", "name")
NAMES = frozenset((
    *_FIELDS, "serviceAccount", "fieldSelector", "labelSelector", "check", "allowed", "reason", "errored", "error",
))  # fmt: skip
"""All methods of it and of its answers."""


def variable(row: Resource, name: str, gate: Gate) -> Tree:
    """``authorizer``, and in it ``authorizer.requestResource``: the object that the request is about."""
    about = {"group": row.group, "resource": row.plural, "subresource": gate.subresource, "namespace": gate.namespace}
    return {"requestResource": {**about, "name": name}}


def functions(gate: Gate) -> dict[str, Callable[..., Any]]:
    """The methods, for one request."""
    return {
        **{field: partial(_with, field) for field in _FIELDS},
        "serviceAccount": lambda ask, namespace, name: {**ask, "as": f"{SERVICE_ACCOUNT}{namespace}:{name}"},
        "fieldSelector": lambda ask, _: ask, "labelSelector": lambda ask, _: ask,
        "check": partial(_check, gate),
        "allowed": lambda answer: answer["allowed"], "reason": lambda answer: answer["reason"],
        "errored": lambda _: False, "error": lambda _: "",
    }  # fmt: skip


def _with(field: str, ask: Tree, value: str) -> Tree:
    return {**ask, field: value}


def _check(gate: Gate, ask: Tree, verb: str) -> Tree:
    if gate.rights is None:  # what the server itself makes
        return {"allowed": True, "reason": ""}
    user = gate.user
    if "as" in ask:
        namespace = ask["as"].removeprefix(SERVICE_ACCOUNT).partition(":")[0]
        user = User(ask["as"], ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated"))
    wanted = Ask(verb, **{field: ask.get(field, "") for field in _FIELDS})
    answer = access.decide(gate.rights, gate.caches, user, wanted)
    return {"allowed": answer.allowed, "reason": answer.reason}
