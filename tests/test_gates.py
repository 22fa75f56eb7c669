"""Gated units against exact values; packed arrays against separate ones; crelu."""

import inspect
import math

import gmpy2
import numpy as np
import pytest
from common import FLOATS, every_float, sample
from gmpy2 import mpfr
from oracle import ACTIVATIONS, assert_same_bits, exact, spacing

import relu_c
from relu_c import gates
from relu_c._ufuncs import GENERALISED, _use_isa, available_instruction_sets

UNITS = {"glu": "sigmoid", "reglu": "relu", "geglu": "gelu", "swiglu": "silu"}
every_unit = pytest.mark.parametrize("unit", UNITS)
every_order = pytest.mark.parametrize("order", ["gate_value", "value_gate"])
SHAPES = [
    ((6,), -1),
    ((6, 4), 0),
    ((300, 12), -1),
    ((2, 3000), -1),
    ((3, 10, 5, 7), 1),
    ((2, 4, 900), -2),
    ((0, 4), -1),
    ((4, 0), 1),
]
every_shape = pytest.mark.parametrize(("shape", "axis"), SHAPES, ids=str)
LAYOUTS = {
    "C order": np.copy,
    "Fortran order": lambda array: array.copy(order="F"),
    "every second": lambda array: np.repeat(array, 2, -1)[..., ::2],
    "block": lambda array: np.pad(array, 1)[(slice(1, -1),) * array.ndim],
}


def functions(unit):
    """Return the unit, its gradients, and both on packed arrays."""
    return (getattr(relu_c, f"{unit}{kind}") for kind in ("", "_grad", "_packed", "_packed_grad"))


def operands(unit, dtype, size=400):
    """Return finite gates of all kinds, values and upstream gradients whose products neither overflow nor vanish."""
    rng = np.random.default_rng(8)
    x = sample(dtype, UNITS[unit], ())
    gate = rng.choice(x[np.isfinite(x)], size)
    dy, value = (np.where(rng.random(size) < 0.1, 0, rng.standard_normal(size)).astype(dtype) for _ in range(2))
    return dy, gate, value


def assert_close(got, exact_values, dtype, root_gates=()):
    """Assert 0.5001 units in the last place, 1 beside a root; float64 rounds the activation and every product."""
    for k, (one, value) in enumerate(zip(got.astype(np.float64).tolist(), exact_values, strict=True)):
        if math.isinf(one):
            assert abs(value) >= mpfr(float(np.finfo(np.float64).max if dtype == np.float64 else _largest(dtype)))
            continue
        bound = (1 if k in root_gates else mpfr("0.5001")) * spacing(value, dtype)
        if dtype == np.float64:
            bound = 4 * spacing(value, dtype)
        assert abs(mpfr(one) - value) <= bound, (k, one, float(value))


def _largest(dtype):
    from ml_dtypes import finfo

    return finfo(dtype).max


@every_unit
@every_float
def test_exact_values(unit, dtype, isa):
    forward, grad, *_ = functions(unit)
    activation = UNITS[unit]
    dy, gate, value = operands(unit, dtype)
    opened, slope = exact(activation, gate), exact(f"{activation}_grad", np.ones_like(gate), gate)
    root = ACTIVATIONS[activation].root()
    near = () if root is None else np.flatnonzero(abs(gate.astype(np.float64) - root) < 0.02)
    with gmpy2.context(precision=8000):
        dys, values = (
            np.array([mpfr(one) for one in array.astype(np.float64).tolist()], object) for array in (dy, value)
        )
        assert_close(forward(gate, value), opened * values, dtype)
        dgate, dvalue = grad(dy, gate, value)
        assert_close(dvalue, dys * opened, dtype)
        if dtype == np.float64:  # near a root the derivative is right absolutely, not relatively
            keep = np.setdiff1d(np.arange(gate.size), near)
            assert_close(dgate[keep], (dys * values * slope)[keep], dtype)
        else:
            assert_close(dgate, dys * values * slope, dtype, near)


@every_unit
def test_finite_differences(unit):
    forward, grad, *_ = functions(unit)
    dy, gate, value = np.random.default_rng(9).standard_normal((3, 50))
    step = 1e-5
    dgate, dvalue = grad(dy, gate, value)
    for got, (above, below) in (
        (dgate, (forward(gate + h, value) for h in (step, -step))),
        (dvalue, (forward(gate, value + h) for h in (step, -step))),
    ):
        np.testing.assert_allclose(got, dy * (above - below) / (2 * step), rtol=1e-6, atol=1e-9)


