"""Secrets of type service-account-token get a token of their account, and go with it
(pkg/controller/serviceaccount/tokens_controller.go)."""

from __future__ import annotations

import base64
from typing import Any

from k8s_tutor.api.informer import Change
from k8s_tutor.api.tokens import ISSUER, LONGEST, Claims, Issuer, Reference
from k8s_tutor.controllers import objects
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, Decision, delete, update
from k8s_tutor.sim import SECOND

TYPE = "kubernetes.io/service-account-token"
NAME, UID = "kubernetes.io/service-account.name", "kubernetes.io/service-account.uid"


def reconcile(secret: Any, account: Any, certificate: str, issuer: Issuer, clock: Clock) -> Decision:
    """What to do about one such Secret. ``account``: the service account that it names, or None. ``certificate``: of the CA."""
    if account is None:
        return Decision(((delete(secret),),))
    data = dict(secret.data or {})
    wanted = {"ca.crt": _base64(certificate)}
    if not data.get("namespace"):
        wanted["namespace"] = _base64(secret.metadata.namespace)
    if not data.get("token"):
        wanted["token"] = _base64(_token(secret, account, issuer, clock))
    if wanted.items() <= data.items():
        return NOTHING
    tree = objects.tree_of(secret)
    notes = {**(secret.metadata.annotations or {}), NAME: account.metadata.name, UID: account.metadata.uid}
    return Decision(((update({**tree, "metadata": {**tree["metadata"], "annotations": notes}, "data": {**data, **wanted}}),),))


def _token(secret: Any, account: Any, issuer: Issuer, clock: Clock) -> str:
    """A token that lives as long as its Secret and its account."""
    now = clock.epoch + clock.now // SECOND
    owner = Reference(account.metadata.name, account.metadata.uid)
    bound = Reference(secret.metadata.name, secret.metadata.uid)
    claims = Claims(
        account.metadata.namespace, owner, (ISSUER,), now, now + LONGEST, secret.metadata.uid, "Secret", bound
    )
    return issuer.signed(claims)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class TokensController(Controller):
    """Keys are Secrets. ``certificate``: PEM of the CA; ``key``: signs the tokens."""

    name = "serviceaccount-token-controller"
    hears = ("Secret", "ServiceAccount")

    def __init__(self, certificate: str, key: str) -> None:
        super().__init__()
        self.certificate = certificate
        self.key = key

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [objects.key_of(secret) for secret in stores.of("Secret") or () if secret.type == TYPE]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        if change.kind == "Secret":
            return [change.key] if change.new is not None and change.new.type == TYPE else []
        return [
            objects.key_of(secret) for secret in stores.of("Secret") or ()
            if secret.type == TYPE and f"{secret.metadata.namespace}/{_account(secret)}" == change.key
        ]  # fmt: skip

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        secret = stores.find("Secret", key)
        if secret is None or secret.type != TYPE or secret.metadata.deletionTimestamp:
            return NOTHING
        account = stores.service_accounts.get(secret.metadata.namespace, _account(secret))
        uid = (secret.metadata.annotations or {}).get(UID)
        if account is not None and uid and uid != account.metadata.uid:
            account = None
        return reconcile(secret, account, self.certificate, Issuer(self.key), clock)


def _account(secret: Any) -> str:
    return str((secret.metadata.annotations or {}).get(NAME, ""))
