"""Mixed precision: parameters are kept in fp32 and computed with in another type; sums that need it stay in fp32.

Norms, softmax, losses and statistics ask for fp32 themselves (arXiv 1710.03740).
"""

from typing import Literal, TypeVar

import jax
import jax.numpy as jnp

T = TypeVar("T")
Dtype = Literal["float32", "bfloat16"]


def cast(tree: T, dtype: Dtype) -> T:
    """The tree with its floating leaves in `dtype`; integers, bools and keys stay as they are."""

    def leaf(x):
        return x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x

    return jax.tree.map(leaf, tree)
