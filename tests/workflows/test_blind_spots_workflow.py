"""`slt-bias blind-spots`, the workflow, end to end and small: three inputs, 14 classes."""

import json
import math
import re

import numpy as np
import pandas as pd
import pytest

from slt_bias.compare.blind_spots import blind_spots as measure
from slt_bias.compare.reference_sets import reference_set
from slt_bias.errors import InputError, ResultError, SamplingInterrupted, SpecError
from slt_bias.functions import from_rows, hypercube
from slt_bias.maps import Perceptron
from slt_bias.workflows import blind_spots_tables
from slt_bias.workflows.blind_spots import _names_inputs, blind_spots
from slt_bias.workflows.blind_spots_figures import MOST_ROWS, chosen_functions
from slt_bias.workflows.blind_spots_report import _power

MAPS = ["perceptron", "polynomial:degree=2", "uniform"]
SMALL = {"samples": 20_000, "least": 1e-3, "workers": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("blind-spots") / "out"
    return blind_spots(MAPS, inputs=3, out=out, **SMALL)


@pytest.fixture
def no_figures(monkeypatch):
    """Where a test is about something else: figures take most of the time."""
    monkeypatch.setattr("slt_bias.workflows.blind_spots.draw_figures", lambda *arguments: [])


def test_everything_is_written_and_nothing_else(run):
    names = {path.name for path in run.out.iterdir()}
    figures = {name for name in names if name.startswith("blind-spots-")}
    assert len(figures) == 6
    assert names - figures == {
        "architectures.png", "architectures.svg", "counts", "tables", "ranked.csv", "ranked.parquet", "report.html",
        "summary.json",
    }  # fmt: skip
    assert not [path for path in run.out.rglob("*") if path.name.endswith(".tmp")]


def test_tables_say_what_is_known_exactly(run):
    """A uniform map: every P is 2⁻⁸. A perceptron: 104 of 256 functions (Muroga 1971), in 6 of the 14 classes."""
    uniform = run.tables["uniform"]
    assert (uniform["log2_probability"] == -8).all() and len(uniform) == 14
    assert not list(run.out.glob("counts/uniform*"))  # nothing is drawn where all is known
    perceptron = run.tables["perceptron"]
    never = perceptron["log2_probability"] == -math.inf
    assert perceptron.loc[~never, "class_size"].sum() == 104
    assert (~never).sum() == 6 and (perceptron.loc[never, "status"] == "ok").all()
    assert perceptron["bits_below_bound"].is_monotonic_decreasing


def test_ranked_holds_all_rows_in_order(run):
    ranked = pd.read_csv(run.out / "ranked.csv", dtype={"function": str})
    whole = pd.read_parquet(run.out / "ranked.parquet")
    assert len(ranked) == len(whole) == 3 * 14
    assert whole["bits_below_bound"].is_monotonic_decreasing
    assert list(ranked["map"]) == list(whole["map"]) and set(ranked["map"]) == set(run.tables)
    assert {"label", "name", "family", "equivalent", "log2_high", "bits_below_median", "reasons"} <= set(ranked)
    row = ranked[(ranked["map"] == "perceptron") & (ranked["name"] == "x0 xor x1")].iloc[0]
    assert row["log2_probability"] == -math.inf and row["bits_below_median"] == math.inf


def test_summary(run):
    summary = json.loads((run.out / "summary.json").read_text())
    assert [map["label"] for map in summary["maps"]] == ["perceptron", "polynomial", "uniform"]
    first = summary["maps"][0]
    assert first["never"] == 8 and first["counted"] == 6
    assert {"spec", "law", "inputs", "by_complexity", "blind", "most_blind", "samples"} <= set(first)
    assert first["most_blind"][0]["never"] is True and first["most_blind"][0]["log2_probability"] is None
    assert sum(row["functions"] for row in first["by_complexity"]) == 14
    assert max(row["most_complexity"] for row in first["blind"]) == 10  # no function of 3 inputs takes more than 10 bits
    assert summary["between_maps"][0]["map"] == "perceptron"
    assert {"slt_bias", "instruction_set", "command"} <= set(summary["provenance"])


def test_report_stands_alone(run):
    page = run.report.read_text()
    assert not re.search(r"""(src|href)=(?!"data:)""", page)
    assert "http" not in page and "<script" not in page
    assert page.count("data:image/png;base64,") == 4
    for words in ("perceptron", "√fan_in", "x0 xor x1", "0 (proved)", "3.9·10⁻³", "certified", "Seed 0"):
        assert words in page, words
    shown = re.sub(r"base64,[A-Za-z0-9+/=]*", "", page).lower().split()
    assert "nan" not in shown and "none" not in shown


def test_finished_maps_are_not_measured_again(run, no_figures, monkeypatch, capsys):
    def refuse(*arguments, **options):
        pytest.fail("measured although the table is there")

    monkeypatch.setattr(blind_spots_tables, "blind_spots", refuse)
    again = blind_spots(MAPS, inputs=3, out=run.out, progress=True, **SMALL)
    assert capsys.readouterr().err.count("taken from") == 3
    for label, table in run.tables.items():
        pd.testing.assert_frame_equal(table, again.tables[label])
        assert table.attrs == again.tables[label].attrs
    with pytest.raises(pytest.fail.Exception):
        blind_spots(MAPS, inputs=3, out=run.out, seed=1, **SMALL)
    assert len(list((run.out / "tables").iterdir())) == 3


@pytest.mark.parametrize("damage", [b"", b"PAR1 no table"])
def test_a_damaged_table_is_measured_again(tmp_path, no_figures, damage):
    first = blind_spots(["uniform"], inputs=3, out=tmp_path, **SMALL)
    (file,) = (tmp_path / "tables").iterdir()
    file.write_bytes(damage)
    again = blind_spots(["uniform"], inputs=3, out=tmp_path, **SMALL)
    assert list(again.ranked["function"]) == list(first.ranked["function"])


def test_one_map_leaves_no_figure_of_an_earlier_comparison(tmp_path):
    blind_spots(["uniform", "perceptron"], inputs=3, out=tmp_path, **SMALL)
    found = blind_spots(["perceptron"], inputs=3, out=tmp_path, **SMALL)
    assert not list(tmp_path.glob("architectures*"))
    assert len(list(tmp_path.glob("blind-spots-*.png"))) == 1
    assert found.summary["between_maps"] == [] and "bits_below_median" not in found.ranked


def test_an_interruption_keeps_finished_maps(tmp_path, no_figures, monkeypatch):
    calls = []

    def stop_at_the_second(*arguments, **options):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return measure(*arguments, **options)

    monkeypatch.setattr(blind_spots_tables, "blind_spots", stop_at_the_second)
    with pytest.raises(SamplingInterrupted, match="1 of 2 maps are finished and kept in"):
        blind_spots(["uniform", "perceptron"], inputs=3, out=tmp_path, **SMALL)
    found = blind_spots(["uniform", "perceptron"], inputs=3, out=tmp_path, **SMALL)
    assert len(calls) == 3 and len(found.tables) == 2


def test_a_budget_of_seconds_is_passed_on(tmp_path, no_figures, monkeypatch):
    seen = {}

    def note(*arguments, **options):
        seen.update(options)
        return measure(*arguments, **options)

    monkeypatch.setattr(blind_spots_tables, "blind_spots", note)
    found = blind_spots(["perceptron"], inputs=2, out=tmp_path, budget_seconds=5, samples=5000, workers=1)
    assert seen["budget_seconds"] == 5 and seen["counts"] is None
    assert seen["least_log2_probability"] == pytest.approx(math.log2(1e-12))
    assert not (tmp_path / "counts").exists()
    assert "limited to 5 seconds" in found.report.read_text()


def test_simple_functions_alone(tmp_path, no_figures):
    found = blind_spots(["uniform"], inputs=3, most_bits=9, out=tmp_path, **SMALL)
    kept = reference_set(3)
    assert set(found.ranked["function"]) == set(kept.loc[kept["complexity_code"] <= 9, "function"])
    assert f"{len(found.ranked)} functions of 14 in the reference set" in " ".join(found.report.read_text().split())


def test_texts_of_users_are_escaped(tmp_path, no_figures, monkeypatch):
    monkeypatch.setattr("slt_bias.workflows.blind_spots.labels", lambda maps: ["<script>alert(1)</script>"])
    page = blind_spots(["uniform"], inputs=3, out=tmp_path, **SMALL).report.read_text()
    assert "<script" not in page and "&lt;script&gt;" in page


def test_rows_of_the_heat_table():
    rng = np.random.default_rng(0)
    names = [f"{number:07b}" for number in range(100)]
    frame = pd.DataFrame({"function": names, "name": names, "complexity_code": np.arange(100.0), "complexity_all_gates": 1.0})
    tables = {label: frame.iloc[rng.permutation(100)] for label in "abc"}
    chosen = chosen_functions(tables)
    assert len(chosen) == MOST_ROWS and chosen == sorted(chosen)  # simplest first
    assert set(names[:4]) <= set(chosen)
    for table in tables.values():
        assert set(table["function"][:12]) <= set(chosen)  # (40 − 4)/3 of each
    assert chosen_functions({"a": frame.iloc[:7]}) == names[:7]


@pytest.mark.parametrize(("spec", "own"), [("perceptron", False), ("mlp:hidden=4", False), ("mlp:inputs=5", True),
                                           ("mlp:values=pm1", True), ("scrambled:map=[mlp:inputs=5],key=3", True),
                                           ("scrambled:map=[mlp],key=3", False)])  # fmt: skip
def test_whether_a_spec_names_its_inputs(spec, own):
    assert _names_inputs(spec) is own


def test_powers_below_double_precision():
    assert (_power(-8.0), _power(-2000.0), _power(-0.001)) == ("3.9·10⁻³", "8.7·10⁻⁶⁰³", "1.0·10⁰")
    assert _power(math.log2(9.99e-7)) == "1.0·10⁻⁶"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"maps": []}, "no map given"),
        ({"maps": "mlp"}, "maps is a single map"),
        ({"maps": Perceptron(3)}, "maps is a single map"),
        ({"maps": [3]}, "no map"),
        ({"maps": ["perceptron:inputs=3", "mlp:inputs=4"]}, "have different points"),
        ({"maps": ["perceptron:inputs=3"], "inputs": 4}, "leave out one of the two"),
        ({"maps": ["perceptron"], "inputs": 12}, "up to 10 inputs"),
        ({"maps": ["perceptron"], "inputs": from_rows(np.eye(3))}, "has none: give a number"),
        ({"maps": ["perceptron"], "inputs": 3, "samples": 0}, "at least 1"),
        ({"maps": ["perceptron"], "inputs": 3, "least": 0.0}, "between 0 and 1"),
        ({"maps": ["perceptron"], "inputs": 3, "relative_error": 1.5}, "between 0 and 1"),
        ({"maps": ["perceptron"], "inputs": 3, "budget_seconds": 0}, "positive number"),
        ({"maps": ["perceptron"], "inputs": 3, "most_bits": 1}, "the simplest reference function takes"),
        ({"maps": ["perceptron", "perceptron"], "inputs": 3}, "give each once"),
    ],
)
def test_what_does_not_fit_is_refused_before_a_folder_is_made(tmp_path, arguments, words):
    with pytest.raises((InputError, SpecError), match=words):
        blind_spots(out=tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ResultError, match="is no folder"):
        blind_spots(["uniform"], inputs=hypercube(3), out=tmp_path / "file" / "out")
