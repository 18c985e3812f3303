"""Rows as texts with targets, one task a file: (row, generator) -> (text, target), asked as the config says.

Default prompts as PaLI's (Chen et al. 2023, arXiv 2209.06794). `reads` names the fields of a row that a prompt reads,
`picture` says whether the model sees the row's picture, `drawn` whether another draw gives another pair.
"""
