"""Feature-wise linear modulation: the others scale and shift the first modality (Perez et al. 2018, arXiv 1709.07871).

y = (1 + gamma(c)) * x_1 + beta(c),  c = [x_2, ..., x_M],  gamma and beta linear

What conditions a whole sequence is a pooled vector (nn.pool): it stands at each position.
"""

from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn.aligned import aligned
from mmjax.nn.dense import Dense


class Film(nn.Module):
    """Modalities [B, L or 1, D] to Tokens [B, L, D], real where any modality is; `order` begins with what is modulated.

    A single modality stays as it is.
    """

    order: tuple[str, ...]

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        x, real = aligned(modalities, self.order)
        y = x[:, :, 0]
        if len(self.order) > 1:
            condition = rearrange(x[:, :, 1:], "b l m d -> b l (m d)")
            gamma, beta = (Dense(y.shape[-1], name=name)(condition) for name in ("gamma", "beta"))
            y = (1 + gamma) * y + beta
        return Tokens.of(y, real.any(-1))
