"""The main job: a network that learns handwritten digits through relu_c."""

import numpy as np
import pytest

from relu_c._cli import main

digits = pytest.importorskip("relu_c._cli.digits", reason="needs relu_c[demo]", exc_type=ImportError)


@pytest.fixture(scope="module")
def pair():
    return [digits.train(rectifier, seed=0, epochs=8) for rectifier in digits.RECTIFIERS.values()]


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


def test_rectifiers_run_in_place():
    for rectifier in digits.RECTIFIERS.values():
        z, dy = np.float32([[-1, 2], [3, -4]]), np.float32([[5, 6], [7, 8]])
        rectifier.of_biased(z, np.float32([2, -5]))
        rectifier.gradient(dy, z)
        np.testing.assert_array_equal(z, [[1, 0], [5, 0]])
        np.testing.assert_array_equal(dy, [[5, 0], [7, 0]])


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
    assert printed.index("Learning curves") < printed.index("vanishing_gradients"), "the lessons are listed at the end"


def test_defaults(monkeypatch, tmp_path):
    asked = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(digits, "run", lambda *arguments: asked.append(arguments))
    assert main(["demo"]) == main(["demo", "--quick"]) == main(["demo", "--quick", "--epochs", "3"]) == 0
    assert asked == [(5, 40, "relu_c_demo.png"), (2, 10, "relu_c_demo.png"), (2, 3, "relu_c_demo.png")]


@pytest.mark.parametrize("count", ["0", "-1", "many"])
def test_counts(count, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["demo", f"--epochs={count}"])
    assert stopped.value.code == 2
    assert "positive whole number" in capsys.readouterr().err
