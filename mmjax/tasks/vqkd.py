"""Pictures to codes by which what a teacher sees in them, or their pixels, can be told (VQ-KD: arXiv 2208.06366).

L = mean over patches of d(y(z + sg(e - z)), target) + b |z - sg(e)|^2 / D,   e the code nearest to z, sg: no gradient
d = 1 - cosine for a teacher's features, the mean square for pixels
"""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from flax import linen as nn

from mmjax.core.mean import Mean
from mmjax.core.precision import Dtype, cast
from mmjax.core.task import Batch, Ctx, Extra, Panel, Params
from mmjax.core.unit import unit
from mmjax.nn.pixels import shades
from mmjax.nn.quantizer import Codebook, Quantizer

MEANINGS, EXAMPLES = 8, 8  # codes, and patches of each, that a report draws


@dataclasses.dataclass(frozen=True)
class Vqkd:
    """A task over batches with `image` [B, H, W, 3] and `image_mask` [B].

    Args:
        model: see `models.vqkd`.
        quantizer: of what the model encodes.
        commitment: b.
        compute: the type that activations are computed in; parameters, vectors and codes are kept in fp32.
    """

    model: nn.Module
    quantizer: Quantizer
    commitment: float = 1.0
    compute: Dtype = dataclasses.field(default="float32", kw_only=True)
    coupled = False

    def __post_init__(self):
        if not self.commitment >= 0:
            raise ValueError(f"commitment is {self.commitment}; expected a weight of 0 or more")

    @property
    def weights(self) -> dict[str, float]:
        return {"reconstruction": 1.0, "commitment": self.commitment}

    def bind(self, vocabulary: Any, sources: Sequence[str] = ("",)) -> Self:
        return self

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        if "image" not in batch:
            raise ValueError(
                f"tasks.vqkd takes pictures, but the data gives {', '.join(sorted(batch))}; name one image"
            )
        (told, target), variables = self.model.init_with_output(key, batch["image"], batch["image_mask"], train=False)
        if told.shape != target.shape:
            raise ValueError(
                f"of {told.shape[1]} patches {target.shape[1]} are to be told; give the teacher, or patch, the "
                "encoder's grid"
            )
        return variables["params"], {"codebook": self.quantizer.start(self.model.dim)}

    def loss(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> tuple[dict[str, Mean], Extra]:
        rngs = {"dropout": ctx.key} if ctx.train else {}
        z = self._apply(params, batch, "encode", train=ctx.train, rngs=rngs)
        real = jnp.broadcast_to(batch["image_mask"][:, None], z.shape[:2])
        flat, there = rearrange(z, "b l d -> (b l) d"), real.reshape(-1)
        quantizer, codebook = self.quantizer, extra["codebook"]
        # Drawn once, the same on every device: the key of a step is not.
        codebook = quantizer.begun(codebook, jax.lax.stop_gradient(flat), there, jax.random.key(0), ctx.axis)
        ids = quantizer.nearest(codebook, jax.lax.stop_gradient(z))
        codes = quantizer.vectors(codebook, ids)
        straight = z + jax.lax.stop_gradient(codes - z)
        found = self._judged(params, straight, batch, ctx.train, rngs)
        far = jnp.mean(jnp.square(z - jax.lax.stop_gradient(codes)), axis=-1)
        if ctx.train:
            codebook = quantizer.moved(codebook, flat, ids.reshape(-1), there, ctx.axis)
        return {"reconstruction": Mean.of(found, real), "commitment": Mean.of(far, real)}, {"codebook": codebook}

    def predict(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> dict[str, jax.Array]:
        """codes [B, L] int32, and the distance [B, L] of what they tell from what there is."""
        ids, told = self._coded(params, extra["codebook"], batch)
        return {"codes": ids, "distance": self._distance(told, self._apply(params, batch, "target"))}

    def score(self, predictions: Mapping[str, jax.Array], batch: Batch) -> dict[str, Mean]:
        real = jnp.broadcast_to(batch["image_mask"][:, None], predictions["codes"].shape)
        return {"reconstruction_error": Mean.of(predictions["distance"], real)}

    def read(self, predictions: Mapping[str, np.ndarray], batch: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        there = np.flatnonzero((np.asarray(batch["index"]) >= 0) & np.asarray(batch["image_mask"]))
        return [
            {"index": int(batch["index"][b]), "place": 0, "prediction": predictions["codes"][b].tolist()} for b in there
        ]

    def finish(self, records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
        """The share of codes that occur, and how evenly: exp(entropy) of N would be each as often as any other."""
        counts = Counter(code for record in records for code in record["prediction"])
        if not counts:
            return {}
        shares = np.array([*counts.values()]) / counts.total()
        perplexity = float(np.exp(-np.sum(shares * np.log(shares))))
        return {"codebook_usage": len(counts) / self.quantizer.codes, "codebook_perplexity": perplexity}

    def show(self, params: Params, extra: Extra, batch: Batch, ctx: Ctx) -> list[Panel]:
        """What codes stand for, by patches of this batch; of pixels also each picture and what its codes tell of it."""
        ids, told = jax.device_get(jax.jit(self._coded)(params, extra["codebook"], batch))
        images, real = np.asarray(batch["image"]), np.asarray(batch["image_mask"])
        panels = [_meanings(images[real], ids[real])]
        if self.model.patch is None:
            return panels
        for b in np.flatnonzero(real):
            pixels = _picture(told[b], images.shape[1:], self.model.patch)
            beside = np.concatenate([images[b], pixels], axis=1)
            panels.append(Panel("picture", {"image": beside}, {"shown": "the picture, and what its codes tell of it"}))
        return panels

    def _coded(self, params: Params, codebook: Codebook, batch: Batch) -> tuple[jax.Array, jax.Array]:
        ids = self.quantizer.nearest(codebook, self._apply(params, batch, "encode", train=False))
        codes = self.quantizer.vectors(codebook, ids)
        return ids, self._apply(params, batch, "decode", codes, train=False)

    def _judged(self, params: Params, z: jax.Array, batch: Batch, train: bool, rngs: Any) -> jax.Array:
        told = self._apply(params, batch, "decode", z, train=train, rngs=rngs)
        return self._distance(told, self._apply(params, batch, "target"))

    def _distance(self, told: jax.Array, target: jax.Array) -> jax.Array:
        """[B, L] of [B, L, T]."""
        if self.model.patch is not None:
            return jnp.mean(jnp.square(told - target), axis=-1)
        return 1 - jnp.sum(unit(told) * unit(target), axis=-1)

    def _apply(self, params: Params, batch: Batch, method: str, z: jax.Array | None = None, **options: Any) -> Any:
        given = (batch["image"] if z is None else z, batch["image_mask"])
        return self.model.apply({"params": cast(params, self.compute)}, *given, method=method, **options)


def _meanings(images: np.ndarray, ids: np.ndarray) -> Panel:
    """Rows of patches that have one code, from the most frequent to the rarest: many stand for a plain ground."""
    height, width = images.shape[1:3]
    side = round((height * width / ids.shape[1]) ** 0.5)
    patches = rearrange(images, "b (h p) (w q) c -> (b h w) p q c", p=side, q=side)
    flat = ids.reshape(-1)
    ranked = [code for code, _ in Counter(flat.tolist()).most_common()]
    chosen = [ranked[at] for at in np.unique(np.linspace(0, len(ranked) - 1, MEANINGS).round().astype(int))]
    rows = []
    for code in chosen:
        some = patches[np.flatnonzero(flat == code)[:EXAMPLES]]
        empty = np.full((EXAMPLES - len(some), *patches.shape[1:]), 255, np.uint8)
        rows.append(rearrange(np.concatenate([some, empty]), "n p q c -> p (n q) c"))
    shown = "patches of codes, a row for each, from the most frequent to the rarest of these pictures"
    text = {"codes": ", ".join(map(str, chosen)), "shown": shown}
    return Panel("picture", {"image": np.concatenate(rows)}, text)


def _picture(told: np.ndarray, shape: tuple[int, ...], patch: int) -> np.ndarray:
    """[L, p p 3] in -1..1 as the picture [H, W, 3] in 0..255."""
    height = shape[0] // patch
    return shades(rearrange(told, "(h w) (p q c) -> (h p) (w q) c", h=height, p=patch, q=patch))
