"""The instruction set that is asked for is the one in use, and all of them give the same bits."""

import os
import subprocess
import sys

import numpy as np
import pytest
from common import every_float, every_sample, expected
from oracle import assert_same_bits, split

import relu_c
from relu_c._ufuncs import UFUNCS, _use_isa, available_instruction_sets, instruction_set


def run(code, isa):
    """Run a line of Python in a process of its own that asks for an instruction set."""
    environment = os.environ | {"RELU_C_ISA": isa}
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize("name", ["baseline", "avx2", "avx512", "neon"])
def test_forced_instruction_set_is_in_use(name):
    process = run("import relu_c; print(relu_c._ufuncs.instruction_set()); relu_c.show_config()", name)
    available = ", ".join(available_instruction_sets())
    if name not in available_instruction_sets():
        assert "ImportError" in process.stderr
        assert available in process.stderr
        pytest.skip(f"this machine cannot run {name}, so nothing here is tested with it")
    first, *configuration = process.stdout.splitlines()
    assert first == name
    shown = dict(line.split(" : ", 1) for line in configuration)
    shown = {key.strip(): value for key, value in shown.items()}
    assert shown["instruction set"] == name
    assert shown["available"] == available
    assert shown["relu_c"] == relu_c.__version__
    assert shown["NumPy"] == np.__version__
    assert {"compiler", "threads"} <= set(shown)


@pytest.mark.parametrize("name", ["sse9", "AVX2", "avx"])
def test_unknown_instruction_set_is_an_import_error(name):
    process = run("import relu_c", name)
    assert process.returncode != 0
    last = process.stderr.splitlines()[-1]
    assert last.startswith("ImportError: RELU_C_ISA")
    assert repr(name) in last
    assert ", ".join(available_instruction_sets()) in last


def test_without_wish_the_best_is_in_use():
    assert (
        run("import relu_c; print(relu_c._ufuncs.instruction_set())", "").stdout.strip()
        == available_instruction_sets()[0]
    )


def test_unknown_instruction_set_changes_nothing():
    before = instruction_set()
    with pytest.raises(ValueError, match="'sse9' is not available"):
        _use_isa("sse9")
    assert instruction_set() == before


def test_fixture_switches(isa):
    assert instruction_set() == isa


@every_sample()
@every_float
def test_same_bits_on_every_instruction_set(name, parameters, dtype, isa):
    case = expected(name, parameters, dtype, random_dy=bool(split(name)[1]))
    got = UFUNCS[name](*case.operands)
    _use_isa(available_instruction_sets()[-1])
    assert_same_bits(got, UFUNCS[name](*case.operands))
