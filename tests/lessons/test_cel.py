"""Conditions: every name and field is known before anything runs, and a condition is looked at only when it must be."""

from __future__ import annotations

import pytest

from k8s_tutor.cluster import Cluster, ClusterSpec, inputs
from k8s_tutor.lessons import lens as lenses
from k8s_tutor.lessons.cel import CelError, compiled, condition
from k8s_tutor.lessons.names import NAMES
from k8s_tutor.lessons.reader import Reader, Watch


@pytest.fixture
def reader() -> Reader:
    spec = {"managers": 3, "workers": 0, "components": "etcd", "seed": 7, "rooms": {"A": ["cp-1", "cp-2"], "B": ["cp-3"]}}
    return Reader(Cluster(ClusterSpec.model_validate(spec)), lenses.lens("committee"))


@pytest.mark.parametrize("name", NAMES)
def test_the_use_of_every_name_in_the_table_compiles(name: str) -> None:
    expression = compiled(NAMES[name].use)
    assert name in expression.names


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("raft.leadrs.size() == 1", "Raft has no field 'leadrs'; did you mean 'leaders'?"),
        ('pods("app=web").all(p, p.naem == "x")', "Pod has no field 'naem'; did you mean 'name'?"),
        ("pod()", "'pod' takes 1 to 2 arguments, not 0: e.g. pod("),
        ("raft.leaders.foo == 3", "a list has no field 'foo': use .size()"),
        ('server("api-1").deploymnt("x") == null', "did you mean 'deployment'?"),
        ("room == null", "'room' is a function"),
        ("raft.up.all(x, true)", "all() needs a list, not an int"),
        ("raft.up > 1 &&", "is no CEL"),
    ],
)
def test_what_is_wrong_is_said_before_anything_runs(source: str, expected: str) -> None:
    with pytest.raises(CelError) as caught:
        condition(source)
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("raft.size", 3),
        ("raft.quorum == 2 && raft.tolerates == 1", True),
        ("raft.leaders.size()", 1),
        ("raft.leader == raft.leaders[0]", True),
        ('member("Alice").machine', "cp-1"),
        ('member("etcd-2").up', True),
        ('members().filter(m, m.role == "leader").size()', 1),
        ('room("A").size', 2),
        ("rooms.exists(r, r.leaders.size() == 1)", True),
        ("rooms.filter(r, r.has_quorum).size()", 1),
        ("cluster.managers", 3),
        ("[1, 3, 4, 5].map(n, tolerates(n))", [0, 1, 1, 2]),
        ("quorum(4)", 3),
        ("now > 0.0", True),
        ('typed("put") || seen("raft.*")', False),
    ],
)
def test_names_read_the_view(reader: Reader, source: str, value: object) -> None:
    assert reader.compute(source) == value


def test_a_field_of_nothing_is_false_and_no_error(reader: Reader) -> None:
    assert reader.holds(condition('configmap("topping").data.choice == "olives"')) is False


def test_notes_and_lines_count_from_the_opening_of_a_step(reader: Reader) -> None:
    cluster = reader.cluster
    cluster.give(inputs.Kubectl("etcdctl put /topping olives"))
    cluster.settle()
    assert reader.compute('typed("topping") && lines().all(l, l.code == 0) && committed("put /topping")') is True
    assert reader.compute('noted("raft.commit").size()') == 1
    reader.reopen()
    assert reader.compute('typed("topping") || seen("raft.commit")') is False


def test_a_watch_from_before_the_step_is_heard_from_its_opening_on() -> None:
    spec = {"managers": 1, "workers": 0, "components": "etcd", "clients": {"amy": {}}}
    cluster = Cluster(ClusterSpec.model_validate(spec))
    reader = Reader(cluster, lenses.lens("kubernetes"))
    cluster.give(inputs.Kubectl("etcdctl watch topping", (), "amy"))
    for topping in ("olives", "ham"):
        cluster.run_until(cluster.now + 1_000_000)
        reader.reopen()
        cluster.give(inputs.Kubectl(f"etcdctl put topping {topping}"))
    cluster.run_until(cluster.now + 1_000_000)
    assert reader.compute('heard("amy")') == "PUT\ntopping\nham\n"
    assert reader.compute('heard("you")') == "OK\n" and reader.compute('lines().size()') == 1


def test_a_rewind_takes_notes_back(reader: Reader) -> None:
    cluster = reader.cluster
    before = cluster.now
    cluster.give(inputs.Crash(cluster.view().raft.leaders[0]))
    cluster.run_until(before + 5_000_000)
    assert reader.compute('seen("raft.leader")') is True
    cluster.goto_time(before + 1_000)
    assert reader.compute('seen("raft.leader")') is False


