"""Mixed precision: parameters are kept in fp32 and computed with in another type; sums that need it stay in fp32.

Norms, softmax, losses and statistics ask for fp32 themselves (arXiv 1710.03740).
"""

from typing import Literal, TypeVar

import jax
import jax.numpy as jnp
from flax import linen as nn

T = TypeVar("T")
Dtype = Literal["float32", "bfloat16"]


def cast(tree: T, dtype: Dtype) -> T:
    """The tree with its floating leaves in `dtype`; integers, bools and keys stay as they are."""

    def leaf(x):
        return x.astype(dtype) if jnp.issubdtype(x.dtype, jnp.floating) else x

    return jax.tree.map(leaf, tree)


def computing(module: nn.Module) -> jnp.dtype:
    """The type that a module computes in, which is that of its parameters; fp32 while they are made.

    Values come to an encoder as they were measured, and go on in this type where it is precise enough.
    """
    leaves = jax.tree.leaves(module.variables.get("params", {}))
    return leaves[0].dtype if leaves else jnp.dtype("float32")
