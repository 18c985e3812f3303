"""What every search keeps to, whatever it looks for."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.core.build import build, use
from mmjax.decode.beam import Beam
from mmjax.decode.greedy import Greedy
from mmjax.decode.sample import Sample
from mmjax.decode.search import Search
from tests.decode import toy
from tests.decode.toy import BEGIN, ENDS, EOS, PAD, B, V

SEARCHES = {
    "greedy": Greedy(),
    "sample": Sample(),
    "sample of the best": Sample(temperature=0.7, top_k=5, top_p=0.9),
    "one beam": Beam(1),
    "three beams": Beam(3, penalty=0.6),
}


@pytest.fixture(params=SEARCHES)
def search(request):
    return SEARCHES[request.param]


def run(search, length, begin=BEGIN, step=toy.step):
    found = jax.jit(partial(search, step, toy.pick, length=length, **ENDS))(*begin, key=jax.random.key(0))
    return jax.tree.map(np.asarray, found)


@pytest.mark.parametrize("length", [1, 2, 8])
def test_the_log_probability_is_that_of_the_tokens_found_and_none_of_them_is_a_pad(search, length):
    tokens, log_p = run(search, length)
    assert tokens.dtype == np.int32
    assert tokens.shape == (B, length)
    for row in range(B):
        found = toy.words(tokens[row])
        assert PAD not in found
        assert (tokens[row, len(found) :] == PAD).all()
        np.testing.assert_allclose(log_p[row], toy.total(row, found), atol=1e-4)


def test_rows_end_each_in_its_own_place(search):
    ends = {len(toy.words(row)) for row in run(search, 8)[0]}
    assert len(ends) > 2, "the toy decoder no longer tests what it should"


@pytest.mark.parametrize("name", ["greedy", "one beam", "three beams"])
def test_a_row_does_not_depend_on_those_beside_it(name):
    search = SEARCHES[name]
    tokens, log_p = run(search, 6)
    for row in range(B):
        alone, alone_log_p = run(search, 6, jax.tree.map(lambda leaf, row=row: leaf[row : row + 1], BEGIN))
        np.testing.assert_array_equal(alone[0], tokens[row])
        np.testing.assert_allclose(alone_log_p[0], log_p[row], atol=1e-5)


@pytest.mark.parametrize(
    ("answer", "steps"), [([3, 4, EOS, PAD, PAD, PAD], 2), ([EOS, PAD, PAD, PAD, PAD, PAD], 0), ([3, 4, 5, 6, 2, 3], 5)]
)
def test_it_stops_when_no_row_can_change_or_the_length_is_reached(search, answer, steps):
    asked = []

    def sure(at, rows):
        return jnp.broadcast_to(jnp.log(jax.nn.one_hot(jnp.asarray(answer)[at], V)), (rows, V))

    def step(at, token):
        jax.debug.callback(lambda: asked.append(1))
        return at + 1, sure(at[0], len(token))

    tokens, _ = run(search, 6, (jnp.ones(B, jnp.int32), sure(0, B)), step)
    jax.effects_barrier()
    np.testing.assert_array_equal(tokens, np.broadcast_to(answer, (B, 6)))
    assert len(asked) == steps


def test_a_pad_is_never_chosen_however_probable_it_is(search):
    wanted = jnp.zeros((B, V)).at[:, [EOS, PAD, 4]].set([-jnp.inf, 20.0, 19.0])
    tokens, log_p = run(search, 3, (BEGIN[0], wanted), lambda state, token: (state, wanted[:1].repeat(len(token), 0)))
    assert (tokens != PAD).all()
    assert (log_p < -3).all(), "what pad would have had is not given to the others"


def test_bf16_logits_are_summed_in_fp32(search):
    logits = BEGIN[1].astype(jnp.bfloat16)
    tokens, log_p = run(search, 1, (BEGIN[0], logits))
    exact = np.asarray(logits, np.float64)
    expected = exact - np.log(np.exp(exact).sum(-1, keepdims=True))
    assert log_p.dtype == np.float32
    np.testing.assert_allclose(log_p, np.take_along_axis(expected, tokens, 1)[:, 0], atol=1e-5)


@pytest.mark.parametrize(
    ("given", "message"), [(dict(length=0, eos=1, pad=0), "length is 0"), (dict(length=3, eos=1, pad=1), "eos and pad")]
)
def test_what_cannot_be_searched_is_refused(search, given, message):
    with pytest.raises(ValueError, match=message):
        search(toy.step, toy.pick, *BEGIN, key=jax.random.key(0), **given)


@pytest.mark.parametrize(
    "node", [use("decode.greedy"), use("decode.sample", top_k=3, top_p=0.5), use("decode.beam", width=2, penalty=0.6)]
)
def test_a_config_can_name_it(node):
    assert isinstance(build(node), Search)