@every_float
def test_reglu_is_the_product_rounded_once(dtype):
    gate, value = (np.random.default_rng(k).choice(sample(dtype, "relu", ()), 3000) for k in range(2))
    with np.errstate(all="ignore"):
        assert_same_bits(relu_c.reglu(gate, value), relu_c.relu(gate) * value)


@every_unit
@every_float
def test_edges(unit, dtype, isa):
    forward, grad, *_ = functions(unit)
    nan, inf = np.nan, np.inf
    gate = np.array([nan, 1, inf, -inf, -inf, -inf, inf, 0], dtype)
    value = np.array([1, nan, 2, 3, inf, nan, -inf, 3], dtype)
    y = forward(gate, value).astype(np.float64)
    assert np.isnan(y[[0, 1, 4, 5]]).all()
    assert y[2] == (2 if unit == "glu" else inf)
    assert y[3] == 0
    assert y[6] == -inf
    for dy in (1, inf, nan):
        dgate, dvalue = (one.astype(np.float64) for one in grad(np.full_like(gate, dy), gate, value))
        assert np.isnan(dgate[[0, 1, 5]]).all()
        assert np.isnan(dvalue[0])
        for one in (dgate[[3, 4]], dvalue[[3, 4, 5]]):  # closed
            assert (one == 0).all()
            assert not np.signbit(one).any()
        if unit in ("glu", "reglu"):
            at = 2 if unit == "glu" else 7  # sigmoid'(inf) = 0, relu'(0) = 0
            assert dgate[at] == 0
        if dy == 1:
            assert dgate[2] == (0 if unit == "glu" else 2)
            assert dvalue[2] == (1 if unit == "glu" else inf)


@every_unit
def test_same_bits_everywhere(unit, isa):
    forward, grad, *_ = functions(unit)
    for dtype in FLOATS:
        given = operands(unit, dtype, 5000)
        whole = forward(*given[1:]), *grad(*given)
        for part in (slice(None, None, 2), slice(1, 8), slice(None, None, -1), slice(3, 4000)):
            cut = [array[part] for array in given]
            for one, all_ in zip((forward(*cut[1:]), *grad(*cut)), whole, strict=True):
                assert_same_bits(one, all_[part])
        _use_isa(available_instruction_sets()[-1])
        for one, all_ in zip((forward(*given[1:]), *grad(*given)), whole, strict=True):
            assert_same_bits(one, all_)
        _use_isa(isa)


@every_unit
@every_float
def test_in_place_and_broadcast(unit, dtype):
    forward, grad, *_ = functions(unit)
    dy, gate, value = operands(unit, dtype, 3000)
    whole, both = forward(gate, value), grad(dy, gate, value)
    for k in range(2):
        given = [gate.copy(), value.copy()]
        assert forward(*given, out=given[k]) is given[k]
        assert_same_bits(given[k], whole)
    for first in range(3):
        for second in range(3):
            given = [dy.copy(), gate.copy(), value.copy()]
            if first != second:
                assert grad(*given, out=(given[first], given[second]))[0] is given[first]
                assert_same_bits(given[first], both[0])
                assert_same_bits(given[second], both[1])
    rows = value.reshape(30, 100)
    assert_same_bits(forward(gate[:100], rows), forward(np.broadcast_to(gate[:100], rows.shape).copy(), rows))
    assert_same_bits(forward(rows, gate[0]), forward(rows, np.full_like(rows, gate[0])))
    for got, want in zip(
        grad(1.0, gate[:100], rows), grad(np.ones_like(rows), np.tile(gate[:100], (30, 1)), rows), strict=True
    ):
        assert_same_bits(got, want)
    where = np.arange(3000) % 3 == 0
    out = np.full_like(gate, 77)
    forward(gate, value, out=out, where=where)
    assert_same_bits(out, np.where(where, whole, dtype(77)))


