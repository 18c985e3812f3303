"""Statements against what can be seen: items are found in the pixels, and plain sentences judged from them alone."""

import collections
import functools
import itertools
import re

import cv2
import numpy as np
import pytest

from mmjax.data import images, prepared
from mmjax.data.scene_statements import scene_statements_dataset_builder
from mmjax.data.statements import boxes, statement, statements_dataset_builder
from mmjax.data.statements.boxes import COLOURS, SHAPES, SIZES, Item, block
from mmjax.data.statements.parts import Amid, Highest, Kinds, Level, Only, Over, Run, Touching
from mmjax.data.statements.picture import PAINT, render
from mmjax.data.statements.what import What, exactly, touches

VOCABULARY = """
a above all an and any are as at atleast attached base bases bellow below beneath between big black block blocks blue
both bottom box boxes but circle circles closely color colors colour colours contains corner different each edge
exactly from grey has have having in is isa it item items just least less level ll lot many medium middle more most
multiple no none not number object objects of on only other over right roof same second shape side single small square
squares stacked t than that the there they third together top tops touching tower towers triangle triangles wall where
which with without yellow one two three four five six seven 1 2 3 4 5 6 7
"""
WORDS = set(VOCABULARY.split())
NUMBERS = {word: count for count, word in enumerate(("no", "one", "two", "three", "four", "five"))}
NUMBERS |= {str(count): count for count in range(1, 6)} | {"a": 1}
COLOUR, THINGS = "(yellow|black|blue)", ("block", "item", "object")
HEAD = rf"there (?:is|are) (exactly |only |at least )?({'|'.join(NUMBERS)}) "
PLAIN = {
    "items": rf"{COLOUR} (square|circle|triangle|block|item|object)s?( (?:not )?touching (?:the|any) (?:edge|wall))?",
    "ends": rf"towers? with (?:a|1) {COLOUR} block at (?:the )?(top|base|bottom)",
    "as end": rf"{COLOUR} blocks? as the (top|base) of a tower",
    "only": rf"(?:box|tower)(?:es|s)? with only {COLOUR} and {COLOUR} (?:items|objects|blocks)",
    "over": rf"{COLOUR} blocks? (?:on|above|over|on top of) a {COLOUR} block",
}


@functools.cache
def many():
    """The first examples of a seed."""
    return [statement.example(0, number) for number in range(2_500)]


def seen(image):
    """Of each box its items as they are found in [100, 400, 3] pixels."""
    found = []
    for left in (0, 150, 300):
        box, items = image[:, left : left + 100].astype(int) - 211, []
        for colour, paint in PAINT.items():
            way = np.array(paint) - 211
            cover = box @ way / (way @ way)
            mask = (cover > 0.02) & (np.abs(box - cover[..., None] * way).max(-1) < 8)
            _, _, places, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=4)
            for x, y, width, height, _ in places[1:]:  # the first is the ground
                inside = cover[y : y + height, x : x + width].sum() / (width * height)
                shape = "square" if inside > 0.95 else "circle" if inside > 0.7 else "triangle"
                assert width == height
                items.append(Item(shape, colour, int(width), int(x), int(y)))
        found.append(sorted(items, key=lambda item: -item.y))
    return found


def test_a_statement_is_true_as_often_as_not_whatever_its_kind_and_its_first_words():
    by = collections.defaultdict(list)
    for row in many():
        by[boxes.is_tower(row.scene), row.sentence.lower().split()[2]].append(row.label)
        by["all"].append(row.label)
    assert abs(np.mean(by.pop("all")) - 0.5) < 0.03
    for labels in by.values():
        assert abs(np.mean(labels) - 0.5) < 2 / np.sqrt(len(labels))  # four deviations of a fair coin


def test_of_the_other_scene_the_statement_is_the_opposite_and_half_of_them_are_a_few_changes_away():
    for row in many()[:300]:
        assert row.statement.holds(row.scene) == row.label != row.statement.holds(row.other)
        assert boxes.is_tower(row.scene) == boxes.is_tower(row.other)
    shared = {alike: [len(set(row.scene) & set(row.other)) for row in many() if row.alike == alike] for alike in (0, 1)}
    assert 0.45 < len(shared[1]) / len(many()) < 0.55
    assert np.mean(np.array(shared[1]) >= 2) > 0.5  # mostly one box alone differs
    assert np.mean(np.array(shared[0]) >= 2) < 0.1


def test_items_lie_in_their_box_apart_from_each_other_and_are_found_in_the_pixels():
    for row in many()[:400]:
        found = seen(render(row.scene))
        assert [collections.Counter(box) for box in found] == [collections.Counter(box) for box in row.scene]
        for box in row.scene:
            assert 1 <= len(box) <= 7
            taken = np.zeros((100, 100), int)
            for item in box:
                taken[item.y : item.y + item.size, item.x : item.x + item.size] += 1
            assert taken.max() == 1 and taken.sum() == sum(item.size**2 for item in box)


