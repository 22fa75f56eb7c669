"""Units that draw random numbers: distributions, seeds, edges, gradients, masks, errors."""

import math

import numpy as np
import pytest
from common import FLOATS, INTEGERS
from ml_dtypes import bfloat16, finfo

import relu_c

SPECIAL = [math.nan, math.inf, -math.inf, -0.0, 0.0, 1.0, -1.0]


def units(x, rng, **keywords):
    """Return what each unit makes of x and the generator: y, and the slope or mask if it has one."""
    return {
        "rrelu": lambda: relu_c.rrelu(x, rng=rng, **keywords),
        "noisy_relu": lambda: (relu_c.noisy_relu(x, rng=rng, **keywords),),
        "dropout": lambda: relu_c.dropout(x, 0.3, rng=rng, **keywords),
    }


def unit(name, x, rng, **keywords):
    return units(x, rng, **keywords)[name]()


every_unit = pytest.mark.parametrize("name", units(None, None))
every_float = pytest.mark.parametrize("dtype", FLOATS)


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def x():
    return 2 * np.random.default_rng(9).standard_normal((50, 60), np.float32)


@every_unit
def test_seeds(name, x):
    once = unit(name, x, 5)
    assert_same(once, unit(name, x, 5))
    generator = np.random.default_rng(5)
    assert_same(once, unit(name, x, generator))
    assert not np.array_equal(once[0], unit(name, x, generator)[0])  # it has moved on
    assert not np.array_equal(once[0], unit(name, x, 6)[0])


@every_unit
def test_bits_do_not_depend_on_the_memory_layout(name, x):
    wanted = unit(name, x, 5)
    strided = np.zeros((100, 180), np.float32)[::2, ::-3]
    strided[...] = x
    for view in (strided, np.asfortranarray(x), np.broadcast_to(x, x.shape)):
        assert_same(wanted, unit(name, view, 5))
        out = np.empty((60, 50), np.float32).T
        got = unit(name, view, 5, out=out)
        assert got[0] is out
        assert_same(wanted, got)


@every_unit
@every_float
def test_in_place(name, dtype, x):
    x = x.astype(dtype)
    wanted = unit(name, x, 5)
    assert wanted[0].dtype == dtype
    got = unit(name, x, 5, out=x)
    assert got[0] is x
    assert_same(wanted, got)


@every_unit
def test_same_draws_in_every_narrow_dtype(name, x):
    x = x.astype(bfloat16).astype(np.float16)  # exact in both
    x[x == 0] = 1
    wide = unit(name, x.astype(np.float32), 5)
    half = unit(name, x, 5)
    np.testing.assert_allclose(half[0], wide[0], rtol=2**-10, atol=2**-24)
    brain = unit(name, x.astype(bfloat16), 5)
    np.testing.assert_allclose(brain[0].astype(np.float32), wide[0], rtol=2**-7)
    np.testing.assert_array_equal(brain[0] == 0, wide[0] == 0)


@every_unit
def test_scalars_and_empty_arrays(name):
    for scalar in (np.float32(-1), -1.0, np.float64(2), 3, np.array(2.0)):
        results = unit(name, scalar, 0)
        assert all(isinstance(result, np.generic) or result.dtype == bool for result in results)
        assert results[0].dtype == (np.float32 if isinstance(scalar, np.float32) else np.float64)
    out = np.array(0.0)
    assert unit(name, 1.0, 0, out=out)[0] is out
    for shape in [(0,), (3, 0)]:
        assert all(result.shape == shape for result in unit(name, np.zeros(shape, np.float32), 0))


@every_unit
@pytest.mark.parametrize("dtype", [*INTEGERS, np.bool], ids=lambda dtype: dtype.__name__)
def test_integers_become_float64(name, dtype):
    x = np.arange(100).astype(dtype)
    assert_same(unit(name, x, 0), unit(name, x.astype(np.float64), 0))


@every_unit
@every_float
def test_special_values_raise_no_warning(name, dtype):
    info = finfo(dtype)
    x = np.tile(np.array([*SPECIAL, info.max, -info.max, info.tiny, info.smallest_subnormal], dtype), 50)
    with np.errstate(all="raise"):
        y = unit(name, x, 0)[0]
    if name != "dropout":
        assert np.array_equal(np.isnan(y), np.isnan(x))
        assert np.all(y[x == math.inf] == math.inf)


