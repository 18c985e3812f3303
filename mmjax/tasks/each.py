"""Classes told by all modalities together and by each of them alone, in one run: does one gain by the others?

loss = CE(fused) + w sum over modalities of CE(alone)
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.core.mean import Mean
from mmjax.core.task import Batch
from mmjax.losses import cross_entropy as ce
from mmjax.tasks.classify import Classify

FUSED = "fused"
TABLE = "accuracy/unimodal and fused"  # told in training too: side by side they show which one overfits


@dataclasses.dataclass(frozen=True)
class Each(Classify):
    """A task over batches of modalities with `label` [B]; what it predicts, and `accuracy`, are those of all together.

    Args:
        model: a batch to {"fused": [B, C], NAME: [B, C]}, see `models.beside`.
        alone: w.
    """

    alone: float = 1.0
    main = FUSED

    def __post_init__(self):
        super().__post_init__()
        if not hasattr(self.model, "alone"):
            raise ValueError(
                f"task.model is {type(self.model).__name__}; expected models.beside, which tells what each modality "
                "says alone"
            )
        if self.mix is not None:
            raise ValueError("mix is of one modality alone, and tasks.each compares several; leave it out")
        if self.alone < 0:
            raise ValueError(f"alone is {self.alone}; expected a weight of 0 or more")

    @property
    def names(self) -> tuple[str, ...]:
        """Of what is predicted: all together first, then modality by modality."""
        return FUSED, *sorted(self.model.encoders)

    @property
    def weights(self) -> dict[str, float]:
        return {name: 1.0 if name == FUSED else self.alone for name in self.names} | dict(self.model_losses)

    def check(self, given: Mapping[str, jax.Array], batch: Batch) -> None:
        for logits in given.values():
            super().check(logits, batch)

    def losses(self, given: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        """{NAME: cross-entropy, NAME_score: how probable the truth is found} of all, and of each, and accuracies.

        A modality alone says nothing of rows that lack it.
        """
        label = jnp.maximum(batch["label"], 0)
        found = {}
        for name in self.names:
            known = (batch["label"] >= 0) & self._said(name, batch)
            found[name] = Mean.of(ce.cross_entropy(given[name], label, self.smoothing), known)
            right = Mean.of(ce.right(given[name], label), known)
            found["accuracy" if name == FUSED else f"{name}_accuracy"] = found[f"{TABLE}/{name}"] = right
            sure = jnp.exp(-ce.cross_entropy(jax.lax.stop_gradient(given[name]), label))
            found[f"{name}_score"] = Mean.of(sure, known)
        return found

    def told(self, given: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
        """probability [B, C] of all together, and NAME_probability of each alone, in fp32."""
        told = {name: super(Each, self).told(given[name])["probability"] for name in self.names}
        return {"probability": told.pop(FUSED)} | {f"{name}_probability": one for name, one in told.items()}

    def score(self, predictions: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        alone = {}
        for name in self.names[1:]:
            there = {**batch, "label": jnp.where(self._said(name, batch), batch["label"], -1)}
            found = super().score({"probability": predictions[f"{name}_probability"]}, there)
            alone[f"{name}_accuracy"] = found["accuracy"]
        return super().score(predictions, batch) | alone

    def read(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        records = super().read(predictions, batch)
        places = {int(index): b for b, index in enumerate(batch["index"])}
        for record in records:
            b = places[record["index"]]
            there = [name for name in self.names[1:] if self._said(name, batch)[b]]
            said = {name: predictions[f"{name}_probability"][b].argmax() for name in there}
            record["alone"] = {name: self.labels[best] for name, best in said.items()}
        return records

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """Those of `classify`, and a table of all together against each alone."""
        found, known = super().finish(records), [record for record in records if "truth" in record]
        if not known:
            return found
        right = {name: [] for name in self.names}
        for record in known:
            for name, said in {FUSED: record["prediction"], **record["alone"]}.items():
                right[name].append(said == record["truth"])
        return found | {f"{TABLE}/{name}": float(np.mean(some)) for name, some in right.items() if some}

    def _said(self, name: str, batch: Batch) -> Any:
        """[B]: rows that have the modality; all, for all of them together."""
        if name == FUSED:
            return np.ones(batch["label"].shape, bool)
        mask = batch[f"{name}_mask"]
        return mask.reshape(len(mask), -1).any(axis=-1)
