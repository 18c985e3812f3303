"""Texts as ids: what stands around them, and what is too long."""

import numpy as np
import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from mmjax.data.modality.text import Text
from mmjax.data.tokenizer_file import TokenizerFile
from mmjax.data.words import Words

TOKENS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "cat", "dog")


@pytest.fixture
def tokenizer(tmp_path):
    """A tokenizer in the form of BERT's, and its file."""
    found = Tokenizer(models.WordLevel({token: i for i, token in enumerate(TOKENS)}, unk_token="[UNK]"))
    found.pre_tokenizer = pre_tokenizers.Whitespace()
    found.add_special_tokens(["[PAD]", "[CLS]", "[SEP]"])
    found.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    found.save(str(tmp_path / "bert.json"))
    return found, TokenizerFile(str(tmp_path / "bert.json")).open(tmp_path / "run", lambda: iter(()))


def test_ends_are_what_the_tokenizers_file_puts_around_a_text(tokenizer):
    theirs, vocabulary = tokenizer
    for text in ("cat", "a dog", "bird"):
        values, mask = Text("said", 6, ends=True)(text, {"vocabulary": vocabulary})
        assert values[mask].tolist() == theirs.encode(text).ids
        assert (values[~mask] == 0).all()
        plain, real = Text("said", 6)(text, {"vocabulary": vocabulary})
        assert plain[real].tolist() == theirs.encode(text, add_special_tokens=False).ids


def test_an_empty_text_stays_missing_and_one_that_its_ends_make_too_long_is_told(tokenizer):
    given = {"vocabulary": tokenizer[1]}
    assert not Text("said", 4, ends=True)("", given)[1].any()
    with pytest.raises(ValueError, match="'a cat a' has 5 tokens, but its length is 4: shorten it, or"):
        Text("said", 4, ends=True)("a cat a", given)


def test_where_the_file_says_nothing_a_text_begins_and_ends_with_the_tokens_for_that(tmp_path):
    vocabulary = Words(16).open(tmp_path, lambda: iter(["a cat"]))
    np.testing.assert_array_equal(Text("said", 2)("cat a", {"vocabulary": vocabulary})[1], [True, True])
    values, mask = Text("said", 5, ends=True)("a cat", {"vocabulary": vocabulary})
    assert values.tolist() == [vocabulary.bos, *vocabulary.encode("a cat"), vocabulary.eos, vocabulary.pad]
    assert mask.tolist() == [True] * 4 + [False]
