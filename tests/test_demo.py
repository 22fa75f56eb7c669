"""The main job: a network that learns handwritten digits through relu_c."""

import numpy as np
import pytest

from relu_c._cli import main

digits = pytest.importorskip("relu_c._cli.digits", reason="needs relu_c[demo]", exc_type=ImportError)


@pytest.fixture(scope="module")
def pair():
    return [digits.train(activation(), seed=0, epochs=8) for activation in (digits.with_relu_c, digits.with_numpy)]


def test_it_learns(pair):
    ours = pair[0]
    assert len(ours.losses) == len(ours.accuracies) == 8
    assert ours.losses[-1] < 0.1 * ours.losses[0]
    assert ours.accuracies[-1] >= 0.95


def test_the_weights_are_those_of_numpy(pair):
    ours, numpys = pair
    assert [parameter.shape for parameter in ours.parameters] == [(64, 128), (128,), (128, 64), (64,), (64, 10), (10,)]
    assert all(parameter.dtype == np.float32 for parameter in ours.parameters)
    for a, b in zip(ours.parameters, numpys.parameters, strict=True):
        np.testing.assert_array_equal(a, b)
    assert ours.losses == numpys.losses
    assert ours.accuracies == numpys.accuracies


def test_time_in_activations_is_part_of_the_training(pair):
    for training in pair:
        assert 0 < training.activation_seconds < training.seconds


def test_activations_run_in_place():
    z = np.float32([[-1, 2], [3, -4]])
    for activation in (digits.with_relu_c(), digits.with_numpy()):
        y, dy = z.copy(), np.ones_like(z)
        activation(y)
        activation(dy, y)
        np.testing.assert_array_equal(y, [[0, 2], [3, 0]])
        np.testing.assert_array_equal(dy, [[0, 1], [1, 0]])
        assert activation.seconds > 0


def test_the_gradient_is_that_of_the_cross_entropy():
    rng = np.random.default_rng(0)
    network = digits.Network(digits.with_relu_c(), rng)
    network.parameters = [parameter.astype(np.float64) for parameter in network.parameters]
    network._velocities = [np.zeros_like(parameter) for parameter in network.parameters]
    x, labels = rng.standard_normal((7, 64)), rng.integers(0, 10, 7)

    def loss():
        logits = network.forward(x)[-1]
        return float(np.mean(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(7), labels]))

    numeric = []
    for parameter in network.parameters:
        index = tuple(n // 2 for n in parameter.shape)
        kept, step = parameter[index], 1e-6
        parameter[index] = kept + step
        above = loss()
        parameter[index] = kept - step
        numeric.append((index, (above - loss()) / (2 * step)))
        parameter[index] = kept
    before = loss()
    assert network.learn(x, labels) == pytest.approx(before)
    for velocity, (index, slope) in zip(network._velocities, numeric, strict=True):
        assert velocity[index] == pytest.approx(-digits.LEARNING_RATE * slope, rel=1e-5, abs=1e-9)


def test_split_is_a_quarter_and_standardised():
    x_train, x_test, labels_train, labels_test = digits.digits(0)
    assert len(x_test) == len(labels_test) == 450
    assert len(x_train) == len(labels_train) == 1347
    assert x_train.dtype == x_test.dtype == np.float32
    np.testing.assert_allclose(x_train.mean(axis=0), 0, atol=1e-5)


def test_command(tmp_path, capsys):
    picture = tmp_path / "curves.png"
    assert main(["demo", "--seeds", "2", "--epochs", "3", "--output", str(picture)]) == 0
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if "largest difference" in line)
    assert row.split("│")[2].strip() == "0"
    accuracy = next(line for line in printed.splitlines() if "accuracy, mean" in line)
    ours, numpys = (cell.strip() for cell in accuracy.split("│")[2:4])
    assert ours == numpys
    assert float(ours.removesuffix("%")) > 90
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_counts(count, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["demo", f"--epochs={count}"])
    assert stopped.value.code == 2
    assert "positive whole number" in capsys.readouterr().err
