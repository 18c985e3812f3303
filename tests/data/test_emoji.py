"""Emoji from small packages in the published form: captions, styles, transparency, and who is in which split."""

import json

import numpy as np
import pytest
from PIL import Image

from mmjax.data import prepared
from mmjax.data.emoji.emoji_dataset_builder import held_out
from tests import wheels

SPLITS = [f"{style}_{split}" for style in ("google", "twitter") for split in ("train", "test")]


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    """Of each split its rows, made by the data set's name from a folder."""
    brought, data = tmp_path_factory.mktemp("brought"), tmp_path_factory.mktemp("data")
    wheels.emoji(brought, 60)
    found = prepared.prepare("emoji", str(data), brought)
    return {split: prepared.peek("emoji", split, found["splits"][split], str(data)) for split in SPLITS}


def test_both_styles_of_a_concept_are_on_the_same_side(rows):
    concepts = {split: [row["concept"] for row in found] for split, found in rows.items()}
    for split in ("train", "test"):
        assert concepts[f"google_{split}"] == concepts[f"twitter_{split}"] != []
    train, test = (set(concepts[f"google_{split}"]) for split in ("train", "test"))
    assert not train & test and len(train | test) == 60 - 1  # one is drawn by Google alone
    assert 3 <= len(test) <= 24


def test_a_row_is_a_picture_on_white_with_its_name_in_small_letters(rows):
    google, twitter = rows["google_train"][3], rows["twitter_train"][3]
    number = int(google["concept"], 16) - 0x1F600
    assert google["caption"] == twitter["caption"] == f"thing number {number}"
    assert (google["style"], twitter["style"]) == (0, 1)
    for row, colour in ((google, wheels.shade(number)), (twitter, wheels.shade(number)[::-1])):
        assert row["image"].shape == (64, 64, 3)
        assert row["image"][0, 0].tolist() == [255, 255, 255] and row["image"][32, 32].tolist() == list(colour)


def test_what_a_style_draws_alike_is_together():
    concepts = [f"1F6{number:02X}" for number in range(40)]
    first = [bytes([number]) for number in range(40)]
    second = [bytes([number]) for number in range(40)]
    apart = held_out(concepts, [first, second])
    assert 2 <= len(apart) <= 16
    inside, outside = concepts.index(min(apart)), next(n for n, c in enumerate(concepts) if c not in apart)
    other = next(n for n, c in enumerate(concepts) if c not in apart and n != outside)
    first[outside], second[other] = first[inside], second[outside]  # joined by Google, and further by Twitter
    joined = held_out(concepts, [first, second])
    assert len({concepts[n] in joined for n in (inside, outside, other)}) == 1
    moved = {concepts[n] for n in (inside, outside, other)}
    assert joined - moved == apart - moved


def test_a_style_that_is_not_there_is_told_with_the_command_that_installs_it(tmp_path):
    wheels.emoji(tmp_path / "brought", 4)
    (tmp_path / "brought/node_modules/emoji-datasource-twitter/emoji.json").unlink()
    told = (
        r"has no emoji-datasource-twitter: npm install --no-save --prefix .*brought emoji-datasource-twitter@16\.0\.0"
    )
    with pytest.raises(FileNotFoundError, match=told):
        prepared.prepare("emoji", str(tmp_path / "data"), tmp_path / "brought")


@pytest.mark.parametrize("text", ["[]", "{}", "[1]", '[{"unified": "1F600"}]', "<html>"])
def test_a_list_that_is_none_is_told(tmp_path, text):
    wheels.emoji(tmp_path / "brought", 4)
    (tmp_path / "brought/node_modules/emoji-datasource-google/emoji.json").write_text(text)
    with pytest.raises(ValueError, match=r"google/emoji\.json: not the list of emoji-datasource-google@16\.0\.0 \("):
        prepared.prepare("emoji", str(tmp_path / "data"), tmp_path / "brought")


def test_packages_may_lie_in_the_folder_itself(tmp_path):
    wheels.emoji(tmp_path / "brought", 12)
    for path in (tmp_path / "brought/node_modules").iterdir():
        path.rename(tmp_path / "brought" / path.name)
    found = prepared.prepare("emoji", str(tmp_path / "data"), tmp_path / "brought")
    assert found["splits"]["google_train"] + found["splits"]["google_test"] == 11


def test_the_miniature_has_the_published_form(tmp_path):
    wheels.emoji(tmp_path, 4)
    package = tmp_path / "node_modules/emoji-datasource-twitter"
    assert Image.open(package / "img/twitter/64/1f600.png").mode == "P"
    assert Image.open(tmp_path / "node_modules/emoji-datasource-google/img/google/64/1f600.png").mode == "RGBA"
    first = json.loads((package / "emoji.json").read_text())[0]
    assert first["unified"] == "1F600" and first["image"] == "1f600.png"
    assert np.array([first["has_img_google"], first["has_img_twitter"]]).tolist() == [True, False]


def test_pairs_are_the_same_concepts_in_the_same_splits(tmp_path):
    brought, data = tmp_path / "brought", str(tmp_path / "data")
    wheels.emoji(brought, 12)
    one, pairs = (prepared.prepare(name, data, brought)["splits"] for name in ("emoji", "emoji_pairs"))
    for split in ("train", "test"):
        rows = prepared.peek("emoji_pairs", split, pairs[split], data)
        for style in ("google", "twitter"):
            alone = prepared.peek("emoji", f"{style}_{split}", one[f"{style}_{split}"], data)
            assert [row["concept"] for row in rows] == [row["concept"] for row in alone]
            for row, single in zip(rows, alone, strict=True):
                np.testing.assert_array_equal(row[style], single["image"])
