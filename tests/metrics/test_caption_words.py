"""Words of captions, as Stanford's tokenizer has them with the punctuation taken out."""

import pytest

from mmjax.metrics.caption_words import caption_words

# What CoreNLP 3.4.1 gives with -lowerCase, less the punctuation that the caption toolkit removes.
STANFORD = [
    ("A man can't ride the dogs' bikes.", "a man ca n't ride the dogs bikes"),
    ("The woman's black-and-white cat -- it won't move!", "the woman 's black-and-white cat it wo n't move"),
    ("It's 3.5 miles, 1,000 feet at 10:30 p.m. in the U.S.", "it 's 3.5 miles 1,000 feet at 10:30 p.m. in the u.s."),
    ("I cannot, gonna, gotta, wanna eat", "i can not gon na got ta wan na eat"),
    ("they're we've I'll he'd I'm", "they 're we 've i 'll he 'd i 'm"),
    ("A \"quoted\" word and 'single' one, “curly” and it’s", "a quoted word and single one curly and it 's"),
    ("Two men/women and/or w/ $5 & 50% off #1 a+b", "two men/women and/or w / $ 5 & 50 % off # 1 a + b"),
    ("e-mail x-ray T-shirt 8-year-old o'clock ma'am", "e-mail x-ray t-shirt 8-year-old o'clock ma'am"),
    ("Mr. Smith and Dr. Who vs. St. Louis ... wow… ok", "mr. smith and dr. who vs. st. louis wow ok"),
    ("naïve café 日本 стол", "naïve café 日本 стол"),
    ("2nd 3-d 7:45pm 1/2 3x4 50mph", "2nd 3-d 7:45 pm 1/2 3x4 50mph"),
    ("–en dash— em -- and - single word- -word", "en dash em and single word word"),
    ("dog.cat man,woman lemme gimme", "dog.cat man woman lem me gim me"),
]


@pytest.mark.parametrize(("text", "words"), STANFORD)
def test_words_are_those_of_the_published_tokenizer(text, words):
    assert caption_words(text) == words.split()


def test_brackets_leave_no_word_behind():
    assert caption_words("A [big] {red} (or so) dog") == ["a", "big", "red", "or", "so", "dog"]


def test_a_text_of_punctuation_has_no_words():
    assert caption_words(" ?! -- ...") == caption_words("") == []
