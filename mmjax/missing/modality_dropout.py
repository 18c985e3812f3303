"""Modalities taken away at random in training, so that none is relied on (ModDrop: Neverova et al. 2015, 1501.00102).

m stays where u_m >= p, or u_m is the largest of its row;  u_m uniform in [0, 1) for each m that is there
p = start + (rate - start) min(t / ramp, 1),  t batches were trained on
"""

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order


class ModalityDropout(nn.Module):
    """Modalities [B, L_m, D] to the same; in training each is missing with probability `rate`, but never all of a row.

    With a `ramp` the probability goes from `start` to `rate` over so many batches, which are counted in the collection
    `counters`: a task carries it in its `extra`, and the trainer need not know. Each microbatch counts as one.
    """

    order: tuple[str, ...]
    rate: float = 0.3
    start: float = 0.0
    ramp: int = 0

    def __post_init__(self):
        super().__post_init__()
        for name in ("rate", "start"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; expected a share in [0, 1): at 1 nothing is left")
        if self.ramp < 0:
            raise ValueError(f"ramp is {self.ramp}; expected a number of batches, 0 for none")

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> dict[str, Tokens]:
        tokens = in_order(modalities, self.order)
        rate = self._rate(train)
        if train:
            there = jnp.stack([one.mask.any(1) for one in tokens])  # [M, B]
            luck = jnp.where(there, jax.random.uniform(self.make_rng("dropout"), there.shape), -1)
            stays = (luck >= rate) | (luck == luck.max(axis=0))
            tokens = [one.replace(mask=one.mask & stays[m, :, None]) for m, one in enumerate(tokens)]
        return dict(zip(self.order, tokens, strict=True))

    def _rate(self, train: bool) -> float | jax.Array:
        if not self.ramp or not (train or self.is_initializing()):
            return self.rate
        seen = self.variable("counters", "batches", lambda: jnp.zeros((), jnp.int32))
        share = jnp.minimum(seen.value / self.ramp, 1)
        if train:
            seen.value += 1
        return self.start + (self.rate - self.start) * share
