"""The families one by one: the smallest parameters, by exhaustive search, and programs that are known."""

import itertools

import numpy as np
import pytest

from slt_bias import complexity
from slt_bias.complexity.code import automaton, counter, encode, family_lengths
from slt_bias.complexity.code.enumerative import decode_rank, encode_rank, rank_widths
from slt_bias.complexity.code.family import NEVER, single
from slt_bias.complexity.code.periodic import PERIODIC
from slt_bias.complexity.code.reader import Reader, fixed, gamma, gamma_length, width
from slt_bias.complexity.code.shift_register import SHIFT_REGISTER, shortest_register
from slt_bias.complexity.code.shortest import FAMILIES, selectors
from slt_bias.errors import InputError
from slt_bias.functions import Functions, parse


def test_numbers():
    assert [gamma(k) for k in (1, 2, 3, 4)] == ["1", "010", "011", "00100"]  # Elias 1975
    assert [width(k) for k in (1, 2, 3, 4, 5)] == [0, 1, 2, 2, 3]
    for number in (1, 2, 5, 127, 128, 99999):
        assert gamma_length(number) == len(gamma(number))
        assert Reader(gamma(number) + "111").gamma(2**20, "it") == number
    assert fixed(5, 4) == "0101" and fixed(0, 0) == ""
    with pytest.raises(InputError, match="it is 6, at most 5"):
        Reader("110").below(6, "it")
    with pytest.raises(InputError, match="it is 6, at most 5"):
        Reader(gamma(6)).gamma(5, "it")


@pytest.mark.parametrize(("points", "ones"), [(1, 0), (5, 2), (8, 8), (10, 5)])
def test_ranks_count_the_strings(points, ones):
    strings = [s for s in itertools.product((False, True), repeat=points) if sum(s) == ones]
    for rank, string in enumerate(strings):  # lexicographic
        bits = encode_rank(np.array(string))
        assert bits == fixed(rank, int(rank_widths(points)[ones]))
        assert decode_rank(Reader(bits), points, ones).tolist() == list(string)
    if len(strings) < 2 ** int(rank_widths(points)[ones]):
        with pytest.raises(InputError, match="rank"):
            decode_rank(Reader("1" * 20), points, ones)


def test_ranks_of_a_long_table():
    table = np.random.default_rng(0).random(20000) < 0.1
    assert np.array_equal(decode_rank(Reader(encode_rank(table)), 20000, int(table.sum())), table)


@pytest.mark.parametrize("points", [1, 7, 63, 64, 65, 128, 150])
def test_periods_and_registers_are_the_shortest(points):
    noise = np.random.default_rng(points)
    tables = [np.resize(noise.random(noise.integers(1, 80)) < 0.5, points) for _ in range(40)]
    functions = Functions.from_values(np.array(tables))
    periods = [next(p for p in range(1, points + 1) if np.array_equal(table[p:], table[: points - p])) for table in tables]
    assert PERIODIC.lengths(functions).tolist() == [gamma_length(p) + p for p in periods]
    registers = [shortest_register(table.tolist())[0] for table in tables]
    assert SHIFT_REGISTER.lengths(functions).tolist() == [gamma_length(n + 1) + 2 * n for n in registers]


def test_registers_by_exhaustive_search():
    for table in itertools.product((0, 1), repeat=7):
        found = next(
            length
            for length in range(8)
            if any(
                all(table[i] == sum(t * table[i - j - 1] for j, t in enumerate(taps)) % 2 for i in range(length, 7))
                for taps in itertools.product((0, 1), repeat=length)
            )
        )
        assert shortest_register(list(map(bool, table)))[0] == found


def test_counters_and_automata_are_found():
    i = np.arange(128)
    for m, a, b, c in ((13, 5, 3, 4), (32, 7, 0, 16), (61, 1, 60, 1)):
        table = (a * i + b) % m < c
        assert counter.COUNTER.lengths(single(table))[0] <= gamma_length(m) + 1 + (2 if a == 1 else 3) * width(m)
    cells = automaton.starting(128)[0]
    for _ in range(20):  # rule 30 (Wolfram 1983): left XOR (own OR right)
        cells = np.roll(cells, 1) ^ (cells | np.roll(cells, -1))
    assert automaton.AUTOMATON.lengths(single(cells))[0] == 11 + gamma_length(21)
    assert complexity.winner("".join("01"[c] for c in cells.astype(int))) == "automaton"
    history = FAMILIES["automaton"].decode(Reader(fixed(30, 8) + "00" + "1" + gamma(1)), 128)
    assert "".join("01"[bit] for bit in history[:20].astype(int)) == "11011100110001011001"  # OEIS A051023
    assert automaton.AUTOMATON.lengths(single(history))[0] == 12
    noise = Functions(np.random.default_rng(0).integers(0, 256, (10, 16), dtype=np.uint8), 128)
    assert (counter.COUNTER.lengths(noise) == NEVER).all()


