"""Initialisers: variances and shapes of the distributions, the peers' formulas, layouts, seeds, errors."""

import inspect
import math
import re

import ml_dtypes
import numpy as np
import pytest

import relu_c
from relu_c import init

DENSE, KERNEL, TORCH = (1000, 600), (3, 3, 240, 160), (160, 240, 3, 3)
LAYOUTS = {
    "dense": (DENSE, {}, 1000, 600),
    "kernel": (KERNEL, {}, 9 * 240, 9 * 160),
    "torch": (TORCH, {"in_axis": 1, "out_axis": 0}, 9 * 240, 9 * 160),
    "heads": ((240, 8, 160), {"in_axis": 0, "out_axis": (1, 2)}, 240, 8 * 160),
}
every_layout = pytest.mark.parametrize("layout", LAYOUTS)

# Kurtosis tells a normal distribution (3) from a uniform one (9/5) and a truncated one.
PHI = math.exp(-2) / math.sqrt(2 * math.pi)
WITHIN = math.erf(math.sqrt(2))
TRUNCATED_VARIANCE = 1 - 4 * PHI / WITHIN
TRUNCATED_KURTOSIS = (3 * TRUNCATED_VARIANCE - 16 * PHI / WITHIN) / TRUNCATED_VARIANCE**2
NORMAL, UNIFORM, TRUNCATED = 3.0, 1.8, TRUNCATED_KURTOSIS

# Every initialiser with arguments, the standard deviation as the peer that is named documents it, and the kurtosis.
CASES = {
    "he_normal": (init.he_normal, {}, lambda i, o: math.sqrt(2) / math.sqrt(i), NORMAL),  # torch kaiming_normal_
    "he_normal fan_out": (init.he_normal, {"mode": "fan_out"}, lambda i, o: math.sqrt(2 / o), NORMAL),
    "he_normal leaky": (
        init.he_normal,
        {"negative_slope": 0.5},
        lambda i, o: math.sqrt(2 / (1 + 0.5**2)) / math.sqrt(i),  # torch calculate_gain
        NORMAL,
    ),
    "he_normal truncated": (  # jax variance_scaling(2.0, "fan_in", "truncated_normal")
        init.he_normal,
        {"truncated": True},
        lambda i, o: math.sqrt(2.0 / i),
        TRUNCATED,
    ),
    "he_uniform": (init.he_uniform, {}, lambda i, o: math.sqrt(6 / i) / math.sqrt(3), UNIFORM),
    "he_uniform average": (init.he_uniform, {"mode": "fan_avg"}, lambda i, o: math.sqrt(2 / ((i + o) / 2)), UNIFORM),
    "he_uniform leaky": (  # torch kaiming_uniform_(a=sqrt(5)), which Linear uses: bound 1 / sqrt(fan_in)
        init.he_uniform,
        {"negative_slope": math.sqrt(5)},
        lambda i, o: 1 / math.sqrt(i) / math.sqrt(3),
        UNIFORM,
    ),
    "glorot_normal": (init.glorot_normal, {}, lambda i, o: math.sqrt(2.0 / float(i + o)), NORMAL),
    "glorot_normal truncated": (
        init.glorot_normal,
        {"truncated": True},
        lambda i, o: math.sqrt(2 / (i + o)),
        TRUNCATED,
    ),
    "glorot_uniform": (init.glorot_uniform, {}, lambda i, o: math.sqrt(6 / (i + o)) / math.sqrt(3), UNIFORM),
    "lecun_normal": (init.lecun_normal, {}, lambda i, o: math.sqrt(1 / i), NORMAL),
    "lecun_normal truncated": (init.lecun_normal, {"truncated": True}, lambda i, o: math.sqrt(1 / i), TRUNCATED),
    "lecun_uniform": (init.lecun_uniform, {}, lambda i, o: math.sqrt(3 / i) / math.sqrt(3), UNIFORM),
    "fan_in_uniform": (init.fan_in_uniform, {}, lambda i, o: 1 / math.sqrt(i) / math.sqrt(3), UNIFORM),
}
every_case = pytest.mark.parametrize("case", CASES)
every_random = pytest.mark.parametrize(
    "function", [*{case[0]: None for case in CASES.values()}, init.orthogonal], ids=lambda function: function.__name__
)
every_initialiser = pytest.mark.parametrize("name", [name for name in init.__all__ if name != "fans"])


def test_cases_are_all():
    assert {case[0].__name__ for case in CASES.values()} | {"orthogonal", "identity", "fans"} == set(init.__all__)


