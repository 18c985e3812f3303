"""Heads: Tokens to predictions, one idea a file; generation is in `decode/`."""
