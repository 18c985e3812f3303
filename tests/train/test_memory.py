"""What a state takes on a device, counted by hand, and the line that says when there is not so much."""

import dataclasses
import os
from functools import partial

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import AbstractMesh, AxisType

from mmjax.optim.group import Group
from mmjax.train import memory
from mmjax.train.loop import Run
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap
from mmjax.train.state import create
from tests.train.toy import Toy, experiment, optimizer, points

KERNEL, BIAS = 64 * 32, 32


@dataclasses.dataclass(frozen=True)
class Wide(Toy):
    """A toy with one kernel [64, width] and its bias, which is never made but in the abstract."""

    width: int = 32

    def init(self, key, batch):
        return {"dense": {"kernel": jnp.zeros((64, self.width)), "bias": jnp.zeros(self.width)}}, {}


def abstract(optim):
    return jax.eval_shape(partial(create, Wide(), optim, 0, points((0,), 8)))


def split(ways):
    """A mesh of so many devices that need not be there."""
    partition = Mesh(axes={"fsdp": ways})
    partition.__dict__["mesh"] = AbstractMesh((1, ways, 1), ("data", "fsdp", "tensor"), (AxisType.Auto,) * 3)
    return partition


@pytest.mark.parametrize("ways", [1, 4])
def test_it_counts_what_the_layout_puts_on_one_device(ways):
    optim = optimizer()  # AdamW keeps two moments of each parameter, and an average is kept
    state = abstract(optim)
    found = memory.needed(state, split(ways).layout(state), optim.trainable(state.params))
    each = 4 * (KERNEL + BIAS) // ways
    assert found["parameters"] == found["gradients"] == found["average"] == each
    assert 2 * each <= found["optimiser"] < 2 * each + 100  # and some counters


def test_what_is_frozen_has_no_gradients_no_moments_and_no_average():
    optim = optimizer(groups=(("kernel$", Group(frozen=True)), (".*", Group())))
    state = abstract(optim)
    found = memory.needed(state, split(1).layout(state), optim.trainable(state.params))
    assert found["parameters"] == 4 * (KERNEL + BIAS)
    assert found["gradients"] == found["average"] == 4 * BIAS


@pytest.fixture(autouse=True)
def still(tmp_path, monkeypatch):
    """The free memory of a host on which nothing else happens: 2 GiB."""
    free = tmp_path / "meminfo"
    free.write_text("MemTotal:       8388608 kB\nMemFree:         1048576 kB\nMemAvailable:    2097152 kB\n")
    monkeypatch.setattr(memory, "_FREE", free)
    return free


def test_what_others_have_taken_of_a_hosts_memory_is_not_there(still, monkeypatch):
    assert memory.available(jax.devices()[:1]) == 2 * 2**30
    still.unlink()
    monkeypatch.setattr(memory, "_LIMIT", still)
    assert memory.available(jax.devices()[:1]) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_only_what_would_help_is_advised():
    every = memory._advice({"parameters": 9, "gradients": 9, "optimiser": 18, "average": 9})
    assert all(
        part in every for part in ("partition.axes", "freeze", "optim.adafactor", "optim.average=None", "smaller")
    )
    least = memory._advice({"parameters": 9, "gradients": 0, "optimiser": 0, "average": 0})
    assert not any(part in least for part in ("freeze", "optim.adafactor", "optim.average"))
    assert "optim.adafactor" not in memory._advice({"parameters": 90, "gradients": 90, "optimiser": 1, "average": 0})


def test_devices_of_a_host_have_its_memory_between_them_and_no_more():
    one = memory.available(jax.devices()[:1])
    assert 2**28 < one < 2**50
    assert memory.available(jax.devices()[:1] * 4) == one // 4


@pytest.mark.parametrize("partition", [Mesh(axes={"data": 1}), Pmap(1)], ids=["mesh", "pmap"])
def test_each_partition_names_all_the_devices_whose_memory_is_looked_at(partition):
    assert partition.chosen == jax.local_devices()[:1]


def test_copies_of_a_host_share_its_memory():
    optim = optimizer()
    state = abstract(optim)
    layout, trainable = Pmap(1).layout(state), optim.trainable(state.params)
    one = sum(memory.needed(state, layout, trainable).values())
    memory.check(state, layout, trainable, jax.devices()[:1])
    copies = memory.available(jax.devices()[:1]) // one + 1
    with pytest.raises(ValueError, match=r"a device needs 0\.0 GiB .* but has 0\.0 GiB"):
        memory.check(state, layout, trainable, jax.devices()[:1] * copies)


def test_evaluation_needs_no_memory_for_training(tmp_path):
    x = experiment(task=Wide(width=10**12))
    assert Run(x, tmp_path, print, trains=False).abstract.params


def test_a_run_that_cannot_fit_says_how_much_it_needs_and_for_what_before_it_reads_any_data(tmp_path, monkeypatch):
    x = experiment(task=Wide(width=10**12))
    monkeypatch.setattr(type(x.data), "open", lambda *_: pytest.fail("the data was opened"))
    with pytest.raises(ValueError) as caught:
        Run(x, tmp_path, print)
    size = 4 * 65 * 10**12 / 2**30
    line = str(caught.value)
    assert line.startswith(
        f"a device needs {5 * size:.1f} GiB (parameters {size:.1f}, gradients {size:.1f}, optimiser {2 * size:.1f}, "
        f"average {size:.1f}) and room for activations and a copy in the type that is computed in, but has "
    )
    assert "\n" not in line and "partition.axes" in line
