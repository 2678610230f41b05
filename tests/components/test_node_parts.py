"""The pure parts of a worker: references, images, programs, addresses, durations, plans."""

from __future__ import annotations

from typing import Any

import pytest
from node_world import golden, images

from k8s_tutor.node import sync
from k8s_tutor.node.cni import Cni, CniAdd, CniConfig, CniDel, CniDisk, CniError, CniResult
from k8s_tutor.node.image_puller import go_duration
from k8s_tutor.node.images import from_tree, parse_reference
from k8s_tutor.node.podstate import Known, PodState, after_exit, next_backoff
from k8s_tutor.node.programs import Process, Program, of_tag, process_of
from k8s_tutor.node.registry import Registry, RegistryConfig
from k8s_tutor.sim import SECOND, Body, Call, Calling, Context, World


@pytest.mark.parametrize(("text", "full", "familiar"), [
    ("nginx", "docker.io/library/nginx:latest", "nginx"), ("nginx:1.27", "docker.io/library/nginx:1.27", "nginx"),
    ("music/violin", "docker.io/music/violin:latest", "music/violin"),
    ("registry.k8s.io/pause:3.10.1", "registry.k8s.io/pause:3.10.1", "registry.k8s.io/pause"),
    ("localhost:5000/a/b:x", "localhost:5000/a/b:x", "localhost:5000/a/b"),
])  # fmt: skip
def test_references(text: str, full: str, familiar: str) -> None:
    assert (parse_reference(text).full, parse_reference(text).familiar) == (full, familiar)


@pytest.mark.parametrize("text", ["", "Nginx", "nginx:", "a b", "nginx:-x", "/x"])
def test_bad_references(text: str) -> None:
    with pytest.raises(ValueError, match="invalid reference format"):
        parse_reference(text)


def test_builtin_images_are_well_formed() -> None:
    names = [image.name for image in images()]
    assert {"docker.io/library/nginx", "docker.io/library/postgres", "docker.io/music/violin"} <= set(names)
    assert all(image.size > 0 and image.tags for image in images())
    pairs = [(image.name, tag) for image in images() for tag in image.tags]
    assert len(pairs) == len(set(pairs))


@pytest.mark.parametrize(("tree", "why"), [
    ({"format_version": 2, "images": []}, "format_version 2 is not known; this version reads 1"),
    ({"format_version": 1, "images": [{"name": "x"}]}, "Object missing required field `layers` - at `$.images[0]`"),
    ({"format_version": 1, "images": [{"name": "x", "layers": {}, "program": {"kind": "sing"}}]},
     "image x: program.kind must be serve or exit, not sing"),
    ({"format_version": 1, "images": [{"name": "x", "layers": {}, "program": {"prot": 1}}]},
     "Object contains unknown field `prot`"),
])  # fmt: skip
def test_bad_image_data_is_refused(tree: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError) as caught:
        from_tree(tree)
    assert str(caught.value) == why


def test_commands_replace_programs() -> None:
    image = Program(port=80, entrypoint=("/docker-entrypoint.sh",), cmd=("nginx", "-g", "daemon off;"), tools="debian")
    assert process_of(image, (), ()) == Process(image.cmd)
    assert process_of(image, ("nginx",), ("-x",)) == Process(("nginx", "-x"))
    assert process_of(image, (), ("-g", "x")) == Process(("-g", "x"))
    assert process_of(image, ("sleep", "3600"), ()) == Process(("sleep", "3600"), "sleep 3600")
    assert process_of(Program(cmd=("sh",), tools="busybox"), (), ("sleep", "1")).script == "sleep 1"
    shell = process_of(image, ("sh", "-c", "echo hello; sleep 2 && exit 3"), ())
    assert shell.script == "echo hello; sleep 2 && exit 3"
    assert process_of(image, ("/bin/sh", "-ec"), ("sleep 1",)).script == "sleep 1"


def test_an_image_may_end_as_its_tag_says() -> None:
    program = Program("exit", exit_code=1, exit_tag=True)
    assert [of_tag(program, tag).exit_code for tag in ("3", "x", "999")] == [3, 1, 1]
    assert of_tag(Program("exit"), "3").exit_code == 0


