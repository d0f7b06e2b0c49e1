"""`slt-bias probability`, the workflow: names, rows, answers and files."""

import json
import math

import pandas as pd
import pytest

from slt_bias.errors import InputError, ResultError, SpecError
from slt_bias.functions import hypercube
from slt_bias.functions.catalogue import reference_functions
from slt_bias.workflows.probability import probability, read_rows


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A perceptron on two unit-variance inputs and a bias of variance 1: its P are known."""
    out = tmp_path_factory.mktemp("probability") / "out"
    spec = f"perceptron:inputs=2,weight_std={math.sqrt(2)},bias_std=1"
    return probability(spec, ["0000", "0001", "0110"], out=out, relative_error=0.02, workers=1)


def test_the_numbers_are_right(run):
    """0000 has .27704336 and 0001 has .01462330 (standard normals); the aim is 2 %, so 4 standard errors are .12 bits."""
    found = dict(zip(run.table["name"], run.table["log2_probability"], strict=True))
    assert found["0000"] == pytest.approx(math.log2(0.27704336), abs=0.12)
    assert found["0001"] == pytest.approx(math.log2(0.01462330), abs=0.12)
    assert found["0110"] == -math.inf
    assert list(run.table["answer"]) == ["estimate", "estimate", "impossible"]
    assert run.table["log10_probability"][0] == pytest.approx(found["0000"] * math.log10(2))


def test_files(run):
    assert {path.name for path in run.out.iterdir()} == {"table.csv", "summary.json", "intervals.png", "intervals.svg"}
    table = pd.read_csv(run.out / "table.csv", dtype={"function": str, "name": str})
    assert list(table["function"]) == ["0000", "0001", "0110"]
    assert table["log2_probability"][2] == -math.inf
    summary = json.loads((run.out / "summary.json").read_text())
    assert summary["functions"][2]["log2_probability"] is None and summary["functions"][2]["answer"] == "impossible"
    assert {"law", "inputs", "settings", "provenance", "map", "answers"} <= set(summary)


def test_balls_and_given_rows(tmp_path):
    run = probability("perceptron:inputs=3", ["and"], errors=(0, 1), given=range(4), budget_evaluations=200_000, out=tmp_path)
    assert list(run.table["errors"]) == [0, 1]
    small, large = run.table["log2_probability"]
    assert small < large <= 0
    evidence = run.table["log2_evidence"]
    assert evidence[0] == evidence[1] < 0
    assert run.figure is not None
    alone = probability("perceptron:inputs=3", ["and"], budget_evaluations=200_000, out=tmp_path)
    assert alone.figure is None and not list(tmp_path.glob("intervals*"))  # none of an earlier run stays
    # P(f) = P(f | S) P(S): each of the three has a relative error of some per cent, so half a bit is far outside
    assert small + evidence[0] == pytest.approx(alone.table["log2_probability"][0], abs=0.5)


def test_a_least_probability_gives_an_upper_limit(tmp_path):
    run = probability("tree:inputs=4", ["parity"], least_probability=1e-3, budget_evaluations=300_000, out=tmp_path, seed=1)
    (row,) = run.summary["functions"]
    assert row["answer"] == "upper limit" and row["status"] == "suspect"
    assert row["log2_high"] < 0 and run.table["log2_probability"][0] == -math.inf


def test_names_of_the_catalogue(tmp_path):
    (table,) = [each.table for each in reference_functions(3) if each.name == "x0 xor x1"]
    run = probability("uniform:inputs=3", ["x0 xor x1", "parity"], out=tmp_path)
    assert list(run.table["function"]) == [table, "01101001"]
    assert list(run.table["log2_probability"]) == [-8.0, -8.0]
    with pytest.raises(SpecError, match="catalogue has `x0 xor x"):
        probability("uniform:inputs=3", ["x0 xor x7"], out=tmp_path)


@pytest.mark.parametrize(
    ("text", "rows"), [("0-3", [0, 1, 2, 3]), ("3,0, 3", [0, 3]), ("5-6,1", [1, 5, 6]), ("7", [7]), ("0 2\n4", [0, 2, 4])]
)
def test_rows(text, rows):
    assert read_rows(text, 8) == rows


def test_rows_of_a_file(tmp_path):
    path = tmp_path / "rows.txt"
    path.write_text("0-2\n5\n")
    assert read_rows(str(path), 8) == [0, 1, 2, 5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("8", "from 0 to 7"),
        ("3-1", "smaller number first"),
        ("none.txt", "or a text file"),
        ("1--2", "is no row"),
        (",", "is no row"),
        ("a\0b", "or a text file"),
    ],
)
def test_rows_that_are_none(text, words):
    with pytest.raises(InputError, match=words):
        read_rows(text, 8)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"functions": []}, "no function given"),
        ({"functions": "parity"}, "give a list"),
        ({"functions": ["parity", "parity"]}, "given twice"),
        ({"functions": ["parity"], "method": "cuont"}, "Did you mean `count`"),
        ({"functions": ["parity"], "relative_error": 0}, "between 0 and 1"),
        ({"functions": ["parity"], "errors": (-1,)}, "fewer than all 8"),
        ({"functions": ["parity"], "errors": (8,)}, "fewer than all 8"),
        ({"functions": ["parity"], "given": [8]}, "from 0 to 7"),
        ({"functions": ["parity"], "least_probability": 2.0}, "between 0 and 1"),
        ({"functions": ["parity"], "method": "orthant", "errors": (1,)}, "neither errors nor given rows"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_folder_is_made(tmp_path, arguments, words):
    with pytest.raises((InputError, SpecError), match=words):
        probability("perceptron", inputs=hypercube(3), out=tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ResultError, match="is no folder"):
        probability("uniform:inputs=3", ["parity"], out=tmp_path / "file" / "out")
