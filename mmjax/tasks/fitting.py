"""What the parts of a model and the data they meet have to agree on."""


def check_vocab(size: int, vocab: int, field: str) -> None:
    """Raises ValueError where a tokenizer of `size` words has some that a table of `vocab`, named `field`, lacks."""
    if size > vocab:
        raise ValueError(
            f"the tokenizer's size is {size} and {field} {vocab}; raise it, or make data.tokenizer smaller"
        )


def check_rate(data: int, encoder: int, field: str) -> None:
    """Raises ValueError where sound has another number of samples a second than its encoder, named `field`, expects."""
    if data != encoder:
        raise ValueError(f"the sound has {data} samples a second and {field} is {encoder}; make them equal")
