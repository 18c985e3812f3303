"""Masked data modelling: what is hidden of pictures and texts is told from the rest, and of one by the other (BEiT-3).

L = sum over streams and modalities of w mean over hidden patches and words of CE(logits, code or word)
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange, repeat
from flax import linen as nn

from mmjax.core.mean import Mean
from mmjax.core.precision import Dtype, cast
from mmjax.core.task import Batch, Ctx, Extra, Panel, Params
from mmjax.losses import cross_entropy as ce
from mmjax.nn.pixels import shades
from mmjax.tasks.fitting import check_vocab

GREY = 128  # of a patch that is hidden


@dataclasses.dataclass(frozen=True)
class Masked:
    """A task over batches of `data.rows` with `hide`, or of `data.streams` of such rows.

    What is told is called by stream and modality, "pairs_text"; of one stream without a name by the modality.

    Args:
        model: a batch to logits of what is hidden in it, see `models.beit3`.
        weights: w, by these names.
        compute: the type that activations are computed in; parameters, and what tells codes, are kept in fp32.
    """

    model: nn.Module
    weights: Mapping[str, float]
    compute: Dtype = dataclasses.field(default="float32", kw_only=True)
    words: Any = dataclasses.field(default=None, init=False, compare=False, repr=False)
    coupled = False

    def bind(self, vocabulary: Any, sources: Sequence[str] = ("",)) -> Self:
        words = getattr(vocabulary, "words", None)
        if words is not None:
            check_vocab(words.size, self.model.vocab, "task.model.vocab")
            check_vocab(words.size, self.model.encoders["text"].vocab, "task.model.encoders.text.vocab")
        bound = dataclasses.replace(self)
        object.__setattr__(bound, "words", words)
        return bound

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        """Raises ValueError where no stream has all modalities, or weights and what is hidden differ."""
        parts = streams(batch)
        names = {f"{prefix}{name}" for prefix, part in parts.items() for name in _hidden(part)}
        if names != set(self.weights):
            raise ValueError(
                f"task.weights has {', '.join(sorted(self.weights)) or 'nothing'}; expected a weight for each of "
                f"{', '.join(sorted(names)) or 'what data.hide hides, which is nothing'}"
            )
        whole = max(parts.values(), key=lambda part: len(_hidden(part)))
        if set(_hidden(whole)) != set(self.model.encoders):
            raise ValueError(
                f"no stream has all of {', '.join(sorted(self.model.encoders))}, of which the model is made; add one"
            )
        made = self.model.init(key, whole, method=_everything)
        return made["params"], {}

    def loss(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> tuple[dict[str, Mean], Extra]:
        found = {}
        for number, (prefix, part) in enumerate(streams(batch).items()):
            rngs = {"dropout": jax.random.fold_in(ctx.key, number)} if ctx.train else {}
            for name, (logits, told, real) in self._told(params, part, ctx.train, rngs).items():
                found[f"{prefix}{name}"] = Mean.of(ce.cross_entropy(logits, told), real)
                found[f"{prefix}{name}_accuracy"] = Mean.of(ce.right(logits, told), real)
        return found, extra

    def predict(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> dict[str, jax.Array]:
        """What is filled in, and how well, by place [B, n]."""
        found = {}
        for prefix, part in streams(batch).items():
            for name, (logits, told, real) in self._told(params, part, False, {}).items():
                at = f"{prefix}{name}"
                found[at] = jnp.where(real, jnp.argmax(logits, axis=-1), -1)
                found[f"{at}_right"] = found[at] == told
        return found

    def score(self, predictions: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        right = {name: (predictions[f"{name}_right"], predictions[name] >= 0) for name in self.weights}
        return {f"{name}_accuracy": Mean.of(*one) for name, one in right.items()}

    def read(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """For each thing of which something was hidden what was filled in, place after place."""
        records = []
        for place, name in enumerate(sorted(self.weights)):
            for b in np.flatnonzero((predictions[name] >= 0).any(axis=1)):
                ids = predictions[name][b]
                records.append({"index": int(batch["index"][b]), "place": place, "prediction": ids[ids >= 0].tolist()})
        return records

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        return {}

    def show(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> list[Panel]:
        """Of each row of each stream what was seen, what was filled in, and what there was."""

        def filled(params, batch):
            found = {}
            for prefix, part in streams(batch).items():
                told = self._told(params, part, False, {})
                ids = {name: jnp.argmax(logits, axis=-1) for name, (logits, _, _) in told.items()}
                pixels = None
                if "image" in ids and self.model.coder.model.patch is not None:
                    pixels = self.model.apply({"params": params}, ids["image"], part["image_mask"], method=_pixels)
                found[prefix] = ids, pixels
            return found

        found = jax.device_get(jax.jit(filled)(params, dict(batch)))
        panels = []
        for prefix, part in streams(batch).items():
            ids, pixels = found[prefix]
            for b in range(len(batch["index"])):
                row = {key: np.asarray(value)[b] for key, value in part.items()}
                panels += self._panel(prefix, row, ids, pixels, b)
        return panels

    def _panel(
        self, prefix: str, row: Mapping[str, np.ndarray], ids: Mapping[str, np.ndarray], pixels: Any, b: int
    ) -> list[Panel]:
        text = {"stream": prefix.removesuffix("_")} if prefix else {}
        if "text" in ids and row["text_mask"].any():
            text |= self._texts(row, ids["text"][b])
        if "image" not in ids or not row["image_mask"]:
            rows = np.array([[name, value] for name, value in text.items()])
            return [Panel("table", {"rows": rows}, {"shown": text.get("stream", "text")})] if "seen" in text else []
        hidden = row["image_hidden"]
        side = row["image"].shape[0] // hidden.shape[0]
        covered = repeat(hidden, "h w -> (h p) (w q) 1", p=side, q=side)
        shown = [row["image"], np.where(covered, np.uint8(GREY), row["image"])]
        if pixels is not None:
            grid = np.zeros((hidden.size, pixels.shape[-1]), np.float32)
            real = row["image_places"] >= 0
            grid[row["image_places"][real]] = pixels[b][real]
            filled = rearrange(grid, "(h w) (p q c) -> (h p) (w q) c", h=len(hidden), p=side, q=side)
            shown.append(np.where(covered, shades(filled), row["image"]))
        text["shown"] = "the picture, what was seen of it" + (", what was filled in" if pixels is not None else "")
        return [Panel("picture", {"image": np.concatenate(shown, axis=1)}, text)]

    def _texts(self, row: Mapping[str, np.ndarray], ids: np.ndarray) -> dict[str, str]:
        filled, whole, real = row["text"].copy(), row["text"].copy(), row["text_places"] >= 0
        filled[row["text_places"][real]], whole[row["text_places"][real]] = ids[real], row["text_told"][real]
        texts = {"seen": row["text"], "filled in": filled, "there was": whole}
        return {name: self.words.decode(values[row["text_mask"]].tolist()) for name, values in texts.items()}

    def _told(
        self, params: Params, part: Batch, train: bool, rngs: Mapping[str, jax.Array]
    ) -> dict[str, tuple[jax.Array, jax.Array, jax.Array]]:
        """Of each modality of a stream logits [B, n, N], what is to be told [B, n], and where there is something."""
        logits = self.model.apply({"params": cast(params, self.compute)}, part, train=train, rngs=rngs)
        told = self.model.apply({"params": params}, part, method="hidden")
        return {name: (logits[name], told[name], part[f"{name}_places"] >= 0) for name in told}


def streams(batch: Batch) -> dict[str, dict[str, Any]]:
    """The batch of each stream by what its names begin with: "pairs_", or "" of one without a name."""
    found: dict[str, dict[str, Any]] = {}
    named = any("/" in key for key in batch)
    for key in sorted(batch):
        name, slash, rest = key.rpartition("/")
        if slash or not named:
            found.setdefault(f"{name}_" if slash else "", {})[rest] = batch[key]
    return found


def _hidden(part: Batch) -> list[str]:
    """Modalities of which something is hidden."""
    return sorted(key.removesuffix("_places") for key in part if key.endswith("_places"))


def _everything(model: nn.Module, batch: Batch) -> Any:
    return model(batch, train=False), model.hidden(batch)


def _pixels(model: nn.Module, ids: jax.Array, mask: jax.Array) -> jax.Array:
    return model.coder.pixels(ids, mask)
