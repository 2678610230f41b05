"""What an operator does, through the door: managers that come and go, rooms, slow disks, skewed clocks, backups."""

from __future__ import annotations

import pytest

from k8s_tutor.cluster import Cluster, inputs
from k8s_tutor.cluster.cluster import InputError
from k8s_tutor.cluster.inputs import in_words
from k8s_tutor.cluster.spec import ClusterSpec
from k8s_tutor.etcd.member import Member
from k8s_tutor.kubectl.console import Answered, Console
from k8s_tutor.sim import MS, SECOND


def cluster(managers: int = 3, **fields: object) -> Cluster:
    spec = ClusterSpec.model_validate({"managers": managers, "workers": 0, "components": "etcd", **fields})
    return Cluster(spec)


def console(of: Cluster, client: str = "you") -> Console:
    found = of.world.actor(client)
    assert isinstance(found, Console)
    return found


def typed(of: Cluster, line: str, limit: int = 40 * SECOND) -> Answered:
    """Types a line and waits for its end."""
    last = console(of).answers[-1].id if console(of).answers else 0
    of.give(inputs.Kubectl(line))
    assert of.run_until(lambda c: bool(console(c).answers) and console(c).answers[-1].id != last, limit), line
    return console(of).answers[-1]


def ok(of: Cluster, line: str) -> str:
    done = typed(of, line)
    assert done.code == 0, (line, done.stderr)
    return done.stdout


def wait(of: Cluster, time: int) -> None:
    of.run_until(of.now + time)


def members(of: Cluster) -> list[Member]:
    return [actor for actor in of.world.running.values() if isinstance(actor, Member)]


def test_a_cluster_grows_from_three_to_five_and_shrinks_to_two() -> None:
    of = cluster()
    ok(of, "etcdctl put before 1")
    for number in (4, 5):
        of.give(inputs.AddManager())
        assert f"ETCD_NAME=\"etcd-{number}\"" in ok(of, f"etcdctl member add etcd-{number} --peer-urls=https://cp-{number}:2380")
        wait(of, 8 * SECOND)
    assert ok(of, "etcdctl member list").count("started") == 5
    assert ok(of, "etcdctl endpoint health").count("is healthy") == 5
    assert of.view().raft.size == 5
    for number in (1, 3, 5):
        ok(of, f"etcdctl member remove {number:x}")
        wait(of, 2 * SECOND)
        of.give(inputs.RemoveManager(f"cp-{number}"))
        wait(of, 6 * SECOND)
    assert [member.name for member in of.view().raft.members] == ["etcd-2", "etcd-4"]
    assert ok(of, "etcdctl get before --print-value-only") == "1\n"
    ok(of, "etcdctl put after 1")
    assert {member.node.voters for member in members(of)} == {(2, 4)}


def test_a_learner_is_promoted() -> None:
    of = cluster(1)
    of.give(inputs.AddManager())
    ok(of, "etcdctl member add etcd-2 --peer-urls=https://cp-2:2380 --learner")
    wait(of, 3 * SECOND)
    assert "true" in ok(of, "etcdctl member list").splitlines()[1]
    assert "rpc not supported for learner" in typed(of, "etcdctl get a --endpoints=etcd-2").stderr
    assert "promoted" in ok(of, "etcdctl member promote 2")
    wait(of, SECOND)
    assert ok(of, "etcdctl get a --endpoints=etcd-2") == ""


def test_the_newcomer_is_undone_and_replayed() -> None:
    of = cluster()
    of.give(inputs.AddManager())
    ok(of, "etcdctl member add etcd-4 --peer-urls=https://cp-4:2380")
    wait(of, 3 * SECOND)
    of.give(inputs.MoveToRoom("cp-4", "cellar"))
    of.give(inputs.SlowDisk("cp-4", 5 * MS))
    of.give(inputs.ClockSkew("cp-4", 20))
    of.give(inputs.RemoveManager("cp-1"))
    wait(of, SECOND)
    saved = of.save()
    again = Cluster.load(saved)
    assert again.digest() == of.digest()
    while of.timeline.taken:
        assert of.back()
    assert len(members(of)) == 3
    assert not of.world.skew
    assert not of.world.slow_disks


def test_inputs_in_words() -> None:
    given = [
        inputs.AddManager(), inputs.AddManager("north"), inputs.RemoveManager("cp-4"), inputs.MoveToRoom("cp-1", "south"),
        inputs.MoveToRoom("cp-1"), inputs.SlowDisk("cp-1", 500), inputs.ClockSkew("cp-1", -10), inputs.Restore("a.db"),
    ]  # fmt: skip
    assert [in_words(one) for one in given] == [
        "add a manager", "add a manager in north", "throw cp-4 away", "move cp-1 to south", "move cp-1 out",
        "slow disk cp-1 500 µs", "clock of cp-1 -10 %", "restore a.db",
    ]  # fmt: skip


