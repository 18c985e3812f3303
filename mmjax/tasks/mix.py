"""Pictures mixed in pairs, and what is said of them with them, in training alone.

mixup     x = s x_i + (1 - s) x_j,               s ~ Beta(a, a)      (Zhang et al. 2018, arXiv 1710.09412)
CutMix    x = x_j in a box, and x_i around it,   s the share around  (Yun et al. 2019, arXiv 1905.04899)
loss      s CE(z, y_i) + (1 - s) CE(z, y_j)

The box has the shape of the picture, 1 - s of its area with s ~ Beta(a, a), and its middle anywhere, so that a part of
it may lie outside: s is then what is seen.
"""

import dataclasses

import jax
import jax.numpy as jnp

from mmjax.core.task import Batch


@dataclasses.dataclass(frozen=True)
class Mix:
    """(key, batch) to a batch of mixed pictures, with `label_other` [B] and `label_share` [B], the share of `label`.

    Each picture is mixed with the next one of the batch, as drawn: batches are shuffled, so that this is any. One that
    is missing or has no label stays as it is, and so does the one before it.

    Args:
        mixup: a of mixup; 0 for none.
        cutmix: a of CutMix; 0 for none.
        cut: of how many pictures a box is cut rather than all mixed, where there are both.
        name: the modality; the batch has no other one, which would be of one of two pictures.
    """

    mixup: float = 0.8
    cutmix: float = 1.0
    cut: float = 0.5
    name: str = "image"

    def __post_init__(self):
        if min(self.mixup, self.cutmix) < 0 or not self.mixup + self.cutmix:
            raise ValueError(f"mixup is {self.mixup} and cutmix {self.cutmix}; expected one above 0, and none below")
        if not 0 <= self.cut <= 1:
            raise ValueError(f"cut is {self.cut}; expected a share in [0, 1]")

    def check(self, batch: Batch) -> None:
        """Raises ValueError where a batch has other modalities, no such pictures, or several labels an example."""
        others = sorted(name for name in batch if f"{name}_mask" in batch and name != self.name)
        if others or self.name not in batch:
            there = ", ".join(others) or "no modality"
            raise ValueError(f"mix is of {self.name!r} alone, but the data has {there}; leave it out, or set mix.name")
        if batch[self.name].ndim != 4 or batch["label"].ndim != 1:
            raise ValueError(
                f"mix takes pictures [B, H, W, C] with a label each, given {self.name} {batch[self.name].shape} and "
                f"label {batch['label'].shape}; leave it out"
            )

    def __call__(self, key: jax.Array, batch: Batch) -> dict[str, jax.Array]:
        first, label = batch[self.name].astype(jnp.float32), batch["label"]
        second, other = jnp.roll(first, -1, axis=0), jnp.roll(label, -1)
        seen = batch[f"{self.name}_mask"] & (label >= 0)
        weight = self._weights(key, first.shape[:3])
        weight = jnp.where((seen & jnp.roll(seen, -1))[:, None, None], weight, 1)
        mixed = jnp.where(weight[..., None] == 1, first, second + weight[..., None] * (first - second))
        share = jnp.mean(weight, axis=(1, 2))
        return {**batch, self.name: mixed, "label_other": other, "label_share": share}

    def _weights(self, key: jax.Array, shape: tuple[int, int, int]) -> jax.Array:
        """How much of each pixel [B, H, W] is of the first picture."""
        keys = jax.random.split(key, 4)
        if not self.cutmix:
            return _mixed(keys[0], self.mixup, shape)
        cut = _cut(keys[1], keys[2], self.cutmix, shape)
        if not self.mixup:
            return cut
        chosen = jax.random.bernoulli(keys[3], self.cut, shape[:1])
        return jnp.where(chosen[:, None, None], cut, _mixed(keys[0], self.mixup, shape))


def _mixed(key: jax.Array, a: float, shape: tuple[int, int, int]) -> jax.Array:
    return jnp.broadcast_to(jax.random.beta(key, a, a, shape[:1])[:, None, None], shape)


def _cut(key: jax.Array, place: jax.Array, a: float, shape: tuple[int, int, int]) -> jax.Array:
    """0 within the box of a picture and 1 around it."""
    side = jnp.sqrt(1 - jax.random.beta(key, a, a, shape[:1]))
    middle = jax.random.uniform(place, (2, shape[0]))

    def inside(length: int, middle: jax.Array) -> jax.Array:
        """[B, length]: the pixels of an axis that the box covers."""
        at = (jnp.arange(length) + 0.5) / length
        return jnp.abs(at - middle[:, None]) < side[:, None] / 2

    box = inside(shape[1], middle[0])[:, :, None] & inside(shape[2], middle[1])[:, None, :]
    return 1 - box.astype(jnp.float32)
