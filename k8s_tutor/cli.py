"""The command line: arguments in, the right floor called. Everything heavy is imported when its command runs."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from k8s_tutor import __version__

OK, FAILED, BAD = 0, 1, 2
"""Exit status: fine; a check or a proof failed; usage or bad input."""


class Problem(Exception):
    """Bad input: one line that says what is wrong and how to mend it."""


class _Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def error(self, message: str) -> Any:
        self.exit(BAD, f"k8s-tutor: {message}; try {self.prog} --help\n")


def run(arguments: Sequence[str]) -> int:
    """Runs one command line; returns the exit status. Errors are one line on stderr."""
    parser = _parser()
    args = parser.parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = args.command
    try:
        return command(args)
    except Problem as problem:
        sys.stderr.write(f"k8s-tutor: {problem}\n")
        return BAD
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


# ---------------------------------------------------------------------------------------------------- grammar


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="k8s-tutor", description="Learn Kubernetes and Raft by watching a real cluster think.")
    parser.add_argument("--version", action="version", version=f"k8s-tutor {__version__}")
    parser.set_defaults(command=_app)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=_Parser)

    learn = commands.add_parser("learn", help="open a lesson")
    learn.add_argument("lesson", nargs="?", help="id or path of a lesson; without it, the home screen")
    learn.add_argument("--seed", type=int, help="another run of the same lesson")
    learn.add_argument("--plain", action="store_true", help="lines of text instead of a screen")
    learn.add_argument("--auto", action="store_true", help="answer right and play the solutions (with --plain)")
    learn.add_argument("--lens", help="the picture to begin with: kubernetes, orchestra, company, committee, pizza, rooms")
    learn.set_defaults(command=_learn)

    present = commands.add_parser("present", help="show a lesson on a projector")
    present.add_argument("lesson", help="id or path of a lesson")
    present.add_argument("--seed", type=int)
    present.add_argument("--lens")
    present.set_defaults(command=_present)

    sandbox = commands.add_parser("sandbox", help="a cluster of your own")
    sandbox.add_argument("--spec", help="YAML file with a cluster specification")
    sandbox.add_argument("-f", dest="manifests", action="append", default=[], metavar="MANIFEST", help="apply this first")
    _cluster_flags(sandbox)
    sandbox.set_defaults(command=_sandbox)

    serve = commands.add_parser("serve", help="a cluster for a real kubectl, on loopback")
    serve.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0, the default, picks a free one")
    serve.add_argument("--kubeconfig", default="k8s-tutor.kubeconfig", metavar="PATH", help="where to write the kubeconfig")
    serve.add_argument("--users", default="", metavar="LIST", help="users beside admin, with their groups: alice=dev,bob=ops")
    serve.add_argument("--speed", default="1", help="virtual seconds a second: a number, or max")
    serve.add_argument("--spec", help="YAML file with a cluster specification")
    serve.add_argument("-f", dest="manifests", action="append", default=[], metavar="MANIFEST", help="apply this first")
    serve.add_argument("--save", metavar="FILE", help="save the session at the end, for replay")
    _cluster_flags(serve)
    serve.set_defaults(command=_serve)

    headless = commands.add_parser("run", help="run a lesson or a cluster without a screen")
    headless.add_argument(
        "what", metavar="LESSON|SPEC", help="id or path of a lesson, or a YAML file with a cluster specification"
    )
    headless.add_argument("--seed", type=int)
    headless.add_argument("--until", metavar="TIME", help="virtual time, e.g. 60s; a lesson runs to its end without it")
    headless.add_argument("--log", metavar="FILE.jsonl", help="write the event log, one JSON object a line")
    headless.add_argument("--digest", action="store_true", help="print the run's digest as the last line")
    headless.add_argument("--save", metavar="FILE", help="save the session, for replay")
    headless.set_defaults(command=_run)

    replay = commands.add_parser("replay", help="replay a saved session and look at it; without a terminal, compare its digest")
    replay.add_argument("file")
    replay.add_argument("--plain", action="store_true", help="lines of text instead of a screen")
    replay.set_defaults(command=_replay)

    _lessons_parser(commands)

    sweep = commands.add_parser("sweep", help="test Raft over many seeds: crashes, cuts, losses, changes of members")
    sweep.add_argument("--seeds", type=_positive, default=500, help="how many (500); 1 tells the run in words")
    sweep.add_argument("--first", type=int, default=0, help="the first of them (0)")
    sweep.add_argument("--jobs", type=_positive, help="processes; one a core by default")
    sweep.add_argument("--variant", default="raft", help="raft, or a broken twin")
    sweep.add_argument("--json", action="store_true")
    sweep.set_defaults(command=_sweep)

    search = commands.add_parser("search", help="find the shortest run in which a broken twin of Raft goes wrong")
    search.add_argument("variant", help="naive, forgotten-vote, old-term-commit, no-random-timeouts, send-before-persist")
    search.add_argument("--seeds", type=_positive, default=2_000, help="how many to try (2000)")
    search.add_argument("--first", type=int, default=0, help="the first of them (0)")
    search.add_argument("--among", type=_positive, default=3, help="choose among the stories of so many seeds (3)")
    search.add_argument("--property", default="", help="what must break, e.g. 'election safety'; anything by default")
    search.add_argument("--save", metavar="FILE", help="write the session, for replay")
    search.set_defaults(command=_search)

    gallery = commands.add_parser("gallery", help="take pictures of the app, as SVG")
    gallery.add_argument("--out", metavar="FOLDER", default="gallery", help="where to (gallery)")
    gallery.set_defaults(command=_gallery)

    bench = commands.add_parser("bench", help="measure, beside other tools")
    bench.add_argument("--json", action="store_true")
    bench.add_argument("--only", metavar="ROWS", help="e.g. B1,B3")
    bench.set_defaults(command=_bench)
    return parser


def _cluster_flags(parser: Any) -> None:
    """What a cluster of one's own is made of."""
    parser.add_argument("--managers", type=int)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--cni", help="network plugin: bridge, flannel, calico, weave, cilium, aws-vpc-cni")
    parser.add_argument("--proxy", help="kube-proxy mode: iptables, ipvs, nftables")
    parser.add_argument("--runtime", help="container runtime: containerd, cri-o, docker")
    words = "metrics-server, for kubectl top and autoscalers; it is there unless --spec says otherwise"
    parser.add_argument("--metrics", action=argparse.BooleanOptionalAction, help=words)
    words = "CoreDNS, for names of Services; it is there unless --spec says otherwise"
    parser.add_argument("--dns", action=argparse.BooleanOptionalAction, help=words)


