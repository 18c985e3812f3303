"""State and batches split over a mesh of devices, by jit and NamedSharding; one device is a mesh too.

Axes: `data` splits the batch, `fsdp` splits the batch and the parameters (ZeRO-3: Rajbhandari et al. 2020,
arXiv 1910.02054), `tensor` splits parameters within a layer (Megatron: arXiv 1909.08053).
"""

import dataclasses
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from mmjax.core import paths
from mmjax.core.partition import BATCH_AXES
from mmjax.train.compiler import cpu_options

Rule = tuple[str, str | tuple[str | None, ...]]


@dataclasses.dataclass(frozen=True)
class Mesh:
    """A mesh of named axes and ordered rules that say how each parameter is split.

    Args:
        axes: sizes of `data`, `fsdp` and `tensor`; one of them may be -1 (all devices that are left), one that is
            not named is 1.
        rules: (pattern, split) pairs; the first whose pattern is found in a parameter's path counts, and together they
            cover every parameter. A tuple names a mesh axis or None for each of the last dimensions; a single name
            splits the largest dimension that divides.
    """

    axes: Mapping[str, int] = dataclasses.field(default_factory=lambda: {"data": -1})
    rules: tuple[Rule, ...] = ((".*", "fsdp"),)
    axis = None

    def __post_init__(self):
        names = (*BATCH_AXES, "tensor")
        unknown = [name for name in self.axes if name not in names]
        if unknown:
            raise ValueError(f"axes has {unknown[0]!r}; expected some of {', '.join(names)}")
        sizes = list(self.axes.values())
        if any(size < 1 and size != -1 for size in sizes) or sizes.count(-1) > 1:
            raise ValueError(f"axes are {dict(self.axes)}; expected sizes of at least 1, and -1 at most once")

    @cached_property
    def mesh(self) -> jax.sharding.Mesh:
        sizes = {name: self.axes.get(name, 1) for name in (*BATCH_AXES, "tensor")}
        devices, fixed = jax.devices(), int(np.prod([size for size in sizes.values() if size != -1]))
        sizes = {name: len(devices) // fixed if size == -1 else size for name, size in sizes.items()}
        wanted = int(np.prod(list(sizes.values())))
        if not wanted or wanted > len(devices) or (-1 in self.axes.values() and wanted != len(devices)):
            raise ValueError(
                f"partition.axes are {dict(self.axes)}, which {len(devices)} devices cannot form; "
                "--config.partition.use=train.mesh takes those that are there"
            )
        # Auto: the compiler propagates shardings. make_mesh would give Explicit axes, in whose types a contraction
        # over a split axis is an error.
        types = (AxisType.Auto,) * len(sizes)
        return jax.make_mesh(tuple(sizes.values()), tuple(sizes), axis_types=types, devices=devices[:wanted])

    @property
    def chosen(self) -> list[jax.Device]:
        return list(self.mesh.devices.flat)

    def check_batch(self, size: int) -> None:
        ways = int(np.prod([self.mesh.shape[axis] for axis in BATCH_AXES]))
        if size % ways:
            raise ValueError(
                f"{size} examples cannot be shared evenly by {ways} devices; choose a multiple, or other sizes of "
                "data and fsdp in partition.axes"
            )

    def layout(self, abstract: Any) -> Any:
        """A NamedSharding for each leaf.

        What has a parameter's path and shape is split as the parameter is, the rest is replicated; the parameters are
        what lies under `params`.

        Raises:
            ValueError: the rules leave out a parameter, name no axis of the mesh, or split what cannot be split so.
        """
        leaves, structure = jax.tree.flatten_with_path(abstract)
        named = [(_name(path), leaf) for path, leaf in leaves]
        params = {name.removeprefix("params/"): leaf.shape for name, leaf in named if name.startswith("params/")}
        try:
            rules = paths.match(self.rules, params)
        except ValueError as error:
            raise ValueError(f"partition.rules: {error}") from None
        specs = {path: self._spec(path, params[path], rule) for path, rule in rules.items()}

        def sharding(name: str, leaf: Any) -> NamedSharding:
            parts = name.split("/")
            tails = ("/".join(parts[i:]) for i in range(1, len(parts)))
            path = next((tail for tail in tails if tail in specs), None)
            same = path is not None and leaf.shape == params[path]
            return NamedSharding(self.mesh, specs[path] if same else PartitionSpec())

        return jax.tree.unflatten(structure, [sharding(name, leaf) for name, leaf in named])

    def put_state(self, state: Any) -> Any:
        return jax.device_put(state, self.layout(state))

    def put_batch(self, batch: Mapping[str, Any]) -> dict[str, jax.Array]:
        rows = NamedSharding(self.mesh, PartitionSpec(BATCH_AXES))
        return {name: jax.make_array_from_process_local_data(rows, np.asarray(x)) for name, x in batch.items()}

    def compile(self, step: Callable[..., Any], *, donate: bool) -> Callable[..., Any]:
        def placed(state, batch):
            state, metrics = step(state, batch)
            # The state leaves as it came in, or the next call would compile again.
            return jax.lax.with_sharding_constraint(state, self.layout(state)), metrics

        # By itself XLA on a CPU copies the optimiser's moments: a step that may be skipped still reads the old ones.
        options = cpu_options(self.chosen[0].platform, xla_cpu_copy_insertion_use_region_analysis=True)
        compiled = jax.jit(placed, donate_argnums=0, compiler_options=options) if donate else jax.jit(step)

        def call(state, batch):
            with jax.set_mesh(self.mesh):
                return compiled(state, batch)

        return call

    def fetch(self, tree: Any) -> Any:
        return tree

    def gather(self, outputs: Any) -> Any:
        return jax.tree.map(_local_rows, outputs)

    def _spec(self, path: str, shape: tuple[int, ...], split: str | tuple[str | None, ...]) -> PartitionSpec:
        named = (split,) if isinstance(split, str) else split
        unknown = [axis for axis in named if axis is not None and axis not in self.mesh.axis_names]
        if unknown:
            raise ValueError(
                f"partition.rules split {path!r} over {unknown[0]!r}; expected None or one of "
                f"{', '.join(self.mesh.axis_names)}"
            )
        if isinstance(split, str):
            free = range(1 if paths.stacked(path) else 0, len(shape))
            fits = [i for i in free if shape[i] % self.mesh.shape[split] == 0]
            if self.mesh.shape[split] == 1 or not fits:
                return PartitionSpec()
            largest = max(fits, key=lambda i: (shape[i], i))
            return PartitionSpec(*(split if i == largest else None for i in range(len(shape))))
        aligned = (None,) * (len(shape) - len(split)) + split
        ways = [self.mesh.shape[axis] if axis else 1 for axis in aligned]
        if len(aligned) != len(shape) or any(n % w for n, w in zip(shape, ways, strict=True)):
            raise ValueError(
                f"partition.rules split {path!r} of shape {shape} as {split}, which its sides do not allow"
            )
        return PartitionSpec(*aligned)


def _name(path: tuple[Any, ...]) -> str:
    return jax.tree_util.keystr(path, simple=True, separator="/")


def _local_rows(x: jax.Array) -> np.ndarray:
    if x.is_fully_addressable:
        return np.asarray(x)
    # Other hosts hold the other rows. A row that is replicated over `tensor` counts once.
    shards = {shard.index[0].start or 0: shard.data for shard in x.addressable_shards}
    return np.concatenate([np.asarray(shards[start]) for start in sorted(shards)])
