"""Time and temporary memory of the loss in chunks against the plain formula: value and both gradients, fp32.

`python -m experiments.benchmarks.chunked_loss` prints a table; each program runs in turn, round after round, and the
plain one stands in it twice: how far the second is from 1.00 is what the machine's noise makes of equals.
"""

import argparse
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from mmjax.losses.chunked_cross_entropy import chunked_cross_entropy
from mmjax.losses.cross_entropy import cross_entropy, right, z_loss

WEIGHT = 1e-4
CASES = ((4096, 256, 65_536), (4096, 512, 65_536), (2048, 256, 250_112))  # tokens, dim, words


def plain(x: jax.Array, kernel: jax.Array, target: jax.Array, real: jax.Array, smoothing: float) -> Any:
    logits = jnp.dot(x, kernel, preferred_element_type=jnp.float32)
    each = cross_entropy(logits, target, smoothing) + WEIGHT * z_loss(logits)
    return jnp.sum(jnp.where(real, each, 0)) / jnp.sum(real), jnp.sum(right(logits, target) & real)


def in_chunks(x: jax.Array, kernel: jax.Array, target: jax.Array, real: jax.Array, smoothing: float, chunk: int) -> Any:
    found = chunked_cross_entropy(x, kernel, target, real, chunk=chunk, smoothing=smoothing, z_weight=WEIGHT)
    return found.objective / jnp.sum(real), jnp.sum(found.right & real)


def draw(tokens: int, dim: int, words: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((tokens, dim), np.float32)
    kernel = rng.standard_normal((dim, words), np.float32) / np.float32(dim**0.5)
    return x, kernel, rng.integers(0, words, tokens), rng.random(tokens) < 0.9


def compare(programs: dict[str, Callable[..., Any]], args: tuple[np.ndarray, ...], rounds: int) -> None:
    """One line a program: time and memory as shares of the first one's, and how far its results are from that."""
    args = jax.tree.map(jnp.asarray, args)
    compiled = {
        name: jax.jit(jax.value_and_grad(loss, (0, 1), has_aux=True)).lower(*args).compile()
        for name, loss in programs.items()
    }
    first, *_ = compiled
    expected = jax.device_get(compiled[first](*args))
    off = {name: _distance(jax.device_get(run(*args)), expected) for name, run in compiled.items()}
    seconds = {name: [] for name in compiled}
    for _ in range(rounds):
        for name, run in compiled.items():
            start = time.perf_counter()
            jax.block_until_ready(run(*args))
            seconds[name].append(time.perf_counter() - start)
    held = {name: run.memory_analysis().temp_size_in_bytes for name, run in compiled.items()}
    for name in compiled:
        ratios = np.array(seconds[name]) / np.array(seconds[first])
        low, middle, high = np.quantile(ratios, (0.25, 0.5, 0.75))
        print(
            f"| {name} | {np.median(seconds[name]):.2f} s | {middle:.2f} ({low:.2f}-{high:.2f}) "
            f"| {held[name] / 2**20:,.0f} MB | {held[name] / held[first]:.2f} | {off[name]:.0e} |",
            flush=True,
        )


def _distance(found: Any, expected: Any) -> float:
    """The largest difference, as a share of the largest value, in any of the results."""
    return max(
        float(np.max(np.abs(one - other)) / max(np.max(np.abs(other)), 1))
        for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--chunks", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--smoothing", type=float, default=0.0)
    options = parser.parse_args()
    for case in CASES:
        print("\n{} tokens, width {}, {:,} words\n".format(*case))
        print("| program | time | of plain (quartiles) | temporary memory | of plain | difference |\n|" + "---|" * 6)
        programs = dict.fromkeys(("plain", "plain again"), lambda *args: plain(*args, options.smoothing))
        programs |= {
            f"chunks of {chunk}": lambda *args, chunk=chunk: in_chunks(*args, options.smoothing, chunk)
            for chunk in options.chunks
        }
        compare(programs, draw(*case), options.rounds)


if __name__ == "__main__":
    main()
