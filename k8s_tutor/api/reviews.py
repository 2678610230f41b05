"""Requests that are questions: who am I, what may I do, whose token is this; and the one that gives a token.

Sources: pkg/registry/authorization, pkg/registry/authentication, pkg/registry/core/serviceaccount/storage/token.go.
"""

from __future__ import annotations

from typing import Any

from k8s_tutor.api import authn, bodies, names, scheme, status, times, tokens
from k8s_tutor.api.authn import User
from k8s_tutor.api.base import Op
from k8s_tutor.api.door import Door
from k8s_tutor.api.rbac import Ask
from k8s_tutor.api.resources import Resource
from k8s_tutor.api.status import Cause, Subject
from k8s_tutor.api.strategy import subject
from k8s_tutor.api.tokens import Claims, Reference
from k8s_tutor.api.validation import causes
from k8s_tutor.sim import SECOND, Context

Tree = dict[str, Any]

TOKEN_REQUEST = Resource("TokenRequest", "tokenrequests", "authentication.k8s.io")
_RESOURCE_FIELDS = ("apiGroups", "resources", "resourceNames")
_HOUR, _SHORTEST = 3600, 600
_ONE_OF = "exactly one of nonResourceAttributes or resourceAttributes must be specified"


class Reviews(Door):
    """The part of the API server that answers questions."""

    def review(self, ctx: Context, op: Op) -> None:
        """Answers a review. Raises a Refusal."""
        tree, _ = bodies.decode(op.row, op.request)
        match op.row.kind:
            case "SelfSubjectReview":
                answer = {"userInfo": user_info(op.user)}
            case "TokenReview":
                answer = self._whose(ctx, tree)
            case "SelfSubjectRulesReview":
                answer = self._rules(op.user, tree)
                tree = {**tree, "spec": {}}
            case _:
                answer = self._access(op, tree)
        found = {"kind": op.row.kind, "apiVersion": op.row.api_version, "metadata": tree.get("metadata", {})}
        self.answer_tree(ctx, op, 201, {**found, **({"spec": tree["spec"]} if "spec" in tree else {}), "status": answer})

    # ------------------------------------------------------------------ authorization

    def _access(self, op: Op, tree: Tree) -> Tree:
        spec = tree.get("spec") or {}
        user = op.user
        problems = _attribute_problems(spec)
        if op.row.kind != "SelfSubjectAccessReview":
            user = User(spec.get("user", ""), tuple(spec.get("groups") or ()))
            if not user.name and not user.groups:
                text = "at least one of user or group must be specified"
                problems.append(causes.invalid("spec.user", "", text))
        if op.row.kind == "LocalSubjectAccessReview":
            wanted = (spec.get("resourceAttributes") or {}).get("namespace", "")
            if wanted != op.target.namespace:
                problems.append(causes.invalid("spec.resourceAttributes.namespace", wanted, "must match metadata.namespace"))
            if spec.get("nonResourceAttributes") is not None:
                text = "disallowed on this kind of request"
                problems.append(causes.invalid("spec.nonResourceAttributes", spec["nonResourceAttributes"], text))
        problems += _metadata_problems(tree.get("metadata") or {}, op.row.kind == "LocalSubjectAccessReview")
        if problems:
            raise status.invalid(Subject(op.row.group, ""), problems)
        answer = self.decide(user, _ask(spec))
        return {"allowed": answer.allowed, **({"reason": answer.reason} if answer.reason else {})}

    def _rules(self, user: User, tree: Tree) -> Tree:
        namespace = (tree.get("spec") or {}).get("namespace", "")
        if not namespace:
            raise status.bad_request("no namespace on request")
        rules = self.rights.rules(user, namespace)
        return {
            "resourceRules": [_plain(rule, *_RESOURCE_FIELDS) for rule in rules if rule.get("resources")],
            "nonResourceRules": [_plain(rule, "nonResourceURLs") for rule in rules if rule.get("nonResourceURLs")],
            "incomplete": False,
        }

    # ------------------------------------------------------------------ authentication

    def _whose(self, ctx: Context, tree: Tree) -> Tree:
        spec = tree.get("spec") or {}
        if not spec.get("token"):
            raise status.bad_request("token is required for TokenReview in authentication")
        user = authn.of_token(spec["token"], self.config.tokens, self.issuer, self.caches, self.unix(ctx))
        if user is None:
            return {"user": {}, "error": "invalid bearer token"}
        audiences = spec.get("audiences") or [tokens.ISSUER]
        return {"authenticated": True, "user": user_info(user), "audiences": audiences}

    def give_token(self, ctx: Context, op: Op) -> None:
        """``serviceaccounts/token``: signs a token. Raises a Refusal."""
        tree, _ = bodies.decode(TOKEN_REQUEST, op.request)
        _check_account(op, tree.get("metadata") or {})
        spec = tree.get("spec") or {}
        seconds = spec.get("expirationSeconds", _HOUR)
        problems = []
        if seconds < _SHORTEST:
            text = "may not specify a duration less than 10 minutes"
            problems.append(causes.invalid("spec.expirationSeconds", seconds, text))
        if seconds > tokens.LONGEST:
            text = "may not specify a duration larger than 2^32 seconds"
            problems.append(causes.invalid("spec.expirationSeconds", seconds, text))
        if problems:
            raise status.invalid(Subject(TOKEN_REQUEST.group, TOKEN_REQUEST.kind), problems)
        item = self.caches.get(op.row, op.key)
        if item is None:
            raise status.not_found(subject(op.row, op.target.name))
        now = self.unix(ctx)
        uid = scheme.tree(item.data)["metadata"]["uid"]
        audiences = tuple(spec.get("audiences") or (tokens.ISSUER,))
        ident = names.uid(self.setting(ctx).draw)
        kind, bound = self._bound(op, spec.get("boundObjectRef") or {})
        account = Reference(op.target.name, uid)
        claims = Claims(op.target.namespace, account, audiences, now, now + seconds, ident, kind, bound)
        until = times.rfc3339((now + seconds - self.config.epoch) * SECOND, self.config.epoch)
        metadata = {
            "name": op.target.name, "namespace": op.target.namespace,
            "creationTimestamp": times.rfc3339(ctx.now, self.config.epoch),
        }  # fmt: skip
        answer = {
            "kind": TOKEN_REQUEST.kind, "apiVersion": TOKEN_REQUEST.api_version, "metadata": metadata,
            "spec": {"audiences": list(audiences), "expirationSeconds": seconds, "boundObjectRef": spec.get("boundObjectRef")},
            "status": {"token": self.issuer.signed(claims), "expirationTimestamp": until},
        }  # fmt: skip
        self.answer_tree(ctx, op, 201, answer)

    def _bound(self, op: Op, reference: Tree) -> tuple[str, Reference]:
        """The object that a token shall not outlive. Raises a Refusal when it is not there."""
        kind, name = reference.get("kind", ""), reference.get("name", "")
        if not reference:
            return "", Reference("", "")
        if kind not in ("Pod", "Secret", "Node"):
            raise status.bad_request(f'cannot bind token to object of type "{kind}"')
        row = scheme.resource(kind)
        item = self.caches.get(row, row.key(op.target.namespace if row.namespaced else "", name))
        if item is None:
            raise status.not_found(subject(row, name))
        uid = scheme.tree(item.data)["metadata"]["uid"]
        if reference.get("uid") not in (None, "", uid):
            why = (
                f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. The object "
                "might have been deleted and then recreated"
            )
            raise status.conflict(subject(row, name), why)
        return kind, Reference(name, uid)


