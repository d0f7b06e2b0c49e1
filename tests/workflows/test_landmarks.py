"""Functions with a name in a draw."""

import numpy as np
import pytest

from slt_bias import functions, maps, prior
from slt_bias.errors import InputError
from slt_bias.workflows.landmarks import known_names, landmarks, short_table


def test_landmarks_have_their_counts_and_intervals():
    map = maps.Perceptron(3)
    counts = prior.sample(map, samples=5000)
    found = {mark.label: mark for mark in landmarks(counts, map.inputs, "lz", ["threshold:k=1", "0x80"])}
    assert "threshold:k=1" not in found  # it is `or`, which has a name already
    for mark in found.values():
        assert mark.count == counts.of(mark.function)
        estimate = counts.probability(mark.function)
        assert (mark.probability, mark.low, mark.high) == (estimate.value, estimate.low, estimate.high)
    assert found["parity"].count == 0 and found["parity"].low == 0 < found["parity"].high
    assert found["0x80"].function == "10000000"


def test_long_functions_keep_labels_of_their_own():
    map = maps.Perceptron(5)
    counts = prior.sample(map, samples=100)
    tables = [f"{'0' * 15}{middle}{'0' * 15}" for middle in ("01", "10")] + ["0" * 31 + "1"]
    tables = [*tables, tables[0], "0x00000006", "projection:index=3"]
    found = {mark.function: mark.label for mark in landmarks(counts, map.inputs, "lz", tables)}
    assert [found[table] for table in tables[:2]] == ["000000…000000000", "000000…000000000 (2)"]
    assert found[tables[2]] == "and" and found["0" * 29 + "110"] == "0x00000006"
    assert found["0011" * 8] == "projec…n:index=3"
    assert len(set(found.values())) == len(found)


def test_rows_of_data_have_constants_only():
    inputs = functions.from_rows(np.eye(5))
    counts = prior.sample(maps.Perceptron(inputs), samples=100)
    assert [mark.label for mark in landmarks(counts, inputs, "lz")] == ["constant 0", "constant 1"]
    with pytest.raises(InputError):
        landmarks(counts, inputs, "lz", ["0101"])


def test_known_names():
    names = known_names(functions.hypercube(3, values=(-1, 1)))
    assert names["00001111"] == "x0" and names["11110000"] == "not x0"
    assert names["00000001"] == "and" and names["01111111"] == "or"
    assert names["00010111"] == "majority"
    assert names["00000000"] == "constant 0" and names["11111111"] == "constant 1"


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ("0110", "0110"),
        ("0" * 31 + "1", "0x00000001"),
        ("01" * 128, "0x" + "5" * 32 + "…"),
        ("0" * 17, "0" * 17),
        ("0" * 50, "0" * 32 + "…"),
    ],
)
def test_short_table(table, text):
    assert short_table(table) == text