@every_unit
@pytest.mark.parametrize("dtype", [np.complex64, object, np.longdouble, "S1"])
def test_no_loop(name, dtype):
    x = np.zeros(2, dtype)
    with pytest.raises(TypeError, match="x must be of float16, bfloat16, float32, float64 or an integer dtype, not "):
        unit(name, x, 0)


@every_unit
def test_bad_out_is_refused_before_anything_is_drawn(name, x):
    generator = np.random.default_rng(5)
    state = generator.bit_generator.state
    read_only = np.zeros_like(x)
    read_only.flags.writeable = False
    for out, error, message in [
        (read_only, ValueError, "read-only"),
        (np.zeros((2, 50, 60), np.float32), ValueError, r"shape \(50, 60\), not \(2, 50, 60\)"),
        (np.zeros((50, 60), np.int64), TypeError, "dtype of out must be one of .* not int64"),
        ([0.0], TypeError, "out must be an ndarray"),
    ]:
        with pytest.raises(error, match=message):
            unit(name, x, generator, out=out)
    with pytest.raises(TypeError, match="rng must be"):
        unit(name, x, np.random.RandomState(0))
    assert generator.bit_generator.state == state


@every_float
def test_rrelu(dtype, x):
    x = x.astype(dtype)
    y, slope = relu_c.rrelu(x, rng=1)
    assert slope.dtype == dtype
    assert slope.shape == x.shape
    np.testing.assert_array_equal(y, relu_c.prelu(x, slope))
    np.testing.assert_array_equal(relu_c.rrelu_grad(y, x, slope), relu_c.prelu_grad(y, x, slope))
    np.testing.assert_array_equal(relu_c.rrelu_grad(y, x, slope), relu_c.prelu_grad_from_output(y, y, slope))


def test_rrelu_slopes_are_uniform():
    slope = relu_c.rrelu(np.zeros(1_000_000), rng=2)[1]
    lower, upper = 1 / 8, 1 / 3
    assert lower <= slope.min() < lower + 1e-5
    assert upper - 1e-5 < slope.max() <= upper
    share = np.bincount(((slope - lower) / (upper - lower) * 20).astype(int), minlength=20) / slope.size
    np.testing.assert_allclose(share, 1 / 20, atol=5 * math.sqrt(1 / 20 / slope.size))


@pytest.mark.parametrize("bounds", [(0.0, 0.0), (0.25, 0.25), (0.1, 0.3), (0.0, 1.0), (1 / 3, np.nextafter(1 / 3, 1))])
def test_rrelu_slopes_stay_within_the_bounds(bounds):
    slope = relu_c.rrelu(np.zeros(100_000, np.float32), *bounds, rng=3)[1]
    assert slope.min() >= np.float32(bounds[0])
    assert slope.max() <= np.float32(bounds[1])


def test_rrelu_without_generator_has_the_mean_slope(x):
    y, slope = relu_c.rrelu(x)
    assert slope == pytest.approx((1 / 8 + 1 / 3) / 2, rel=1e-15)
    np.testing.assert_array_equal(y, relu_c.leaky_relu(x, slope))
    out = np.empty_like(x)
    assert relu_c.rrelu(x, out=out)[0] is out


@pytest.mark.parametrize(
    ("lower", "upper", "message"),
    [
        (-0.1, 0.3, "lower must be finite and at least 0, not -0.1"),
        (math.nan, 0.3, "lower must be finite and at least 0, not nan"),
        (0.3, 0.2, "upper must be finite and at least lower = 0.3, not 0.2"),
        (0.3, math.inf, "upper must be finite and at least lower = 0.3, not inf"),
    ],
)
def test_rrelu_bounds(lower, upper, message):
    for rng in (None, 0):
        with pytest.raises(ValueError, match=message):
            relu_c.rrelu([1.0], lower, upper, rng=rng)
    for other in ("0.1", [0.1, 0.2], 1j, None):
        with pytest.raises(TypeError, match="lower must be a real number"):
            relu_c.rrelu([1.0], other)