def user_info(user: User) -> Tree:
    """As in reviews."""
    found: Tree = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        found["uid"] = user.uid
    if user.extra:
        found["extra"] = {key: list(values) for key, values in user.extra}
    return found


def _attribute_problems(spec: Tree) -> list[Cause]:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if resource is not None and path is not None:
        text = "cannot be specified in combination with resourceAttributes"
        shown = {"Path": path.get("path", ""), "Verb": path.get("verb", "")}
        return [causes.invalid("spec.nonResourceAttributes", shown, text)]
    if resource is None and path is None:
        return [causes.invalid("spec.resourceAttributes", None, _ONE_OF)]
    return []


def _metadata_problems(metadata: Tree, local: bool) -> list[Cause]:
    """A question is no object: it has no name and no labels."""
    own = ("managedFields", "creationTimestamp", *(("namespace",) if local else ()))
    if not any(value for name, value in metadata.items() if name not in own):
        return []
    shown = {name: value for name, value in metadata.items() if value}
    return [causes.invalid("metadata", shown, "must be empty except for namespace" if local else "must be empty")]


def _ask(spec: Tree) -> Ask:
    """What the attributes of an access review ask for."""
    path = spec.get("nonResourceAttributes")
    if path is not None:
        return Ask(path.get("verb", ""), path=path.get("path", ""))
    found = spec["resourceAttributes"]
    fields = ("verb", "group", "resource", "subresource", "namespace", "name")
    return Ask(*[found.get(field, "") for field in fields])


def _plain(rule: Tree, *fields: str) -> Tree:
    """A rule with what counts for this list of rules."""
    return {"verbs": rule["verbs"], **{field: rule[field] for field in fields if rule.get(field)}}


def _check_account(op: Op, metadata: Tree) -> None:
    """A request for a token is for the account of its URL. Raises a Refusal (422)."""
    for field, own in (("name", op.target.name), ("namespace", op.target.namespace)):
        given = metadata.get(field)
        if given and given != own:
            text = f"must match the service account {field} if specified"
            about = Subject(TOKEN_REQUEST.group, TOKEN_REQUEST.kind, op.target.name)
            raise status.invalid(about, [causes.invalid(f"metadata.{field}", given, text)])
