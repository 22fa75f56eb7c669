"""Penalties: values, gradients by differences, accumulation, order of summation, max-norm, errors."""

import math

import numpy as np
import pytest
from common import FLOATS
from ml_dtypes import bfloat16, finfo

import relu_c
from relu_c import penalties

TERMS = {"l1": np.abs, "l2": lambda x: x * x / 2}
DIRECTIONS = {"l1": np.sign, "l2": lambda x: x}

every_penalty = pytest.mark.parametrize("name", TERMS)
every_dtype = pytest.mark.parametrize("dtype", FLOATS)


def value(name):
    return getattr(penalties, name)


def grad(name):
    return getattr(penalties, f"{name}_grad")


@pytest.fixture
def x():
    x = np.random.default_rng(3).standard_normal((300, 170))
    x[::7, ::5] = 0
    return x


@every_penalty
@every_dtype
def test_value_is_the_exact_sum(name, dtype, x):
    x = x.astype(dtype)
    exact = math.fsum(TERMS[name](x.astype(np.longdouble)).ravel().astype(np.float64))
    got = value(name)(x, 0.3)
    assert type(got) is float
    assert got == pytest.approx(0.3 * exact, rel=1e-14)
    assert value(name)(x, 0.3, batch_axis=0) == pytest.approx(0.3 * exact / 300, rel=1e-14)
    assert value(name)(x.reshape(10, 30, 170), 0.3, batch_axis=(0, 1)) == value(name)(x, 0.3, batch_axis=0)


@every_penalty
def test_sums_in_a_fixed_order(name, x):
    x = x.astype(np.float32)
    wanted = value(name)(x, 1.0)
    padded = np.zeros((600, 510), np.float32)[::-2, ::3]
    padded[...] = x
    for same in (np.asfortranarray(x), padded, x.astype(np.float64), x.reshape(-1), x.astype(">f4")):
        assert value(name)(same, 1.0) == wanted
    before = np.getbufsize()
    np.setbufsize(1024)
    try:
        assert value(name)(x, 1.0) == wanted
    finally:
        np.setbufsize(before)


@every_penalty
@pytest.mark.parametrize("size", [1, 63, 64, 65, 255, 256, 257, 65_536, 65_537, 200_003])
def test_sums_of_any_length(name, size, monkeypatch):
    x = np.random.default_rng(size).standard_normal(size).astype(np.float32)
    wanted = value(name)(x, 1.0)
    assert wanted == pytest.approx(math.fsum(TERMS[name](x.astype(np.float64))), rel=1e-14)
    monkeypatch.setattr(penalties, "BLOCK", 256)
    assert value(name)(x, 1.0) == wanted
    # The order by which it is fixed: 64 sums, four elements at a time, then one after the other.
    terms = 2 * TERMS[name](x.astype(np.float64)) if name == "l2" else TERMS[name](x.astype(np.float64))
    whole = size // 256 * 256
    sums = np.zeros(64)
    for a, b, c, d in terms[:whole].reshape(-1, 4, 64):
        sums += (a + b) + (c + d)
    for k, term in enumerate(terms[whole:]):
        sums[k % 64] += term
    assert wanted == np.add.accumulate(sums)[-1] * (0.5 if name == "l2" else 1.0)


@every_penalty
@pytest.mark.parametrize("batch_axis", [None, 0, (0, 1)])
def test_gradient_by_differences(name, batch_axis, x):
    x = x[:40, :30]
    dx = grad(name)(x, 0.7, batch_axis=batch_axis)
    step = np.random.default_rng(0).standard_normal(x.shape) * 1e-7
    step[x == 0] = 0
    difference = value(name)(x + step, 0.7, batch_axis=batch_axis) - value(name)(x - step, 0.7, batch_axis=batch_axis)
    assert np.sum(dx * step) == pytest.approx(difference / 2, rel=1e-5)
    np.testing.assert_array_equal(dx[x == 0], 0)


