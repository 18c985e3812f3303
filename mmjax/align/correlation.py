"""How late one stream is to another, by correlation or by the phase of its spectrum alone.

correlation    r_l = Pearson's correlation of x_t and y_{t+l} over the steps that both have
GCC-PHAT       r = irfft(conj(X) Y / |conj(X) Y|)                      (Knapp and Carter 1976)
hard offset    argmax_l r_l           soft offset    sum_l softmax(r / temperature)_l l

A positive lag l says that y is late: what x holds at t, y holds at t + l. To GCC-PHAT all frequencies count alike: its
peaks are sharp for broad-band sound, and drown in noise for narrow bands, where correlation is the better one.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

CONSTANT = 1e-5  # of a stream's variance: what rounding leaves of it where it does not change for a while
SHARED = 0.5  # of the shorter stream: with less in common no lag counts
ROUNDING = 1e-11  # of a stream's squares: what rounding leaves of one that never changes
LEAST = 1e-12


class Lags(NamedTuple):
    """How well lags -most .. most fit, scores [B, 2 most + 1] fp32, and whether any does, found [B] bool."""

    scores: jax.Array
    found: jax.Array


def correlation(x: jax.Array, y: jax.Array, x_mask: jax.Array, y_mask: jax.Array, most: int) -> Lags:
    """Of x [B, N] and y [B, M], real where their masks are: -1 to 1.

    Lags at which they share less than half of the shorter one's real steps, or fewer than two, or one of them does not
    change there, score -1: a few steps correlate whatever they are. Where no other is left, as for a constant stream or
    without overlap, none is found.

    Raises:
        ValueError: `most` is no whole number from 1, or shapes that do not fit.
    """
    _check(x, y, x_mask, y_mask, most)
    (x, one), (y, other) = _standard(x, x_mask), _standard(y, y_mask)
    # What both have at a lag, and its sums, are correlations with the masks.
    pairs = ((one, other), (x, other), (one, y), (x * x, other), (one, y * y), (x, y))
    n, sx, sy, sxx, syy, sxy = (_lagged(a, b, most) for a, b in pairs)
    share = 1 / jnp.maximum(jnp.round(n), 1)
    vx, vy = sxx - sx * sx * share, syy - sy * sy * share
    changes = _enough(n, one, other) & (vx > CONSTANT * _power(x)) & (vy > CONSTANT * _power(y))
    scores = (sxy - sx * sy * share) * jax.lax.rsqrt(jnp.where(changes, vx * vy, 1))
    return Lags(jnp.where(changes, jnp.clip(scores, -1, 1), -1), jnp.any(changes, axis=-1))


def gcc_phat(x: jax.Array, y: jax.Array, x_mask: jax.Array, y_mask: jax.Array, most: int) -> Lags:
    """Of x [B, N] and y [B, M], 0 where their masks are False: -1 to 1.

    As with `correlation` lags at which they share too few steps score -1; none is found where either is constant.

    Raises:
        ValueError: as `correlation`.
    """
    _check(x, y, x_mask, y_mask, most)
    (x, one), (y, other) = _standard(x, x_mask), _standard(y, y_mask)
    enough = _enough(_lagged(one, other, most), one, other) & (_power(x) > 0) & (_power(y) > 0)
    size = x.shape[-1] + y.shape[-1]
    cross = jnp.conj(jnp.fft.rfft(x, size)) * jnp.fft.rfft(y, size)
    square = jnp.square(cross.real) + jnp.square(cross.imag)
    whitened = jnp.fft.irfft(cross * jax.lax.rsqrt(jnp.maximum(square, LEAST)), size)
    scores = _window(whitened, x.shape[-1], y.shape[-1], most)
    return Lags(jnp.where(enough, scores, -1), jnp.any(enough, axis=-1))


def hard_offset(lags: Lags) -> jax.Array:
    """[B] int32: the lag that fits best; 0 where none is found."""
    return jnp.where(lags.found, jnp.argmax(lags.scores, axis=-1) - _most(lags), 0)


def soft_offset(lags: Lags, temperature: float = 0.02) -> jax.Array:
    """[B] fp32: the mean lag by how well each fits, which has a gradient; 0 where none is found.

    Raises ValueError for a temperature that is not above 0.
    """
    if not temperature > 0:
        raise ValueError(f"temperature is {temperature}; expected a number above 0")
    weights = jax.nn.softmax(lags.scores / temperature, axis=-1)
    places = jnp.arange(lags.scores.shape[-1], dtype=jnp.float32) - _most(lags)
    return jnp.where(lags.found, jnp.sum(weights * places, axis=-1), 0)  # as a product it may have three digits


def confidence(lags: Lags, apart: int = 2) -> jax.Array:
    """[B] fp32: how much better the best lag fits than any that is more than `apart` steps from it; 0 for none."""
    best = jnp.argmax(lags.scores, axis=-1)[:, None]
    far = jnp.abs(jnp.arange(lags.scores.shape[-1]) - best) > apart
    others = jnp.max(jnp.where(far, lags.scores, 0), axis=-1)  # where no lag is that far, none is told from another
    others = jnp.where(jnp.any(far, axis=-1), others, jnp.max(lags.scores, axis=-1))
    return jnp.where(lags.found, jnp.max(lags.scores, axis=-1) - others, 0)


def _check(x: jax.Array, y: jax.Array, x_mask: jax.Array, y_mask: jax.Array, most: int) -> None:
    shapes = [jnp.shape(one) for one in (x, x_mask, y, y_mask)]
    if any(len(shape) != 2 for shape in shapes) or shapes[::2] != shapes[1::2] or shapes[0][0] != shapes[2][0]:
        raise ValueError(f"streams are [B, N] and [B, M] with masks of the same shapes, given {shapes}")
    if not isinstance(most, int) or most < 1:
        raise ValueError(f"most is {most}; expected how many steps late or early a stream may be, at least 1")


def _enough(shared: jax.Array, one: jax.Array, other: jax.Array) -> jax.Array:
    """[B, 2 most + 1] bool: lags at which both share enough real steps."""
    least = SHARED * jnp.minimum(jnp.sum(one, -1), jnp.sum(other, -1))
    return jnp.round(shared) >= jnp.maximum(least, 2)[:, None]


def _most(lags: Lags) -> int:
    return lags.scores.shape[-1] // 2


def _standard(values: jax.Array, mask: jax.Array) -> tuple[jax.Array, jax.Array]:
    """values [B, L] in any unit less the mean of what is real, of power 1, 0 elsewhere, and the mask, both fp32.

    What rounding leaves of a constant stream is 0 too.
    """
    real = mask.astype(jnp.float32)
    values = jnp.where(mask, values, 0).astype(jnp.float32)
    largest = jnp.max(jnp.abs(values), axis=-1, keepdims=True)
    values = values / jnp.where(largest > 0, largest, 1)  # squares of what came may have no place in fp32
    mean = jnp.sum(values, -1, keepdims=True) / jnp.maximum(jnp.sum(real, -1, keepdims=True), 1)
    away = jnp.where(mask, values - mean, 0)
    power = _power(away)
    changes = power > ROUNDING * _power(values)
    return jnp.where(changes, away * jax.lax.rsqrt(jnp.where(changes, power, 1)), 0), real


def _power(values: jax.Array) -> jax.Array:
    return jnp.sum(jnp.square(values), axis=-1, keepdims=True)


def _lagged(a: jax.Array, b: jax.Array, most: int) -> jax.Array:
    """[B, 2 most + 1]: sum_t a_t b_{t+l}."""
    size = a.shape[-1] + b.shape[-1]
    circular = jnp.fft.irfft(jnp.conj(jnp.fft.rfft(a, size)) * jnp.fft.rfft(b, size), size)
    return _window(circular, a.shape[-1], b.shape[-1], most)


def _window(circular: jax.Array, steps: int, others: int, most: int) -> jax.Array:
    """Lags -most .. most of [B, steps + others] that begins at lag 0 and ends at lag -1; beyond the streams 0."""
    places = jnp.arange(-most, most + 1)
    inside = (places > -steps) & (places < others)
    return jnp.where(inside, circular[:, places % circular.shape[-1]], 0)
