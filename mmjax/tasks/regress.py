"""Numbers for each example, whatever its modalities.

loss = mean over examples that have a target of loss_of(given, target)
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from mmjax.core.mean import Mean
from mmjax.core.precision import Dtype, cast
from mmjax.core.task import Batch, Ctx, Extra, Panel, Params
from mmjax.tasks.examples import computed, examples, order


@runtime_checkable
class Loss(Protocol):
    """(what the head gives [B, ...], target [B, O]) to a loss for each example [B]."""

    def __call__(self, prediction: jax.Array, target: jax.Array) -> jax.Array: ...


@runtime_checkable
class Measure(Protocol):
    """(predictions, truths), both of N numbers, to scores of the corpus by name."""

    def __call__(self, predictions: Sequence[float], truths: Sequence[float]) -> dict[str, float]: ...


@dataclasses.dataclass(frozen=True)
class Regress:
    """A task over batches of modalities with `target` [B, O] float32 and `target_mask` [B].

    Args:
        model: a batch to [B, O], or to mean and log-variance [B, O, 2]; see `models.compose`.
        loss_of: what each example costs, such as `losses.huber`.
        measure: the scores of a corpus of single numbers, such as `metrics.sentiment`.
        compute: the type that activations are computed in; parameters are kept in fp32.
    """

    model: nn.Module
    loss_of: Loss
    measure: Measure | None = None
    compute: Dtype = "float32"
    coupled = False

    @property
    def weights(self) -> dict[str, float]:
        return {"error": 1.0}

    def bind(self, vocabulary: Any, sources: Sequence[str] = ("",)) -> "Regress":
        return self

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        given, variables = self.model.init_with_output(key, computed(batch, self.compute), train=False)
        if point(given).shape != batch["target"].shape:
            raise ValueError(
                f"the model gives {point(given).shape[-1]} numbers and data.target has a size of "
                f"{batch['target'].shape[-1]}; make the head's outputs equal"
            )
        return variables["params"], {}

    def loss(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> tuple[dict[str, Mean], Extra]:
        rngs = {"dropout": ctx.key} if ctx.train else {}
        given, known = self._apply(params, batch, train=ctx.train, rngs=rngs), batch["target_mask"]
        found = {
            "error": Mean.of(self.loss_of(given, batch["target"]), known),
            "absolute_error": Mean.of(_distance(point(given), batch["target"]), known),
        }
        return found, extra

    def predict(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> dict[str, jax.Array]:
        """number [B, O] in fp32."""
        return {"number": point(self._apply(params, batch, train=False)).astype(jnp.float32)}

    def score(self, predictions: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        return {"absolute_error": Mean.of(_distance(predictions["number"], batch["target"]), batch["target_mask"])}

    def read(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        records = []
        for b in np.flatnonzero(batch["index"] >= 0):
            record = {"index": int(batch["index"][b]), "place": 0, "prediction": _plain(predictions["number"][b])}
            records.append(record | ({"truth": _plain(batch["target"][b])} if batch["target_mask"][b] else {}))
        return records

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        known = [record for record in records if isinstance(record.get("truth"), float)]
        if self.measure is None or not known:
            return {}
        return self.measure([record["prediction"] for record in known], [record["truth"] for record in known])

    def show(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> list[Panel]:
        """Each example's modalities, what was said of it, and which modality was looked at where."""
        run = jax.jit(lambda params, batch: self._apply(params, batch, train=False, mutable=["maps"]))
        given, state = jax.device_get(run(params, batch))
        records = self.read({"number": np.asarray(point(given), np.float32)}, batch)
        return examples(batch, records, state.get("maps", {}), order(self.model))

    def _apply(self, params: Params, batch: Batch, **options: Any) -> Any:
        return self.model.apply({"params": cast(params, self.compute)}, computed(batch, self.compute), **options)


def point(given: jax.Array) -> jax.Array:
    """[B, O]: what a head gives, or the mean where it gives a log-variance [B, O, 2] too."""
    return given[..., 0] if given.ndim == 3 else given


def _distance(found: jax.Array, target: jax.Array) -> jax.Array:
    return jnp.mean(jnp.abs(found.astype(jnp.float32) - target), axis=-1)


def _plain(values: np.ndarray) -> Any:
    """One number as it is, several as a list."""
    return round(float(values[0]), 6) if len(values) == 1 else [round(float(value), 6) for value in values]
