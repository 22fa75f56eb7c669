"""Vanishing gradients: why deep networks took to the rectifier.

On its way back to the first layer the gradient is multiplied, at every layer, by the weights and by the derivative of
the activation. The sigmoid's derivative is at most 1/4, so that through 20 layers next to nothing is left: the first
layers do not learn, and what the last ones get to see is noise. The derivative of tanh reaches 1, but falls off on
both sides. That of the rectifier is 1 for every active unit.

Here a multilayer perceptron with 20 hidden layers of 128 units learns scikit-learn's handwritten digits. The left
picture has the norm of the gradient with respect to the weights of each layer before the first step, the right one
the accuracy on a quarter of the images, held out, while it learns.

What is well known of the sigmoid shows at once: a gradient twelve orders of magnitude smaller at the first layer than
at the last, and an accuracy of a guess. So does the rectifier's cure, with weights by He. The tanh is the part where
the usual account is too short. With weights from ±1/√n, the habit of the time, its network learns nothing either.
With the weights that Glorot and Bengio derived for it the gradient is the same through all layers, and it learns as
well as the rectifier does: the saturation of tanh alone does not make gradients vanish.

Source: Hochreiter, "Untersuchungen zu dynamischen neuronalen Netzen", 1991; Glorot and Bengio, "Understanding the
difficulty of training deep feedforward neural networks", AISTATS 2010.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from relu_c import init
from relu_c.gallery._network import (
    Activation,
    Array,
    Dense,
    Momentum,
    accuracy,
    cross_entropy,
    digits,
    mlp,
    progress,
    train,
)
from relu_c.gallery._style import COLORS, panels

VERDICT = "reproduced for sigmoid and ReLU; tanh vanishes with weights of ±1/√n, not with Glorot's"
DEPTH, UNITS = 20, 128
NETWORKS = {
    "sigmoid, Glorot": ("sigmoid", init.glorot_normal, "-"),
    "tanh, \N{PLUS-MINUS SIGN}1/\N{SQUARE ROOT}n": ("tanh", init.fan_in_uniform, ":"),
    "tanh, Glorot": ("tanh", init.glorot_normal, "-"),
    "ReLU, He": ("relu", init.he_normal, "-"),
}
SIGMOID, TANH_UNIFORM, TANH, RELU = NETWORKS


@dataclass
class Results:
    """For each network: the gradient's norm by layer, and the test accuracy by epoch, means over the seeds."""

    norms: dict[str, Array]
    accuracies: dict[str, Array]


def run(quick: bool = False) -> Results:
    """Train each network from several seeds."""
    seeds, epochs = (1, 10) if quick else (2, 20)
    norms: dict[str, list[list[float]]] = {name: [] for name in NETWORKS}
    accuracies: dict[str, list[list[float]]] = {name: [] for name in NETWORKS}
    for name, seed in progress([(name, seed) for seed in range(seeds) for name in NETWORKS], "20 layers"):
        activation, initialiser, _ = NETWORKS[name]
        rng = np.random.default_rng(seed)
        data = digits(seed)
        layer = partial(Activation, activation)
        network = mlp((64, *[UNITS] * DEPTH, 10), layer, rng=rng, initialiser=initialiser)
        network.backward(cross_entropy(network.forward(data.x_train), data.y_train)[1])
        norms[name].append([float(np.linalg.norm(x.gradients[0])) for x in network.layers if isinstance(x, Dense)])
        steps = train(network, data, epochs=epochs, rng=rng, optimiser=Momentum(0.003), batch=64)
        accuracies[name].append([accuracy(network, data.x_test, data.y_test) for _ in steps])
    return Results(
        {name: np.mean(norms[name], axis=0) for name in NETWORKS},
        {name: np.mean(accuracies[name], axis=0) for name in NETWORKS},
    )


def check(results: Results) -> None:
    """Assert which gradients vanish, and which networks learn."""
    ratio = {name: norms[0] / norms[-1] for name, norms in results.norms.items()}
    final = {name: accuracies[-1] for name, accuracies in results.accuracies.items()}
    assert ratio[SIGMOID] < 1e-9, f"the sigmoid's gradient falls only to {ratio[SIGMOID]:.1e}"
    assert 0.02 < ratio[RELU] < 50, f"the rectifier's gradient changes by {ratio[RELU]:.1e}"
    assert 0.02 < ratio[TANH] < 50, f"the gradient of tanh changes by {ratio[TANH]:.1e}"
    assert results.norms[TANH_UNIFORM].max() < 1e-3, "the gradient of tanh with small weights has not vanished"
    for name in (SIGMOID, TANH_UNIFORM):
        assert final[name] < 0.3, f"{name} learned: {final[name]:.1%}"
    for name in (TANH, RELU):
        assert final[name] > 0.85, f"{name} did not learn: {final[name]:.1%}"


def figures(results: Results) -> str:
    """Return the results as a line of figures."""
    return "gradient at layer 1 / at layer 21, test accuracy: " + "; ".join(
        f"{name} {norms[0] / norms[-1]:.1e}, {results.accuracies[name][-1]:.1%}"
        for name, norms in results.norms.items()
    )


def picture(results: Results) -> Figure:
    """Draw the gradient by layer, and the accuracy by epoch."""
    figure, (left, right) = panels(
        "Through 20 layers the sigmoid's gradient is gone; the rectifier's arrives",
        "before the first step",
        "while learning digits",
    )
    for name, (activation, _, line) in NETWORKS.items():
        look: dict[str, Any] = {"color": COLORS[activation], "linestyle": line, "label": name}
        norms, accuracies = results.norms[name], results.accuracies[name]
        left.plot(range(1, len(norms) + 1), norms, marker="o", markersize=3, **look)
        right.plot(range(1, len(accuracies) + 1), accuracies * 100, **look)
    left.set(yscale="log", xlabel="layer", ylabel="norm of the gradient")
    left.set_xticks((1, 5, 10, 15, 21))
    right.set(xlabel="epoch", ylabel="test accuracy (%)", ylim=(0, 100))
    right.legend(frameon=False, fontsize=9)
    return figure
