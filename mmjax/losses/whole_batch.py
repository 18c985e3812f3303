"""What losses that tie the rows of a batch together see of it: all rows, on whatever devices they lie.

Under jit a loss sees the global batch and nothing needs to be collected. Under pmap it sees this device's rows: sums go
over the axis, and what is compared with every row is gathered, with gradients that flow back through the gather. Totals
of all devices add up to the loss of the whole batch either way, which is what `core.mean.Mean` asks for.
"""

import jax
import jax.numpy as jnp
from flax import struct

from mmjax.core.mean import Mean
from mmjax.core.partition import gather, psum


@struct.dataclass
class WholeBatch:
    """Which rows of a batch count, and which of them belong together.

    Attributes:
        real: [B] bool; the others are padding, or lack one of their views.
        group: [B] int32: rows of one number belong together, such as those of a class; by itself a row's own number.
        axis: the mapped axis, None under jit.
    """

    real: jax.Array
    group: jax.Array
    axis: str | None = struct.field(pytree_node=False, default=None)

    @property
    def devices(self) -> int:
        """Over how many devices the rows lie by themselves."""
        return 1 if self.axis is None else jax.lax.axis_size(self.axis)

    @property
    def size(self) -> int:
        """Rows on all devices, real or not."""
        return len(self.real) * self.devices

    @property
    def count(self) -> jax.Array:
        """Real rows on all devices, fp32."""
        return psum(jnp.sum(self.real, dtype=jnp.float32), self.axis)

    def summed(self, values: jax.Array) -> jax.Array:
        """The sum over all devices of values that are a device's own."""
        return psum(values, self.axis)

    def gathered(self, values: jax.Array) -> jax.Array:
        """[B, ...] of all devices, [N, ...]."""
        return gather(values, self.axis)

    def kept(self, x: jax.Array) -> jax.Array:
        """x [B, ...] in fp32, with 0 in rows that are not real, whatever stands there."""
        there = self.real.reshape(-1, *(1,) * (x.ndim - 1))
        return jnp.where(there, x, 0).astype(jnp.float32)

    def pairs(self) -> tuple[jax.Array, jax.Array]:
        """(same, other), both [B, N] bool: this device's rows against all, where both are real.

        same: of one group; other: of different groups.
        """
        there = self.real[:, None] & self.gathered(self.real)[None]
        same = self.group[:, None] == self.gathered(self.group)[None]
        return there & same, there & ~same

    def shared(self, value: jax.Array) -> Mean:
        """The Mean of a loss that is the same on every device: their totals and counts add up to it and to 1."""
        return self.part(value / self.devices)

    def part(self, value: jax.Array) -> Mean:
        """The Mean of a loss that is the sum of what the devices have of it."""
        return Mean(value, jnp.asarray(1 / self.devices, jnp.float32))
