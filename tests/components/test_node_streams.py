"""What containers write and what runs in them: logs, exec and attach, from the API server to the process and back."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from k8s_tutor.api.wire import CLOSE, STATUS, STDIN, Request, Response, StreamData, StreamEnd
from k8s_tutor.sim import SECOND, Body, CallFailed, Calling, Context
from tests.components.node_world import Small

PODS = "/api/v1/namespaces/default/pods"
TICKS = {"command": ["sh", "-c", "i=0; while true; do i=$((i+1)); echo tick $i; sleep 1; done"]}


class Ask(Body):
    """A request that may open a stream."""

    request: Request


class Say(Body):
    """Something to send into the open stream."""

    channel: int
    data: bytes


class Leave(Body):
    """The stream is ended from this side."""


class Listener(Calling):
    """A client that keeps what a stream brings."""

    def __init__(self, name: str, config: Any = None, disk: Any = None) -> None:
        super().__init__(name, config, disk)
        self.call = 0
        self.answer: Response | CallFailed | None = None
        self.answered = 0
        self.frames: tuple[Any, ...] = ()

    def handle(self, ctx: Context, src: str, body: Any) -> None:
        if isinstance(body, Ask):
            self.answer, self.frames = None, ()
            self.call = self.ask(ctx, "lb", body.request, "took", (), 60 * SECOND)
        elif isinstance(body, Say):
            ctx.reply("lb", StreamData(self.call, body.channel, body.data))
        elif isinstance(body, Leave):
            ctx.reply("lb", StreamEnd(self.call))
        elif isinstance(body, (StreamData, StreamEnd)):
            self.frames = (*self.frames, body)

    def took(self, ctx: Context, answer: Response | CallFailed) -> None:
        self.answer, self.answered = answer, self.answered + 1


class World(Small):
    """The small cluster with such a client."""

    def __init__(self, workers: int = 1) -> None:
        super().__init__(workers)
        self.world.add(Listener, "listener", host="hand-host")
        self.up()

    @property
    def listener(self) -> Listener:
        """The client."""
        found = self.world.actor("listener")
        assert isinstance(found, Listener)
        return found

    def give(self, body: Body) -> None:
        """Hands something to the client."""
        self.world.take(("give", type(body).__name__), lambda world, _: world.inject("listener", body))

    def open(self, path: str, *query: tuple[str, str], method: str = "POST", seconds: float = 1) -> Response:
        """Opens a stream and lets it run for a while."""
        self.give(Ask(Request(method, f"{PODS}/{path}", query)))
        self.run(seconds)
        assert isinstance(self.listener.answer, Response), self.listener.answer
        return self.listener.answer

    def text(self, *channels: int) -> str:
        """What has come on some channels."""
        wanted = channels or (1, 2)
        data = [one.data for one in self.listener.frames if isinstance(one, StreamData) and one.channel in wanted]
        return b"".join(data).decode()

    def exec(self, pod: str, *command: str, container: str = "", seconds: float = 1) -> tuple[str, int]:
        """Runs a command: what it has written, and its exit status."""
        given = (("container", container),) if container else ()
        words = [("command", word) for word in command]
        answer = self.open(f"{pod}/exec", *words, *given, ("stdout", "true"), ("stderr", "true"), seconds=seconds)
        assert answer.code == 101, answer
        assert isinstance(self.listener.frames[-1], StreamEnd), self.listener.frames
        return self.text(), exit_code(self.text(STATUS))

    def log(self, pod: str, **query: str) -> str:
        """A log, or the message of its refusal."""
        known, before = self.listener.answered, self.world.now
        self.give(Ask(Request("GET", f"{PODS}/{pod}/log", tuple(query.items()))))
        assert self.world.run_until(lambda world: self.listener.answered > known, 50_000)
        answer = self.listener.answer
        assert isinstance(answer, Response) and self.world.now < before + 40 * SECOND
        return answer.body.decode() if answer.code == 200 else str(msgspec.json.decode(answer.body)["message"])


def exit_code(status: str) -> int:
    """The exit code in a Status."""
    tree = msgspec.json.decode(status)
    if tree["status"] == "Success":
        return 0
    causes = {one["reason"]: one["message"] for one in tree["details"]["causes"]}
    return int(causes["ExitCode"])


@pytest.fixture(scope="module")
def one() -> World:
    """A worker with a server, a script and a shell."""
    world = World()
    world.pod("web")
    world.pod("ticks", "busybox", container=TICKS)
    world.pod("box", "busybox", container={"command": ["sleep", "3600"]})
    for name in ("web", "ticks", "box"):
        world.ready(name)
    return world


# ---------------------------------------------------------------------------------------------------- logs


def test_a_log_holds_what_the_program_wrote(one: World) -> None:
    assert "start worker processes" in one.log("web")
    assert one.log("web", tailLines="1").count("\n") == 1
    stamped = one.log("web", timestamps="true").splitlines()
    assert all(line.startswith("2026-01-01T00:00:") and line[30] == " " for line in stamped)
    assert len(one.log("web", limitBytes="10")) == 10


def test_a_log_can_be_followed_until_one_leaves(one: World) -> None:
    answer = one.open("ticks/log", ("follow", "true"), ("tailLines", "1"), method="GET", seconds=3.5)
    assert answer.code == 200 and answer.streams and answer.content_type == "text/plain"
    numbers = [int(line.split()[1]) for line in one.text().splitlines()]
    assert len(numbers) in (4, 5) and numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    one.give(Leave())
    one.run(1)
    before = one.text()
    one.run(3)
    assert one.text() == before
    assert not one.world.actor("shim-1").streams  # type: ignore[union-attr]


def test_recent_lines_only(one: World) -> None:
    assert len(one.log("ticks", sinceSeconds="2").splitlines()) == 2


def test_wrong_options_and_names_are_refused_in_kubernetes_words(one: World) -> None:
    assert one.log("ticks", container="x") == "container x is not valid for pod ticks"
    assert one.log("nobody") == 'pods "nobody" not found'
    assert one.log("ticks", previous="true") == 'previous terminated container "main" in pod "ticks" not found'
    text = 'PodLogOptions "ticks" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'
    assert one.log("ticks", tailLines="-1") == text
    assert one.log("ticks", tailLines="x") == 'strconv.ParseInt: parsing "x": invalid syntax'


def test_a_crashed_container_leaves_its_log_behind() -> None:
    world = World()
    script = "echo up; sleep 1; echo down >&2; exit 3"
    world.pod("bad", "busybox", container={"command": ["sh", "-c", script]})
    world.until("bad", lambda pod: pod.get("status", {}).get("containerStatuses", [{}])[0].get("restartCount") == 1)
    world.run(0.5)
    assert world.log("bad") == "up\n"
    assert world.log("bad", previous="true") == "up\ndown\n"
    world.run(3)
    assert world.log("bad") == "up\ndown\n"


def test_a_container_that_waits_has_no_log_and_says_why() -> None:
    world = World()
    world.pod("nope", "nothing/here")
    world.run(1)
    assert world.log("nope") == 'container "main" in pod "nope" is waiting to start: image can\'t be pulled'
    world.run(3)
    assert world.log("nope") == 'container "main" in pod "nope" is waiting to start: trying and failing to pull image'
    many = [{"name": "a", "image": "nginx"}, {"name": "b", "image": "redis"}]
    world.call("POST", PODS, {"metadata": {"name": "two"}, "spec": {"nodeName": "node-1", "containers": many}})
    assert world.log("two") == "a container name must be specified for pod two, choose one of: [a b]"


def test_a_node_that_is_gone_is_told_as_such() -> None:
    world = World()
    world.pod("web")
    world.ready("web")
    world.world.take("crash", lambda inner, _: inner.crash("kubelet-1"))
    url = "172.31.0.11:10250/containerLogs/default/web/main"
    assert world.log("web") == f'Get "https://{url}": dial tcp 172.31.0.11:10250: connect: connection refused'
    world.world.take("restart", lambda inner, _: inner.restart("kubelet-1"))
    world.run(5)
    assert "start worker" in world.log("web")
    world.world.take("crash", lambda inner, _: inner.crash("node-1"))
    assert world.log("web").startswith(f'Get "https://{url}": dial tcp')


# ---------------------------------------------------------------------------------------------------- exec


@pytest.mark.parametrize(
    ("command", "text", "code"),
    [
        (("hostname",), "box\n", 0),
        (("sh", "-c", "echo $HOSTNAME $((2*3)); exit 4"), "box 6\n", 4),
        (("sh", "-c", "echo a b > /tmp/x; cat /tmp/x | grep -c a && rm /tmp/x; ls /tmp"), "1\n", 0),
        (("cat", "/etc/hostname", "/nothing"), "box\ncat: can't open '/nothing': No such file or directory\n", 1),
        (("sh", "-c", "for i in 1 2; do sleep 0.1; echo $i; done"), "1\n2\n", 0),
        (("sh", "-c", "nothere"), "sh: nothere: not found\n", 127),
        (("sh", "-c", "if"), 'sh: syntax error: unexpected end of file (expecting "then")\n', 2),
        (("id", "-u"), "0\n", 0),
        (("ps",), "PID   USER     TIME  COMMAND\n    1 root      0:00 sleep 3600\n", 0),
        (("kill", "99"), "sh: kill: can't kill pid 99: No such process\n", 1),
    ],
)
def test_commands_in_a_container(one: World, command: tuple[str, ...], text: str, code: int) -> None:
    found, status = one.exec("box", *command)
    if command[0] == "ps":
        found = "".join(line for line in found.splitlines(True) if not line.endswith(" ps\n"))
    assert (found.replace("kill: kill", "sh: kill"), status) == (text, code)


def test_what_is_not_in_the_image_cannot_be_run(one: World) -> None:
    one.open("web/exec", ("command", "ps"), ("stdout", "true"))
    status = msgspec.json.decode(one.text(STATUS))
    assert status["reason"] == "InternalError"
    assert 'exec: "ps": executable file not found in $PATH' in status["message"]
    one.open("web/exec", ("command", "ls"), ("stdout", "true"), ("container", "x"))
    assert one.listener.answer == one.open("web/exec", ("command", "ls"), ("stdout", "true"), ("container", "x"))
    assert b"container x is not valid for pod web" in one.listener.answer.body  # type: ignore[union-attr]


def test_a_shell_reads_its_input_line_by_line(one: World) -> None:
    one.open("box/exec", ("command", "sh"), ("stdin", "true"), ("stdout", "true"))
    for line in (b"cd /tmp\n", b"pwd; A=1\n", b"echo $A\n"):
        one.give(Say(STDIN, line))
    one.run(1)
    assert one.text() == "/tmp\n1\n"
    one.give(Say(CLOSE, b"\0"))
    one.run(1)
    assert isinstance(one.listener.frames[-1], StreamEnd) and exit_code(one.text(STATUS)) == 0


def test_a_terminal_echoes_prompts_and_can_interrupt(one: World) -> None:
    one.open("box/exec", ("command", "sh"), ("stdin", "true"), ("stdout", "true"), ("tty", "true"))
    for keys in (b"ecx\x7fho hi\r", b"sleep 100\r", b"\x03", b"exit 5\r"):
        one.give(Say(STDIN, keys))
        one.run(0.5)
    shown = one.text()
    assert shown.startswith("/ # ecx\b \bho hi\r\nhi\r\n/ # sleep 100\r\n^C\r\n/ # exit 5\r\n"), shown
    assert exit_code(one.text(STATUS)) == 5


def test_an_ephemeral_container_joins_a_running_pod() -> None:
    world = World()
    world.pod("web")
    world.ready("web")
    extra = {"name": "look", "image": "busybox", "command": ["sh", "-c", "wget -qO- localhost; sleep 900"]}
    patch = {"spec": {"ephemeralContainers": [extra]}}
    world.call("PATCH", f"{PODS}/web/ephemeralcontainers", patch, "application/strategic-merge-patch+json")
    world.run(3)
    assert "Welcome to nginx!" in world.log("web", container="look")
    status = world.get("web")["status"]
    assert "running" in status["ephemeralContainerStatuses"][0]["state"] and len(status["containerStatuses"]) == 1
    world.exec("web", "sh", "-c", "exit 0", container="look")
    events = world.call("GET", "/api/v1/namespaces/default/events")["items"]
    about = {event["involvedObject"].get("fieldPath", ""): event["type"] for event in events}
    assert about["spec.ephemeralContainers{look}"] == about["spec.containers{main}"] == "Normal"


def test_attaching_shows_what_the_container_writes(one: World) -> None:
    answer = one.open("ticks/attach", ("stdout", "true"), seconds=2.5)
    assert answer.code == 101 and one.text().startswith("tick ") and one.text().count("\n") in (2, 3)
    one.give(Leave())
    one.run(1)


def test_process_one_ends_as_in_reality() -> None:
    world = World()
    world.pod("web")
    world.ready("web")
    assert world.exec("web", "sh", "-c", "kill -9 1; echo still here") == ("still here\n", 0)
    world.open("web/exec", ("command", "sh"), ("command", "-c"), ("command", "kill 1; sleep 9"), ("stdout", "true"))
    assert exit_code(world.text(STATUS)) == 137
    again = world.until("web", lambda pod: pod["status"]["containerStatuses"][0]["restartCount"] == 1)
    assert again["status"]["containerStatuses"][0]["lastState"]["terminated"]["exitCode"] == 0
    assert world.log("web", previous="true").endswith("exit\n")


def test_a_command_that_is_not_in_the_image_does_not_start() -> None:
    world = World()
    world.pod("typo", "busybox", container={"command": ["slep", "5"]})
    pod = world.until("typo", lambda pod: "lastState" in str(pod) and pod["status"]["containerStatuses"][0]["restartCount"])
    ended = pod["status"]["containerStatuses"][0]["lastState"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (128, "StartError")
    assert 'exec: "slep": executable file not found in $PATH: unknown' in ended["message"]


# ---------------------------------------------------------------------------------------------------- network


def test_containers_of_a_pod_share_address_ports_and_volumes() -> None:
    world = World()
    mount = [{"name": "html", "mountPath": "/usr/share/nginx/html"}]
    pod_name = {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}
    spec = [
        {"name": "web", "image": "nginx", "volumeMounts": mount},
        {"name": "side", "image": "curlimages/curl", "command": ["sleep", "3600"], "volumeMounts": [
            {"name": "html", "mountPath": "/data"}], "env": [pod_name]},
    ]  # fmt: skip
    tree = {"nodeName": "node-1", "containers": spec, "volumes": [{"name": "html", "emptyDir": {}}]}
    world.call("POST", PODS, {"metadata": {"name": "two"}, "spec": tree})
    world.ready("two")
    code = ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "localhost")
    assert world.exec("two", *code, container="side") == ("403", 0)
    script = "echo hello $POD > /data/index.html; curl -s localhost; hostname -i"
    text, status = world.exec("two", "sh", "-c", script, container="side")
    assert text.startswith("hello two\n10.244.1.") and status == 0
    assert world.exec("two", "hostname", "-i", container="web")[0] == text.splitlines()[1] + "\n"
    assert '"GET / HTTP/1.1" 200 10' in world.log("two", container="web")


def test_a_service_is_reached_by_the_rules_of_the_node() -> None:
    world = World(workers=2)
    world.pod("web", node="node-2", metadata={"labels": {"app": "web"}})
    world.pod("box", "busybox", container={"command": ["sleep", "3600"]})
    address = world.ready("web")["status"]["podIP"]
    world.ready("box")
    assert "Welcome to nginx!" in world.exec("box", "wget", "-qO-", address)[0]
    ports = [{"port": 8080, "targetPort": 80}]
    made = {"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": ports}}
    cluster_ip = world.call("POST", "/api/v1/namespaces/default/services", made)["spec"]["clusterIP"]
    world.run(2)
    refused = f"wget: can't connect to remote host ({cluster_ip}): Connection refused\n"
    assert world.exec("box", "wget", "-qO-", f"{cluster_ip}:8080") == (refused, 1)
    endpoints = {
        "addressType": "IPv4", "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "ports": [{"port": 80, "protocol": "TCP", "name": ""}],
        "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
    }  # fmt: skip
    world.call("POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices", endpoints)
    world.run(2)
    assert "Welcome to nginx!" in world.exec("box", "wget", "-qO-", f"{cluster_ip}:8080")[0]
    world.world.take("crash", lambda inner, _: inner.crash("kube-proxy-1"))
    assert "Welcome to nginx!" in world.exec("box", "wget", "-qO-", f"{cluster_ip}:8080")[0], "rules outlive kube-proxy"
    assert world.exec("box", "nc", "-zv", address, "81") == (f"nc: {address} ({address}:81): Connection refused\n", 1)
    timed_out = world.exec("box", "wget", "-qO-", "-T", "2", "10.96.77.77", seconds=3)
    assert timed_out == ("wget: download timed out\n", 1)
    assert world.exec("box", "wget", "-qO-", "web", seconds=12) == ("wget: bad address 'web'\n", 1)
    assert "10.244.1." in world.log("web")
