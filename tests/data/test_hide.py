"""What is hidden of pictures and texts: how much, where, and in place of what."""

from collections import Counter

import numpy as np
import pytest

from mmjax.data.hide import Hide, blocks
from mmjax.data.words import Words

GRID = (14, 14)


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    said = "one two three four five six seven eight nine ten"
    return Words(size=32, sentinels=2).open(tmp_path_factory.mktemp("words"), lambda: iter([said]))


def row(words, text="one two three four five six", image=True):
    ids = [words.bos, *words.encode(text), words.eos] if text else []
    values, mask = np.full(12, words.pad, np.int32), np.zeros(12, bool)
    values[: len(ids)], mask[: len(ids)] = ids, True
    picture = {"image": np.zeros((8, 8, 3), np.uint8), "image_mask": np.array(image)}
    return picture | {"text": values, "text_mask": mask}


def test_blocks_hide_exactly_so_many_patches_mostly_side_by_side():
    beside, scattered = [], []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        mask = blocks(rng, *GRID, 78)
        assert mask.sum() == 78
        loose = np.zeros(mask.size, bool)
        loose[rng.permutation(mask.size)[:78]] = True
        for found, each in ((beside, mask), (scattered, loose.reshape(GRID))):
            found.append((each[:, 1:] & each[:, :-1]).sum() + (each[1:] & each[:-1]).sum())
    assert np.mean(beside) > 1.5 * np.mean(scattered)
    assert len({blocks(np.random.default_rng(seed), *GRID, 78).tobytes() for seed in range(5)}) == 5
    for count in (0, 1, 196):
        assert blocks(np.random.default_rng(0), *GRID, count).sum() == count
    with pytest.raises(ValueError, match="197 patches of 14 x 14 cannot be hidden"):
        blocks(np.random.default_rng(0), *GRID, 197)


def test_of_a_pair_another_share_is_hidden_than_of_a_picture_or_a_text_alone(words):
    hide = Hide(GRID, image=(0.4, 0.25), text=(0.15, 0.5))
    for given, patches, told in ((row(words), 49, 3), (row(words, ""), 78, 0), (row(words, image=False), 0, 1)):
        found = hide(given, words, np.random.default_rng(0))
        assert found["image_hidden"].sum() == patches and (found["text_places"] >= 0).sum() == told
        assert found["image_places"].shape == (78,) and found["text_places"].shape == (6,)  # whatever the row
        real = found["image_places"][found["image_places"] >= 0]
        np.testing.assert_array_equal(real, np.flatnonzero(found["image_hidden"]))
    alone = Hide(GRID, together=False)
    both = [alone(row(words), words, np.random.default_rng(seed)) for seed in range(60)]
    sides = Counter((bool(one["image_hidden"].any()), bool((one["text_places"] >= 0).any())) for one in both)
    assert sides.keys() == {(True, False), (False, True)} and min(sides.values()) > 15


def test_hidden_words_become_the_mask_or_another_or_stay_and_ends_are_never_hidden(words):
    hide, given, fates = Hide(GRID), row(words), Counter()
    for seed in range(500):
        found = hide(given, words, np.random.default_rng(seed))
        places, told = found["text_places"], found["text_told"]
        real = places[places >= 0]
        assert (np.diff(real) > 0).all() and set(real) <= set(range(1, 7))
        np.testing.assert_array_equal(given["text"][real], told[: len(real)])
        untouched = np.setdiff1d(np.arange(12), real)
        np.testing.assert_array_equal(found["text"][untouched], given["text"][untouched])
        for place in real:
            seen = found["text"][place]
            fates["mask" if seen == words.mask else "same" if seen == given["text"][place] else "other"] += 1
            assert seen == words.mask or seen in words.ordinary
    shares = {name: count / fates.total() for name, count in fates.items()}
    assert shares == pytest.approx({"mask": 0.8, "other": 0.09, "same": 0.11}, abs=0.03)


def test_words_are_neither_ends_nor_sentinels(words):
    assert words.decode([words.mask]) == "<extra_id_0>"
    said = {words.decode([number]) for number in words.ordinary}
    assert said == {"one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (dict(grid=(0, 4)), r"grid is \(0, 4\), least 16 and aspect 0.3; expected 1 or more"),
        (dict(image=(0.0, 0.4)), r"image is \(0.0, 0.4\); expected shares above 0, up to 1"),
        (dict(masked=0.8, other=0.3), "masked is 0.8 and other 0.3; expected shares of at least 0, and at most 1"),
    ],
)
def test_shares_that_cannot_be_are_refused(fields, told):
    with pytest.raises(ValueError, match=told):
        Hide(**{"grid": (4, 4), **fields})
