"""Shares of zeros and active units, and the monitor: against NumPy, batch by batch, layouts, NaN, the tables."""

import io
import math

import numpy as np
import pytest
from common import FLOATS

import relu_c
from relu_c import diagnostics
from relu_c.diagnostics import LayerStatistics, Monitor, activity, sparsity

every_dtype = pytest.mark.parametrize("dtype", FLOATS)


def outputs(shape, dtype=np.float64, seed=0):
    """Return what a layer of rectified units may give, with NaN and infinities in it."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal(shape)
    y[rng.random(shape) < 0.3] = 0
    y[rng.random(shape) < 0.1] = -0.0
    for value in (math.nan, math.inf, -math.inf):
        y[rng.random(shape) < 0.02] = value
    return y.astype(dtype)


@every_dtype
@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (1, 2), (0, 1, 2), ()])
@pytest.mark.parametrize("shape", [(50, 7, 11), (2, 300, 130), (1, 1, 1), (3, 2, 40000)])
def test_shares(shape, axis, dtype):
    y = outputs(shape, dtype)
    wide = y.astype(np.float64)
    zero, active, nonfinite = activity(y, axis)
    np.testing.assert_allclose(zero, np.mean(wide == 0, axis=axis), rtol=1e-15)
    np.testing.assert_allclose(active, np.mean(wide > 0, axis=axis), rtol=1e-15)
    np.testing.assert_allclose(nonfinite, np.mean(~np.isfinite(wide), axis=axis), rtol=1e-15)
    np.testing.assert_array_equal(sparsity(y, axis), zero)
    for result in (zero, active, nonfinite):
        assert np.shape(result) == np.shape(np.any(wide, axis=axis))
        assert axis is None or isinstance(result, float) == (axis == (0, 1, 2))


def test_shares_of_any_layout():
    y = outputs((60, 50))
    for view in (y[::2, ::-3], y.T, np.asfortranarray(y), np.broadcast_to(y[0], (9, 50)), y.astype(">f8")):
        np.testing.assert_array_equal(sparsity(view, 0), sparsity(view.copy(order="C"), 0))
        np.testing.assert_allclose(sparsity(view, 1), np.mean(view == 0, axis=1), rtol=1e-15)


def test_shares_of_integers_scalars_and_nothing():
    assert sparsity([0, 1, 0, -2]) == 0.5
    assert activity([[True, False]], 0).active.tolist() == [1, 0]
    assert activity(3.0) == (0, 1, 0)
    assert activity(np.float32("nan")) == (0, 0, 1)
    assert math.isnan(sparsity(np.zeros(0)))
    assert sparsity(np.zeros((0, 3)), 1).shape == (0,)
    assert np.isnan(sparsity(np.zeros((0, 3)), 0)).tolist() == [True] * 3


@pytest.mark.parametrize("dtype", [complex, object, np.longdouble, "S1"])
def test_other_dtypes(dtype):
    y = np.zeros((0, 2), dtype)
    monitor = Monitor()
    for call in (sparsity, activity, lambda y: monitor.update("layer", y), LayerStatistics(2).update):
        with pytest.raises(
            TypeError, match="y must be of float16, bfloat16, float32, float64 or an integer dtype, not "
        ):
            call(y)
    assert not monitor.layers


def test_axes_that_are_not_there():
    for axis in (2, (0, -3)):
        with pytest.raises(ValueError, match=r"axis: axis -?[23] is out of bounds"):
            sparsity(np.zeros((2, 2)), axis)
    with pytest.raises(ValueError, match="repeated axis"):
        sparsity(np.zeros((2, 2)), (0, 0))
    for y, axis in ((np.zeros(()), -1), (np.zeros((2, 2)), 2)):
        with pytest.raises(ValueError, match=r"unit_axis: axis -?[12] is out of bounds"):
            Monitor().update("layer", y, unit_axis=axis)


def expected(y, limits=None):
    """Return what a layer's statistics should be, for outputs (samples, units)."""
    y = y.astype(np.longdouble)
    finite = np.isfinite(y)
    count = finite.sum(axis=0)
    kept = np.where(finite, y, 0)
    mean = np.where(count, kept.sum(axis=0) / np.maximum(count, 1), math.nan)
    variance = np.where(finite, (kept - mean) ** 2, 0).sum(axis=0) / np.maximum(count, 1)
    return {
        "zero": (y == 0).sum(axis=0),
        "active": (y > 0).sum(axis=0),
        "nonfinite": (~finite).sum(axis=0),
        "mean": mean,
        "variance": np.where(count, variance, math.nan),
        "saturated": None if limits is None else ((y <= limits[0]) | (y >= limits[1])).sum(axis=0),
    }


