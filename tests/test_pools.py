"""Maxout: the maximum of each pool, which unit it was, and where the gradient goes."""

import numpy as np
import pytest
from common import FLOATS, INTEGERS, every_float
from oracle import assert_same_bits

import relu_c

# Shape, axis, pool size: pools within and across rows, longer than a block of 1024, with long indices, empty.
POOLS = [
    ((6,), -1, 3),
    ((4, 6), -1, 2),
    ((4, 6), 0, 2),
    ((4, 6), -2, 1),
    ((2, 12, 5, 7), 1, 3),
    ((3000, 4), -1, 4),
    ((3, 5000), 1, 5),
    ((2, 600), 1, 300),
    ((1500, 8), 0, 750),
    ((0, 4), -1, 2),
    ((4, 0), 1, 3),
    ((0,), 0, 2),
]
every_pool = pytest.mark.parametrize(("shape", "axis", "pool_size"), POOLS)
every_dtype = pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])


def sample(shape, dtype):
    rng = np.random.default_rng(3)
    if dtype in INTEGERS:
        return rng.integers(0, 9, shape).astype(dtype)
    x = rng.standard_normal(shape).astype(dtype)
    flat = x.reshape(-1)
    for value, every in ((np.nan, 17), (np.inf, 11), (-np.inf, 5), (0.0, 4), (-0.0, 7)):
        flat[::every] = value
    return x


