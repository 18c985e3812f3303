"""SigLIP by loops; its ring on 1, 4 and 8 devices, under a mesh and pmap; what the compiler says it holds."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.losses.siglip import ring_siglip, siglip
from mmjax.losses.whole_batch import WholeBatch
from tests.command import ROOT

B, D = 32, 16
SCALE, BIAS = 10.0, -10.0


def batch():
    rng = np.random.default_rng(0)
    x, y = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in rng.normal(size=(2, B, D)))
    real = rng.random(B) < 0.8
    x[~real] = np.nan
    return x.astype(np.float32), y.astype(np.float32), real


@pytest.mark.parametrize("loss", [siglip, ring_siglip])
def test_every_pair_of_real_rows_is_a_decision(loss):
    x, y, real = batch()
    total = 0.0
    for i in np.flatnonzero(real):
        for j in np.flatnonzero(real):
            z = 1 if i == j else -1
            total -= np.log(1 / (1 + np.exp(-z * (SCALE * float(x[i] @ y[j]) + BIAS))))
    found = loss(x, y, SCALE, BIAS, WholeBatch(real, np.arange(B)))
    assert float(found.value) == pytest.approx(total / real.sum(), rel=1e-5) and float(found.count) == real.sum()


@pytest.mark.parametrize("devices", [1, 4, 8])
def test_the_ring_is_the_dense_loss_on_any_devices(devices, environment):
    done = subprocess.run(
        [sys.executable, "-m", "tests.losses.test_siglip"],
        cwd=ROOT, env=environment(devices), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    dense, ring = map(int, done.stdout.split())
    assert ring < dense * (1.1 if devices == 1 else 2 / devices)


def compare() -> None:
    """On the devices there are, against the dense loss of one; prints the bytes that either takes under a mesh."""
    devices = jax.device_count()
    x, y, real = batch()

    def losses(loss, x, y, real, numbers, axis=None):
        whole = WholeBatch(real, jnp.arange(len(real)), axis)

        def total(x, y, numbers):
            found = loss(x, y, *numbers, whole)
            return found.total / whole.count

        value, gradients = jax.value_and_grad(total, argnums=(0, 1, 2))(x, y, numbers)
        if axis is not None:
            value, gradients = jax.lax.psum(value, axis), (*gradients[:2], jax.lax.psum(gradients[2], axis))
        return value, gradients

    numbers = (jnp.float32(SCALE), jnp.float32(BIAS))
    wanted = jax.jit(lambda *a: losses(siglip, *a))(x, y, real, numbers)
    auto = (jax.sharding.AxisType.Auto,) * 2
    mesh = jax.make_mesh((max(devices // 2, 1), min(devices, 2)), ("data", "fsdp"), axis_types=auto)
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(("data", "fsdp")))
    for loss in (siglip, ring_siglip):
        with jax.set_mesh(mesh):
            close(wanted, jax.jit(lambda *a, loss=loss: losses(loss, *a))(*jax.device_put((x, y, real), rows), numbers))
        cut = [one.reshape(devices, -1, *one.shape[1:]) for one in (x, y, real)]
        mapped = jax.pmap(lambda x, y, real, loss=loss: losses(loss, x, y, real, numbers, "data"), axis_name="data")(
            *cut
        )
        gradients = [one.reshape(B, D) for one in mapped[1][:2]]
        close(wanted, (mapped[0][0], (*gradients, jax.tree.map(lambda one: one[0], mapped[1][2]))))
    big = [jax.ShapeDtypeStruct((4096, *one.shape[1:]), one.dtype, sharding=rows) for one in (x, y, real)]
    with jax.set_mesh(mesh):
        for loss in (siglip, ring_siglip):
            compiled = jax.jit(lambda *a, loss=loss: losses(loss, *a)).lower(*big, numbers).compile()
            print(compiled.memory_analysis().temp_size_in_bytes)


def close(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), one, other)


if __name__ == "__main__":
    compare()
