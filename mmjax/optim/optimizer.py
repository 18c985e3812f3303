"""The optimiser of a run: a rule, a schedule and groups of parameters chained into one optax transformation.

g <- clip(g);  u = rule(g);  u <- u + decay * p;  p <- p - rate(step) * multiplier(step) * u;  average <- p
"""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import optax
from flax import struct

from mmjax.core.paths import flatten, match
from mmjax.optim.average import Average, AverageState
from mmjax.optim.group import Group, decays, rates
from mmjax.optim.stacked import per_layer

Params = Mapping[str, Any]


@runtime_checkable
class Rule(Protocol):
    """How a gradient becomes a direction, to which decoupled weight decay at the rate `decay` is added."""

    decay: float

    def direction(self) -> optax.GradientTransformation:
        """Gradients to what the learning rate multiplies and descent subtracts, for leaves of one layer."""


@runtime_checkable
class Schedule(Protocol):
    """The learning rate after `step` updates."""

    def __call__(self, step: jax.typing.ArrayLike) -> jax.Array: ...


@struct.dataclass
class Opt:
    """Optimiser state: what each link of the chain keeps, and the average of the parameters or None.

    The average belongs to the chain's last link; it stands apart so that it can be saved and read by itself.
    """

    chain: dict[str, Any]
    average: dict[str, Any] | None


@dataclasses.dataclass(frozen=True)
class Optimizer:
    """Rule, schedule and groups: (gradients, Opt, params) -> (params, Opt, norm) over nested dicts.

    `groups` are ordered pairs (pattern, Group), of which the first that is found in a parameter's path
    counts; they must cover every parameter. `init` and `update` take the trainable leaves alone: what is
    frozen has no state. `clip` bounds the global norm of the gradients. All is computed and kept in fp32
    whatever the parameters' type, and layers stacked by scan are treated one by one, like layers in a loop.
    """

    rule: Rule
    schedule: Schedule
    groups: tuple[tuple[str, Group], ...] = ((".*", Group()),)
    clip: float | None = None
    average: Average | None = None

    def __post_init__(self) -> None:
        if self.clip is not None and self.clip <= 0:
            raise ValueError(f"clip is {self.clip}; expected a norm above 0, or None for no clipping")

    def over(self, steps: int) -> "Optimizer":
        """The optimiser of a run of so many steps: a schedule with a field `steps` that is None ends with the run."""
        if getattr(self.schedule, "steps", steps) is not None:
            return self
        return dataclasses.replace(self, schedule=dataclasses.replace(self.schedule, steps=steps))

    def trainable(self, params: Params) -> set[str]:
        """The paths of the parameters that are not frozen; params may be abstract.

        Raises:
            ValueError: the groups leave a parameter uncovered, hold a rule that decides none, or freeze all.
        """
        groups = _match(self.groups, params)
        paths = {path for path, group in groups.items() if not group.frozen}
        if not paths:
            raise ValueError("optim.groups freeze every parameter: there is nothing to train")
        return paths

    def init(self, params: Params) -> Opt:
        """The state for trainable parameters."""
        return _store(self._chain(params).init(_fp32(params)))

    def update(self, grads: Params, opt: Opt, params: Params) -> tuple[dict[str, Any], Opt, jax.Array]:
        """New parameters and state, and the global norm of the gradients before clipping, fp32."""
        grads, weights = _fp32(grads), _fp32(params)
        updates, state = self._chain(params).update(grads, _restore(opt), weights)
        new = jax.tree.map(lambda p, u, old: (p + u).astype(old.dtype), weights, updates, params)
        return new, _store(state), optax.tree.norm(grads)

    def rate(self, opt: Opt) -> dict[str, jax.Array]:
        """What is worth logging: the learning rate of the update that comes next, before any multiplier."""
        return {"learning_rate": self.schedule(opt.chain["schedule"].count)}

    def _chain(self, params: Params) -> optax.GradientTransformation:
        # Rules that freeze have nothing left to decide here, which `match` would take for a mistake.
        groups = _match([(pattern, group) for pattern, group in self.groups if not group.frozen], params)
        links = [
            ("rule", per_layer(self.rule.direction())),
            ("decay", _decayed(self.rule.decay, decays(groups, params))),
            ("schedule", _descent(self.schedule, groups)),
        ]
        if self.clip is not None:
            links.insert(0, ("clip", optax.clip_by_global_norm(self.clip)))
        if self.average is not None:
            links.append(("average", self.average.transformation()))
        return optax.named_chain(*links)


def _match(rules: Iterable[tuple[str, Group]], params: Params) -> dict[str, Group]:
    try:
        return match(rules, flatten(params))
    except ValueError as error:
        raise ValueError(f"optim.groups: {error}") from None


def _decayed(decay: float, multipliers: Params) -> optax.GradientTransformation:
    """Decoupled weight decay; optax's own takes masks only, not multipliers."""
    return optax.stateless(
        lambda updates, params: jax.tree.map(lambda u, m, p: u + decay * m * p, updates, multipliers, params)
    )


def _descent(schedule: Schedule, groups: Mapping[str, Group]) -> optax.GradientTransformation:
    """What is subtracted: the rate of the step and of the group; both are functions of the one count that is kept."""

    def init(params: Params) -> optax.ScaleByScheduleState:
        return optax.ScaleByScheduleState(jnp.zeros([], jnp.int32))

    def update(
        updates: Params, state: optax.ScaleByScheduleState, params: Params
    ) -> tuple[Params, optax.ScaleByScheduleState]:
        rate, multipliers = schedule(state.count), rates(groups, params, state.count)
        updates = jax.tree.map(lambda u, m: -rate * (u * m), updates, multipliers)
        return updates, optax.ScaleByScheduleState(optax.safe_increment(state.count))

    return optax.GradientTransformation(init, update)


def _store(state: Mapping[str, Any]) -> Opt:
    """The chain's state with the average taken out of its link, which keeps the count."""
    chain = dict(state)
    if "average" not in chain:
        return Opt(chain, None)
    count, average = chain["average"]
    return Opt({**chain, "average": count}, average)


def _restore(opt: Opt) -> dict[str, Any]:
    if opt.average is None:
        return opt.chain
    return {**opt.chain, "average": AverageState(opt.chain["average"], opt.average)}


def _fp32(tree: Params) -> dict[str, Any]:
    return jax.tree.map(lambda x: x.astype(jnp.float32), tree)