@every_case
@every_layout
def test_variance(case, layout):
    function, arguments, std, kurtosis = CASES[case]
    shape, axes, fan_in, fan_out = LAYOUTS[layout]
    weights = function(shape, rng=20, dtype=np.float64, **arguments, **axes)
    assert weights.shape == shape
    expected = std(fan_in, fan_out)
    # Five standard errors of the estimates; that of the fourth moment is largest for the normal one, sqrt(96 / n).
    error = 5 / math.sqrt(weights.size)
    assert abs(weights.mean()) < error * expected
    assert np.mean(weights**2) == pytest.approx(expected**2, rel=error * math.sqrt(kurtosis - 1))
    assert np.mean(weights**4) / np.mean(weights**2) ** 2 == pytest.approx(kurtosis, abs=error * math.sqrt(96))


@every_case
def test_range(case):
    function, arguments, std, kurtosis = CASES[case]
    weights = np.abs(function(DENSE, rng=21, dtype=np.float64, **arguments)) / std(*DENSE)
    if kurtosis == NORMAL:
        assert 4 < weights.max() < 6
    else:
        bound = math.sqrt(3) if kurtosis == UNIFORM else 2 / 0.87962566103423978  # jax's and TensorFlow's constant
        assert bound * (1 - 1e-4) < weights.max() <= bound * (1 + 1e-12)


@every_layout
def test_fans(layout):
    shape, axes, fan_in, fan_out = LAYOUTS[layout]
    assert init.fans(shape, **axes) == (fan_in, fan_out)
    assert init.fans(np.array(shape), **axes) == (fan_in, fan_out)


@every_random
def test_seeds(function):
    once, again = (function((40, 30), rng=5) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, function((40, 30), rng=6))
    assert not np.array_equal(function((40, 30)), function((40, 30)))
    generator = np.random.default_rng(5)
    np.testing.assert_array_equal(once, function((40, 30), rng=generator))
    assert not np.array_equal(once, function((40, 30), rng=generator))  # it has moved on
    for same in (np.random.SeedSequence(5), np.random.PCG64(5)):
        np.testing.assert_array_equal(once, function((40, 30), rng=same))


@every_random
@pytest.mark.parametrize(
    "rng", [np.random.RandomState(0), np.random, "seed", 0.5], ids=["RandomState", "numpy.random", "str", "float"]
)
def test_no_generator(function, rng):
    with pytest.raises(TypeError, match=r"rng must be a numpy.random.Generator or a seed, not "):
        function((2, 2), rng=rng)


@every_initialiser
@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16, np.float32, np.float64, ">f4"])
def test_dtype(name, dtype):
    seed = {} if name == "identity" else {"rng": 3}
    weights = getattr(init, name)((50, 70), dtype=dtype, **seed)
    assert weights.dtype == np.dtype(dtype)
    exact = getattr(init, name)((50, 70), dtype=np.float64, **seed)
    np.testing.assert_array_equal(weights, exact.astype(dtype))  # the same numbers, rounded once
    assert getattr(init, name)((50, 70), **seed).dtype == np.float32


@every_initialiser
@pytest.mark.parametrize("dtype", [np.int32, bool, complex, np.longdouble, object, "S4"])
def test_other_dtype(name, dtype):
    with pytest.raises(TypeError, match="dtype must be one of float16, bfloat16, float32, float64, not "):
        getattr(init, name)((2, 2), dtype=dtype)


@every_initialiser
def test_shapes(name):
    function = getattr(init, name)
    for shape in [(0, 5), (5, 0), (0, 0), (3, 0, 2), (1, 1), (7, 2), (2, 7), [2, 3, 4], np.array([4, 1, 3])]:
        weights = function(shape)
        assert weights.shape == tuple(shape)
        assert weights.flags.c_contiguous
        assert weights.flags.writeable
    with pytest.raises(ValueError, match="in_axis: axis -2 is out of bounds for array of dimension 1"):
        function((5,))
    with pytest.raises(ValueError, match="out_axis: axis 2 is out of bounds"):
        function((5, 5), in_axis=0, out_axis=2)
    with pytest.raises(ValueError, match=r"axis 1 of shape \(5, 6\) is both"):
        function((5, 6), in_axis=1)
    with pytest.raises(ValueError, match="repeated axis in `in_axis`"):
        function((5, 6, 7), in_axis=(0, 0))
    with pytest.raises(ValueError, match=r"no negative length, not \(5, -6\)"):
        function((5, -6))
    for shape in [5, (2.0, 3), "23"]:
        with pytest.raises(TypeError, match="shape must be a sequence of whole numbers, not "):
            function(shape)


