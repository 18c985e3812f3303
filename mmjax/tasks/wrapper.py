"""A task around another one, which changes how it is learnt and nothing of what it predicts."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import jax
import numpy as np

from mmjax.core.mean import Mean
from mmjax.core.task import Batch, Ctx, Extra, Panel, Params, Task


@dataclasses.dataclass(frozen=True)
class Wrapper:
    """A task adds `weights` and `loss`; `start(key)` is what it keeps for itself, `extra["own"]`, at first."""

    task: Task
    coupled = True  # what it does with a whole batch's losses, parts of it do not add up to

    def start(self, key: jax.Array) -> Any:
        return ()

    @property
    def model(self) -> Any:
        return self.task.model

    def bind(self, vocabulary: Any, sources: Sequence[str] = ("",)) -> Self:
        return dataclasses.replace(self, task=self.task.bind(vocabulary, sources))

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        params, extra = self.task.init(key, batch)
        return params, {"task": extra, "own": self.start(jax.random.fold_in(key, 1))}

    def predict(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> Any:
        return self.task.predict(params, inner(extra), batch, ctx)

    def score(self, predictions: Any, batch: Batch) -> dict[str, Mean]:
        return self.task.score(predictions, batch)

    def read(self, predictions: Any, batch: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        return self.task.read(predictions, batch)

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        return self.task.finish(records)

    def show(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> list[Panel]:
        return self.task.show(params, inner(extra), batch, ctx)


def inner(extra: Extra) -> Extra:
    """The task's own; a checkpoint leaves out an `extra` that holds no array, which is read back as {}."""
    return extra.get("task", {})
