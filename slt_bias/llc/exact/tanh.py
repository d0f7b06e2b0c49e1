"""λ and m of tanh networks whose truth is the zero function."""

from __future__ import annotations

import math
from fractions import Fraction

from slt_bias.llc.exact.value import Exact, whole


def tanh_network(hidden: int) -> Exact:
    """λ = (H + i² + i)/(4i + 2) with i = ⌊√H⌋; m = 2 where i² = H, else 1: f(x) = Σₕ aₕ tanh(bₕ x), truth 0, at w = 0.

    One input, one output, no biases (Aoyagi & Watanabe 2005, IEICE Transactions J88-D-II, 2112–2124, main theorem).
    K is equivalent to Σₖ (Σₕ aₕ bₕ^{2k−1})², k = 1 … H. Blowing up b with the first i of these sums as coordinates gives the
    pole (H + i² + i)/(4i + 2) for each i ≥ 0; the formula is the least of them, and two of them meet where H is a square.
    Raises InputError for hidden < 1.
    """
    units = whole("hidden", hidden, 1)
    i = math.isqrt(units)
    return Exact(float(Fraction(units + i * i + i, 4 * i + 2)), 2 if i * i == units else 1)