def wall(item):
    return 0 in (item.x, item.y) or 100 in (item.x + item.size, item.y + item.size)


def counted(kind, told, found):
    """How many items or boxes there are of which a plain sentence speaks."""
    if kind == "items":
        colour, noun, where = told
        all_of = [item for box in found for item in box if item.colour == colour and noun in (item.shape, *THINGS)]
        return sum(not where or wall(item) == ("not" not in where) for item in all_of)
    if kind in ("ends", "as end"):
        return sum(box[-1 if told[1] == "top" else 0].colour == told[0] for box in found)
    if kind == "only":
        return sum({item.colour for item in box} == set(told) for box in found)
    pairs = (pair for box in found for pair in itertools.pairwise(item.colour for item in box))
    return sum(pair == (told[1], told[0]) for pair in pairs)  # from the base up


def judged(sentence, found):
    """(the kind of a plain sentence, whether it is true of items by box); None of what is not plain."""
    for kind, pattern in PLAIN.items():
        if match := re.fullmatch(HEAD + pattern, sentence.lower().rstrip(".")):
            form, word, *told = match.groups()
            count = counted(kind, told, found)
            exact = word == "no" or form in ("exactly ", "only ")
            return kind, count == NUMBERS[word] if exact else count >= NUMBERS[word]
    return None


def test_plain_sentences_are_true_of_the_items_in_the_pixels():
    judgements = [(judged(row.sentence, seen(render(row.scene))), row.label) for row in many()[:1000]]
    known = [(*found, label) for found, label in judgements if found is not None]
    assert len(known) > 100 and {kind for kind, *_ in known} == set(PLAIN)
    assert [(kind, found) for kind, found, _ in known] == [(kind, label) for kind, _, label in known]


TOWER = tuple(block(colour, level) for level, colour in enumerate(("yellow", "black", "black", "yellow")))
ITEMS = (Item("circle", "blue", 10, 0, 50), Item("square", "black", 20, 11, 50), Item("triangle", "black", 30, 70, 69))


@pytest.mark.parametrize(
    ("part", "box", "expected"),
    [
        (Level(0, What("yellow")), TOWER, True),
        (Level(-2, What("black")), TOWER, True),
        (Level(2, What("yellow")), TOWER, False),
        (Level(3, What("yellow")), TOWER[:2], False),
        (Over(What("black"), What("yellow")), TOWER, True),
        (Over(What("yellow"), What("yellow")), TOWER, False),
        (Run(2, "black"), TOWER, True),
        (Run(2, "yellow"), TOWER, False),
        (Run(3), TOWER, False),
        (Amid(What("black")), TOWER, False),
        (Amid(What("black")), (*TOWER[:2], block("yellow", 2)), True),
        (Amid(What("black"), What("blue")), (*TOWER[:2], block("yellow", 2)), False),
        (Only(frozenset(("yellow", "black"))), TOWER, True),
        (Only(frozenset(("yellow", "black", "blue"))), TOWER, False),
        (Kinds(exactly(3), field="shape"), ITEMS, True),
        (Kinds(exactly(1), What("black")), ITEMS, True),
        (Touching(What("blue"), What("black")), ITEMS, True),
        (Touching(What("black"), What("black")), ITEMS, False),
        (Highest(What("blue")), ITEMS, False),  # a black one is as high
        (Highest(What("black")), ITEMS[1:], True),
    ],
)
def test_a_part_holds_of_a_box_as_its_words_say(part, box, expected):
    assert part.holds(box) == expected


def test_to_touch_is_to_reach_the_wall_and_a_corner_is_reached_nearly():
    left, near, bottom = ITEMS[0], Item("square", "blue", 20, 79, 78), Item("square", "blue", 20, 30, 80)
    assert touches(left, ("any",)) and touches(left, ("left",)) and not touches(left, ("bottom",))
    assert touches(bottom, ("bottom",)) and not touches(bottom, ("corner",))
    assert not touches(near, ("any",)) and touches(near, ("corner",))


def test_sentences_are_of_a_small_vocabulary_and_of_many_wordings():
    words = collections.Counter(word for row in many() for word in re.findall(r"[^\s,.]+", row.sentence.lower()))
    assert not set(words) - WORDS
    assert len(WORDS - set(words)) < 20
    assert len({row.sentence for row in many()}) > 1_500
    assert 0.3 < np.mean([boxes.is_tower(row.scene) for row in many()]) < 0.6


def test_articles_and_numbers_agree_with_what_follows():
    odd = r"\ba (item|object)|\ban (yellow|black|blue|square)|  |^there are (a|one|1) "
    one = rf"\b(two|three|four|five|six|[2-6]) {COLOUR}? ?(item|object|circle|triangle)\b"
    for row in many():
        assert not re.search(f"{odd}|{one}", row.sentence.lower()), row.sentence


