"""The command line: help, exit codes, what it prints and saves, and what it says when an extra is missing."""

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

import relu_c
from relu_c._cli import COMMANDS, limits, main, peers, timing
from relu_c._cli.checks import CommandError
from relu_c._cli.measure import HELD, Request, environment, measure
from relu_c._cli.peers import PEERS, Case, spellings
from relu_c._cli.report import BARS, page
from relu_c._cli.results import (
    DTYPES,
    FUNCTIONS,
    LIBRARIES,
    MEMORY,
    ONE_THREAD,
    OPERATIONS,
    Measurement,
    Result,
    format_size,
    parse_size,
)
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
    "arguments",
    [
        ["nonsense"],
        ["info", "x"],
        ["bench", "--size", "100"],
        ["bench", "--size", "4MiKi"],
        ["bench", "--threads", "0"],
        ["bench", "--threads", "1,two"],
    ],
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
        (["bench", "--report", "/nowhere/a.md"], ["/nowhere/a.md", "no folder"]),
        (["bench", "--compare", "nowhere.json"], ["nowhere.json"]),
        (["bench", "--fail-below", "0.9"], ["--fail-below", "--compare"]),
        (["bench", "--from", __file__], [__file__, "no results"]),
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
    for function, spelled in PEERS.items():
        idiom = "scipy" if function == "gelu" else "numpy"  # NumPy has no erf
        assert idiom in spelled, f"{function} has no {idiom} idiom in relu_c/_cli/peers.py"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_peers_agree(function, operation, dtype):
    case = Case(function, operation, dtype, 4096)
    case.check()
    assert list(case.runs) == ["relu_c", *spellings(function, operation, dtype), MEMORY]


def test_disagreement_stops_before_timing(monkeypatch):
    wrong = peers.Spelling(lambda o: np.minimum(o.x, 0, out=o.y), lambda o: None)
    monkeypatch.setitem(PEERS["relu"], "numpy", wrong)
    monkeypatch.setattr(peers, "set_threads", lambda threads: None)
    monkeypatch.setattr(timing, "interleave", None)
    with pytest.raises(CommandError, match="relu, forward, float32, 65536 elements: numpy differs from relu_c by"):
        measure(Request(["relu"], ["forward"], ["float32"], [64]))


