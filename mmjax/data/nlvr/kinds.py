"""What kind of statement a sentence of NLVR makes, by its words, so that mistakes can be told apart."""

from __future__ import annotations

import re

# The first whose words are in the sentence.
RULES = {
    "touching": r"touch\w*|attach\w*|near\w*|corner",
    "above": r"above|over|below|bellow|beneath|under|between|on (?:a|the|top of) (?:yellow|black|blue|it)|stacked",
    "level": r"base|bases|top|bottom|middle|second|third|roof|first",
    "alike": r"same|different|all (?:3|three)",
    "only": r"only|just|none|all|each|every|not|single|ll",
    "count": r"exactly|least|atleast|most|more|less|no|many|multiple|[2-9]|two|three|four|five|six|seven",
}
KINDS = (*RULES, "exists")
PATTERNS = {kind: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for kind, words in RULES.items()}


def kind(sentence: str) -> str:
    """One of KINDS: what touches what, what is above what, what is at a level of a tower, what is alike, what is all
    that there is, how many there are, or whether there is such a thing at all."""
    return next((name for name, pattern in PATTERNS.items() if pattern.search(sentence)), "exists")
