"""Whole systems, put together from encoders, interaction, fusion, heads and decoders."""