def test_an_edge_is_smoothed_as_in_the_published_pictures():
    image = render(((Item("triangle", "black", 10, 20, 30),), (block("blue", 0), block("yellow", 1)), ITEMS))
    assert image.shape == (100, 400, 3)
    rows = image[30:34, 23:27, 0].tolist()
    assert rows == [[211, 158, 158, 211], [211, 53, 53, 211], [158, 0, 0, 158], [53, 0, 0, 53]]
    assert image[50, [110, 120, 140, 260, 299], 0].tolist() == [128] * 5
    assert image[80, 200].tolist() == image[99, 209].tolist() == [0, 153, 255]
    assert image[79, 200].tolist() == [211] * 3 and image[78, 200].tolist() == image[59, 190].tolist() == [255, 255, 0]


def test_an_example_is_a_function_of_seed_and_number():
    again = statement.example(0, 7)
    assert again == many()[7] and statement.example(1, 7) != again
    assert len({(row.scene, row.sentence) for row in many()}) > len(many()) - 5


def expected(items, tower):
    """What `contents` says of a box, counted one by one of what was found in its pixels."""

    def count(things, of):
        return [things.count(one) for one in itertools.product(*of)]

    shapes, ends = [(i.colour, i.shape) for i in items], {"left": "x", "right": "x", "top": "y", "bottom": "y"}
    reached = [
        (i.colour, name)
        for i in items
        for name, axis in ends.items()
        if getattr(i, axis) == (100 - i.size if name in ("right", "bottom") else 0)
    ]
    numbers = count(shapes, (COLOURS, SHAPES))
    numbers += count([shape for shape, i in zip(shapes, items, strict=True) if wall(i)], (COLOURS, SHAPES))
    numbers += count(reached, (COLOURS, ends)) + count([(i.colour, i.size) for i in items], (COLOURS, SIZES))
    stack = [item.colour for item in items] if tower else []  # found from the base up
    numbers += [colour in stack[level : level + 1] for level, colour in itertools.product(range(4), COLOURS)]
    near = [
        {one.colour, other.colour}
        for one, other in itertools.combinations(items, 2)
        if max(one.x - other.x - other.size, other.x - one.x - one.size) <= 2
        and max(one.y - other.y - other.size, other.y - one.y - one.size) <= 2
    ]
    pairs = itertools.combinations_with_replacement(COLOURS, 2)
    return numbers + [near.count(set(pair)) for pair in pairs]


@pytest.fixture
def small(monkeypatch):
    """Few rows of `statements` and of `scene_statements`."""
    for builder, name, rows in (
        (statements_dataset_builder, "TRAIN", 30),
        (statements_dataset_builder, "TEST", 10),
        (scene_statements_dataset_builder, "TRAIN", 45),
    ):
        monkeypatch.setattr(builder, name, rows)


def test_the_builder_keeps_what_is_in_the_boxes_and_the_test_begins_where_the_training_ends(tmp_path, small):
    assert prepared.prepare("statements", str(tmp_path))["splits"] == {"train": 30, "test": 10}
    rows = [prepared.peek("statements", split, count, str(tmp_path)) for split, count in (("train", 30), ("test", 10))]
    for row, drawn in zip(rows[0] + rows[1], many(), strict=False):
        assert row["sentence"] == drawn.sentence and row["label"] == drawn.label
        np.testing.assert_array_equal(row["image"], images.decode(render(drawn.scene)))
        for box, numbers in zip(seen(row["image"]), row["boxes"], strict=True):
            assert numbers.tolist() == expected(box, boxes.is_tower(drawn.scene))


def test_scenes_are_the_statements_and_more_without_pictures_and_have_their_test(tmp_path, small):
    for name in ("statements", "scene_statements"):
        prepared.prepare(name, str(tmp_path))
    found = {
        name: {split: prepared.peek(name, split, 100, str(tmp_path)) for split in ("train", "test")}
        for name in ("statements", "scene_statements")
    }
    assert [len(rows) for rows in found["scene_statements"].values()] == [45, 10]
    drawn = many()[:30] + many()[40:55]
    assert [row["sentence"] for row in found["scene_statements"]["train"]] == [row.sentence for row in drawn]
    assert [row["label"] for row in found["scene_statements"]["train"]] == [row.label for row in drawn]
    pairs = list(zip(found["scene_statements"]["train"], found["statements"]["train"], strict=False))
    pairs += zip(found["scene_statements"]["test"], found["statements"]["test"], strict=True)
    assert len(pairs) == 40
    for scene, statement_ in pairs:
        assert set(statement_) - set(scene) == {"image"}
        np.testing.assert_array_equal(scene["boxes"], statement_["boxes"])
        assert all(scene[name] == statement_[name] for name in ("sentence", "label", "kind"))
