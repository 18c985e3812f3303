"""Statements about towers of blocks, in the wording of NLVR's training sentences: (text, program) by chance."""

from __future__ import annotations

import itertools

from mmjax.data.statements.boxes import COLOURS, pick
from mmjax.data.statements.parts import Has, Kinds, Level, Only, Over, Part
from mmjax.data.statements.programs import Agree, Both, Boxes, Count, Statement
from mmjax.data.statements.subjects import subject
from mmjax.data.statements.tower_contents import CONTENTS, ends, height, middle, mixed, over
from mmjax.data.statements.what import ANYTHING, NONE, SOME, Number, What, exactly
from mmjax.data.statements.wording import BELOW, Writer

THIRD = {(one, other): third for one, other, third in itertools.permutations(COLOURS)}


def write(writer: Writer) -> tuple[str, Statement]:
    """A statement of one of the forms."""
    return pick(writer.rng, FORMS)(writer)


def count(writer: Writer) -> tuple[str, Statement]:
    """Such as "There are at least 2 yellow blocks"."""
    told, number, many = writer.there(5)
    what = What(writer.colour())
    return f"{told} {writer.name(what, many)}", Count(what, number)


def on_blocks(writer: Writer) -> tuple[str, Statement]:
    """Such as "There is a black block above a blue block", "There is exactly one yellow block on a black block"."""
    told, number, many = writer.there(2)
    upper, lower = What(writer.colour()), What(writer.colour())
    word = writer.pick("on", "on", "above", "above", "over", "on top of", writer.pick(*BELOW))
    pair = Over(lower, upper) if word in BELOW else Over(upper, lower)
    return f"{told} {writer.name(upper, many)} {word} a {writer.name(lower)}", Count(pair, number)


def as_end(writer: Writer) -> tuple[str, Statement]:
    """Such as "There are exactly two black blocks as the base of a tower with at least two blocks"."""
    told, number, many = writer.there(3)
    end, level = writer.pick(("base", 0), ("top", -1))
    what = What(writer.colour())
    start = f"{told} {writer.name(what, many)} as the {end} of"
    parts: tuple[Part, ...] = (Level(level, what),)
    if number == SOME and writer.chance(0.2):
        words, number, many = writer.amount(3)
        words = "one" if words == "a" else words
        return f"{start} {words} tower{'s' * many}", Boxes(parts, number)
    text = f"{start} a tower"
    if writer.chance(0.55):
        words, part = height(writer)
        text, parts = f"{text} with {words}", (*parts, part)
    return text, Boxes(parts, number)


def of_colour(writer: Writer) -> tuple[str, Statement]:
    """Such as "There is a blue tower with exactly two blocks", "There is a four blocks tower"."""
    colour = writer.colour()
    only: tuple[Part, ...] = (Only(frozenset([colour])),)
    words, part = height(writer)
    size = 2 + int(writer.rng.random() * 3)
    digit = writer.digit(size)
    end, level = writer.pick(("top", -1), ("base", 0))
    sized: tuple[Part, ...] = (Has(ANYTHING, exactly(size)),)
    ending = (*sized, Level(level, What(colour)))
    return writer.pick(
        (f"There is a {colour} tower", Boxes(only)),
        (f"There is a {colour} tower with {words}", Boxes((*only, part))),
        (f"There is a {colour} tower that has {words}", Boxes((*only, part))),
        (f"One of the three towers is {colour}", Boxes(only)),
        (f"There is a {digit} blocks tower", Boxes(sized)),
        (f"There is a {digit} blocks tower that the {end} is {colour}", Boxes(ending)),
        (f"The {end} of a {digit} blocks tower is {colour}", Boxes(ending)),
        (f"There is a {digit} blocks tower and only one {writer.color}", Boxes((*sized, Kinds(exactly(1))))),
        (f"There is a {digit} blocks tower that has a single {writer.color}", Boxes((*sized, Kinds(exactly(1))))),
    )


