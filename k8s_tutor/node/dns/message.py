"""Questions to a name server and its answers (RFC 1035), as they travel."""

from __future__ import annotations

import msgspec

from k8s_tutor.sim import Body

NOERROR, SERVFAIL, NXDOMAIN = "NOERROR", "SERVFAIL", "NXDOMAIN"
PORT = 53
UPSTREAM = "172.31.0.2"
"""The name server of the machines' own network, outside the cluster."""


class Query(Body):
    """One question: a full name without the dot at its end, and a type: ``A``, ``AAAA``, ``SRV``, ``PTR``, ``TXT``, ..."""

    name: str
    type: str = "A"


class Record(Body):
    """A line of an answer."""

    name: str
    ttl: int
    type: str
    value: str


class Reply(Body):
    """What a name server says. ``authority``: it answers for the zone itself; ``zone``: the zone of its SOA when there is no
    record."""

    code: str = NOERROR
    records: tuple[Record, ...] = ()
    authority: bool = False
    zone: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses in it."""
        return tuple(record.value for record in self.records if record.type == "A")


_encoder = msgspec.json.Encoder()


def packed(body: Query | Reply) -> str:
    """A question or an answer as text, to be carried by a packet."""
    return _encoder.encode(body).decode()


def query_of(data: str) -> Query:
    """A question that was packed."""
    return msgspec.json.decode(data, type=Query)


def reply_of(data: str) -> Reply:
    """An answer that was packed. Raises msgspec.DecodeError for what no name server would say."""
    return msgspec.json.decode(data, type=Reply)
