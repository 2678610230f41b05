"""Commands that need something which a simulated cluster does not have: they check what they can, and say so."""

from __future__ import annotations

from k8s_tutor.kubectl import targets
from k8s_tutor.kubectl.errors import Failure, Usage
from k8s_tutor.kubectl.line import Words
from k8s_tutor.kubectl.program import Asking
from k8s_tutor.kubectl.resources import PODS
from k8s_tutor.kubectl.session import Session

CP_FLAGS = "container:c no-preserve! retries#"
FORWARD_FLAGS = "address* pod-running-timeout~"


def cp(session: Session, words: Words) -> Asking[int]:
    """``cp``: there is no disk of one's own to copy from or to."""
    yield from ()  # a command is a generator, also when it asks nothing
    if len(words.positional) != 2:
        raise Failure("source and destination are required")
    remote = [word for word in words.positional if ":" in word]
    if not remote:
        raise Failure("one of src or dest must be a remote file specification")
    if len(remote) == 2:
        raise Failure("one of src or dest must be a local file specification")
    raise Failure("'kubectl cp' is not available in this console: it has no disk of its own, and the containers have no tar. "
                  "'kubectl exec POD -- cat FILE' shows a file")  # fmt: skip


def port_forward(session: Session, words: Words) -> Asking[int]:
    """``port-forward``: there is no port outside of the world to forward from."""
    if len(words.positional) < 2:
        raise Usage("TYPE/NAME and list of ports are required for port-forward", "kubectl port-forward")
    kind, slash, name = words.positional[0].rpartition("/")
    resource = targets.known(session, kind) if slash else PODS
    yield from session.fetch(resource, name)
    raise Failure("'kubectl port-forward' is not available in this console: it has no ports of its own. "
                  "'k8s-tutor serve' gives a kubeconfig for the kubectl of your own machine")  # fmt: skip
