"""Input sets: order and coding of the points, files, and everything that is refused."""

import itertools

import numpy as np
import pandas as pd
import pytest

from slt_bias.errors import InputError
from slt_bias.functions import from_rows, grid, hypercube, load, same_points
from slt_bias.functions.inputs import as_inputs, from_spec

ROWS = np.array([[0.5, 1.0], [-2.0, 3.25], [1e-3, 0.0]])


@pytest.mark.parametrize("values", [(0, 1), (-1, 1)])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_a_hypercube_is_in_lexicographic_order(n, values):
    points = hypercube(n, values)
    assert points.points.tolist() == [list(map(float, p)) for p in itertools.product(values, repeat=n)]
    assert (points.count, points.features, points.kind, points.values) == (2**n, n, "hypercube", values)


def test_the_largest_hypercube_fits():
    assert hypercube(16).count == 65536


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (17, "2\\^17 points takes 16 KiB.* largest that fits is 16"),
        (40, "takes 128 GiB.* largest that fits is 16"),
        (62, "512 PiB"),
        (2000, "2\\^1997 bytes"),
        (0, "at least 1"),
        (-3, "at least 1"),
        (7.5, "whole number"),
        ("7", "whole number"),
    ],
)
def test_impossible_hypercubes_are_refused(inputs, message):
    with pytest.raises(InputError, match=message):
        hypercube(inputs)


@pytest.mark.parametrize("values", [(0, 2), (1, -1), (0, 1, 2), 3])
def test_other_values_are_refused(values):
    with pytest.raises(InputError, match="values"):
        hypercube(3, values)


def test_points_are_read_only_and_equality_follows_the_spec():
    with pytest.raises(ValueError, match="read-only"):
        hypercube(2).points[0, 0] = 5
    assert hypercube(3) == hypercube(3) == as_inputs(3)
    assert len({hypercube(3), hypercube(3, (-1, 1)), hypercube(3)}) == 2
    assert hypercube(3) != 3
    assert "8 points" in repr(hypercube(3))


def test_a_grid_covers_the_square_last_axis_fastest():
    points = grid(2, 3)
    assert points.points.tolist() == [[-1, -1], [-1, 0], [-1, 1], [1, -1], [1, 0], [1, 1]]
    assert points.spec == "inputs=grid-2x3"


@pytest.mark.parametrize("sides", [(), (1, 5), (2.5,), (1000, 1000)])
def test_impossible_grids_are_refused(sides):
    with pytest.raises(InputError, match="grid"):
        grid(*sides)


@pytest.mark.parametrize("points", [hypercube(5), hypercube(5, (-1, 1)), grid(9, 9)])
def test_specs_round_trip(points):
    options = dict(item.split("=") for item in points.spec.split(","))
    assert from_spec(options["inputs"], options.get("values")) == points


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("rows-0123", None, "pass the rows"),
        ("grid-3x3", "01", "hypercube"),
        ("5", "10", "01 or pm1"),
        ("five", None, "such as 7"),
        ("grid-3x²", None, "such as 9x9"),
    ],
)
def test_wrong_specs_are_refused(text, values, message):
    with pytest.raises(InputError, match=message):
        from_spec(text, values)


def test_rows_are_kept_and_named_by_their_content():
    points = from_rows(ROWS)
    assert np.array_equal(points.points, ROWS)
    assert (points.kind, points.count, points.features) == ("rows", 3, 2)
    assert points == from_rows(ROWS.copy()) != from_rows(ROWS[:2])
    assert from_rows(np.arange(6.0).reshape(2, 3)) != from_rows(np.arange(6.0).reshape(3, 2))
    assert from_rows(ROWS.astype(np.float32)).points.dtype == np.float64


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[1, 2], [3, np.nan], [np.inf, 0]], "row 1, column 1 is nan: 2 row"),
        ([[1, 2], [3, 4], [1, 2]], "rows 0 and 2 are equal"),
        ([[0.0], [-0.0]], "rows 0 and 1 are equal"),
        ([1, 2, 3], "shape"),
        (np.zeros((0, 3)), "shape"),
        (np.zeros((3, 0)), "shape"),
        ([["a", "b"]], "numbers"),
        ([[1, 2], [3]], "numbers"),
        ([[1j]], "numbers"),
        (np.array([[1j]]), "numbers"),
        (np.arange(70000.0)[:, None], "65536 fit"),
    ],
)
def test_unusable_rows_are_refused(rows, message):
    with pytest.raises(InputError, match=message) as caught:
        from_rows(rows)
    assert "\n" not in str(caught.value)


def test_load_reads_what_the_command_line_names():
    assert load("7") == hypercube(7)
    assert load("7,values=pm1") == hypercube(7, (-1, 1))
    assert load("grid:9x9") == grid(9, 9)
    digits = load("digits:64")
    assert digits.points.shape == (64, 64)
    assert digits.points.min() == 0
    assert digits.points.max() == 1
    assert load("digits") == digits != load("digits:63")


