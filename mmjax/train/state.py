"""What a training step takes and gives back: everything that a checkpoint must hold but the data position."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct

from mmjax.core import paths
from mmjax.core.data import Data
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


def one_row(data: Data) -> Batch:
    """A batch of one row, of the shapes that data has: parameters have the sizes that these ask for."""
    return {name: rows[:1] for name, rows in data.blank().items()}


def check_fit(task: Task, batch: Batch, params: Mapping[str, Any], folder: Path) -> None:
    """That saved parameters are those of the task, which a config may have changed since.

    Args:
        batch: of the shapes that the task reads, whatever it holds.
        folder: what an error calls the run.

    Raises:
        ValueError: one is missing, too many or of another shape.
    """
    wanted = paths.flatten(jax.eval_shape(task.init, jax.random.key(0), batch)[0])
    held = paths.flatten(params)
    for path in sorted(wanted | held):
        asked, there = (np.shape(tree[path]) if path in tree else "nothing" for tree in (wanted, held))
        if asked != there:
            raise ValueError(
                f"the checkpoint of {folder} has {path!r} {there}, but the config asks for {asked}; leave what shapes "
                "the model (task.model, data.size) as it was trained"
            )


def averaged(state: State) -> Any:
    """The parameters to predict with: the moving average where one is kept."""
    return state.params if state.opt.average is None else paths.merge(state.params, state.opt.average)
