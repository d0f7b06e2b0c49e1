"""Orbits against brute force over the whole group, written out by itself."""

import itertools
import math

import numpy as np
import pytest

from slt_bias.errors import InputError, SpecError
from slt_bias.functions import Functions, from_rows, grid, hypercube, named, symmetry
from slt_bias.functions.symmetry import NPN, PERMUTATIONS, canonical, classes, group, group_order, orbit, orbits, usable

SUBSETS = [frozenset(names) for size in range(5) for names in itertools.combinations(symmetry.NAMES, size)]
GROUPS = [names for names in SUBSETS if not {"negate-inputs", "negate-all-inputs"} <= names]
PN, P_OUT = NPN - {"negate-output"}, PERMUTATIONS | {"negate-output"}


def elements(n, wanted):
    """(columns, negated, flipped) of every element of the group."""
    orders = itertools.permutations(range(n)) if "permute-inputs" in wanted else [tuple(range(n))]
    if "negate-inputs" in wanted:
        signs = list(itertools.product((0, 1), repeat=n))
    else:
        signs = [(0,) * n, (1,) * n] if "negate-all-inputs" in wanted else [(0,) * n]
    return list(itertools.product(orders, signs, (0, 1) if "negate-output" in wanted else (0,)))


def image(tables, element):
    """bool (count, points): f(x) becomes f(x[order] ^ sign) ^ flip."""
    order, sign, flip = element
    n = len(order)
    points = np.array(list(itertools.product((0, 1), repeat=n)))
    place = (points[:, list(order)] ^ np.array(sign)) @ (1 << np.arange(n - 1, -1, -1))
    return tables[:, place] ^ bool(flip)


def all_images(tables, n, wanted):
    """bool (elements, count, points)."""
    return np.stack([image(tables, element) for element in elements(n, wanted)])


def spectra(tables, n):
    """Walsh coefficients in the order of the docstring: input 0 is the lowest bit of a set's number."""
    points = np.array(list(itertools.product((0, 1), repeat=n)))
    sets = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    return np.where(tables, -1, 1) @ (-1) ** (points @ sets.T)


def structured(n):
    """Functions with ties of every kind: symmetric, few inputs, quadratic, cyclic, codes, vanishing low orders."""
    x = np.array(list(itertools.product((0, 1), repeat=n)))
    texts = ["constant", "parity", "parity:bits=2", "majority", "projection:index=3", "threshold:k=2", "multiplexer", "and"]
    texts += ["interval:low=3,high=9", "periodic:pattern=0111", "junta:table=0110", f"parity:bits={n - 1}"]
    extra = [
        (x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] + (x[:, 4] if n % 2 else x[:, 4] * x[:, 5])) % 2,
        (x * np.roll(x, 1, axis=1)).sum(axis=1) % 2,
        (x * np.roll(x, 1, axis=1)).sum(axis=1) >= 2,
        (x[:, :2].sum(axis=1) + x[:, 2] * x[:, 3]) % 2,
        (x.sum(axis=1) + x[:, 0] * x[:, 1] * x[:, 4]) % 2,
        (x.sum(axis=1) % 2) ^ (x @ (1 << np.arange(n)) == 5),
        np.where(x[:, 0] == 1, x[:, 1:4].sum(axis=1), x[:, 2:].sum(axis=1)) % 2,
        x[:, 0] * x[:, 1] * x[:, 2] + x[:, 2] * x[:, 3] * x[:, 4] + x[:, 4] * x[:, 1] * x[:, 0] > 0,
    ]
    tables = [[character == "1" for character in named(text, n)] for text in texts]
    return np.concatenate([np.array(tables), np.array(extra) > 0])


