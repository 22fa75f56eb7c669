"""Where operands and results lie does not change a bit: strides, alignment, order, broadcasting, overlap, in place."""

import itertools

import numpy as np
import pytest
from common import FLOATS, INTEGERS, every_float, every_ufunc, keeps_integers, operands
from oracle import assert_same_bits

from relu_c._ufuncs import UFUNCS

LENGTH = 2500  # exceeds the loops' buffers of strided operands for every dtype
SHAPE = (3, LENGTH)

# Views into larger arrays. The loops see the strides of those in one dimension; NumPy buffers many of the others.
LAYOUTS = {
    "every second": lambda dtype: np.zeros(2 * LENGTH, dtype)[::2],
    "every third": lambda dtype: np.zeros(3 * LENGTH, dtype)[::3],
    "reversed": lambda dtype: np.zeros(LENGTH, dtype)[::-1],
    "every second, reversed": lambda dtype: np.zeros(2 * LENGTH, dtype)[::-2],
    "column": lambda dtype: np.zeros((LENGTH, 5), dtype)[:, 3],
    "field of a record": lambda dtype: np.zeros(LENGTH, [("", "u1"), ("field", dtype)])["field"],
    "unaligned": lambda dtype: np.zeros(LENGTH * np.dtype(dtype).itemsize + 1, "u1")[1:].view(dtype),
    "block of a matrix": lambda dtype: np.zeros((6, LENGTH + 5), dtype)[2:-1, 1:-4],
    "matrix, both axes reversed": lambda dtype: np.zeros((6, 2 * LENGTH), dtype)[::-2, ::-2],
    "Fortran order": lambda dtype: np.zeros(SHAPE, dtype, order="F"),
}
# Where an operand and the result lie in one array, as slices of 3 * LENGTH elements.
OVERLAPS = {
    "ahead": (slice(1, LENGTH + 1), slice(0, LENGTH)),
    "behind": (slice(0, LENGTH), slice(1, LENGTH + 1)),
    "far behind": (slice(0, LENGTH), slice(LENGTH // 2, LENGTH // 2 + LENGTH)),
    "spread": (slice(0, LENGTH), slice(0, 2 * LENGTH, 2)),
    "gathered": (slice(0, 2 * LENGTH, 2), slice(0, LENGTH)),
    "reversed": (slice(0, LENGTH), slice(LENGTH - 1, None, -1)),
    "interleaved": (slice(0, 2 * LENGTH, 2), slice(1, 2 * LENGTH, 2)),
}


def lay(layout, content):
    """Return a copy of an array in a layout."""
    view = LAYOUTS[layout](content.dtype.type)
    view[...] = content
    return view


def around(view):
    """Return the bytes of the array that a view looks into, those of the view itself cleared."""
    view[...] = 0
    base = view
    while base.base is not None:
        base = base.base
    return base.tobytes()


@every_ufunc
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout(name, layout, isa):
    for dtype in FLOATS:
        out = LAYOUTS[layout](dtype)
        untouched = around(out)
        given = operands(name, dtype, out.shape)
        whole = UFUNCS[name](*given)
        laid = [lay(layout, operand) for operand in given]
        assert UFUNCS[name](*laid, out=out) is out
        assert_same_bits(out, whole)
        assert around(out) == untouched
        for k in range(len(given)):  # one operand laid out, the others contiguous
            assert_same_bits(UFUNCS[name](*given[:k], laid[k], *given[k + 1 :]), whole)
        assert_same_bits(UFUNCS[name](*given, out=out), whole)


@every_ufunc
@every_float
def test_broadcast_operands(name, dtype, isa):
    given = operands(name, dtype, SHAPE)
    for k in range(len(given)):
        for part in ((0, 0), (slice(0, 1), slice(None)), (slice(None), slice(0, 1)), (0, slice(None))):
            small = given[k][part]
            repeated = np.broadcast_to(small, SHAPE).copy()
            expected = UFUNCS[name](*given[:k], repeated, *given[k + 1 :])
            for operand in (small, np.broadcast_to(small, SHAPE)):
                got = UFUNCS[name](*given[:k], operand, *given[k + 1 :])
                assert_same_bits(np.broadcast_to(got, SHAPE), expected)


@every_ufunc
@every_float
def test_in_place(name, dtype, isa):
    for k in range(UFUNCS[name].nin):
        given = operands(name, dtype, SHAPE)
        expected = UFUNCS[name](*given)
        assert UFUNCS[name](*given, out=given[k]) is given[k]
        assert_same_bits(given[k], expected)


@every_ufunc
@every_float
def test_one_array_for_all_operands(name, dtype, isa):
    x, nin = operands("relu", dtype, SHAPE)[0], UFUNCS[name].nin
    expected = UFUNCS[name](*(x.copy() for _ in range(nin)))
    assert_same_bits(UFUNCS[name](*[x] * nin), expected)
    assert_same_bits(UFUNCS[name](*[x] * nin, out=x), expected)


@every_ufunc
@pytest.mark.parametrize("overlap", OVERLAPS)
def test_overlap(name, overlap, isa):
    source, target = OVERLAPS[overlap]
    for dtype, k in itertools.product(FLOATS, range(UFUNCS[name].nin)):
        given = operands(name, dtype, LENGTH)
        expected = UFUNCS[name](*given)
        memory = np.zeros(3 * LENGTH, dtype)
        memory[source] = given[k]
        given[k] = memory[source]
        UFUNCS[name](*given, out=memory[target])
        assert_same_bits(memory[target], expected)


@pytest.mark.parametrize("name", [name for name in UFUNCS if UFUNCS[name].nin == 2])
@every_float
def test_reduce_and_accumulate_go_element_by_element(name, dtype, isa):
    x = operands(name, dtype, LENGTH)[0]
    running = [x[0]]
    for element in x[1:]:
        running.append(UFUNCS[name](running[-1], element))
    assert_same_bits(UFUNCS[name].accumulate(x), np.array(running))
    assert_same_bits(UFUNCS[name].accumulate(np.stack([x, x], 1), axis=0)[:, 1], np.array(running))
    assert_same_bits(UFUNCS[name].reduce(x), np.asarray(running[-1]))


@every_ufunc
@every_float
def test_where_leaves_the_rest(name, dtype, isa):
    given = operands(name, dtype, SHAPE)
    where = np.random.default_rng(5).random(SHAPE) < 0.5
    for mask in (where, where[0], where[:, :1], False):
        out = np.full(SHAPE, 77, dtype)
        UFUNCS[name](*given, out=out, where=mask)
        assert_same_bits(out, np.where(mask, UFUNCS[name](*given), dtype(77)))


@every_ufunc
@every_float
def test_no_dimension_and_no_element(name, dtype, isa):
    given = operands(name, dtype, SHAPE)
    whole = UFUNCS[name](*given)
    single = UFUNCS[name](*(operand[0, 0] for operand in given))
    assert type(single) is dtype
    assert_same_bits(np.asarray(single), whole[0, 0, ...])
    out = np.zeros((), dtype)
    assert UFUNCS[name](*(operand[0, 0] for operand in given), out=out) is out
    assert_same_bits(out, whole[0, 0, ...])
    for empty in ((0,), (2, 0), (0, 3)):
        assert UFUNCS[name](*(np.zeros(empty, dtype) for _ in given)).shape == empty


@pytest.mark.parametrize("name", [name for name in UFUNCS if keeps_integers(name)])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_in_any_layout(name, dtype, isa):
    bounds = (dtype(1), dtype(5))[: UFUNCS[name].nin - 1]
    low, high = bounds or (0, 6 if name == "relu6" else np.iinfo(dtype).max)
    limits = np.iinfo(dtype)
    for layout in LAYOUTS:
        x = LAYOUTS[layout](dtype)
        x[...] = np.random.default_rng(6).integers(limits.min, limits.max, x.shape, dtype, endpoint=True)
        expected = np.clip(x, dtype(low), dtype(high))
        assert_same_bits(UFUNCS[name](x, *bounds), expected)
        assert_same_bits(UFUNCS[name](x.copy(), *bounds), expected)
        assert UFUNCS[name](x, *bounds, out=x) is x
        assert_same_bits(x, expected)


@pytest.mark.slow
def test_more_elements_than_int32_counts():
    x = np.full(2**31 + 70, -1, np.int8)
    x[-70:] = x[2**31 - 70 : 2**31] = 3
    at = [*range(2**31 - 70, 2**31 + 70)]
    for y in (UFUNCS["relu"](x), UFUNCS["relu"](x, out=x)):
        assert np.count_nonzero(y) == len(at)
        assert (y[at] == 3).all()
