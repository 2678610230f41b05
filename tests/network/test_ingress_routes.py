"""Which Service gets a request: a table of hosts and paths."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from k8s_tutor.api import scheme
from k8s_tutor.node.ingress.routes import Table, choose, endpoints, mine, secret_of, table

Tree = dict[str, Any]


def typed(tree: Tree) -> Any:
    return scheme.typed(msgspec.json.encode(tree))


def path(text: str, service: str, kind: str = "Prefix") -> Tree:
    return {"path": text, "pathType": kind, "backend": {"service": {"name": service, "port": {"number": 80}}}}


def ingress(name: str, rules: dict[str, list[Tree]], at: str = "2026-01-01T00:00:00Z", **spec: Any) -> Any:
    listed = [{**({"host": host} if host else {}), "http": {"paths": paths}} for host, paths in rules.items()]
    return typed({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": {"name": name, "namespace": "default", "creationTimestamp": at},
        "spec": {"ingressClassName": "nginx", **({"rules": listed} if listed else {}), **spec},
    })  # fmt: skip


SHOP = table([
    ingress("shop", {
        "shop.example": [
            path("/", "root"), path("/cart", "cart"), path("/cart/", "slash", "Exact"), path("/cart/items", "items"),
            path("/img", "img", "ImplementationSpecific"),
        ],
        "*.shop.example": [path("/", "wild")],
        "only.example": [path("/a", "a")],
    }),
])  # fmt: skip


@pytest.mark.parametrize(
    ("host", "asked", "service"),
    [
        ("shop.example", "/", "root"),
        ("shop.example", "/nothing", "root"),
        ("shop.example", "/cart", "cart"),
        ("shop.example", "/cart/7", "cart"),
        ("shop.example", "/cartoon", "root"),
        ("shop.example", "/cart/", "slash"),
        ("shop.example", "/cart/items/7?q=1", "items"),
        ("shop.example", "/images/1.png", "root"),
        ("shop.example", "/img1.png", "img"),
        ("SHOP.example:30080", "/cart", "cart"),
        ("eu.shop.example", "/", "wild"),
        ("a.eu.shop.example", "/", ""),
        ("only.example", "/a", "a"),
        ("only.example", "/b", ""),
        ("other.example", "/", ""),
    ],
)
def test_the_best_path_of_the_best_host_wins(host: str, asked: str, service: str) -> None:
    backend, _ = choose(SHOP, host, asked)
    assert (backend.service.removeprefix("default/") if backend is not None else "") == service


def test_default_backends_take_what_is_left() -> None:
    def default(name: str) -> Tree:
        return {"service": {"name": name, "port": {"number": 80}}}

    rules = table([ingress("all", {}, defaultBackend=default("rest")), ingress("one", {"a.example": [path("/x", "x")]})])
    found = {host: choose(rules, host, "/y")[0] for host in ("a.example", "b.example")}
    assert [one.service for one in found.values() if one is not None] == ["default/rest", "default/rest"]
    own = table([ingress("one", {"a.example": [path("/x", "x")]}, defaultBackend=default("own"))])
    assert choose(own, "a.example", "/y")[0] is not None


def test_the_oldest_ingress_has_the_say() -> None:
    rules = table([
        ingress("b", {"a.example": [path("/", "late")]}, "2026-01-02T00:00:00Z"),
        ingress("c", {"a.example": [path("/", "early")]}, "2026-01-01T00:00:00Z"),
    ])  # fmt: skip
    assert choose(rules, "a.example", "/") == (("default/early", "80"), "default/c")


def test_certificates_are_found_by_host() -> None:
    rules = table([ingress("a", {"*.example": [path("/", "a")]}, tls=[{"hosts": ["*.example"], "secretName": "cert"}])])
    assert (secret_of(rules, "x.example"), secret_of(rules, "x.y.example")) == ("default/cert", "")


def test_a_class_says_whose_an_ingress_is() -> None:
    def of(controller: str) -> Any:
        return typed({
            "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "nginx"},
            "spec": {"controller": controller},
        })  # fmt: skip

    one = ingress("a", {})
    assert mine(one, [of("k8s.io/ingress-nginx")])
    assert not mine(one, [of("traefik.io/ingress-controller")]) and not mine(one, [])


def test_endpoints_of_a_port_by_number_or_name() -> None:
    service = typed({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "default"},
        "spec": {"ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    })  # fmt: skip
    rows = [
        {"addresses": ["10.244.1.2"], "conditions": {"ready": True}},
        {"addresses": ["10.244.1.3"], "conditions": {"ready": False}},
    ]
    piece = typed({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"name": "web-1", "namespace": "default"}, "endpoints": rows, "ports": [{"name": "http", "port": 8080}],
    })  # fmt: skip
    assert endpoints(service, [piece], "80") == endpoints(service, [piece], "http") == ("10.244.1.2:8080",)
    assert endpoints(service, [piece], "81") == endpoints(None, [piece], "80") == ()


def test_an_empty_table_knows_nobody() -> None:
    assert choose(Table({}, None, {}), "a.example", "/") == (None, "")
