"""Why? From a container's start back to the line that was typed."""

from __future__ import annotations

from k8s_tutor.sim import Note
from tests.cluster.helpers import cluster, settled

LINKS = (
    ("input", "create deployment web"),
    ("type", "create deployment web"),
    ("POST", "/apis/apps/v1/namespaces/default/deployments"),
    ("etcd", "put /registry/deployments/default/web"),
    ("AppendEntries", "put /registry/deployments/default/web"),
    ("AppendEntriesReply", "have"),
    ("etcd watch", "PUT /registry/deployments/default/web"),
    ("watch", "ADDED deployment web"),
    ("POST", "/apis/apps/v1/namespaces/default/replicasets"),
    ("etcd watch", "PUT /registry/replicasets/default/web-"),
    ("watch", "ADDED replicaset web-"),
    ("POST", "/api/v1/namespaces/default/pods"),
    ("etcd watch", "PUT /registry/pods/default/web-"),
    ("watch", "ADDED pod web-"),
    ("POST", "/binding"),
    ("etcd watch", "PUT /registry/pods/default/web-"),
    ("watch", "ADDED pod web-"),
    ("RunPodSandbox", "web-"),
    ("CniAdd", "web-"),
    ("PullImage", "nginx"),
    ("CreateContainer", "nginx"),
    ("StartContainer", ""),
)


def test_a_containers_start_leads_back_to_the_line_that_was_typed() -> None:
    one = cluster(managers=3, workers=2)
    settled(one, "create deployment web --image=nginx")
    started = next(r for r in one.world.log.records() if isinstance(r, Note) and r.kind == "container.started")
    chain = iter(one.why(started.cause))
    for kind, text in LINKS:
        assert any(link.kind == kind and text in link.text for link in chain), f"{kind} {text} is not in the chain at its place"


def test_a_commit_names_the_majority_that_acknowledged_it() -> None:
    one = cluster(managers=5, workers=0)
    settled(one, "create configmap topping --from-literal=choice=olives")
    commits = [r for r in one.world.log.records() if isinstance(r, Note) and r.kind == "raft.commit"]
    assert all(len(note.fields["acks"]) >= 3 and note.actor in note.fields["acks"] for note in commits)


def test_a_chain_goes_forward_in_time_and_begins_with_an_input() -> None:
    one = cluster(managers=3, workers=1)
    settled(one, "create deployment web --image=nginx")
    note = [r for r in one.world.log.records() if isinstance(r, Note) and r.kind == "pod.ready"][-1]
    chain = one.why(note.cause)
    assert chain[0].input
    assert [link.at for link in chain] == sorted(link.at for link in chain)


def test_an_election_leads_back_to_a_timer() -> None:
    one = cluster(managers=3, workers=0, components="etcd")
    note = next(r for r in one.world.log.records() if isinstance(r, Note) and r.kind == "raft.leader")
    assert one.why(note.cause)[0].timer


def test_nothing_is_known_of_a_message_that_never_was() -> None:
    assert cluster(workers=0).why(10**9) == ()
