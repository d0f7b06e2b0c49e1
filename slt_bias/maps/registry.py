"""All families by name, and `parse`: from a spec's text to a map."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from slt_bias.errors import SpecError, nearest
from slt_bias.functions import inputs as input_sets
from slt_bias.functions.inputs import InputSet
from slt_bias.maps.base import FamilyMember
from slt_bias.maps.options import Option, split, word

# name → (module of slt_bias.maps, class); one line adds a family
FAMILIES = {
    "mlp": ("mlp", "MLP"),
    "perceptron": ("perceptron", "Perceptron"),
    "polynomial": ("polynomial", "Polynomial"),
    "transformer": ("transformer", "Transformer"),
    "cnn": ("cnn", "CNN"),
    "rnn": ("rnn", "RNN"),
    "lstm": ("lstm", "LSTM"),
    "fourier": ("fourier", "Fourier"),
    "random-features": ("random_features", "RandomFeatures"),
    "tree": ("tree", "Tree"),
    "circuit": ("circuit", "Circuit"),
    "transducer": ("transducer", "Transducer"),
    "layered": ("layered", "Layered"),
    "scrambled": ("scrambled", "Scrambled"),
    "uniform": ("uniform", "Uniform"),
    "module": ("module", "ModuleMap"),
}

INPUT_OPTIONS = (
    Option("inputs", word, "number of binary inputs, or a grid such as grid-9x9", "7"),
    Option("values", word, "values of a binary input: 01 or pm1", "01"),
)


def family(name: str) -> type[FamilyMember]:
    """The class of a family. Raises SpecError with the nearest name."""
    if name not in FAMILIES:
        raise SpecError(f"map `{name}` is unknown.{nearest(name, FAMILIES)}")
    module, class_name = FAMILIES[name]
    found: type[FamilyMember] = getattr(import_module(f"slt_bias.maps.{module}"), class_name)
    return found


def parse(text: str, inputs: InputSet | None = None) -> FamilyMember:
    """The map that a spec names: `mlp:hidden=40x40,activation=tanh,inputs=7,values=pm1`.

    A spec within a spec stands in brackets: `scrambled:map=[mlp:hidden=40x40,bias=false],key=3`.
    inputs : an input set for a spec that names none (default: 7 binary inputs with values 0 and 1).
    Raises SpecError for an unknown family or option (with the nearest valid one), a value that cannot be read, an
    option given twice, or inputs given both in the text and as an argument; InputError for inputs that do not fit.
    """
    name, _, rest = text.strip().partition(":")
    chosen = family(name)
    parts = split(rest)
    keywords: dict[str, Any] = {}
    if name == "module":
        if not parts or "=" in parts[0]:
            raise SpecError(f"`{text}`: name the factory, as in module:package.module:factory.")
        keywords["factory"] = parts.pop(0)
    given: dict[str, str] = {}
    for part in parts:
        key, equals, value = part.partition("=")
        if not equals:
            raise SpecError(f"`{part}` in `{text}`: options read name=value, with commas between them.")
        if key in given:
            raise SpecError(f"{key} is given twice in `{text}`.")
        given[key] = value
    readers = {option.name: option for option in (*INPUT_OPTIONS, *chosen.options)}
    for key in given:
        if key not in readers:
            raise SpecError(f"map `{name}` has no option `{key}`.{nearest(key, readers)}")
    if not chosen.wraps or inputs is not None or "inputs" in given or "values" in given:
        keywords["inputs"] = _inputs(given.pop("inputs", None), given.pop("values", None), inputs, text)
    for key, value in given.items():
        try:
            keywords[key] = readers[key].read(value)
        except SpecError as error:
            raise SpecError(f"{key}={value} in `{text}`: {error}") from None
    return chosen(**keywords)


def _inputs(number: str | None, values: str | None, argument: InputSet | None, text: str) -> InputSet:
    if number is None and values is None:
        return argument if argument is not None else input_sets.hypercube(7)
    if argument is not None:
        raise SpecError(f"`{text}` names its inputs, and inputs are given for all maps too: leave out one of the two.")
    return input_sets.from_spec(number or "7", values)
