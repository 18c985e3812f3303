"""One of C answers to a question about a picture, of which people gave several (Teney et al. 2018, arXiv 1708.02711).

loss = mean over questions with a score of sum_c [ s_c softplus(-z_c) + (1 - s_c) softplus(z_c) ]
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.core.mean import Mean
from mmjax.core.task import Batch
from mmjax.losses.binary_cross_entropy import BinaryCrossEntropy
from mmjax.metrics.breakdown import answer_kind, breakdown
from mmjax.tasks.supervised import Labelled, Loss


@dataclasses.dataclass(frozen=True)
class Vqa(Labelled):
    """A task over batches of modalities with `labels` [B, C] float32, scores of answers from 0 to 1, or -1 (unknown).

    The answer that is predicted is the most probable one, and `vqa_accuracy` its score. A question of which no answer
    is among the C counts there as wrong, and nothing is learnt of it.

    Args:
        model: a batch to logits [B, C].
        loss_of: what each example costs, a mean over answers, of which their sum is minimised.
    """

    loss_of: Loss = dataclasses.field(default_factory=BinaryCrossEntropy)
    aim = "labels"

    def check(self, given: jax.Array, batch: Batch) -> None:
        self.check_count(given.shape[-1], batch, "labels")

    def losses(self, given: jax.Array, batch: Batch) -> dict[str, Mean]:
        scores = batch["labels"]
        error = self.loss_of(given, scores) * scores.shape[-1]
        return {"error": Mean.of(error, jnp.any(scores > 0, axis=-1)), **self.score(self.told(given), batch)}

    def told(self, given: jax.Array) -> dict[str, jax.Array]:
        """probability [B, C] in fp32, of which several may be 1, and answer [B], the most probable one."""
        given = jnp.asarray(given, jnp.float32)
        return {"probability": jax.nn.sigmoid(given), "answer": jnp.argmax(given, axis=-1)}

    def score(self, predictions: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        scores = batch["labels"]
        found = jnp.take_along_axis(scores, predictions["answer"][:, None], axis=-1)[:, 0]
        return {"vqa_accuracy": Mean.of(found, jnp.any(scores >= 0, axis=-1))}

    def record(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray], b: int) -> dict[str, Any]:
        """`truth` is the answer of the highest score, None where none is among the C; `right` where it was chosen, or
        one as good."""
        probability, scores = predictions["probability"][b], batch["labels"][b]
        best = int(predictions["answer"][b])
        found = {"prediction": self.labels[best], "confidence": round(float(probability[best]), 4)}
        if not (scores >= 0).any():
            return found
        truth = self.labels[int(scores.argmax())] if scores.max() > 0 else None
        right = bool(truth is not None and scores[best] == scores.max())
        return found | {"truth": truth, "right": right, "vqa_accuracy": float(scores[best])}

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """A table of `vqa_accuracy` by what kind of answer is right."""
        known = [record for record in records if record.get("truth") is not None]
        return breakdown(known, "vqa_accuracy", "kind", lambda record: answer_kind(record["truth"]))
