"""A missing modality is told from those that are there, after Ngiam et al. 2011 (bimodal deep autoencoders).

y_m = [W_m gelu(h_m) + b_m] where modality m is missing, h_m = mean of W_mn mean(x_n) over the n that are there + c_m
loss `reconstruction` = mean over modalities that can be told and are there of |W_m gelu(h_m) + b_m - mean(x_m)|^2 / D

The loss leaves by `losses`: a task minimises it where its `model_losses` name it. The truth does not learn to be told.
"""

import jax
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order
from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.evidence import Evidence
from mmjax.nn.filled import fill_all
from mmjax.nn.gelu import gelu


class Reconstruction(nn.Module):
    """Modalities [B, L_m, D] to the same, where a missing one has one token; `hidden` None is 2 D.

    A row of nothing stays so, and so does a single modality.
    """

    order: tuple[str, ...]
    hidden: int | None = None

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> dict[str, Tokens]:
        in_order(modalities, self.order)
        return fill_all(self, modalities, self._told)

    def _told(self, name: str, others: Modalities) -> tuple[jax.Array, jax.Array]:
        dim = next(iter(others.values())).x.shape[-1]
        h, known = Evidence(self.hidden or 2 * dim, name=f"{name}_from")(others)
        return Dense(dim, name=name)(gelu(h)), known
