"""A picture's patches pooled, as BEiT and BEiT-3 tell classes (arXiv 2106.08254, 2208.10442).

y = norm(mean of x_l over real l > 0),  x_0 being the class token
"""

from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.layer_norm import LayerNorm
from mmjax.nn.pool import mean


class PatchPooler(nn.Module):
    """Tokens [B, 1 + L, D] to Tokens [B, 1, D], of all but the first."""

    epsilon: float = 1e-5

    @nn.compact
    def __call__(self, tokens: Tokens, *, train: bool) -> Tokens:
        if tokens.x.shape[1] < 2:
            raise ValueError("patch_pooler leaves out the first token, and there is no other one; see nn.pool")
        pooled = mean(Tokens.of(tokens.x[:, 1:], tokens.mask[:, 1:]))
        return pooled.replace(x=LayerNorm(self.epsilon, name="norm")(pooled.x))
