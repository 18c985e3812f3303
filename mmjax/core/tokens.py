"""Tokens, the one currency between encoders, interaction, fusion and heads.

`Tokens(x: [B, L, D], mask: [B, L])` holds L tokens of width D for each of B examples; mask True = real.
"""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
from flax import struct


@struct.dataclass
class Tokens:
    """x [B, L, D] and mask [B, L] bool. Build with `Tokens.of`, change with `.replace`."""

    # No check in __post_init__: jax.tree.map rebuilds this class with leaves that are no arrays.
    x: jax.Array
    mask: jax.Array

    @classmethod
    def of(cls, x: jax.Array, mask: jax.Array) -> "Tokens":
        """Tokens from x [B, L, D] and mask [B, L] bool.

        Raises:
            ValueError: the ranks, the leading dimensions or the mask's type do not fit.
        """
        if jnp.ndim(x) != 3:
            raise ValueError(f"Tokens take x of shape [B, L, D], given {jnp.shape(x)}")
        if jnp.shape(mask) != jnp.shape(x)[:2]:
            raise ValueError(f"Tokens take a mask of shape {jnp.shape(x)[:2]} for this x, given {jnp.shape(mask)}")
        if jnp.result_type(mask) != jnp.bool_:
            raise ValueError(f"Tokens take a bool mask (True = real), given {jnp.result_type(mask)}")
        return cls(x=x, mask=mask)

    def cleared(self) -> "Tokens":
        """x is 0 where the mask is False: 0 * NaN is NaN, so that giving it no weight is not enough."""
        return self.replace(x=jnp.where(self.mask[..., None], self.x, 0))


Modalities = Mapping[str, Tokens]


def join(modalities: Modalities, order: Sequence[str]) -> Tokens:
    """One sequence [B, sum of L, D] with the modalities one after the other in the given order.

    Raises:
        ValueError: the order and the modalities do not name the same keys, or widths differ.
    """
    _check(modalities, order)
    widths = {name: modalities[name].x.shape[-1] for name in order}
    if len(set(widths.values())) > 1:
        raise ValueError(f"modalities that are joined share one width, given {widths}")
    x = jnp.concatenate([modalities[name].x for name in order], axis=1)
    mask = jnp.concatenate([modalities[name].mask for name in order], axis=1)
    return Tokens.of(x, mask)


def part(tokens: Tokens, like: Modalities, order: Sequence[str]) -> dict[str, Tokens]:
    """The exact inverse of `join`: tokens [B, sum of L, D] cut to the lengths of `like`.

    Raises:
        ValueError: the order and `like` do not name the same keys, or the lengths do not add up.
    """
    _check(like, order)
    lengths = [like[name].mask.shape[1] for name in order]
    if sum(lengths) != tokens.x.shape[1]:
        raise ValueError(
            f"{tokens.x.shape[1]} tokens cannot be parted into lengths {dict(zip(order, lengths, strict=True))}"
        )
    parts, start = {}, 0
    for name, length in zip(order, lengths, strict=True):
        cut = slice(start, start + length)
        parts[name] = Tokens.of(tokens.x[:, cut], tokens.mask[:, cut])
        start += length
    return parts


def _check(modalities: Modalities, order: Sequence[str]) -> None:
    if len(order) != len(set(order)) or set(order) != set(modalities):
        raise ValueError(f"order {tuple(order)} must name each modality once; there are {tuple(sorted(modalities))}")
