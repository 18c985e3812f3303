"""The features of all modalities side by side at each position, and a linear map back to one width.

y = W [x_1, ..., x_M] + b,  x_m = 0 where modality m is missing
"""

from einops import rearrange
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn.aligned import aligned
from mmjax.nn.dense import Dense


class ConcatFeatures(nn.Module):
    """Modalities [B, L or 1, D] to Tokens [B, L, D], real where any modality is."""

    order: tuple[str, ...]

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        x, real = aligned(modalities, self.order)
        y = Dense(x.shape[-1], name="out")(rearrange(x, "b l m d -> b l (m d)"))
        return Tokens.of(y, real.any(-1))