@pytest.mark.parametrize("value", [-1.0, 0.0, 3.0, 20.0])
def test_noisy_relu_is_a_rectified_normal_variable(value):
    n = 400_000
    y = relu_c.noisy_relu(np.full(n, value), rng=4)
    deviation = math.sqrt(1 / (1 + math.exp(-value)))
    above = 0.5 * math.erfc(-value / deviation / math.sqrt(2))
    density = math.exp(-((value / deviation) ** 2) / 2) / math.sqrt(2 * math.pi)
    mean = value * above + deviation * density  # of max(0, N(value, deviation**2))
    square = (value**2 + deviation**2) * above + value * deviation * density
    assert y.min() >= 0
    assert np.mean(y > 0) == pytest.approx(above, abs=5 * math.sqrt(0.25 / n))
    assert y.mean() == pytest.approx(mean, abs=5 * math.sqrt((square - mean**2) / n))
    assert y.var() == pytest.approx(square - mean**2, rel=5 * math.sqrt(4 / n))


def test_noisy_relu_edges_and_gradient():
    y = relu_c.noisy_relu(np.float32([math.nan, math.inf, -math.inf, -1e30, 1e30]), rng=0)
    np.testing.assert_array_equal(y, np.float32([math.nan, math.inf, 0, 0, 1e30]))
    assert not np.signbit(y[2:4]).any()
    x = np.random.default_rng(0).standard_normal((40, 5))
    y = relu_c.noisy_relu(x, rng=6)
    dy = np.arange(200.0).reshape(40, 5)
    out = np.empty_like(dy)
    assert relu_c.noisy_relu_grad_from_output(dy, y, out=out) is out
    np.testing.assert_array_equal(out, dy * (y > 0))
    # The same noise and a small step: the noise's own scale is held, so the slope is 1 where the unit is on.
    step = 1e-6
    noise = y - x
    on = y > 0
    np.testing.assert_allclose(((x + step + noise) - y)[on] / step, 1, rtol=1e-6)
    assert 0.3 < on.mean() < 0.7


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9])
@every_float
def test_dropout(rate, dtype):
    x = np.random.default_rng(0).standard_normal((300, 1000)).astype(dtype)
    y, mask = relu_c.dropout(x, rate, rng=7)
    assert mask.dtype == bool
    assert mask.shape == x.shape
    n = x.size
    assert mask.mean() == pytest.approx(1 - rate, abs=5 * math.sqrt(rate * (1 - rate) / n))
    # Neither rows nor columns nor neighbours are alike.
    for axis, count in ((0, 300), (1, 1000)):
        spread = 6 * math.sqrt(rate * (1 - rate) / count)
        np.testing.assert_allclose(mask.mean(axis=axis), 1 - rate, atol=spread)
    pairs = np.mean(mask[:, 1:] & mask[:, :-1])
    assert pairs == pytest.approx((1 - rate) ** 2, abs=10 * math.sqrt(rate * (1 - rate) / n))
    exact = np.where(mask, x.astype(np.longdouble) / (1 - np.longdouble(rate)), 0)
    assert not np.signbit(y[~mask]).any()
    assert np.abs(y - exact).max() <= 1.5 * np.spacing(np.abs(y).max())
    if rate == 0:
        np.testing.assert_array_equal(y, x)


def test_dropout_keeps_the_mean():
    y = relu_c.dropout(np.ones(1_000_000, np.float32), 0.3, rng=8)[0]
    assert y.mean(dtype=np.float64) == pytest.approx(1, abs=5 * math.sqrt(0.3 / 0.7 / 1e6))


@pytest.mark.parametrize("dtype", FLOATS)
def test_what_is_dropped_is_zero(dtype):
    x = np.tile(np.array(SPECIAL, dtype), 200)
    y, mask = relu_c.dropout(x, 0.5, rng=9)
    dx = relu_c.dropout_grad(x, mask, 0.5)
    for result in (y, dx):
        assert result.dtype == dtype
        wide = result.astype(np.float64)
        np.testing.assert_array_equal(wide[mask], 2 * x[mask].astype(np.float64))
        np.testing.assert_array_equal(wide[~mask], 0)
        assert not np.signbit(wide[~mask]).any()
        np.testing.assert_array_equal(np.signbit(wide[mask]), np.signbit(x[mask].astype(np.float64)))


