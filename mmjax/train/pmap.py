"""State replicated over devices and batches split between them, by `jax.pmap` over one named axis.

The step sees one device's rows and the axis' name; it is the same step that runs under a mesh.
"""

import dataclasses
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.sharding import SingleDeviceSharding


@dataclasses.dataclass(frozen=True)
class Pmap:
    """Data parallelism over all local devices, or the first `devices` of them."""

    devices: int | None = None
    axis = "devices"

    @cached_property
    def chosen(self) -> list[jax.Device]:
        found = jax.local_devices()
        if self.devices is not None and not 1 <= self.devices <= len(found):
            raise ValueError(f"partition.devices is {self.devices}; expected 1 to {len(found)}")
        return found[: self.devices]

    def check_batch(self, size: int) -> None:
        ways = len(self.chosen) * jax.process_count()
        if size % ways:
            raise ValueError(
                f"{size} examples cannot be shared evenly by {ways} devices; choose a multiple, or another number of "
                "partition.devices"
            )

    def layout(self, abstract: Any) -> Any:
        return jax.tree.map(lambda _: SingleDeviceSharding(self.chosen[0]), abstract)

    def put_state(self, state: Any) -> Any:
        copies = len(self.chosen)
        host = jax.device_get(state)
        return self._spread(jax.tree.map(lambda x: np.broadcast_to(x, (copies, *np.shape(x))), host))

    def put_batch(self, batch: Mapping[str, Any]) -> Any:
        copies = len(self.chosen)
        rows = {name: np.asarray(x) for name, x in batch.items()}
        return self._spread({name: x.reshape(copies, len(x) // copies, *x.shape[1:]) for name, x in rows.items()})

    def compile(self, step: Callable[..., Any], *, donate: bool) -> Callable[..., Any]:
        return jax.pmap(step, axis_name=self.axis, devices=self.chosen, donate_argnums=(0,) if donate else ())

    def fetch(self, tree: Any) -> Any:
        return jax.tree.map(lambda x: x[0], tree)

    def gather(self, outputs: Any) -> Any:
        return jax.tree.map(lambda x: np.asarray(x).reshape(-1, *x.shape[2:]), outputs)

    @cached_property
    def _spread(self) -> Callable[[Any], Any]:
        # The identity under pmap places the leading axis as every later call expects it, and copies. It is made once:
        # another one would be compiled anew.
        return jax.pmap(lambda x: x, axis_name=self.axis, devices=self.chosen)
