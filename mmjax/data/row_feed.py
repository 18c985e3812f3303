"""The opened rows of a run: training batches by number, splits in order, and rows that a user brings."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mmjax.data import prepared
from mmjax.data.each import Each
from mmjax.data.generator import EVALUATION, generator
from mmjax.data.near import near
from mmjax.data.stream import Batch, Host, Stream, stack
from mmjax.data.vocabulary import FILES, INPUTS, READ, Vocabulary

if TYPE_CHECKING:
    import grain

    from mmjax.data.rows import Modality, Rows

OVERHEAD = 2048  # bytes that a row takes beside its values


@dataclasses.dataclass(frozen=True)
class Known:
    """What the training rows decided: the names of classes and kinds, the vocabulary, each modality's statistics."""

    labels: tuple[str, ...]
    kinds: tuple[str, ...]
    words: Vocabulary | None
    fitted: Mapping[str, dict[str, Any]]


class RowFeed:
    """Opened rows; nothing is read before it is asked for."""

    files, word_files = READ, FILES
    sources = ("",)
    packed = False  # all questions of an example are of row `index` of what a user asks

    def __init__(self, config: Rows, folder: str | os.PathLike, words: str | os.PathLike | None = None):
        self.config, self.folder = config, Path(folder)
        self.words_folder = self.folder if words is None else Path(words)
        self.stream = Stream(config.batch, config.threads, config.prefetch)
        self.splits: dict[str, Sequence[Mapping[str, Any]]] = {}
        self.notes: list[str] = []
        self.kept: dict[int, Batch] = {}
        self.room = config.cache * 2**20

    @functools.cached_property
    def source(self) -> Any:
        """The TFDS builder; ValueError where a feature that the config names is not there, or does not fit."""
        found = prepared.builder(self.config.name, self.config.data_dir)
        wanted = {f"modalities.{name}.feature": one.feature for name, one in self.config.modalities.items()}
        named = {key: getattr(self.config, key) for key in ("label", "kind", "group", "labels", "target")}
        wanted |= {f"{key}.feature": one.feature for key, one in named.items() if one is not None}
        wanted |= {f"each.{place}": name for place, name in enumerate(self.config.each)}
        for key, feature in wanted.items():
            if feature not in found.info.features:
                raise ValueError(
                    f"data.{key} is {feature!r}, but data set {self.config.name!r} has "
                    f"{', '.join(sorted(found.info.features))}"
                )
        for place, name in enumerate(self.config.each):
            if not prepared.listed(found, name):
                raise ValueError(
                    f"data.each.{place} is {name!r}, of which a row of {self.config.name!r} has one; name features "
                    "that are lists, or leave each out"
                )
        rates = dict(found.info.metadata or {}).get("rates", {})
        for name, one in self.config.modalities.items():
            if hasattr(one, "check"):
                try:
                    one.check(found.info.features[one.feature], rates.get(one.feature))
                except ValueError as error:
                    raise ValueError(f"data.modalities.{name}: {error}") from None
        return found

    @functools.cached_property
    def vocabulary(self) -> Known:
        """What the folder holds; where it holds nothing, it is fitted, and kept once every row of both splits fits."""
        path = self.folder / INPUTS
        if path.is_file():
            kept = json.loads(path.read_text("utf-8"))
            return self._known(kept)
        _ = self.source  # what is wrong with it is no fault of a modality's
        kept = {"fitted": {name: self._fit(name, one) for name, one in self.config.modalities.items()}}
        for key, one in (("labels", self.config.label or self.config.labels), ("kinds", self.config.kind)):
            try:
                kept[key] = one.known(self.source, self._column("train", one.feature)) if one else []
            except ValueError as error:
                raise ValueError(f"{self.config.name} {self.config.train}: {error}") from None
        self.folder.mkdir(parents=True, exist_ok=True)
        known = self._known(kept)
        for split in ("train", "test"):
            seen = _Seen(known.words, self._texts)
            for place in range(len(self.split_rows(split))):
                seen.add(self._row(known, split, place, pictures=False))
            if split == "train":
                self.notes = [f"{self.config.name} {self.config.train}: {line}" for line in seen.lacks(known.labels)]
            aim = self.config.label or self.config.labels or self.config.target
            if aim is not None and not seen.truths:
                raise ValueError(
                    f"{self.config.name} {getattr(self.config, split)}: no row has a {aim.feature!r}, so that there is "
                    f"nothing to {'learn' if split == 'train' else 'measure'}; set data.{split} to rows that have it"
                )
        fresh = path.with_suffix(".tmp")
        fresh.write_text(json.dumps(kept, ensure_ascii=False) + "\n", "utf-8")
        os.replace(fresh, path)
        return known

    @property
    def asks(self) -> tuple[str, ...]:
        """The fields of a row that is asked about."""
        return tuple(self.config.modalities)

    @property
    def rows(self) -> dict[str, str]:
        """What tells the training split from one with other rows."""
        return prepared.told(self.source, self.config.train)

    def _known(self, kept: Mapping[str, Any]) -> Known:
        tokenizer = self.config.tokenizer
        words = None if tokenizer is None else tokenizer.open(self.words_folder, self.texts)
        if self.config.hide is not None and words is not None:
            _ = words.mask  # says where there is none
        return Known(tuple(kept["labels"]), tuple(kept.get("kinds", ())), words, kept["fitted"])

    def _fit(self, name: str, modality: Modality) -> dict[str, Any]:
        place = None  # of the row that is read, and none once all were

        def counted() -> Iterator[Any]:
            nonlocal place
            for number, value in enumerate(self._column("train", modality.feature)):
                place = number
                yield value
            place = None

        try:
            return modality.fit(counted())
        except ValueError as error:
            row = "" if place is None else f" row {place}"
            raise ValueError(f"{self.config.name} {self.config.train}{row}: {name}: {error}") from None

    def texts(self) -> Iterator[str]:
        """Every text of the training rows: what a tokenizer is trained on."""
        from mmjax.data.modality.text import plain
        from mmjax.data.modality.texts import listed

        for name in self._texts:
            for value in self._column("train", self.config.modalities[name].feature):
                yield from map(plain, listed(value))

    @property
    def _texts(self) -> list[str]:
        """The modalities that are texts."""
        return [name for name, modality in self.config.modalities.items() if getattr(modality, "words", False)]

    def _column(self, split: str, feature: str) -> Iterator[Any]:
        return (row[feature] for row in self.split_rows(split))

    def split_rows(self, name: str) -> Sequence[Mapping[str, Any]]:
        """The rows of a split, opened when first needed; names other than "train" and "test" are TFDS splits."""
        if name not in self.splits:
            chosen = {"train": self.config.train, "test": self.config.test}.get(name, name)
            try:
                rows = prepared.open_rows(self.source, chosen, *self._pictures)
                each = self.config.each
                self.splits[name] = Each(rows, each, prepared.counts(self.source, chosen)) if each else rows
            except ValueError as error:
                raise ValueError(f"data.{name}: {error}" if name in ("train", "test") else str(error)) from None
        return self.splits[name]

    @functools.cached_property
    def _pictures(self) -> list[str]:
        return prepared.pictures(self.source)

    def train(self, seed: int, start: int = 0, host: Host = (0, 1)) -> grain.DatasetIterator:
        """Endless shuffled batches start, start + 1, ...; see `data.stream`."""
        return self.stream.drawn([(len(self.split_rows("train")), self.drawer())], (1.0,), seed, start, host)

    def split(self, host: Host = (0, 1), split: str | None = None) -> grain.DatasetIterator:
        """Every row of a split (None: test) once, in order; blank ones fill the last batch."""
        name = split or "test"
        return self.stream.ordered(len(self.split_rows(name)), self.reader(name), self.config.empty, host)

    def reader(self, split: str) -> Callable[[int], Batch]:
        """The example at a place of a split, as evaluation asks it."""
        return functools.partial(self._read, self.vocabulary, split)

    def drawer(self) -> Callable[[int, np.random.Generator], Batch]:
        """The training example at a place, as it is drawn."""
        return functools.partial(self._draw, self.vocabulary)

    def take(self, indices: Sequence[int], split: str | None = None) -> Batch:
        """These rows of a split, with blank ones up to a multiple of the batch size."""
        read = self.reader(split or "test")
        return stack(self._filled([read(int(place)) for place in indices]))

    def examples(self, split: str | None = None) -> int:
        """How many rows a split (None: the test split) has."""
        return len(self.split_rows(split or "test"))

    def encode(
        self, rows: Sequence[Mapping[str, Any]], root: str | os.PathLike = "."
    ) -> tuple[list[Batch], dict[int, str]]:
        """Rows {modality: value, ...} -> batches, {row: error}; a modality that is left out, or null, is missing.

        A value may also be called as the feature that the modality is read from: rows of one's own can be asked as they
        were trained on.
        Pictures, sounds and videos are paths (from `root`) or arrays; series and vectors are lists or arrays.
        """
        examples, errors = [], {}
        for number, row in enumerate(rows):
            try:
                examples.append({**self._asked(row, Path(root)), "index": np.int32(number)})
            except (ValueError, OSError) as error:
                errors[number] = f"row {number}: {error}"
        size = self.config.batch
        return [stack(self._filled(examples[i : i + size])) for i in range(0, len(examples), size)], errors

    def _asked(self, row: Mapping[str, Any], root: Path) -> Batch:
        if not isinstance(row, Mapping):
            raise ValueError(f"it is {row!r:.60}, expected some of {', '.join(self.config.modalities)}")
        row = dict(row)
        for feature, name in self._features.items():
            if feature in row and name not in row:
                row[name] = row.pop(feature)
        for name in self.config.modalities:
            # Other fields are the user's own, but not where one stands for what would be taken for missing.
            others = (str(other) for other in row if other not in self.config.modalities)
            if name not in row and (other := near(name, others)):
                raise ValueError(f"it has no {name!r}, but {other!r}; did you mean {name!r}?")
        if not set(row) & set(self.config.modalities):
            raise ValueError(
                f"it has {', '.join(map(str, row)) or 'nothing'}, expected some of {', '.join(self.config.modalities)}"
            )
        out = self.config.empty()
        for name, modality in self.config.modalities.items():
            value = located(row.get(name), root) if getattr(modality, "files", False) else row.get(name)
            out[name], out[f"{name}_mask"] = self._value(name, modality, value, self.vocabulary)
        if not any(out[f"{name}_mask"].any() for name in self.config.modalities):
            raise ValueError("every modality of it is missing: give at least one")
        return out

    @functools.cached_property
    def _features(self) -> dict[str, str]:
        """Names of modalities by their features, as far as these are not themselves such names, nor shared."""
        features = [modality.feature for modality in self.config.modalities.values()]
        return {
            modality.feature: name
            for name, modality in self.config.modalities.items()
            if features.count(modality.feature) == 1 and modality.feature not in self.config.modalities
        }

    def _filled(self, examples: list[Batch]) -> list[Batch]:
        missing = -len(examples) % self.config.batch if examples else self.config.batch
        return [*examples, *[self.config.empty()] * missing]

    def _draw(self, known: Known, place: int, rng: np.random.Generator) -> Batch:
        row, seed = self._remembered(known, int(place)), rng.integers(2**63)
        for name, modality in self.config.modalities.items():
            mask = f"{name}_mask"
            if getattr(modality, "augment", None) is not None and row[mask].any():
                # The same draws for each, so that streams of one event stay in step.
                row[name], row[mask] = modality.vary(
                    row[name], row[mask], known.fitted[name], np.random.default_rng(seed)
                )
        return row if self.config.hide is None else self._hidden(known, row, rng)

    def _remembered(self, known: Known, place: int) -> Batch:
        """A training row, read once as long as there is room to keep it."""
        row = self.kept.get(place)
        if row is None:
            row = self._row(known, "train", place)
            size = OVERHEAD + sum(value.nbytes for value in row.values())
            if size <= self.room:
                self.room -= size
                self.kept[place] = row
        return dict(row)

    def _read(self, known: Known, split: str, place: int) -> Batch:
        row = self._row(known, split, place)
        return row if self.config.hide is None else self._hidden(known, row, generator(EVALUATION, 0, int(place)))

    def _hidden(self, known: Known, row: Batch, rng: np.random.Generator) -> Batch:
        return row | self.config.hide(row, known.words, rng)

    def _row(self, known: Known, split: str, place: int, pictures: bool = True) -> Batch:
        """The example at a place of a split, which may leave out the pictures, whose decoding takes long.

        Raises:
            ValueError: names the row and what is wrong with it.
        """
        given = self.split_rows(split)[int(place)]
        out: Batch = {"index": np.int32(place)}
        try:
            for name, modality in self.config.modalities.items():
                if not pictures and modality.feature in self._pictures:
                    continue
                out[name], out[f"{name}_mask"] = self._value(name, modality, given[modality.feature], known)
            label, kind, labels, target = (getattr(self.config, key) for key in ("label", "kind", "labels", "target"))
            if kind is not None:
                out["kind"] = kind(self.source, given[kind.feature], known.kinds)
            if self.config.group is not None:
                out["group"] = self.config.group(given[self.config.group.feature])
            if label is not None:
                out["label"] = label(self.source, given[label.feature], known.labels)
            elif labels is not None:
                out["labels"] = labels(self.source, given[labels.feature], known.labels)
            elif target is not None:
                out["target"], out["target_mask"] = target(given[target.feature])
        except ValueError as error:
            raise ValueError(f"{self.config.name} {split} row {place}: {error}") from None
        return out

    def _value(self, name: str, modality: Modality, value: Any, known: Known) -> tuple[np.ndarray, np.ndarray]:
        try:
            return modality(value, {**known.fitted[name], "vocabulary": known.words})
        except (ValueError, OSError) as error:
            raise ValueError(f"{name}: {error}") from None