def _lessons_parser(commands: Any) -> None:
    lessons = commands.add_parser("lessons", help="list, show and check lessons")
    verbs = lessons.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=_Parser)
    listing = verbs.add_parser("list", help="all lessons, a line each")
    listing.set_defaults(command=_lessons_list)
    check = verbs.add_parser("check", help="check lessons and prove their tasks")
    check.add_argument("paths", nargs="*", metavar="PATH", help="lesson files or folders; the built-in ones by default")
    check.add_argument("--json", action="store_true")
    check.set_defaults(command=_lessons_check)
    schema = verbs.add_parser("schema", help="print the JSON Schema of the lesson format")
    schema.set_defaults(command=_lessons_schema)


# ---------------------------------------------------------------------------------------------------- commands


def _interactive() -> None:
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Problem("the app needs a terminal; use `k8s-tutor learn LESSON --plain` or `k8s-tutor run LESSON` without one")


def _screen(lesson: str | None = None, **wanted: Any) -> int:
    """The app in this terminal; what it needs to serve a world to the outside is handed to it."""
    _interactive()
    from k8s_tutor.ui import app

    def serve(host: Any) -> Any:
        from k8s_tutor.serve.guest import Guest

        return Guest(host)

    return app.run(lesson, serve=serve, **wanted)


def _app(args: argparse.Namespace) -> int:
    return _screen()


def _learn(args: argparse.Namespace) -> int:
    if args.auto and not args.plain:
        raise Problem("--auto goes with --plain")
    if args.plain:
        if not args.lesson:
            raise Problem("--plain needs a lesson; `k8s-tutor lessons list` names them")
        from k8s_tutor.serve import headless

        return headless.narrate(args.lesson, seed=args.seed, auto=args.auto, lens=args.lens)
    return _screen(args.lesson, seed=args.seed, lens=args.lens)


def _present(args: argparse.Namespace) -> int:
    return _screen(args.lesson, seed=args.seed, lens=args.lens, projector=True)


def _own_cluster(args: argparse.Namespace) -> dict[str, Any]:
    """The specification that a file and flags describe."""
    from k8s_tutor.serve import specs

    flags = ("managers", "workers", "seed", "cni", "proxy", "runtime", "metrics", "dns")
    given = {name: getattr(args, name) for name in flags}
    try:
        return specs.sandbox(args.spec, args.manifests, {name: value for name, value in given.items() if value is not None})
    except specs.SpecError as error:
        raise Problem(str(error)) from None


def _serve(args: argparse.Namespace) -> int:
    from k8s_tutor.serve import command

    try:
        options = command.options(args.port, args.kubeconfig, args.users, args.speed, args.save)
    except command.ServeError as error:
        raise Problem(str(error)) from None
    usual = {} if args.spec else {"metrics": True, "dns": True}
    return command.run({**usual, **_own_cluster(args)}, options)


def _sandbox(args: argparse.Namespace) -> int:
    usual = {} if args.spec else {"metrics": True, "dns": True}
    return _screen(spec={**usual, **_own_cluster(args)})


def _run(args: argparse.Namespace) -> int:
    from k8s_tutor.serve import headless

    return headless.run(args.what, seed=args.seed, until=args.until, log=args.log, digest=args.digest, save=args.save)


def _gallery(args: argparse.Namespace) -> int:
    from pathlib import Path

    from k8s_tutor.ui import gallery

    try:
        for picture in gallery.paint(Path(args.out)):
            print(picture, flush=True)
    except OSError as error:
        raise Problem(f"cannot write to {args.out}: {error.strerror}") from None
    return 0


def _replay(args: argparse.Namespace) -> int:
    from k8s_tutor.serve import headless

    if args.plain or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return headless.replay(args.file)
    saved = headless.read_session(args.file)
    if saved is None:
        return BAD
    return _screen(saved=saved)


def _lessons_list(args: argparse.Namespace) -> int:
    from k8s_tutor.serve import headless

    return headless.list_lessons()


def _lessons_check(args: argparse.Namespace) -> int:
    from k8s_tutor.serve import headless

    return headless.check_lessons(args.paths, as_json=args.json)


def _lessons_schema(args: argparse.Namespace) -> int:
    from k8s_tutor.serve import headless

    return headless.print_schema()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _sweep(args: argparse.Namespace) -> int:
    from k8s_tutor.serve import labs

    return labs.sweep(args.seeds, args.first, labs.processes(args.jobs), args.variant, args.json)


def _search(args: argparse.Namespace) -> int:
    from k8s_tutor.serve import labs

    return labs.search(args.variant, args.seeds, args.first, args.among, args.property, args.save)


def _bench(args: argparse.Namespace) -> int:
    from k8s_tutor import bench

    return bench.main(as_json=args.json, only=args.only)
