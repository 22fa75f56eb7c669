"""The pipelines of `examples/`: each runs in its quick mode, and its own assertion holds."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*.py"))


def load(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES[0].parent / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path, tmp_path):
    run = subprocess.run([sys.executable, path, "--quick"], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout


def test_the_gradient_of_digits_is_that_of_its_loss():
    digits = load("digits")
    rng = np.random.default_rng(0)
    network = digits.Network(np.random.default_rng(1))
    network.weights = [w.astype(np.float64) for w in network.weights]
    network.biases = [rng.standard_normal(b.shape) / 10 for b in network.biases]
    x, labels = rng.random((9, 64)), rng.integers(0, 10, 9)

    def gradients():
        network.rng = np.random.default_rng(2)  # the same units are dropped
        return network.gradients(x, labels)

    _, found = gradients()
    for parameter, gradient in zip(network.parameters, found, strict=True):
        step = 1e-6 * rng.standard_normal(parameter.shape)
        parameter += step
        above = gradients()[0]
        parameter -= 2 * step
        below = gradients()[0]
        parameter += step
        assert np.sum(gradient * step) == pytest.approx((above - below) / 2, rel=1e-4)
