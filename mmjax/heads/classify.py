"""One of C classes: p(c | x) = softmax(W h + b)_c; the loss is `losses.cross_entropy`."""

import jax
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.heads.features import Features
from mmjax.nn.dense import Dense


class Classify(Features):
    """Tokens [B, L, D] to logits [B, classes] fp32; the other fields are those of `heads.features`.

    `start` is how wide W starts, as a share of other layers' deviation: a model that has learnt elsewhere is not
    disturbed at first where it is small, 0.001 in published finetunings of BEiT-3.
    """

    classes: int
    start: float = 1.0

    def __post_init__(self):
        super().__post_init__()
        if self.classes < 2:
            raise ValueError(f"classes is {self.classes}; expected at least 2 to choose from")
        if self.start <= 0:
            raise ValueError(f"start is {self.start}; expected a number above 0")

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> jax.Array:
        x = super().__call__(tokens, train=train)
        kernel_init = nn.initializers.variance_scaling(self.start**2, "fan_in", "truncated_normal")
        return Dense(self.classes, kernel_init=kernel_init, name="logits")(x)