@pytest.mark.parametrize(("given", "text"), [
    (inputs.RemoveManager("cp-9"), "there is no manager named cp-9"),
    (inputs.MoveToRoom("x", "y"), "there is no machine named x"),
    (inputs.SlowDisk("etcd-1", 1), "there is no machine named etcd-1"),
    (inputs.ClockSkew("cp-1", -95), "a clock cannot be -95 percent fast"),
    (inputs.Restore("a.db"), "you has no file a.db; save one with: etcdctl snapshot save a.db"),
    (inputs.Restore("a.db", "bob"), "there is no client named bob"),
])  # fmt: skip
def test_what_is_refused(given: inputs.Input, text: str) -> None:
    with pytest.raises(InputError, match=text):
        cluster().give(given)


def test_there_are_nine_managers_at_most_and_one_at_least() -> None:
    of = cluster(1)
    with pytest.raises(InputError, match="cp-1 is the only manager"):
        of.give(inputs.RemoveManager("cp-1"))
    for _ in range(8):
        of.give(inputs.AddManager())
    with pytest.raises(InputError, match="there are 9 managers"):
        of.give(inputs.AddManager())


# ---------------------------------------------------------------------------------------------------- rooms


def test_a_machine_in_another_room_shares_its_cables() -> None:
    of = cluster(4, rooms={"north": ["cp-1", "cp-2"], "south": ["cp-3", "cp-4"]})
    of.give(inputs.Cut((("north",), ("south",))))
    network = of.world.network
    assert network.is_cut("etcd-2", "etcd-3")
    of.give(inputs.MoveToRoom("cp-2", "south"))
    assert not network.is_cut("etcd-2", "etcd-3")
    assert network.is_cut("etcd-2", "etcd-1")
    assert network.is_cut("etcd-1", "etcd-2")
    wait(of, 8 * SECOND)
    assert ok(of, "etcdctl --endpoints=etcd-2 put a 1") == "OK\n"
    of.give(inputs.MoveToRoom("cp-1"))
    assert not of.world.network.is_cut("etcd-1", "etcd-3")
    assert {room.name for room in of.view().network.rooms} == {"north", "south"}  # an emptied room stays


# ---------------------------------------------------------------------------------------------------- faults of machines


def test_a_slow_disk_slows_commits_down() -> None:
    of = cluster(1)
    of.give(inputs.SlowDisk("cp-1", 200 * MS))
    begun = of.now
    ok(of, "etcdctl put a 1")
    assert 200 * MS <= of.now - begun < 260 * MS
    of.give(inputs.SlowDisk("cp-1", 0))
    begun = of.now
    ok(of, "etcdctl put a 1")
    assert of.now - begun < 50 * MS


def test_a_fast_clock_ticks_more_often() -> None:
    of = cluster()
    wait(of, 5 * SECOND)
    fast, normal = [], []
    of.give(inputs.ClockSkew("cp-2", 100))
    for _ in range(3):
        before = {member.name: member.version for member in members(of)}
        wait(of, SECOND)
        after = {member.name: member.version for member in members(of)}
        fast.append(after["etcd-2"] > before["etcd-2"])
        normal.append(after["etcd-3"] > before["etcd-3"])
    assert all(fast)
    assert all(normal)
    ticks = [record for record in of.world.log.housekeeping() if type(record) is tuple and type(record[4]).__name__ == "Tick"]
    recent = [record[3] for record in ticks if record[0] > of.now - 2 * SECOND]
    assert recent.count("etcd-2") in range(38, 42)
    assert recent.count("etcd-3") in range(19, 22)


# ---------------------------------------------------------------------------------------------------- the life of a database


def test_a_lease_expires_and_a_watch_sees_it() -> None:
    of = cluster()
    lease = ok(of, "etcdctl lease grant 5").split()[1]
    ok(of, f"etcdctl put session mine --lease={lease}")
    of.give(inputs.Kubectl("etcdctl watch session"))
    wait(of, 8 * SECOND)
    of.give(inputs.Kubectl("^C"))
    wait(of, SECOND)
    assert console(of).answers[-1].stdout == "DELETE\nsession\n\n"
    assert "already expired" in ok(of, f"etcdctl lease timetolive {lease}")


def test_a_running_watch_shows_what_it_has_seen() -> None:
    of = cluster()
    of.give(inputs.Kubectl("etcdctl watch a --prefix"))
    wait(of, SECOND)
    running = console(of).sessions
    assert [session.listens for session in running.values()] == [True]
    shown = [answer for answer in of.view().console.answers if answer.code == -1]
    assert [answer.line for answer in shown] == ["etcdctl watch a --prefix"]
    ok(of, "etcdctl put ab 1")
    assert [answer.line for answer in of.view().console.answers] == ["etcdctl watch a --prefix", "etcdctl put ab 1"]


