"""Collectives that are there under a mapped axis and do nothing without one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AbstractMesh, AxisType, PartitionSpec

from mmjax.core.partition import Partition, batch_ways, constrain_batch, fold_axis, gather, psum
from mmjax.train.mesh import Mesh
from mmjax.train.pmap import Pmap


def on_devices(function, *args):
    """`function` on one share a device: vmap with a named axis runs the same collectives as pmap."""
    return jax.vmap(function, axis_name="device")(*args)


def test_without_an_axis_everything_comes_back_as_it_was():
    tree, x, key = {"a": jnp.ones(2)}, jnp.ones((2, 3)), jax.random.key(0)
    assert psum(tree, None) is tree
    assert gather(x, None) is x
    assert fold_axis(key, None) is key
    assert constrain_batch(x) is x
    assert batch_ways() == 1


def test_psum_adds_every_leaf_over_the_axis():
    shares = {"a": np.arange(4.0), "b": np.arange(8.0).reshape(4, 2)}
    summed = on_devices(lambda tree: psum(tree, "device"), shares)
    np.testing.assert_array_equal(summed["a"], np.full(4, 6.0))
    np.testing.assert_array_equal(summed["b"], np.tile([12.0, 16.0], (4, 1)))


def test_gather_gives_every_device_the_rows_of_all_in_order_and_lets_gradients_through():
    shares = np.random.default_rng(0).normal(size=(3, 2, 5)).astype(np.float32)
    gathered = on_devices(lambda x: gather(x, "device"), shares)
    for device in range(3):
        np.testing.assert_array_equal(gathered[device], shares.reshape(6, 5))

    def loss(x):
        rows = gather(x, "device")
        return jax.lax.psum(jnp.sum((x @ rows.T) ** 2), "device")[None]

    def whole(x):
        rows = x.reshape(6, 5)
        return jnp.sum((rows @ rows.T) ** 2)

    through = jax.grad(lambda x: on_devices(loss, x)[0, 0])(shares)
    np.testing.assert_allclose(through, jax.grad(whole)(shares), rtol=1e-4)


def test_each_device_folds_its_own_key():
    keys = on_devices(lambda _: jax.random.key_data(fold_axis(jax.random.key(7), "device")), np.arange(4))
    assert len({tuple(key) for key in np.asarray(keys)}) == 4
    expected = [jax.random.key_data(jax.random.fold_in(jax.random.key(7), i)) for i in range(4)]
    np.testing.assert_array_equal(keys, np.stack(expected))


@pytest.mark.parametrize(
    ("names", "axes"),
    [(("data", "tensor"), ("data",)), (("data", "fsdp"), ("data", "fsdp")), (("fsdp",), ("fsdp",)), (("tensor",), ())],
)
def test_activations_are_split_over_the_batch_axes_that_the_mesh_has(names, axes):
    mesh = AbstractMesh((2,) * len(names), names, axis_types=(AxisType.Auto,) * len(names))
    with jax.sharding.use_abstract_mesh(mesh):
        traced = jax.make_jaxpr(constrain_batch)(jnp.ones((4, 3)))
        assert batch_ways() == 2 ** len(axes)
    specs = [e.params["sharding"].spec for e in traced.eqns if e.primitive.name == "sharding_constraint"]
    assert specs == ([PartitionSpec(axes)] if axes else [])


def test_how_other_dimensions_lie_can_be_left_to_the_compiler():
    mesh = AbstractMesh((2, 2), ("data", "tensor"), axis_types=(AxisType.Auto,) * 2)
    free = PartitionSpec.UNCONSTRAINED
    with jax.sharding.use_abstract_mesh(mesh):
        traced = jax.make_jaxpr(lambda x: constrain_batch(x, others=free))(jnp.ones((4, 3, 5)))
    (found,) = (e.params["sharding"].spec for e in traced.eqns if e.primitive.name == "sharding_constraint")
    assert found == PartitionSpec(("data",), free, free)


@pytest.mark.parametrize("partition", [Mesh(), Pmap()])
def test_partitions_are_recognised_by_what_they_offer(partition):
    assert isinstance(partition, Partition)
