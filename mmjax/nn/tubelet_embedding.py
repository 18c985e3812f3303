"""Video to a grid of tokens by one linear map of each tubelet, a patch over several frames (arXiv 2103.15691)."""

import jax
from einops import rearrange
from flax import linen as nn

from mmjax.core.precision import computing
from mmjax.nn.dense import Dense
from mmjax.nn.pixels import centred
from mmjax.nn.time_cells import filled, real_cells


class TubeletEmbedding(nn.Module):
    """Frames [B, T, H, W, C] in 0..255 with mask [B, T] to [B, ceil(T / frames), H / size, W / size, dim] and its mask.

    A frame that is not there is grey; a time is real where any of its frames is.
    """

    dim: int
    frames: int
    size: int

    @nn.compact
    def __call__(self, values: jax.Array, mask: jax.Array) -> tuple[jax.Array, jax.Array]:
        height, width = values.shape[2:4]
        if height % self.size or width % self.size:
            raise ValueError(f"patches of {self.size} pixels do not tile frames of {height} x {width}")
        x = filled(centred(values, mask).astype(computing(self)), self.frames)
        cut = dict(f=self.frames, p=self.size, q=self.size)
        tubelets = rearrange(x, "b (t f) (h p) (w q) c -> b t h w (f p q c)", **cut)
        return Dense(self.dim, name="tubelet")(tubelets), real_cells(mask, self.frames)
