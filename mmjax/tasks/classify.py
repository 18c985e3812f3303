"""One of C classes for each example, whatever its modalities.

loss = mean over labelled examples of CE(logits, label), smoothed (Szegedy et al. 2016, arXiv 1512.00567)
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from mmjax.core.mean import Mean
from mmjax.core.precision import Dtype, cast
from mmjax.core.task import Batch, Ctx, Extra, Panel, Params
from mmjax.losses import cross_entropy as ce
from mmjax.metrics.accuracy_tables import accuracy_tables
from mmjax.tasks.examples import computed, examples, order


@dataclasses.dataclass(frozen=True)
class Classify:
    """A task over batches of modalities with `label` [B] int32, -1 where none is known.

    Args:
        model: a batch to logits [B, C]; see `models.compose`.
        smoothing: of the labels.
        compute: the type that activations are computed in; parameters are kept in fp32.
    """

    model: nn.Module
    smoothing: float = 0.0
    compute: Dtype = "float32"
    coupled = False
    labels: tuple[str, ...] = dataclasses.field(default=(), init=False, compare=False, repr=False)

    def __post_init__(self):
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing is {self.smoothing}; expected a number in [0, 1)")

    @property
    def weights(self) -> dict[str, float]:
        return {"cross_entropy": 1.0}

    def bind(self, vocabulary: Any, sources: Sequence[str] = ("",)) -> "Classify":
        labels = getattr(vocabulary, "labels", ())
        if not labels:
            raise ValueError("tasks.classify needs data with labels: set data.label to the feature that holds them")
        bound = dataclasses.replace(self)
        object.__setattr__(bound, "labels", tuple(labels))
        return bound

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        logits, variables = self.model.init_with_output(key, self._computed(batch), train=False)
        # `mmjax import` makes parameters without data, which alone knows the labels.
        if self.labels and logits.shape[-1] != len(self.labels):
            some = ", ".join(self.labels[:5]) + (", ..." if len(self.labels) > 5 else "")
            raise ValueError(
                f"the model gives {logits.shape[-1]} classes, but the data has {len(self.labels)} labels ({some}); "
                "make the head's classes equal"
            )
        return variables["params"], {}

    def loss(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> tuple[dict[str, Mean], Extra]:
        rngs = {"dropout": ctx.key} if ctx.train else {}
        logits = self._apply(params, batch, train=ctx.train, rngs=rngs)
        known, label = batch["label"] >= 0, jnp.maximum(batch["label"], 0)
        found = {
            "cross_entropy": Mean.of(ce.cross_entropy(logits, label, self.smoothing), known),
            "accuracy": Mean.of(ce.right(logits, label), known),
        }
        return found, extra

    def predict(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> dict[str, jax.Array]:
        """probability [B, C] in fp32."""
        return {"probability": jax.nn.softmax(self._apply(params, batch, train=False).astype(jnp.float32), axis=-1)}

    def score(self, predictions: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        found, label = predictions["probability"], jnp.maximum(batch["label"], 0)
        return {"accuracy": Mean.of(ce.right(found, label), batch["label"] >= 0)}

    def read(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        records = []
        for b in np.flatnonzero(batch["index"] >= 0):
            probability, label = predictions["probability"][b], int(batch["label"][b])
            best = int(np.argmax(probability))
            record = {"index": int(batch["index"][b]), "place": 0, "prediction": self.labels[best]}
            record |= {"confidence": round(float(probability[best]), 4)}
            records.append(record | ({"truth": self.labels[label], "right": best == label} if label >= 0 else {}))
        return records

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        known = [record for record in records if "truth" in record]
        predictions, truths = ([record[name] for record in known] for name in ("prediction", "truth"))
        return accuracy_tables(predictions, truths, self.labels)

    def show(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> list[Panel]:
        """Each example's modalities, what was said of it, and which modality was looked at where."""
        run = jax.jit(lambda params, batch: self._apply(params, batch, train=False, mutable=["maps"]))
        logits, state = jax.device_get(run(params, batch))
        probability = jax.device_get(jax.nn.softmax(logits.astype(np.float32), axis=-1))
        records = self.read({"probability": probability}, batch)
        return examples(batch, records, state.get("maps", {}), order(self.model))

    def _apply(self, params: Params, batch: Batch, **options: Any) -> Any:
        return self.model.apply({"params": cast(params, self.compute)}, self._computed(batch), **options)

    def _computed(self, batch: Batch) -> dict[str, Any]:
        return computed(batch, self.compute)
