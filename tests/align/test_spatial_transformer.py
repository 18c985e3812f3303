"""Sampling against loops over pixels, grids whose places are known, and a network that begins as the identity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.align.spatial_transformer import SpatialTransformer, affine_grid, sample
from tests.reference import compiled

B, H, W, C = 2, 4, 5, 2
PICTURES = np.random.default_rng(0).normal(size=(B, H, W, C)).astype(np.float32)
THETA = np.array([[[0.7, -0.3, 0.1], [0.2, 0.9, -0.05]], [[1.5, 0, 0.37], [0, 1.3, 0]]], np.float32)


def by_loops(pictures, theta, height, width):
    """Every place of the result, by tents over all pixels; outermost pixels hold to the edge."""
    found, inside = np.zeros((B, height, width, C)), np.zeros((B, height, width), bool)
    for b, i, j in np.ndindex(B, height, width):
        u, v = theta[b].astype(float) @ [(2 * j + 1) / width - 1, (2 * i + 1) / height - 1, 1]
        inside[b, i, j] = abs(u) <= 1 and abs(v) <= 1
        if inside[b, i, j]:
            across = min(max((u + 1) * W / 2 - 0.5, 0), W - 1)
            down = min(max((v + 1) * H / 2 - 0.5, 0), H - 1)
            for k, n in np.ndindex(H, W):
                found[b, i, j] += max(0, 1 - abs(down - k)) * max(0, 1 - abs(across - n)) * pictures[b, k, n]
    return found, inside


def read(pictures, theta, height=6, width=3):
    return sample(pictures, affine_grid(theta, height, width))


run = compiled(read)


def test_each_place_has_the_mean_of_the_pixels_around_it_and_what_is_outside_is_told():
    found, inside = run(PICTURES, THETA)
    wanted, real = by_loops(PICTURES, THETA, 6, 3)
    np.testing.assert_array_equal(inside, real)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert 0 < inside[1].mean() < 1


def test_a_turn_by_half_and_a_mirror_are_exact():
    theta = np.array([[[-1, 0, 0], [0, -1, 0]], [[-1, 0, 0], [0, 1, 0]]], np.float32)
    found, inside = compiled(lambda *given: read(*given, H, W))(PICTURES, theta)
    np.testing.assert_allclose(found[0], PICTURES[0, ::-1, ::-1], atol=1e-5)
    np.testing.assert_allclose(found[1], PICTURES[1, :, ::-1], atol=1e-5)
    assert inside.all()


def test_gradients_are_those_of_small_changes():
    weights = np.random.default_rng(1).normal(size=(B, 6, 3, C)).astype(np.float32)

    def total(pictures, theta):
        return jnp.sum(read(pictures, theta)[0] * weights)

    told = compiled(jax.grad(total, argnums=(0, 1)))(PICTURES, THETA)
    way = [np.random.default_rng(2 + n).normal(size=one.shape) for n, one in enumerate((PICTURES, THETA))]
    for n, small in ((0, 1e-3), (1, 1e-6)):
        ends = []
        for sign in (1, -1):
            moved = [one + (sign * small * way[n] if n == m else 0) for m, one in enumerate((PICTURES, THETA))]
            ends.append(np.sum(by_loops(*moved, 6, 3)[0] * weights))
        assert np.sum(told[n] * way[n]) == pytest.approx((ends[0] - ends[1]) / (2 * small), rel=1e-3)


def test_a_map_to_one_point_or_far_outside_is_finite_and_a_picture_may_be_one_pixel():
    theta = np.array([np.zeros((2, 3)), np.full((2, 3), 1e20)], np.float32)
    gradient = compiled(jax.grad(lambda theta: jnp.sum(read(PICTURES, theta)[0])))(theta)
    found, inside = run(PICTURES, theta)
    assert np.isfinite(gradient).all() and np.isfinite(found).all() and inside[0].all() and not inside[1].any()
    pixel = PICTURES[:, :1, :1]
    np.testing.assert_allclose(run(pixel, 0 * theta)[0], np.broadcast_to(pixel, found.shape), rtol=1e-6)


def test_the_network_begins_as_the_identity_and_learns_from_what_it_read():
    module = SpatialTransformer(dim=4)
    params = compiled(module.init)(jax.random.key(0), PICTURES)["params"]

    def loss(params):
        found, inside = module.apply({"params": params}, PICTURES)
        return jnp.sum(found * PICTURES[:, ::-1]), (found, inside)

    gradient, (found, inside) = compiled(jax.grad(loss, has_aux=True))(params)
    np.testing.assert_allclose(found, PICTURES, atol=1e-5)
    assert inside.all() and np.abs(gradient["theta"]["kernel"]).max() > 1e-4


def test_shapes_that_cannot_be_are_told():
    with pytest.raises(ValueError, match=r"pictures are \[B, H, W, C\] .* given \(2, 4, 5\)"):
        read(PICTURES[..., 0], THETA)
    with pytest.raises(ValueError, match=r"theta \[B, 2, 3\], given \(2, 3\)"):
        affine_grid(THETA[0], 2, 2)
    with pytest.raises(ValueError, match=r"places are \[B, h, w, 2\], here with B 2, given \(1, 2, 2, 2\)"):
        sample(PICTURES, np.zeros((1, 2, 2, 2)))
