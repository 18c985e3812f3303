"""The training loop: batch after batch through one compiled step, with the host waiting only when it writes a log."""

import dataclasses
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mmjax.core import paths
from mmjax.core.partition import Partition
from mmjax.core.task import Task
from mmjax.train import memory
from mmjax.train.checkpoint import Checkpoints
from mmjax.train.compiler import cpu_options
from mmjax.train.evaluate import Diverged, Record, check_finite, evaluate
from mmjax.train.experiment import Experiment
from mmjax.train.log import Log
from mmjax.train.progress import Progress
from mmjax.train.state import State, averaged, create, one_row
from mmjax.train.step import predict_step, train_step

# The exit code of a run that was told to stop (SIGTERM, Ctrl-C), has saved, and will go on when it is started again.
RESUME = 75


class Stopped(Exception):
    """The run was told to stop and has saved its state."""


@dataclasses.dataclass
class Run:
    """An experiment in its run folder, set up and ready to train or to evaluate.

    Args:
        experiment: what the config described.
        workdir: the run folder; it is there.
        say: where a line for the user goes.
        trains: False for evaluation alone, which needs no memory for gradients and the optimiser.
    """

    experiment: Experiment
    workdir: Path
    say: Callable[[str], None]
    trains: bool = True

    def __post_init__(self):
        x = self.experiment
        if jax.process_count() > 1:
            raise ValueError(f"a run takes one process with all its devices for now; there are {jax.process_count()}")
        self.partition: Partition = x.partition
        if x.data.batch % x.microbatches:
            raise ValueError(f"data.batch is {x.data.batch}, which {x.microbatches} microbatches cannot share evenly")
        _ = self.partition.chosen  # says where there are no such devices
        try:
            self.partition.check_batch(x.data.batch // x.microbatches)
        except ValueError as error:
            cut = f" in {x.microbatches} microbatches" if x.microbatches > 1 else ""
            raise ValueError(f"data.batch is {x.data.batch}{cut}: {error}") from None
        self.optim = x.optim.over(x.steps)
        self.abstract = jax.eval_shape(partial(create, x.task, self.optim, x.seed, one_row(x.data)))
        self.layout = self.partition.layout(self.abstract)
        if self.trains:  # before the data is read: what does not fit is told at once
            memory.check(self.abstract, self.layout, self.optim.trainable(self.abstract.params), self.partition.chosen)
        self.feed = x.data.open(self.workdir)
        self.task: Task = x.task.bind(self.feed.vocabulary, self.feed.sources)
        for note in self.feed.notes:
            self.say(note)
        self.checkpoints = Checkpoints(
            self.workdir,
            x.checkpoint.keep,
            x.checkpoint.best,
            self.say,
            self.feed.files,
            self.feed.rows if self.trains else {},
        )
        step = partial(train_step, self.task, self.optim, microbatches=x.microbatches, patience=x.guard.steps)
        self.step = self.partition.compile(step(axis=self.partition.axis), donate=True)
        self.predict = self.partition.compile(predict_step(self.task, self.partition.axis), donate=False)

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *exception: object) -> None:
        # What is being saved is saved, also when something else went wrong.
        self.checkpoints.close()

    def train(self) -> tuple[State, dict[str, float], list[Record]]:
        """The state after the last step, the final scores and the records they were made of.

        Raises:
            Stopped: SIGTERM or SIGINT came; the state is saved. A second SIGINT interrupts at once.
            Diverged: `guard.steps` steps in a row, or what is predicted at the end, were not finite.
        """
        with _told_to_stop() as told:
            state, position = self._start()
            return self._train(state, position, told)

    def _train(self, state: State, position: int, told: list[int]) -> tuple[State, dict[str, float], list[Record]]:
        x = self.experiment
        first = int(self.partition.fetch(state.step))
        batches = self.feed.train(x.seed, position)
        window, scores, records, saved = [], {}, [], first
        with Log(self.workdir, first) as log, Progress(x.steps, first) as progress:
            if first < x.steps:
                progress.say("the first step compiles")
            clock = _Clock()
            for number in range(first + 1, x.steps + 1):
                state, metrics = self.step(state, self.partition.put_batch(next(batches)))
                position += 1
                window.append(metrics)
                last = number == x.steps
                if last or number % x.log.every == 0:
                    values = self._summary(window, clock)
                    window = []
                    log.write(number, "train", values)
                    progress.update(number, values)
                else:
                    progress.update(number)
                if last or (x.evaluate.every and number % x.evaluate.every == 0):
                    with clock.paused(), self._kept_whatever(state, position):
                        scores, records = self.evaluate(self.variables(state))
                    log.write(number, "test", scores)
                    progress.update(number, scores)
                else:
                    scores, records = {}, []
                stop = bool(told)
                if last or scores or stop or number % x.checkpoint.every == 0:
                    with clock.paused():
                        self.checkpoints.save(self.partition.fetch(state), position, _flat(scores))
                    saved = number
                if stop:
                    break
            if first == x.steps:
                scores, records = self.evaluate(self.variables(state))
        self.checkpoints.wait()
        if saved < x.steps:
            raise Stopped(f"stopped at step {saved} of {x.steps}, saved; the same command goes on from there")
        check_finite(records, "the run has diverged; lower the learning rate or optim.clip in another workdir")
        return state, scores, records

    @contextmanager
    def _kept_whatever(self, state: State, position: int) -> Iterator[None]:
        """Saves the state where what is done meanwhile fails, so that it can be done again."""
        try:
            yield
        except Diverged:
            raise
        except Exception:
            self.checkpoints.save(self.partition.fetch(state), position, {})
            raise

    def variables(self, state: State) -> dict[str, Any]:
        """What predicts: the averaged parameters where they are kept."""
        return {"params": averaged(state), "extra": state.extra}

    def evaluate(self, variables: Mapping[str, Any], split: str | None = None) -> tuple[dict[str, float], list[Record]]:
        """Scores and records of the test split, or of another one, for placed variables."""
        return evaluate(self.task, self.predict, self.partition, variables, self.feed.split(split=split))

    def _start(self) -> tuple[State, int]:
        """The newest saved state and its data position, or a fresh state and 0."""
        x = self.experiment
        found = self.checkpoints.restore_newest(self.abstract, self.layout)
        if found is not None:
            state, position = found
            self.say(f"goes on from step {int(state.step)} of {x.steps}")
            return self.partition.put_state(state), position
        taken = self._taken(self.abstract.params)
        places, _ = paths.split(self.layout.params, paths.flatten(taken))
        make = partial(create, self.task, self.optim, x.seed, one_row(x.data))
        # One state is made: nothing is drawn for what is taken, whose arrays become the state's.
        # It runs once: most of its time would go into making it fast, draw by draw.
        options = cpu_options(self.partition.chosen[0].platform, xla_backend_optimization_level=1)
        fill = jax.jit(
            lambda taken: make(taken=taken),
            out_shardings=self.layout,
            donate_argnums=0,
            compiler_options=options,
        )
        return self.partition.put_state(fill(jax.device_put(taken, places))), 0

    def _taken(self, abstract: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that a fresh state takes from another run, told.

        Raises:
            ValueError: a frozen parameter is not among them.
        """
        x = self.experiment
        taken, rows = {}, [(path, "fresh", "") for path in paths.flatten(abstract)]
        if x.init_from is not None:
            x.init_from.check_words(self.workdir, self.feed.word_files)
            params, rows = x.init_from(abstract)
            fresh = {path for path, done, _ in rows if done == "fresh"}
            _, taken = paths.split(params, fresh)
        random = [path for path, done, _ in rows if done == "fresh" and path not in self.optim.trainable(abstract)]
        if random and not x.frozen_fresh:
            more = f" and {len(random) - 1} more" if len(random) > 1 else ""
            raise ValueError(
                f"optim.groups freeze {random[0]!r}{more}, which would start at random and stay so; take them by "
                "init_from (from a run, or what `mmjax import` wrote), train them, or set frozen_fresh=True"
            )
        if x.init_from is not None:
            self._tell(rows)
        return taken

    def _tell(self, rows: list[tuple[str, str, str]]) -> None:
        width = max(len(path) for path, _, _ in rows)
        for path, done, source in rows:
            self.say(f"  {path:<{width}}  {done:<8} {source}".rstrip())

    def _summary(self, window: list[dict[str, Any]], clock: "_Clock") -> dict[str, float]:
        """Means over the steps since the last log; this waits for the device.

        Raises:
            Diverged: the streak of steps that were not finite has reached its limit.
        """
        x = self.experiment
        found = jax.device_get([self.partition.fetch(metrics) for metrics in window])
        seconds = clock.lap()
        values = {name: float(np.mean([row["scalars"][name] for row in found])) for name in found[0]["scalars"]}
        for name in found[0]["means"]:
            total = sum(row["means"][name].total for row in found)
            count = sum(row["means"][name].count for row in found)
            values[name] = float(total / count) if count else 0.0
        values["skipped_steps"] = int(found[-1]["skipped"])
        values["examples_per_second"] = len(window) * x.data.batch / seconds
        # Where there are fewer steps than that in all, none of them was a good one.
        limit = min(x.guard.steps, x.steps)
        if found[-1]["streak"] >= limit:
            raise Diverged(
                f"{limit} steps in a row had a loss or gradients that are not finite; the parameters are those "
                "of the last good step. Look at the data, or lower the learning rate or optim.clip in another workdir "
                f"(with init_from={self.workdir} it starts from here)"
            )
        return values


class _Clock:
    """Seconds of training since the last lap, without what stands between steps."""

    def __init__(self):
        self._start, self._apart = time.monotonic(), 0.0

    def lap(self) -> float:
        now = time.monotonic()
        seconds, self._start, self._apart = now - self._start - self._apart, now, 0.0
        return max(seconds, 1e-9)

    @contextmanager
    def paused(self) -> Iterator[None]:
        before = time.monotonic()
        yield
        self._apart += time.monotonic() - before


@contextmanager
def _told_to_stop() -> Iterator[list[int]]:
    """A list that holds SIGTERM or SIGINT once it has come; Python hears signals in its main thread alone."""
    told: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield told
        return

    def stop(number: int, _: object) -> None:
        told.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # who cannot wait for the step is heard

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _flat(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores that are no rows of tables."""
    return {name: value for name, value in scores.items() if "/" not in name}
