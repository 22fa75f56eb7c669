"""Float32 kernels by bounds: the bits of the formulas in double, which operands that are not contiguous go through."""

import numpy as np
import pytest
from oracle import assert_same_bits

from relu_c._ufuncs import UFUNCS

NAMES = ["squareplus", "softsign_grad"]


def spread(array):
    """Return an array of the same values with a stride of two."""
    return np.repeat(array, 2)[::2]


def operands(name, draw):
    """Return two operands by what draws one of them, and with one value for all of the parameter."""
    first, second = draw(), draw()
    if name == "softsign_grad":
        return [(first, second)]
    second = np.abs(second)
    return [(first, second), *((first, np.float32(b)) for b in (4, 1, 2**-59, 3.7e17, 1e-40, 3e38))]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", ["bits", "near 1", "wide"])
def test_same_bits_as_in_double(name, scale, isa):
    rng = np.random.default_rng(11)

    def draw():
        if scale == "bits":
            return rng.integers(0, 2**32, 2**17, np.uint32).view(np.float32)
        power = 2 if scale == "near 1" else 30
        return (rng.normal(0, 1, 2**19) * np.exp2(rng.uniform(-power, power, 2**19))).astype(np.float32)

    for first, second in operands(name, draw):
        expected = UFUNCS[name](spread(first), spread(second) if second.ndim else second)
        assert_same_bits(UFUNCS[name](first, second), expected)
        out = first.copy()
        UFUNCS[name](out, second, out=out)
        assert_same_bits(out, expected)


@pytest.mark.parametrize("name", NAMES)
def test_neighbours_leave_no_trace(name, isa):
    """An element that bounds do not decide takes its block through double; the block's other results stay."""
    rng = np.random.default_rng(12)
    for first, second in operands(name, lambda: rng.normal(0, 3, 1500).astype(np.float32)):
        expected = UFUNCS[name](first, second)
        for place in (0, 511, 512, 1499):
            for value in (np.float32(np.inf), np.float32(1e-40), np.float32(3e38), np.float32(np.nan)):
                changed = first.copy()
                changed[place] = value
                rest = np.arange(1500) != place
                got = UFUNCS[name](changed, second)
                assert_same_bits(got[rest], expected[rest])
                one = second[place] if second.ndim else second
                assert_same_bits(got[place], np.float32(UFUNCS[name](changed[place], one)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_zeros(name, zero):
    x = np.float32([1.5, -2, 0, 1e-15, 1e15] * 20)
    zeros = np.full(100, zero, np.float32)
    assert_same_bits(UFUNCS[name](zeros, x * x), UFUNCS[name](spread(zeros), spread(x * x)))
