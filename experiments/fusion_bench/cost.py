"""What a training step of each run costs: parameters, milliseconds and memory, measured in turn on one machine."""

import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import jax

from mmjax.cli import config
from mmjax.train.state import create, one_row
from mmjax.train.step import train_step

ROUNDS, STEPS = 7, 5
Costs = dict[str, dict[str, float]]


def costs(folders: Mapping[str, Path]) -> Costs:
    """{name: {parameters, milliseconds, megabytes}} of run folders.

    milliseconds is the median over rounds, in each of which every run takes some steps, so that what disturbs the
    machine disturbs all. megabytes is what the compiled step holds at once: its state, a batch and all between.
    """
    steps, found = {}, {}
    for name, folder in folders.items():
        steps[name], found[name] = _step(folder)
    seconds = {name: [] for name in steps}
    for number in range(ROUNDS + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            for _ in range(STEPS):
                step()
            if number:  # the first round warms up
                seconds[name].append((time.perf_counter() - start) / STEPS)
    for name in steps:
        found[name]["milliseconds"] = 1e3 * statistics.median(seconds[name])
    return found


def _step(folder: Path) -> tuple[Callable[[], None], dict[str, float]]:
    """One training step, as a run takes it, on one batch; and what is known before it runs."""
    x = config.load_run(folder)
    feed = x.data.open(folder)
    task, optim = x.task.bind(feed.vocabulary, feed.sources), x.optim.over(x.steps)
    batch = jax.device_put(next(feed.train(x.seed)))
    state = jax.jit(partial(create, task, optim, x.seed, one_row(x.data)))()
    compiled = jax.jit(train_step(task, optim), donate_argnums=0).lower(state, batch).compile()
    used = compiled.memory_analysis()
    held = used.argument_size_in_bytes + used.output_size_in_bytes + used.temp_size_in_bytes - used.alias_size_in_bytes
    parameters = sum(leaf.size for leaf in jax.tree.leaves(state.params))
    now = [state]

    def step() -> None:
        now[0], _ = jax.block_until_ready(compiled(now[0], batch))

    return step, {"parameters": parameters, "megabytes": held / 2**20}