def test_load_reads_files(tmp_path):
    frame = pd.DataFrame(ROWS, columns=["a", "b"])
    np.save(tmp_path / "rows.npy", ROWS)
    frame.to_csv(tmp_path / "named.csv", index=False)
    frame.to_csv(tmp_path / "bare.csv", index=False, header=False)
    frame.to_parquet(tmp_path / "rows.parquet")
    for name in ("rows.npy", "named.csv", "bare.csv", "rows.parquet"):
        assert load(str(tmp_path / name)) == from_rows(ROWS), name


def test_load_names_the_file_that_it_refuses(tmp_path):
    (tmp_path / "holes.csv").write_text("a,b\n1,2\n3,\n")
    (tmp_path / "words.csv").write_text("a,b\n1,x\n")
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "torn.npy").write_bytes(b"nothing")
    (tmp_path / "torn.parquet").write_bytes(b"nothing")
    np.save(tmp_path / "twins.npy", np.ones((2, 2)))
    for name, message in {
        "holes.csv": "line 3, column `b`: the value is missing",
        "words.csv": "line 2, column `b`: `x` is no number",
        "empty.csv": "the file is empty",
        "torn.npy": "cannot be read",
        "torn.parquet": "cannot be read",
        "twins.npy": "rows 0 and 1 are equal",
        "missing.csv": "no such file",
    }.items():
        with pytest.raises(InputError, match=message) as caught:
            load(str(tmp_path / name))
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("17", "largest that fits is 16"),
        ("40", "128 GiB"),
        ("", "digits:64"),
        ("digit:64", "digits:64"),
        ("data.txt", ".parquet"),
        ("digits:0", "between 1 and 1797"),
        ("digits:²", "between 1 and 1797"),
        ("grid:9x", "9x9"),
        ("7,values=02", "01 or pm1"),
        ("9" * 5000, "such as 7"),
    ],
)
def test_load_refuses_the_rest(text, message):
    with pytest.raises(InputError, match=message) as caught:
        load(text)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("NA,2\n3,4\n5,6\n", "line 1, column 1: the value is missing"),
        ("2,NA\n3,4\n", "line 1, column 2: the value is missing \\(NA\\)"),
        ("a,2\n3,4\n", "line 1, column 1: `a` is no number"),
        (",a,b\n0,1,2\n1,1,2\n", "line 1, column 1 has neither a name .* index=False"),
        (",0,1\n0,1,2\n1,1,2\n", "index=False"),
        ("Unnamed: 0,a,b\n0,1,2\n1,1,2\n", "index=False"),
        ("# c\n1,2\n3,4\n", "line 2 has 2 cell\\(s\\), line 1 has 1"),
        ("a,b\n1,2\n3\n", "line 3 has 1 cell"),
        ("a,b\n1,2\n3,4,5\n", "line 3 has 3 cell"),
        ("a,b\n1,2\n\n3,4\n", "line 3 is empty"),
        ("a,b\n1,2\n3,inf\n", "line 3, column `b`: inf is not finite"),
        ("a,b\n1,1_0\n", "`1_0` is no number"),
        ("1;2\n3;4\n", "`3;4` is no number"),
        ("a,b\n1,2\n3,4\n1,2.0\n", "lines 2 and 4 are equal"),
        ("1\n2\n1\n", "lines 1 and 3 are equal"),
    ],
)
def test_a_csv_is_not_changed_silently(tmp_path, text, message):
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("2020,2021\n1,2\n", [[2020, 2021], [1, 2]]),
        ("a\n1\n2\n\n\n", [[1], [2]]),
        ("\ufeffa,b\r\n1, 2e-3\r\n-3,4\r\n", [[1, 0.002], [-3, 4]]),
        ('"a, b",c\n"1",2\n', [[1, 2]]),
        ("true,false\nTrue,True\n", [[1, 0], [1, 1]]),
    ],
)
def test_a_csv_holds_what_it_says(tmp_path, text, rows):
    path = tmp_path / "rows.csv"
    path.write_text(text, newline="")
    assert load(str(path)).points.tolist() == rows


def test_a_source_is_kept_and_tells_no_sets_apart(tmp_path):
    np.save(tmp_path / "rows.npy", ROWS)
    read = load(str(tmp_path / "rows.npy"))
    assert read.source == "rows.npy" and "from rows.npy" in repr(read)
    assert read == from_rows(ROWS) and from_rows(ROWS).source is None
    assert load("digits").source == "digits:64" and load("7").source is None


def test_which_points_are_the_same():
    assert same_points(hypercube(3), hypercube(3, (-1, 1)))
    assert same_points("scrambled:map=[uniform:inputs=grid-2x4],key=0", grid(2, 4))
    assert same_points("mlp:hidden=4,inputs=3,values=pm1,bias=false", hypercube(3))
    assert not same_points(grid(2, 4), hypercube(3))
    assert not same_points(from_rows(ROWS), from_rows(ROWS[:2]))
    assert not same_points("uniform:inputs=7", "uniform:inputs=7x")
