"""Two views of a thing, each encoded by itself into a vector (CLIP: arXiv 2103.00020, SigLIP: arXiv 2303.15343)."""

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.partition import constrain_batch
from mmjax.core.tokens import Tokens
from mmjax.models.compose import FORMS, check_form


class TwoTowers(nn.Module):
    """A batch {NAME: values, NAME_mask: mask} to {NAME: [B, E]} of the two views that `order` names, in fp32.

    Args:
        order: the views; their encoders, and heads such as `heads.embed` or, of any length, `heads.regress`.
        scale: what cosines are multiplied with at first, learned; None for losses that take no scale.
        bias: what is added to them at first, learned; None likewise.
        most: what the scale comes to at most.
    """

    order: tuple[str, str]
    encoders: Mapping[str, nn.Module]
    heads: Mapping[str, nn.Module]
    scale: float | None = None
    bias: float | None = None
    most: float = 100.0

    def __post_init__(self):
        super().__post_init__()
        if len(set(self.order)) != 2:
            raise ValueError(f"order is {tuple(self.order)}; expected two different views")
        for field in ("encoders", "heads"):
            given = getattr(self, field)
            if set(given) != set(self.order):
                raise ValueError(f"{field} has {', '.join(sorted(given))}; expected {' and '.join(self.order)}")
            for part in given.values():
                check_form(field, part, *FORMS[field])
        if self.scale is not None and not 0 < self.scale <= self.most:
            raise ValueError(f"scale is {self.scale}; expected a number above 0, up to most, {self.most}")

    def setup(self):
        if self.scale is not None:
            self.log_scale = self.param("log_scale", nn.initializers.constant(math.log(self.scale)), ())
        if self.bias is not None:
            self.logit_bias = self.param("logit_bias", nn.initializers.constant(self.bias), ())

    def __call__(self, batch: Mapping[str, jax.Array], *, train: bool) -> dict[str, jax.Array]:
        return {name: self._seen(name, batch, train) for name in self.order}

    def learned(self) -> dict[str, jax.Array]:
        """The scale and the bias, those that there are, for a loss."""
        found = {}
        if self.scale is not None:
            found["scale"] = jnp.exp(_at_most(self.log_scale, math.log(self.most)))
        if self.bias is not None:
            found["bias"] = self.logit_bias
        return found

    def _seen(self, name: str, batch: Mapping[str, jax.Array], train: bool) -> jax.Array:
        tokens: Tokens = self.encoders[name](batch[name], batch[f"{name}_mask"], train=train)
        return self.heads[name](tokens.replace(x=constrain_batch(tokens.x)), train=train)


@jax.custom_vjp
def _at_most(x: jax.Array, most: float) -> jax.Array:
    """min(x, most), where x is beyond most with the gradient that leads back alone: else it would stay there."""
    return jnp.minimum(x, most)


def _forward(x: jax.Array, most: float) -> tuple[jax.Array, jax.Array]:
    return jnp.minimum(x, most), x > most


def _backward(beyond: jax.Array, gradient: jax.Array) -> tuple[jax.Array, None]:
    return jnp.where(beyond, jnp.maximum(gradient, 0), gradient), None


_at_most.defvjp(_forward, _backward)
