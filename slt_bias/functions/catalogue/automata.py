"""Loop programs that repeat one step on the inputs as a state: cellular automata, shift registers, modular arithmetic."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from slt_bias.functions.catalogue.expression import Expression, Input, odd_of
from slt_bias.functions.catalogue.reference import Member

RULES = {30: (1, 2, 3, 5, 8), 90: (1, 2, 3, 5), 110: (1, 2, 3, 5, 8)}  # rule 90 on 7 cells: 8 steps are 1 step
# Taps of registers of maximal period 2ⁿ − 1, from primitive polynomials over the field of two elements.
TAPS = {3: 0b110, 4: 0b1100, 5: 0b10100, 6: 0b110000, 7: 0b1100000, 8: 0b10111000, 9: 0b100010000, 10: 0b1001000000}
UNROLLED = 3  # steps of a cellular automaton up to which composing its rule is a formula worth trying


def members(n: int, bits: np.ndarray) -> Iterator[Member]:
    """bits : bool (2**n, n), the inputs at every point."""
    for rule, counts in RULES.items():
        for steps in counts:
            yield _cellular(n, bits, rule, steps)
    for steps in (8, 20, 40):
        yield _linear_register(n, steps)
    for steps in (8, 20) if n >= 4 else ():
        yield _nonlinear_register(n, steps)
    yield from _modular(n)


def _cellular(n: int, bits: np.ndarray, rule: int, steps: int) -> Member:
    """Elementary cellular automata (Wolfram 1983): a ring of n cells, the output is the middle one."""
    cells, middle = bits, (n - 1) // 2
    for _ in range(steps):
        neighbourhood = 4 * np.roll(cells, 1, axis=1) + 2 * cells + np.roll(cells, -1, axis=1)
        cells = (rule >> neighbourhood) & 1 == 1
    program = (
        f"def f(x,n={n}):\n for _ in range({steps}):"
        f"x=sum(({rule}>>(x*(1+2**n+4**n)>>n-1+i&7)&1)<<i for i in range(n))\n return x>>n//2&1\n"
    )
    name = f"rule {rule}, {_steps(steps)}"
    text = f"the middle cell of a ring of {n} after {_steps(steps)} of elementary cellular automaton {rule}"
    if rule == 90:
        formulas: tuple[Expression, ...] = (_linear(n, cells[:, middle]),)
    else:
        formulas = (_unrolled(n, rule, steps, middle),) if steps <= UNROLLED else ()
    return Member(name, "loop program", text, cells[:, middle], formulas, program, steps)


def _unrolled(n: int, rule: int, steps: int, cell: int) -> Expression:
    """The rule composed with itself; cells before the first step are inputs."""
    if steps == 0:
        return Input(cell % n)
    left, own, right = (_unrolled(n, rule, steps - 1, cell + shift) for shift in (-1, 0, 1))
    return left ^ (own | right) if rule == 30 else (own ^ right) | (~left & own)


def _linear_register(n: int, steps: int) -> Member:
    """A linear feedback register in the form of Galois, of maximal period; the output is the last bit."""
    state = np.arange(2**n)
    for _ in range(steps):
        state = (state >> 1) ^ np.where(state & 1, TAPS[n], 0)
    program = f"def f(x,n={n}):\n for _ in range({steps}):x=x>>1^x%2*{TAPS[n]}\n return x%2\n"
    text = f"the last bit of a linear feedback register with taps {TAPS[n]:0{n}b} after {steps} steps"
    values = state & 1 == 1
    return Member(f"linear register, {_steps(steps)}", "loop program", text, values, (_linear(n, values),), program, steps)


def _linear(n: int, values: np.ndarray) -> Expression:
    """A linear function as the XOR of the inputs that turn it on alone."""
    return odd_of([Input(i) for i in range(n) if values[1 << (n - 1 - i)]])


def _nonlinear_register(n: int, steps: int) -> Member:
    """A feedback register whose new bit is x0 ⊕ x2x3 of its state; the output is the newest bit."""
    state = np.arange(2**n)
    for _ in range(steps):
        first, third, fourth = ((state >> (n - 1 - i)) & 1 for i in (0, 2, 3))
        state = (2 * state) % 2**n + (first ^ (third & fourth))
    program = f"def f(x,n={n}):\n for _ in range({steps}):x=x*2%2**n+(x>>n-1^x>>n-3&x>>n-4)%2\n return x%2\n"
    text = f"the newest bit after {steps} shifts to the left, each with the new bit x0 xor (x2 and x3)"
    return Member(f"nonlinear register, {_steps(steps)}", "loop program", text, state & 1 == 1, (), program, steps)


def _modular(n: int) -> Iterator[Member]:
    """Iterated arithmetic modulo 2ⁿ, with the top bit as output, and modulo the largest prime below 2ⁿ, with the parity."""
    prime = max(p for p in range(2, 2**n) if all(p % divisor for divisor in range(2, math.isqrt(p) + 1)))
    kinds: list[tuple[str, Callable[[np.ndarray], np.ndarray], str, int, tuple[int, ...]]] = [
        ("5x + 3 mod 2^n", lambda x: (5 * x + 3) % 2**n, "(5*x+3)%2**n", n - 1, (1, 2, 8)),
        (f"3x mod {prime}", lambda x: 3 * x % prime, f"3*x%{prime}", 0, (1, 3, 8)),
        (f"x^2 + 1 mod {prime}", lambda x: (x * x + 1) % prime, f"(x*x+1)%{prime}", 0, (1, 2, 8)),
    ]
    for name, step, code, digit, counts in kinds:
        text = f"{'the top bit' if digit else 'the parity'} of x after as many times x ← {name}"
        output = "x>>n-1" if digit else "x%2"
        for steps in counts:
            state = np.arange(2**n)
            for _ in range(steps):
                state = step(state)
            program = f"def f(x,n={n}):\n for _ in range({steps}):x={code}\n return {output}\n"
            yield Member(f"{name}, {_steps(steps)}", "loop program", text, (state >> digit) & 1 == 1, (), program, steps)


def _steps(count: int) -> str:
    return f"{count} step{'s' if count > 1 else ''}"
