"""The container network interface: what a runtime asks a plugin, and what the plugin prints (CNI specification 1.0.0)."""

from __future__ import annotations

from typing import Any

from k8s_tutor.sim import Body

VERSION = "1.0.0"


class CniAdd(Body):
    """ADD: join this network namespace to the network."""

    container: str
    netns: str
    ifname: str
    namespace: str
    pod: str


class CniDel(Body):
    """DEL: take this network namespace out of the network. Doing it twice is no error."""

    container: str
    netns: str
    ifname: str


class CniInterface(Body):
    """An interface that ADD has made; ``sandbox`` is the network namespace, or empty for one on the node."""

    name: str
    mac: str
    sandbox: str


class CniIp(Body):
    """An address in CIDR form, its gateway, and the index of its interface."""

    address: str
    gateway: str
    interface: int


class CniRoute(Body):
    """A route in the sandbox."""

    dst: str
    gw: str


class CniResult(Body):
    """What ADD prints: version, interfaces, addresses, routes."""

    cni_version: str
    interfaces: tuple[CniInterface, ...]
    ips: tuple[CniIp, ...]
    routes: tuple[CniRoute, ...]


    def tree(self) -> dict[str, Any]:
        """As the plugin prints it: JSON."""
        interfaces = [
            {"name": one.name, "mac": one.mac, **({"sandbox": one.sandbox} if one.sandbox else {})} for one in self.interfaces
        ]  # fmt: skip
        ips = [{"interface": one.interface, "address": one.address, "gateway": one.gateway} for one in self.ips]
        routes = [{"dst": one.dst, "gw": one.gw} for one in self.routes]
        return {"cniVersion": self.cni_version, "interfaces": interfaces, "ips": ips, "routes": routes, "dns": {}}


class CniCheck(Body):
    """CHECK: is all still there that ADD has made? ``previous``: what it had printed."""

    container: str
    netns: str
    ifname: str
    previous: CniResult


class CniDone(Body):
    """DEL and CHECK have nothing to print."""


class CniError(Body):
    """The plugin has failed: CNI error code and message."""

    code: int
    msg: str

    def tree(self) -> dict[str, Any]:
        """As the plugin prints it: JSON."""
        return {"cniVersion": VERSION, "code": self.code, "msg": self.msg}
