"""RMS norm whose scale is kept as what it differs from one by: x / rms(x) * (1 + w), as in Gemma (arXiv 2403.08295).

Zhang and Sennrich 2019, arXiv 1910.07467. Small weights keep their digits in bf16, and decay goes towards a scale of 1.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.nn.rms_norm import rms_norm


class OffsetRmsNorm(nn.Module):
    """x [..., D] to [..., D]; computed in fp32, the type is kept."""

    epsilon: float = 1e-6

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        offset = self.param("scale", nn.initializers.zeros, x.shape[-1:])
        return rms_norm(x, 1 + offset.astype(jnp.float32), self.epsilon)