@every_unit
@every_order
@every_shape
@pytest.mark.parametrize("layout", LAYOUTS)
def test_packed(unit, order, shape, axis, layout):
    forward, grad, packed, packed_grad = functions(unit)
    lay = LAYOUTS[layout]
    for dtype in FLOATS:
        rng = np.random.default_rng(10)
        x = (2 * rng.standard_normal(shape)).astype(dtype)
        gate, value = np.split(x, 2, axis)[:: 1 if order == "gate_value" else -1]
        dy = rng.standard_normal(gate.shape).astype(dtype)
        y, both = forward(gate, value), grad(dy, gate, value)
        dx = np.concatenate(both[:: 1 if order == "gate_value" else -1], axis)
        laid, out, dout = lay(x), lay(np.zeros_like(y)), lay(np.zeros_like(dx))
        assert_same_bits(packed(laid, axis, order=order), y)
        assert packed(laid, axis, order=order, out=out) is out
        assert_same_bits(out, y)
        for upstream in (dy, lay(dy)):
            assert_same_bits(packed_grad(upstream, laid, axis, order=order), dx)
            assert packed_grad(upstream, laid, axis, order=order, out=dout) is dout
            assert_same_bits(dout, dx)
        assert packed_grad(dy, laid, axis, order=order, out=laid) is laid
        assert_same_bits(laid, dx)
        laid = lay(x)
        half = np.split(laid, 2, axis)[0]
        assert packed(laid, axis, order=order, out=half) is half
        assert_same_bits(half, y)


@pytest.mark.parametrize("layout", LAYOUTS)
@every_shape
def test_crelu(shape, axis, layout, isa):
    lay = LAYOUTS[layout]
    for dtype in FLOATS:
        x = np.random.default_rng(12).choice(sample(dtype, "relu", ()), shape)
        negated = np.where(np.isnan(x), x, -x)
        y = np.concatenate([relu_c.relu(x), relu_c.relu(negated)], axis)
        dy = np.random.default_rng(13).choice(sample(dtype, "relu", ()), y.shape)
        positive, negative = np.split(dy, 2, axis)
        with np.errstate(invalid="ignore"):  # ml_dtypes' comparisons of NaN
            dx = np.where(x > 0, positive, np.where(x < 0, -negative, np.where(x == 0, dtype(0), x)))
        out, dout = lay(np.zeros_like(y)), lay(np.zeros_like(x))
        assert_same_bits(relu_c.crelu(lay(x), axis), y)
        assert relu_c.crelu(lay(x), axis, out=out) is out
        assert_same_bits(out, y)
        assert_same_bits(relu_c.crelu_grad(lay(dy), lay(x), axis), dx)
        assert relu_c.crelu_grad(dy, x, axis, out=dout) is dout
        assert_same_bits(dout, dx)
        in_place = lay(x)
        assert relu_c.crelu_grad(dy, in_place, axis, out=in_place) is in_place
        assert_same_bits(in_place, dx)


@every_unit
@every_float
def test_reduce_and_accumulate_go_element_by_element(unit, dtype):
    unit = getattr(relu_c, unit)
    x = np.random.default_rng(15).standard_normal(9).astype(dtype)
    steps = [x[0]]
    for one in x[1:]:
        steps.append(unit(steps[-1], one))
    assert_same_bits(unit.accumulate(x), np.array(steps))
    assert_same_bits(np.asarray(unit.reduce(x)), np.array(steps)[-1, ...])
    assert_same_bits(unit.accumulate(np.stack([x, x], 1), axis=0)[:, 1].copy(), np.array(steps))


def test_orders_of_the_peers():
    a, b = np.float32([[1, 2]]), np.float32([[3, -1]])
    np.testing.assert_allclose(relu_c.glu_packed(np.hstack([a, b])), a / (1 + np.exp(-b)), rtol=1e-6)  # torch, JAX
    np.testing.assert_allclose(  # ONNX's two inputs, Transformer Engine
        relu_c.swiglu_packed(np.hstack([a, b]), order="gate_value"), a / (1 + np.exp(-a)) * b, rtol=1e-6
    )
    assert inspect.signature(relu_c.glu_packed).parameters["order"].default == "value_gate"
    for unit in ("reglu", "geglu", "swiglu"):
        with pytest.raises(TypeError, match="order"):
            getattr(relu_c, f"{unit}_packed")(np.hstack([a, b]))