@every_penalty
@every_dtype
def test_gradient_is_rounded_once(name, dtype, x):
    x = x.astype(dtype)
    dx = grad(name)(x, 0.25, batch_axis=1)  # 0.25 / 170
    assert dx.dtype == dtype
    wide = np.float32 if dtype != np.float64 else np.float64
    np.testing.assert_array_equal(dx, (DIRECTIONS[name](x.astype(wide)) * wide(0.25 / 170)).astype(dtype))


@every_penalty
def test_gradient_in_place_into_out_and_added(name, x):
    x = x.astype(np.float32)
    wanted = grad(name)(x, 0.1)
    out = np.full((340, 300), 7, np.float32)[::2].T
    assert grad(name)(x, 0.1, out=out) is out
    np.testing.assert_array_equal(out, wanted)
    assert np.all(out.base[1::2] == 7)  # the rows between are left alone
    for dx in (np.ones_like(x), np.ones((340, 300), np.float32)[::2].T):
        assert grad(name)(x, 0.1, add_to=dx) is dx
        np.testing.assert_array_equal(dx, 1 + wanted)
    work = x.copy()
    assert grad(name)(work, 0.1, out=work) is work
    np.testing.assert_array_equal(work, wanted)
    twice = x.copy()
    assert grad(name)(twice, 0.1, add_to=twice) is twice
    np.testing.assert_array_equal(twice, x + wanted)


@every_penalty
def test_overlapping_operands(name, x):
    flat = x.ravel().copy()
    wanted = grad(name)(flat[:-1].copy(), 0.1)
    grad(name)(flat[:-1], 0.1, out=flat[1:])
    np.testing.assert_array_equal(flat[1:], wanted)


@every_penalty
@pytest.mark.parametrize("dtype", [np.float16, bfloat16])
def test_gradient_added_to_a_wider_one(name, dtype, x):
    x = x.astype(dtype)
    dx = np.ones(x.shape, np.float32)
    grad(name)(x, 1e-5, add_to=dx)
    np.testing.assert_array_equal(dx, 1 + DIRECTIONS[name](x.astype(np.float32)) * np.float32(1e-5))


def test_elastic_net_is_the_sum(x):
    dx = np.zeros_like(x)
    penalties.l1_grad(x, 0.2, add_to=dx)
    penalties.l2_grad(x, 0.3, add_to=dx)
    np.testing.assert_array_equal(dx, 0.2 * np.sign(x) + 0.3 * x)


@every_penalty
def test_special_values(name):
    x = np.array([math.nan, math.inf, -math.inf, -0.0, 0.0])
    with np.errstate(all="raise"):
        dx = grad(name)(x, 0.5)
        assert math.isnan(value(name)(x, 0.5))
        assert value(name)(x[1:], 0.5) == math.inf
        assert value(name)([1e200, 1e308, 1e308], 0.5) == math.inf
    infinite = 0.5 if name == "l1" else math.inf
    np.testing.assert_array_equal(dx, [math.nan, infinite, -infinite, 0, 0])


@every_penalty
def test_other_shapes(name):
    for shape in [(), (0,), (3, 0), (1, 1)]:
        x = np.full(shape, 2.0)
        assert value(name)(x, 0.5) == TERMS[name](2.0) * 0.5 * x.size
        assert grad(name)(x, 0.5).shape == shape
    assert value(name)(np.zeros((0, 5)), 0.5, batch_axis=0) == 0
    assert value(name)(-2, 0.5) == value(name)(2.0, 0.5) == TERMS[name](2.0) * 0.5
    np.testing.assert_array_equal(grad(name)([1, -2, 0], 0.5), DIRECTIONS[name](np.array([1, -2, 0.0])) * 0.5)


