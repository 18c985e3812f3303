"""The Partition protocol, and collectives that do nothing where there is nothing to collect.

A partition says where state and batches lie and how a step is compiled for them. A step is written once: under a mesh
it sees the global batch, under pmap one device's share and the name of the mapped axis.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import jax
from jax.sharding import PartitionSpec

T = TypeVar("T")

# Mesh axes that split the examples of a batch.
BATCH_AXES = ("data", "fsdp")


@runtime_checkable
class Partition(Protocol):
    """Places pytrees on devices and compiles functions of them. `axis` is the mapped axis' name or None."""

    @property
    def axis(self) -> str | None: ...

    @property
    def chosen(self) -> Sequence[jax.Device]:
        """The devices that it takes."""

    def check_batch(self, size: int) -> None:
        """Raises ValueError where a global batch of this size cannot be split over the devices."""

    def layout(self, abstract: T) -> T:
        """Shardings with which a checkpoint's arrays are read for a state of this structure."""

    def put_state(self, state: T) -> T:
        """A state (host or device arrays, one copy) placed for the compiled step."""

    def put_batch(self, batch: Mapping[str, Any]) -> Mapping[str, jax.Array]:
        """This host's rows of a batch placed on its devices."""

    def compile(self, step: Callable[..., Any], *, donate: bool) -> Callable[..., Any]:
        """`step(state, batch) -> (state, metrics)` with the state donated, or `step(state, batch) -> outputs`."""

    def fetch(self, tree: T) -> T:
        """One logical copy of a placed state or of a step's metrics, as arrays that can be saved."""

    def gather(self, outputs: T) -> T:
        """Outputs that lead with the batch axis, as NumPy arrays of this host's rows."""


def psum(tree: T, axis: str | None) -> T:
    """The sum over a mapped axis; the tree itself where there is none."""
    return tree if axis is None else jax.lax.psum(tree, axis)


def gather(x: jax.Array, axis: str | None) -> jax.Array:
    """x [B, ...] of all devices [devices * B, ...]; gradients flow through it. x itself where there is no axis."""
    return x if axis is None else jax.lax.all_gather(x, axis, axis=0, tiled=True)


def by_device(run: Callable[..., jax.Array], rows: T, whole: Any, axis: str | None) -> jax.Array:
    """run(axis, rows, whole), a scalar, where each device sees its own rows and may pass them on.

    Under pmap it is this device's own, as everything there. Under a mesh it is the sum over devices, `axis` being the
    mesh's batch axes; on one device `axis` is None.
    """
    axes = tuple(_batch_axes())
    if axis is not None or not axes:
        return run(axis, rows, whole)
    split = jax.tree.map(lambda _: PartitionSpec(axes), rows), jax.tree.map(lambda _: PartitionSpec(), whole)
    summed = jax.shard_map(
        lambda rows, whole: jax.lax.psum(run(axes, rows, whole), axes), in_specs=split, out_specs=PartitionSpec()
    )
    return summed(rows, whole)


def ring(block: Callable[[T], jax.Array], moving: T, axis: str | tuple[str, ...] | None) -> jax.Array:
    """The sum of block(moving) over what all devices have of `moving`: each passes its on to the one before it."""
    total = block(moving)
    if axis is None:
        return total
    devices = jax.lax.axis_size(axis)
    passes = [(device, (device - 1) % devices) for device in range(devices)]

    def turn(carry: tuple[T, jax.Array], _: None) -> tuple[tuple[T, jax.Array], None]:
        moving, total = carry
        moving = jax.lax.ppermute(moving, axis, passes)
        return (moving, total + block(moving)), None

    (_, total), _ = jax.lax.scan(turn, (moving, total), None, length=devices - 1)
    return total


def fold_axis(key: jax.Array, axis: str | None) -> jax.Array:
    """A key of this device's own; the key itself where there is no axis."""
    return key if axis is None else jax.random.fold_in(key, jax.lax.axis_index(axis))


def constrain_batch(x: jax.Array, *, others: Any = None) -> jax.Array:
    """Activations [B, ...] split over the mesh's batch axes; x itself where there is no mesh.

    The other dimensions are whole on each device, or lie as the compiler finds best: PartitionSpec.UNCONSTRAINED.
    """
    axes = _batch_axes()
    rest = () if others is None else (others,) * (x.ndim - 1)
    return jax.lax.with_sharding_constraint(x, PartitionSpec(tuple(axes), *rest)) if axes else x


def batch_ways() -> int:
    """Over how many ways the mesh splits a batch; 1 where there is no mesh."""
    return math.prod(_batch_axes().values())


def _batch_axes() -> dict[str, int]:
    """The sizes of those of the mesh's axes that split batches; none where each device runs by itself."""
    mesh = jax.sharding.get_abstract_mesh()
    return {} if mesh.manual_axes else {axis: mesh.shape[axis] for axis in BATCH_AXES if axis in mesh.axis_names}