def test_a_condition_is_evaluated_only_when_a_part_that_it_reads_is_new(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = Watch(condition("raft.has_quorum"))
    asked: list[str] = []
    holds = reader.holds
    monkeypatch.setattr(reader, "holds", lambda expression: asked.append(expression.source) or holds(expression))
    cluster = reader.cluster
    for _ in range(50):
        cluster.step()
        assert watch.holds(reader)
    assert len(asked) == 1
    cluster.give(inputs.Crash("cp-1"))
    cluster.give(inputs.Crash("cp-2"))
    assert not watch.holds(reader)
    assert len(asked) == 2


def test_a_key_is_read_from_the_member_that_is_named(reader: Reader) -> None:
    cluster = reader.cluster
    cluster.give(inputs.Cut((("cp-1", "cp-2"), ("cp-3",))))
    cluster.give(inputs.Kubectl("etcdctl put /topping olives"))
    cluster.run_until(cluster.now + 500_000)
    assert reader.compute('key("/topping").value + " " + key("/topping", "Alice").value') == "olives olives"
    assert reader.compute('key("/topping").version == 1 && key("/topping").create_revision == key("/topping").mod_revision')
    assert reader.compute('key("/topping", "Carol") == null && key("/soup") == null')


def test_what_no_clock_changes_is_not_looked_at_with_every_tick() -> None:
    calm = condition('members().all(m, m.commit == raft.commit) && member("Alice").role == "leader"')
    assert calm.parts == ("notebooks", "progress")
    assert "raft" in condition('member("Alice").ticks_left <= 3').parts
    assert "raft" in condition("raft.breaches.size() > 0").parts


def test_a_stored_object_is_looked_at_again_when_its_kind_has_changed() -> None:
    assert condition('object("Pod", "web") != null && objects("Job").size() == 1').parts == ("stores:Job", "stores:Pod")
    assert condition('configmap("a") == null').parts == ("stores:ConfigMap",)
    assert condition('["Pod"].all(kind, objects(kind).size() == 1)').parts == ("stores",)
    assert "stores" in condition('objects("Widget").size() == 1').parts


def test_rights_are_looked_up_as_the_api_server_would() -> None:
    rbac = "rbac.authorization.k8s.io"
    rule = {"apiGroups": ["", "apps"], "resources": ["pods", "deployments/scale"], "verbs": ["get", "patch"]}
    role = {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": {"name": "cook", "namespace": "default"}, "rules": [rule]}
    subjects = [{"kind": "User", "name": "alice", "apiGroup": rbac}, {"kind": "ServiceAccount", "name": "robot"}]
    reference = {"kind": "Role", "name": "cook", "apiGroup": rbac}
    binding = {**role, "kind": "RoleBinding", "roleRef": reference, "subjects": subjects}
    del binding["rules"]
    binding["subjects"][1]["namespace"] = "default"
    spec = {"managers": 1, "workers": 0, "manifests": [role, binding]}
    reader = Reader(Cluster(ClusterSpec.model_validate(spec)), lenses.lens("kubernetes"))

    def value(source: str) -> object:
        return reader.value(compiled(source))

    assert value('allowed("alice", "get", "pods")') is True
    assert value('allowed("alice", "patch", "deployments/scale")') is True
    assert value('allowed("alice", "patch", "deployments")') is False
    assert value('allowed("alice", "get", "pods", "kube-system")') is False
    assert value('allowed("system:serviceaccount:default:robot", "get", "pods")') is True
    assert value('allowed("system:serviceaccount:default:default", "get", "pods")') is False


def test_who_manages_a_field_is_read_from_its_managed_fields() -> None:
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "menu"}, "data": {"pizza": "9"}}
    spec = {"managers": 1, "workers": 0, "manifests": [made]}
    reader = Reader(Cluster(ClusterSpec.model_validate(spec)), lenses.lens("kubernetes"))
    assert reader.value(compiled('managers("ConfigMap", "menu", "data.pizza")')) == ["kubectl-client-side-apply"]
    assert reader.value(compiled('managers("ConfigMap", "menu", "data")')) == ["kubectl-client-side-apply"]
    assert reader.value(compiled('managers("ConfigMap", "menu", "data.soup")')) == []
    assert reader.value(compiled('managers("ConfigMap", "none", "data")')) == []
