"""Answers as the evaluation of VQA compares them: by their words alone (Antol et al. 2015, arXiv 1505.00468).

Small letters; punctuation is left out, or a space where it parts two words; numbers up to ten are digits; no articles;
apostrophes stand where they belong.
"""

from __future__ import annotations

import re

MARKS = ';/[]"{}()=+\\_-><@`,?!'
BETWEEN_DIGITS = re.compile(r"\d,\d")
STOP = re.compile(r"\.(?!\d)")
ARTICLES = {"a", "an", "the"}
NUMBERS = "zero one two three four five six seven eight nine ten"
DIGITS = {"none": "0"} | {name: str(number) for number, name in enumerate(NUMBERS.split())}

NOT = "ai are ca could did does do had has have is might must need ought sha should was were wo would"
HAVE = "could might must not should would"
ENDS = {  # what may follow each word after an apostrophe
    "i": "m ve",
    "he": "d s",
    "how": "d ll s",
    "it": "d ll",
    "somebody": "d ll s",
    "someone": "d ll s",
    "something": "d ll",
    "that": "s",
    "there": "d re s",
    "they": "d ll re ve",
    "we": "ve",
    "what": "ll re s ve",
    "when": "s",
    "where": "d s ve",
    "who": "d ll s ve",
    "why": "ll re s",
    "you": "d ll re ve",
}
SHORT = {f"{word}nt": f"{word}n't" for word in NOT.split()}
SHORT |= {f"{word}ve": f"{word}'ve" for word in HAVE.split()}
SHORT |= {f"{word}{end}": f"{word}'{end}" for word, ends in ENDS.items() for end in ends.split()}
SHORT |= {"maam": "ma'am", "oclock": "o'clock", "twas": "'twas", "yall": "y'all"}


def normal(answer: str) -> str:
    """The answer in the words that are compared."""
    text = " ".join(answer.lower().split())
    thousands = BETWEEN_DIGITS.search(text) is not None
    given = text
    for mark in MARKS:
        apart = f" {mark}" in given or f"{mark} " in given
        text = text.replace(mark, "" if thousands or apart else " ")
    words = (DIGITS.get(word, word) for word in STOP.sub("", text).split())
    return " ".join(SHORT.get(word, word) for word in words if word not in ARTICLES)