def split(x, axis, pool_size):
    """Return the pools along a new axis, and that axis."""
    axis %= x.ndim
    return x.reshape(*x.shape[:axis], x.shape[axis] // pool_size, pool_size, *x.shape[axis + 1 :]), axis + 1


def expected(x, axis, pool_size):
    """Return what maxout must give; np.argmax takes the first of equals, and the first NaN."""
    pools, k = split(x, axis, pool_size)
    index = (pools if x.dtype.type in INTEGERS else pools.astype(np.float64)).argmax(k)
    best = np.take_along_axis(pools, np.expand_dims(index, k), k).squeeze(k)
    return best, index.astype(np.uint8 if pool_size <= 256 else np.uint16)


@every_pool
@every_dtype
def test_maximum_and_index(shape, axis, pool_size, dtype, isa):
    x = sample(shape, dtype)
    whole = expected(x, axis, pool_size)
    rows = np.zeros((*shape[:-1], 2 * shape[-1]), dtype)
    rows[..., ::2] = x
    for operand in (
        x,
        np.asfortranarray(x),
        rows[..., ::2],
        x[..., ::-1].copy()[..., ::-1],
        x.astype(x.dtype.newbyteorder()),
    ):
        got = relu_c.maxout(operand, pool_size, axis)
        for one, want in zip(got, whole, strict=True):
            assert_same_bits(one, want)
    out = np.zeros_like(np.repeat(whole[0], 2, -1))[..., ::2], np.zeros_like(np.repeat(whole[1], 3, -1))[..., ::3]
    assert all(a is b for a, b in zip(relu_c.maxout(x, pool_size, axis, out=out), out, strict=True))
    for one, want in zip(out, whole, strict=True):
        assert_same_bits(np.ascontiguousarray(one), want)


@every_pool
@every_float
def test_gradient(shape, axis, pool_size, dtype):
    y, index = relu_c.maxout(sample(shape, dtype), pool_size, axis)
    dy = sample(y.shape, dtype)
    pools, k = split(np.zeros(shape, dtype), axis, pool_size)
    np.put_along_axis(pools, np.expand_dims(index.astype(np.intp), k), np.expand_dims(dy, k), k)
    whole = pools.reshape(shape)
    for which in (index, index.astype(np.int64), np.asfortranarray(index)):
        assert_same_bits(relu_c.maxout_grad(dy, which, pool_size, axis), whole)
        assert_same_bits(relu_c.maxout_grad(np.asfortranarray(dy), which, pool_size, axis), whole)
    for out in (
        np.ones(shape, dtype),
        np.ones(shape, dtype, order="F"),
        np.ones((*shape[:-1], 2 * shape[-1]), dtype)[..., ::2],
    ):
        assert relu_c.maxout_grad(dy, index, pool_size, axis, out=out) is out
        assert_same_bits(np.ascontiguousarray(out), whole)


def test_finite_differences():
    x = np.random.default_rng(5).standard_normal((3, 12))
    dy = np.random.default_rng(6).standard_normal((3, 4))
    dx = relu_c.maxout_grad(dy, relu_c.maxout(x, 3)[1], 3)
    for at in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[at] += 1e-6
        below[at] -= 1e-6
        difference = np.sum(dy * (relu_c.maxout(above, 3)[0] - relu_c.maxout(below, 3)[0])) / 2e-6
        assert dx[at] == pytest.approx(difference, abs=1e-9)


@every_float
def test_ties_and_nan(dtype):
    nan, inf = np.nan, np.inf
    x = np.array(
        [[1, 1, 1], [-0.0, 0.0, -1], [0.0, -0.0, -1], [nan, 9, nan], [9, nan, inf], [inf, 1, inf], [-inf] * 3], dtype
    )
    y, index = relu_c.maxout(x, 3)
    np.testing.assert_array_equal(index[:, 0], [0, 0, 0, 0, 1, 0, 0])
    assert_same_bits(y[:, 0], np.array([1, -0.0, 0.0, nan, nan, inf, -inf], dtype))


def test_index_dtype():
    for size, dtype in ((1, np.uint8), (256, np.uint8), (257, np.uint16), (65536, np.uint16), (65537, np.uint32)):
        x = np.zeros(size, np.int8)
        x[-1] = 1
        y, index = relu_c.maxout(x, size)
        assert (index.dtype, index[0], y[0]) == (dtype, size - 1, 1)
        dx = relu_c.maxout_grad(np.float32([2]), index, size)
        assert dx[-1] == 2
        assert np.count_nonzero(dx) == 1


def test_bad_input():
    x, y, index = np.ones((2, 6), np.float32), np.full((2, 3), 77, np.float32), np.full((2, 3), 77, np.uint8)
    for size, axis, message in (
        (4, -1, "pool_size must divide the length of axis -1, but 6 is no multiple of 4"),
        (0, -1, "pool_size must be from 1"),
        (-2, -1, "pool_size must be from 1"),
        (2, 2, r"axis must be in \[-2, 1\]"),
    ):
        with pytest.raises(ValueError, match=message):
            relu_c.maxout(x, size, axis, out=(y, index))
    with pytest.raises(TypeError):
        relu_c.maxout(x, 2.0)
    with pytest.raises(ValueError, match="at least one dimension"):
        relu_c.maxout(1.0, 1)
    for bad in (x.astype(bool), x.astype(complex), x.astype(np.longdouble), x.astype(object)):
        with pytest.raises(TypeError):
            relu_c.maxout(bad, 2, out=(y, index))
    with pytest.raises(ValueError, match="share memory"):
        relu_c.maxout(x, 2, out=(y, y.view(np.uint8)[:, ::4]))
    with pytest.raises(ValueError, match="shape"):
        relu_c.maxout(x, 3, out=(y, None))
    assert (y == 77).all()
    assert (index == 77).all()


def test_bad_input_of_gradient():
    dy, out = np.ones((2, 3), np.float32), np.full((2, 6), 77, np.float32)
    for index, message in (
        ([[0, 1, 2]], r"index must be in \[0, 2\), but runs from 0 to 2"),
        ([[-1, 0, 0]], "runs from -1"),
    ):
        with pytest.raises(ValueError, match=message):
            relu_c.maxout_grad(dy, index, 2, out=out)
    with pytest.raises(TypeError, match="index must be of an integer dtype"):
        relu_c.maxout_grad(dy, np.zeros((2, 3)), 2, out=out)
    with pytest.raises(ValueError, match="dx must have shape"):
        relu_c.maxout_grad(dy, np.zeros((2, 3), int), 3, out=out)
    with pytest.raises(ValueError, match="at least one dimension"):
        relu_c.maxout_grad(1.0, 0, 2)
    with pytest.raises(TypeError):
        relu_c.maxout_grad(dy.astype(complex), np.zeros((2, 3), int), 2)
    assert (out == 77).all()
