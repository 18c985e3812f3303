"""Scenes against what can be seen on their pictures, and texts against the scene's own facts."""

import itertools

import numpy as np
import pytest

from mmjax.data.generator import EVALUATION, QUESTIONS, SCENE, generator
from mmjax.data.scene import COLOURS, LABELS, Scene, Thing, scene
from mmjax.data.scene_picture import draw
from mmjax.data.scene_texts import NUMBERS, OPPOSITE, caption, questions, relation
from mmjax.data.scenes import TEST, Scenes

MANY = [scene(0, number, (1, 4), (1, 2)) for number in range(300)]


def boxes(shown: Scene) -> list[tuple[float, ...]]:
    return [item.box for item in (*shown.things, *shown.words)]


def test_a_scene_is_a_function_of_seed_and_number():
    assert MANY[7] == scene.__wrapped__(0, 7, (1, 4), (1, 2))
    assert len({repr(shown) for shown in MANY}) == 300
    assert scene(1, 7, (1, 4), (1, 2)) != MANY[7]


def test_scenes_hold_what_was_asked_for_inside_the_picture_and_apart():
    for shown in MANY:
        assert 1 <= len(shown.things) <= 4 and 1 <= len(shown.words) <= 2
        labels = [thing.label for thing in shown.things]
        assert len(set(labels)) == len(labels) and set(labels) <= set(LABELS)
        assert all(0 <= top < bottom <= 1 and 0 <= left < right <= 1 for top, left, bottom, right in boxes(shown))
        for one, other in itertools.combinations(boxes(shown), 2):
            assert min(one[2], other[2]) < max(one[0], other[0]) or min(one[3], other[3]) < max(one[1], other[1])


def test_a_picture_shows_each_colour_in_its_box_and_the_ground_everywhere_else():
    size = 128
    for shown in MANY[:60]:
        image = draw(shown, size).astype(int)
        free = np.ones((size, size), bool)
        for item in (*shown.things, *shown.words):
            top, left, bottom, right = (round(value * size) for value in item.box)
            inside = image[top:bottom, left:right]
            drawn = (np.abs(inside - COLOURS[item.colour]).max(-1) < 40).mean()
            assert drawn > (0.2 if isinstance(item, Thing) else 0.02), item
            free[max(top - 2, 0) : bottom + 2, max(left - 2, 0) : right + 2] = False
        assert (image[free] == shown.ground).all()


def test_a_scene_looks_alike_at_every_size():
    small, large = (draw(MANY[3], size).astype(float) for size in (32, 128))
    averaged = large.reshape(32, 4, 32, 4, 3).mean((1, 3))
    assert np.abs(averaged - small).mean() < 4


def test_a_caption_names_everything_in_order():
    one = Thing("circle", "red", "small", (0.1, 0.0, 0.3, 0.2))
    two = Thing("star", "orange", "small", (0.7, 0.1, 0.9, 0.3))
    three = Thing("ring", "blue", "small", (0.1, 0.6, 0.3, 0.8))
    assert caption(Scene((one,), (), (0, 0, 0))) == "a red circle"
    assert caption(Scene((one, two), (), (0, 0, 0))) == "a red circle above an orange star"
    assert caption(Scene((one, three), (), (0, 0, 0))) == "a red circle left of a blue ring"
    assert caption(Scene((one, two, three), (), (0, 0, 0))) == "a red circle, an orange star and a blue ring"


def answer(shown: Scene, question: str) -> str:
    """What is true of a scene, read from the question alone."""
    words = question.rstrip("?").split()
    found = [thing for thing in shown.things if {thing.shape, thing.colour} & set(words)]
    if question.startswith("how many"):
        name = words[2:-4]
        kinds = [{thing.shape, f"{thing.shape}s", f"{thing.shape}es", "shapes", thing.colour} for thing in shown.things]
        return NUMBERS[sum(set(name) <= kind for kind in kinds)]
    if words[-2:] == ["or", "small"]:
        (thing,) = (thing for thing in shown.things if thing.label in question)
        return thing.size
    if question.startswith("which word"):
        return shown.words[0].text
    if question.startswith(("which shape", "what is the")):
        return found[0].shape
    if question.startswith(("which color", "what color")):
        return found[0].colour
    for said in OPPOSITE:
        if f" {said} the " in question:
            names = question.removeprefix("is the ").rstrip("?").split(f" {said} the ")
            one, other = (next(thing for thing in shown.things if thing.label == name) for name in names)
            (y, x), (v, u) = one.centre, other.centre
            return "yes" if {"left of": x < u, "right of": x > u, "above": y < v, "below": y > v}[said] else "no"
    named = set(words) & {*COLOURS, *(label.split()[1] for label in LABELS)}
    there = any(named <= {thing.shape, thing.colour} for thing in shown.things)
    return "yes" if there != bool({"not", "without"} & set(words)) else "no"


