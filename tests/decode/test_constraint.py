"""Decoding from a list of answers, against the score of each of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from mmjax.decode.beam import Beam
from mmjax.decode.constraint import Trie, constrain
from mmjax.decode.greedy import Greedy
from mmjax.decode.sample import Sample
from tests.decode import toy
from tests.decode.toy import BEGIN, ENDS, EOS, PAD, B

ANSWERS = [[3], [3, 4], [3, 4, 5], [2, 2], [6, 3, 3], [6, 3, 2], [5]]  # some begin as others do
LENGTH = 5
TRIE = Trie.of(ANSWERS, length=LENGTH, **ENDS)


def run(search, answers=ANSWERS, begin=BEGIN, **key):
    trie = Trie.of(answers, length=LENGTH, **ENDS)

    def find(cache, logits):
        return search(*constrain(toy.step, toy.pick, cache, logits, trie), length=LENGTH, **ENDS, **key)

    return jax.tree.map(np.asarray, jax.jit(find)(*begin))


def scores(row, answers=ANSWERS):
    return [toy.total(row, [*answer, EOS]) for answer in answers]


def test_a_wide_beam_finds_the_most_probable_answer_of_the_list_and_its_probability():
    tokens, log_p = run(Beam(len(ANSWERS)))
    for row in range(B):
        best = int(np.argmax(scores(row)))
        assert toy.words(tokens[row]) == [*ANSWERS[best], EOS]
        np.testing.assert_allclose(log_p[row], max(scores(row)), atol=1e-4)
    assert len({tuple(row) for row in tokens.tolist()}) > 1, "the toy decoder no longer tests what it should"


@pytest.mark.parametrize(
    "search", [Greedy(), Sample(2.0), Sample(top_k=3, top_p=0.8), Beam(1), Beam(2, penalty=0.6), Beam(20)], ids=str
)
def test_every_search_writes_answers_of_the_list_to_their_end(search):
    tokens, log_p = run(search, key=jax.random.key(1))
    for row in range(B):
        found = toy.words(tokens[row])
        assert found[-1] == EOS
        assert found[:-1] in ANSWERS
        np.testing.assert_allclose(log_p[row], toy.total(row, found), atol=1e-4)


def test_greedy_takes_the_most_probable_step_inside_the_list():
    tokens, _ = run(Greedy())
    for row in range(B):
        found = []
        while EOS not in found:
            begun = [[*answer, EOS] for answer in ANSWERS if [*answer, EOS][: len(found)] == found]
            found.append(max({answer[len(found)] for answer in begun}, key=toy.log_p(row, found).__getitem__))
        assert toy.words(tokens[row]) == found


def test_answers_are_drawn_as_often_as_their_steps_say():
    draws = 20_000
    begin = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[:1], (draws, *leaf.shape[1:])), BEGIN)
    answers = [[3], [3, 4], [2]]
    tokens, _ = run(Sample(), answers, begin, key=jax.random.key(0))
    first, second = np.exp(toy.log_p(0, [])), np.exp(toy.log_p(0, [3]))
    three, end = first[3] / (first[3] + first[2]), second[EOS] / (second[EOS] + second[4])
    for answer, expected in zip(answers, (three * end, three * (1 - end), 1 - three), strict=True):
        found = np.mean([toy.words(row) == [*answer, EOS] for row in tokens])
        np.testing.assert_allclose(found, expected, atol=5 * np.sqrt(0.25 / draws))


def test_one_answer_is_always_given_whatever_its_probability():
    tokens, log_p = run(Beam(3), [[6, 6]])
    np.testing.assert_array_equal(tokens, np.broadcast_to([6, 6, EOS, PAD, PAD], (B, LENGTH)))
    np.testing.assert_allclose(log_p, [toy.total(row, [6, 6, EOS]) for row in range(B)], atol=1e-4)


def test_the_trie_is_as_large_as_its_answers_and_not_as_the_vocabulary():
    rng = np.random.default_rng(0)
    answers = [list(map(int, rng.integers(4, 250_000, rng.integers(1, 5)))) for _ in range(3_129)]
    trie = Trie.of(answers, length=8, **ENDS)
    assert sum(leaf.nbytes for leaf in jax.tree.leaves(trie)) < 8 * sum(len(answer) + 2 for answer in answers)
    logits = jax.ShapeDtypeStruct((4, 250_000), jnp.float32)
    node = jax.ShapeDtypeStruct((4,), jnp.int32)
    compiled = jax.jit(trie.confine).lower(node, logits).compile()
    assert compiled.memory_analysis().temp_size_in_bytes < 3 * 4 * 250_000 * 4
    # Each answer is a walk from the root, and after its end nothing follows.
    for answer in answers[:50]:
        node = jnp.zeros(1, jnp.int32)
        for token in (*answer, EOS):
            after = trie.follow(node, jnp.array([token]))
            assert int(after[0]) > int(node[0])
            node = after
        assert not trie.edges(node)[1].any()


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([], "list of answers is empty"),
        ([[3], []], "answer 1 is 0 tokens"),
        ([[3, EOS]], "answer 0 is 2 tokens"),
        ([[PAD]], "answer 0 is 1 tokens"),
        ([[2] * LENGTH], "expected 1 to 4"),
    ],
)
def test_lists_that_cannot_be_written_are_refused(answers, message):
    with pytest.raises(ValueError, match=message):
        Trie.of(answers, length=LENGTH, **ENDS)
