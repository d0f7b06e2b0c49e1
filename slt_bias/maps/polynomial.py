"""`polynomial`: independent coefficients over all monomials up to a degree."""

from __future__ import annotations

import itertools
import math

import numpy as np

from slt_bias.errors import SpecError
from slt_bias.functions.inputs import InputSet, as_inputs
from slt_bias.maps.law import make_law
from slt_bias.maps.mlp import NetworkMember
from slt_bias.maps.network import Network
from slt_bias.maps.options import Option, check_size, integer, real, spec_text, word

LARGEST_DESIGN = 2**26  # monomials × points


class Polynomial(NetworkMember):
    """f(x) = 1 where Σ_S c_S x^S > 0, the sum over all monomials of degree ≤ `degree`, the constant among them.

    A coefficient has standard deviation weight_std·decay^|S|; there is no fan-in and no bias. On a hypercube x² is no new
    function, so the monomials are the products of distinct inputs; on {−1, 1} these are the Walsh functions, and with
    degree = inputs and decay = 1 all 2ⁿ coefficients are an orthogonal rotation of 2ⁿ independent outputs: every function
    has exactly P = 2^(−2ⁿ). On rows and grids the exponents are all those of total degree ≤ `degree`.
    Raises SpecError or InputError.
    """

    name = "polynomial"
    summary = "independent coefficients over all monomials up to a degree; on values=pm1 the Walsh functions"
    options = (
        Option("degree", integer, "largest total degree", "3"),
        Option("decay", real, "a coefficient of degree d has standard deviation weight_std·decay^d", "1"),
        Option("law", word, "distribution of the coefficients: normal or uniform", "normal"),
        Option("weight_std", real, "a coefficient's standard deviation before decay", "1"),
    )

    def __init__(
        self,
        inputs: int | InputSet = 7,
        degree: int = 3,
        decay: float = 1.0,
        weight_std: float | None = None,
        law: str | None = None,
    ) -> None:
        self.inputs = as_inputs(inputs)
        cube = self.inputs.kind == "hypercube"
        check_size("degree", degree, 0, self.inputs.features if cube else 16)
        if not (math.isfinite(decay) and decay > 0):
            raise SpecError(f"decay={decay}: give a finite number larger than 0.")
        self.degree, self.decay = degree, float(decay)
        self.law = make_law(law, weight_std)
        options = {"degree": degree, "decay": self.decay, "law": self.law.distribution, "weight_std": self.law.weight_std}
        self.spec = spec_text(self.name, self.inputs.spec, options)
        std = f"{self.law.weight_std:g}" + (f"·{self.decay:g}^degree" if self.decay != 1 else "")
        self.law_text = f"{self.law.distribution}: every coefficient, the constant's included, of standard deviation {std}"
        size = _number_of_monomials(self.inputs.features, degree, cube)
        if size * self.inputs.count > LARGEST_DESIGN:
            raise SpecError(
                f"degree={degree}: {size} monomials on {self.inputs.count} points are {size * self.inputs.count:.3g} numbers; "
                f"at most {LARGEST_DESIGN:.3g} fit: give a smaller degree or fewer inputs."
            )
        choose = itertools.combinations if cube else itertools.combinations_with_replacement
        monomials = [chosen for d in range(degree + 1) for chosen in choose(range(self.inputs.features), d)]
        design = np.stack([self.inputs.points[:, list(chosen)].prod(axis=1) for chosen in monomials], axis=1)
        degrees = np.array([len(chosen) for chosen in monomials])
        scales = (self.law.weight_std * self.decay**degrees).astype(np.float32)
        self._set_network(Network((size, 1), design, scales, has_bias=False, uniform=self.law.distribution == "uniform"))
        symmetries = {"negate-output"} | ({"permute-inputs"} if cube else set())
        if self.inputs.values == (-1, 1):
            symmetries.add("negate-inputs")
        self.symmetries = frozenset(symmetries)

    @property
    def is_walsh_null(self) -> bool:
        """True where every function is exactly equally likely: all Walsh functions, normal coefficients of equal variance."""
        assert self.law is not None
        whole = self.inputs.values == (-1, 1) and self.degree == self.inputs.features
        return whole and self.decay == 1 and self.law.distribution == "normal"


def _number_of_monomials(features: int, degree: int, distinct: bool) -> int:
    if distinct:
        return sum(math.comb(features, d) for d in range(degree + 1))
    return math.comb(features + degree, degree)
