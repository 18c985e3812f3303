"""Streams of different rates, or read at any times, on one clock.

linear     v(t) = v_i + (v_{i+1} - v_i) (t - t_i) / (t_{i+1} - t_i),   t_i <= t < t_{i+1}
nearest    v(t) = v_i of the least |t - t_i|
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

SAME = 1e-5  # seconds, and
ROUNDING = 2.0**-22  # of a time in fp32: what rounding makes of it


def linear(values: jax.Array, times: jax.Array, mask: jax.Array, clock: jax.Array, gap: float) -> tuple[jax.Array, ...]:
    """Values [B, K, D] and their mask [B, K]: real between two readings at most `gap` seconds apart, and at a reading.

    Args:
        values: [B, N, D], to which there is a gradient.
        times: of each reading in seconds, [B, N], in any order.
        mask: [B, N] bool.
        clock: in seconds, [K] for all rows or [B, K].
        gap: in seconds.

    What is not real is 0. Raises ValueError for a gap that is not above 0, or shapes that do not fit.
    """
    before, after, clock = _around(values, times, mask, clock, gap)
    span = after.time - before.time
    between = before.real & after.real & (span <= gap + _same(after.time))
    share = jnp.where(between, (clock - before.time) / jnp.where(span > 0, span, 1), 0)
    near, distance = _nearer(before, after, clock)
    coincide = distance <= _same(clock)
    found = jnp.where(coincide[..., None], near, before.value + (after.value - before.value) * share[..., None])
    return _kept(found, between | coincide, jnp.result_type(values))


def nearest(
    values: jax.Array, times: jax.Array, mask: jax.Array, clock: jax.Array, gap: float
) -> tuple[jax.Array, ...]:
    """As `linear`, by the nearest reading, the earlier of two: real where it is at most gap / 2 away."""
    *around, clock = _around(values, times, mask, clock, gap)
    near, distance = _nearer(*around, clock)
    return _kept(near, distance <= gap / 2 + _same(clock), jnp.result_type(values))


class _Reading(NamedTuple):
    """What is read at or before each time of the clock, or after it: value [B, K, D], time and real [B, K]."""

    value: jax.Array
    time: jax.Array
    real: jax.Array


def _around(
    values: jax.Array, times: jax.Array, mask: jax.Array, clock: jax.Array, gap: float
) -> tuple[_Reading, _Reading, jax.Array]:
    """The readings before and after each time of the clock, and the clock [B, K]."""
    if not gap > 0:
        raise ValueError(f"gap is {gap}; expected above 0, how many seconds may lie between two readings")
    shape = jnp.shape(mask)
    clock = jnp.asarray(clock, jnp.float32)
    if len(shape) != 2 or jnp.shape(times) != shape or jnp.shape(values)[:-1] != shape or not shape[1]:
        raise ValueError(
            "a clock takes values [B, N, D], times [B, N] and mask [B, N], N from 1, given "
            f"{jnp.shape(values)}, {jnp.shape(times)} and {shape}"
        )
    if clock.ndim not in (1, 2) or (clock.ndim == 2 and len(clock) != shape[0]):
        raise ValueError(f"a clock is [K] or [B, K], here of {shape[0]} rows, given {clock.shape}")
    clock = jnp.broadcast_to(clock, (shape[0], clock.shape[-1]))
    # What is not real stands after all that is.
    times = jnp.where(mask, times, jnp.inf).astype(jnp.float32)
    order = jnp.argsort(times, axis=1)
    times = jnp.take_along_axis(times, order, axis=1)
    values = jnp.take_along_axis(jnp.where(mask[..., None], values, 0).astype(jnp.float32), order[..., None], axis=1)
    later = jax.vmap(lambda times, clock: jnp.searchsorted(times, clock, side="right"))(times, clock)
    number = jnp.sum(mask, axis=1, keepdims=True)

    def at(place: jax.Array) -> _Reading:
        real = (place >= 0) & (place < number)
        place = jnp.clip(place, 0, shape[1] - 1)
        time = jnp.where(real, jnp.take_along_axis(times, place, axis=1), 0)
        return _Reading(jnp.take_along_axis(values, place[..., None], axis=1), time, real)

    return at(later - 1), at(later), clock


def _nearer(before: _Reading, after: _Reading, clock: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The value [B, K, D] of the nearer reading, and how far it is in seconds [B, K]: without end where none is."""
    early, late = (jnp.where(one.real, jnp.abs(clock - one.time), jnp.inf) for one in (before, after))
    value = jnp.where((early <= late)[..., None], before.value, after.value)
    return value, jnp.minimum(early, late)


def _same(time: jax.Array) -> jax.Array:
    """How far times around this one may be apart and still be the same."""
    return SAME + ROUNDING * jnp.abs(time)


def _kept(values: jax.Array, real: jax.Array, form: jnp.dtype) -> tuple[jax.Array, jax.Array]:
    form = form if jnp.issubdtype(form, jnp.floating) else jnp.float32
    return jnp.where(real[..., None], values, 0).astype(form), real
