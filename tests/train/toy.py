"""A task and its data that compile in a moment: points to be fitted, two losses counted over masks of their own.

Rows have between 0 and T points, so that devices and microbatches hold very different counts.
"""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.core.mean import Mean
from mmjax.core.partition import psum
from mmjax.core.task import Panel
from mmjax.optim.adamw import Adamw
from mmjax.optim.average import Average
from mmjax.optim.constant import Constant
from mmjax.optim.group import Group
from mmjax.optim.optimizer import Optimizer
from mmjax.train.experiment import Experiment

LENGTH, WIDTH = 5, 16


@dataclasses.dataclass(frozen=True)
class Toy:
    """fit: (prediction - y)^2 where `mask`; size: prediction^2 where `other`. `traced` counts how often jax traces it.

    Args:
        hidden: None for the line w x + b, else the width of a hidden layer.
        noise: how much of a random number is added to each prediction.
    """

    hidden: int | None = 8
    noise: float = 0.0
    coupled: bool = False
    traced: Counter = dataclasses.field(default_factory=Counter, compare=False)

    @property
    def weights(self):
        return {"fit": 1.0, "size": 0.3}

    def bind(self, vocabulary, sources):
        return self

    def init(self, key, batch):
        widths = [batch["x"].shape[-1], *([self.hidden] if self.hidden else []), 1]
        params = {}
        for i, (inner, outer) in enumerate(itertools.pairwise(widths)):
            key, draw = jax.random.split(key)
            kernel = jax.random.normal(draw, (inner, outer)) * inner**-0.5
            params[f"dense_{i}"] = {"kernel": kernel, "bias": jnp.full(outer, 0.1)}
        return params, {"points": jnp.zeros(())}

    def _apply(self, params, batch):
        x = batch["x"]
        for i in range(len(params)):
            x = x if i == 0 else jnp.tanh(x)
            x = x @ params[f"dense_{i}"]["kernel"] + params[f"dense_{i}"]["bias"]
        return x[..., 0]

    def loss(self, params, extra, batch, ctx):
        self.traced["loss"] += 1
        y = self._apply(params, batch)
        if self.noise:
            y = y + self.noise * jax.random.normal(ctx.key, y.shape)
        found = {
            "fit": Mean.of((y - batch["y"]) ** 2, batch["mask"]),
            "size": Mean.of(y**2, batch["other"]),
            "error": Mean.of(jnp.abs(y - batch["y"]), batch["mask"]),
        }
        return found, {"points": extra["points"] + psum(jnp.sum(batch["mask"], dtype=jnp.float32), ctx.axis)}

    def predict(self, params, extra, batch, ctx):
        self.traced["predict"] += 1
        return {"value": self._apply(params, batch)}

    def score(self, predictions, batch):
        return {"near": Mean.of(jnp.abs(predictions["value"] - batch["y"]) < 0.5, batch["mask"])}

    def read(self, predictions, batch):
        return [
            {
                "index": int(batch["index"][b]),
                "place": int(t),
                "prediction": float(predictions["value"][b, t]),
                "right": bool(abs(predictions["value"][b, t] - batch["y"][b, t]) < 0.5),
                "confidence": 1.0,
            }
            for b, t in zip(*np.nonzero(batch["mask"]), strict=True)
        ]

    def finish(self, records):
        return {"near/place/first": float(np.mean([r["right"] for r in records if r["place"] == 0]))}

    def show(self, params, extra, batch, ctx) -> list[Panel]:
        return []


def points(key: tuple[int, ...], rows: int) -> dict[str, np.ndarray]:
    """A batch that depends on the key alone; what is masked holds large numbers."""
    rng = np.random.default_rng(key)
    x = rng.normal(size=(rows, LENGTH, WIDTH)).astype(np.float32)
    y = np.sin(x[..., 0]) + x[..., 1] / 2
    mask = np.arange(LENGTH) < rng.integers(0, LENGTH + 1, size=(rows, 1))
    other = rng.random((rows, LENGTH)) < rng.random((rows, 1)) ** 2
    y = np.where(mask, y, 1e3).astype(np.float32)
    return {"x": x, "y": y, "mask": mask, "other": other, "index": np.arange(rows, dtype=np.int32)}


@dataclasses.dataclass(frozen=True)
class Points:
    """The feed and its config in one. `bad`: the training batches, by number, that hold a NaN; `test`: examples."""

    batch: int = 8
    test: int = 19
    bad: Sequence[int] = ()
    asked: list[int] = dataclasses.field(default_factory=list, compare=False)
    vocabulary = None
    files = word_files = ()
    notes = ()
    rows: ClassVar = {}
    asks = ()
    sources = ("",)

    def blank(self) -> dict[str, np.ndarray]:
        return {name: np.zeros_like(x) for name, x in points((0,), self.batch).items()}

    def open(self, folder: str | Path) -> "Points":
        return self

    def train(self, seed: int, start: int = 0, host: tuple[int, int] = (0, 1)) -> Iterator[dict[str, np.ndarray]]:
        number = start
        while True:
            self.asked.append(number)
            batch = points((seed, number), self.batch)
            if number in self.bad:
                batch["mask"][0, 0], batch["y"][0, 0] = True, np.nan
            yield batch
            number += 1

    def take(self, indices: Sequence[int], split: str | None = None) -> dict[str, np.ndarray]:
        return points((10**7,), self.batch)

    def split(self, host: tuple[int, int] = (0, 1), split: str | None = None) -> Iterator[dict[str, np.ndarray]]:
        whole = points((10**6,), self.test)
        for start in range(0, self.test, self.batch):
            rows = {name: x[start : start + self.batch] for name, x in whole.items()}
            missing = self.batch - len(rows["index"])
            padded = {name: np.pad(x, [(0, missing)] + [(0, 0)] * (x.ndim - 1)) for name, x in rows.items()}
            yield {**padded, "index": np.pad(rows["index"] + 0, (0, missing), constant_values=-1)}


def optimizer(**changes: Any) -> Optimizer:
    """AdamW with everything that keeps a state: clipping, decay by group and a moving average."""
    groups = (("bias$", Group(decay=0.0)), (".*", Group()))
    fields = {"rule": Adamw(decay=0.1), "schedule": Constant(0.02), "groups": groups, "clip": 1.0}
    return Optimizer(**{**fields, "average": Average(0.9), **changes})


def experiment(**changes: Any) -> Experiment:
    return Experiment(**{"task": Toy(), "data": Points(), "optim": optimizer(), "steps": 6, **changes})
