"""PaliGemma's own: its special tokens are those of the tokenizer, which no default can know."""

import dataclasses

import pytest

from mmjax.models.paligemma import Paligemma
from tests.models.test_contract import paligemma


def test_the_tokens_around_the_text_have_no_default_and_are_of_the_vocabulary():
    fields = {field.name: field for field in dataclasses.fields(Paligemma)}
    assert all(fields[name].default is dataclasses.MISSING for name in ("bos", "separator"))
    with pytest.raises(ValueError, match="separator is 11; expected a token of the vocab of 11"):
        paligemma().clone(separator=11)
