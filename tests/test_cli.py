"""The command line: help, exit codes, what it prints and saves, and what it says when an extra is missing."""

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import relu_c
from relu_c._cli import COMMANDS, limits, main, peers
from relu_c._cli.bench import format_size, parse_size
from relu_c._cli.peers import DTYPES, FUNCTIONS, OPERATIONS, PEERS, Case, libraries
from relu_c._cli.timing import ROUNDS, interleave, ratio
from relu_c._config import configuration
from relu_c._ufuncs import available_instruction_sets, instruction_set

NAMES = [command.__name__.rpartition(".")[2] for command in COMMANDS]


def run(*arguments: str, code: str = "from relu_c._cli import main; sys.exit(main(sys.argv[1:]))", missing: str = ""):
    """Run the command line in a process of its own, in which one package cannot be imported."""
    block = f"import sys; sys.modules[{missing!r}] = None; " if missing else "import sys; "
    return subprocess.run([sys.executable, "-c", block + code, *arguments], capture_output=True, text=True, check=False)


def test_as_a_module():
    done = subprocess.run([sys.executable, "-m", "relu_c", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"relu_c {relu_c.__version__}\n"


def test_without_arguments_prints_the_help(capsys):
    assert main([]) == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_help(name, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["info", "x"], ["bench", "--size", "100"], ["bench", "--size", "4MiKi"]]
)
def test_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert "usage: python -m relu_c" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["bench", "rule"], ["unknown function 'rule'", "relu6"]),
        (["bench", "--operation", "backward"], ["unknown operation 'backward'", "in place"]),
        (["bench", "--dtype", "int8"], ["unknown dtype 'int8'", "float16"]),
        (["bench", "--isa", "z80"], ["unknown instruction set 'z80'", "baseline"]),
        (["bench", "--json", "/nowhere/a.json"], ["/nowhere/a.json", "no folder"]),
        (["bench", "--plot", "plot.doc"], ["plot.doc", ".png"]),
        (["demo", "--output", "/nowhere/a.png"], ["/nowhere/a.png", "no folder"]),
    ],
)
def test_errors_are_one_line(arguments, names, capsys):
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert error.startswith("relu_c: error: ")
    assert error.count("\n") == 1
    assert all(name in error for name in names)


@pytest.mark.parametrize(
    ("command", "missing", "extra"),
    [
        (["info"], "rich", "cli"),
        (["bench", "relu"], "rich", "cli"),
        (["bench", "relu", "--plot", "a.png"], "matplotlib", "cli"),
        (["demo"], "rich", "demo"),
        (["demo"], "sklearn", "demo"),
    ],
)
def test_missing_extra(command, missing, extra):
    done = run(*command, missing=missing)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == (
        f"relu_c: error: {command[0]} needs the package {missing}; "
        f"to install it: python -m pip install 'relu_c[{extra}]'\n"
    )


def test_help_needs_no_extra():
    assert run("bench", "--help", missing="rich").returncode == 0


def test_info(capsys):
    assert main(["info"]) == 0
    printed = capsys.readouterr().out
    assert all(text in printed for fact in configuration().items() for text in fact)


@pytest.mark.parametrize(("text", "size"), [("64", 64), ("4Ki", 4096), ("128Ki", 2**17), ("32Mi", 2**25)])
def test_sizes(text, size):
    assert parse_size(text) == size
    assert format_size(size) == text


def test_every_function_has_peers():
    assert set(PEERS) == set(FUNCTIONS)
    for function, spellings in PEERS.items():
        idiom = "scipy" if function == "gelu" else "numpy"  # NumPy has no erf
        assert idiom in spellings, f"{function} has no {idiom} idiom in relu_c/_cli/peers.py"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_peers_agree(function, operation, dtype):
    case = Case(function, operation, dtype, 4096)
    case.check()
    assert list(case.runs) == ["relu_c", *(name for name in libraries(dtype) if name in PEERS[function])]


def test_disagreement_stops_before_timing(monkeypatch, capsys):
    wrong = peers.Spelling(lambda o: np.minimum(o.x, 0, out=o.y), lambda o: None)
    monkeypatch.setitem(PEERS["relu"], "numpy", wrong)
    assert main(["bench", "relu", "--operation", "forward", "--size", "64"]) == 1
    assert "relu, forward, float32, 64 elements: numpy differs from relu_c by" in capsys.readouterr().err


def test_each_call_in_place_sees_the_same_input():
    case = Case("leaky_relu", "in place", "float32", 64)
    assert case.calls > 1
    case.runs["relu_c"]()
    rows = [o.x.copy() for o in case._operands["relu_c"]]
    assert len(rows) == case.calls
    assert all(np.array_equal(row, rows[0]) for row in rows)
    case.refresh()
    assert np.array_equal(case._operands["relu_c"][0].x, case._source)
    assert not np.array_equal(rows[0], case._source)


def test_interleaving():
    order = []
    times = interleave({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, lambda: None)
    assert [len(rounds) for rounds in times.values()] == [ROUNDS, ROUNDS]
    assert sum(a != b for a, b in pairwise(order)) == 2 * ROUNDS - 1
    assert ratio([2.0, 9.0, 4.0], [1.0, 1.0, 2.0]) == 2.0


def test_bench(tmp_path, capsys):
    data, plot = tmp_path / "bench.json", tmp_path / "bench.png"
    arguments = ["bench", "relu", "softsign", "--size", "64,4Ki", "--dtype", "float32,float64", "--isa", "baseline"]
    in_use = instruction_set()
    assert main([*arguments, "--json", str(data), "--plot", str(plot)]) == 0
    assert instruction_set() == in_use
    printed = capsys.readouterr().out
    for text in ("relu", "softsign", "in place", "gradient", "4Ki", "float64, baseline", "numpy"):
        assert text in printed
    saved = json.loads(data.read_text())
    assert saved["configuration"]["instruction set"] == "baseline"
    assert saved["limits"] == []
    results = saved["results"]
    keys = {(r["function"], r["operation"], r["dtype"], r["size"]) for r in results}
    assert len(keys) == 2 * 3 * 2 * 2
    for r in results:
        assert 0 < r["best"] <= r["median"]
        assert r["ratio"] == 1 if r["library"] == "relu_c" else r["ratio"] > 0
    assert {r["library"] for r in results} >= {"relu_c", "numpy"}
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_limits(monkeypatch):
    monkeypatch.setattr(limits, "_memory_speed", lambda: limits.Limit("", "", "", True))  # takes seconds
    measured = limits.measure_limits()
    assert len(measured) == 6
    memory, import_time = measured[-2:]
    assert memory.met, memory
    assert import_time.measured.endswith(" ms")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
def test_the_peak_shows_a_second_array():
    code = limits.PEAK.replace("relu(x, out=x)", "relu(x)")
    assert code != limits.PEAK
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 100 * 1024


def test_every_instruction_set_can_be_benched(capsys):
    for name in available_instruction_sets():
        assert main(["bench", "relu", "--operation", "forward", "--size", "64", "--isa", name]) == 0
        assert f"float32, {name}" in capsys.readouterr().out


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_interrupt(capsys, monkeypatch):
    def interrupted(arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(COMMANDS[0], "run", interrupted)
    assert main(["info"]) == 1
    assert capsys.readouterr().err == "relu_c: error: interrupted\n"
