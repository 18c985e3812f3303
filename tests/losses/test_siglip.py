"""SigLIP by loops; its ring on 1, 4 and 8 devices, under a mesh and pmap; what the compiler says it holds."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.losses.ring_siglip import RingSiglip
from mmjax.losses.siglip import Siglip
from mmjax.losses.whole_batch import WholeBatch
from tests.command import module

B, D = 32, 16
SCALE, BIAS = 10.0, -10.0
GROUP = np.arange(B, dtype=np.int32) // 2 * (np.arange(B) < 12) + np.arange(B) * (np.arange(B) >= 12)
LOSSES = (Siglip(), RingSiglip())


def batch():
    rng = np.random.default_rng(0)
    x, y = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in rng.normal(size=(2, B, D)))
    real = rng.random(B) < 0.8
    x[~real] = np.nan
    return x.astype(np.float32), y.astype(np.float32), real


@pytest.mark.parametrize("group", [np.arange(B), GROUP], ids=["rows", "groups"])
@pytest.mark.parametrize("loss", LOSSES, ids=["dense", "ring"])
def test_every_pair_of_real_rows_is_a_decision(loss, group):
    x, y, real = batch()
    total = 0.0
    for i in np.flatnonzero(real):
        for j in np.flatnonzero(real):
            z = 1 if group[i] == group[j] else -1
            total -= np.log(1 / (1 + np.exp(-z * (SCALE * float(x[i] @ y[j]) + BIAS))))
    found = loss(x, y, WholeBatch(real, group), SCALE, BIAS)
    assert float(found.value) == pytest.approx(total / real.sum(), rel=1e-5) and float(found.count) == real.sum()


@pytest.mark.parametrize("devices", [1, 4, 8])
def test_the_ring_is_the_dense_loss_on_any_devices(devices, environment):
    done = module("tests.losses.test_siglip", env=environment(devices))
    assert done.returncode == 0, done.stderr
    dense, ring = map(int, done.stdout.split())
    assert ring < dense * (1.1 if devices == 1 else 2 / devices)


def compare() -> None:
    """On the devices there are, against the dense loss of one; prints the bytes that either takes under a mesh."""
    devices = jax.device_count()
    given = *batch(), GROUP.astype(np.int32)

    def losses(loss, x, y, real, group, numbers, axis=None):
        whole = WholeBatch(real, group, axis)

        def total(x, y, numbers):
            return loss(x, y, whole, *numbers).total / whole.count

        value, gradients = jax.value_and_grad(total, argnums=(0, 1, 2))(x, y, numbers)
        if axis is not None:
            value, gradients = jax.lax.psum(value, axis), (*gradients[:2], jax.lax.psum(gradients[2], axis))
        return value, gradients

    numbers = (jnp.float32(SCALE), jnp.float32(BIAS))
    wanted = jax.jit(partial(losses, LOSSES[0]))(*given, numbers)
    auto = (jax.sharding.AxisType.Auto,) * 2
    mesh = jax.make_mesh((max(devices // 2, 1), min(devices, 2)), ("data", "fsdp"), axis_types=auto)
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(("data", "fsdp")))
    for loss in LOSSES:
        with jax.set_mesh(mesh):
            close(wanted, jax.jit(partial(losses, loss))(*jax.device_put(given, rows), numbers))
        cut = [one.reshape(devices, -1, *one.shape[1:]) for one in given]
        mapped = jax.pmap(lambda *a, loss=loss: losses(loss, *a, numbers, "data"), axis_name="data")(*cut)
        gradients = [one.reshape(B, D) for one in mapped[1][:2]]
        close(wanted, (mapped[0][0], (*gradients, jax.tree.map(lambda one: one[0], mapped[1][2]))))
    big = [jax.ShapeDtypeStruct((4096, *one.shape[1:]), one.dtype, sharding=rows) for one in given]
    with jax.set_mesh(mesh):
        for loss in LOSSES:
            compiled = jax.jit(partial(losses, loss)).lower(*big, numbers).compile()
            print(compiled.memory_analysis().temp_size_in_bytes)


def close(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), one, other)


if __name__ == "__main__":
    compare()
