"""The world: order, chance, crashes, links, connections."""

from __future__ import annotations

import pytest

from k8s_tutor.sim import MS, SECOND, Chance, Grow, Link, Lost, Note, World, encode
from k8s_tutor.sim.detect import ChangedInPlace, Detector
from tests.sim.toys import Asker, Ball, Player, Server, Streamer, pair, streams


def actor(world: World, name: str):  # type: ignore[no-untyped-def]
    found = world.actor(name)
    assert found is not None
    return found


def test_messages_arrive_in_order_of_time_then_of_sending() -> None:
    world = pair()
    last = (-1, -1)
    for _ in range(50):
        message = world.step()
        assert message is not None
        assert (message[0], message[1]) > last
        last = (message[0], message[1])


def test_every_message_names_the_delivery_that_caused_it() -> None:
    world = pair()
    world.run_until(lambda w: w.events == 20)
    message = world.step()
    assert message is not None
    cause = world.log.find(message[5], message[6])
    assert cause is not None
    assert (cause.dst, cause.body) == (message[2], Ball(message[4].number - 1))


def test_same_seed_gives_the_same_digest_and_another_seed_another() -> None:
    def digest(seed: int) -> str:
        world = pair(seed)
        world.run_until(SECOND)
        return world.digest()

    assert digest(3) == digest(3)
    assert digest(3) != digest(4)


def test_one_dropped_message_changes_the_digest() -> None:
    one, other = pair(), pair()
    for world in (one, other):
        world.run_until(lambda w: bool(w.in_flight()))
    other.drop(other.in_flight()[0].id)
    one.run_until(SECOND)
    other.run_until(SECOND)
    assert one.digest() != other.digest()


def test_a_draw_in_one_stream_does_not_shift_another() -> None:
    one, other = Chance(5), Chance(5)
    one.draw("x", 100)
    assert [one.draw("y", 1000) for _ in range(5)] == [other.draw("y", 1000) for _ in range(5)]


def test_chance_is_spread_evenly() -> None:
    chance = Chance(1)
    counts = [0] * 10
    for _ in range(10_000):
        counts[chance.draw("die", 10)] += 1
    assert min(counts) > 900
    assert max(counts) < 1100


def test_a_crash_loses_what_is_volatile_and_keeps_the_disk() -> None:
    world = pair()
    world.run_until(100 * MS)
    total = actor(world, "bob").disk.total
    assert total > 10
    world.crash("bob")
    assert world.actor("bob") is None
    world.run_until(200 * MS)
    world.restart("bob")
    assert actor(world, "bob").count == 0
    assert actor(world, "bob").disk.total == total


def test_a_message_to_a_process_that_is_down_is_lost_and_logged() -> None:
    world = pair()
    world.run_until(lambda w: any(m.dst == "bob" for m in w.in_flight()))
    world.crash("bob")
    world.run_until(SECOND)
    assert [record.reason for record in world.log.records() if isinstance(record, Lost)] == ["down"]


def test_a_paused_process_keeps_its_mail() -> None:
    world = streams()
    world.run_until(2500 * MS)
    world.pause("sink")
    world.run_until(5500 * MS)
    assert actor(world, "sink").seen == [1, 2]
    world.resume("sink")
    world.run_until(5600 * MS)
    assert actor(world, "sink").seen == [1, 2, 3, 4, 5]


def test_a_cut_loses_datagrams_and_healing_brings_no_message_back() -> None:
    world = pair()
    world.run_until(100 * MS)
    world.cut((("ann",), ("bob",)))
    count = actor(world, "bob").count + actor(world, "ann").count
    world.run_until(SECOND)
    world.heal()
    world.run_until(2 * SECOND)
    assert actor(world, "bob").count + actor(world, "ann").count == count


def test_a_one_way_cut_lets_the_other_way_through() -> None:
    world = streams()
    world.cut((("sink",), ("source",)), one_way=True)
    assert world.network.is_cut("sink", "source")
    assert not world.network.is_cut("source", "sink")


def test_a_connection_survives_a_short_cut_and_loses_nothing() -> None:
    world = streams()
    world.run_until(3500 * MS)
    world.cut((("source",), ("sink",)))
    world.run_until(8500 * MS)
    assert actor(world, "sink").seen == [1, 2, 3]
    world.heal()
    world.run_until(9500 * MS)
    assert actor(world, "sink").seen == [1, 2, 3, 4, 5, 6, 7, 8, 9]


def test_both_ends_learn_of_a_long_cut_by_keep_alive() -> None:
    world = streams()
    world.run_until(3500 * MS)
    world.cut((("source",), ("sink",)))
    world.run_until(40 * SECOND)
    assert actor(world, "sink").closed == []
    world.run_until(50 * SECOND)
    assert actor(world, "sink").closed == ["source timeout"]
    assert actor(world, "source").closed == ["sink timeout"]


def test_a_process_crash_resets_its_connections_at_once() -> None:
    world = streams()
    world.run_until(3500 * MS)
    world.add(Player, "other", host="source")
    world.crash("source")
    world.run_until(3600 * MS)
    assert actor(world, "sink").closed == []  # a machine lost power: nobody is told
    world.run_until(60 * SECOND)
    assert actor(world, "sink").closed == ["source timeout"]


def test_the_kernel_of_a_living_machine_tells_the_peers_of_a_dead_process() -> None:
    world = World(1, Link(latency=1000))
    world.add(Streamer, "sink", host="m1")
    world.add(Streamer, "source", "sink", host="m2")
    world.run_until(3500 * MS)
    world.crash("source")
    world.run_until(3600 * MS)
    assert actor(world, "sink").closed == ["source reset"]