def assert_statistics(layer, y, limits=None):
    assert layer.samples == len(y)
    for name, wanted in expected(y, limits).items():
        got = getattr(layer, name)
        if wanted is None:
            assert got is None
        elif wanted.dtype.kind == "f":
            np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13)
        else:
            assert got.dtype == np.int64
            np.testing.assert_array_equal(got, wanted)


@every_dtype
@pytest.mark.parametrize("units", [1, 3, 10, 100, 256, 700])
def test_batches(dtype, units):
    y = outputs((1000, units), dtype)
    y[:, 0] = dtype(math.nan)
    whole, parts, limits = Monitor(), Monitor(), (-0.5, 1.25)
    whole.update("layer", y, limits=limits)
    for batch in np.split(y, [1, 1, 100, 450]):
        parts.update("layer", batch, limits=limits)
    for monitor in (whole, parts):
        assert_statistics(monitor["layer"], y, limits)


def test_many_samples_and_few_units():
    y = outputs((200_003, 3))
    monitor = Monitor()
    monitor.update("layer", y)
    assert_statistics(monitor["layer"], y)


def test_variance_far_from_zero():
    y = 1e8 + np.random.default_rng(0).standard_normal((10_000, 4))
    monitor = Monitor()
    for batch in np.array_split(y, 13):
        monitor.update("layer", batch)
    exact = y.astype(np.longdouble)
    np.testing.assert_allclose(monitor["layer"].mean, exact.mean(axis=0), rtol=1e-15)
    np.testing.assert_allclose(monitor["layer"].variance, exact.var(axis=0), rtol=1e-8)  # the spacing of the mean


def test_unit_axis():
    images = outputs((5, 4, 30, 31))
    monitor = Monitor()
    monitor.update("channels", images, unit_axis=1)
    assert_statistics(monitor["channels"], np.moveaxis(images, 1, -1).reshape(-1, 4))
    monitor.update("pixels", images[0, 0].ravel())  # a single sample
    assert_statistics(monitor["pixels"], images[0, 0].reshape(1, -1))


def test_bits_do_not_depend_on_the_memory_layout():
    y = outputs((700, 90))
    one, other = LayerStatistics(90), LayerStatistics(90)
    one.update(y)
    other.update(np.asfortranarray(y))
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.variance, other.variance)


def test_inputs_are_left_alone():
    y = outputs((50, 6))
    before = y.copy()
    y.flags.writeable = False
    monitor = Monitor()
    monitor.update("layer", y)
    activity(y)
    np.testing.assert_array_equal(y, before)


@pytest.mark.parametrize(
    "unit",
    [relu_c.relu, relu_c.leaky_relu, relu_c.elu, lambda z: relu_c.prelu(z, 0.1), relu_c.relu6],
    ids=["relu", "leaky_relu", "elu", "prelu", "relu6"],
)
def test_dying_units(unit):
    rng = np.random.default_rng(0)
    x, w = rng.standard_normal((500, 30)), relu_c.init.he_normal((30, 20), rng=rng)
    bias = np.zeros(20)
    bias[[4, 17]] = -100
    monitor = Monitor()
    for batch in np.split(x, 5):
        monitor.update("layer", unit(batch @ w + bias))
    dies = unit(-1.0) == 0
    assert monitor["layer"].dead.tolist() == ([4, 17] if dies else [])
    assert np.flatnonzero(monitor["layer"].active == 0).tolist() == [4, 17]
    # One sample that moves it, and a unit is not dead any more; NaN is not death either.
    alive = np.zeros(20)
    alive[[4, 17]] = 1, math.nan
    monitor.update("layer", alive)
    assert monitor["layer"].dead.tolist() == []