def test_a_full_database_is_brought_back() -> None:
    of = cluster(etcd={"quota": "64Ki"})
    value = "x" * 4000
    for _ in range(40):
        done = typed(of, f"etcdctl put big {value}")
        if done.code:
            break
    assert done.stderr == "Error: etcdserver: mvcc: database space exceeded\n"
    assert ok(of, "etcdctl alarm list") == "memberID:1 alarm:NOSPACE \n"
    assert "Active Alarm(s): NOSPACE" in typed(of, "etcdctl endpoint health").stderr
    revision = ok(of, "etcdctl get big -w fields").split('"Revision" : ')[1].split()[0]
    ok(of, f"etcdctl compact {revision}")
    ok(of, "etcdctl defrag --cluster")
    assert ok(of, "etcdctl alarm disarm") == "memberID:1 alarm:NOSPACE \n"
    ok(of, "etcdctl put small 1")


def test_everything_is_lost_and_comes_back_from_a_backup() -> None:
    of = cluster(3)
    ok(of, "etcdctl put a kept")
    ok(of, "etcdctl snapshot save backup.db")
    ok(of, "etcdctl put a lost")
    before = members(of)[0].backend.cluster_id
    for machine in ("cp-1", "cp-2"):
        of.give(inputs.RemoveManager(machine))
    assert typed(of, "etcdctl get a").code == 1
    ok(of, "etcdutl snapshot restore backup.db")
    wait(of, 5 * SECOND)
    assert ok(of, "etcdctl get a --print-value-only") == "kept\n"
    assert [member.name for member in members(of)] == ["etcd-3"]
    assert members(of)[0].backend.cluster_id != before
    of.give(inputs.AddManager())
    wait(of, 6 * SECOND)
    ok(of, "etcdctl member add etcd-4 --peer-urls=https://cp-4:2380")
    wait(of, 3 * SECOND)
    assert ok(of, "etcdctl endpoint health").count("is healthy") == 2


def test_a_backup_restored_with_a_higher_revision() -> None:
    of = cluster(3)
    ok(of, "etcdctl put a 1")
    ok(of, "etcdctl snapshot save backup.db")
    of.give(inputs.Restore("backup.db", bump=1000, mark_compacted=True))
    wait(of, 5 * SECOND)
    assert '"Revision" : 1002' in ok(of, "etcdctl get a -w fields")
    assert "has been compacted" in typed(of, "etcdctl get a --rev=2").stderr


def test_ctrl_c_ends_a_program_that_waits() -> None:
    of = cluster(1)
    lease = ok(of, "etcdctl lease grant 9").split()[1]
    of.give(inputs.Kubectl(f"etcdctl lease keep-alive {lease}"))
    wait(of, 7 * SECOND)
    of.give(inputs.Kubectl("^C"))
    wait(of, SECOND)
    done = console(of).answers[-1]
    assert done.stdout.count("keepalived") == 3
    assert (done.stderr, done.code) == ("^C\n", 130)


def test_the_lamps_stay_green_through_growth_compaction_and_a_restored_backup() -> None:
    of = cluster(3, etcd={"snapshot_count": 5, "catch_up": 2})
    ok(of, "etcdctl put a 1")
    ok(of, "etcdctl snapshot save backup.db")
    of.give(inputs.AddManager())
    ok(of, "etcdctl member add etcd-4 --peer-urls=https://cp-4:2380")
    for i in range(12):
        ok(of, f"etcdctl put b {i}")
    wait(of, 5 * SECOND)
    of.give(inputs.Restore("backup.db"))
    wait(of, 5 * SECOND)
    for i in range(12):
        ok(of, f"etcdctl put c {i}")
    view = of.view().raft
    assert not view.breaches
    assert all(lamp.ok for lamp in view.invariants)
    assert view.size == 4


def test_a_file_that_is_no_backup_is_refused_and_changes_nothing() -> None:
    of = cluster(3)
    ok(of, "etcdctl put a kept")
    console(of).disk.files["notes.txt"] = b"apiVersion: v1"
    done = typed(of, "etcdutl snapshot restore notes.txt")
    assert (done.stderr, done.code) == ("Error: snapshot missing hash but --skip-hash-check=false\n", 1)
    assert typed(of, "etcdutl snapshot status notes.txt").stderr == "Error: invalid database\n"
    with pytest.raises(InputError, match="cannot be restored: this is no database of etcd"):
        of.give(inputs.Restore("notes.txt"))
    assert ok(of, "etcdctl get a --print-value-only") == "kept\n"
