"""Help texts: all commands by group, and one page for each."""

from __future__ import annotations

from typing import NamedTuple

from k8s_tutor.kubectl.line import declared


class Page(NamedTuple):
    """One command in the overview: what it does and how it is written."""

    group: str
    short: str
    usage: str


BASIC, MIDDLE, DEPLOY = "Basic Commands (Beginner)", "Basic Commands (Intermediate)", "Deploy Commands"
CLUSTER, TROUBLE = "Cluster Management Commands", "Troubleshooting and Debugging Commands"
ADVANCED, SETTINGS, OTHER = "Advanced Commands", "Settings Commands", "Other Commands"

PAGES: dict[str, Page] = {
    "create": Page(BASIC, "Create a resource from a file or from stdin",
                   "create (-f FILENAME | deployment | configmap | service | namespace)"),
    "expose": Page(BASIC, "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service",
                   "expose TYPE NAME [--port=port] [--target-port=number-or-name] [--name=name] [--type=type]"),
    "run": Page(BASIC, "Run a particular image on the cluster",
                'run NAME --image=image [--env="key=value"] [--port=port] [--command] -- [COMMAND] [args...]'),
    "set": Page(BASIC, "Set specific features on objects", "set image|resources TYPE NAME ..."),
    "explain": Page(MIDDLE, "Get documentation for a resource", "explain TYPE[.FIELD...] [--recursive]"),
    "get": Page(MIDDLE, "Display one or many resources",
                "get [(-o|--output=)json|yaml|name|jsonpath|custom-columns|wide] (TYPE[.VERSION][.GROUP] [NAME | -l label] | "
                "TYPE[.VERSION][.GROUP]/NAME ...)"),
    "delete": Page(MIDDLE, "Delete resources by file names, stdin, resources and names, or by resources and label selector",
                   "delete ([-f FILENAME] | TYPE [(NAME | -l label | --all)])"),
    "rollout": Page(DEPLOY, "Manage the rollout of a resource", "rollout status|history|undo|restart|pause|resume TYPE NAME"),
    "scale": Page(DEPLOY, "Set a new size for a deployment, replica set, or replication controller",
                  "scale [--current-replicas=count] --replicas=COUNT (-f FILENAME | TYPE NAME)"),
    "cluster-info": Page(CLUSTER, "Display cluster information", "cluster-info"),
    "cordon": Page(CLUSTER, "Mark node as unschedulable", "cordon NODE"),
    "uncordon": Page(CLUSTER, "Mark node as schedulable", "uncordon NODE"),
    "drain": Page(CLUSTER, "Drain node in preparation for maintenance", "drain NODE"),
    "taint": Page(CLUSTER, "Update the taints on one or more nodes",
                  "taint NODE NAME KEY_1=VAL_1:TAINT_EFFECT_1 ... KEY_N=VAL_N:TAINT_EFFECT_N"),
    "describe": Page(TROUBLE, "Show details of a specific resource or group of resources",
                     "describe (-f FILENAME | TYPE [NAME_PREFIX | -l label] | TYPE/NAME)"),
    "logs": Page(TROUBLE, "Print the logs for a container in a pod", "logs [-p] (POD | TYPE/NAME) [-c CONTAINER]"),
    "events": Page(TROUBLE, "List events", "events [--for TYPE/NAME] [--types=Normal,Warning]"),
    "apply": Page(ADVANCED, "Apply a configuration to a resource by file name or stdin", "apply -f FILENAME"),
    "patch": Page(ADVANCED, "Update fields of a resource", "patch TYPE NAME [-p PATCH] [--type strategic|merge|json]"),
    "wait": Page(ADVANCED, "Experimental: Wait for a specific condition on one or many resources",
                 "wait (-f FILENAME | TYPE NAME) [--for=create|--for=delete|--for condition=TYPE|--for=jsonpath='{}'[=value]]"),
    "label": Page(SETTINGS, "Update the labels on a resource",
                  "label [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N"),
    "annotate": Page(SETTINGS, "Update the annotations on a resource",
                     "annotate [--overwrite] (-f FILENAME | TYPE NAME) KEY_1=VAL_1 ... KEY_N=VAL_N"),
    "api-resources": Page(OTHER, "Print the supported API resources on the server", "api-resources"),
    "api-versions": Page(OTHER, 'Print the supported API versions on the server, in the form of "group/version"',
                         "api-versions"),
    "version": Page(OTHER, "Print the client and server version information", "version"),
}  # fmt: skip

ELSEWHERE = (
    "attach", "auth", "autoscale", "certificate", "completion", "config", "cp", "debug", "diff", "edit", "exec",
    "kustomize", "plugin", "port-forward", "proxy", "replace", "top",
)  # fmt: skip
"""Commands of the real kubectl that this console does not have."""

HINTS = {
    "edit": "{absent}: it has no editor. Change the file and 'kubectl apply -f' it, or use 'kubectl patch' or 'kubectl set'",
    "replace": "{absent}: use 'kubectl apply -f'",
    "top": "Metrics API not available",
}
"""What to do instead; ``top`` fails as on any cluster without metrics."""


def overview() -> str:
    """``kubectl help``."""
    lines = ["kubectl controls the Kubernetes cluster manager.", "",
             " Find more information at: https://kubernetes.io/docs/reference/kubectl/"]  # fmt: skip
    for group in dict.fromkeys(page.group for page in PAGES.values()):
        lines += ["", f"{group}:"]
        lines += [f"  {name:<15} {page.short}" for name, page in PAGES.items() if page.group == group]
    lines += ["", "Usage:", "  kubectl [flags] [options]", "",
              'Use "kubectl <command> --help" for more information about a given command.']  # fmt: skip
    return "\n".join(lines)


def page(verb: str, flags: str) -> str:
    """``kubectl VERB --help``."""
    lines = [f"{PAGES[verb].short}.", "", "Options:"]
    for flag in sorted(declared(flags)):
        if flag.name not in ("help", "v"):
            short = f"-{flag.short}, " if flag.short else ""
            lines.append(f"    {short}--{flag.name}{'' if flag.kind == 'switch' else '='}")
    return "\n".join([*lines, "", "Usage:", f"  kubectl {PAGES[verb].usage} [options]"])


def nearest(word: str) -> list[str]:
    """Commands that look like a mistyped one (cobra: at most two letters away, or the same beginning)."""
    names = sorted([*PAGES, *ELSEWHERE])
    return [name for name in names if distance(word.lower(), name) <= 2 or name.startswith(word.lower())]


def distance(left: str, right: str) -> int:
    """How many letters must be changed, added or taken away to make one word of another."""
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        above, row[0] = row[0], i
        for j, b in enumerate(right, 1):
            above, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, above + (a != b))
    return row[-1]
