"""What statements say of a box with scattered items, after "There is a box with": (text, parts) by chance."""

from __future__ import annotations

from mmjax.data.statements.boxes import pick
from mmjax.data.statements.parts import Every, Has, Highest, Kinds, Only, Part, Touching
from mmjax.data.statements.what import ANYTHING, SOME, Number, What, exactly
from mmjax.data.statements.wording import Writer, exact


def listed(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "a yellow square and at least two triangles"; one to three kinds."""
    wanted = writer.pick(1, 1, 2, 2, 2, 2, 3)
    kinds, words, parts = set(), [], []
    while len(kinds) < wanted:
        what = writer.what(0.2)
        if what in kinds or what == ANYTHING:
            continue
        kinds.add(what)
        amount, number, many = writer.amount(3)
        words.append(f"{amount} {writer.name(what, many)}")
        parts.append(Has(what, number))
    tail = writer.pick("", "", "", " in it") if wanted == 1 else ""
    return ", ".join(words[:-1]) + " and " * (wanted > 1) + words[-1] + tail, tuple(parts)


def bare(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "exactly four objects", "many items", "single item"."""
    if writer.chance(0.15):
        words, number = writer.pick((f"many {writer.thing}s", Number(5)), (f"single {writer.thing}", exactly(1)))
        return words, (Has(ANYTHING, number),)
    words, number, many = writer.amount(7)
    if number == SOME:
        words, number = "only one", exactly(1)
    tail = writer.pick("", "", "", " in it")
    return f"{words} {writer.thing}{'s' * many}{tail}", (Has(ANYTHING, exact(words, number)),)


def several(writer: Writer, least: int = 2) -> tuple[str, Part, int]:
    """("exactly three items", that the box has so many, the number)."""
    size = least + int(writer.rng.random() * 4)
    form, number = writer.pick(
        ("", exactly(size)), ("", exactly(size)), ("at least ", Number(size)), ("only ", exactly(size))
    )
    return f"{form}{writer.digit(size)} {writer.thing}s", Has(ANYTHING, number), size


def of_which(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "3 items of which 2 are black", "multiple items and two are black", "items one of which is a circle"."""
    first, whole, _ = several(writer)
    if writer.chance(0.2):
        first, whole = f"multiple {writer.thing}s", Has(ANYTHING, Number(2))
    if writer.chance(0.25):
        what = writer.what(0.2)
        return f"{first} one of which is a {writer.name(what)}", (whole, Has(what))
    words, number, many = writer.amount(3)
    words = "one" if words == "a" else words
    colour, are = writer.colour(), "are" if many else "is"
    link = writer.pick("of which", "of which", "and", "and the") if many else "of which"
    return f"{first} {link} {words} {are} {colour}", (whole, Has(What(colour), exact(words, number)))


def on_top(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "4 items and a blue one on top", "items of all 3 different colors and a black item touching the wall"."""
    first, whole, _ = several(writer)
    what = writer.what(0.1)
    if writer.chance(0.4):
        one = f"{what.colour} one" if what.colour and not what.shape else writer.name(what)
        return f"{first} and a {one} on top", (whole, Highest(what))
    if writer.chance(0.5):
        first, whole = f"{writer.thing}s of all {writer.digit(3)} different {writer.color}s", Kinds(exactly(3))
    where, touching = writer.touching(what, only_any=True)
    return f"{first} and a {writer.name(what)} {where}", (whole, Has(touching))


def only_one(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "only one item that is not blue", "exactly two objects which are black"."""
    size = writer.pick(1, 1, 2, 2, 3)
    are, digit, thing = "is" if size == 1 else "are", writer.digit(size), writer.thing
    first = f"{writer.pick('only', 'exactly', 'exactly')} {digit} {thing}{'s' * (size > 1)}"
    colour, shape, number = writer.colour(), pick(writer.rng, writer.box).shape, exactly(size)
    if writer.chance(0.3):
        what, named = What(None, shape), f"a {shape}" if size == 1 else f"{shape}s"
    else:
        what, named = What(colour), colour
    they = "it is" if size == 1 else writer.pick("they are", "they are both" if size == 2 else "they are all")
    return writer.pick(
        (f"{first} {writer.pick('that', 'which')} {are} {named}", (Has(what, number),)),
        (f"{first} and {they} {named}", (Has(ANYTHING, number), Has(what, number))),
        (f"{first} that {are} not {colour}", (Has(What(colour, other=True), number),)),
        (f"{thing}s of which only one {thing} is {colour}", (Has(What(colour), exactly(1)),)),
    )


def only_these(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "items of only black and blue color", "only yellow squares", "only circles and squares"."""
    one, other = writer.colours(2)
    two = Only(frozenset((one, other)))
    many, whole, _ = several(writer, 3)
    what, shapes = writer.what(0.3, 0.3), writer.pick("circle square", "circle triangle", "square triangle").split()
    thing, color = writer.thing, writer.color
    not_three = Kinds(Number(1, 2))
    return writer.pick(
        *((f"only {one} and {other} {thing}s", (two,)),) * 4,
        (f"{many} but not all {writer.digit(3)} different {color}s", (whole, not_three)),
        (f"{thing}s of only {one} and {other} {color}", (two,)),
        (f"{many} of only {one} and {other} {color}", (whole, two)),
        (f"{many} of {one} and {other} {color}", (whole, two)),
        (f"only {writer.name(what, True)}", (Every(what),)),
        (f"only {one} {thing}s and a {writer.name(what)}", (Only(frozenset([one])), Has(what))),
        ("only {}s and {}s".format(*shapes), (Only(frozenset(shapes), "shape"),)),
    )


def colours(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "items of 3 different colors", "3 items of 2 different colors", "2 items of the same shape"."""
    count = writer.pick(1, 2, 2, 3, 3)
    many, whole, size = several(writer, max(2, count))  # one item alone is the same in everything
    color, thing = writer.color, writer.thing
    if count == 1:
        field, word = writer.pick(("colour", color), ("colour", color), ("shape", "shape"))
        return f"{many} of the same {word}", (whole, Kinds(exactly(1), field=field))
    kinds = f"{writer.pick('', 'all ') if count == 3 else ''}{writer.digit(count)} different {color}s"
    what, part = writer.what(), Kinds(exactly(count))
    return writer.pick(
        *((f"{many} of {kinds}", (whole, part)),) * 3,
        *((f"{thing}s of {kinds}", (part,)),) * 2,
        (f"{thing}s of {kinds} and a {writer.name(what)}", (part, Has(what))),
        (f"{many} of different {color}", (whole, Kinds(exactly(min(size, 3))))),
    )


def pairs(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "2 yellow and 2 blue items", "a black circle and a lot of blue items", "yellow triangles"."""
    one, other = writer.colours(2)
    first, second = writer.pick(1, 2, 2, 3), writer.pick(1, 1, 2)
    both = (Has(What(one), Number(first)), Has(What(other), Number(second)))
    least = writer.pick("", "", "at least ")
    what = writer.what(0.2, 0.2)
    a_lot = (Has(what), Has(What(one), Number(3)))
    thing = writer.thing + "s" * (second > 1)
    shape = pick(writer.rng, writer.box).shape
    return writer.pick(
        (f"a {writer.name(what)} and {shape} in it", (Has(what), Has(What(what.colour, shape)))),
        (f"{writer.name(what)} and {writer.name(What(other, shape))}", (Has(what), Has(What(other, shape)))),
        *((f"{least}{writer.digit(first)} {one} and {writer.digit(second)} {other} {thing}", both),) * 3,
        (f"a {writer.name(what)} and a lot of {one} {writer.thing}s", a_lot),
        (writer.name(what, True), (Has(what, Number(2)),)),
    )


def touching(writer: Writer) -> tuple[str, tuple[Part, ...]]:
    """Such as "exactly one yellow object touching the edge", "a blue item closely touching a yellow item"."""
    what, other = writer.what(), writer.what(0.1)
    where, there = writer.touching(what, only_any=True)
    words, number, many = writer.amount(3)
    beside = f"a {writer.name(what)} {writer.pick('', 'closely ')}touching a {writer.name(other)}"
    return writer.pick(
        *((f"{words} {writer.name(what, many)} {where}", (Has(there, number),)),) * 5,
        (beside, (Touching(what, other),)),
        (f"{writer.digit(2)} {writer.name(what, True)} touching each other", (Touching(what, what),)),
        (f"only one {writer.name(what)} and it is {where}", (Has(what, exactly(1)), Has(there))),
    )


CONTENTS = (
    *(listed,) * 8,
    *(bare,) * 4,
    *(of_which, only_one, only_these, colours, touching) * 2,
    *(on_top, pairs),
)
