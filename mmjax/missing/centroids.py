"""A missing modality is a mixture of learned centroids, weighted by what is there (SMIL: Ma et al. 2021, 2103.05677).

y_m = [sum_k w_mk c_mk] where modality m is missing
w_m = softmax(mean of W_mn mean(x_n) over the n that are there + b_m)
loss `reconstruction` = mean over modalities that can be told and are there of |sum_k w_mk c_mk - mean(x_m)|^2 / D

In SMIL the centroids are found by k-means beforehand, the weights are drawn, and both are meta-learned; here all is
learned together, by the task and by the loss, which a task minimises where its `model_losses` name it.
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order
from mmjax.nn.checks import check_sizes
from mmjax.nn.evidence import Evidence
from mmjax.nn.filled import fill_all


class Centroids(nn.Module):
    """Modalities [B, L_m, D] to the same, where a missing one has one token, a mixture of `count` centroids.

    A row of nothing stays so, and so does a single modality.
    """

    order: tuple[str, ...]
    count: int = 16

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self, "count")

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> dict[str, Tokens]:
        in_order(modalities, self.order)
        return fill_all(self, modalities, self._told)

    def _told(self, name: str, others: Modalities) -> tuple[jax.Array, jax.Array]:
        dim = next(iter(others.values())).x.shape[-1]
        # Encoders end in a norm, so that their features are of this size.
        centroids = self.param(name, nn.initializers.normal(1.0), (self.count, dim))
        logits, known = Evidence(self.count, name=f"{name}_from")(others)
        weights = jax.nn.softmax(logits.astype(jnp.float32), axis=-1)
        return weights.astype(centroids.dtype) @ centroids, known
