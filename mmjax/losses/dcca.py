"""Deep canonical correlation analysis (Andrew et al. 2013): views that correlate as much as they can.

T = S_xx^-1/2 S_xy S_yy^-1/2,   S_xx and S_yy with r I added,   loss = -(sum of T's singular values, or of the largest)

Here T = L_x^-1 S_xy L_y^-T with the Cholesky factors S = L L', with the same singular values: roots by eigenvectors
have no finite gradient where eigenvalues are equal. Nor have singular vectors where singular values are, but the sum's
gradient needs none of theirs: it is U V' of those that are kept.
"""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

from mmjax.core.mean import Mean
from mmjax.losses.covariances import check_rows, covariances
from mmjax.losses.whole_batch import WholeBatch


@dataclasses.dataclass(frozen=True)
class Dcca:
    """(x [B, D], y [B, E], whole) to minus their correlation, which is at most min(D, E).

    Args:
        ridge: r, what is added to each variance.
        top: how many of the largest singular values count; None: all.
    """

    ridge: float = 1e-3
    top: int | None = None
    widths_differ = True  # the views' features are not compared one by one

    def __post_init__(self):
        if self.ridge <= 0:
            raise ValueError(f"ridge is {self.ridge}; expected a number above 0, such as 1e-3")
        if self.top is not None and self.top < 1:
            raise ValueError(f"top is {self.top}; expected how many correlations count, at least 1, or None for all")

    def __call__(self, x: jax.Array, y: jax.Array, whole: WholeBatch) -> Mean:
        """0, with no gradient, where no more rows have both views than there are features: any such rows correlate.

        Raises:
            ValueError: the batch has no more rows than features.
        """
        width = max(x.shape[-1], y.shape[-1])
        check_rows("the correlation", whole, width)
        found = covariances(x, y, whole)
        return whole.shared(jnp.where(whole.count > width, -total_correlation(*found, self.ridge, self.top), 0))


def total_correlation(
    s_xx: jax.Array, s_xy: jax.Array, s_yy: jax.Array, ridge: float, top: int | None = None
) -> jax.Array:
    """The sum of the canonical correlations, or of the `top` largest, from covariances."""
    half = solve_triangular(factor(s_xx, ridge), s_xy, lower=True)
    whitened = solve_triangular(factor(s_yy, ridge), half.T, lower=True).T
    return nuclear_norm(whitened, top)


def factor(s: jax.Array, ridge: float) -> jax.Array:
    """The Cholesky factor of S + r I; what rounding does to large variances is added to r."""
    rounding = s.shape[-1] * jnp.finfo(s.dtype).eps * jnp.max(jnp.diagonal(s))
    return jnp.linalg.cholesky(s + (ridge + jax.lax.stop_gradient(rounding)) * jnp.eye(s.shape[-1], dtype=s.dtype))


@partial(jax.custom_vjp, nondiff_argnums=(1,))
def nuclear_norm(matrix: jax.Array, top: int | None = None) -> jax.Array:
    """The sum of the singular values of a matrix [D, E], or of the `top` largest."""
    return jnp.sum(jnp.linalg.svd(matrix, compute_uv=False)[:top])


def _forward(matrix: jax.Array, top: int | None) -> tuple[jax.Array, jax.Array]:
    left, values, right = jnp.linalg.svd(matrix, full_matrices=False)
    return jnp.sum(values[:top]), left[:, :top] @ right[:top]


def _backward(top: int | None, direction: jax.Array, gradient: jax.Array) -> tuple[jax.Array]:
    return (gradient * direction,)


nuclear_norm.defvjp(_forward, _backward)