@every_unit
def test_torch_agrees(unit):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    gate, value, dy = np.random.default_rng(14).standard_normal((3, 40, 6))
    g, v = (torch.tensor(array, requires_grad=True) for array in (gate, value))
    y = functional.glu(torch.cat([v, g], -1)) if unit == "glu" else getattr(functional, UNITS[unit])(g) * v
    y.backward(torch.tensor(dy))
    forward, grad, *_ = functions(unit)
    np.testing.assert_allclose(forward(gate, value), y.detach().numpy(), rtol=1e-12)
    for got, tensor in zip(grad(dy, gate, value), (g, v), strict=True):
        np.testing.assert_allclose(got, tensor.grad.numpy(), rtol=1e-11, atol=1e-14)


@every_unit
def test_operands(unit):
    forward, grad, packed, packed_grad = functions(unit)
    x = np.ones((3, 4), np.float32)
    assert (
        forward(x, 2.0).dtype
        == grad(1.0, x, 2.0)[0].dtype
        == packed_grad(1.0, x, order="gate_value").dtype
        == np.float32
    )
    assert forward([1, 2], [3, 4]).dtype == packed([1, 2], order="gate_value").dtype == np.float64
    assert packed_grad([1.0], [1, 2], order="gate_value").dtype == np.float64
    assert type(forward(np.float32(1), np.float32(2))) is np.float32
    for bad in (x.astype(complex), x.astype(np.longdouble), x.astype(object)):
        for call in (lambda b: forward(b, b), lambda b: grad(b, b, b), lambda b: packed(b, order="gate_value")):
            with pytest.raises(TypeError):
                call(bad)
        with pytest.raises(TypeError):
            packed_grad(bad[:, :2], bad, order="gate_value")


@every_unit
def test_bad_input(unit):
    _, grad, packed, packed_grad = functions(unit)
    x, out, half = np.ones((3, 4), np.float32), np.full((3, 4), 77, np.float32), np.full((3, 2), 77, np.float32)
    for call, message in (
        (lambda: grad(x, x, x, out=(out, out)), "share memory"),
        (lambda: grad(x, x, x, out=(out, out[::-1])), "share memory"),
        (lambda: grad(x, x, x, out=(out, half)), "shape"),
        (lambda: packed(x, order="torch", out=half), "order must be"),
        (lambda: packed(x, 0, order="gate_value", out=half), "axis 0 must have an even length.*not 3"),
        (lambda: packed(x, 2, order="gate_value", out=half), r"axis must be in \[-2, 1\]"),
        (lambda: packed(x, order="gate_value", out=out), "y must have shape"),
        (lambda: packed_grad(x, x, order="gate_value", out=out), "broadcast"),
        (lambda: packed_grad(half, x, order="gate_value", out=half), "dx must have shape"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    for call in (
        lambda: grad(x, x, x, out=out),
        lambda: packed(x, 1.0, order="gate_value"),
        lambda: packed(x, order="gate_value", out=1),
    ):
        with pytest.raises(TypeError):
            call()
    read_only = half.copy()
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        packed(x, order="gate_value", out=read_only)
    assert (out == 77).all()
    assert (half == 77).all()


def test_bad_input_of_crelu():
    x, out = np.ones((3, 4), np.float32), np.full((3, 8), 77, np.float32)
    for call, message in (
        (lambda: relu_c.crelu(x, 2, out=out), "axis must be in"),
        (lambda: relu_c.crelu(1.0), "axis must be in"),
        (lambda: relu_c.crelu(x, 0, out=out), "y must have shape"),
        (lambda: relu_c.crelu_grad(x, x, out=out[:, :4]), "broadcast"),
        (lambda: relu_c.crelu_grad(out, x, out=out), "dx must have shape"),
    ):
        with pytest.raises(ValueError, match=message):
            call()
    for bad in (x.astype(complex), x.astype(object)):
        with pytest.raises(TypeError):
            relu_c.crelu(bad)
    assert (out == 77).all()


def test_public_names():
    assert {name for name in gates.__all__ if "crelu" not in name} == {
        f"{unit}{kind}" for unit in UNITS for kind in ("", "_grad", "_packed", "_packed_grad")
    }
    assert set(gates.__all__) <= set(relu_c.__all__)
    for unit in UNITS:
        assert getattr(relu_c, unit) is GENERALISED[unit]
