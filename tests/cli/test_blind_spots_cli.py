"""`slt-bias blind-spots`: what it prints, what it writes, and what it refuses."""

import json
import re
import signal
import subprocess
import sys
import time

import pytest
from typer.testing import CliRunner

from slt_bias.cli import app

SMALL = ["--inputs", "3", "--samples", "2e4", "--least", "1e-3", "--workers", "1"]


def invoke(*arguments):
    done = CliRunner().invoke(app, ["blind-spots", *arguments])
    assert "\x1b" not in done.output
    return done


def test_a_line_a_map_and_the_same_as_json(tmp_path):
    out = tmp_path / "a name with spaces, ünicode"
    arguments = ["--map", "perceptron", "--map", "uniform", *SMALL, "--out", str(out)]
    done = invoke(*arguments)
    assert done.exit_code == 0, done.stderr
    assert re.search(r"map\s+functions\s+never\s+upper limits\s+suspect\s+farthest below log2 P = -K", done.stdout)
    assert re.search(r"perceptron\s+14\s+8\s+0\s+0\s+.*\(never\)", done.stdout)
    assert re.search(r"uniform\s+14\s+0\s+0\s+0\s", done.stdout)
    assert f"report: {out / 'report.html'}" in done.stdout and (out / "report.html").exists()
    assert "drawing figures" in done.stderr

    again = invoke(*arguments, "--json")
    summary = json.loads(again.stdout)
    assert summary == json.loads((out / "summary.json").read_text())
    assert [map["never"] for map in summary["maps"]] == [8, 0]
    assert "taken from" in again.stderr  # what is there is not measured again


MISTAKES = {
    "unknown map": (["--map", "mpl"], "Did you mean `mlp`?"),
    "unknown option": (["--map", "mlp:hiden=4"], "Did you mean `hidden`?"),
    "the same map twice": (["--map", "perceptron", "--map", "perceptron"], "give each once"),
    "inputs twice": (["--map", "perceptron:inputs=3", "--inputs", "3"], "leave out one of the two"),
    "different points": (["--map", "perceptron:inputs=3", "--map", "perceptron:inputs=4"], "have different points"),
    "no bits": (["--map", "perceptron", "--inputs", "digits:8"], "give a number of inputs"),
    "too many inputs": (["--map", "perceptron", "--inputs", "11"], "up to 10 inputs"),
    "n = 40": (["--map", "perceptron", "--inputs", "40"], "the largest that fits is 16"),
    "zero samples": (["--samples", "0"], "at least 1"),
    "samples in words": (["--samples", "ten"], "1e6"),
    "least": (["--least", "2"], "between 0 and 1"),
    "relative error": (["--relative-error", "0"], "between 0 and 1"),
    "no time": (["--budget-seconds", "-1"], "give a positive number"),
    "most bits": (["--map", "perceptron", "--most-bits", "1"], "the simplest reference function takes"),
    "no workers": (["--workers", "0"], "--workers"),
    "unknown flag": (["--sampels", "3"], "--samples"),
    "missing module": (["--map", "module:no_such_module:factory"], "no_such_module"),
}


@pytest.mark.parametrize(("arguments", "words"), MISTAKES.values(), ids=list(MISTAKES))
def test_one_line_and_exit_code_2(tmp_path, arguments, words):
    out = tmp_path / "out"
    done = invoke(*arguments, "--out", str(out))
    assert done.exit_code == 2, done.output
    assert done.stdout == "" and done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert words in done.stderr
    assert not out.exists()


def test_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    done = invoke("--map", "uniform", *SMALL, "--out", str(tmp_path / "file" / "below"))
    assert done.exit_code == 2 and f"{tmp_path / 'file'}: exists and is no folder" in done.stderr


def test_interrupted_while_it_counts(tmp_path):
    out = tmp_path / "out"
    arguments = ["blind-spots", "--map", "uniform", "--map", "mlp:hidden=8x8", "--samples", "1e9", "--out", str(out)]
    arguments += ["--most-bits", "10", "--workers", "1"]
    command = [sys.executable, "-c", "from slt_bias.cli import main; main()", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started = time.monotonic()
    while not list(out.glob("tables/uniform*.parquet")) and time.monotonic() - started < 100:
        time.sleep(0.05)
    time.sleep(2.0)  # kernels are loaded and some blocks drawn
    process.send_signal(signal.SIGINT)
    shown, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert shown == "" and "Traceback" not in said
    kept, resume = said.splitlines()[-2:]
    assert kept.startswith("interrupted: 1 of 2 maps are finished") and "draws are kept" in kept
    assert resume.endswith(f"slt-bias {' '.join(arguments)}")
    assert list((out / "counts").glob("mlp*.partial.parquet"))


def test_help():
    done = invoke("--help")
    assert done.exit_code == 0 and "Example: slt-bias blind-spots" in done.stdout
    assert "--json" in done.stdout and "--debug" in done.stdout
