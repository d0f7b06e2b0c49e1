"""What each command prints."""

import json
import os
import re
import subprocess
import sys

import pandas as pd
import pytest
from typer.testing import CliRunner

from slt_bias.cli import app, output


def invoke(*arguments):
    done = CliRunner().invoke(app, list(arguments))
    assert "\x1b" not in done.output
    return done


def test_maps_lists_every_family_with_its_options():
    from slt_bias.maps import FAMILIES

    shown = invoke("maps").stdout
    found = json.loads(invoke("maps", "--json").stdout)
    assert [family["name"] for family in found["families"]] == list(FAMILIES)
    for family in found["families"]:
        assert f"{family['name']}: {family['summary']}" in shown
        for option in family["options"]:
            assert f"{option['name']}={option['default']}" in shown


def test_defaults_listed_by_maps_are_those_that_parse_takes():
    from slt_bias.maps import parse

    for family in json.loads(invoke("maps", "--json").stdout)["families"]:
        options = {option["name"]: option["default"] for option in family["options"] if option["default"]}
        options.pop("bias", None)  # says the same as bias_std
        if family["name"] != "module":
            spec = f"{family['name']}:{','.join(f'{key}={value}' for key, value in options.items())}"
            assert parse(spec) == parse(family["name"])


def test_complexity_of_named_functions():
    found = json.loads(invoke("complexity", "--json", "parity:inputs=4", "0110", "0x6996").stdout)
    parity, short, hexadecimal = found["functions"]
    assert (parity["formula_and_or"], parity["formula_all_gates"], parity["points"]) == (16, 4, 16)
    assert (short["points"], short["formula_all_gates"]) == (4, 2)
    assert hexadecimal["lz"] == parity["lz"]
    shown = invoke("complexity", "--inputs", "7", "parity").stdout
    assert re.search(r"parity\s+128\s+64\s+91\s", shown)
    assert "formula" not in shown  # it does not reach 7 inputs
    assert "LZ units" in shown


def test_doctor(monkeypatch):
    from slt_bias.workflows import doctor

    monkeypatch.setattr(doctor, "SECONDS", 0.05)
    found = json.loads(invoke("doctor", "--json").stdout)
    assert found["networks_per_second"] > 1000 and found["matrix_gflops"] > 0.1
    assert {"slt_bias", "torch", "numba"} <= set(found["versions"])
    assert found["devices"][0] == "cpu"
    assert "networks" in invoke("doctor").stdout


@pytest.fixture
def one_row(monkeypatch):
    from slt_bias.workflows import verify
    from slt_bias.workflows.truths.row import exact

    def with_answer(found):
        monkeypatch.setattr(verify, "VERIFICATIONS", [lambda seed: [exact("answer", "book", 42.0, found)]])

    return with_answer


def test_verify_says_whether_rows_hold(one_row):
    one_row(42.0)
    done = invoke("verify")
    assert done.exit_code == 0
    assert "all 1 rows hold" in done.stderr
    one_row(41.0)
    done = invoke("verify", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["failed"] == 1 and found["rows"][0]["holds"] is False and found["rows"][0]["low"] is None
    assert "1 of 1 rows fail" in done.stderr
    assert re.search(r"answer\s+42\s+41\s+–\s+–\s+NO", invoke("verify").stdout)


def test_compare_prints_one_json_object(tmp_path):
    out = tmp_path / "a name with spaces, ünicode"
    arguments = ["compare", "--map", "perceptron", "--inputs", "3", "--samples", "1e3", "--seed", "5", "--out", str(out)]
    done = invoke(*arguments, "--json", "--function", "threshold:k=3", "--function", "interval")
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found == json.loads((out / "summary.json").read_text())
    assert (found["seed"], found["maps"][0]["samples"]) == (5, 1000)
    assert "threshold:k=3" not in [mark["label"] for mark in found["maps"][0]["named"]]  # it is `and`
    assert "interval" in [mark["label"] for mark in found["maps"][0]["named"]]
    again = invoke(*arguments)
    assert f"report: {out / 'report.html'}" in again.stdout
    assert len(pd.read_csv(out / "table.csv")) == 1


def test_what_a_module_prints_stays_out_of_the_results(tmp_path, monkeypatch):
    text = "import torch\nprint('IMPORTED')\n\n\ndef factory():\n    print('BUILT')\n    return torch.nn.Linear(2, 1)\n"
    (tmp_path / "talkative_networks.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    spec = "module:talkative_networks:factory,inputs=2"
    done = invoke("compare", "--map", spec, "--samples", "10", "--json", "--workers", "1", "--out", str(tmp_path / "out"))
    assert json.loads(done.stdout)["maps"][0]["samples"] == 10
    assert "IMPORTED" in done.stderr and "BUILT" in done.stderr


@pytest.mark.parametrize("arguments", [["maps"], ["--help"], ["complexity", "0110"]])
def test_a_full_standard_output_is_not_our_fault(arguments):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-m", "slt_bias", *arguments], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: standard output cannot be written (No space left on device).\n"


def test_a_reader_that_leaves_is_no_error():
    process = subprocess.Popen(
        [sys.executable, "-m", "slt_bias.cli", "maps"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), said) == (2, "")


def test_numbers_of_samples_as_people_type_them():
    from slt_bias.cli.options import whole_number

    assert [whole_number(text) for text in ("1000000", "1_000_000", "1e6")] == [10**6] * 3
    assert whole_number(str(2**61 + 1)) == 2**61 + 1


def test_table_cuts_long_texts_and_aligns(capsys):
    output.show_table([{"name": "x" * 100, "value": 0.5}, {"name": "y", "value": float("nan")}], {"name": 10})
    head, first, second = capsys.readouterr().out.splitlines()
    assert first == f"{'x' * 9}…    0.5"
    assert len(head) == len(first) == len(second)
    assert second.endswith("–")
