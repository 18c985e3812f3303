"""The words of a caption, as the COCO caption toolkit has them: lower case, Penn Treebank words, no punctuation.

"A man can't ride the dogs' black-and-white bike!" -> a man ca n't ride the dogs black-and-white bike

It follows Stanford's tokenizer, which the toolkit runs (Chen et al. 2015, arXiv 1504.00325), in what captions hold:
contractions are two words, hyphens and slashes within a word stay, numbers, initials (u.s.) and titles (mr.) keep their
points. Other than there, brackets leave no word behind, nor do addresses of the web stay one word.
"""

import re

# No part of a word, and left out.
_PUNCTUATION = r""".,:;!?"'`(){}\[\]…–—“”«»¿¡-"""
# No part of a word, but a word of their own.
_SYMBOLS = r"$%&#@+*=<>/\\|^~"
_LETTERS = rf"[^\s{_SYMBOLS}{_PUNCTUATION}]+"
_WORD = re.compile(
    r"(?<!\w)(?:[^\W\d_]\.){2,}"
    r"|(?<!\w)(?:mr|mrs|ms|dr|st|vs|jr|sr|prof)\."
    r"|\d+(?:[.,:/]\d+)+"
    rf"|{_LETTERS}(?:[-'./]{_LETTERS})*"
    rf"|[{_SYMBOLS}]"
)
_CONTRACTED = re.compile(r"(.+?)(n't|'(?:s|m|re|ve|ll|d))")
_MERGED = {
    "cannot": ("can", "not"),
    "gonna": ("gon", "na"),
    "gotta": ("got", "ta"),
    "wanna": ("wan", "na"),
    "lemme": ("lem", "me"),
    "gimme": ("gim", "me"),
}


def caption_words(text: str) -> list[str]:
    """The words of a text, in order; of a text without words none."""
    found = []
    for word in _WORD.findall(re.sub("[’‘]", "'", text.lower())):
        contracted = _CONTRACTED.fullmatch(word)
        found += contracted.groups() if contracted else _MERGED.get(word, (word,))
    return found