class _Seen:
    """What the examples of a split hold; `texts` are the modalities that `words` made ids of."""

    def __init__(self, words: Vocabulary | None, texts: Sequence[str]):
        self.words, self.texts = words, texts
        self.rows = self.truths = self.strange = 0
        self.classes: set[int] = set()
        self.there: dict[str, bool] = {}

    def add(self, row: Batch) -> None:
        self.rows += 1
        if self.words is not None and self.words.unk is not None:
            self.strange += any((row[name][row[f"{name}_mask"]] == self.words.unk).any() for name in self.texts)
        if "target" in row:
            self.truths += bool(row["target_mask"])
        elif "label" in row:
            self.truths += bool(np.any(row["label"] >= 0))
            self.classes.update(np.ravel(row["label"]).tolist())
        elif "labels" in row:
            self.truths += bool(np.any(row["labels"] >= 0))
            self.classes.update(np.flatnonzero(row["labels"] > 0).tolist())
        for name in row:
            if f"{name}_mask" in row and name != "target":
                self.there[name] = self.there.get(name, False) or bool(row[f"{name}_mask"].any())

    def lacks(self, labels: Sequence[str]) -> Iterator[str]:
        """A line for each thing that nothing can be learnt of."""
        absent = [name for number, name in enumerate(labels) if number not in self.classes]
        if absent:
            some = ", ".join(absent[:8]) + (", ..." if len(absent) > 8 else "")
            yield f"no row of {len(absent)} of {len(labels)} classes, which cannot be learnt: {some}"
        for name, there in self.there.items():
            if not there:
                yield f"no row has {name}, which cannot be learnt"
        if self.strange:
            yield (
                f"{self.strange:,} of {self.rows:,} rows have words that the tokenizer does not know; all of these look"
                " alike to the model"
            )


def located(value: Any, root: Path) -> Any:
    """A path, or each of a list, as one from the folder `root`."""
    if isinstance(value, list | tuple):
        return [located(one, root) for one in value]
    return root / value if isinstance(value, str | os.PathLike) else value
