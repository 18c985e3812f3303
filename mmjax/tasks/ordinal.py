"""One of C classes that have an order for each example, whatever its modalities (Cao et al. 2019, arXiv 1901.07884).

loss = mean over labelled examples of loss_of(logits, label),   class = how many k have p(y > k | x) > 1/2
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.core.mean import Mean
from mmjax.core.task import Batch
from mmjax.losses.ordinal_loss import OrdinalLoss
from mmjax.metrics.accuracy_tables import accuracy_tables
from mmjax.metrics.quadratic_kappa import quadratic_kappa
from mmjax.tasks.supervised import Labelled, Loss


@dataclasses.dataclass(frozen=True)
class Ordinal(Labelled):
    """A task over batches of modalities with `label` [B] int32, -1 where none is known; the names are in order.

    Args:
        model: a batch to logits [B, C - 1] of a class above k, such as `heads.ordinal` gives.
        loss_of: what each example costs, `losses.ordinal_loss` or `losses.cumulative_link`.
    """

    loss_of: Loss = dataclasses.field(default_factory=OrdinalLoss)

    def check(self, given: jax.Array, batch: Batch) -> None:
        self.check_count(given.shape[-1] + 1, batch, "classes")

    def losses(self, given: jax.Array, batch: Batch) -> dict[str, Mean]:
        label = batch["label"]
        error = Mean.of(self.loss_of(given, label), label >= 0)
        return {"error": error, **self.score(self.told(given), batch)}

    def told(self, given: jax.Array) -> dict[str, jax.Array]:
        """above [B, C - 1] in fp32, the probability of a class above the k-th."""
        return {"above": jax.nn.sigmoid(jnp.asarray(given, jnp.float32))}

    def score(self, predictions: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        """`absolute_error` is in classes."""
        off = jnp.abs(chosen(predictions["above"]) - batch["label"])
        known = batch["label"] >= 0
        return {"accuracy": Mean.of(off == 0, known), "absolute_error": Mean.of(off, known)}

    def record(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray], b: int) -> dict[str, Any]:
        above, label = np.asarray(predictions["above"][b]), int(batch["label"][b])
        place = int(chosen(above))
        of_class = -np.diff(above, prepend=1, append=0)
        found = {"prediction": self.labels[place], "confidence": round(float(of_class[place]), 4)}
        return found | ({"truth": self.labels[label], "right": place == label} if label >= 0 else {})

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        known = [record for record in records if "truth" in record]
        predictions, truths = ([record[name] for record in known] for name in ("prediction", "truth"))
        if not known:
            return {}
        places = ([self.labels.index(name) for name in names] for names in (predictions, truths))
        return {**accuracy_tables(predictions, truths, self.labels), "quadratic_kappa": quadratic_kappa(*places)}


def chosen(above: Any) -> Any:
    """The class [...] from the probabilities [..., C - 1] of one above the k-th: how many are above a half."""
    return (above > 0.5).sum(axis=-1)