def sample(n, random=20, seed=0):
    return np.concatenate([structured(n), np.random.default_rng(seed).random((random, 2**n)) < 0.5])


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (NPN, (2, 4, 14, 222)),
        (PN, (3, 6, 22, 402)),
        (PERMUTATIONS, (4, 12, 80, 3984)),
        (P_OUT, (2, 6, 40, 1992)),
        (frozenset(), (4, 16, 256, 65536)),
    ],
)
def test_numbers_of_classes(wanted, numbers):
    for n, number in enumerate(numbers, 1):
        representatives, sizes = classes(n, wanted)
        assert len(representatives) == number and sizes.sum() == 2 ** 2**n
        assert (canonical(representatives, n, wanted)[0] == representatives) and len(set(representatives)) == number


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_search_and_closure_agree_on_all_functions(n):
    """The search's forms against orbits closed under generators: the two share nothing but the last step."""
    tables = Functions(symmetry._tables(np.arange(2 ** 2**n), 2**n).packed, 2**n)
    for wanted in set(GROUPS) - {frozenset(), frozenset({"negate-output"})}:
        found, found_sizes = symmetry._searched(tables.packed, n, wanted)
        forms, sizes = canonical(tables, n, wanted)
        assert found == forms and (found_sizes == sizes).all(), sorted(wanted)


@pytest.mark.parametrize("wanted", GROUPS, ids=lambda names: "+".join(sorted(names)) or "none")
def test_brute_force_on_five_inputs(wanted):
    """Form, size and members against all 7,680 elements at most: the form is the image of the greatest spectrum."""
    tables = sample(5, 2)
    functions = Functions.from_values(tables)
    forms, sizes = canonical(functions, 5, wanted)
    images = all_images(tables, 5, wanted)
    assert group_order(5, wanted) == len(images)
    members, owner = orbits(functions, 5, wanted)
    for k in range(len(tables)):
        distinct = np.unique(images[:, k], axis=0)
        assert sizes[k] == len(distinct)
        assert (np.unique(members[owner == k].values(), axis=0) == distinct).all() and (owner == k).sum() == len(distinct)
        if not wanted <= {"negate-output"}:
            best = max(distinct.tolist(), key=lambda table: spectra(np.array([table]), 5)[0].tolist())
            assert (forms.values()[k] == best).all()
        assert forms.values()[k].tolist() in distinct.tolist()


def invariant(form, n, wanted, tables, seed=3, elements_each=5):
    """Whether `form` is the same on random images of each function."""
    generator = np.random.default_rng(seed)
    for _ in range(elements_each):
        order = generator.permutation(n) if "permute-inputs" in wanted else np.arange(n)
        sign = generator.integers(0, 2, n) if "negate-inputs" in wanted else np.zeros(n, int)
        element = (tuple(order), tuple(sign), int(generator.integers(2)) if "negate-output" in wanted else 0)
        if not (form(image(tables, element)) == form(tables)).all():
            return False
    return True


@pytest.mark.parametrize("n", [5, 6, 7, 8])
@pytest.mark.parametrize("wanted", [NPN, PN, PERMUTATIONS, P_OUT])
def test_one_form_an_orbit(n, wanted):
    tables = sample(n, 300)

    def form(values):
        return canonical(Functions.from_values(values), n, wanted)[0].values()

    assert invariant(form, n, wanted, tables)
    forms, sizes = canonical(Functions.from_values(tables), n, wanted)
    again, sizes_again = canonical(forms, n, wanted)
    assert again == forms and (sizes == sizes_again).all() and (group_order(n, wanted) % sizes == 0).all()
    # forms are members: what no element changes, the absolute coefficients of each order, is that of f
    order = np.array([int(number).bit_count() for number in range(2**n)])
    one, other = np.abs(spectra(tables, n)), np.abs(spectra(forms.values(), n))
    for k in range(n + 1):
        assert (np.sort(one[:, order == k]) == np.sort(other[:, order == k])).all()


