"""Whether a run's state fits the memory of its devices, told before any of it is taken.

bytes of a device = parameters + gradients + optimiser + average, of each the part that the layout puts there

Not counted are activations, the copy of the parameters in the type that is computed in (half of them for bfloat16) and
what a chunked loss sums up of the logits' gradient (4 D V bytes): what does not fit here cannot run, what fits here may
still be too large.
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from mmjax.core import paths
from mmjax.train.state import State

GIB = 2**30
# The limit of a container's control group, which its processes are ended for passing.
_LIMIT = Path("/sys/fs/cgroup/memory.max")
# What Linux could give a new process without swapping.
_FREE = Path("/proc/meminfo")


def check(abstract: State, layout: State, trainable: Iterable[str], devices: Iterable[jax.Device]) -> None:
    """Raises ValueError where the state and its gradients need more than a device has.

    Args:
        abstract: the state's shapes and types.
        layout: a sharding for each leaf of it.
        trainable: the paths of the parameters that have gradients.
        devices: those that the run takes. Under pmap each holds all of the layout, which names one.
    """
    needs = needed(abstract, layout, trainable)
    total, there = sum(needs.values()), available(devices)
    if total > there:
        parts = ", ".join(f"{name} {size / GIB:.1f}" for name, size in needs.items() if size)
        raise ValueError(
            f"a device needs {total / GIB:.1f} GiB ({parts}) and room for activations and a copy in the type that is "
            f"computed in, but has {there / GIB:.1f} GiB; {_advice(needs)}"
        )


def _advice(needs: Mapping[str, int]) -> str:
    """What would make the need smaller, and nothing that it does without already."""
    ways = ["split the parameters over more devices (fsdp or tensor in partition.axes)"]
    if needs["gradients"]:
        ways.append("freeze some")
    if needs["optimiser"] > needs["gradients"] / 10:
        ways.append("take a rule that keeps less (optim.adafactor)")
    if needs["average"]:
        ways.append("keep no average (optim.average=None)")
    return ", ".join([*ways, "or choose a smaller model"])


def needed(abstract: State, layout: State, trainable: Iterable[str]) -> dict[str, int]:
    """Bytes of one device by what they are for."""
    inside, _ = paths.split(abstract.params, trainable)
    gradients, _ = paths.split(layout.params, trainable)
    return {
        "parameters": _bytes((abstract.params, abstract.extra), (layout.params, layout.extra)),
        "gradients": _bytes(inside, gradients),
        "optimiser": _bytes(abstract.opt.chain, layout.opt.chain),
        "average": _bytes(abstract.opt.average, layout.opt.average),
    }


def available(devices: Iterable[jax.Device]) -> int:
    """Bytes that each of these devices has; those of a host's processor share what is free of its memory."""
    here = [device for device in devices if device.process_index == jax.process_index()]
    limits = [(device.memory_stats() or {}).get("bytes_limit") for device in here]
    if all(limits):
        return min(limits)
    host = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if _LIMIT.is_file() and (limit := _LIMIT.read_text().strip()).isdigit():
        host = min(host, int(limit))
    if _FREE.is_file() and (free := re.search(r"^MemAvailable: +(\d+) kB", _FREE.read_text(), re.MULTILINE)):
        host = min(host, int(free[1]) * 1024)
    return host // len(here)


def _bytes(abstract: Any, layout: Any) -> int:
    sizes = jax.tree.map(
        lambda leaf, sharding: int(np.prod(sharding.shard_shape(leaf.shape), dtype=object)) * leaf.dtype.itemsize,
        abstract,
        layout,
    )
    return sum(jax.tree.leaves(sizes))
