"""Systems by name, as `slt-bias llc` takes them, each with its exact λ where that is known."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slt_bias import subjects
from slt_bias.errors import InputError, SpecError, nearest
from slt_bias.llc import exact
from slt_bias.subjects import System

if TYPE_CHECKING:
    from slt_bias.subjects.linear.networks import Point

NAMES = ("deep-linear", "reduced-rank", "monomial", "regression")
OWN = "module:"
MOST_PARAMETERS = 1_000_000
POPULATION_TEMPERATURE = 1e4  # nβ of `fast` where the loss is a population loss and none is given
OPTIONS = {  # which options each system knows
    "deep-linear": ("widths", "rank", "point"),
    "reduced-rank": ("widths", "rank", "point"),
    "monomial": ("exponents",),
    "regression": ("inputs", "examples"),
    OWN: ("checkpoint",),
}


@dataclass(frozen=True, eq=False)
class Known:
    """A system to measure, and what is known of it.

    system : the model at w*, its loss and its data. truth, multiplicity : the exact λ and m at w*, None where not known.
    source : where the truth comes from. population : whether the loss is a population loss, which has no n of its own (a
        population loss may be written as a few noiseless rows of data).
    """

    system: System
    truth: float | None = None
    multiplicity: int | None = None
    source: str = ""
    population: bool = False

    @property
    def name(self) -> str:
        """What it is and with which settings."""
        return self.system.name


def deep_linear(widths: Sequence[int], rank: int, point: Point = "aligned") -> Known:
    """A deep linear network and its population loss; aligned: the most singular point of the fibre, generic: a smooth one."""
    size = sum(before * after for before, after in itertools.pairwise(widths))
    if size > MOST_PARAMETERS:
        raise InputError(f"widths {','.join(map(str, widths))} make {size:,} parameters: at most {MOST_PARAMETERS:,} fit here.")
    system = subjects.linear.deep_linear(widths, rank, point)
    if point == "aligned":
        truth, multiplicity = exact.deep_linear(widths, rank)
        return Known(system, truth, multiplicity, "Aoyagi 2024, theorem 1", population=True)
    weights = [parameter.detach() for parameter in system.model.parameters()]
    return Known(system, exact.deep_linear_at(weights), 1, "half the rank of the derivative, a smooth point", population=True)


def reduced_rank(widths: Sequence[int], rank: int, point: Point = "aligned") -> Known:
    """Reduced-rank regression, widths = inputs, hidden units, outputs: `deep_linear` with one hidden layer."""
    if len(widths) != 3:
        raise SpecError(f"reduced-rank has three widths, inputs,hidden,outputs such as --widths 5,3,5, not {len(widths)}.")
    known = deep_linear(widths, rank, point)
    source = known.source if point == "generic" else "Aoyagi & Watanabe 2005, main theorem"
    return Known(known.system, known.truth, known.multiplicity, source, population=True)


def monomial(rows: Sequence[Sequence[int]]) -> Known:
    """K(w) = Σⱼ Πᵢ wᵢ^(2kⱼᵢ) at w* = 0, a row of exponents a monomial."""
    if len(rows) == 1:
        truth = exact.monomial(rows[0])
        return Known(subjects.monomial.monomial(rows[0]), *truth, "the largest pole of the zeta function", population=True)
    truth = exact.sum_of_monomials(rows)
    return Known(subjects.monomial.sum_of_monomials(rows), *truth, "the Newton polyhedron", population=True)


def regression(inputs: int = 5, examples: int = 1000, seed: int = 0) -> Known:
    """Linear regression on noisy data at its minimum: regular, λ = inputs/2."""
    system = subjects.regression.linear_regression(inputs, examples, seed=seed)
    return Known(system, *exact.regular(inputs), "regular: half the number of parameters")


def from_factory(name: str) -> Known:
    """The user's own: `package.module:factory`, a function without arguments that returns (model, loss, data), or a System.

    The current folder is searched after the usual ones. Raises SpecError where it is not found, fails or returns something else.
    """
    from slt_bias.maps.factories import find

    try:
        made = find(name).call()
    except SpecError as error:
        raise SpecError(str(error).replace("returns a torch.nn.Module", "returns (model, loss, data)")) from error
    except Exception as error:  # the user's own code: any error becomes one line
        text = (str(error).strip().splitlines() or [""])[0]
        raise SpecError(f"factory `{name}` failed: {type(error).__name__}: {text}") from error
    if isinstance(made, System):
        return Known(made)
    if not isinstance(made, tuple) or len(made) != 3:
        kind = f"{len(made)} values" if isinstance(made, tuple) else type(made).__name__
        raise SpecError(f"factory `{name}` returned {kind}: it must return (model, loss, data).")
    return Known(System(f"{OWN}{name}", *made))


def named(text: str, seed: int = 0, **given: Any) -> Known:
    """The system that the command line names, from the options that were given (None: not given).

    Raises SpecError for an unknown system, an option that it does not have, or one that is missing; InputError for values
    that do not fit.
    """
    kind = OWN if text.startswith(OWN) else text
    if kind not in OPTIONS:
        raise SpecError(f"system `{text}`.{nearest(text, [*NAMES, 'module:package.module:factory'])}")
    options = {name: value for name, value in given.items() if value is not None and value != ()}
    for name in options:
        if name not in OPTIONS[kind]:
            takes = ", ".join(_flag(option) for option in OPTIONS[kind])
            raise SpecError(f"{text} has no {_flag(name)}: it takes {takes}.")
    if kind == OWN:
        return from_factory(text.removeprefix(OWN))
    if kind == "regression":
        return regression(options.get("inputs", 5), options.get("examples", 1000), seed)
    if kind == "monomial":
        if "exponents" not in options:
            raise SpecError("monomial needs its exponents: `monomial 1,2` is w1² w2⁴, `monomial 1,0+0,2` is w1² + w2⁴.")
        return monomial([whole_numbers("the exponents", row) for row in options["exponents"].split("+")])
    for name in ("widths", "rank"):
        if name not in options:
            raise SpecError(f"{text} needs --{name}, such as {text} --widths 5,3,5 --rank 1.")
    point = options.get("point", "aligned")
    if point not in ("aligned", "generic"):
        raise SpecError(f"--point {point}.{nearest(point, ('aligned', 'generic'))}")
    make = deep_linear if kind == "deep-linear" else reduced_rank
    return make(whole_numbers("--widths", options["widths"]), options["rank"], point)


def whole_numbers(what: str, text: str) -> tuple[int, ...]:
    """`10,10,5` as numbers. Raises InputError."""
    parts = text.split(",")
    if not all(re.fullmatch(r"\s*[0-9]{1,9}\s*", part) for part in parts):
        raise InputError(f"{what} `{text}`: give whole numbers with commas between them, such as 5,3,5.")
    return tuple(int(part) for part in parts)


def _flag(name: str) -> str:
    return name.upper() if name == "exponents" else f"--{name}"
