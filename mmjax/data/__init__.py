"""Data: TFDS data sets, tokenizers and Grain pipelines; NumPy only, so that any process can run them."""
