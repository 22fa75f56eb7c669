"""Weight penalties, as nothing bounds a rectifier from above.

A sigmoid ends at 1; a rectified unit returns whatever its weights make of the input. It is therefore advised to
penalise large weights: an L2 penalty, strength/2 · Σw², pulls each weight towards 0 in proportion to its size, an L1
penalty, strength · Σ|w|, by the same amount whatever its size, which leaves many at 0.

A network with two hidden layers of 128 units learns 300 handwritten digits, a fifth of them with a wrong label, so
that there is something to overfit; labels are right where it is tested. The left picture has the largest activation
of the hidden layers on images held out, the right one the accuracy on them.

Without a penalty nothing runs away: the largest activation rises by less than a fifth, for a network that knows its
training images by heart has no gradient left. So the danger does not show here. What a penalty does is as promised:
under L2 the largest activation falls to a fraction, and as the wrong labels no longer fit, the accuracy on held-out
images with their right labels is better by several points. L1 makes the activations small too, with nine of ten
weights near 0, but the gain in accuracy does not last.

Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 7.1; Glorot, Bordes and Bengio, "Deep sparse
rectifier neural networks", AISTATS 2011, on L1 and unbounded activations.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from relu_c.gallery._network import (
    Activation,
    Array,
    Data,
    Dense,
    Momentum,
    Network,
    accuracy,
    digits,
    mlp,
    progress,
    train,
)
from relu_c.gallery._style import BLUE, GOLD, ORANGE, panels
from relu_c.penalties import l1_grad, l2_grad

VERDICT = "reproduced for L2; L1 bounds the activations but gains no accuracy; without a penalty nothing runs away"
PENALTIES = {"none": (l2_grad, 0.0, ORANGE), "L1, 0.003": (l1_grad, 0.003, GOLD), "L2, 0.05": (l2_grad, 0.05, BLUE)}
NONE, L1, L2 = PENALTIES
IMAGES, WRONG = 300, 0.2
SMALL = 1e-3
"""A weight below this is as good as 0; under L1 the weights swing about 0 by less than a step."""


@dataclass
class Results:
    """By penalty, means over the seeds.

    Parameters
    ----------
    largest, accuracies : dict
        Largest hidden activation and accuracy on the held-out images, before the first epoch and after each.
    small : dict
        Share of the weights that end as good as 0.
    """

    largest: dict[str, Array]
    accuracies: dict[str, Array]
    small: dict[str, float]


def noisy_digits(seed: int) -> Data:
    """Return digits, a few to train on, some with a random label."""
    data, rng = digits(seed), np.random.default_rng(seed)
    labels = data.y_train[:IMAGES].copy()
    wrong = rng.random(IMAGES) < WRONG
    labels[wrong] = rng.integers(0, 10, wrong.sum())
    return data._replace(x_train=data.x_train[:IMAGES], y_train=labels)


def weights(network: Network) -> list[Dense]:
    """Return the dense layers; biases are not penalised."""
    return [layer for layer in network.layers if isinstance(layer, Dense)]


def penalise(gradient: Callable[..., Array], strength: float) -> Callable[[Network], None]:
    """Return what adds the penalty's gradient to those of a network."""

    def add(network: Network) -> None:
        for layer in weights(network):
            gradient(layer.parameters[0], strength, add_to=layer.gradients[0])

    return add


def run(quick: bool = False) -> Results:
    """Train under each penalty from several seeds."""
    seeds, epochs = (2, 40) if quick else (5, 100)
    largest: dict[str, list[list[float]]] = {name: [] for name in PENALTIES}
    accuracies: dict[str, list[list[float]]] = {name: [] for name in PENALTIES}
    small: dict[str, list[float]] = {name: [] for name in PENALTIES}
    for name, seed in progress([(name, seed) for seed in range(seeds) for name in PENALTIES], "penalties"):
        gradient, strength, _ = PENALTIES[name]
        data, rng = noisy_digits(seed), np.random.default_rng(seed)
        network = mlp((64, 128, 128, 10), lambda: Activation("relu"), rng=rng)

        def measure(network: Network = network, data: Data = data) -> tuple[float, float]:
            correct = accuracy(network, data.x_test, data.y_test)
            return max(float(x.y.max()) for x in network.layers if isinstance(x, Activation)), correct

        measured = [measure()]
        penalty = penalise(gradient, strength)
        for _ in train(network, data, epochs=epochs, rng=rng, optimiser=Momentum(0.02), penalty=penalty):
            measured.append(measure())
        largest[name].append([activation for activation, _ in measured])
        accuracies[name].append([correct for _, correct in measured])
        small[name].append(np.mean(np.abs(np.concatenate([x.parameters[0].ravel() for x in weights(network)])) < SMALL))
    return Results(
        {name: np.mean(rows, axis=0) for name, rows in largest.items()},
        {name: np.mean(rows, axis=0) for name, rows in accuracies.items()},
        {name: float(np.mean(rows)) for name, rows in small.items()},
    )


def check(results: Results) -> None:
    """Assert what the penalties do to activations, weights and accuracy."""
    end = {name: largest[-1] for name, largest in results.largest.items()}
    change = end[NONE] / results.largest[NONE][0]
    assert 0.8 < change < 1.5, f"without a penalty the largest activation changes by {change:.2f}"
    assert end[L2] < 0.5 * end[NONE], f"L2 does not bound the activations: {end}"
    assert end[L1] < 0.75 * end[NONE], f"L1 does not bound the activations: {end}"
    final = {name: accuracies[-1] for name, accuracies in results.accuracies.items()}
    assert final[L2] > final[NONE] + 0.02, f"L2 gains nothing: {final}"
    assert final[L1] < final[L2], f"L1 is as good as L2: {final}"
    assert results.small[L1] > 0.6 > 0.3 > results.small[NONE], f"shares of small weights: {results.small}"


def figures(results: Results) -> str:
    """Return the results as a line of figures."""
    return "largest activation at first and at last, accuracy, weights as good as 0: " + "; ".join(
        f"{name} {largest[0]:.1f}, {largest[-1]:.1f}, {results.accuracies[name][-1]:.1%}, {results.small[name]:.0%}"
        for name, largest in results.largest.items()
    )


def picture(results: Results) -> Figure:
    """Draw the largest activation and the accuracy by epoch."""
    figure, (left, right) = panels(
        "Penalties keep unbounded activations small; L2 resists wrong labels",
        "largest activation of the hidden layers",
        f"accuracy, {WRONG:.0%} of training labels wrong",
    )
    for name, (_, _, color) in PENALTIES.items():
        left.plot(results.largest[name], color=color, label=name)
        right.plot(results.accuracies[name] * 100, color=color, label=name)
    left.set(xlabel="epoch", ylabel="activation", ylim=(0, None))
    left.legend(frameon=False, fontsize=9, title="penalty, strength", title_fontsize=9)
    right.set(xlabel="epoch", ylabel="test accuracy (%)", ylim=(60, 100))
    return figure
