"""The container network interface: what a runtime asks a plugin, and what the plugin prints (CNI specification 1.0.0)."""

from __future__ import annotations

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


class CniDone(Body):
    """DEL has nothing to print."""


class CniError(Body):
    """The plugin has failed: CNI error code and message."""

    code: int
    msg: str
