"""Sampling: what is drawn has the distribution that was asked for, by counting."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.decode.greedy import Greedy
from mmjax.decode.sample import Sample
from tests.decode import toy
from tests.decode.toy import BEGIN, ENDS, EOS, PAD, V

DRAWS = 20_000
LOGITS = np.array([3.0, 0.1, 1.5, -1.0, 0.9, 1.4, -0.3], np.float32)  # of them pad is the most probable


def expected(temperature, top_k, top_p):
    """The distribution by sorting in plain Python: temperature, then the k best, then the fewest with the share p."""
    power = {token: np.exp(LOGITS[token] / temperature) for token in range(V) if token != PAD}
    kept = sorted(power, key=power.get, reverse=True)[: top_k or V]
    whole, nucleus = sum(power[token] for token in kept), []
    for token in kept:
        if top_p is None or sum(power[other] for other in nucleus) / whole < top_p:
            nucleus.append(token)
    share = sum(power[token] for token in nucleus)
    return np.array([power[token] / share if token in nucleus else 0 for token in range(V)])


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"),
    [
        (1.0, None, None),
        (0.5, None, None),
        (2.0, 3, None),
        (1.0, None, 0.7),
        (1.0, 100, 1.0),
        (2.0, 4, 0.6),
        (1, 1, 0.1),
    ],
)
def test_tokens_are_drawn_as_often_as_their_probability_says(temperature, top_k, top_p):
    search = jax.jit(partial(Sample(temperature, top_k, top_p), toy.step, toy.pick, length=1, **ENDS))
    rows = jnp.zeros((DRAWS, toy.D)), jnp.broadcast_to(LOGITS, (DRAWS, V))
    tokens, log_p = jax.tree.map(np.asarray, search(*rows, key=jax.random.key(0)))
    found, wanted = np.bincount(tokens[:, 0], minlength=V) / DRAWS, expected(temperature, top_k, top_p)
    assert (found[wanted == 0] == 0).all()
    # Five standard deviations of a count.
    assert (np.abs(found - wanted) <= 5 * np.sqrt(wanted * (1 - wanted) / DRAWS)).all()
    own = LOGITS - np.log(np.exp(LOGITS).sum())
    np.testing.assert_allclose(log_p, own[tokens[:, 0]], atol=1e-5)


def test_equal_tokens_at_the_edge_do_not_make_more_than_were_asked_for():
    search = partial(Sample(top_k=2), toy.step, toy.pick, length=1, **ENDS)
    tokens, _ = search(jnp.zeros((500, toy.D)), jnp.zeros((500, V)), key=jax.random.key(0))
    assert len(np.unique(tokens)) == 2


def test_key_and_seed_alone_say_what_is_drawn_and_places_and_rows_draw_anew():
    search = jax.jit(partial(Sample(temperature=3.0), toy.step, toy.pick, length=8, **ENDS))
    first, again, other = (np.asarray(search(*BEGIN, key=jax.random.key(seed))[0]) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    seeded = jax.jit(partial(Sample(temperature=3.0, seed=5), toy.step, toy.pick, length=8, **ENDS))
    assert (first != np.asarray(seeded(*BEGIN, key=jax.random.key(0))[0])).any()

    endless = jnp.zeros((50, toy.D)), jnp.zeros((50, V)).at[:, EOS].set(-40.0)
    fair = jax.jit(partial(Sample(), lambda state, _: (state, endless[1]), toy.pick, length=6, **ENDS))
    tokens = np.asarray(fair(*endless, key=jax.random.key(0))[0])
    assert len(np.unique(tokens, axis=0)) > 45
    assert (tokens[:, 0] != tokens[:, 1]).any()


@pytest.mark.parametrize("search", [Sample(temperature=1e-6), Sample(temperature=1e6), Sample(seed=2**32 - 1)])
def test_at_the_bounds_words_are_drawn_and_no_pad(search):
    tokens, log_p = search(toy.step, toy.pick, *BEGIN, length=4, key=jax.random.key(0), **ENDS)
    assert (np.asarray(tokens)[:, 0] != PAD).all() and np.isfinite(log_p).all()


def test_from_the_best_token_alone_it_is_greedy():
    found = Sample(top_k=1)(toy.step, toy.pick, *BEGIN, length=8, key=jax.random.key(0), **ENDS)
    expected = Greedy()(toy.step, toy.pick, *BEGIN, length=8, **ENDS)
    jax.tree.map(np.testing.assert_array_equal, found, expected)


@pytest.mark.parametrize(
    "field",
    [
        *(dict(temperature=value) for value in (0.0, 1e-45, 1e300, float("inf"), float("nan"))),
        *(dict(top_k=0), dict(top_p=0.0), dict(top_p=1.5), dict(seed=-1), dict(seed=2**32)),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(field):
    with pytest.raises(ValueError, match=re.escape(f"{next(iter(field))} is {next(iter(field.values()))}; expected")):
        Sample(**field)