@every_penalty
def test_bad_arguments(name):
    x = np.ones((2, 3), np.float32)
    for function in (value(name), grad(name)):
        for strength in (-0.1, math.nan, math.inf):
            with pytest.raises(ValueError, match=f"strength must be finite and at least 0, not {strength}"):
                function(x, strength)
        with pytest.raises(TypeError, match="strength must be a real number, not "):
            function(x, [0.1, 0.2])
        with pytest.raises(ValueError, match="batch_axis: axis 2 is out of bounds"):
            function(x, 0.1, batch_axis=2)
        for dtype in (np.complex64, object, np.longdouble, "S1"):
            with pytest.raises(TypeError, match="x must be of float16, bfloat16, float32, float64 or an integer dtype"):
                function(x.astype(dtype), 0.1)
    for argument in ("out", "add_to"):
        with pytest.raises(ValueError, match=rf"{argument} must have the shape \(2, 3\), not \(3,\)"):
            grad(name)(x, 0.1, **{argument: np.zeros(3)})
        with pytest.raises(TypeError, match=f"the dtype of {argument} must be one of .*, not int64"):
            grad(name)(x, 0.1, **{argument: np.zeros((2, 3), np.int64)})
        fixed = np.zeros((2, 3))
        fixed.flags.writeable = False
        with pytest.raises(ValueError, match=f"{argument} is read-only"):
            grad(name)(x, 0.1, **{argument: fixed})
    with pytest.raises(ValueError, match="out and add_to exclude each other"):
        grad(name)(x, 0.1, out=x, add_to=x)
    np.testing.assert_array_equal(x, 1)


@every_dtype
@pytest.mark.parametrize(("shape", "axis"), [((40, 30), -2), ((30, 40), 1), ((6, 5, 3, 3), (1, 2, 3))])
def test_max_norm(dtype, shape, axis):
    w = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    moved = np.moveaxis(w, axis, range(np.size(axis)))
    moved[..., ::2] = moved[..., ::2] * dtype(0.25)
    norm = np.sqrt(np.sum(w.astype(np.float64) ** 2, axis=axis, keepdims=True))
    limit = float(np.median(norm))
    got = penalties.max_norm(w, limit, axis=axis)
    assert got.dtype == dtype
    within = np.broadcast_to(norm <= limit, shape)
    assert 0 < within.mean() < 1
    np.testing.assert_array_equal(got[within], w[within])
    after = np.sqrt(np.sum(got.astype(np.float64) ** 2, axis=axis, keepdims=True))
    np.testing.assert_allclose(after, np.minimum(norm, limit), rtol=2 * float(finfo(dtype).eps))
    np.testing.assert_array_equal(got, (w.astype(np.float64) * np.where(norm > limit, limit / norm, 1)).astype(dtype))
    work = np.asfortranarray(w)
    assert penalties.max_norm(work, limit, axis=axis, out=work) is work
    np.testing.assert_array_equal(work, got)


def test_max_norm_edges():
    w = np.array([[math.nan, math.inf, 0, 1e200], [5, 5, 0, 1e200]])
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(penalties.max_norm(w, 1.0), w)
    assert penalties.max_norm(np.zeros((0, 3)), 1.0).shape == (0, 3)
    for limit in (0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match=f"limit must be finite and above 0, not {limit}"):
            penalties.max_norm(w, limit)
    with pytest.raises(ValueError, match="axis: axis -2 is out of bounds"):
        penalties.max_norm(w[0], 1.0)


def test_penalty_on_activations_makes_them_sparse():
    # One step down the gradient of the L1 penalty on the outputs of a layer turns units off.
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((200, 20)), relu_c.init.he_normal((20, 50), rng=rng, dtype=np.float64)
    bias = np.zeros(50)
    shares = []
    for _ in range(20):
        h = relu_c.relu(x @ w + bias)
        shares.append(relu_c.diagnostics.sparsity(h))
        dz = relu_c.relu_grad_from_output(penalties.l1_grad(h, 1.0, batch_axis=0), h)
        w -= 0.1 * x.T @ dz
        bias -= 0.1 * dz.sum(axis=0)
    assert shares[0] == pytest.approx(0.5, abs=0.05)
    assert shares[-1] > 0.7
    assert np.all(np.diff(shares) > 0)