def test_error_in_the_measuring_process():
    code = """
import sys
import numpy as np
from relu_c._cli import measure, peers
peers.PEERS["relu"]["numpy"] = peers.Spelling(lambda o: np.minimum(o.x, 0, out=o.y), lambda o: None)
sys.exit(measure.main())
"""
    request = json.dumps({"functions": ["relu"], "operations": ["forward"], "dtypes": ["float32"], "sizes": [64]})
    done = subprocess.run([sys.executable, "-c", code], input=request, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.search("^relu_c: error: relu, forward, .* numpy differs from relu_c by", done.stderr, re.MULTILINE)


@pytest.mark.skipif(os.name != "posix", reason="needs a program that fails")
def test_failure_of_the_measuring_process_is_the_command_s(monkeypatch):
    monkeypatch.setattr(sys, "executable", "false")
    with pytest.raises(SystemExit) as stopped:
        main(["bench", "relu", "--size", "64"])
    assert stopped.value.code == 1


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
    order.clear()
    interleave({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, once=True)
    assert order == ["a", "b"] * ROUNDS
    assert ratio([2.0, 9.0, 4.0], [1.0, 1.0, 2.0]) == 2.0


def test_bench(tmp_path, capsys):
    data, plot = tmp_path / "bench.json", tmp_path / "bench.png"
    name = available_instruction_sets()[-1]
    arguments = ["bench", "relu", "softsign", "--size", "64,4Ki", "--dtype", "float32,float64", "--isa", name]
    in_use = instruction_set()
    assert main([*arguments, "--threads", "1,2", "--json", str(data), "--plot", str(plot)]) == 0
    assert instruction_set() == in_use
    printed = capsys.readouterr().out
    for text in ("relu", "softsign", "in place", "gradient", "4Ki", f"float64, {name}, 2 threads", "numpy", "roofline"):
        assert text in printed
    saved = Measurement.load(str(data))
    assert saved.configuration["instruction set"] == name
    assert saved.limits == []
    assert len({r.case for r in saved.results}) == 2 * 3 * 2 * 2 * 2
    for r in saved.results:
        assert 0 < r.best <= r.median
        assert r.ratio == 1 if r.library == "relu_c" else r.ratio > 0
    assert {r.library for r in saved.results} >= {"relu_c", "numpy", MEMORY}
    assert plot.read_bytes().startswith(b"\x89PNG")


def measurement(best=1e-6, threads=(1,), sizes=(4096,), isa="avx2", **configuration):
    """Return what a bench might have found, for every function: the peers take twice as long, a mere pass half."""
    results = [
        Result(function, operation, dtype, size, n, isa, library, best * ratio, best * ratio, ratio)
        for n in threads
        for dtype in ("float32", "float16")
        for function in FUNCTIONS
        for operation in OPERATIONS
        for size in sizes
        for library, ratio in (("relu_c", 1.0), ("numpy", 2.0), ("torch", 2.0), (MEMORY, 0.5))
    ]
    facts = {"processor": "P", "measured": "2000-01-01", "command": "python -m relu_c bench"} | configuration
    return Measurement(facts, results, [limits.Limit("a limit", "1x", "2x", False)])


def saved(path, *arguments, **keywords):
    path.write_text(measurement(*arguments, **keywords).to_json(), encoding="utf-8")
    return str(path)


def test_saved_results_are_the_measured_ones():
    measured = measurement(threads=(1, 2))
    assert Measurement.from_json(measured.to_json()) == measured


def test_roofline_counts_the_bytes_moved():
    by_operation = {r.operation: r.roofline for r in measurement().results if r.library == MEMORY}
    assert by_operation == {"forward": 0.5, "in place": 0.5, "gradient": 0.75}


def test_runs_are_merged():
    merged = Measurement()
    merged.extend(measurement(1e-6, python="3.11"))
    merged.extend(measurement(2e-6, isa="avx512", python="3.12"))
    assert merged.configuration["python"] == "3.11; 3.12"
    assert merged.configuration["processor"] == "P"
    assert len(merged.results) == 2 * len(measurement().results)
    merged.extend(measurement(3e-6))  # replaces the first
    assert len(merged.results) == 2 * len(measurement().results)
    assert {r.best for r in merged.results if r.library == "relu_c"} == {2e-6, 3e-6}


def test_one_thread_is_a_peer_of_two():
    merged = Measurement()
    merged.extend(measurement(3e-6))
    merged.extend(measurement(2e-6, threads=(2,)))
    derived = [r for r in merged.with_one_thread() if r.library == ONE_THREAD]
    assert len(derived) == len(FUNCTIONS) * len(OPERATIONS) * 2
    assert {(r.threads, r.ratio, r.best) for r in derived} == {(2, 1.5, 3e-6)}


def test_comparison(tmp_path, capsys):
    earlier, now = saved(tmp_path / "a.json", 1e-6), saved(tmp_path / "b.json", 2e-6)
    assert main(["bench", "--from", now, "--compare", earlier]) == 0
    printed = capsys.readouterr().out
    assert printed.count("0.50x slower") == len(FUNCTIONS) * len(OPERATIONS) * 2
    assert main(["bench", "--from", now, "--compare", earlier, "--fail-below", "0.6"]) == 1
    assert "cases run at less than 0.6 of their speed" in capsys.readouterr().err
    assert main(["bench", "--from", now, "--compare", earlier, "--fail-below", "0.4"]) == 0
    assert main(["bench", "--from", earlier, "--compare", now, "--fail-below", "1.9"]) == 0
    assert "slower" not in capsys.readouterr().out.split("beside")[-1].replace("0.50x slower", "")


def test_comparison_with_other_cases(tmp_path, capsys):
    earlier, now = saved(tmp_path / "a.json", isa="avx512"), saved(tmp_path / "b.json")
    assert main(["bench", "--from", now, "--compare", earlier]) == 1
    assert "has none of the cases" in capsys.readouterr().err
    other = saved(tmp_path / "c.json", processor="Q")
    assert main(["bench", "--from", now, "--compare", other]) == 0
    assert "another processor: Q" in capsys.readouterr().out


def test_report(tmp_path):
    path = tmp_path / "page.md"
    parts = [
        saved(tmp_path / "a.json", sizes=(64, 2**25)),
        saved(tmp_path / "b.json", 2e-6, isa="avx512", threads=(2,)),
    ]
    assert main(["bench", "--from", *parts, "--report", str(path)]) == 0
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# Performance\n")
    for part in ("processor | P |", "python -m relu_c bench", "2000-01-01", "| avx2 | avx512 |", "a limit | 1x | 2x |"):
        assert part in text
    assert "every function, 64 elements | float32 | torch | 1 | met: 2.00" in text
    assert "relu, 128 Ki and 1 Mi | float16 | numpy | 40 | not measured | not measured |" in text
    assert "<summary>float32, avx2, 1 thread; 64 / 32Mi elements</summary>" in text
    assert "| `gelu` | gradient | 0.06 / 33554.43 | 0.75 / 0.75 | 2.00 / 2.00 | 2.00 / 2.00 |" in text
    assert max(map(len, text.partition("\n\n|")[0].splitlines())) <= 120


def test_bars_say_what_is_below():
    missed = page(measurement(sizes=(2**17,)))
    assert (
        "relu, 128 Ki and 1 Mi | float16 | numpy | 40 | **not met**: 2.00 (relu forward, float16, 128Ki), 2 of 2"
        in missed
    )


def test_bars_are_about_known_things():
    for bar in BARS:
        assert bar.peer in (*LIBRARIES, ONE_THREAD)
        assert set(bar.dtypes) <= set(DTYPES)
        assert set(bar.functions) <= set(FUNCTIONS)
        assert set(bar.operations) <= set(OPERATIONS)


@pytest.mark.parametrize("name", HELD)
def test_peers_are_held_to_an_instruction_set(name):
    variables = environment(name, 2)
    assert variables["RELU_C_ISA"] == name
    assert variables["OMP_NUM_THREADS"] == "2"
    code = "import numpy as np; print(*np.show_config(mode='dicts')['SIMD Extensions'].get('found', []))"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | variables, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert not {"X86_V4", "AVX512F", "AVX512_SKX", *(["X86_V3", "AVX2"] if name == "baseline" else [])} & set(
        done.stdout.split()
    )


def test_nothing_is_held_by_default():
    assert not {"RELU_C_ISA", "ATEN_CPU_CAPABILITY", "NPY_DISABLE_CPU_FEATURES"} & set(environment(None, 1))


def test_limits(monkeypatch):
    monkeypatch.setattr(limits, "_memory_speed", lambda: limits.Limit("", "", "", True))  # takes seconds
    measured = limits.measure_limits()
    assert len(measured) == 8
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
