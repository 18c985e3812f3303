"""The modality that leads learns slower, so that the others come along (OGM-GE: Peng et al. 2022, arXiv 2203.15332).

rho_u = s_u / (mean of the others' s),   s_u: how probable modality u alone finds the truth
k_u = 1 - tanh(alpha rho_u) where rho_u > 1, else 1
g_u <- k_u g_u + noise of the deviation of g_u, array by array

The paper has two modalities and takes kernels of convolutions alone; here all arrays of an encoder are taken, and s_u
comes from a head of its own and not from half of a fused one.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from mmjax.core.task import Batch, Extra, Params
from mmjax.tasks.each import Each
from mmjax.tasks.surgery import Drawing, Flat


@dataclasses.dataclass(frozen=True)
class OgmGe(Drawing):
    """Of `tasks.each`, whose encoders' gradients are modulated in the first `until` steps.

    Args:
        alpha: how strongly.
        noise: times the deviation of a gradient is that of the noise; 0 for modulation alone ("OGM").
        until: steps; None for all.
    """

    alpha: float = 0.3
    noise: float = 1.0
    until: int | None = None

    def __post_init__(self):
        if not isinstance(self.task, Each):
            raise ValueError(f"task is {type(self.task).__name__}; expected tasks.each, which tells modalities apart")
        if self.alpha <= 0 or self.noise < 0:
            raise ValueError(f"alpha is {self.alpha} and noise {self.noise}; expected above 0, and 0 or more")
        if self.until is not None and self.until < 0:
            raise ValueError(f"until is {self.until}; expected a number of steps, or None for all")

    def init(self, key: jax.Array, batch: Batch) -> tuple[Params, Extra]:
        if len(self.model.encoders) < 2:
            raise ValueError(f"there is one modality, {', '.join(self.model.encoders)}; expected several to compare")
        return super().init(key, batch)

    def operated(
        self, apart: Callable[..., Sequence[Flat]], found: Mapping[str, jax.Array], own: Any
    ) -> tuple[Flat, Mapping[str, jax.Array], Any]:
        (gradients,) = apart(together=True)
        names = self.task.names[1:]
        slowed = modulation(jnp.stack([found[f"{name}_score"] for name in names]), self.alpha)
        active = own["turn"] < (self.until if self.until is not None else jnp.iinfo(jnp.int32).max)
        slowed = jnp.where(active, slowed, 1)
        key, own = self.drawn(own)
        new = dict(gradients)
        for k, name in enumerate(names):
            for path in (path for path in gradients if path.startswith(f"encoders_{name}/")):
                key, draw = jax.random.split(key)
                g = gradients[path]
                noise = self.noise * jnp.std(g) * jax.random.normal(draw, g.shape, g.dtype)
                new[path] = slowed[k] * g + jnp.where(active, noise, 0)
        told = {f"pace/modulation/{name}": slowed[k] for k, name in enumerate(names)}
        return new, told, own


def modulation(scores: jax.Array, alpha: float) -> jax.Array:
    """k [M] of how probable each modality finds the truth [M]."""
    others = (jnp.sum(scores) - scores) / (len(scores) - 1)
    rho = scores / jnp.maximum(others, 1e-9)
    return jnp.where(rho > 1, 1 - jnp.tanh(alpha * rho), 1)
