"""Small data sets for the tests of `data/`: drawings with many questions, and TFDS sets of any features."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mmjax.data import own, prepared

COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}


def draw(number: int, size: int = 16) -> np.ndarray:
    """Picture `number`: a square on a light ground, unlike every other picture."""
    image = np.full((size, size, 3), 230 + number % 20, np.uint8)
    left, top = number % 7, number // 7 % 7
    image[top : top + 6, left : left + 6] = list(COLOURS.values())[number % 3]
    return image


def questions(number: int) -> list[tuple[str, str]]:
    """1 to 11 questions about picture `number`; test pictures use the words of training pictures."""
    colour = list(COLOURS)[number % 3]
    return [(f"picture {number % 23} question {place}", f"{colour} {place}") for place in range(1 + number * 5 % 11)]


def png(image: np.ndarray) -> bytes:
    """A picture as a PNG file's bytes."""
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return out.getvalue()


def write_rows(folder: Path, rows: Sequence[Any], name: str = "rows.jsonl") -> Path:
    """A .jsonl file of these rows."""
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="session")
def drawings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A data folder with the data set "drawings": pictures 0 to 22 for training, 23 to 29 for the test."""
    folder = tmp_path_factory.mktemp("drawings")
    rows = []
    for number in range(30):
        Image.fromarray(draw(number)).save(folder / f"{number}.png")
        split = "train" if number < 23 else "test"
        texts = [{"question": question, "answer": answer} for question, answer in questions(number)]
        rows += [{"image": f"{number}.png", "split": split, **text} for text in texts]
    own.build(write_rows(folder, rows), "drawings", str(folder / "data"))
    return str(folder / "data")


@pytest.fixture
def tfds_set() -> Callable[..., Any]:
    """Writes a TFDS data set of any features: (data_dir, name, features, {split: rows}) -> its builder."""
    import tensorflow_datasets as tfds

    def write(data_dir: Path, name: str, features: Mapping[str, Any], splits: Mapping[str, Sequence[dict]]) -> Any:
        class Rows(tfds.core.GeneratorBasedBuilder, skip_registration=True):
            VERSION = tfds.core.Version("1.0.0")

            def _info(self):
                features_dict = tfds.features.FeaturesDict(features)
                return tfds.core.DatasetInfo(builder=self, features=features_dict, disable_shuffling=True)

            def _split_generators(self, dl_manager):
                return {split: self._generate_examples(rows) for split, rows in splits.items()}

            def _generate_examples(self, rows):
                yield from enumerate(rows)

        Rows.name = name
        builder = Rows(data_dir=data_dir, file_format="array_record")
        prepared.run(builder)
        return builder

    return write
