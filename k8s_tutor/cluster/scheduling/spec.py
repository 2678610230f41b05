"""Profiles of the schedulers, the arguments of their plugins, and plugins of your own, as a file writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

if TYPE_CHECKING:
    from k8s_tutor.scheduler.plugins.expression import CelPlugin
    from k8s_tutor.scheduler.profiles import Profile

VARIABLES = ("pod", "node", "pods", "free")
"""What expressions of a plugin know."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class CelPluginSpec(_Part):
    """A scheduler plugin in CEL. Its expressions know ``pod`` and ``node`` as their manifests, the ``pods`` on the node, and
    ``free.cpu`` (millicores), ``free.memory`` (bytes) and ``free.pods`` that the node has left."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9]*$")
    filter: str = Field(default="", description="True for nodes that will do")
    message: str = Field(default="", description="What is said of a node that will not do")
    score: str = Field(default="", description="Points of a node that will do; more than 0 to 100 are scaled")
    weight: int = Field(default=1, ge=1, le=100)
    permit: str = Field(default="", description="True when a pod that has its place may be bound; it also knows placed")
    permit_seconds: int = Field(default=60, ge=1, le=900, description="How long a pod may wait for its permit")

    @model_validator(mode="after")
    def _compiles(self) -> Self:
        if not self.filter and not self.score and not self.permit:
            raise ValueError(f"plugin {self.name} has neither a filter nor a score nor a permit")
        for field in ("filter", "score", "permit"):
            wrong = _wrong(getattr(self, field), (*VARIABLES, "placed") if field == "permit" else VARIABLES)
            if wrong:
                raise ValueError(f"plugin {self.name}: {field} {wrong}")
        return self

    def plugin(self) -> CelPlugin:
        """As the scheduler takes it."""
        from k8s_tutor.scheduler.plugins.expression import CelPlugin

        seconds = self.permit_seconds * 1_000_000
        return CelPlugin(self.name, self.filter, self.message, self.score, self.weight, self.permit, seconds)


def _wrong(source: str, variables: tuple[str, ...]) -> str:
    """What is wrong with an expression, or nothing."""
    from k8s_tutor.api import cel

    if not source:
        return ""
    try:
        unknown = cel.program(source).unknown(variables)
    except cel.CelFailure as failure:
        return f"is no CEL: {str(failure).splitlines()[0]}"
    return f"knows no {unknown[0]}; there are {', '.join(variables)}" if unknown else ""


# ---------------------------------------------------------------------------------------------- arguments of plugins


class ShapePoint(_Part):
    """A point of a curve."""

    utilization: int = Field(ge=0, le=100, description="Percent")
    score: int = Field(ge=0, le=10)


class Ratio(_Part):
    """The curve of RequestedToCapacityRatio."""

    shape: list[ShapePoint] = Field(min_length=1)

    @model_validator(mode="after")
    def _rises(self) -> Self:
        places = [point.utilization for point in self.shape]
        if places != sorted(set(places)):
            raise ValueError("utilization values must be sorted in increasing order")
        return self


class Weighted(_Part):
    """A resource that is scored."""

    name: str
    weight: int = Field(default=1, ge=1, le=100)


class Strategy(_Part):
    """What NodeResourcesFit likes: nodes with much room, nodes that are nearly full, or what a curve says."""

    type: Literal["LeastAllocated", "MostAllocated", "RequestedToCapacityRatio"] = "LeastAllocated"
    resources: list[Weighted] = Field(default=[Weighted(name="cpu"), Weighted(name="memory")], min_length=1)
    requestedToCapacityRatio: Ratio | None = None

    @model_validator(mode="after")
    def _has_curve(self) -> Self:
        if (self.type == "RequestedToCapacityRatio") != (self.requestedToCapacityRatio is not None):
            raise ValueError("requestedToCapacityRatio goes with the type RequestedToCapacityRatio")
        return self


class FitArgs(_Part):
    """NodeResourcesFitArgs."""

    scoringStrategy: Strategy = Strategy()


class DefaultConstraint(_Part):
    """How pods without constraints of their own are spread."""

    maxSkew: int = Field(ge=1)
    topologyKey: str = Field(min_length=1)
    whenUnsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"]


class SpreadArgs(_Part):
    """PodTopologySpreadArgs."""

    defaultConstraints: list[DefaultConstraint] = []
    defaultingType: Literal["System", "List"] = "System"

    @model_validator(mode="after")
    def _one_or_the_other(self) -> Self:
        if self.defaultingType == "System" and self.defaultConstraints:
            raise ValueError("when .defaultingType is System, .defaultConstraints must be empty")
        return self


class NodeAffinityArgs(_Part):
    """NodeAffinityArgs."""

    addedAffinity: dict[str, Any] = Field(default={}, description="Node affinity that every pod has beside its own")

    @model_validator(mode="after")
    def _is_affinity(self) -> Self:
        from k8s_tutor.scheduler.profiles import affinity

        try:
            affinity(self.text)
        except ValueError as error:
            raise ValueError(f"addedAffinity is no node affinity: {error}") from None
        return self

    @property
    def text(self) -> str:
        """As JSON; empty when nothing is added."""
        import msgspec

        return msgspec.json.encode(self.addedAffinity).decode() if self.addedAffinity else ""


class PodAffinityArgs(_Part):
    """InterPodAffinityArgs."""

    hardPodAffinityWeight: int = Field(default=1, ge=0, le=100)


class Arguments(_Part):
    """Arguments of plugins, as in a KubeSchedulerConfiguration."""

    NodeResourcesFit: FitArgs = FitArgs()
    PodTopologySpread: SpreadArgs = SpreadArgs()
    NodeAffinity: NodeAffinityArgs = NodeAffinityArgs()
    InterPodAffinity: PodAffinityArgs = PodAffinityArgs()


# ---------------------------------------------------------------------------------------------- profiles


class ProfileSpec(_Part):
    """A way of scheduling, and the ``schedulerName`` of the pods that want it."""

    name: str = "default-scheduler"
    weights: dict[str, Annotated[int, Field(ge=0, le=100)]] = Field(
        default={}, description="Plugin → weight of its score, where it is not the default; 0: its score does not count"
    )
    disabled: list[str] = Field(default=[], description="Plugins that do not run at all")
    args: Arguments = Arguments()
    plugins: list[CelPluginSpec] = []

    @model_validator(mode="after")
    def _known_plugins(self) -> Self:
        from k8s_tutor.scheduler.profiles import known_plugins

        known = known_plugins()
        for name in (*self.weights, *self.disabled):
            if name not in known:
                raise ValueError(f"profile {self.name}: there is no plugin {name}; there are {', '.join(sorted(known))}")
        for name in self.weights:
            if not known[name]:
                raise ValueError(f"profile {self.name}: plugin {name} only filters, it has no weight")
        for name in [one.name for one in self.plugins]:
            if name in known or [one.name for one in self.plugins].count(name) > 1:
                raise ValueError(f"profile {self.name}: there is another plugin {name} already")
        return self

    def profile(self) -> Profile:
        """As the scheduler takes it."""
        from k8s_tutor.scheduler.plugins import resources_fit
        from k8s_tutor.scheduler.plugins.topology_spread import SYSTEM, SpreadDefault
        from k8s_tutor.scheduler.profiles import Profile

        strategy, spread = self.args.NodeResourcesFit.scoringStrategy, self.args.PodTopologySpread
        curve = strategy.requestedToCapacityRatio
        shape = tuple((point.utilization, point.score) for point in curve.shape) if curve is not None else ()
        resources = tuple((one.name, one.weight) for one in strategy.resources)
        listed = tuple(
            SpreadDefault(one.maxSkew, one.topologyKey, one.whenUnsatisfiable == "DoNotSchedule")
            for one in spread.defaultConstraints
        )
        return Profile(
            self.name, tuple(sorted(self.weights.items())), tuple(self.disabled),
            resources_fit.FitArgs(strategy.type, resources, shape), self.args.InterPodAffinity.hardPodAffinityWeight,
            listed if spread.defaultingType == "List" else SYSTEM, self.args.NodeAffinity.text,
            tuple(one.plugin() for one in self.plugins),
        )  # fmt: skip


class SchedulerSpec(_Part):
    """How all schedulers are set up. The defaults are Kubernetes' own."""

    profiles: list[ProfileSpec] = Field(default=[ProfileSpec()], min_length=1)
    percentage_of_nodes: int = Field(
        default=0, ge=0, le=100,
        description="Nodes to find feasible before the search ends, in percent; 0: a smaller share the more nodes there are",
    )  # fmt: skip

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        names = [profile.name for profile in self.profiles]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"there are two profiles with the name {name}")
        return self