@pytest.mark.parametrize("function", [init.he_normal, init.he_uniform])
def test_domains_of_he(function):
    with pytest.raises(ValueError, match="mode must be one of 'fan_in', 'fan_out', 'fan_avg', not 'fan'"):
        function((2, 2), mode="fan")
    with pytest.raises(ValueError, match="negative_slope must be finite, not nan"):
        function((2, 2), negative_slope=math.nan)


@pytest.mark.parametrize("function", [init.orthogonal, init.identity])
def test_domain_of_gain(function):
    with pytest.raises(ValueError, match="gain must be finite, not inf"):
        function((2, 2), gain=math.inf)


@pytest.mark.parametrize("gain", [1.0, -0.5, math.sqrt(2), 0.0])
@pytest.mark.parametrize(
    ("shape", "axes"),
    [
        ((60, 40), {}),
        ((40, 60), {}),
        ((50, 50), {}),
        ((3, 3, 4, 50), {}),
        ((50, 4, 3, 3), {"in_axis": 1, "out_axis": 0}),
        ((8, 5, 2, 9), {"in_axis": 1, "out_axis": (2, 0)}),
    ],
)
def test_orthogonal(shape, axes, gain):
    weights = init.orthogonal(shape, gain=gain, rng=0, dtype=np.float64, **axes)
    outputs = np.atleast_1d(axes.get("out_axis", -1))
    matrix = np.moveaxis(weights, outputs, range(-len(outputs), 0)).reshape(-1, np.prod(np.take(shape, outputs)))
    short = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    np.testing.assert_allclose(short.T @ short, gain**2 * np.eye(short.shape[1]), atol=1e-14)


def test_orthogonal_is_uniformly_distributed():
    # Of a matrix drawn from the orthogonal group, each entry has mean 0, also on the diagonal: without the sign fix the
    # diagonal of a QR decomposition's Q leans to one side. The variance of an entry is 1 / 3.
    rng = np.random.default_rng(0)
    draws = np.array([init.orthogonal((3, 3), rng=rng, dtype=np.float64) for _ in range(4000)])
    assert np.abs(draws.mean(axis=0)).max() < 5 / math.sqrt(3 * 4000)
    np.testing.assert_allclose((draws**2).mean(axis=0), 1 / 3, atol=5 * math.sqrt(4 / 45 / 4000))
    assert np.mean(np.linalg.det(draws) > 0) == pytest.approx(0.5, abs=5 * 0.5 / math.sqrt(4000))


def test_identity():
    np.testing.assert_array_equal(init.identity((4, 4), gain=0.5), 0.5 * np.eye(4))
    np.testing.assert_array_equal(init.identity((3, 5)), np.eye(3, 5))
    heads = init.identity((6, 2, 3), in_axis=0, out_axis=(1, 2))
    np.testing.assert_array_equal(heads.reshape(6, 6), np.eye(6))


@pytest.mark.parametrize("channels", [(3, 3), (2, 4), (4, 2)])
def test_identity_passes_channels_through_a_convolution(channels):
    inputs, outputs = channels
    kernel = init.identity((outputs, inputs, 3, 5), in_axis=1, out_axis=0)
    images = np.random.default_rng(0).standard_normal((2, inputs, 9, 9)).astype(np.float32)
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (2, 2)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 5), axis=(2, 3))
    got = np.einsum("nchwij,ocij->nohw", windows, kernel)
    passed = min(channels)
    np.testing.assert_array_equal(got[:, :passed], images[:, :passed])
    assert not got[:, passed:].any()


def test_he_keeps_the_variance_through_rectified_layers():
    rng = np.random.default_rng(0)
    start = rng.standard_normal((512, 256), dtype=np.float32)
    left = {}
    for name in ("he_normal", "glorot_normal", "fan_in_uniform"):
        x = start
        for _ in range(20):
            x = relu_c.relu(x @ getattr(init, name)((256, 256), rng=rng))
        left[name] = float(np.mean(x**2)) / float(np.mean(start**2))
    assert 0.2 < left["he_normal"] < 5
    assert math.log2(left["glorot_normal"]) == pytest.approx(-20, abs=3)  # halved by each layer
    assert math.log(left["fan_in_uniform"], 6) == pytest.approx(-20, abs=2)


@pytest.mark.parametrize("name", init.__all__)
def test_docstring_names_the_parameters(name):
    function = getattr(init, name)
    text = inspect.getdoc(function)
    assert not re.search("<[a-z_]+>", text)  # a place that the shared text should have filled
    listed = text.partition("Parameters\n---")[2].partition("Returns\n---")[0]
    named = [n for names in re.findall(r"^(\w+(?:, \w+)*) : ", listed, re.MULTILINE) for n in names.split(", ")]
    assert named == list(inspect.signature(function).parameters)
