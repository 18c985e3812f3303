"""Two views of a thing, each encoded by itself into a vector (CLIP: arXiv 2103.00020, SigLIP: arXiv 2303.15343)."""

import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
from flax import linen as nn

from mmjax.core.partition import constrain_batch
from mmjax.core.tokens import Modalities, Tokens
from mmjax.models.compose import FORMS, check_form


class TwoTowers(nn.Module):
    """A batch {NAME: values, NAME_mask: mask} to {NAME: [B, E]} of the two views that `order` names, in fp32.

    Args:
        order: the views; their encoders, and heads such as `heads.embed` or, of any length, `heads.regress`.
        scale: what cosines are multiplied with at first, learned; None for losses that take no scale.
        bias: what is added to them at first, learned; None likewise.
        interactions: what each view goes through by itself between encoder and head, with the parameters that it would
            have beside the other: the dual encoder of BEiT-3, called as in `models.compose`, by `interaction.multiway`.
        most: what the scale comes to at most.
    """

    order: tuple[str, str]
    encoders: Mapping[str, nn.Module]
    heads: Mapping[str, nn.Module]
    scale: float | None = None
    bias: float | None = None
    most: float = 100.0
    interactions: tuple[nn.Module, ...] = ()

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
        for part in self.interactions:
            check_form("interactions", part, *FORMS["interactions"])
        if self.scale is not None and not 0 < self.scale <= self.most:
            raise ValueError(f"scale is {self.scale}; expected a number above 0, up to most, {self.most}")

    def setup(self):
        if self.scale is not None:
            self.log_scale = self.param("log_scale", nn.initializers.constant(math.log(self.scale)), ())
        if self.bias is not None:
            self.logit_bias = self.param("logit_bias", nn.initializers.constant(self.bias), ())

    def __call__(self, batch: Mapping[str, jax.Array], *, train: bool) -> dict[str, jax.Array]:
        encoded = {name: self._encoded(name, batch, train) for name in self.order}
        if self.is_initializing():
            self._met(encoded, train)  # parameters are those of both views
        return {name: self.heads[name](self._met({name: encoded[name]}, train)[name], train=train) for name in encoded}

    def learned(self) -> dict[str, jax.Array]:
        """The scale and the bias, those that there are, for a loss."""
        found = {}
        if self.scale is not None:
            found["scale"] = jnp.exp(_at_most(self.log_scale, math.log(self.most)))
        if self.bias is not None:
            found["bias"] = self.logit_bias
        return found

    def _encoded(self, name: str, batch: Mapping[str, jax.Array], train: bool) -> Tokens:
        tokens = self.encoders[name](batch[name], batch[f"{name}_mask"], train=train)
        return tokens.replace(x=constrain_batch(tokens.x))

    def _met(self, modalities: Modalities, train: bool) -> Modalities:
        for interaction in self.interactions:
            modalities = interaction(modalities, train=train)
        return modalities


@jax.custom_vjp
def _at_most(x: jax.Array, most: float) -> jax.Array:
    """min(x, most), where x is beyond most with the gradient that leads back alone: else it would stay there."""
    return jnp.minimum(x, most)


def _forward(x: jax.Array, most: float) -> tuple[jax.Array, jax.Array]:
    return jnp.minimum(x, most), x > most


def _backward(beyond: jax.Array, gradient: jax.Array) -> tuple[jax.Array, None]:
    return jnp.where(beyond, jnp.maximum(gradient, 0), gradient), None


_at_most.defvjp(_forward, _backward)
