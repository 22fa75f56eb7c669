"""Float32 kernels by bounds: the bits of the formulas in double, which operands that are not contiguous go through."""

import re
from pathlib import Path

import numpy as np
import pytest
from oracle import assert_same_bits

from relu_c._ufuncs import UFUNCS

ARRAYS = {
    "squareplus": 1,
    "squareplus_grad": 2,
    "softsign": 1,
    "softsign_grad": 2,
    "hard_swish": 1,
    "sigmoid": 1,
    "silu": 1,
    "swish": 1,
    "quick_gelu": 1,
    "gelu_tanh": 1,
    "softplus_grad": 2,
    "log_sigmoid_grad": 2,
    "elu": 1,
    "celu": 1,
    "selu": 1,
    "elu_grad": 2,
    "celu_grad": 2,
    "selu_grad": 2,
}
every_kernel = pytest.mark.parametrize("name", ARRAYS)


def spread(array):
    """Return an array of the same values with a stride of two."""
    return np.repeat(array, 2)[::2]


def parameters(name):
    """Return what follows the arrays: tuples of one value of the parameter, or the empty tuple where there is none."""
    if UFUNCS[name].nin == ARRAYS[name]:
        return [()]
    values = (4, 1, 2**-59, 3.7e17, 1e-40, 3e38) if name.startswith("squareplus") else (1, 0.7, 0, -1)
    return [(np.float32(value),) for value in values if value >= 0 or name in ("swish", "elu", "elu_grad")]


def test_every_kernel_is_here():
    """The rows of the source."""
    table = Path(__file__).parent.parent / "src" / "units.def"
    assert dict.fromkeys(re.findall(r"(?m)^BOUNDED\((\w+),", table.read_text())).keys() == ARRAYS.keys()


@every_kernel
@pytest.mark.parametrize("scale", ["bits", "near 1", "wide", "tens"])
def test_same_bits_as_in_double(name, scale, isa):
    rng = np.random.default_rng(11)

    def draw():
        if scale == "bits":
            return rng.integers(0, 2**32, 2**17, np.uint32).view(np.float32)
        if scale == "tens":
            return rng.uniform(-110, 110, 2**17).astype(np.float32)
        power = 2 if scale == "near 1" else 60
        return (rng.normal(0, 1, 2**19) * np.exp2(rng.uniform(-power, power, 2**19))).astype(np.float32)

    arrays = [draw() for _ in range(ARRAYS[name])]
    for values in parameters(name):
        expected = UFUNCS[name](*map(spread, arrays), *values)
        assert_same_bits(UFUNCS[name](*arrays, *values), expected)
        for k, array in enumerate(arrays):
            out = array.copy()
            UFUNCS[name](*arrays[:k], out, *arrays[k + 1 :], *values, out=out)
            assert_same_bits(out, expected)
        if values:
            each = np.abs(draw())
            expected = UFUNCS[name](*map(spread, arrays), spread(each))
            assert_same_bits(UFUNCS[name](*arrays, each), expected)


@every_kernel
def test_neighbours_leave_no_trace(name, isa):
    """An element that bounds do not decide takes its block through double; the block's other results stay."""
    rng = np.random.default_rng(12)
    first, *others = (rng.normal(0, 3, 1500).astype(np.float32) for _ in range(ARRAYS[name]))
    for values in parameters(name):
        expected = UFUNCS[name](first, *others, *values)
        for place in (0, 31, 32, 255, 256, 1499):
            for value in (np.float32(np.inf), np.float32(1e-40), np.float32(3e38), np.float32(np.nan)):
                changed = first.copy()
                changed[place] = value
                rest = np.arange(1500) != place
                got = UFUNCS[name](changed, *others, *values)
                assert_same_bits(got[rest], expected[rest])
                one = UFUNCS[name](*(array[place] for array in (changed, *others)), *values)
                assert_same_bits(got[place], np.float32(one))


@every_kernel
@pytest.mark.parametrize("size", [1, 15, 16, 31, 32, 33, 63, 64, 255, 256, 257, 272, 300, 513])
def test_every_part_of_a_run(name, size, isa):
    """Heads up to a line's start, blocks and what is left of a run, wherever the arrays begin."""
    rng = np.random.default_rng(13)
    whole = [rng.normal(0, 3, size + 16).astype(np.float32) for _ in range(ARRAYS[name])]
    result = np.empty(size + 16, np.float32)
    for begin in range(16):
        arrays = [array[begin : begin + size] for array in whole]
        for values in parameters(name):
            result[:] = 77
            out = result[15 - begin : 15 - begin + size]
            UFUNCS[name](*arrays, *values, out=out)
            assert_same_bits(out, UFUNCS[name](*map(spread, arrays), *values))
            assert (result[: 15 - begin] == 77).all()
            assert (result[15 - begin + size :] == 77).all()


@every_kernel
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_zeros(name, zero):
    x = np.float32([1.5, -2, 0, 1e-15, 1e15] * 20)
    arrays = [np.full(100, zero, np.float32), x][: ARRAYS[name]]
    for values in parameters(name):
        assert_same_bits(UFUNCS[name](*arrays, *values), UFUNCS[name](*map(spread, arrays), *values))
