"""One of C classes: p(c | x) = softmax(W h + b)_c; the loss is `losses.cross_entropy`."""

import jax
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.heads.features import Features
from mmjax.nn.checks import check_start
from mmjax.nn.dense import Dense, starting


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
        check_start(self)

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> jax.Array:
        x = super().__call__(tokens, train=train)
        return Dense(self.classes, kernel_init=starting(self.start), name="logits")(x)
