"""Tokens of service accounts: JSON web tokens that the API server signs and checks itself
(pkg/serviceaccount/claims.go, pkg/registry/core/serviceaccount/storage/token.go).

They are signed with HMAC instead of RSA, with a key that all API servers of a cluster share.
"""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from k8s_tutor.api import scheme
from k8s_tutor.api.watchcache import Caches

Tree = dict[str, Any]

ISSUER = "https://kubernetes.default.svc.cluster.local"
LONGEST = 2**32
_NODE, _POD = "authentication.kubernetes.io/node-", "authentication.kubernetes.io/pod-"
_json = msgspec.json.Encoder().encode
_HEADER = {"alg": "HS256", "typ": "JWT"}


def user_of(namespace: str, name: str) -> str:
    """``system:serviceaccount:default:builder``."""
    return f"system:serviceaccount:{namespace}:{name}"


def groups_of(namespace: str) -> tuple[str, str]:
    """The groups of all service accounts, and of those of a namespace."""
    return "system:serviceaccounts", f"system:serviceaccounts:{namespace}"


class Reference(NamedTuple):
    """An object that a token is bound to."""

    name: str
    uid: str

    def tree(self) -> Tree:
        """As a claim."""
        return {"name": self.name, "uid": self.uid}


class Claims(NamedTuple):
    """What a token says. Times are Unix seconds."""

    namespace: str
    account: Reference
    audiences: tuple[str, ...]
    issued: int
    expires: int
    ident: str
    bound_kind: str = ""
    """``Pod``, ``Secret`` or ``Node``, when the token lives no longer than that object."""
    bound: Reference = Reference("", "")

    def tree(self) -> Tree:
        """The payload of the token."""
        own: Tree = {"namespace": self.namespace, "serviceaccount": self.account.tree()}
        if self.bound_kind:
            own[self.bound_kind.lower()] = self.bound.tree()
        return {
            "aud": list(self.audiences), "exp": self.expires, "iat": self.issued, "iss": ISSUER, "jti": self.ident,
            "kubernetes.io": own, "nbf": self.issued, "sub": user_of(self.namespace, self.account.name),
        }  # fmt: skip

    def extra(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What else is told of the user."""
        found = [("authentication.kubernetes.io/credential-id", (f"JTI={self.ident}",))]
        if self.bound_kind == "Pod":
            found += [(f"{_POD}name", (self.bound.name,)), (f"{_POD}uid", (self.bound.uid,))]
        if self.bound_kind == "Node":
            found += [(f"{_NODE}name", (self.bound.name,)), (f"{_NODE}uid", (self.bound.uid,))]
        return tuple(found)


def claims_of(tree: Tree) -> Claims:
    """The claims of a payload. Raises KeyError or TypeError for one that is no service account's."""
    own = tree["kubernetes.io"]
    kind = next((kind for kind in ("Pod", "Secret", "Node") if kind.lower() in own), "")
    account = Reference(**own["serviceaccount"])
    bound = Reference(**own[kind.lower()]) if kind else Reference("", "")
    return Claims(own["namespace"], account, tuple(tree["aud"]), tree["iat"], tree["exp"], tree["jti"], kind, bound)


class Issuer(NamedTuple):
    """Signs tokens, and knows its own again."""

    key: str

    def signed(self, claims: Claims) -> str:
        """The token."""
        body = f"{_part(_json(_HEADER))}.{_part(_json(claims.tree()))}"
        return f"{body}.{self._signature(body)}"

    def _signature(self, body: str) -> str:
        return _part(hmac.new(self.key.encode(), body.encode(), sha256).digest())

    def verified(self, token: str, caches: Caches, now: int) -> Claims | None:
        """What a token says, if this issuer signed it, its time is not over, and what it is bound to still lives."""
        if not token.isascii():
            return None
        body, _, signature = token.rpartition(".")
        if not body or not hmac.compare_digest(self._signature(body).encode(), signature.encode()):
            return None
        claims = claims_of(msgspec.json.decode(_unpart(body.partition(".")[2])))
        alive = _lives(caches, "ServiceAccount", claims.namespace, claims.account) and (
            not claims.bound_kind or _lives(caches, claims.bound_kind, claims.namespace, claims.bound)
        )
        good = alive and claims.issued <= now < claims.expires and ISSUER in claims.audiences
        return claims if good else None


def _lives(caches: Caches, kind: str, namespace: str, reference: Reference) -> bool:
    row = scheme.resource(kind)
    item = caches.get(row, row.key(namespace if row.namespaced else "", reference.name))
    return item is not None and bool(scheme.tree(item.data)["metadata"]["uid"] == reference.uid)


def _part(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unpart(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
