"""Checkpoints of a run: `checkpoints/<step>/<item>/`, written by Orbax in the background, each whole or not there.

Items: params, optimizer, average (where one is kept), extra, and progress (JSON: step, data position, key, counters,
a fingerprint of each item, so that a damaged file is noticed even where its format does not notice it, and a digest of
each file of the run folder that says what the ids mean, for parameters are worth nothing with another one).
"""

import dataclasses
import hashlib
import itertools
import json
import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import checkpoint_managers as managers

from mmjax.core import paths
from mmjax.train.state import State

FOLDER = "checkpoints"
MEND = "put them back from a copy, or train anew in another folder"


class CheckpointError(OSError):
    """A checkpoint that is not there, cannot be written or cannot be read; the message names it."""


def fingerprint(tree: Any) -> int:
    """A number below 2 ** 32 for the bits of all leaves; the same on any devices, for it is a sum of whole numbers.

    Arrays of devices are summed where they are, those of the host there: a model need not fit one device.
    """
    leaves = jax.tree.leaves(tree)
    if all(isinstance(leaf, jax.Array) for leaf in leaves):
        sums = jax.device_get(_sums(leaves))
    else:
        sums = [np.asarray(leaf).view(f"u{leaf.dtype.itemsize}").sum(dtype=np.uint32) for leaf in leaves]
    total = 0
    for i, words in enumerate(sums):
        total = (total * 31 + (2 * i + 1) * int(words)) % 2**32
    return total


@jax.jit
def _sums(leaves: list[jax.Array]) -> list[jax.Array]:
    return [jnp.sum(_bits(leaf), dtype=jnp.uint32) for leaf in leaves]


def _bits(leaf: jax.Array) -> jax.Array:
    if leaf.dtype == bool:
        return leaf.astype(jnp.uint32)
    kind = {1: jnp.uint8, 2: jnp.uint16, 4: jnp.uint32}[leaf.dtype.itemsize]
    return jax.lax.bitcast_convert_type(leaf, kind).astype(jnp.uint32)


def _host() -> jax.Device:
    """The device that holds arrays without taking an accelerator's memory, where there is one."""
    try:
        return jax.local_devices(backend="cpu")[0]
    except RuntimeError:
        return jax.local_devices()[0]


def newest(workdir: Path) -> int | None:
    """The step of a run folder's newest checkpoint, by the names of its folders alone."""
    folder = workdir / FOLDER
    steps = [int(path.name) for path in folder.iterdir() if path.name.isdigit()] if folder.is_dir() else []
    return max(steps, default=None)


def items(state: State) -> dict[str, Any]:
    """The pieces of a state that are saved apart, so that a reader can take what it needs; empty ones are left out."""
    found = {
        "params": state.params,
        "optimizer": state.opt.chain,
        "average": state.opt.average,
        "extra": state.extra,
    }
    return {name: tree for name, tree in found.items() if jax.tree.leaves(tree)}


def with_items(state: State, found: Mapping[str, Any]) -> State:
    """The state with these pieces in place of its own."""
    opt = state.opt.replace(
        chain=found.get("optimizer", state.opt.chain), average=found.get("average", state.opt.average)
    )
    return state.replace(params=found.get("params", state.params), extra=found.get("extra", state.extra), opt=opt)


