"""Decoders that generate, and how to search with them."""
