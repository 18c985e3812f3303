"""Each modality is a Gaussian expert, and their product says where they agree (Wu and Goodman 2018, arXiv 1802.05335).

y = sum_m t_m mean_m / (1 + sum_m t_m),  t_m = exp(-log variance_m),  over real m

mean_m and log variance_m are linear in x_m. The 1 is the prior expert, a standard normal: without any other the mean is
0. How much each expert counts, as a mean over features, leaves as the map `modality`; the rest is the prior's.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens
from mmjax.nn.aligned import ABSENT, aligned
from mmjax.nn.dense import Dense


class ProductOfExperts(nn.Module):
    """Modalities [B, L or 1, D] to Tokens [B, L, D], real where any modality is: the mean of the product."""

    order: tuple[str, ...]

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        x, real = aligned(modalities, self.order)
        means, log_variances = (
            jnp.stack(
                [Dense(x.shape[-1], name=f"{name}_{what}")(x[:, :, m]) for m, name in enumerate(self.order)], axis=2
            )
            for what in ("mean", "log_variance")
        )
        # Shares of precision are a softmax of logs, which no large precision can overflow; the prior's log is 0.
        logs = jnp.where(real[..., None], -log_variances.astype(jnp.float32), ABSENT)
        logs = jnp.concatenate([jnp.zeros_like(logs[:, :, :1]), logs], axis=2)
        weights = jax.nn.softmax(logs, axis=2)[:, :, 1:]
        self.sow("maps", "modality", jnp.mean(weights, axis=-1))
        y = jnp.sum(weights * means, axis=2)
        return Tokens.of(y.astype(x.dtype), real.any(-1))