def at_level(writer: Writer) -> tuple[str, Statement]:
    """Such as "The second block from the base of a tower is black", "There is tower with black second block"."""
    word, level = writer.pick(("second", 1), ("second", 1), ("third", 2))
    what = What(writer.colour())
    program = Boxes((Level(level, what),))
    text = writer.pick(
        f"The {word} block from the base of a tower is {what.colour}",
        f"The {word} block of a tower from the base is {what.colour}",
        f"There is tower with {what.colour} {word} block",
        f"There is a tower which is the {word} block from the base is {what.colour}",
        f"There is a tower with a {what.colour} block as the {word} level",
    )
    if writer.chance(0.2):
        text = f"There are two towers with {what.colour} blocks as the {word} level"
        program = Boxes(program.parts, Number(2))
    return text, program


def alike(writer: Writer) -> tuple[str, Statement]:
    """Such as "There are only two towers that has the same base color"."""
    about, words = writer.pick(
        ("base", f"that has the same base {writer.color}"),
        ("base", f"with block of same {writer.color} at base"),
        ("top", f"that has the same top {writer.color}"),
        ("top", f"with block of same {writer.color} at the top"),
        ("number", "with the same number of blocks"),
    )
    form = writer.pick("", "at least", "only", "exactly")
    number = Number(2) if form in ("", "at least") else exactly(2)
    digit = "2" if writer.digits else "two"
    return f"There are {form} {digit} towers {words}".replace("  ", " "), Agree(about, number)


def named(writer: Writer) -> tuple[str, Statement]:
    """Such as "the tower with four blocks has a blue block at the top"."""
    size = 2 + int(writer.rng.random() * 3)
    form = writer.pick("", "exactly ")
    text, parts = pick(writer.rng, (ends, ends, over, middle, mixed))(writer)
    start = writer.pick("the tower", "the tower", "One of the tower", "There is a tower", "there is one tower")
    having = "having" if start.lower().startswith("there") else "has"
    text = f"{start} with {form}{writer.digit(size)} blocks {having} {text}"
    return text, Boxes((Has(ANYTHING, exactly(size)), *parts))


def each(writer: Writer) -> tuple[str, Statement]:
    """Such as "There is at least 1 black block in each tower"."""
    words, number, many = writer.amount(2)
    what = What(writer.colour())
    text = f"There {'are' if many else 'is'} {words} {writer.name(what, many)} in each tower"
    return text, Boxes((Has(what, number),), exactly(3))


def bases(writer: Writer) -> tuple[str, Statement]:
    """Such as "The base of the three towers are two blue and one yellow"."""
    one, other = writer.colours(2)
    end, level = writer.pick(("base", 0), ("top", -1))
    first, second = ((Level(level, What(colour)),) for colour in (one, other))
    size = 1 + int(writer.rng.random() * 4)
    form, number = writer.pick(("", Number(2)), ("exactly ", exactly(2)))
    blocks = f"{writer.digit(size)} block{'s' * (size > 1)} each"
    tall = Boxes((Has(ANYTHING, exactly(size)),), number)
    return writer.pick(
        (
            f"The {end} of the three towers are two {one} and one {other}",
            Both((Boxes(first, exactly(2)), Boxes(second, exactly(1)))),
        ),
        (
            f"The {end}s of the towers are {one} and {other} only",
            Both((Boxes(first), Boxes(second), Boxes((Level(level, What(THIRD[one, other])),), NONE))),
        ),
        (f"There are {form}two towers of {blocks}", tall),
        (f"There are {form}two towers with {blocks}", tall),
        (f"There are {one} blocks in each tower", Boxes((Has(What(one)),), exactly(3))),
    )


def two_of_three(writer: Writer) -> tuple[str, Statement]:
    """Such as "Two of the three towers has a black base"."""
    words, number = writer.pick(("Two", Number(2)), ("One", SOME), ("At least one", SOME), ("Exactly two", exactly(2)))
    end, level = writer.pick(("base", 0), ("top", -1))
    colour = writer.colour()
    return f"{words} of the three towers has a {colour} {end}", Boxes((Level(level, What(colour)),), number)


def towers(writer: Writer) -> tuple[str, Statement]:
    """Such as "There is exactly one tower with a yellow block at the base"."""
    told, number = subject(writer, towers=True)
    text, parts = pick(writer.rng, CONTENTS)(writer)
    return f"{told} {text}", Boxes(parts, number)


FORMS = (
    *(towers,) * 12,
    *(as_end,) * 5,
    *(on_blocks,) * 4,
    *(count, named) * 3,
    *(of_colour,) * 2,
    *(at_level, alike, bases, each, two_of_three),
)
