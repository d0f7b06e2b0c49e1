"""Named functions against their definitions, point by point, and the errors of their text."""

import numpy as np
import pytest

from slt_bias.errors import InputError, SpecError
from slt_bias.functions import from_rows, grid, hypercube, named, names
from slt_bias.functions.named import KINDS

SIZES = (1, 2, 3, 4, 7)


def bits(n):
    return [tuple(map(int, f"{point:0{n}b}")) for point in range(2**n)]


DEFINITIONS = {
    "constant": lambda x, n: 0,
    "constant:value=1": lambda x, n: 1,
    "projection": lambda x, n: x[0],
    "projection:index=2": lambda x, n: x[2],
    "and": lambda x, n: min(x),
    "or": lambda x, n: max(x),
    "parity": lambda x, n: sum(x) % 2,
    "parity:bits=2": lambda x, n: sum(x[:2]) % 2,
    "majority": lambda x, n: sum(x) > n / 2,
    "threshold:k=3": lambda x, n: sum(x) >= 3,
    "multiplexer:address=1": lambda x, n: x[1 + x[0]],
    "interval:low=3,high=5": lambda x, n: 3 <= int("".join(map(str, x)), 2) < 5,
    "periodic": lambda x, n: x[-1],
    "periodic:pattern=0011": lambda x, n: x[-2],
    "periodic:pattern=110": lambda x, n: int("".join(map(str, x)), 2) % 3 != 2,
    "junta": lambda x, n: x[0] ^ x[1],
    "junta:table=01": lambda x, n: x[0],
}


@pytest.mark.parametrize("text", DEFINITIONS)
@pytest.mark.parametrize("n", (3, 4, 7))
def test_a_named_function_meets_its_definition(text, n):
    expected = "".join(str(int(DEFINITIONS[text](x, n))) for x in bits(n))
    assert named(text, n) == expected
    assert named(f"{text}{',' if ':' in text else ':'}inputs={n}") == expected


def test_the_multiplexer_takes_the_largest_address_that_fits():
    assert named("multiplexer", 6) == "".join(str(x[2 + 2 * x[0] + x[1]]) for x in bits(6))
    assert named("multiplexer", 7) == "".join(str(x[2 + 2 * x[0] + x[1]]) for x in bits(7))  # the seventh is ignored
    assert named("multiplexer", 1) == "01"


def test_ties_of_the_majority_are_0():
    assert named("majority", 2) == "0001"


def test_the_coding_of_the_inputs_does_not_matter():
    for text in ("parity", "majority", "multiplexer", "dnf"):
        assert named(text, hypercube(5, values=(-1, 1))) == named(text, 5)


def test_a_random_dnf_is_a_disjunction_of_its_width():
    for seed in range(10):
        single = named(f"dnf:terms=1,width=3,seed={seed}", 6)
        assert single.count("1") == 2 ** (6 - 3)
        several = named(f"dnf:terms=4,width=3,seed={seed}", 6)
        assert 8 <= several.count("1") <= 32
        assert all(b == "1" for a, b in zip(single, several, strict=True) if a == "1")
    assert named("dnf:seed=1", 7) != named("dnf:seed=2", 7)
    assert named("dnf", 2) == named("dnf:width=2", 2)  # the default width is no wider than the inputs


def test_random_is_fair_and_depends_on_its_seed_alone():
    ones = [named(f"random:seed={seed}", 10).count("1") for seed in range(20)]
    assert abs(np.mean(ones) - 512) < 5.5 * 16 / np.sqrt(20)
    assert named("random", 7) == named("random:seed=0", 7) != named("random:seed=1", 7)
    assert not named("random", 8).startswith(named("random", 7))


def test_rows_and_grids_have_the_names_that_need_no_bits():
    rows = from_rows(np.arange(5.0)[:, None])
    assert named("constant:value=1", rows) == "11111"
    assert named("periodic:pattern=001", rows) == "00100"
    assert len(named("random", grid(3, 3))) == 9
    for name in set(KINDS) - {"constant", "periodic", "random"}:
        with pytest.raises(SpecError, match="function of bits"):
            named("threshold:k=1" if name == "threshold" else name, rows)


def test_names_describes_every_function():
    assert set(names()) == {
        "constant", "projection", "and", "or", "parity", "majority", "threshold", "multiplexer", "interval", "periodic",
        "junta", "dnf", "random",
    }  # fmt: skip
    for name, meaning in names().items():
        assert "\n" not in meaning
        assert all(option in meaning for option in KINDS[name].options)


@pytest.mark.parametrize(
    ("text", "inputs", "message"),
    [
        ("paritty", 7, "Did you mean `parity`"),
        ("parity:bit=3", 7, "Did you mean `bits`"),
        ("parity:bits=8", 7, "between 1 and 7"),
        ("parity:bits=2,bits=2", 7, "given twice"),
        ("projection:index=7", 7, "between 0 and 6"),
        ("constant:value=2", 7, "between 0 and 1"),
        ("threshold", 7, "threshold:k=3"),
        ("threshold:k=-1", 7, "whole number"),
        ("threshold:k=9", 7, "between 0 and 8"),
        ("multiplexer:address=3", 7, "between 0 and 2"),
        ("interval:low=5,high=3", 7, "between 5 and 128"),
        ("periodic:pattern=", 7, "string of 0 and 1"),
        ("periodic:pattern=012", 7, "string of 0 and 1"),
        ("junta:table=011", 7, "power of two"),
        ("junta:table=00000000", 2, "power of two, at most 4"),
        ("dnf:width=8", 7, "between 1 and 7"),
        ("dnf:terms=0", 7, "between 1"),
    ],
)
def test_a_wrong_text_gets_one_clear_line(text, inputs, message):
    with pytest.raises(SpecError, match=message) as caught:
        named(text, inputs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "inputs", "message"),
    [
        ("parity", None, "parity:inputs=7"),
        ("parity:bits=3", None, "parity:bits=3,inputs=7"),
        ("parity:inputs=6", 7, "6 inputs"),
        ("random:inputs=3", grid(3, 3), "3 inputs"),
        ("parity:inputs=17", None, "16 KiB.* largest that fits is 16"),
        ("parity", 0, "at least 1"),
    ],
)
def test_inputs_must_be_given_once_and_fit(text, inputs, message):
    with pytest.raises(InputError, match=message):
        named(text, inputs)


@pytest.mark.parametrize("n", SIZES)
def test_agreeing_twice_is_no_error(n):
    assert named(f"parity:inputs={n}", n) == named("parity", n)
