"""The Task protocol: what is predicted, its loss and its scores. A trainer sees nothing else of a model.

loss = sum over names of weights[name] * total / (global) count
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np
from flax import struct

from mmjax.core.mean import Mean

Batch = Mapping[str, jax.Array]
Params = Mapping[str, Any]
# Variables that are no parameters and change as training goes: codebook statistics and the like.
Extra = Mapping[str, Any]


@struct.dataclass
class Ctx:
    """How a call runs: the random key, training or not, and the mapped axis (named under pmap, None under jit)."""

    key: jax.Array
    train: bool = struct.field(pytree_node=False)
    axis: str | None = struct.field(pytree_node=False, default=None)


@struct.dataclass
class Panel:
    """One thing for a report to draw.

    `kind` names a way of drawing, not a modality: "picture" (arrays: image [H, W, 3] uint8 and, optionally, heat
    [N, h, w] in 0..1 with the N labels one a line in text["heat"]). `text` stands under the drawing, label by label;
    text["verdict"] is "right" or "wrong".
    """

    kind: str
    arrays: Mapping[str, np.ndarray]
    text: Mapping[str, str]


@runtime_checkable
class Task(Protocol):
    """A frozen dataclass that holds a model and owns what is predicted; it has no config and no optimiser.

    `weights` names the losses that training minimises; other names that `loss` returns are only reported.
    `coupled` says that the loss ties the examples of a batch together, so that it can be cut into microbatches only
    where the task says what each example is by itself, see `Coupled`.
    """

    weights: Mapping[str, float]
    coupled: bool

    def bind(self, vocabulary: Any, sources: Sequence[str]) -> "Task":
        """The task with what only the data knows: how ids become words, and the names of the data sets that are mixed.

        Called once before anything else.
        """

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        """Fresh parameters and extra variables for batches of this shape."""

    def loss(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> tuple[dict[str, Mean], Extra]:
        """The losses of (a part of) a batch as Means whose counts do not depend on the parameters.

        The extra variables must come out the same on every device: statistics are summed over `ctx.axis`.
        """

    def predict(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> Any:
        """Predictions, any pytree whose leaves lead with the batch axis; jitted by the caller."""

    def score(self, predictions: Any, batch: Batch) -> dict[str, Mean]:
        """Scores that are means over examples, on the device."""

    def read(self, predictions: Any, batch: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """A record of plain values for each thing predicted, made on the host.

        `index` is the example's place in its split and `place` tells its predictions apart; `prediction` is what a
        user asked for. Where the truth is known, `right` and `confidence` say how well it went.
        """

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """Scores that need the whole corpus; a name `score/table/row` becomes a row of a table in the report."""

    def show(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> list[Panel]:
        """What a report draws of a batch."""


@runtime_checkable
class Coupled(Task, Protocol):
    """A task whose loss ties examples together, in two parts: loss(...) = couple(..., encode(...), ...)."""

    def encode(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> Any:
        """What each example of (a part of) a batch is by itself: a pytree of floats that lead with the batch axis."""

    def couple(
        self, params: Params, extra: Extra, encoded: Any, batch: Batch, ctx: Ctx
    ) -> tuple[dict[str, Mean], Extra]:
        """What `loss` gives, from what all examples of a batch are."""
