"""Beam search against all sequences there are, against a plain loop, and against greedy search."""

import re
import subprocess
import sys
from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.decode.beam import Beam
from mmjax.decode.greedy import Greedy
from tests.command import ROOT
from tests.decode import toy
from tests.decode.toy import BEGIN, ENDS, EOS, PAD, B, V


def run(width, penalty, length, begin=BEGIN, step=toy.step):
    found = jax.jit(partial(Beam(width, penalty), step, toy.pick, length=length, **ENDS))(*begin)
    return jax.tree.map(np.asarray, found)


def score(log_p, tokens, penalty):
    return log_p / ((5 + len(tokens)) / 6) ** penalty


def loop(row, width, penalty, length):
    """The published search with lists and sorting: those that go on and those that have ended, until the length."""
    alive, ended = [([], 0.0)], []
    for _ in range(length):
        steps = [
            ([*tokens, token], log_p + gain)
            for tokens, log_p in alive
            for token, gain in enumerate(toy.log_p(row, tokens))
            if token != PAD
        ]
        steps.sort(key=lambda step: -step[1])
        ended += [step for step in steps[:width] if step[0][-1] == EOS]
        alive = [step for step in steps if step[0][-1] != EOS][:width]
    return max(ended, key=lambda found: score(found[1], found[0], penalty)) if ended else alive[0]


@pytest.mark.parametrize("penalty", [0.0, 0.6, 2.0])
def test_a_wide_beam_finds_the_best_of_all_sequences(penalty):
    length = 3
    tokens, log_p = run(V**length, penalty, length)
    inner = [token for token in range(V) if token not in (EOS, PAD)]
    every = [[*start, EOS] for n in range(length) for start in product(inner, repeat=n)]
    for row in range(B):
        best = max(every, key=lambda found, row=row: score(toy.total(row, found), found, penalty))
        np.testing.assert_array_equal(tokens[row], best + [PAD] * (length - len(best)))
        np.testing.assert_allclose(log_p[row], toy.total(row, best), atol=1e-4)


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("penalty", [0.0, 0.6, 2.0])
def test_a_narrow_beam_finds_what_the_published_loop_finds(width, penalty):
    tokens, log_p = run(width, penalty, 7)
    for row in range(B):
        best, expected = loop(row, width, penalty, 7)
        np.testing.assert_array_equal(tokens[row], best + [PAD] * (7 - len(best)))
        np.testing.assert_allclose(log_p[row], expected, atol=1e-4)


@pytest.mark.parametrize("length", [1, 3, 8])
def test_one_beam_is_greedy_search(length):
    expected = jax.jit(partial(Greedy(), toy.step, toy.pick, length=length, **ENDS))(*BEGIN)
    np.testing.assert_array_equal(run(1, 0.0, length)[0], expected[0])
    np.testing.assert_allclose(run(1, 0.0, length)[1], expected[1], atol=1e-5)


def chain(table):
    """A decoder whose next token depends on the last one alone, by rows of probabilities; token PAD begins."""
    known = jnp.log(jnp.maximum(jnp.asarray([table.get(token, [0, 1, 0, 0]) for token in range(4)]), 1e-9))
    return (jnp.zeros((1, 1)), known[:1]), lambda state, token: (state, known[token])


def test_it_finds_a_probable_sequence_behind_an_improbable_token():
    begin, step = chain({PAD: [0, 0, 0.6, 0.4], 2: [0, 0.4, 0.3, 0.3], 3: [0, 1, 0, 0]})
    for width, expected in ((1, [2, EOS, PAD]), (2, [3, EOS, PAD])):
        np.testing.assert_array_equal(run(width, 0.0, 3, begin, step)[0], [expected])


def test_the_penalty_prefers_long_sequences_and_the_log_probability_is_told_without_it():
    begin, step = chain({PAD: [0, 0.6, 0.4, 0], 2: [0, 0, 0, 1], 3: [0, 1, 0, 0]})
    for penalty, expected, p in ((0.0, [EOS, PAD, PAD], 0.6), (3.0, [2, 3, EOS], 0.4)):
        tokens, log_p = run(2, penalty, 3, begin, step)
        np.testing.assert_array_equal(tokens, [expected])
        np.testing.assert_allclose(log_p, np.log(p), atol=1e-5)


def test_a_sequence_that_has_ended_stays_when_more_probable_ones_go_on_and_come_to_less():
    begin, step = chain({PAD: [0, 0.3, 0.35, 0.35], 2: [0, 0.5, 0.25, 0.25], 3: [0, 0.5, 0.25, 0.25]})
    tokens, log_p = run(3, 0.0, 4, begin, step)
    np.testing.assert_array_equal(tokens, [[EOS, PAD, PAD, PAD]])
    np.testing.assert_allclose(log_p, np.log(0.3), atol=1e-5)


def test_where_nothing_ends_the_most_probable_sequence_is_given():
    begin, step = chain({PAD: [0, 0, 0.6, 0.4], 2: [0, 0, 0.5, 0.5], 3: [0, 0, 0.1, 0.9]})
    tokens, log_p = run(2, 1.0, 3, begin, step)
    np.testing.assert_array_equal(tokens, [[3, 3, 3]])
    np.testing.assert_allclose(log_p, np.log(0.4 * 0.9 * 0.9), atol=1e-5)


@pytest.mark.parametrize(
    "field",
    [
        *(dict(width=width) for width in (0, 1025, 2 * 10**9)),
        *(dict(penalty=penalty) for penalty in (-0.1, 10.5, float("inf"), float("nan"))),
    ],
)
def test_a_beam_that_makes_no_sense_is_refused(field):
    with pytest.raises(ValueError, match="expected a width of 1 to 1024 and a penalty of 0 to 10"):
        Beam(**field)


EIGHT = """
import re
from functools import partial
import jax, numpy as np
from mmjax.decode.beam import Beam
from mmjax.nn.block import chosen
from mmjax.train.mesh import Mesh
from tests.decode.toy import EMBED, ENDS, MIX, OUT, START, step

begin = np.resize(START, (8, 5))
search = partial(Beam(3), step, chosen, length=6, **ENDS)
run = jax.jit(lambda batch: search(batch["state"], batch["state"] @ OUT))
mesh = Mesh(axes={"data": 8})
batch = mesh.put_batch({"state": begin})
with jax.set_mesh(mesh.mesh):
    compiled = run.lower(batch).compile()
jax.tree.map(np.testing.assert_array_equal, compiled(batch)[0], run({"state": begin})[0])
print(*re.findall(r"= (.*?) (?:all-|reduce-scatter|collective-permute)[\\w-]*\\(", compiled.as_text()))
"""


def test_beams_of_a_row_stay_on_its_device(environment):
    done = subprocess.run(
        [sys.executable, "-c", EIGHT], cwd=ROOT, env=environment(8), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    # Devices tell each other whether they are done, and XLA sorts the scores of all rows together.
    sent = [tuple(map(int, shape.split(","))) for shape in re.findall(r"\[([\d,]+)\]", done.stdout)]
    assert {shape[0] for shape in sent} <= {8} and not any(shape[-1] == toy.D for shape in sent)