@pytest.mark.parametrize(("name", "assume", "known"), [
    ("ok:anything", False, True), ("nopull:1", True, False), ("nginx:99", False, False), ("whatever:7", True, True),
    ("whatever:7", False, False),
])  # fmt: skip
def test_what_a_registry_has(name: str, assume: bool, known: bool) -> None:
    registry = Registry("registry", RegistryConfig((*images(), *golden()), assume=assume))
    assert (registry.find(parse_reference(name)) is not None) == known


@pytest.mark.parametrize(("micros", "text"), [
    (0, "0s"), (512_400, "512ms"), (2_310_000, "2.31s"), (60_000_000, "1m0s"),
    (62_500_000, "1m2.5s"), (3_600_000_000, "1h0m0s"),
])  # fmt: skip
def test_durations_as_go_prints_them(micros: int, text: str) -> None:
    assert go_duration(micros) == text


def test_restart_back_off_doubles_and_is_forgotten_after_ten_minutes() -> None:
    known, waits = Known("main", phase="exited", id="a", started_at=0, finished_at=1), []
    for _ in range(8):
        ended = after_exit(known, True)
        waits.append((ended.retry_at - known.finished_at) // SECOND if ended.phase == "waiting" else 0)
        known = Known("main", phase="exited", id="a", started_at=5, finished_at=6, backoff=next_backoff(ended))
    assert waits == [0, 10, 20, 40, 80, 160, 300, 300]
    healthy = Known("main", phase="exited", id="a", started_at=0, finished_at=601 * SECOND, backoff=300 * SECOND)
    assert after_exit(healthy, True) == Known("main", phase="exited", id="a", finished_at=601 * SECOND)


def test_pod_that_is_gone_is_stopped_before_its_sandbox() -> None:
    state = PodState("u", "default", "web", (Known("main", phase="running", id="a"),), gone=True)
    assert sync.plan(None, state, 0) == sync.Plan(stop=("main",))
    assert sync.plan(None, state.begin("stop:main"), 0) == sync.Plan()
    state = state.put(Known("main", phase="exited", id="a"))
    assert sync.plan(None, state, 0) == sync.Plan(ended=True)


class Asker(Calling):
    """Takes whatever a plugin answers."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.answers: tuple[Any, ...] = ()

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if src == self.name and not isinstance(body, Call):
            self.ask(ctx, "cni", body, "took")

    def took(self, ctx: Context, answer: Any) -> None:
        self.answers = (*self.answers, answer)


def test_addresses_are_given_in_turn_and_run_out() -> None:
    world = World(1)
    world.add(Cni, "cni", CniConfig("10.244.3.0/29"), CniDisk(), host="node")
    world.add(Asker, "asker", host="node")

    def call(body: Body) -> Any:
        world.take("call", lambda world, _: world.inject("asker", body))
        world.run_until(world.now + SECOND)
        return world.actor("asker").answers[-1]  # type: ignore[union-attr]

    def add(name: str) -> Any:
        return call(CniAdd(name, f"/var/run/netns/{name}", "eth0", "default", name))

    def address(answer: Any) -> str:
        assert isinstance(answer, CniResult)
        return answer.ips[0].address

    given = [address(add(name)) for name in "abcde"]
    assert given == [f"10.244.3.{i}/29" for i in (2, 3, 4, 5, 6)]
    full = add("f")
    assert isinstance(full, CniError)
    assert full.msg == "failed to allocate for range 0: no IP addresses available in range set: 10.244.3.1-10.244.3.6"
    call(CniDel("b", "/var/run/netns/b", "eth0"))
    call(CniDel("b", "/var/run/netns/b", "eth0"))
    world.take("crash", lambda world, _: world.crash("cni"))
    world.take("restart", lambda world, _: world.restart("cni"))
    world.run_until(world.now + SECOND)
    assert address(add("g")) == "10.244.3.3/29"
    assert address(add("g")) == "10.244.3.3/29"
    result = add("g")
    assert result.interfaces[0].name == "cni0" and result.routes[0].gw == "10.244.3.1"