def test_every_question_is_answered_as_the_scene_is():
    counts = {"yes": 0, "no": 0}
    for number, shown in enumerate(MANY):
        asked = questions(shown, 8, np.random.default_rng((number, 1)))
        assert len(dict(asked)) == 8
        for question, told in asked:
            assert told == answer(shown, question), (shown, question)
            counts[told] = counts.get(told, 0) + 1
    assert 0.8 < counts["yes"] / counts["no"] < 1.25
    assert len(counts) > 20


def test_a_relation_is_turned_round_from_the_other_side():
    for shown in MANY:
        for one, other in itertools.combinations(shown.things, 2):
            assert relation(other, one) == OPPOSITE[relation(one, other)]


def test_rows_of_a_scene_share_its_picture_and_test_scenes_are_no_training_scenes():
    source = Scenes(train=5, test=3, questions=4)
    train, test = (source.split(name, ("question", "answer")) for name in ("train", "test"))
    assert [train.picture(number).tolist() for number in range(5)] == np.arange(20).reshape(5, 4).tolist()
    for row in range(20):
        shown = scene(0, row // 4, (1, 4), (0, 2))
        np.testing.assert_array_equal(train.images(row), [draw(shown, 64)])
        assert train.row(row)["caption"] == caption(shown)
        assert train.row(row)["labels"] == [thing["label"] for thing in train.row(row)["objects"]]
    assert len({train.row(row)["question"] for row in range(4)}) == 4
    np.testing.assert_array_equal(test.images(0), [draw(scene(0, TEST, (1, 4), (0, 2)), 64)])
    assert len(source.split("train", ("caption",)).order) == 5
    with pytest.raises(ValueError, match=r"no split 'dev': they have train and test"):
        source.split("dev", ())


def test_every_purpose_seed_and_number_has_a_stream_of_its_own():
    numbers = (0, 1, 2, 5, TEST - 1, TEST, TEST + 1, TEST + 5)
    keys = list(itertools.product((SCENE, QUESTIONS, EVALUATION), (0, 1, 2, 5), numbers))
    streams = {tuple(generator(*key).integers(0, 2**63, 4)) for key in keys}
    assert len(streams) == len(keys)
    # Training scene 5's questions and test scene 5, which were once one stream.
    assert generator(QUESTIONS, 0, 5).random() != generator(SCENE, 0, TEST + 5).random()
    assert generator(SCENE, 3, TEST + 7).random() == generator(SCENE, 3, TEST + 7).random()


def test_the_scenes_of_both_splits_and_their_questions_are_drawn_from_different_streams(monkeypatch):
    seeds, default = set(), np.random.default_rng
    monkeypatch.setattr(np.random, "default_rng", lambda seed: seeds.add(seed) or default(seed))
    source = Scenes(train=9, test=9, questions=2, seed=77)
    for name in ("train", "test"):
        for row in range(18):
            assert source.split(name, ("question",)).row(row)
    states = {tuple(np.random.SeedSequence(seed).generate_state(8)) for seed in seeds}
    assert len(states) == len(seeds) == 4 * 9


@pytest.mark.parametrize(("seed", "number"), [(-1, 0), (TEST, 0), (0, -1), (0, TEST * TEST)])
def test_a_seed_or_number_that_would_take_the_place_of_another_is_refused(seed, number):
    with pytest.raises(ValueError, match=f"seed is {seed} and number {number}, expected"):
        generator(SCENE, seed, number)


def test_scenes_of_a_seed_that_has_no_stream_are_refused():
    with pytest.raises(ValueError, match=r"seed is 4294967296, expected 0 to"):
        Scenes(seed=TEST)


@pytest.mark.parametrize(
    "wrong", [{"things": (0, 2)}, {"things": (3, 2)}, {"words": (0, 4)}, {"train": 0}, {"side": 8}]
)
def test_impossible_scenes_are_refused(wrong):
    with pytest.raises(ValueError, match=r"expected 1"):
        Scenes(**wrong)