def test_nothing_seen_is_not_dead():
    monitor = Monitor()
    monitor.update("layer", np.zeros((0, 3)))
    assert monitor["layer"].samples == 0
    assert monitor["layer"].dead.size == 0
    assert np.isnan(monitor["layer"].mean).all()
    assert "nan" in str(monitor)


def test_no_warning():
    y = np.array([[math.nan, math.inf, 1e308, -1e308], [math.nan, -math.inf, 1e308, 1e308]])
    monitor = Monitor()
    with np.errstate(all="raise"):
        monitor.update("layer", y, limits=(-1, 1))
        activity(y, 0)
        str(monitor)


def test_changed_layers_are_refused():
    monitor = Monitor()
    y = np.ones((4, 3))
    monitor.update("layer", y, limits=[0, 6])
    monitor.update("layer", y, limits=(0.0, 6.0))
    for arguments in ({}, {"limits": (0, 1)}, {"limits": (0, 6), "unit_axis": 1}):
        with pytest.raises(ValueError, match=r"layer 'layer' began with unit_axis=-1 and limits=\(0.0, 6.0\), not "):
            monitor.update("layer", y, **arguments)
    with pytest.raises(ValueError, match=r"y must have 3 units at axis -1, not shape \(4, 5\)"):
        monitor.update("layer", np.ones((4, 5)), limits=(0, 6))
    assert monitor["layer"].samples == 8
    for limits, message in [((6, 0), r"in order, not \(6, 0\)"), ((0, math.nan), "limits must be numbers, not nan")]:
        with pytest.raises(ValueError, match=message):
            monitor.update("other", y, limits=limits)
    with pytest.raises(KeyError):
        monitor["other"]
    monitor.reset()
    assert not monitor.layers
    assert repr(monitor) == "<Monitor of nothing>"


@pytest.fixture
def monitor():
    monitor = Monitor()
    y = np.random.default_rng(0).random((100, 40)) + 0.5
    y[:, :25] = 0
    monitor.update("first", y)
    y[3, 39] = math.inf
    monitor.update("a second, with a longer name", y[:, 25:], limits=(0, 1.4))
    return monitor


def test_table_in_plain_text(monitor):
    lines = str(monitor).splitlines()
    headings, first, second, dead = lines
    assert " ".join(headings.split()) == "layer units samples zero active dead mean std saturated non-finite"
    assert first.split()[1:6] == ["40", "100", "62.5%", "37.5%", "25"]
    assert second.split()[6:11] == ["15", "100", "0.0%", "100.0%", "0"]
    share = monitor["a second, with a longer name"].saturated.sum() / 1500
    assert second.split()[-2:] == [f"{share:.1%}", "1"]
    ends = [headings.index(word) + len(word) for word in headings.split()[1:]]
    for line in (first, second):
        assert all(line[end - 1] != " " for end in ends)
        assert all(line[end : end + 1] in ("", " ") for end in ends)
    assert dead == "dead in first: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 15 more"
    assert repr(monitor) == "<Monitor of first, a second, with a longer name>"


def test_mean_and_deviation_over_the_units(monitor):
    y = outputs((300, 20))
    monitor.reset()
    monitor.update("layer", y)
    finite = y[np.isfinite(y)]
    cells = str(monitor).splitlines()[1].split()
    assert cells[6:8] == [f"{finite.mean():.4g}", f"{finite.std():.4g}"]


def test_table_of_rich(monitor):
    from rich.console import Console

    screen = io.StringIO()
    Console(file=screen, width=140, force_terminal=False).print(monitor)
    printed = screen.getvalue()
    for line in str(monitor).splitlines()[:-1]:
        for cell in line.split():
            assert cell in printed
    assert "dead in first: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 15 more" in printed


def test_rich_is_not_needed(monitor, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "rich", None)
    assert "dead in first" in str(monitor)


def test_bits_do_not_depend_on_the_block_for_counts(monkeypatch):
    y = outputs((1000, 7))
    wanted = activity(y, 0)
    monkeypatch.setattr(diagnostics, "BLOCK", 64)
    np.testing.assert_array_equal(wanted, activity(y, 0))
