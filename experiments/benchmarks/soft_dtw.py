"""Soft dynamic time warping of series, value and gradients: `mmjax.align.warping` and a plain double loop in PyTorch.

Each side imports its own library: the two are never in one process.
"""

import os
from collections.abc import Callable
from typing import Any

import numpy as np

BATCH, LENGTH, WIDTH, SOFTNESS = 32, 128, 8, 1.0


def series() -> tuple[np.ndarray, np.ndarray]:
    """x and y [B, L, D]."""
    rng = np.random.default_rng(0)
    return tuple(rng.standard_normal((BATCH, LENGTH, WIDTH), np.float32) for _ in range(2))


def ours() -> tuple[Callable[[], None], Callable[[], dict[str, Any]]]:
    """The mean cost and its gradients by both series, jitted."""
    import jax
    import jax.numpy as jnp

    from mmjax.align.warping import warped

    mask, last = jnp.ones((BATCH, LENGTH), bool), []

    def cost(x: jax.Array, y: jax.Array) -> jax.Array:
        squares = jnp.sum(jnp.square(x[:, :, None] - y[:, None]), axis=-1)
        return jnp.mean(warped(squares, mask, mask, SOFTNESS))

    run = jax.jit(jax.value_and_grad(cost, (0, 1)))
    given = [jnp.asarray(one) for one in series()]

    def once() -> None:
        last[:] = jax.block_until_ready(run(*given))

    return once, lambda: _facts(float(last[0]), last[1])


def torch_loop() -> tuple[Callable[[], None], Callable[[], dict[str, Any]]]:
    """The same cell by cell, all examples at once, with gradients by autograd."""
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    last = []

    def once() -> None:
        x, y = (torch.from_numpy(one).requires_grad_() for one in series())
        squares = (x[:, :, None] - y[:, None]).square().sum(-1)
        # Parted at once: the gradient of each squares[:, i, j] would be as large as all of squares.
        cells = [row.unbind(1) for row in squares.unbind(1)]
        beyond = torch.full((BATCH,), 1e10)
        above = [torch.zeros(BATCH), *[beyond] * LENGTH]
        for i in range(LENGTH):
            row = [beyond]
            for j in range(LENGTH):
                three = torch.stack([above[j], above[j + 1], row[j]])
                row.append(cells[i][j] - SOFTNESS * torch.logsumexp(-three / SOFTNESS, 0))
            above = row
        value = above[-1].mean()
        value.backward()
        last[:] = value.item(), (x.grad.numpy(), y.grad.numpy())

    return once, lambda: _facts(last[0], last[1])


def _facts(value: float, gradients: Any) -> dict[str, Any]:
    """What both sides must agree on."""
    return {"loss": value, "gradients": [float(np.abs(np.asarray(one)).sum()) for one in gradients]}
