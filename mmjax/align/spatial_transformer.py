"""Pictures read at other places: affine grids and bilinear sampling (Jaderberg et al. 2015, arXiv 1506.02025).

(u, v) = theta (x, y, 1)                                     where the result reads at (x, y)
y = sum over the four pixels around (u, v) of (1 - |du|) (1 - |dv|) of the pixel

Places are (across, down), -1 to 1 from edge to edge of a picture whatever its size; pixel i of N has its centre at
(2 i + 1) / N - 1. Between the outermost centres and the edge the outermost pixels hold.
"""

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from flax import linen as nn

from mmjax.nn.checks import check_sizes
from mmjax.nn.dense import Dense
from mmjax.nn.gelu import gelu

IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


class SpatialTransformer(nn.Module):
    """Pictures [B, H, W, C] to (pictures read where a network looks, inside [B, H, W] bool); at first as they are.

    The network that looks is two convolutions of stride 2 and a hidden layer, all of width `dim`.
    """

    dim: int = 32

    def __post_init__(self):
        super().__post_init__()
        check_sizes(self)

    @nn.compact
    def __call__(self, pictures: jax.Array) -> tuple[jax.Array, jax.Array]:
        _check(pictures)
        x = pictures
        for n in range(2):
            x = gelu(nn.Conv(self.dim, (3, 3), strides=(2, 2), name=f"conv_{n}")(x))
        # Not a mean over places: where things are is what is asked for.
        x = gelu(Dense(self.dim, name="hidden")(rearrange(x, "b h w c -> b (h w c)")))
        identity = nn.initializers.constant(np.array(IDENTITY, np.float32))
        theta = Dense(6, kernel_init=nn.initializers.zeros, bias_init=identity, name="theta")(x.astype(jnp.float32))
        theta = rearrange(theta, "b (i j) -> b i j", i=2)
        return sample(pictures, affine_grid(theta, *pictures.shape[1:3]))


def affine_grid(theta: jax.Array, height: int, width: int) -> jax.Array:
    """Places [B, height, width, 2] fp32 at which a result of that size reads, of theta [B, 2, 3]."""
    if jnp.ndim(theta) != 3 or jnp.shape(theta)[1:] != (2, 3):
        raise ValueError(f"an affine map is theta [B, 2, 3], given {jnp.shape(theta)}")
    x, y = ((2 * np.arange(size) + 1) / size - 1 for size in (width, height))
    own = np.stack([*np.meshgrid(x, y), np.ones((height, width))], axis=-1).astype(np.float32)
    # Sums, not a product of matrices: these may round to bf16 on an accelerator, where a pixel is 1e-2 or less.
    return jnp.sum(theta.astype(jnp.float32)[:, None, None] * own[:, :, None], axis=-1)


def sample(pictures: jax.Array, places: jax.Array) -> tuple[jax.Array, jax.Array]:
    """What pictures [B, H, W, C] hold at places [B, h, w, 2]: [B, h, w, C], and inside [B, h, w] bool.

    Where a place is outside its picture the result is 0. Gradients reach the pictures and the places.

    Raises:
        ValueError: other shapes.
    """
    _check(pictures)
    if jnp.ndim(places) != 4 or jnp.shape(places)[0] != len(pictures) or jnp.shape(places)[-1] != 2:
        raise ValueError(f"places are [B, h, w, 2], here with B {len(pictures)}, given {jnp.shape(places)}")
    places = places.astype(jnp.float32)
    inside = jnp.all(jnp.abs(places) <= 1, axis=-1)
    u, v = (_around(places[..., axis], size) for axis, size in ((0, pictures.shape[2]), (1, pictures.shape[1])))
    found = sum(
        (down_share * share)[..., None] * jax.vmap(lambda picture, i, j: picture[i, j])(pictures, down, across)
        for down, down_share in v
        for across, share in u
    )
    form = pictures.dtype if jnp.issubdtype(pictures.dtype, jnp.floating) else jnp.float32
    return jnp.where(inside[..., None], found, 0).astype(form), inside


def _around(places: jax.Array, size: int) -> tuple[tuple[jax.Array, jax.Array], ...]:
    """The pixels before and after places along one side, and the share of each."""
    at = jnp.clip((places + 1) * size / 2 - 0.5, 0, size - 1)
    first = jnp.clip(jnp.floor(at), 0, max(size - 2, 0))
    share, place = at - first, first.astype(jnp.int32)
    return (place, 1 - share), (jnp.minimum(place + 1, size - 1), share)


def _check(pictures: jax.Array) -> None:
    if jnp.ndim(pictures) != 4 or not all(jnp.shape(pictures)[1:]):
        raise ValueError(f"pictures are [B, H, W, C] of sizes from 1, given {jnp.shape(pictures)}")
