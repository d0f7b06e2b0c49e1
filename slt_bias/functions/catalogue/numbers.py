"""Loop programs about the inputs as a binary number x, or as a string of bits: primality, squares, Collatz, patterns."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from slt_bias.functions.catalogue.reference import Member


class Loop(NamedTuple):
    """What it computes, its definition for a number x of n bits, a program with a loop, the most rounds over all x."""

    description: str
    definition: Callable[[int, int], bool]
    program: str
    rounds: Callable[[int], int]


def members(n: int, bits: np.ndarray) -> Iterator[Member]:
    """bits : bool (2**n, n), the inputs at every point."""
    for name, loop in LOOPS.items():
        values = np.array([bool(loop.definition(x, n)) for x in range(2**n)])
        program = f"def f(x,n={n}):\n{loop.program}\n"
        yield Member(name, "loop program", loop.description, values, (), program, loop.rounds(n))


def _divisors(x: int) -> int:
    return sum(x % d == 0 for d in range(1, x + 1))


def _square_free(x: int) -> bool:
    return x > 0 and all(x % (d * d) for d in range(2, math.isqrt(x) + 1))


def _fibonacci(largest: int) -> list[int]:
    numbers = [0, 1]
    while numbers[-1] < largest:
        numbers.append(numbers[-1] + numbers[-2])
    return numbers


def _collatz(x: int) -> int:
    return 0 if x < 2 else 1 + _collatz(3 * x + 1 if x % 2 else x // 2)


def _base_three(x: int) -> str:
    return (_base_three(x // 3) if x > 2 else "") + str(x % 3)


def _euclid(a: int, b: int) -> int:
    return 0 if b == 0 else 1 + _euclid(b, a % b)


def _halves(x: int, n: int) -> tuple[int, int]:
    """The first n//2 bits and the last n//2 as numbers."""
    return x >> (n - n // 2), x % 2 ** (n // 2)


def _text(x: int, n: int) -> str:
    return f"{x:0{n}b}"


def _walk(x: int, n: int) -> list[int]:
    return list(itertools.accumulate(1 if bit == "1" else -1 for bit in _text(x, n)))


def _inversions(x: int, n: int) -> int:
    return sum(one > two for one, two in itertools.combinations(_text(x, n), 2))


HALVES = " a,b=x>>n-n//2,x%2**(n//2)\n"
LOOPS = {
    "x is prime": Loop(
        "whether the binary number is a prime",
        lambda x, n: _divisors(x) == 2,
        " return sum(x%d<1 for d in range(1,x+1))==2",
        lambda n: 2**n - 1,
    ),
    "x is a square": Loop(
        "whether the binary number is a perfect square",
        lambda x, n: math.isqrt(x) ** 2 == x,
        " return any(i*i==x for i in range(x+1))",
        lambda n: 2**n,
    ),
    "x is triangular": Loop(
        "whether the binary number is 0, 1, 3, 6, 10, …",
        lambda x, n: math.isqrt(8 * x + 1) ** 2 == 8 * x + 1,
        " i=0\n while x>0:i+=1;x-=i\n return x==0",
        lambda n: (math.isqrt(8 * (2**n - 2) + 1) - 1) // 2 + 1,
    ),
    "x is square-free": Loop(
        "whether no square above 1 divides the binary number",
        lambda x, n: _square_free(x),
        " return x>0 and all(x%(d*d)for d in range(2,x))",
        lambda n: max(filter(_square_free, range(2**n))) - 2,
    ),
    "x is a Fibonacci number": Loop(
        "whether the binary number is 0, 1, 2, 3, 5, 8, …",
        lambda x, n: x in _fibonacci(2**n),
        " a,b=0,1\n while a<x:a,b=b,a+b\n return a==x",
        lambda n: _fibonacci(2**n - 1).index(_fibonacci(2**n - 1)[-1]),
    ),
    "Collatz steps are odd": Loop(
        "whether x → x/2 or 3x + 1 takes an odd number of steps to 1",
        lambda x, n: _collatz(x) % 2 == 1,
        " c=0\n while x>1:x=[x//2,3*x+1][x%2];c+=1\n return c%2",
        lambda n: max(_collatz(x) for x in range(2**n)),
    ),
    "x has no 1 in base 3": Loop(
        "whether no ternary digit of the binary number is 1 (Cantor's set)",
        lambda x, n: "1" not in _base_three(x),
        " while x%3!=1 and x:x//=3\n return x==0",
        lambda n: max(len(_base_three(x).rpartition("1")[2]) for x in range(1, 2**n)),  # it stops at the last 1
    ),
    "gcd(a, b) = 1": Loop(
        "whether the first half and the last half, as numbers, have no common divisor",
        lambda x, n: math.gcd(*_halves(x, n)) == 1,
        HALVES + " while b:a,b=b,a%b\n return a==1",
        lambda n: max(_euclid(*_halves(x, n)) for x in range(2**n)),
    ),
    "Euclid's rounds are odd": Loop(
        "whether Euclid's algorithm on the first and the last half takes an odd number of rounds",
        lambda x, n: _euclid(*_halves(x, n)) % 2 == 1,
        HALVES + " c=0\n while b:a,b=b,a%b;c+=1\n return c%2",
        lambda n: max(_euclid(*_halves(x, n)) for x in range(2**n)),
    ),
    "number of ones is prime": Loop(
        "whether the number of inputs that are 1 is a prime",
        lambda x, n: _divisors(x.bit_count()) == 2,
        " c=0\n while x:c+=x%2;x//=2\n return c in(2,3,5,7)",
        lambda n: n,
    ),
    "contains 101": Loop(
        "whether 101 stands somewhere in the inputs",
        lambda x, n: "101" in _text(x, n),
        " return any(x>>i&7==5 for i in range(n))",
        lambda n: n,
    ),
    "three ones in a row": Loop(
        "whether 111 stands somewhere in the inputs",
        lambda x, n: "111" in _text(x, n),
        " return any(x>>i&7==7 for i in range(n))",
        lambda n: n,
    ),
    "no two ones in a row": Loop(
        "whether 11 stands nowhere in the inputs",
        lambda x, n: "11" not in _text(x, n),
        " return all(x>>i&3!=3 for i in range(n))",
        lambda n: n,
    ),
    "walk stays above": Loop(
        "whether every beginning of the inputs has at least as many ones as zeros",
        lambda x, n: min(_walk(x, n)) >= 0,
        " h=0\n for i in range(n):\n  h+=2*(x>>n-1-i&1)-1\n  if h<0:return 0\n return 1",
        lambda n: n,
    ),
    "inversions are odd": Loop(
        "whether an odd number of pairs of inputs stand as 1 before 0",
        lambda x, n: _inversions(x, n) % 2 == 1,
        " return sum(x>>i&1>x>>j&1 for i in range(n)for j in range(i))%2",
        lambda n: n * (n - 1) // 2,
    ),
}
