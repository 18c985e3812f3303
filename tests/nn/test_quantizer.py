"""Codes against loops over vectors and codes, and the same on any devices."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.nn.quantizer import Quantizer
from tests.command import module

M, D, N = 48, 3, 6


def vectors(seed=0):
    """z [M, D] of length 1 around N directions, NaN where they are not real."""
    rng = np.random.default_rng(seed)
    z = np.random.default_rng(9).normal(size=(N, D))[rng.integers(0, N, M)] + 0.1 * rng.normal(size=(M, D))
    z = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)
    real = rng.random(M) < 0.8
    return np.where(real[:, None], z, 0), real


def step(quantizer, codebook, z, real, axis=None):
    codebook = quantizer.begun(codebook, z, real, jax.random.key(0), axis)
    ids = quantizer.nearest(codebook, z)
    return quantizer.moved(codebook, z, ids, real, axis), ids


def towards(codes, z, ids, keep):
    """Codes moved by the vectors that each stands for."""
    moved = codes.copy()
    for i in range(len(codes)):
        mine = z[ids == i]
        if len(mine):
            mean = mine.mean(0) / np.linalg.norm(mine.mean(0))
            moved[i] = keep * codes[i] + (1 - keep) * mean
            moved[i] /= np.linalg.norm(moved[i])
    return moved


def test_codes_follow_what_they_stand_for_and_those_of_none_stay():
    quantizer = Quantizer(codes=N, keep=0.9)
    z, real = vectors()
    codes = np.random.default_rng(1).normal(size=(N, D))
    codes /= np.linalg.norm(codes, axis=1, keepdims=True)
    codes[2] = -z[real].mean(0) / np.linalg.norm(z[real].mean(0))  # far from all
    codebook = quantizer.start(D) | {"codes": jnp.asarray(codes, jnp.float32), "begun": jnp.ones((), bool)}
    found, ids = jax.jit(partial(step, quantizer))(codebook, z, real)
    wanted = np.array([max(range(N), key=lambda i, one=one: one @ codes[i]) for one in z])
    np.testing.assert_array_equal(ids[real], wanted[real])
    np.testing.assert_allclose(found["codes"], towards(codes, z[real], wanted[real], 0.9), atol=1e-5)
    counts = np.bincount(wanted[real], minlength=N)
    np.testing.assert_allclose(found["share"], 0.9 / N + 0.1 * counts / counts.sum(), atol=1e-6)
    np.testing.assert_array_equal(quantizer.vectors(found, ids), found["codes"][ids])


def test_a_code_that_comes_to_stand_for_nothing_becomes_a_vector_of_the_batch():
    quantizer = Quantizer(codes=N, keep=0.5, revive=0.4)
    z, real = vectors()
    codes = np.repeat(-z[real].mean(0, keepdims=True), N, axis=0)
    codes[:4] = z[real][:4]
    codebook = quantizer.start(D) | {"codes": jnp.asarray(codes, jnp.float32), "begun": jnp.ones((), bool)}
    plain, revived = dataclasses.replace(quantizer, revive=0.0), []
    for number in range(3):
        stayed, _ = step(plain, codebook, z, real)
        codebook, _ = jax.jit(partial(step, quantizer))(codebook, z, real)
        dead = np.asarray(stayed["share"]) < 0.4 / N
        revived.append(dead.sum())
        np.testing.assert_allclose(codebook["codes"][~dead], stayed["codes"][~dead], atol=1e-6)
        assert all(np.abs(z[real] - code).sum(1).min() < 1e-6 for code in codebook["codes"][dead])
        np.testing.assert_allclose(codebook["share"], np.where(dead, 1 / N, stayed["share"]), atol=1e-6)
        assert codebook["moves"] == number + 1
    assert revived[0] == 0 and max(revived) >= 2  # the share that it began with lasts for a while


def test_codes_are_none_of_vectors_that_are_not_real_though_few_are():
    quantizer = Quantizer(codes=N, keep=0.5, revive=0.4, rounds=0)
    z, real = vectors()
    real &= np.arange(M) < 5
    codebook = quantizer.start(D)
    for _ in range(3):
        codebook, _ = step(quantizer, codebook, z, real)
        assert all(np.abs(np.linalg.norm(codebook["codes"], axis=1) - 1) < 1e-5)
    still, _ = step(quantizer, codebook, z, np.zeros_like(real))
    np.testing.assert_array_equal(still["share"], codebook["share"])


def test_codes_begin_as_k_means_of_real_vectors_and_find_each_cluster():
    (z, real), before = vectors(3), None
    for rounds in (0, 1, 2):
        quantizer = Quantizer(codes=N, rounds=rounds)
        found = quantizer.begun(quantizer.start(D), z, real, jax.random.key(2), None)
        if before is not None:
            ids = np.argmax(z[real] @ np.asarray(before["codes"], float).T, axis=1)
            np.testing.assert_allclose(
                found["codes"], towards(np.asarray(before["codes"], float), z[real], ids, 0.0), atol=1e-5
            )
        else:
            assert all(np.abs(z[real] - code).sum(1).min() < 1e-6 for code in found["codes"])
        before = found
    again = quantizer.begun(found, *vectors(4), jax.random.key(2), None)
    np.testing.assert_array_equal(again["codes"], found["codes"])


def test_what_cannot_be_is_told():
    with pytest.raises(ValueError, match=r"a batch has 48 vectors, fewer than 64 codes; raise data\.batch"):
        quantizer = Quantizer(codes=64)
        quantizer.begun(quantizer.start(D), *vectors(), jax.random.key(0), None)
    for fields in (dict(codes=1), dict(keep=1.0), dict(rounds=-1), dict(revive=1.0)):
        with pytest.raises(ValueError, match=r"codes is .* expected 2 or more"):
            dataclasses.replace(Quantizer(), **fields)


def test_devices_change_nothing(environment):
    done = module("tests.nn.test_quantizer", env=environment(4))
    assert done.returncode == 0, done.stderr


def compare() -> None:
    """On four devices: two steps from nothing, on one, on a mesh and under pmap."""
    quantizer = Quantizer(codes=N, keep=0.5, revive=0.4)

    def steps(axis, *batches):
        codebook = quantizer.start(D)
        for batch in batches:
            codebook, _ = step(quantizer, codebook, *batch, axis)
        return codebook

    batches = vectors(0), vectors(1), vectors(2)
    one = jax.jit(partial(steps, None))(*batches)
    mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,))
    split = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("data"))
    meshed = jax.jit(partial(steps, None))(*jax.device_put(batches, split))
    cut = jax.tree.map(lambda a: a.reshape(4, -1, *a.shape[1:]), batches)
    mapped = jax.tree.map(lambda a: a[0], jax.pmap(partial(steps, "data"), axis_name="data")(*cut))
    for other in (meshed, mapped):
        jax.tree.map(partial(np.testing.assert_allclose, atol=1e-5), one, other)


if __name__ == "__main__":
    compare()
