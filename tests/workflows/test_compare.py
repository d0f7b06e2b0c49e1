"""The main job, end to end and small."""

import errno
import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest

from slt_bias import functions
from slt_bias.errors import InputError, ResultError, SpecError
from slt_bias.maps import Perceptron
from slt_bias.prior import FunctionCounts
from slt_bias.workflows import compare as workflow
from slt_bias.workflows.compare import compare
from slt_bias.workflows.plain import plain

FILES = [f"{name}.{kind}" for name in ("figure", "overlay", "zipf", "complexity", "same-function") for kind in ("png", "svg")]


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    out = tmp_path_factory.mktemp("compare") / "out"
    return compare({"mlp:hidden=8x8": 5000, "perceptron": 3000, "uniform": 1000}, inputs=functions.hypercube(4), out=out)


def test_everything_is_written_and_nothing_else(result):
    written = sorted(path.name for path in result.out.iterdir())
    assert written == sorted([*FILES, "counts", "report.html", "summary.json", "table.csv"])
    assert (result.out / "figure.png").read_bytes()[:4] == b"\x89PNG"
    assert "<svg" in (result.out / "figure.svg").read_text()[:2000]


def test_a_row_a_map(result):
    table = pd.read_csv(result.out / "table.csv")
    assert list(table["label"]) == ["mlp", "perceptron", "uniform"]
    assert list(table["samples"]) == [5000, 3000, 1000]
    for path, samples in zip(table["counts"], table["samples"], strict=True):
        assert FunctionCounts.load(result.out / path).samples == samples


def test_summary(result):
    summary = json.loads((result.out / "summary.json").read_text())
    assert [map["label"] for map in summary["maps"]] == ["mlp", "perceptron", "uniform"]
    assert [row["b"] for row in summary["distances"]] == ["perceptron", "uniform"]
    first = summary["maps"][0]
    assert {"spec", "law", "inputs", "bounds", "named", "frequent", "unseen_mass", "partial_rank_correlation"} <= set(first)
    assert first["bounds"]["a-priori"]["slope"] > 0
    assert sum(row["count"] for row in first["frequent"]) <= 5000
    assert {"slt_bias", "torch", "instruction_set", "device", "command", "rule"} <= set(summary["provenance"])
    assert summary["maps"][2]["constant_0"] < 0.01 < first["constant_0"]


def test_report_stands_alone(result):
    page = result.report.read_text()
    assert not re.search(r"""(src|href)=(?!"data:)""", page)
    assert "http" not in page and "<script" not in page
    assert page.count("data:image/png;base64,") == 5
    for words in (
        "mlp",
        "√fan_in",
        "all 16 points of 4 binary inputs with values 0 and 1",
        "a priori",
        "Clopper–Pearson",
        "seed",
    ):
        assert words.lower() in page.lower()
    for map in result.summary["maps"]:
        assert map["spec"] in page
    assert "nan" not in re.sub(r"base64,[A-Za-z0-9+/=]*", "", page).lower().split()


def test_equal_calls_give_equal_files(result, tmp_path):
    again = compare({"mlp:hidden=8x8": 5000, "perceptron": 3000, "uniform": 1000}, inputs=functions.hypercube(4), out=tmp_path)
    for name in [*FILES, "table.csv"]:
        assert (tmp_path / name).read_bytes() == (result.out / name).read_bytes(), name
    assert plain(again.summary["maps"]) == plain(result.summary["maps"])


def test_texts_of_users_are_escaped(tmp_path, monkeypatch):
    monkeypatch.setattr(workflow, "labels", lambda maps: ["<script>alert(1)</script>"])
    found = compare(["perceptron:inputs=3"], samples=500, out=tmp_path)
    page = found.report.read_text()
    assert "<script" not in page and "&lt;script&gt;" in page


def test_one_map_leaves_no_figure_of_an_earlier_pair(tmp_path):
    compare(["perceptron", "uniform"], samples=200, inputs=functions.hypercube(3), out=tmp_path)
    assert (tmp_path / "same-function.png").exists()
    compare(["perceptron"], samples=200, inputs=functions.hypercube(3), out=tmp_path)
    assert not list(tmp_path.glob("same-function*"))


@pytest.mark.parametrize("samples", [1, 2, 30])
def test_few_draws_are_no_reason_to_fail(tmp_path, samples):
    found = compare(["perceptron:inputs=1", "uniform:inputs=2"], samples=samples, out=tmp_path)
    assert list(found.table["samples"]) == [samples, samples]


def test_maps_on_different_points(tmp_path):
    found = compare(["perceptron:inputs=3", "mlp:hidden=4,inputs=4"], samples=500, out=tmp_path, complexity="formula_all_gates")
    assert found.summary["distances"] == []
    assert "4 binary inputs" in found.report.read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"maps": []}, "no map given"),
        ({"maps": {}}, "no map given"),
        ({"maps": "mlp"}, "maps is a single map"),
        ({"maps": Perceptron(3)}, "maps is a single map"),
        ({"maps": 3}, "maps is of type int"),
        ({"maps": [3]}, "3 is of type int, no map"),
        ({"maps": [len]}, r"len is a callable, no map: wrap it with sb\.maps\.from_module"),
        ({"maps": ["perceptron"], "functions": "parity"}, r"give a list, functions=\['parity'\]"),
    ],
)
def test_what_is_no_list_is_refused_before_a_folder_is_made(tmp_path, arguments, words):
    with pytest.raises((InputError, SpecError), match=words):
        compare(**arguments, samples=10, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_phase_is_named(tmp_path, capsys):
    compare(["perceptron:inputs=3"], samples=10, out=tmp_path, progress=True)
    said = capsys.readouterr().err.splitlines()
    assert said == ["measuring perceptron …", "measuring distances …", "drawing figures …", "writing the report …"]


def test_data_leaves_the_transformer_out_of_the_default():
    rows = functions.load("digits:8")
    assert "transformer" not in workflow._default_maps(rows)
    assert "transformer" in workflow._default_maps(None)


def test_a_full_disk_leaves_earlier_results_readable(tmp_path, monkeypatch):
    compare(["perceptron:inputs=3"], samples=300, out=tmp_path)
    names = ("table.csv", "summary.json", "report.html", "figure.png")
    before = {name: (tmp_path / name).read_bytes() for name in names}
    right = os.replace

    def full(source, target):
        if Path(target).name == "table.csv":
            raise OSError(errno.ENOSPC, "No space left on device")
        right(source, target)

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(ResultError, match=r"table\.csv: the disk is full"):
        compare(["uniform:inputs=3"], samples=300, out=tmp_path)
    assert {name: (tmp_path / name).read_bytes() for name in names} == before
    assert not [path for path in tmp_path.rglob("*") if path.name.endswith(".tmp")]
    assert len([FunctionCounts.load(path) for path in tmp_path.glob("counts/*.parquet")]) == 2


def test_many_maps_show_the_first_pairs_and_say_so(tmp_path):
    specs = [f"perceptron:inputs=2,weight_std={number}" for number in range(1, 9)]
    found = compare(specs, samples=50, out=tmp_path)
    assert len(found.summary["distances"]) == 7
    assert "the first 6 pairs are shown; the table of distances has all" in found.report.read_text()
