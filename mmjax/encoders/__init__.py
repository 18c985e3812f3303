"""One modality in, Tokens out: `(values, mask, *, train) -> Tokens`."""
