"""What every namespace has from its beginning: the service account ``default``, and the certificate of the cluster's CA
(pkg/controller/serviceaccount/serviceaccounts_controller.go, pkg/controller/certificates/rootcacertpublisher)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.api.informer import Change
from k8s_tutor.controllers.base import Controller, Stores
from k8s_tutor.controllers.objects import Clock
from k8s_tutor.controllers.requests import NOTHING, Decision, create, update

ACCOUNT = "default"
CONFIG_MAP = "kube-root-ca.crt"
_DESCRIPTION = (
    "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal "
    "service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters."
)


def _is_open(namespace: Any) -> bool:
    return namespace is not None and not namespace.metadata.deletionTimestamp


def _touched(change: Change, kind: str, name: str) -> list[str]:
    """The namespace that a change concerns: it is new, or the object with this name there has changed."""
    if change.kind == "Namespace" and _is_open(change.new):
        return [change.key]
    if change.kind == kind and change.key.endswith(f"/{name}"):
        return [change.key.partition("/")[0]]
    return []


class ServiceAccountsController(Controller):
    """Keys are namespaces."""

    name = "serviceaccount-controller"
    hears = ("Namespace", "ServiceAccount")

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [namespace.metadata.name for namespace in stores.namespaces]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        return _touched(change, "ServiceAccount", ACCOUNT)

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        if not _is_open(stores.namespaces.objects.get(key)) or stores.service_accounts.get(key, ACCOUNT) is not None:
            return NOTHING
        tree = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": ACCOUNT, "namespace": key}}
        return Decision(((create(tree),),))


class RootCertificatePublisher(Controller):
    """Keys are namespaces. ``certificate``: PEM of the CA."""

    name = "root-ca-certificate-publisher-controller"
    hears = ("Namespace", "ConfigMap")

    def __init__(self, certificate: str) -> None:
        super().__init__()
        self.certificate = certificate

    def begin(self, stores: Stores, clock: Clock) -> list[str]:
        return [namespace.metadata.name for namespace in stores.namespaces]

    def keys(self, stores: Stores, change: Change, clock: Clock) -> list[str]:
        return _touched(change, "ConfigMap", CONFIG_MAP)

    def sync(self, stores: Stores, key: str, clock: Clock) -> Decision:
        if not _is_open(stores.namespaces.objects.get(key)):
            return NOTHING
        found = stores.config_maps.get(key, CONFIG_MAP)
        data = {"ca.crt": self.certificate}
        annotations = {"kubernetes.io/description": _DESCRIPTION}
        metadata = {"name": CONFIG_MAP, "namespace": key, "annotations": annotations}
        tree = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        if found is None:
            return Decision(((create(tree),),))
        if found.data == data and (found.metadata.annotations or {}).items() >= annotations.items():
            return NOTHING
        tree["metadata"] = {**metadata, "annotations": {**(found.metadata.annotations or {}), **annotations}}
        return Decision(((update(tree),),))
