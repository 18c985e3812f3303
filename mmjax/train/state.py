"""What a training step takes and gives back: everything that a checkpoint must hold but the data position."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct

from mmjax.core import paths
from mmjax.core.task import Batch, Task


@struct.dataclass
class State:
    """`step` counts batches, skipped ones too; `key` is raw key data, which any checkpoint format can hold.

    `skipped` counts all steps that were not finite, `streak` those in a row up to now.
    """

    step: jax.Array
    key: jax.Array
    params: Any
    opt: Any
    extra: Any
    skipped: jax.Array
    streak: jax.Array


def create(task: Task, optim: Any, seed: int, batch: Batch, taken: Mapping[str, Any] | None = None) -> State:
    """A fresh state for batches of this shape; jittable, and abstract under `jax.eval_shape`.

    `taken` are parameters (some or all) that stand in place of fresh ones, of the same shapes and types.
    """
    run, start = jax.random.split(jax.random.key(seed))
    # Steps give back plain types: a weak one, as a filled array has it, would make the second step compile again.
    params, extra = jax.tree.map(lambda x: jax.lax.convert_element_type(x, x.dtype), task.init(start, batch))
    params = paths.merge(params, taken) if taken else params
    trainable, _ = paths.split(params, optim.trainable(params))
    opt = optim.init(trainable)
    # One array each: all of the state is donated, and a buffer may be given away once.
    step, skipped, streak = (jnp.zeros((), jnp.int32) for _ in range(3))
    return State(step, jax.random.key_data(run), params, opt, extra, skipped, streak)


def averaged(state: State) -> Any:
    """The parameters to predict with: the moving average where one is kept."""
    return state.params if state.opt.average is None else paths.merge(state.params, state.opt.average)
