"""Watches in all their forms: filters, what was there before, progress, the past in batches, compaction."""

from __future__ import annotations

from k8s_tutor.etcd.wire import (
    ERR_COMPACTED,
    Compact,
    DeleteRange,
    Put,
    WatchCanceled,
    WatchCreate,
    WatchProgress,
)
from k8s_tutor.sim import MS, SECOND
from tests.etcd.clients import Group


def progress(group: Group) -> None:
    group.world.context.name = "client-0"
    group.world.context.stream("etcd-1", WatchProgress())


def test_what_was_there_before_is_told_to_who_asks() -> None:
    group = Group(1)
    group.elect()
    plain, curious = (group.ask("etcd-1", WatchCreate("a", prev_kv=wanted)) for wanted in (False, True))
    group.ask("etcd-1", Put("a", b"1"))
    group.ask("etcd-1", Put("a", b"2"))
    group.ask("etcd-1", DeleteRange("a"))
    group.run(SECOND)
    assert all(event.previous is None for event in group.client().events(plain.watch))
    before = [event.previous and event.previous.value for event in group.client().events(curious.watch)]
    assert before == [None, b"1", b"2"]


def test_filters_leave_events_out() -> None:
    group = Group(1)
    group.elect()
    no_put = group.ask("etcd-1", WatchCreate("a", no_put=True))
    no_delete = group.ask("etcd-1", WatchCreate("a", no_delete=True))
    group.ask("etcd-1", Put("a", b"1"))
    group.ask("etcd-1", DeleteRange("a"))
    group.run(SECOND)
    assert [event.type for event in group.client().events(no_put.watch)] == ["DELETE"]
    assert [event.type for event in group.client().events(no_delete.watch)] == ["PUT"]


def test_a_quiet_watch_is_told_how_far_it_is() -> None:
    group = Group(1, progress_interval=2 * SECOND)
    group.elect()
    quiet = group.ask("etcd-1", WatchCreate("none", progress_notify=True))
    busy = group.ask("etcd-1", WatchCreate("a", progress_notify=True))
    deaf = group.ask("etcd-1", WatchCreate("none"))
    for i in range(5):
        group.ask("etcd-1", Put("a", b"%d" % i))
        group.run(SECOND)
    notices = [frame for frame in group.client().frames if not frame.events]
    assert {frame.watch for frame in notices} == {quiet.watch}
    assert deaf.watch != busy.watch
    assert notices[-1].revision >= 5


def test_progress_by_hand_is_about_all_watches_of_a_client() -> None:
    group = Group(1)
    group.elect()
    progress(group)
    group.run(SECOND)
    assert not group.client().frames, "there is nothing to tell about"
    group.ask("etcd-1", WatchCreate("a"))
    group.ask("etcd-1", Put("b", b""))
    progress(group)
    group.run(SECOND)
    assert [(frame.watch, frame.revision, frame.events) for frame in group.client().frames] == [(-1, 2, ())]


def test_a_long_past_comes_in_batches_and_the_present_after_it() -> None:
    group = Group(1)
    group.elect()
    for i in range(2_500):
        group.member("etcd-1").store.apply(Put("a", b"%d" % i))
    created = group.ask("etcd-1", WatchCreate("a", start_revision=1))
    assert len(group.client().frames) <= 1_000
    group.ask("etcd-1", Put("a", b"now"))
    progress(group)
    group.run(SECOND)
    assert [frame.revision for frame in group.client().frames if frame.watch == created.watch] == list(range(2, 2_503))


def test_a_watch_that_lags_is_canceled_when_what_it_needs_is_compacted() -> None:
    group = Group(1)
    group.elect()
    for i in range(2_500):
        group.member("etcd-1").store.apply(Put("a", b"%d" % i))
    created = group.ask("etcd-1", WatchCreate("a", start_revision=1))
    group.ask("etcd-1", Compact(2_400), limit=50 * MS)
    group.run(SECOND)
    assert group.client().canceled == [WatchCanceled(created.watch, ERR_COMPACTED, 2_400)]
    assert len(group.client().frames) in (999, 1_000)
