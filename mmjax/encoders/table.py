"""Rows of a table: each feature is a token (FT-Transformer: Gorishniy et al. 2021, arXiv 2106.11959).

numeric:      x_j = b_j + v_j w_j
categorical:  x_j = b_j + table_j[id]
"""

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from mmjax.core.tokens import Tokens
from mmjax.nn.checks import check_arrays, check_sizes
from mmjax.nn.transformer import Transformer


class Table(nn.Module):
    """Features [B, F] with mask [B, F] to Tokens [B, F, dim]: first `numeric` numbers, then an id of each category.

    `categories` say how many ids a column has, 0 to that number less 1; any other id is one not known, with nothing but
    the column's bias. Ids are floats here: a type that does not hold them exactly is an error.
    """

    dim: int
    numeric: int = 0
    categories: tuple[int, ...] = ()
    layers: int = 3
    heads: int = 4
    hidden: int | None = None
    dropout: float = 0.0
    scan: bool = False

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)
        if self.numeric < 0 or not self.numeric + len(self.categories) or min(self.categories, default=1) < 1:
            raise ValueError(
                f"numeric is {self.numeric} and categories {self.categories}; expected at least one column, and at "
                "least one id in each category"
            )

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array, *, train: bool) -> Tokens:
        check_arrays(self, values, mask, "B F |")
        columns = self.numeric + len(self.categories)
        if values.shape[1] != columns:
            raise ValueError(
                f"a row has {values.shape[1]} features, expected {columns}: {self.numeric} numbers and "
                f"{len(self.categories)} ids"
            )
        values = jnp.where(mask, values, 0)
        start = nn.initializers.uniform(2 * self.dim**-0.5)  # moved to be around zero

        def param(name: str, rows: int) -> jax.Array:
            return self.param(name, lambda key, shape: start(key, shape) - self.dim**-0.5, (rows, self.dim))

        tokens = []
        if self.numeric:
            scale = param("scale", self.numeric)
            tokens.append(values[:, : self.numeric, None].astype(scale.dtype) * scale)
        if self.categories:
            table = param("table", sum(self.categories))
            tokens.append(self._looked_up(table, values[:, self.numeric :]))
        x = jnp.concatenate(tokens, axis=1) + param("bias", columns)
        x = nn.Dropout(self.dropout, deterministic=not train)(x)
        trunk = Transformer(self.layers, self.heads, self.hidden, self.dropout, self.scan, name="transformer")
        return trunk(Tokens.of(x, mask), train=train)

    def _looked_up(self, table: jax.Array, ids: jax.Array) -> jax.Array:
        """The row [B, K, dim] of each id [B, K] in its own part of the table, 0 for an id that is not known."""
        if jnp.issubdtype(ids.dtype, jnp.floating) and max(self.categories) - 1 > 2 ** (jnp.finfo(ids.dtype).nmant + 1):
            raise ValueError(f"{ids.dtype} does not hold ids up to {max(self.categories) - 1}; give float32 values")
        counts = np.array(self.categories)
        known = (ids >= 0) & (ids < counts)
        rows = jnp.where(known, ids, 0).astype(jnp.int32) + (np.cumsum(counts) - counts)
        return jnp.where(known[..., None], table[rows], 0)
