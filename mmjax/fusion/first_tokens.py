"""The first real token of each modality, which stands for all of it: a class token, or that which begins a text.

y_m = x_m,l,  l = min {l : m_l},  0 where modality m is missing
"""

import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.tokens import Modalities, Tokens, in_order


class FirstTokens(nn.Module):
    """Modalities [B, L_m, D] to Tokens [B, M, D]; of those in `of` alone where it is given. An example has all or none.

    Raises:
        ValueError: `of` names what `order` does not.
    """

    order: tuple[str, ...]
    of: tuple[str, ...] | None = None

    def __post_init__(self):
        super().__post_init__()
        strange = [name for name in self.of or () if name not in self.order]
        if strange or self.of == ():
            raise ValueError(f"of is {self.of}; expected some of {', '.join(self.order)}")

    @nn.compact
    def __call__(self, modalities: Modalities, *, train: bool) -> Tokens:
        every = dict(zip(self.order, in_order(modalities, self.order), strict=True))
        chosen = [every[name].cleared() for name in self.of or self.order]
        at = [jnp.argmax(one.mask, axis=1)[:, None, None] for one in chosen]
        first = [jnp.take_along_axis(one.x, place, axis=1) for one, place in zip(chosen, at, strict=True)]
        x = jnp.concatenate(first, axis=1)
        real = jnp.any(jnp.concatenate([one.mask for one in chosen], axis=1), axis=1, keepdims=True)
        return Tokens.of(x, jnp.broadcast_to(real, x.shape[:2]))
