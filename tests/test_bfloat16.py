"""bfloat16: where ml_dtypes is, kept beside Python's numbers, promoted as ml_dtypes does; not there without it."""

import subprocess
import sys

import numpy as np
import pytest
from common import every_parameter, every_ufunc, given, operands
from ml_dtypes import bfloat16
from oracle import assert_same_bits

import relu_c
from relu_c._ufuncs import UFUNCS


def run(code):
    """Run Python code in a process of its own and return the completed process."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_relu_c_works_without_ml_dtypes():
    done = run(
        "import sys; sys.modules['ml_dtypes'] = None\n"
        "import numpy as np, relu_c\n"
        "print(relu_c.relu(np.float16([-1, 2])), relu_c.leaky_relu(np.float32([-1, 2])), relu_c._ufuncs.BFLOAT16)"
    )
    assert done.stdout == "[0. 2.] [-0.01  2.  ] None\n"
    assert done.stderr == ""


def test_ml_dtypes_may_be_imported_later():
    done = run("import relu_c, ml_dtypes, numpy as np\nprint(relu_c.silu(np.ones(2, ml_dtypes.bfloat16)).dtype)")
    assert done.stdout == "bfloat16\n"


def test_the_command_line_says_what_is_missing():
    done = run(
        "import sys; sys.modules['ml_dtypes'] = None\n"
        "import importlib.util; importlib.util.find_spec = lambda name: None if name == 'ml_dtypes' else True\n"
        "from relu_c._cli import main; sys.exit(main(['verify', 'relu', '--dtype', 'bfloat16']))"
    )
    assert done.returncode == 1
    install = "python -m pip install 'relu_c[bfloat16]'"
    assert done.stderr == f"relu_c: error: bfloat16 needs the package ml_dtypes; to install it: {install}\n"


@every_ufunc
def test_beside_numbers_and_other_dtypes(name):
    arrays = operands(name, bfloat16, 20)
    whole = UFUNCS[name](*arrays)
    assert whole.dtype == bfloat16
    for k in range(len(arrays)):
        for number in (2.0, 2, True):
            numbers = [*arrays[:k], number, *arrays[k + 1 :]]
            if len(arrays) > 1:
                assert_same_bits(UFUNCS[name](*numbers), UFUNCS[name](*arrays[:k], bfloat16(number), *arrays[k + 1 :]))
        for wider in (np.float32, np.float64):
            mixed = [*arrays[:k], np.full(20, 2, wider), *arrays[k + 1 :]]
            expected = UFUNCS[name](*(array.astype(wider) for array in mixed))
            assert_same_bits(UFUNCS[name](*mixed), expected)
        with pytest.raises(TypeError):
            UFUNCS[name](*arrays[:k], 2j, *arrays[k + 1 :])


@every_parameter
def test_scalar_parameters_are_rounded_to_bfloat16(name, parameter):
    arrays, parameters = given(name, bfloat16)
    function = getattr(relu_c, name)
    value = 0.997  # between two values of bfloat16
    expected = function(*arrays, **parameters | {parameter: np.full(20, bfloat16(value))})
    for scalar in (value, np.float64(value), np.float32(value), np.array(value), bfloat16(value)):
        assert_same_bits(function(*arrays, **parameters | {parameter: scalar}), expected)


def test_out_of_another_dtype():
    x = operands("relu", bfloat16, 20)[0]
    out = np.zeros(20, np.float32)
    assert relu_c.silu(x, out=out) is out
    assert_same_bits(out, relu_c.silu(x).astype(np.float32))
    assert relu_c.silu(np.ones(3, np.float32), dtype=bfloat16, casting="unsafe").dtype == bfloat16


def test_scalars_stay_scalars():
    assert type(relu_c.relu(bfloat16(2))) is bfloat16
    assert type(relu_c.leaky_relu(bfloat16(-2), 0.5)) is bfloat16
