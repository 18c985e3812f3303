"""All tokens of an example side by side through a layer, as BEiT-3's heads have it (arXiv 2208.10442).

y = gelu(norm(W norm([x_1, ..., x_L]) + b))
"""

import jax.numpy as jnp
from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_sizes, check_start
from mmjax.nn.dense import Dense, starting
from mmjax.nn.gelu import exact_gelu
from mmjax.nn.layer_norm import LayerNorm


class Joined(nn.Module):
    """Tokens [B, L, D], always as many, to Tokens [B, 1, hidden]; one that is not real counts as zeros.

    `norm`: what comes in is normalised, as for NLVR2; for questions it is not, where `nn.pooler` stands before.
    `hidden` None is 2 D; `start` is how wide W starts, see `heads.classify`.
    """

    hidden: int | None = None
    norm: bool = True
    start: float = 1.0
    epsilon: float = 1e-5

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)
        check_start(self)

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> Tokens:
        x = rearrange(tokens.cleared().x, "b l d -> b 1 (l d)")
        x = LayerNorm(self.epsilon, name="in_norm")(x) if self.norm else x
        x = Dense(self.hidden or 2 * tokens.x.shape[-1], kernel_init=starting(self.start), name="hidden")(x)
        x = exact_gelu(LayerNorm(self.epsilon, name="hidden_norm")(x))
        return Tokens.of(x, jnp.any(tokens.mask, axis=1, keepdims=True))
