"""What caption metrics take: for each picture one text that was written, and all that are true."""

from collections import Counter
from collections.abc import Sequence

from mmjax.metrics.caption_words import caption_words

Words = list[str]


def split(predictions: Sequence[str], truths: Sequence[Sequence[str]]) -> list[tuple[Words, list[Words]]]:
    """(words written, words of each truth) of every picture.

    Raises:
        ValueError: there are not as many truths as predictions, or a picture has none.
    """
    if len(predictions) != len(truths):
        raise ValueError(f"{len(predictions)} captions were written for {len(truths)} pictures; expected one for each")
    for i, true in enumerate(truths):
        if isinstance(true, str) or not true:
            raise ValueError(f"picture {i} has the true captions {true!r}; expected a list of at least one")
    return [
        (caption_words(written), [caption_words(text) for text in true])
        for written, true in zip(predictions, truths, strict=True)
    ]


def grams(words: Words, n: int) -> Counter[tuple[str, ...]]:
    """How often each run of n words occurs."""
    return Counter(zip(*(words[i:] for i in range(n)), strict=False))
