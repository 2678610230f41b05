"""The load balancer: connections in turn, health, and what clients feel when a server goes."""

from __future__ import annotations

from node_world import Small

from k8s_tutor.net.loadbalancer import LoadBalancer


def balancer(small: Small) -> LoadBalancer:
    found = small.world.actor("lb")
    assert isinstance(found, LoadBalancer)
    return found


def test_connections_are_spread_in_turn() -> None:
    small = Small(workers=3, servers=3)
    small.up()
    servers = list(balancer(small).server_of.values())
    assert set(servers) == {"api-1", "api-2", "api-3"}


def test_clients_of_a_crashed_server_get_another_one() -> None:
    small = Small(workers=2, servers=2)
    small.up()
    assert "api-1" in balancer(small).server_of.values()
    small.world.take("crash", lambda world, _: world.crash("api-1"))
    small.run(5)
    assert set(balancer(small).server_of.values()) == {"api-2"}
    small.pod("web")
    small.ready("web")
    small.world.take("restart", lambda world, _: world.restart("api-1"))
    small.run(5)
    assert balancer(small).down == {}
    assert set(balancer(small).server_of.values()) == {"api-2"}


def test_silent_server_is_found_by_the_probe() -> None:
    small = Small(workers=2, servers=2)
    small.up()
    small.world.take("crash", lambda world, _: world.crash("cp-2"))
    small.run(10)
    assert list(balancer(small).down) == ["api-2"]
    assert set(balancer(small).server_of.values()) == {"api-1"}
    small.world.take("restart", lambda world, _: world.restart("cp-2"))
    small.run(45)
    assert balancer(small).down == {}
    assert len(small.notes("lb.down")) == len(small.notes("lb.up"))
    assert small.notes("lb.up")[-1] == {"server": "api-2"}


def test_without_a_server_connections_are_refused_and_all_comes_back() -> None:
    small = Small(workers=1, servers=1)
    small.up()
    small.world.take("crash", lambda world, _: world.crash("api-1"))
    small.run(5)
    assert balancer(small).server_of == {}
    small.world.take("restart", lambda world, _: world.restart("api-1"))
    small.run(40)
    small.pod("web")
    small.ready("web")
