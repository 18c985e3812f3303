"""Cross-entropy of labels that may hold together, each yes or no.

loss = mean over labels of  w y softplus(-z) + (1 - y) softplus(z)
"""

import dataclasses

import jax

from mmjax.losses.per_example import matched, mean_of_known


@dataclasses.dataclass(frozen=True)
class BinaryCrossEntropy:
    """(logits [B, C], target [B, C] from 0 to 1) to [B] fp32; a target that is negative or NaN is unknown.

    `positive_weight` w is the weight of what is there, where most labels of most examples are not.
    """

    positive_weight: float = 1.0

    def __post_init__(self):
        if self.positive_weight <= 0:
            raise ValueError(f"positive_weight is {self.positive_weight}; expected a number above 0")

    def __call__(self, prediction: jax.Array, target: jax.Array) -> jax.Array:
        logits, target, known = matched(prediction, target)
        known &= target >= 0
        missed = self.positive_weight * target * jax.nn.softplus(-logits)
        return mean_of_known(missed + (1 - target) * jax.nn.softplus(logits), known)
