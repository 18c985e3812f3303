"""Sort-of-CLEVR against what can be seen: objects are found by their colour, and every question answered from them."""

import math

import numpy as np

from mmjax.data import prepared
from mmjax.data.sort_of_clevr import shapes, sort_of_clevr_dataset_builder

MANY = [shapes.example(0, number) for number in range(200)]


def seen(image):
    """Of each colour (x, y, pixels): the middle of the pixels that have it, and how many they are."""
    found = []
    for colour in shapes.COLOURS.values():
        y, x = np.nonzero((image == colour).all(-1))
        found.append((x.mean(), y.mean(), len(x)))
    return found


def answered(objects, bits):
    """What is said to a question, by distances from the one asked about to each other one."""
    colour, kind, about = (int(np.argmax(part)) for part in np.split(bits, [6, 8]))
    shape = ["square" if pixels == 11 * 11 else "circle" for _, _, pixels in objects]
    x, y, _ = objects[colour]
    away = {math.dist((x, y), other[:2]): name for other, name in zip(objects, shape, strict=True)}
    if shapes.KINDS[kind] == "non_relational":
        return [shape[colour], "yes" if x < 37.5 else "no", "yes" if y < 37.5 else "no"][about]
    del away[0.0]
    return [away[min(away)], away[max(away)], str(shape.count(shape[colour]))][about]


def test_every_answer_is_true_of_the_picture():
    for row in MANY:
        objects = seen(row["image"])
        assert [answered(objects, bits) for bits in row["question"]] == row["answer"]


def test_a_picture_shows_one_whole_object_of_each_colour_and_the_ground():
    for row in MANY:
        assert row["image"].shape == (75, 75, 3)
        pixels = [count for _, _, count in seen(row["image"])]
        assert set(pixels) <= {121, pixels[int(np.argmin(pixels))]} and min(pixels) > 60
        assert sum(pixels) + (row["image"] == shapes.GROUND).all(-1).sum() == 75 * 75


def test_ten_different_questions_of_each_kind_are_asked_in_eleven_bits():
    for row in MANY:
        assert row["question"].shape == (20, 11) and row["question"].sum() == 60
        assert len(np.unique(row["question"], axis=0)) == 20
        relational = row["question"][:, 6] == 1
        assert relational.sum() == 10
        assert [kind == "relational" for kind in row["kind"]] == relational.tolist()


def test_answers_are_balanced_so_that_guessing_gains_little():
    answers = np.array([row["answer"] for row in MANY])
    for pair in (("yes", "no"), ("square", "circle")):
        first, second = ((answers == name).sum() for name in pair)
        assert 0.8 < first / second < 1.25
    counts = [(answers == str(number)).sum() for number in range(1, 7)]
    expected = [math.comb(5, number) / 32 for number in range(6)]  # the five others have its shape or not
    np.testing.assert_allclose(np.array(counts) / sum(counts), expected, atol=0.05)


def test_a_picture_is_a_function_of_seed_and_number():
    again, other = shapes.example(0, 7), shapes.example(1, 7)
    assert all(np.array_equal(again[name], MANY[7][name]) for name in again)
    assert not np.array_equal(other["image"], MANY[7]["image"])
    assert len({row["image"].tobytes() for row in MANY}) == len(MANY)


def test_the_builder_keeps_rows_as_they_are_drawn_and_the_test_begins_where_the_training_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(sort_of_clevr_dataset_builder, "TRAIN", 5)
    monkeypatch.setattr(sort_of_clevr_dataset_builder, "TEST", 2)
    found = prepared.prepare("sort_of_clevr", str(tmp_path))
    assert found["splits"] == {"train": 5, "test": 2}
    row = prepared.peek("sort_of_clevr", "test", 2, str(tmp_path))[1]
    np.testing.assert_array_equal(row["image"], MANY[6]["image"])
    np.testing.assert_array_equal(row["question"], MANY[6]["question"])
    assert [shapes.ANSWERS[number] for number in row["answer"]] == MANY[6]["answer"]