@pytest.mark.parametrize("points", [1000, 5000])
def test_more_points_have_smaller_tables_of_programs(points):
    i = np.arange(points)
    assert counter.COUNTER.lengths(single((3 * i + 1) % 7 < 2))[0] < NEVER
    assert len(counter.known_programs(points).lengths) < len(counter.known_programs(128).lengths)


def test_a_junta_costs_its_inputs_and_the_smaller_code():
    smaller = "random:seed=3,inputs=5"
    table = parse(smaller).values()[0]
    points = np.arange(128)
    for kept in ((0, 1, 2, 3, 4), (1, 2, 4, 5, 6), (0, 2, 3, 5, 6)):
        place = sum((points >> (6 - i) & 1) << (4 - k) for k, i in enumerate(kept))
        text = encode("".join("01"[bit] for bit in table[place].astype(int)), "junta")
        assert len(text) == 3 + 3 + 5 + complexity.code(smaller)  # selector, how many of 7, which of 21
        assert text.endswith(encode(smaller))


@pytest.mark.parametrize(
    ("function", "family", "bits"),
    [
        ("constant", "periodic", 1 + 1),
        ("parity", "symmetric", 8),
        ("parity", "anf", 3 + 7 + 3),
        ("projection:index=2", "formula", 2 + 3 + 1),
        ("and", "dnf", 1 + 3 + 3 + 0 + 7),
        ("or", "dnf", 1 + 3 + 3 + 0 + 7),
        ("interval:low=10,high=20", "runs", 1 + 3 + 13),
        ("threshold:k=7", "ones", 1 + 3 + 7),
    ],
)
def test_lengths_by_hand(function, family, bits):
    text = f"{function}{',' if ':' in function else ':'}inputs=7"
    assert family_lengths(text, family)[0] - len(selectors(128)[family]) == bits


def test_formulas_find_gates():
    """Each gate of a chain over 7 inputs costs its kind, its input and a sign; the greedy search finds the chain."""
    bits = parse([f"projection:index={k}" for k in range(7)], 7).values()
    chain = bits[0] & (bits[1] | (bits[2] ^ (bits[3] & ~bits[4])))
    text = encode("".join("01"[b] for b in chain.astype(int)), "formula")
    assert len(text) == 4 + (3 + 3 + 1) + (4 + 3 + 1) + (4 + 3) + (3 + 2 + 1) + (2 + 2 + 1)
    choice = np.where(bits[6], bits[0], bits[5])
    assert len(encode("".join("01"[b] for b in choice.astype(int)), "formula")) == 4 + (2 + 3) + 2 * (2 + 3 + 1)


@pytest.mark.parametrize(("inputs", "functions"), [(1, 4), (2, 14), (3, 104), (4, 1882)])
def test_all_small_threshold_functions_are_found(inputs, functions):
    """The numbers of threshold functions are known (Muroga 1971; OEIS A000609); constants have no weights here."""
    tables = (np.arange(2 ** 2**inputs)[:, None] >> np.arange(2**inputs)) & 1
    lengths = FAMILIES["threshold"].lengths(Functions.from_values(tables))
    assert (lengths < NEVER).sum() == functions - 2


def test_threshold_functions_of_seven_inputs():
    noise = np.random.default_rng(0)
    points = np.arange(128)[:, None] >> np.arange(7) & 1
    for largest in (1, 2, 3):
        weights = noise.integers(-largest, largest + 1, 7)
        weights[0] = largest
        table = points @ weights > weights.sum() / 2 + 0.25
        length = FAMILIES["threshold"].lengths(single(table))[0]
        assert length <= gamma_length(largest) + width((2 * largest + 1) ** 7) + width(int(np.abs(weights).sum()))
    assert FAMILIES["threshold"].lengths(parse("parity:inputs=7"))[0] == NEVER
    with pytest.raises(InputError, match="all weights are 0"):
        FAMILIES["threshold"].decode(Reader("1" + fixed((3**7 - 1) // 2, 12)), 128)
