"""Random units, penalties and diagnostics beside NumPy's idioms, and torch's dropout; float32, the output given."""

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

import relu_c
from relu_c import diagnostics, penalties

SIZES = (4096, 131072, 4194304)
UNITS = 256
RATE = np.float32(0.3)

rng = np.random.default_rng(0)


def dropout_of_numpy(x, out):
    mask = rng.random(x.shape, np.float32) >= RATE
    return np.multiply(x, mask / (1 - RATE), out=out), mask


# By task: for each library what it does with x and an array for the result.
TASKS: dict[str, dict[str, Callable]] = {
    "dropout": {
        "relu_c": lambda x, out: relu_c.dropout(x, 0.3, rng=rng, out=out)[0],
        "numpy": lambda x, out: dropout_of_numpy(x, out)[0],
    },
    "l1": {
        "relu_c": lambda x, out: penalties.l1(x, 0.1),
        "numpy": lambda x, out: 0.1 * np.abs(x).sum(dtype=np.float64),
    },
    "l2, gradient added": {
        "relu_c": lambda x, out: penalties.l2_grad(x, 0.1, add_to=out),
        "numpy": lambda x, out: np.add(out, np.float32(0.1) * x, out=out),
    },
    "zero and active by unit": {
        "relu_c": lambda x, out: diagnostics.activity(x, axis=0)[:2],
        "numpy": lambda x, out: ((x == 0).mean(axis=0), (x > 0).mean(axis=0)),
    },
    "sparsity": {
        "relu_c": lambda x, out: diagnostics.sparsity(x),
        "numpy": lambda x, out: np.mean(x == 0),
    },
}
if find_spec("torch"):
    import torch

    TASKS["dropout"]["torch"] = lambda x, out: torch.nn.functional.dropout(torch.from_numpy(x), 0.3).numpy()


def check(task: str, library: str, x: np.ndarray) -> None:
    """Check that the library does the same as relu_c; of dropout, that it keeps the right share of the same values."""
    got, wanted = (np.asarray(TASKS[task][name](x, np.zeros_like(x))) for name in (library, "relu_c"))
    if task == "dropout":
        assert np.mean(got[x > 0] == 0) == pytest.approx(0.3, abs=0.05)
        np.testing.assert_allclose(got[got > 0], (x / (1 - RATE))[got > 0], rtol=1e-6)
    else:
        np.testing.assert_allclose(got, wanted, rtol=1e-6)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("task", "name"), [(task, name) for task, libraries in TASKS.items() for name in libraries])
def test_training(benchmark: BenchmarkFixture, request: pytest.FixtureRequest, task: str, name: str, size: int) -> None:
    if size > request.config.getoption("--max-size"):
        pytest.skip("larger than --max-size")
    x = relu_c.relu(rng.standard_normal((size // UNITS, UNITS), np.float32))
    out = np.zeros_like(x)
    check(task, name, x)
    benchmark.group = f"{task}, {size}"
    benchmark.pedantic(TASKS[task][name], (x, out), rounds=15, iterations=max(1, 65536 // size), warmup_rounds=1)
