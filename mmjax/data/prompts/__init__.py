"""Rows as texts with targets, one task a file: (row, generator) -> (text, target), asked as the config says.

Default prompts as PaLI's (Chen et al. 2023, arXiv 2209.06794). `reads` names the fields of a row that a prompt reads,
`picture` says whether the model sees the row's picture, `drawn` where another draw gives another pair: in "train", in
"evaluation", in both or nowhere; in evaluation the others get no generator. `whole` matches the tokens of its own that
it writes, each of which the tokenizer must hold as one; "" is none.
"""
