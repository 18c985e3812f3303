"""Vectors to the nearest of N codes on a sphere, which follow what they stand for (VQ-KD: arXiv 2208.06366).

i(z) = argmax_i z . e_i,   |z| = |e_i| = 1
e_i <- u(g e_i + (1 - g) u(mean of the z with i(z) = i)),   u(x) = x / |x|;   a code that stands for none stays

Codes begin as k-means of the first batch; what they move by are sums over all devices. Of pictures in which little
differs most codes would come to stand for nothing: `revive` makes such a code a vector of the batch (as in Dhariwal et
al. 2020, arXiv 2005.00341).
"""

import dataclasses
from collections.abc import Mapping

import jax
import jax.numpy as jnp

from mmjax.core.partition import gather, psum
from mmjax.core.unit import unit

BLOCK = 4096  # vectors at a time in k-means: never more than so many rows of similarities


# A plain mapping, as checkpoints give it back: codes [N, D] fp32 of length 1, share [N], the moving share of vectors
# that each stands for, begun [] bool, and moves [] int32.
Codebook = Mapping[str, jax.Array]


@dataclasses.dataclass(frozen=True)
class Quantizer:
    """Args:
    codes: N.
    keep: g, of a code and of its share, at each step of training.
    rounds: of k-means; with 0 codes begin as vectors of the first batch.
    revive: a code that stands for less than so much of its even share 1 / N becomes a vector of the batch; 0: none.
    """

    codes: int = 8192
    keep: float = 0.99
    rounds: int = 10
    revive: float = 0.0

    def __post_init__(self):
        if self.codes < 2 or self.rounds < 0 or not 0 <= self.keep < 1 or not 0 <= self.revive < 1:
            raise ValueError(
                f"codes is {self.codes}, rounds {self.rounds}, keep {self.keep} and revive {self.revive}; expected 2 "
                "or more, 0 or more and numbers in [0, 1)"
            )

    def start(self, dim: int) -> Codebook:
        """Before the first batch."""
        every = jnp.full(self.codes, 1 / self.codes, jnp.float32)
        codes, moves = jnp.zeros((self.codes, dim), jnp.float32), jnp.zeros((), jnp.int32)
        return {"codes": codes, "share": every, "begun": jnp.zeros((), bool), "moves": moves}

    def begun(self, codebook: Codebook, z: jax.Array, real: jax.Array, key: jax.Array, axis: str | None) -> Codebook:
        """With codes by the first batch z [M, D] of length 1, real [M] bool, of all devices; later as it is.

        Raises:
            ValueError: fewer vectors than codes.
        """

        def first() -> jax.Array:
            every, there = gather(z, axis), gather(real, axis)
            return self._means(every, there, self._some(every, there, key))

        codes = jax.lax.cond(codebook["begun"], lambda: codebook["codes"], first)
        return {**codebook, "codes": codes, "begun": jnp.ones((), bool)}

    def nearest(self, codebook: Codebook, z: jax.Array) -> jax.Array:
        """[...] int32 of z [..., D]."""
        return nearest(codebook["codes"], z)

    def vectors(self, codebook: Codebook, ids: jax.Array) -> jax.Array:
        """[..., D] fp32 of ids [...]."""
        return codebook["codes"][ids]

    def moved(self, codebook: Codebook, z: jax.Array, ids: jax.Array, real: jax.Array, axis: str | None) -> Codebook:
        """After a batch of z [M, D] with ids [M], those that are real [M], of all devices."""
        sums, counts = psum(self._sums(jax.lax.stop_gradient(z), ids, real), axis)
        codes = _towards(codebook["codes"], sums, counts, self.keep)
        share = counts / jnp.maximum(jnp.sum(counts), 1)
        share = jnp.where(
            jnp.any(counts > 0), self.keep * codebook["share"] + (1 - self.keep) * share, codebook["share"]
        )
        if self.revive:
            codes, share = self._revived(codes, share, z, real, codebook["moves"], axis)
        return {**codebook, "codes": codes, "share": share, "moves": codebook["moves"] + 1}

    def _revived(
        self, codes: jax.Array, share: jax.Array, z: jax.Array, real: jax.Array, moves: jax.Array, axis: str | None
    ) -> tuple[jax.Array, jax.Array]:
        dead = share < self.revive / self.codes

        def some() -> jax.Array:
            # Drawn by the move, the same on every device: the key of a step is not.
            key = jax.random.fold_in(jax.random.key(0), moves)
            found = self._some(gather(jax.lax.stop_gradient(z), axis), gather(real, axis), key)
            return jnp.where(dead[:, None], found, codes)

        codes = jax.lax.cond(jnp.any(dead), some, lambda: codes)
        return codes, jnp.where(dead, 1 / self.codes, share)

    def _some(self, z: jax.Array, real: jax.Array, key: jax.Array) -> jax.Array:
        """[N, D]: as many of z [M, D] as there are codes, of those that are real; of fewer some again."""
        if len(z) < self.codes:
            raise ValueError(
                f"a batch has {len(z):,} vectors, fewer than {self.codes:,} codes; raise data.batch, or take fewer "
                "codes"
            )
        order = jax.random.uniform(key, (len(z),)) + real
        first = jax.lax.top_k(order, self.codes)[1]
        return jnp.asarray(z, jnp.float32)[first[jnp.arange(self.codes) % jnp.maximum(jnp.sum(real), 1)]]

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
