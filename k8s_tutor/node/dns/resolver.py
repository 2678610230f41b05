"""How the libc of a container finds an address: `/etc/resolv.conf`, search paths, ndots, time-outs (resolv.conf(5))."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.sim import SECOND

TIMEOUT = 5 * SECOND
ATTEMPTS = 2
MOST_SERVERS, MOST_SEARCH = 3, 32


class Conf(NamedTuple):
    """A ``resolv.conf``."""

    servers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    ndots: int = 1
    timeout: int = TIMEOUT
    attempts: int = ATTEMPTS


def read(text: str) -> Conf:
    """What a ``resolv.conf`` says."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    options: dict[str, int] = {}
    for line in text.splitlines():
        word, *rest = line.split() or [""]
        if word == "nameserver" and rest:
            servers.append(rest[0])
        elif word == "search":
            search = tuple(rest[:MOST_SEARCH])
        elif word == "options":
            options |= {name: int(value) for name, _, value in (one.partition(":") for one in rest) if value.isdigit()}
    ndots, timeout, attempts = options.get("ndots", 1), options.get("timeout", 5), options.get("attempts", ATTEMPTS)
    return Conf(tuple(servers[:MOST_SERVERS]), search, min(ndots, 15), timeout * SECOND, attempts)


def candidates(conf: Conf, host: str) -> tuple[str, ...]:
    """The full names that are asked for one after the other. A name with at least ``ndots`` dots is tried as it is first."""
    if host.endswith("."):
        return (host[:-1],)
    searched = tuple(f"{host}.{domain}" for domain in conf.search)
    return (host, *searched) if host.count(".") >= conf.ndots else (*searched, host)


class Lookup(NamedTuple):
    """A search for an address under way: the names still to try, the first of them being asked, and how often."""

    names: tuple[str, ...]
    servers: tuple[str, ...]
    timeout: int
    attempts: int
    tried: int = 0

    @property
    def server(self) -> str:
        """Whom to ask next."""
        return self.servers[self.tried % len(self.servers)]

    def again(self) -> Lookup | None:
        """After a time-out: the next server, or the first again; None: it is given up, whatever names are left."""
        tried = self.tried + 1
        return self._replace(tried=tried) if tried < self.attempts * len(self.servers) else None

    def next_name(self) -> Lookup | None:
        """After "no such name": the next name; None: there is none."""
        return self._replace(names=self.names[1:], tried=0) if len(self.names) > 1 else None


def lookup(conf: Conf, host: str) -> Lookup | None:
    """The search for a host; None without a name server."""
    if not conf.servers:
        return None
    return Lookup(candidates(conf, host), conf.servers, conf.timeout, conf.attempts)
