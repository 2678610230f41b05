"""Who belongs to a group, and how that changes (paper, section 6; etcd-io/raft, confchange/).

Changing one member at a time is safe by itself: any majority of before and any of after share a voter. Several at once
go through a *joint* configuration, in which both the old and the new voters must agree to everything, and which the
leader ends by itself as soon as everybody could know of it.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .types import Config, Snapshot, Value


class ConfChange(Value, frozen=True):
    """What is to change, by ids; nothing at all means "leave the joint configuration".

    ``add_voters`` also promotes learners, ``add_learners`` also demotes voters. ``context`` is the caller's own.
    """

    add_voters: tuple[int, ...] = ()
    add_learners: tuple[int, ...] = ()
    remove: tuple[int, ...] = ()
    context: bytes = b""

    @classmethod
    def of(
        cls, add_voters: Iterable[int], add_learners: Iterable[int], remove: Iterable[int], context: bytes = b""
    ) -> ConfChange:
        """A change from any iterables. Raises ValueError for ids that cannot be, or that are named twice."""
        change = cls(tuple(add_voters), tuple(add_learners), tuple(remove), context)
        if any(member < 1 for member in change.ids):
            raise ValueError("raft ids are positive integers")
        if len(set(change.ids)) != len(change.ids):
            raise ValueError("a change of members names the same id twice")
        return change

    @property
    def ids(self) -> tuple[int, ...]:
        """Everybody whom it is about."""
        return (*self.add_voters, *self.add_learners, *self.remove)

    @property
    def leaves_joint(self) -> bool:
        """Whether it ends a joint configuration instead of changing anybody."""
        return not self.ids

    def encode(self) -> bytes:
        """As an entry's data."""
        return b"" if self.leaves_joint else _encode(self)

    @classmethod
    def decode(cls, data: bytes) -> ConfChange:
        """From an entry's data. Raises ValueError for data that is no change."""
        try:
            return _decode(data) if data else cls()
        except msgspec.DecodeError as error:
            raise ValueError(f"not a change of members: {error}") from None


class Membership(Value, frozen=True):
    """A configuration: all tuples are sorted. ``voters_outgoing`` is empty but in a joint one.

    ``learners_next`` are voters of before that become learners when the joint configuration is left: until then they
    vote among the outgoing.
    """

    voters: tuple[int, ...]
    voters_outgoing: tuple[int, ...] = ()
    learners: tuple[int, ...] = ()
    learners_next: tuple[int, ...] = ()

    @classmethod
    def of(cls, source: Config | Snapshot) -> Membership:
        """The configuration that a config founds, or that a snapshot was taken in."""
        if isinstance(source, Config):
            return cls(tuple(sorted(source.voters)), (), tuple(sorted(source.learners)))
        parts = (source.voters, source.voters_outgoing, source.learners, source.learners_next)
        return cls(*(tuple(sorted(part)) for part in parts))

    @property
    def joint(self) -> bool:
        """Whether two electorates must agree."""
        return bool(self.voters_outgoing)

    @property
    def electorates(self) -> tuple[tuple[int, ...], ...]:
        """The sets of voters each of which must give its majority."""
        return (self.voters, self.voters_outgoing) if self.voters_outgoing else (self.voters,)

    @property
    def all_voters(self) -> tuple[int, ...]:
        """Everybody who has a vote in any electorate, in the order of ids."""
        return _sorted(self.voters, self.voters_outgoing) if self.voters_outgoing else self.voters

    @property
    def members(self) -> tuple[int, ...]:
        """Everybody, in the order of ids."""
        return _sorted(self.voters, self.voters_outgoing, self.learners)

    def after(self, change: ConfChange) -> Membership:
        """The configuration that ``change`` leads to: a joint one if it names more than one member.

        Raises ValueError when it cannot follow this one.
        """
        if change.leaves_joint:
            if not self.joint:
                raise ValueError("the group is not in a joint configuration")
            return Membership(self.voters, (), _sorted(self.learners, self.learners_next))
        if self.joint:
            raise ValueError("the group must leave its joint configuration first")
        gone = {*change.ids}
        voters = _sorted((member for member in self.voters if member not in gone), change.add_voters)
        if not voters:
            raise ValueError("the change would leave no voter")
        outgoing = self.voters if len(change.ids) > 1 else ()
        later = tuple(member for member in sorted(change.add_learners) if member in outgoing)
        learners = _sorted(
            (member for member in self.learners if member not in gone),
            (member for member in change.add_learners if member not in outgoing),
        )
        return Membership(voters, outgoing, learners, later)


def _sorted(*groups: Iterable[int]) -> tuple[int, ...]:
    """All members of ``groups``, each once, in the order of ids."""
    return tuple(sorted({member for group in groups for member in group}))


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(ConfChange).decode
