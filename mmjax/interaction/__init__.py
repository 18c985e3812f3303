"""Modalities that look at each other: `(Modalities, *, train) -> Modalities`, of the same shapes and masks."""