def test_a_form_by_first_order_alone_is_refuted():
    """The check above can fail: a form that leaves ties as they stand."""

    def form(values):
        first = spectra(values, 6)[:, [1, 2, 4, 8, 16, 32]]
        orders = np.argsort(-first, axis=1, kind="stable")
        elements = [(tuple(np.argsort(order)), (0,) * 6, 0) for order in orders]
        return np.concatenate([image(values[k : k + 1], element) for k, element in enumerate(elements)])

    untied = np.random.default_rng(0).random((300, 64)) < 0.5
    coefficients = np.sort(spectra(untied, 6)[:, [1, 2, 4, 8, 16, 32]])
    untied = untied[(np.diff(coefficients) != 0).all(axis=1)]
    assert len(untied) > 10 and invariant(form, 6, PERMUTATIONS, untied)
    assert not invariant(form, 6, PERMUTATIONS, sample(6, 30))


def test_seven_inputs_against_the_listed_orbit():
    """A function without symmetry has all 2·7!·2⁷ images, its form among them; one more bit is another orbit."""
    table = np.random.default_rng(5).random((1, 128)) < 0.5
    function = Functions.from_values(table)
    form, size = canonical(function, 7, NPN)
    members = orbit(function, 7, NPN)
    assert len(members) == size[0] == 2 * math.factorial(7) * 2**7
    words = members.packed.view(np.dtype((np.void, 16))).reshape(-1)
    assert form.packed.tobytes() in {words[k].tobytes() for k in range(len(words))}
    text = members[np.array([0, 1, len(members) - 1])].strings()
    assert text == sorted(text)
    flipped = table.copy()
    flipped[0, 17] ^= True
    assert canonical(Functions.from_values(flipped), 7, NPN)[0] != form
    assert (canonical(members[::5000], 7, NPN)[0].packed == form.packed).all()


def test_known_orbits():
    x = hypercube(7).points > 0
    exclusive = Functions.from_values(x[:, [0]].T ^ x[:, [1]].T)
    assert len(orbit(exclusive, 7, PERMUTATIONS)) == 21 and len(orbit(exclusive, 7, NPN)) == 42
    for name, size in {"parity": 2, "constant": 2, "and": 256, "projection": 14, "majority": 128}.items():
        assert canonical(name, 7, NPN)[1][0] == size == len(orbit(name, 7, NPN)), name
    assert canonical("parity:inputs=8", 8, PERMUTATIONS)[1][0] == 1
    assert canonical(["0111", "1011", "0001", "1000"], 2, NPN)[0].strings() == ["0001"] * 4
    assert canonical([], 3, NPN)[0].points == 8 and len(canonical([], 7, NPN)[1]) == 0
    assert len(orbits(Functions(np.zeros((0, 16), np.uint8), 128), 7, NPN)[1]) == 0


def test_inputs_without_permutations():
    rows = from_rows(np.random.default_rng(0).normal(size=(9, 2)))
    forms, sizes = canonical(["110000000", "001111111"], rows, {"negate-output"})
    assert forms.strings() == ["110000000"] * 2 and (sizes == 2).all()
    assert canonical(["1100", "0011"], grid(2, 2), ["negate-output"])[0].strings() == ["0011"] * 2
    assert orbit("1100", grid(2, 2), {"negate-output"}).strings() == ["0011", "1100"]
    assert usable(NPN, rows) == usable(NPN, 9) == {"negate-output"} and usable(NPN, 8) == NPN
    assert group({"negate-inputs", "negate-all-inputs"}) == {"negate-inputs"}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: canonical("0110", grid(2, 2), PERMUTATIONS), ["no binary inputs"]),
        (lambda: canonical("parity", 9, NPN), ["9 inputs", "at most 8"]),
        (lambda: canonical("0110", 2, {"permute"}), ["`permute`", "permute-inputs"]),
        (lambda: canonical("0110", 2, "permute-inputs"), ["set of names"]),
        (lambda: canonical("01101", 2, NPN), ["5 points"]),
        (lambda: classes(5, NPN), ["at most 4"]),
        (lambda: orbit("random", 8, NPN), ["20,643,840", "2,097,152"]),
        (lambda: orbit(Functions(np.zeros((2, 1), np.uint8), 8), 3, NPN), ["2 functions"]),
    ],
)
def test_refusals(call, words):
    with pytest.raises((InputError, SpecError)) as caught:
        call()
    assert all(word in str(caught.value) for word in words), caught.value
