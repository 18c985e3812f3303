"""Vectors to the nearest of N codes on a sphere, which follow what they stand for (VQ-KD: arXiv 2208.06366).

i(z) = argmax_i z . e_i,   |z| = |e_i| = 1
e_i <- u(g e_i + (1 - g) u(mean of the z with i(z) = i)),   u(x) = x / |x|;   a code that stands for none stays

Codes begin as k-means of the first batch; what they move by are sums over all devices.
"""

import dataclasses

import jax
import jax.numpy as jnp
from flax import struct

from mmjax.core.partition import gather, psum
from mmjax.core.unit import unit

BLOCK = 4096  # vectors at a time in k-means: never more than so many rows of similarities


@struct.dataclass
class Codebook:
    """codes [N, D] fp32 of length 1, the moving share [N] of vectors that each stands for, and whether they began."""

    codes: jax.Array
    share: jax.Array
    begun: jax.Array


@dataclasses.dataclass(frozen=True)
class Quantizer:
    """Args:
    codes: N.
    keep: g, of a code and of its share, at each step of training.
    rounds: of k-means; with 0 codes begin as vectors of the first batch.
    """

    codes: int = 8192
    keep: float = 0.99
    rounds: int = 10

    def __post_init__(self):
        if self.codes < 2 or self.rounds < 0 or not 0 <= self.keep < 1:
            raise ValueError(
                f"codes is {self.codes}, rounds {self.rounds} and keep {self.keep}; expected 2 or more, 0 or more and "
                "a number in [0, 1)"
            )

    def start(self, dim: int) -> Codebook:
        """Before the first batch."""
        every = jnp.full(self.codes, 1 / self.codes, jnp.float32)
        return Codebook(jnp.zeros((self.codes, dim), jnp.float32), every, jnp.zeros((), bool))

    def begun(self, codebook: Codebook, z: jax.Array, real: jax.Array, key: jax.Array, axis: str | None) -> Codebook:
        """With codes by the first batch z [M, D] of length 1, real [M] bool, of all devices; later as it is.

        Raises:
            ValueError: fewer vectors than codes.
        """

        def first() -> jax.Array:
            every, there = gather(z, axis), gather(real, axis)
            if len(every) < self.codes:
                raise ValueError(
                    f"a batch has {len(every):,} vectors, fewer than {self.codes:,} codes; raise data.batch, or take "
                    "fewer codes"
                )
            every = jnp.asarray(every)
            order = jax.random.uniform(key, (len(every),)) + there
            return self._means(every, there, every[jax.lax.top_k(order, self.codes)[1]])

        codes = jax.lax.cond(codebook.begun, lambda: codebook.codes, first)
        return codebook.replace(codes=codes, begun=jnp.ones((), bool))

    def nearest(self, codebook: Codebook, z: jax.Array) -> jax.Array:
        """[...] int32 of z [..., D]."""
        return nearest(codebook.codes, z)

    def vectors(self, codebook: Codebook, ids: jax.Array) -> jax.Array:
        """[..., D] fp32 of ids [...]."""
        return codebook.codes[ids]

    def moved(self, codebook: Codebook, z: jax.Array, ids: jax.Array, real: jax.Array, axis: str | None) -> Codebook:
        """After a batch of z [M, D] with ids [M], those that are real [M], of all devices."""
        sums, counts = psum(self._sums(jax.lax.stop_gradient(z), ids, real), axis)
        codes = _towards(codebook.codes, sums, counts, self.keep)
        share = counts / jnp.maximum(jnp.sum(counts), 1)
        return codebook.replace(codes=codes, share=self.keep * codebook.share + (1 - self.keep) * share)

    def _sums(self, z: jax.Array, ids: jax.Array, real: jax.Array) -> tuple[jax.Array, jax.Array]:
        """The sum [N, D] and number [N] of the vectors that each code stands for."""
        there = jnp.where(real[:, None], z.astype(jnp.float32), 0)
        sums = jnp.zeros((self.codes, z.shape[-1]), jnp.float32).at[ids].add(there)
        return sums, jnp.zeros(self.codes, jnp.float32).at[ids].add(real)

    def _means(self, z: jax.Array, real: jax.Array, codes: jax.Array) -> jax.Array:
        """k-means on the sphere from these codes on."""

        def turn(_: int, codes: jax.Array) -> jax.Array:
            ids = jax.lax.map(lambda one: nearest(codes, one), z, batch_size=BLOCK)
            return _towards(codes, *self._sums(z, ids, real), 0.0)

        return jax.lax.fori_loop(0, self.rounds, turn, unit(codes))


def nearest(codes: jax.Array, z: jax.Array) -> jax.Array:
    """Which of codes [N, D] is nearest to each of z [..., D], all of length 1: [...] int32."""
    # Codes that are near each other differ in late digits.
    return jnp.argmax(jnp.matmul(z.astype(jnp.float32), codes.T, precision="highest"), axis=-1)


def _towards(codes: jax.Array, sums: jax.Array, counts: jax.Array, keep: float) -> jax.Array:
    return jnp.where(counts[:, None] > 0, unit(keep * codes + (1 - keep) * unit(sums)), codes)