@dataclasses.dataclass
class Checkpoints:
    """The checkpoints in a run folder.

    Args:
        workdir: the run folder.
        keep: how many of the newest stay.
        best: the name of the score whose highest checkpoint stays too.
        say: where a line for the user goes.
        files: those of the run folder that belong to the parameters, such as a tokenizer; who only reads names none.
        rows: by the name of each training split, what tells it from one with other rows; who only reads names none.
    """

    workdir: Path
    keep: int = 2
    best: str | None = None
    say: Callable[[str], None] = print
    files: Sequence[str] = ()
    rows: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @cached_property
    def _manager(self) -> ocp.CheckpointManager:
        # Made when it is needed, for it makes the folder: who only looks leaves none behind.
        score = partial(_score, name=self.best)
        policies = [managers.LatestN(self.keep)]
        if self.best:
            policies.append(managers.BestN(get_metric_fn=score, n=1, keep_checkpoints_without_metrics=False))
        options = ocp.CheckpointManagerOptions(
            preservation_policy=managers.AnyPreservationPolicy(policies),
            save_decision_policy=managers.FixedIntervalPolicy(1),
            best_fn=score if self.best else None,
        )
        return ocp.CheckpointManager((self.workdir / FOLDER).absolute(), options=options)

    def steps(self) -> list[int]:
        return sorted(self._manager.all_steps()) if (self.workdir / FOLDER).is_dir() else []

    def save(self, state: State, position: int, scores: Mapping[str, float] | None = None) -> None:
        """Starts to save; returns when the state's buffers may be donated.

        Raises:
            CheckpointError: this save or an earlier one could not be written.
        """
        if scores and self.best and self.best not in scores:
            there = ", ".join(scores)
            self.say(f"checkpoint.best is {self.best!r}, which is no score, so none is kept as best; there are {there}")
        pieces = items(state)
        step = int(state.step)
        if step in self._manager.all_steps():
            return
        progress = {
            "step": step,
            "position": position,
            "key": np.asarray(state.key).tolist(),
            "skipped": int(state.skipped),
            "streak": int(state.streak),
            "fingerprints": {name: fingerprint(tree) for name, tree in pieces.items()},
            "files": {name: _digest(self.workdir / name) for name in self.files if (self.workdir / name).is_file()},
            "rows": dict(self.rows),
        }
        progress["seal"] = _seal(progress)
        args = {name: ocp.args.StandardSave(tree) for name, tree in pieces.items()}
        args["progress"] = ocp.args.JsonSave(progress)
        with self._named(step):
            # A checkpoint without the score must not count as one with the lowest.
            best = {self.best: scores[self.best]} if scores and self.best in scores else None
            self._manager.save(step, args=ocp.args.Composite(**args), metrics=best)

    def wait(self) -> None:
        """Until what was begun is written.

        Raises:
            CheckpointError: it could not be.
        """
        with self._named(None):
            self._manager.wait_until_finished()

    def close(self) -> None:
        if "_manager" in vars(self):
            self._manager.close()

    def restore(self, step: int, state: State, layout: State) -> tuple[State, int]:
        """The state saved at a step and its data position.

        Args:
            state: abstract or real; its structure and shapes are what is read.
            layout: shardings, one for each leaf, on whatever devices there are now.

        Raises:
            CheckpointError: it is damaged or does not fit.
            ValueError: a file of the run folder, or the training data, is not what it was saved with.
        """
        shapes, places = items(state), items(layout)
        try:
            found, progress = self._read(step, shapes, places)
        except Exception as error:
            raise self._unreadable(step, error) from error
        self._check(step, found, progress)
        self._check_files(step, progress)
        self._check_rows(step, progress)
        number = partial(jnp.asarray, dtype=jnp.int32)
        state = with_items(state, found).replace(
            step=number(progress["step"]),
            key=jnp.asarray(progress["key"], jnp.uint32),
            skipped=number(progress["skipped"]),
            streak=number(progress["streak"]),
        )
        return state, progress["position"]

    def restore_newest(self, state: State, layout: State) -> tuple[State, int] | None:
        """As `restore`, from the newest one that can be read; None where there is none at all.

        A damaged one is named and, once an older one is read, set aside as `damaged-<step>` in the run folder: if
        none can be read, the fault may be elsewhere, and all stay where they are.

        Raises:
            CheckpointError: there are some, and none can be read.
        """
        damaged: dict[int, CheckpointError] = {}
        for step in reversed(self.steps()):
            try:
                found = self.restore(step, state, layout)
            except CheckpointError as error:
                damaged[step] = error
                continue
            for bad, error in damaged.items():
                aside = self._aside(bad)
                self._path(bad).rename(aside)
                self.say(f"{error}; set aside as {aside}, going on from step {step}")
            if damaged:
                self._manager.reload()
            return found
        if damaged:
            newest = next(iter(damaged.values()))
            there = f"none of the checkpoints {self.steps()} in {self.workdir / FOLDER}"
            raise CheckpointError(f"{there} can be read; they are left as they are ({newest}); {MEND}")
        return None

    def load(self, step: str | int | None = None) -> tuple[int, dict[str, Any]]:
        """The step that `find` means and its `variables`; where none is asked for, the newest that can be read.

        Raises:
            CheckpointError: there is none such, or it is damaged; what there is is listed.
            ValueError: a file of the run folder is not the one that it was saved with.
        """
        found = self.find(step)
        for one in [found] if step is not None else reversed(self.steps()):
            try:
                variables, progress = self._variables(one)
            except CheckpointError as error:
                if step is not None:
                    raise
                self.say(f"{error}; trying the one before")
            else:
                self._check_files(one, progress)
                return one, variables
        raise CheckpointError(f"none of the checkpoints {self.steps()} in {self.workdir / FOLDER} can be read; {MEND}")

    def variables(self, step: int) -> dict[str, Any]:
        """What predicts at a step, as host arrays: {"params", "extra"}, with the moving average where one was kept.

        Raises:
            CheckpointError: it is damaged.
        """
        return self._variables(step)[0]

    def _variables(self, step: int) -> tuple[dict[str, Any], Mapping[str, Any]]:
        wanted = [name for name in ("params", "average", "extra") if (self._path(step) / name).is_dir()]
        try:
            # The devices of the run need not be there, and those that are need not hold a whole model.
            here = jax.sharding.SingleDeviceSharding(_host())
            args = {name: ocp.args.StandardRestore(fallback_sharding=here) for name in wanted}
            found = self._manager.restore(step, args=ocp.args.Composite(**args, progress=ocp.args.JsonRestore()))
        except Exception as error:
            raise self._unreadable(step, error) from error
        self._check(step, {name: found[name] for name in wanted}, found["progress"])
        params = paths.merge(found["params"], found.get("average") or {})
        return jax.device_get({"params": params, "extra": found.get("extra") or {}}), found["progress"]

    def find(self, step: str | int | None) -> int:
        """The step meant by a number, "best", or None (the newest).

        Raises:
            CheckpointError: there is none such; what there is is listed.
        """
        steps = self.steps()
        if not steps:
            raise CheckpointError(f"{self.workdir} holds no checkpoint yet; train it first")
        if step is None:
            return steps[-1]
        if step == "best":
            best = self._manager.best_step() if self.best else None
            if best is None:
                raise CheckpointError(f"{self.workdir} has no best checkpoint; set checkpoint.best to a score's name")
            return best
        if str(step) not in map(str, steps):
            raise CheckpointError(
                f"{self.workdir} has no checkpoint at step {step}; it has {', '.join(map(str, steps))}"
            )
        return int(step)

    def _read(self, step: int, shapes: Mapping[str, Any], places: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
        def wanted(leaf, place):
            return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place)

        args = {
            name: ocp.args.StandardRestore(jax.tree.map(wanted, tree, places[name])) for name, tree in shapes.items()
        }
        found = self._manager.restore(step, args=ocp.args.Composite(**args, progress=ocp.args.JsonRestore()))
        return {name: found[name] for name in shapes}, found["progress"]

    def _check(self, step: int, found: Mapping[str, Any], progress: Mapping[str, Any]) -> None:
        if _seal(progress) != progress.get("seal"):
            raise CheckpointError(f"checkpoint {self._path(step)} is damaged: progress is not what was saved")
        for name, tree in found.items():
            if fingerprint(tree) != progress["fingerprints"][name]:
                raise CheckpointError(f"checkpoint {self._path(step)} is damaged: {name} is not what was saved")

    def _check_files(self, step: int, progress: Mapping[str, Any]) -> None:
        for name, digest in progress.get("files", {}).items():
            path = self.workdir / name
            there = _digest(path) if path.is_file() else "nothing"
            if there != digest:
                raise ValueError(
                    f"{path} is not the file that checkpoint {self._path(step)} was saved with (its digest is {there}, "
                    f"expected {digest}), so its parameters would mean something else; put that file back"
                )

    def _check_rows(self, step: int, progress: Mapping[str, Any]) -> None:
        for name, told in progress.get("rows", {}).items():
            if name in self.rows and self.rows[name] != told:
                raise ValueError(
                    f"data set {name} has {self.rows[name]}, but checkpoint {self._path(step)} was trained with "
                    f"{told}; build it from those rows again, or train in another workdir (with "
                    f"init_from={self.workdir} it starts from here)"
                )

    def _path(self, step: int) -> Path:
        return self.workdir / FOLDER / str(step)

    def _aside(self, step: int) -> Path:
        """A path in the run folder that is free for a damaged checkpoint."""
        names = (f"damaged-{step}" + (f"-{i}" if i else "") for i in itertools.count())
        return next(path for path in map(self.workdir.joinpath, names) if not path.exists())

    def _unreadable(self, step: int, error: Exception) -> CheckpointError:
        line = " ".join(str(error).split("See full")[0].split())  # what TensorStore adds is no text
        return CheckpointError(f"checkpoint {self._path(step)} cannot be read: {line[:200]}")

    @contextmanager
    def _named(self, step: int | None):
        """An error of the writer, which may come from an earlier save, as one that says what is safe."""
        try:
            yield
        except Exception as error:
            # What is half written takes room that the next attempt will need.
            for half in (self.workdir / FOLDER).glob("*.orbax-checkpoint-tmp*"):
                shutil.rmtree(half, ignore_errors=True)
            what = "a checkpoint" if step is None else f"the checkpoint of step {step} or the one before it"
            line = " ".join(str(error).split())[:200] or type(error).__name__
            raise CheckpointError(
                f"{what} could not be written to {self.workdir / FOLDER}: {line}; make room and run the same "
                "command again: it goes on from the last one that is whole"
            ) from error


def _digest(path: Path) -> str:
    """What tells one file from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _seal(progress: Mapping[str, Any]) -> int:
    """A number for all of `progress` but the seal itself."""
    plain = {name: value for name, value in progress.items() if name != "seal"}
    return zlib.crc32(json.dumps(plain, sort_keys=True).encode())


def _score(metrics: Mapping[str, float] | None, name: str) -> float:
    if not metrics or name not in metrics:
        return -np.inf
    return metrics[name]
