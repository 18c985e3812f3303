"""TFDS builder of emoji with their names in two drawing styles, from the npm packages emoji-datasource-*.

Concepts, not pictures, are divided into train and test, so that no concept is in both, in whatever style. Each style
has splits of its own: `google_train+twitter_train` are both styles of the training concepts.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import tensorflow_datasets as tfds

from mmjax.data import images
from mmjax.data.alike import together

PACKAGE, RELEASE, SIDE = "emoji-datasource-{style}", "16.0.0", 64
STYLES = ("google", "twitter")
SHARE = 5  # one concept in so many is for the test
DESCRIPTION = """Emoji as Google and Twitter draw them, 64 x 64 pixels on white, with their names in small letters.
https://github.com/iamcal/emoji-data
"""


class Builder(tfds.core.GeneratorBasedBuilder):
    """Every emoji that both styles draw, without its skin tones."""

    VERSION = tfds.core.Version("1.0.0")
    MANUAL_DOWNLOAD_INSTRUCTIONS = "npm install --no-save --prefix FOLDER " + " ".join(
        f"{PACKAGE.format(style=style)}@{RELEASE}" for style in STYLES
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            "image": tfds.features.Image(shape=(SIDE, SIDE, 3), encoding_format="png"),
            "caption": tfds.features.Text(),
            "concept": tfds.features.Text(),
            "style": tfds.features.ClassLabel(names=STYLES),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=DESCRIPTION,
            homepage="https://github.com/iamcal/emoji-data",
            license="Noto Emoji: Apache-2.0; Twemoji: CC BY 4.0",
            disable_shuffling=True,
            features=tfds.features.FeaturesDict(features),
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager) -> dict[str, Iterator]:
        found = list(drawings(dl_manager.manual_dir))
        return {
            f"{style}_{split}": self._generate_examples(found, style, split == "test")
            for split in ("train", "test")
            for style in STYLES
        }

    def _generate_examples(
        self, found: Iterable[tuple[dict[str, Any], dict[str, bytes], bool]], style: str, test: bool
    ) -> Iterator[tuple[str, dict]]:
        for concept, pictures, held in found:
            if held == test:
                yield (
                    concept["unified"],
                    {
                        "image": pictures[style],
                        "caption": concept["name"].lower(),
                        "concept": concept["unified"],
                        "style": style,
                    },
                )


def drawings(folder: Path) -> Iterator[tuple[dict[str, Any], dict[str, bytes], bool]]:
    """(concept, its picture as PNG by style, whether it is for the test) of what every style draws."""
    folders = {style: package(Path(folder), style) for style in STYLES}
    concepts = drawn_by_all(folders[STYLES[0]] / "emoji.json")
    pictures = {
        style: [(root / "img" / style / str(SIDE) / concept["image"]).read_bytes() for concept in concepts]
        for style, root in folders.items()
    }
    held = held_out([concept["unified"] for concept in concepts], list(pictures.values()))
    for number, concept in enumerate(concepts):
        shown = {
            style: images.png(images.decode(found[number], f"{style} {concept['image']}"))
            for style, found in pictures.items()
        }
        yield concept, shown, concept["unified"] in held


def drawn_by_all(path: Path) -> list[dict[str, Any]]:
    """The concepts of an emoji.json that every style draws; ValueError where it is none."""
    try:
        found = json.loads(path.read_text("utf-8"))
        drawn = [concept for concept in found if all(concept[f"has_img_{style}"] for style in STYLES)]
        if drawn and all(isinstance(concept[key], str) for concept in drawn for key in ("unified", "image", "name")):
            return drawn
        reason = "no concept in it has a picture in every style, a name and a code"
    except (ValueError, TypeError, KeyError) as error:
        reason = f"{type(error).__name__}: {error}"
    raise ValueError(f"{path}: not the list of {PACKAGE.format(style=STYLES[0])}@{RELEASE} ({reason})")


def held_out(concepts: Sequence[str], styles: Sequence[Sequence[bytes]]) -> set[str]:
    """The concepts for the test, one in SHARE, given every style's pictures of them.

    It is decided by code points, so that a later release moves few to the other side. Concepts that a style draws
    alike, such as the flags of Norway and Svalbard, are together on one side.
    """
    groups = []
    for pictures in styles:
        drawn = defaultdict(list)
        for concept, picture in zip(concepts, pictures, strict=True):
            drawn[picture].append(concept)
        groups += drawn.values()
    return {concept for concept, first in together(groups).items() if digest(first) % SHARE == 0}


def digest(text: str) -> int:
    """A number that a text alone decides."""
    return int(hashlib.sha256(text.encode()).hexdigest(), 16)


def package(folder: Path, style: str) -> Path:
    """The package of a style, in the folder or in its node_modules. Raises FileNotFoundError."""
    name = PACKAGE.format(style=style)
    for path in (folder / "node_modules" / name, folder / name):
        if (path / "emoji.json").is_file():
            return path
    raise FileNotFoundError(f"{folder} has no {name}: npm install --no-save --prefix {folder} {name}@{RELEASE}")
