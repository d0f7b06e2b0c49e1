"""Functions with a name: `parity`, `threshold:k=3`, `majority:inputs=7`, …"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from slt_bias import streams
from slt_bias.errors import InputError, SpecError, nearest
from slt_bias.functions.inputs import InputSet, as_inputs

Option = int | str | None


def named(text: str, inputs: int | InputSet | None = None) -> str:
    """The truth table of a named function: a string of 0 and 1, one character a point.

    text : `NAME` or `NAME:key=value,key=value`; see `names()`. The number of inputs may stand in it too:
        `majority:inputs=7`.
    inputs : the number of binary inputs, or an InputSet. Points of a hypercube come in lexicographic order, first
        input most significant, and a function sees the bits whether they are coded 0, 1 or −1, 1. On rows of data or
        a grid there are only `constant`, `periodic` and `random`, which need no bits.

    Raises SpecError for an unknown name, option or value, and InputError for a number of inputs that is missing or
    does not fit.
    """
    name, _, rest = text.partition(":")
    if name not in KINDS:
        raise SpecError(f"no function is named `{name}`.{nearest(name, KINDS)}")
    kind = KINDS[name]
    given = _options(text, kind, rest)
    points = _points(text, inputs, given.pop("inputs", None))
    if points.kind != "hypercube" and not kind.anywhere:
        raise SpecError(f"`{text}` is a function of bits, and {points.spec} has none: use constant, periodic or random there.")
    table = kind.build(points, kind.options | given)
    return (table.astype(np.uint8) + ord("0")).tobytes().decode("ascii")


def names() -> dict[str, str]:
    """Each name with one line on what it computes and its options with their defaults."""
    return {name: kind.meaning for name, kind in KINDS.items()}


def _options(text: str, kind: Kind, rest: str) -> dict[str, Option]:
    """The options that the text gives; whole numbers, but for strings of 0 and 1 where the default is one."""
    given: dict[str, Option] = {}
    for part in rest.split(",") if rest else []:
        key, _, value = part.partition("=")
        if key != "inputs" and key not in kind.options:
            raise SpecError(f"`{text}`: no option `{key}`.{nearest(key, [*kind.options, 'inputs'])}")
        if key in given:
            raise SpecError(f"`{text}`: {key} is given twice.")
        if isinstance(kind.options.get(key), str):
            if not value or value.strip("01"):
                raise SpecError(f"`{text}`: {key}={value} must be a string of 0 and 1.")
            given[key] = value
        elif value.isascii() and value.isdigit():
            given[key] = int(value)
        else:
            raise SpecError(f"`{text}`: {key}={value} must be a whole number, 0 or larger.")
    return given


def _points(text: str, inputs: int | InputSet | None, own: Option) -> InputSet:
    """The input set, from the argument or from the text; both may be given where they agree."""
    if inputs is None:
        if own is None:
            more = f"{text}{',' if ':' in text else ':'}inputs=7"
            raise InputError(f"`{text}` needs a number of inputs: write {more} or give inputs=.")
        return as_inputs(int(own))
    points = as_inputs(inputs)
    if own is not None and (points.kind != "hypercube" or points.features != own):
        raise InputError(f"`{text}` is about {own} inputs, but the input set is {points.spec}: give the number once.")
    return points


def _bits(points: InputSet) -> np.ndarray:
    """bool (2**n, n): the inputs as bits, whatever values code them."""
    return points.points > 0


def _within(name: str, value: Option, low: int, high: int) -> int:
    if not isinstance(value, int) or not low <= value <= high:
        raise SpecError(f"{name} = {value}: need a whole number between {low} and {high} here.")
    return value


def _constant(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    return np.full(points.count, _within("constant: value", options["value"], 0, 1) == 1)


def _projection(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    return _bits(points)[:, _within("projection: index", options["index"], 0, points.features - 1)]


def _and(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    return np.all(_bits(points), axis=1)


def _or(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    return np.any(_bits(points), axis=1)


def _parity(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    chosen = points.features if options["bits"] is None else _within("parity: bits", options["bits"], 1, points.features)
    return _bits(points)[:, :chosen].sum(axis=1) % 2 == 1


def _majority(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    return 2 * _bits(points).sum(axis=1) > points.features


def _threshold(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    if options["k"] is None:
        raise SpecError("`threshold` needs the number of ones from which it is 1: write threshold:k=3.")
    return _bits(points).sum(axis=1) >= _within("threshold: k", options["k"], 0, points.features + 1)


def _multiplexer(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    largest = max(a for a in range(points.features) if a + 2**a <= points.features)
    address = largest if options["address"] is None else _within("multiplexer: address", options["address"], 0, largest)
    bits = _bits(points)
    selected = bits[:, :address] @ (1 << np.arange(address - 1, -1, -1)) if address else np.zeros(points.count, np.int64)
    return bits[np.arange(points.count), address + selected]


def _interval(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    low = points.count // 3 if options["low"] is None else _within("interval: low", options["low"], 0, points.count)
    high = 2 * points.count // 3 if options["high"] is None else options["high"]
    position = np.arange(points.count)
    return (position >= low) & (position < _within("interval: high", high, low, points.count))


def _periodic(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    return np.resize(np.array(list(str(options["pattern"]))) == "1", points.count)


def _junta(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    table = np.array(list(str(options["table"]))) == "1"
    if len(table) & (len(table) - 1) or len(table) > points.count:
        raise SpecError(f"junta: table has {len(table)} characters: need a power of two, at most {points.count} here.")
    return np.repeat(table, points.count // len(table))


def _dnf(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    terms = _within("dnf: terms", options["terms"], 1, 2**16)
    width = min(3, points.features) if options["width"] is None else _within("dnf: width", options["width"], 1, points.features)
    bits, table = _bits(points), np.zeros(points.count, bool)
    for term in range(terms):
        order, signs = streams.integers(int(options["seed"] or 0), ["functions", "dnf"], term, (2, points.features))
        chosen = np.argsort(order, kind="stable")[:width]
        table |= (bits[:, chosen] == (signs[chosen] % 2 == 1)).all(axis=1)
    return table


def _random(points: InputSet, options: dict[str, Option]) -> np.ndarray:
    purpose: list[streams.Purpose] = ["functions", "random", points.count]
    return streams.integers(int(options["seed"] or 0), purpose, 0, (points.count,), bound=2) == 1


@dataclass(frozen=True)
class Kind:
    """A named function: what it computes, its options with defaults (None: depends on the inputs), how it is built.

    anywhere : it needs no bits, so that rows of data and grids have it too.
    """

    meaning: str
    build: Callable[[InputSet, dict[str, Option]], np.ndarray]
    options: dict[str, Option]
    anywhere: bool = False


KINDS: dict[str, Kind] = {
    "constant": Kind("the same output everywhere; value=0", _constant, {"value": 0}, anywhere=True),
    "projection": Kind("one of the inputs; index=0 (the first, most significant)", _projection, {"index": 0}),
    "and": Kind("1 where all inputs are 1", _and, {}),
    "or": Kind("1 where any input is 1", _or, {}),
    "parity": Kind("1 where the number of ones among the first inputs is odd; bits=all of them", _parity, {"bits": None}),
    "majority": Kind("1 where more than half of the inputs are 1 (a tie is 0)", _majority, {}),
    "threshold": Kind("1 where at least k inputs are 1; k must be given", _threshold, {"k": None}),
    "multiplexer": Kind(
        "the first inputs are the address of one of the 2^address next, the rest is ignored; address=the largest that fits",
        _multiplexer,
        {"address": None},
    ),
    "interval": Kind(
        "1 where low ≤ the inputs read as a binary number < high; low=a third, high=two thirds of 2^inputs",
        _interval,
        {"low": None, "high": None},
    ),
    "periodic": Kind("a pattern repeated along the points; pattern=01", _periodic, {"pattern": "01"}, anywhere=True),
    "junta": Kind("a table of the first log2(length) inputs, the others ignored; table=0110", _junta, {"table": "0110"}),
    "dnf": Kind(
        "an or of random ands of literals; terms=3, width=3 literals in a term, seed=0",
        _dnf,
        {"terms": 3, "width": None, "seed": 0},
    ),
    "random": Kind("a fair coin for each point; seed=0", _random, {"seed": 0}, anywhere=True),
}
