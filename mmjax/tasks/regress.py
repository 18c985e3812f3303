"""Numbers for each example, whatever its modalities.

loss = mean over examples that have a target of loss_of(given, target)
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.core.mean import Mean
from mmjax.core.task import Batch
from mmjax.tasks.supervised import Loss, Supervised


@runtime_checkable
class Measure(Protocol):
    """(predictions, truths), both of N numbers, to scores of the corpus by name."""

    def __call__(self, predictions: Sequence[float], truths: Sequence[float]) -> dict[str, float]: ...


@dataclasses.dataclass(frozen=True)
class Regress(Supervised):
    """A task over batches of modalities with `target` [B, O] float32 and `target_mask` [B].

    Args:
        model: a batch to [B, O], or to mean and log-variance [B, O, 2].
        loss_of: what each example costs, such as `losses.huber`.
        measure: the scores of a corpus of single numbers, such as `metrics.sentiment`; none where O is above 1.
    """

    loss_of: Loss
    measure: Measure | None = None

    def check(self, given: jax.Array, batch: Batch) -> None:
        if "target" not in batch:
            raise ValueError(f"tasks.regress needs data.target, but the data gives {', '.join(sorted(batch))}")
        if point(given).shape != batch["target"].shape:
            raise ValueError(
                f"the model gives {point(given).shape[-1]} numbers and data.target has a size of "
                f"{batch['target'].shape[-1]}; make the head's outputs equal"
            )
        try:
            jax.eval_shape(self.loss_of, given, batch["target"])
        except ValueError as error:
            also = ", mean and log-variance, which losses.gaussian_nll takes" if given.ndim == 3 else ""
            raise ValueError(
                f"task.loss_of ({type(self.loss_of).__name__}) does not fit the head, which gives {given.shape}{also}: "
                f"{error}"
            ) from None
        if self.measure is not None and batch["target"].shape[-1] > 1:
            raise ValueError(
                f"task.measure is {type(self.measure).__name__}, which scores single numbers, and data.target has a "
                f"size of {batch['target'].shape[-1]}; set measure to None"
            )

    def losses(self, given: jax.Array, batch: Batch) -> dict[str, Mean]:
        known = batch["target_mask"]
        return {
            "error": Mean.of(self.loss_of(given, batch["target"]), known),
            "absolute_error": Mean.of(_distance(point(given), batch["target"]), known),
        }

    def told(self, given: jax.Array) -> dict[str, jax.Array]:
        """number [B, O] in fp32, and its deviation where the model gives one."""
        found = {"number": jnp.asarray(point(given), jnp.float32)}
        return found | ({"deviation": jnp.exp(given[..., 1].astype(jnp.float32) / 2)} if given.ndim == 3 else {})

    def score(self, predictions: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        given = predictions["number"]
        found = {"absolute_error": Mean.of(_distance(given, batch["target"]), batch["target_mask"])}
        if "deviation" not in predictions:
            return found
        given = jnp.stack([given, 2 * jnp.log(predictions["deviation"])], axis=-1)
        return found | {"error": Mean.of(self.loss_of(given, batch["target"]), batch["target_mask"])}

    def record(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray], b: int) -> dict[str, Any]:
        found = {"prediction": _plain(predictions["number"][b])}
        if "deviation" in predictions:
            found["deviation"] = _plain(predictions["deviation"][b])
        return found | ({"truth": _plain(batch["target"][b])} if batch["target_mask"][b] else {})

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        known = [record for record in records if isinstance(record.get("truth"), float)]
        if self.measure is None or not known:
            return {}
        return self.measure([record["prediction"] for record in known], [record["truth"] for record in known])


def point(given: jax.Array) -> jax.Array:
    """[B, O]: what a head gives, or the mean where it gives a log-variance [B, O, 2] too."""
    return given[..., 0] if given.ndim == 3 else given


def _distance(found: jax.Array, target: jax.Array) -> jax.Array:
    return jnp.mean(jnp.abs(found.astype(jnp.float32) - target), axis=-1)


def _plain(values: np.ndarray) -> Any:
    """One number as it is, several as a list, with the digits that float32 has."""
    found = [float(f"{value:.7g}") for value in values]
    return found[0] if len(found) == 1 else found