@pytest.mark.parametrize("shape", [(), (1,), (7,), (8,), (9,), (5, 7), (0,), (300, 301)])
def test_packed_mask(shape):
    x = np.ones(shape, np.float32)
    y, mask = relu_c.dropout(x, 0.5, rng=10)
    same, bits = relu_c.dropout(x, 0.5, rng=10, packed=True)
    np.testing.assert_array_equal(y, same)
    assert bits.dtype == np.uint8
    assert bits.shape == (math.ceil(x.size / 8),)
    flat = [bool(bits[k // 8] >> (k % 8) & 1) for k in range(min(x.size, 1000))]
    assert flat == np.asarray(mask).ravel()[:1000].tolist()
    dy = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    np.testing.assert_array_equal(relu_c.dropout_grad(dy, bits, 0.5), relu_c.dropout_grad(dy, mask, 0.5))


def test_packed_mask_goes_by_c_order():
    x = np.asfortranarray(np.ones((5, 7)))
    bits = relu_c.dropout(x, 0.5, rng=10, packed=True)[1]
    np.testing.assert_array_equal(bits, relu_c.dropout(x.copy(order="C"), 0.5, rng=10, packed=True)[1])
    np.testing.assert_array_equal(relu_c.dropout_grad(x, bits, 0.5), relu_c.dropout(x, 0.5, rng=10)[0])


def test_dropout_gradient_in_place_and_by_differences():
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 20, 30))
    _, mask = relu_c.dropout(x, 0.4, rng=11)
    dx = relu_c.dropout_grad(dy, mask, 0.4)
    step = rng.standard_normal(x.shape)
    ahead, behind = (np.sum(dy * relu_c.dropout(x + s * step, 0.4, rng=11)[0]) for s in (0.5, -0.5))
    assert np.sum(dx * step) == pytest.approx(ahead - behind, rel=1e-12)  # it is linear
    assert relu_c.dropout_grad(dy, mask, 0.4, out=dy) is dy
    np.testing.assert_array_equal(dy, dx)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1, 2.0, math.nan, math.inf])
def test_rates(rate):
    x, generator = np.ones(3, np.float32), np.random.default_rng(0)
    state = generator.bit_generator.state
    with pytest.raises(ValueError, match=rf"rate must be in \[0, 1\), not {rate}"):
        relu_c.dropout(x, rate, rng=generator, out=x)
    with pytest.raises(ValueError, match=rf"rate must be in \[0, 1\), not {rate}"):
        relu_c.dropout_grad(x, np.zeros(3, bool), rate, out=x)
    assert generator.bit_generator.state == state
    np.testing.assert_array_equal(x, 1)


def test_rate_next_to_one_drops_all():
    y, mask = relu_c.dropout(np.ones(100_000), np.nextafter(1, 0), rng=0)
    assert not mask.any()
    assert not y.any()


def test_masks_that_do_not_fit():
    dy = np.ones((3, 5), np.float32)
    for mask, message in [
        (np.zeros(5, bool), r"shape of dy, \(3, 5\), not \(5,\)"),
        (np.zeros(3, np.uint8), r"a packed mask for shape \(3, 5\) has 2 bytes, not shape \(3,\)"),
        (np.zeros((3, 5), np.uint8), r"has 2 bytes, not shape \(3, 5\)"),
    ]:
        with pytest.raises(ValueError, match=message):
            relu_c.dropout_grad(dy, mask, 0.5, out=dy)
    with pytest.raises(TypeError, match="mask must be of bool, or of uint8 if it is packed, not float32"):
        relu_c.dropout_grad(dy, dy, 0.5, out=dy)
    np.testing.assert_array_equal(dy, 1)


@pytest.mark.parametrize("rate", [2**-16, 3 * 2**-18, 2**-18])
def test_small_rates_count_in_more_than_16_bits(rate):
    n = 1 << 24
    dropped = n - np.count_nonzero(relu_c.dropout(np.zeros(n, np.float16), rate, rng=3)[1])
    assert dropped == pytest.approx(n * rate, abs=5 * math.sqrt(n * rate))


@every_unit
def test_generator_must_be_given(name):
    if name != "rrelu":
        with pytest.raises(TypeError, match="rng"):
            {"noisy_relu": relu_c.noisy_relu, "dropout": lambda x: relu_c.dropout(x, 0.5)}[name]([1.0])
