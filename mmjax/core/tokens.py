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


def in_order(modalities: Modalities, order: Sequence[str]) -> list[Tokens]:
    """The modalities as the order names them.

    Raises:
        ValueError: there is none, the order does not name each of them once, one has no token, or their batch sizes or
            widths differ.
    """
    if not modalities:
        raise ValueError(f"there is no modality, with order {tuple(order)}; expected at least one")
    if len(order) != len(set(order)) or set(order) != set(modalities):
        raise ValueError(f"order {tuple(order)} must name each modality once; there are {tuple(sorted(modalities))}")
    shapes = {name: modalities[name].x.shape for name in order}
    batches, lengths, widths = ({name: shape[axis] for name, shape in shapes.items()} for axis in range(3))
    if len(set(batches.values())) > 1:
        raise ValueError(
            f"modalities must share one batch size, given {batches}; where one is missing its mask says so"
        )
    if not all(lengths.values()):
        raise ValueError(
            f"modalities must have a token, given lengths {lengths}; where one is missing its mask says so"
        )
    if len(set(widths.values())) > 1:
        raise ValueError(f"modalities must share one width, given {widths}; every encoder ends at the same dim")
    return [modalities[name] for name in order]


def join(modalities: Modalities, order: Sequence[str]) -> Tokens:
    """One sequence [B, sum of L, D] with the modalities one after the other in the given order.

    Raises:
        ValueError: as `in_order`.
    """
    tokens = in_order(modalities, order)
    x, mask = (jnp.concatenate(parts, axis=1) for parts in zip(*((one.x, one.mask) for one in tokens), strict=True))
    return Tokens.of(x, mask)


def part(tokens: Tokens, like: Modalities, order: Sequence[str]) -> dict[str, Tokens]:
    """The exact inverse of `join`: tokens [B, sum of L, D] cut to the lengths of `like`.

    Raises:
        ValueError: as `in_order` of `like`, or the lengths do not add up.
    """
    lengths = [one.mask.shape[1] for one in in_order(like, order)]
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
