"""What statements say of a tower, after "There is a tower with": (text, parts) by chance."""

from __future__ import annotations

from mmjax.data.statements.parts import Amid, Between, Has, Kinds, Level, Only, Over, Part, Run
from mmjax.data.statements.what import ANYTHING, Number, What, exactly
from mmjax.data.statements.wording import BELOW, Writer, exact

ENDS = (("top", -1), ("base", 0), ("base", 0), ("bottom", 0))


def height(writer: Writer, thing: str = "block") -> tuple[str, Part]:
    """("at least two blocks", how high the tower is); a bare number is exact."""
    size = 1 + int(writer.rng.random() * 4)
    form = writer.pick("", "", "exactly", "exactly", "at least", "more than", "at most", "only")
    if (form == "at least" and size == 1) or (form in ("more than", "at most") and size in (1, 4)):
        form = "exactly"
    number = {
        "at least": Number(size),
        "more than": Number(size + 1),
        "at most": Number(1, size),
    }.get(form, exactly(size))
    if form == "" and size == 1:
        form = writer.pick("only", "exactly")
    return f"{form} {writer.digit(size)} {thing}{'s' * (size > 1)}".strip(), Has(ANYTHING, number)


def ends(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "a blue block at the top and a black block at the base", "yellow base"."""
    (end, level), colour, other = writer.pick(*ENDS), writer.colour(), writer.colour()
    end_of_other, level_of_other = ("base", 0) if level else ("top", -1)
    the = writer.pick("the ", "the ", "the ", "")
    one = writer.one()
    one = "a" if one == "one" else one
    first, second = Level(level, What(colour)), Level(level_of_other, What(other))
    return writer.pick(
        *((f"{one} {colour} block at {the}{end}", (first,)),) * 5,
        (f"a {colour} {end}", (first,)),
        (f"{colour} {end}", (first,)),
        (f"{colour} block at the {end}", (first,)),
        (f"{colour} blocks on the {end}", (first,)),
        (f"{one} {colour} block at the {end} and {one} {other} block at the {end_of_other}", (first, second)),
        (f"a {colour} {end} and {other} {end_of_other}", (first, second)),
    )


def over(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "a black block above a blue block"."""
    upper, lower = What(writer.colour()), What(writer.colour())
    word = writer.pick("above", "above", "over", "over", "on top of", "on", writer.pick(*BELOW))
    pair = Over(lower, upper) if word in BELOW else Over(upper, lower)
    return f"a {upper.colour} block {word} a {lower.colour} block", (pair,)


def middle(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "a blue block in the middle"."""
    what = What(writer.colour())
    outer = writer.colour()
    return writer.pick(
        *((f"a {what.colour} block {words}", (Between(what),)) for words in ("in the middle", "as a middle block")),
        (f"a {what.colour} block in between two blocks of same {writer.color}", (Amid(what),)),
        (f"a {what.colour} block between two {outer} blocks", (Amid(what, What(outer)),)),
        (f"a {what.colour} block below the top block", (Level(-2, what),)),
    )


def blocks(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "more than two blocks and the top block is yellow", "exactly two blocks", "only one block"."""
    words, tall = height(writer)
    colour = writer.colour()
    end, level = writer.pick(("top", -1), ("base", 0))
    at, only = Level(level, What(colour)), Only(frozenset([colour]))
    amount, number, many = writer.amount(3)
    amount = "one" if amount == "a" else amount
    is_are, that = ("are" if many else "is"), ("are" if not words.endswith("block") else "is")
    return writer.pick(
        *((words, (tall,)),) * 5,
        ("a single block", (Has(ANYTHING, exactly(1)),)),
        (f"{words} and the {end} block is {colour}", (tall, at)),
        (f"{words} where the {end} is {colour}", (tall, at)),
        (f"{words} not having a {colour} block at {end}", (tall, Level(level, What(colour, other=True)))),
        (f"only one {colour} block", (Has(What(colour), exactly(1)),)),
        (f"exactly one {colour} block which is at the {end}", (Has(What(colour), exactly(1)), at)),
        (f"only one block that is not {colour}", (Has(What(colour, other=True), exactly(1)),)),
        (f"{words} with a {colour} block at the {end}", (tall, at)),
        (f"{words} and the {writer.color} is {colour}", (tall, only)),
        (f"{words} which {that} of {colour} {writer.color}", (tall, only)),
        (f"{words} of which {amount} {is_are} {colour}", (tall, Has(What(colour), exact(amount, number)))),
    )


def coloured(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "exactly two black blocks", "a blue block, a yellow block and two black blocks"."""
    wanted = writer.pick(1, 1, 1, 2, 2, 3)
    words, parts = [], []
    for colour in writer.colours(wanted) if wanted > 1 else [writer.colour()]:
        amount, number, many = writer.amount(3 if wanted == 1 else 2)
        words.append(f"{amount} {colour} block{'s' * many}")
        parts.append(Has(What(colour), number))
    return ", ".join(words[:-1]) + " and " * (wanted > 1) + words[-1], tuple(parts)


def mixed(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "only black and blue blocks", "blocks of three different colors", "2 blue blocks stacked together"."""
    one, other = writer.colours(2)
    colour, count = writer.colour(), writer.pick(2, 3)
    digit, size = writer.digit(count), writer.pick(2, 2, 3)
    run = writer.digit(size)
    return writer.pick(
        (f"only {one} and {other} blocks", (Only(frozenset((one, other))),)),
        (f"only {colour} blocks", (Only(frozenset([colour])),)),
        (f"only {colour} {writer.color} blocks", (Only(frozenset([colour])),)),
        (f"blocks of {digit} different {writer.color}{writer.pick('', 's')}", (Kinds(exactly(count)),)),
        (f"{colour} blocks", (Has(What(colour)),)),
        (f"{colour} block", (Has(What(colour)),)),
        (f"blocks of all {writer.digit(3)} {writer.color}s", (Kinds(exactly(3)),)),
        (f"only one {writer.color}", (Kinds(exactly(1)),)),
        (f"{run} {colour} blocks stacked together", (Run(size, colour),)),
        (f"{run} {colour} blocks attached with each other", (Run(size, colour),)),
        (f"{run} blocks stacked together of the same {writer.color}", (Run(size),)),
        (f"{run} blocks of the same {writer.color}", (Kinds(exactly(1)), Has(ANYTHING, Number(size)))),
    )


CONTENTS = (*(ends,) * 9, *(over,) * 4, middle, *(blocks, coloured) * 5, *(mixed,) * 4)
