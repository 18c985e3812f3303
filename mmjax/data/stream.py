"""Examples as batches, ahead of time and shared by hosts: what every feed does, whatever its examples are.

Training batch k is a pure function of (seed, k): what is drawn for an example depends on its place in the stream alone.
So the data position of a run is one number, and n hosts read the batches of one host, each its own rows. The streams
are Grain MapDatasets.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import grain

Batch = dict[str, np.ndarray]
Part = tuple[int, Callable[[int, np.random.Generator], Batch]]  # how many there are, and how one is drawn
Host = tuple[int, int]  # this host's number and how many hosts there are
ENDLESS = 1 << 40  # examples in a training stream: Grain's own endless repetition overflows in batches of one


@dataclasses.dataclass(frozen=True)
class Stream:
    """Batches of `batch` examples, of which `threads` (0: none) make up to `prefetch` ahead of time."""

    batch: int
    threads: int
    prefetch: int

    def drawn(
        self,
        parts: Sequence[Part],
        weights: Sequence[float],
        seed: int,
        start: int = 0,
        host: Host = (0, 1),
    ) -> grain.DatasetIterator:
        """Endless batches start, start + 1, ...; host (i, n) gets rows i*B/n .. (i+1)*B/n of each.

        `parts` are (how many there are to draw from, number and generator -> example), mixed by their weights.
        """
        import grain

        streams = shuffled(parts, seed)
        return self.batched(grain.MapDataset.mix(streams, weights) if len(streams) > 1 else streams[0], start, host)

    def batched(self, examples: grain.MapDataset, start: int, host: Host) -> grain.DatasetIterator:
        """Endless examples as batches start, start + 1, ...; hosts share each."""
        batches = examples.batch(self.share(host), batch_fn=stack)
        return self.ahead(batches[start * host[1] + host[0] :: host[1]])

    def ordered(
        self, count: int, read: Callable[[int], Batch], blank: Callable[[], Batch], host: Host = (0, 1)
    ) -> grain.DatasetIterator:
        """Examples 0 to count - 1 once; blank ones fill the last batch, and all hosts get equally many batches."""
        import grain

        rows = self.share(host)
        places = grain.MapDataset.range(count + -count % self.batch)
        examples = places.map(lambda place: read(place) if place < count else blank())
        return self.ahead(examples.batch(rows, batch_fn=stack)[host[0] :: host[1]])

    def share(self, host: Host) -> int:
        """How many rows of a batch one of n hosts reads."""
        if self.batch % host[1]:
            raise ValueError(f"data.batch is {self.batch}, which {host[1]} hosts cannot share evenly")
        return self.batch // host[1]

    def ahead(self, batches: grain.MapDataset) -> grain.DatasetIterator:
        """Batches in order, made ahead of time by threads (0: made when asked for)."""
        import grain

        threads = self.threads
        options = grain.ReadOptions(num_threads=threads, prefetch_buffer_size=self.prefetch if threads else 0)
        return iter(batches.to_iter_dataset(options))


def shuffled(parts: Sequence[Part], seed: int) -> list[grain.MapDataset]:
    """The endless examples of each part, in an order of its own."""
    import grain

    streams = []
    for number, (count, draw) in enumerate(parts):
        order = grain.MapDataset.range(count).seed(seed * len(parts) + number).shuffle()
        streams.append(order.repeat(ENDLESS // count).random_map(draw))
    return streams


def stack(examples: Sequence[Batch]) -> Batch:
    """Examples -> one batch, key by key."""
    return {name: np.stack([example[name] for example in examples]) for name in examples[0]}
