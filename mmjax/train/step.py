"""One training step and one prediction step, generic over tasks, optimisers and partitions.

loss = sum over names of weights[name] * total / (count over all devices and microbatches)

The counts of everything come first, so that devices and microbatches only ever add totals: dividing by a part's own
count and averaging would weigh uneven parts wrongly.

A loss that ties examples together is cut into microbatches all the same (GradCache: Gao et al. 2021, arXiv 2101.06983):
what each example is comes first, part by part, then the loss over all and its gradient by what they are, and part by
part again what that makes of the parameters.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange

from mmjax.core import paths
from mmjax.core.mean import Mean
from mmjax.core.partition import fold_axis, psum
from mmjax.core.task import Batch, Coupled, Ctx, Task
from mmjax.train.state import State

Metrics = dict[str, Any]


def train_step(
    task: Task, optim: Any, *, microbatches: int = 1, patience: int = 20, axis: str | None = None
) -> Callable[[State, Batch], tuple[State, Metrics]]:
    """A pure step. A loss or gradient that is not finite changes nothing but the counters and, in time, the key.

    `patience`: the streak of such steps stays at this number once it is reached, for the host to see at its next look.
    """

    def step(state: State, batch: Batch) -> tuple[State, Metrics]:
        key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)
        key = fold_axis(key, axis)
        gradients, found, extra = _gradients(task, optim, state, batch, key, microbatches, axis)
        gradients, found = psum(gradients, axis), psum(found, axis)
        trainable, frozen = paths.split(state.params, optim.trainable(state.params))
        moved, opt, norm = optim.update(gradients, state.opt, trainable)
        loss = sum(weight * found[name].value for name, weight in task.weights.items())

        finite = jnp.isfinite(loss) & jnp.isfinite(norm)
        good = (paths.merge(frozen, moved), opt, extra)
        params, opt, extra = jax.tree.map(
            lambda new, old: jnp.where(finite, new, old), good, (state.params, state.opt, state.extra)
        )
        stopped = state.streak >= patience
        streak = jnp.where(stopped, state.streak, jnp.where(finite, 0, state.streak + 1))
        skipped = state.skipped + jnp.where(finite, 0, 1)
        new = State(state.step + 1, state.key, params, opt, extra, skipped, streak)
        scalars = {"loss": loss, "gradient_norm": norm, **optim.rate(state.opt)}
        return new, {"means": found, "scalars": scalars, "skipped": skipped, "streak": streak}

    return step


def predict_step(task: Task, axis: str | None = None) -> Callable[[Mapping[str, Any], Batch], Any]:
    """`({"params", "extra"}, batch) -> (predictions, {name: Mean})`; the Means are summed over devices."""

    def step(variables: Mapping[str, Any], batch: Batch) -> Any:
        # Decoding is deterministic; tasks that sample fold what they need into this key.
        ctx = Ctx(jax.random.key(0), train=False, axis=axis)
        predictions = task.predict(variables["params"], variables["extra"], batch, ctx)
        return predictions, psum(task.score(predictions, batch), axis)

    return step


def _gradients(
    task: Task, optim: Any, state: State, batch: Batch, key: jax.Array, microbatches: int, axis: str | None
) -> tuple[Any, dict[str, Mean], Any]:
    """This device's gradients of the global loss, its Means and the new extra variables."""
    trainable, frozen = paths.split(state.params, optim.trainable(state.params))

    def losses(trainable, extra, batch, key, counts):
        found, extra = task.loss(paths.merge(frozen, trainable), extra, batch, Ctx(key, train=True, axis=axis))
        return _total(task, found, counts or _counts(found, axis)), (found, extra)

    differentiate = jax.grad(losses, has_aux=True)
    if microbatches == 1:
        gradients, (found, extra) = differentiate(trainable, state.extra, batch, key, None)
        return gradients, found, extra

    # "(b m)", not "(m b)": every device cuts its own rows, none moves to another device.
    parts = jax.tree.map(lambda x: rearrange(x, "(b m) ... -> m b ...", m=microbatches), batch)
    keys = jax.random.split(key, microbatches)
    if task.coupled:
        return _coupled_gradients(task, trainable, frozen, state.extra, batch, parts, keys, axis)

    def count(_, part):
        # Only the counts are used, so the compiler drops all of the model but what they need.
        found, _ = task.loss(state.params, state.extra, part[0], Ctx(part[1], train=True, axis=axis))
        return None, found

    _, found = jax.lax.scan(count, None, (parts, keys))
    counts = _counts(jax.tree.map(lambda x: jnp.sum(x, axis=0), found), axis)

    def accumulate(carry, part):
        gradients, extra = carry
        more, (found, extra) = differentiate(trainable, extra, part[0], part[1], counts)
        return (jax.tree.map(jnp.add, gradients, more), extra), found

    zeros = jax.tree.map(jnp.zeros_like, trainable)
    (gradients, extra), found = jax.lax.scan(accumulate, (zeros, state.extra), (parts, keys))
    return gradients, jax.tree.map(lambda x: jnp.sum(x, axis=0), found), extra


def _coupled_gradients(
    task: Coupled, trainable: Any, frozen: Any, extra: Any, batch: Batch, parts: Any, keys: jax.Array, axis: str | None
) -> tuple[Any, dict[str, Mean], Any]:
    """What `_gradients` gives, of a task whose loss needs all parts at once."""

    def encode(trainable, part, key):
        return task.encode(paths.merge(frozen, trainable), extra, part, Ctx(key, train=True, axis=axis))

    def couple(trainable, encoded):
        encoded = jax.tree.map(lambda x: rearrange(x, "m b ... -> (b m) ..."), encoded)
        ctx = Ctx(jax.random.fold_in(keys[0], len(keys)), train=True, axis=axis)
        found, new = task.couple(paths.merge(frozen, trainable), extra, encoded, batch, ctx)
        return _total(task, found, _counts(found, axis)), (found, new)

    _, encoded = jax.lax.scan(lambda _, part: (None, encode(trainable, *part)), None, (parts, keys))
    (gradients, slopes), (found, new) = jax.grad(couple, argnums=(0, 1), has_aux=True)(trainable, encoded)

    def accumulate(gradients, part):
        part, key, slope = part
        _, back = jax.vjp(lambda trainable: encode(trainable, part, key), trainable)
        return jax.tree.map(jnp.add, gradients, *back(slope)), None

    gradients, _ = jax.lax.scan(accumulate, gradients, (parts, keys, slopes))
    return gradients, found, new


def _total(task: Task, found: Mapping[str, Mean], counts: Mapping[str, jax.Array]) -> jax.Array:
    """This device's part of the loss."""
    shares = {name: Mean(found[name].total, counts[name]) for name in task.weights}
    return sum(weight * shares[name].value for name, weight in task.weights.items())


def _counts(found: Mapping[str, Mean], axis: str | None) -> dict[str, jax.Array]:
    return {name: psum(jax.lax.stop_gradient(mean.count), axis) for name, mean in found.items()}
