"""How late one stream is to another, learned where it is known (`align.learned_offset`)."""

from collections.abc import Mapping

import jax
from flax import linen as nn

from mmjax.align.learned_offset import LearnedOffset
from mmjax.core.partition import constrain_batch
from mmjax.core.tokens import Tokens
from mmjax.models.compose import FORMS, check_form


class Lateness(nn.Module):
    """A batch {NAME: values, NAME_mask: mask} to [B, 1] fp32, seconds that the second of `order` is late to the first.

    Args:
        order: the streams.
        encoders: of each, to Tokens of as many steps a second, and as many steps.
        rate: of these tokens, steps a second.
        most: seconds that an offset has at most.
    """

    order: tuple[str, str]
    encoders: Mapping[str, nn.Module]
    rate: float
    most: float

    def __post_init__(self):
        super().__post_init__()
        if set(self.encoders) != set(self.order) or len(set(self.order)) != 2:
            raise ValueError(f"order is {tuple(self.order)}; expected the two that encoders names")
        for part in self.encoders.values():
            check_form("encoders", part, *FORMS["encoders"])
        if self.rate <= 0 or self.most * self.rate < 1:
            raise ValueError(f"rate is {self.rate} and most {self.most}; expected an offset of a step or more")

    @nn.compact
    def __call__(self, batch: Mapping[str, jax.Array], *, train: bool) -> jax.Array:
        offset, _ = LearnedOffset(round(self.most * self.rate), name="offset")(
            *(self._encoded(name, batch, train) for name in self.order)
        )
        return offset[:, None] / self.rate

    def _encoded(self, name: str, batch: Mapping[str, jax.Array], train: bool) -> Tokens:
        tokens = self.encoders[name](batch[name], batch[f"{name}_mask"], train=train)
        return tokens.replace(x=constrain_batch(tokens.x))