def test_an_attempt_to_connect_that_failed_does_not_harm_a_later_connection() -> None:
    world = World(1, Link(latency=1000))
    world.add(Server, "server", host="m1")
    world.add(Asker, "asker", "server", host="m2")
    world.cut((("m1",), ("m2",)))
    world.take("x", lambda w, _: w.inject("asker", Ball(1)))
    world.run_until(10 * SECOND)
    world.heal()
    for second in range(11, 40):
        world.run_until(second * SECOND)
        world.take("x", lambda w, _: w.inject("asker", Ball(2)))
    world.run_until(60 * SECOND)
    assert actor(world, "asker").answers == [(1, "timeout"), *[(2, 4)] * 29]


def test_an_input_at_the_very_instant_of_a_keep_alive_does_not_swallow_it() -> None:
    world = streams()
    world.run_until(3500 * MS)
    world.cut((("source",), ("sink",)))
    world.run_until(48500 * MS - 1)
    world.now = 48500 * MS
    world.take("x", lambda w, _: None)
    world.run_until(50 * SECOND)
    assert actor(world, "sink").closed == ["source timeout"]


def test_cancelled_timers_do_not_pile_up() -> None:
    world = World(1, Link(latency=1000))
    world.add(Server, "server", host="m1")
    world.add(Asker, "asker", "server", host="m2")
    for second in range(3000):
        world.take("x", lambda w, _: w.inject("asker", Ball(2)))
        world.run_until((second + 1) * 5 * MS)
    assert len(world.queue) < 1500


def test_a_call_is_answered_times_out_or_fails() -> None:
    world = World(1, Link(latency=1000))
    world.add(Server, "server", host="m1")
    world.add(Asker, "asker", "server", host="m2")
    world.take("x", lambda w, _: w.inject("asker", Ball(4)))
    world.run_until(SECOND)
    world.cut((("m1",), ("m2",)))
    world.take("x", lambda w, _: w.inject("asker", Ball(5)))
    world.run_until(10 * SECOND)
    world.heal()
    world.crash("server")
    world.take("x", lambda w, _: w.inject("asker", Ball(6)))
    world.run_until(20 * SECOND)
    assert actor(world, "asker").answers == [(4, 8), (5, "timeout"), (6, "disconnected")]


def test_loss_costs_a_connection_time_but_nothing_else() -> None:
    world = streams(link=Link(latency=1000, jitter=500, loss=300_000))
    world.run_until(60 * SECOND)
    seen = actor(world, "sink").seen
    assert seen == list(range(1, len(seen) + 1))
    assert len(seen) >= 59


def test_a_world_is_quiet_without_work_in_flight_or_soon() -> None:
    assert streams().is_quiet()
    assert not pair().is_quiet()


def test_a_fork_does_not_disturb_its_origin() -> None:
    world, twin = pair(), pair()
    world.run_until(50 * MS)
    twin.run_until(50 * MS)
    fork = world.fork()
    fork.run_until(lambda w: w.events == 2000)
    fork.crash("ann")
    assert world.digest() == twin.digest()
    world.run_until(SECOND)
    twin.run_until(SECOND)
    assert world.digest() == twin.digest()


def test_forks_of_a_world_with_a_dead_process_do_not_share_its_disk() -> None:
    world = pair()
    world.run_until(50 * MS)
    world.crash("bob")
    forks = world.fork(), world.fork()
    forks[0].restart("bob")
    forks[0].take("x", lambda w, _: w.inject("bob", Ball(5)))
    forks[0].run_until(SECOND)
    forks[1].restart("bob")
    assert actor(forks[1], "bob").disk.total < actor(forks[0], "bob").disk.total


def test_a_step_changes_no_actor_but_its_own() -> None:
    world = pair()
    for _ in range(100):
        before = {name: encode(one.__dict__) for name, one in world.running.items()}
        message = world.step()
        assert message is not None
        changed = [name for name, one in world.running.items() if encode(one.__dict__) != before[name]]
        assert set(changed) <= {message[3]}


def test_the_detector_names_who_changed_a_stored_value_in_place() -> None:
    class Vandal(Player):
        def receive(self, ctx, src, body):  # type: ignore[no-untyped-def]
            store = getattr(self, "store", None)
            if store is None:
                self.store = {"tree": {"a": 1}}
            else:
                store["tree"]["a"] += 1
            super().receive(ctx, src, body)

    world = World(1)
    world.add(Player, "bob")
    world.add(Vandal, "ann", "bob")
    detector = Detector(world)
    with pytest.raises(ChangedInPlace, match="ann was stepped"):
        for _ in range(20):
            detector.step()


def test_notes_belong_to_the_delivery_in_which_they_were_made() -> None:
    world = pair()
    world.run_until(lambda w: w.events == 10)
    notes = [record for record in world.log.records() if isinstance(record, Note)]
    assert notes
    assert world.log.notes(notes[-1].cause, notes[-1].at) == [notes[-1]]


def test_a_growing_list_is_shared_until_its_copies_part() -> None:
    one: Grow[int] = Grow([1, 2, 3])
    two = one.copy()
    one.append(4)
    two.append(5)
    assert (list(one), list(two)) == ([1, 2, 3, 4], [1, 2, 3, 5])
    two.truncate(1)
    two.append(9)
    assert (list(one), list(two), two[-1], one[1:3]) == ([1, 2, 3, 4], [1, 9], 9, [2, 3])
