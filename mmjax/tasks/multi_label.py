"""Any number of C labels for each example, each yes or no, whatever its modalities.

loss = mean over examples with a known label of loss_of(logits, labels)
     + sum over constraints of weight * mean over all examples of what it costs that logits may break it
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.core.build import nearest
from mmjax.core.mean import Mean
from mmjax.core.task import Batch
from mmjax.losses.binary_cross_entropy import BinaryCrossEntropy
from mmjax.losses.knowledge import Knowledge
from mmjax.metrics.multi_label_scores import multi_label_scores
from mmjax.tasks.supervised import Labelled, Loss


@dataclasses.dataclass(frozen=True)
class MultiLabel(Labelled):
    """A task over batches of modalities with `labels` [B, C] float32: 1 where one holds, 0 not, -1 unknown.

    Args:
        model: a batch to logits [B, C].
        loss_of: what each example costs.
        threshold: a label is said from this probability on.
        constraints: what is known about the labels, such as `losses.implies`, by the names under which its losses are
            told. They are of every example, also of those whose labels are not known.
    """

    loss_of: Loss = dataclasses.field(default_factory=BinaryCrossEntropy)
    threshold: float = 0.5
    constraints: Mapping[str, Knowledge] = dataclasses.field(default_factory=dict)
    aim = "labels"

    def __post_init__(self):
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold}; expected a probability between 0 and 1")
        taken = sorted({"error", "exact_match", *self.model_losses} & set(self.constraints))
        if taken:
            raise ValueError(f"constraints has {taken[0]!r}, which is the name of another loss; call it otherwise")

    @property
    def weights(self) -> dict[str, float]:
        return super().weights | {name: one.weight for name, one in self.constraints.items() if one.weight}

    def bind(self, vocabulary: Any, sources: Sequence[str] = ("",)) -> Self:
        """The task with the names; ValueError where the data has none, or not those of a constraint."""
        bound = super().bind(vocabulary, sources)
        for name, one in self.constraints.items():
            for label in one.labels:
                if label not in bound.labels:
                    some = ", ".join(bound.labels[:8]) + (", ..." if len(bound.labels) > 8 else "")
                    raise ValueError(
                        f"task.constraints.{name} is about {label!r}, but the data has the labels {some}"
                        f"{nearest(label, bound.labels)}"
                    )
        return bound

    def check(self, given: jax.Array, batch: Batch) -> None:
        self.check_count(given.shape[-1], batch, "labels")

    def losses(self, given: jax.Array, batch: Batch) -> dict[str, Mean]:
        labels = batch["labels"]
        return {
            "error": Mean.of(self.loss_of(given, labels), jnp.any(labels >= 0, axis=-1)),
            "exact_match": self._right(self.told(given)["probability"], labels),
            **{
                name: Mean.of(one(given[:, self._places(one)]), batch["index"] >= 0)
                for name, one in self.constraints.items()
            },
        }

    def told(self, given: jax.Array) -> dict[str, jax.Array]:
        """probability [B, C] in fp32."""
        return {"probability": jax.nn.sigmoid(jnp.asarray(given, jnp.float32))}

    def score(self, predictions: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        return {"exact_match": self._right(predictions["probability"], batch["labels"])}

    def record(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray], b: int) -> dict[str, Any]:
        """`confidence` is in the label that is least certain; `probability` and `holds` are of all labels in order."""
        probability, holds = predictions["probability"][b], batch["labels"][b]
        said, known = probability >= self.threshold, holds >= 0
        found = {
            "prediction": self._named(said),
            "confidence": round(float(np.where(said, probability, 1 - probability).min()), 4),
            "probability": probability.tolist(),
        }
        if not known.any():
            return found
        right = bool((said == (holds > 0))[known].all())
        return found | {"truth": self._named(holds > 0), "right": right, "holds": holds.tolist()}

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """Those of `metrics.multi_label_scores`, and which share of all examples breaks a constraint, and each."""
        known = [record for record in records if "truth" in record]
        scores, holds = ([record[name] for record in known] for name in ("probability", "holds"))
        return multi_label_scores(scores, holds, self.labels, self.threshold) | self._violations(records)

    def _violations(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        if not records or not self.constraints:
            return {}
        said = np.array([record["probability"] for record in records]) >= self.threshold
        broken = {name: ~one.kept(said[:, self._places(one)]) for name, one in self.constraints.items()}
        shares = {f"violated/constraint/{name}": float(rows.mean()) for name, rows in broken.items()}
        return {"violated": float(np.any(list(broken.values()), axis=0).mean())} | shares

    def _places(self, knowledge: Knowledge) -> np.ndarray:
        """Where its labels stand among those of the data."""
        return np.array([self.labels.index(label) for label in knowledge.labels])

    def _named(self, chosen: np.ndarray) -> list[str]:
        return [name for name, one in zip(self.labels, chosen, strict=True) if one]

    def _right(self, probability: jax.Array, labels: jax.Array) -> Mean:
        """Whether every known label of an example is right."""
        right = ((probability >= self.threshold) == (labels > 0)) | (labels < 0)
        return Mean.of(jnp.all(right, axis=-1), jnp.any(labels >= 0, axis=-1))
