"""One of C classes for each example, or for each of its questions, whatever its modalities.

loss = mean over labelled examples of CE(logits, label), smoothed (Szegedy et al. 2016, arXiv 1512.00567)
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.core.mean import Mean
from mmjax.core.task import Batch, Ctx, Extra, Params
from mmjax.losses import cross_entropy as ce
from mmjax.metrics.accuracy_tables import accuracy_tables
from mmjax.metrics.breakdown import breakdown
from mmjax.tasks.mix import Mix
from mmjax.tasks.supervised import Labelled


@dataclasses.dataclass(frozen=True)
class Classify(Labelled):
    """A task over batches of modalities with `label` [B] int32, -1 where none is known.

    With Q questions about each example, label is [B, Q] and what has C classes here [B, Q, C]. A batch with `kind`,
    like label, has its accuracy told for each kind of what is asked; one with `group` [B] its consistency, the share of
    groups in which all is right.

    Args:
        model: a batch to logits [B, C]; see `models.compose`.
        smoothing: of the labels.
        mix: mixes pictures of a batch in training, and their labels; what is told of training is of the mixed ones.
    """

    smoothing: float = 0.0
    mix: Mix | None = None
    main = "cross_entropy"
    exclusive = True
    kinds: tuple[str, ...] = dataclasses.field(default=(), init=False, compare=False, repr=False)

    def __post_init__(self):
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"smoothing is {self.smoothing}; expected a number in [0, 1)")

    def bind(self, vocabulary: Any, sources: Sequence[str] = ("",)) -> Self:
        bound = super().bind(vocabulary, sources)
        object.__setattr__(bound, "kinds", tuple(getattr(vocabulary, "kinds", ())))
        return bound

    def check(self, given: jax.Array, batch: Batch) -> None:
        self.check_count(given.shape[-1], batch, "classes")
        if given.shape[:-1] != batch["label"].shape:
            raise ValueError(
                f"the model predicts {given.shape[:-1]} and the data has labels {batch['label'].shape}; name the "
                "modalities that an example has several of in model.asked, and set data.label.many to how many"
            )
        if self.mix is not None:
            self.mix.check(batch)

    def loss(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> tuple[dict[str, Mean], Extra]:
        if self.mix is not None and ctx.train:
            batch = self.mix(jax.random.fold_in(ctx.key, 1), batch)  # dropout has the key itself
        return super().loss(params, extra, batch, ctx)

    def losses(self, given: jax.Array, batch: Batch) -> dict[str, Mean]:
        known = batch["label"] >= 0
        return {
            "cross_entropy": Mean.of(
                _of_labels(partial(ce.cross_entropy, given, smoothing=self.smoothing), batch), known
            ),
            "accuracy": Mean.of(_of_labels(partial(ce.right, given), batch), known),
        }

    def told(self, given: jax.Array) -> dict[str, jax.Array]:
        """probability [B, C] in fp32."""
        return {"probability": jax.nn.softmax(jnp.asarray(given, jnp.float32), axis=-1)}

    def score(self, predictions: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        found, label = predictions["probability"], jnp.maximum(batch["label"], 0)
        return {"accuracy": Mean.of(ce.right(found, label), batch["label"] >= 0)}

    def read(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        records = []
        for at in map(tuple, np.argwhere(self._there(batch))):
            probability, label = predictions["probability"][at], int(batch["label"][at])
            best = int(np.argmax(probability))
            record = {"index": int(batch["index"][at[0]]), "place": int(at[1]) if at[1:] else 0}
            record |= {"prediction": self.labels[best], "confidence": round(float(probability[best]), 4)}
            if "kind" in batch and batch["kind"][at] >= 0:
                record["kind"] = self.kinds[batch["kind"][at]]
            if "group" in batch and batch["group"][at[0]] >= 0:
                record["group"] = int(batch["group"][at[0]])
            records.append(record | ({"truth": self.labels[label], "right": best == label} if label >= 0 else {}))
        return records

    def _there(self, batch: Mapping[str, np.ndarray]) -> np.ndarray:
        """What is asked, [B] or [B, Q]: examples that are there and, where a model is asked several, such questions."""
        there = np.asarray(batch["index"]) >= 0
        for name in getattr(self.model, "asked", ()):
            mask = np.asarray(batch[f"{name}_mask"])
            # A question that is missing though it has an answer was asked, and counts.
            asked = mask.reshape(*mask.shape[:2], -1).any(-1) | (np.asarray(batch["label"]) >= 0)
            there = there.reshape(len(there), -1) & asked
        return there

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        known = [record for record in records if "truth" in record]
        predictions, truths = ([record[name] for record in known] for name in ("prediction", "truth"))
        scored = [{**record, "accuracy": record["right"]} for record in known if "kind" in record]
        by_kind = breakdown(scored, "accuracy", "kind", lambda record: record["kind"])
        return accuracy_tables(predictions, truths, self.labels) | by_kind | _consistency(known)


def _of_labels(value: Callable[[jax.Array], jax.Array], batch: Batch) -> jax.Array:
    """A value of each example by its label; of a picture mixed of two, of both labels by their shares."""
    of_label = value(jnp.maximum(batch["label"], 0))
    if "label_other" not in batch:
        return of_label
    share, of_other = batch["label_share"], value(jnp.maximum(batch["label_other"], 0))
    return share * of_label + (1 - share) * of_other


def _consistency(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The share of groups that are right in all their records, where there are groups (NLVR2: arXiv 1811.00491)."""
    groups: dict[int, bool] = {}
    for record in records:
        if "group" in record:
            groups[record["group"]] = groups.get(record["group"], True) and record["right"]
    return {"consistency": float(np.mean([*groups.values()]))} if groups else {}
