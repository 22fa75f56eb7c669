"""Initial weights: He, Glorot and 1/√n through 30 layers, and biases of 0, 0.1 and 1.

A layer of n inputs whose weights have variance v multiplies the mean square of what it gets by n·v, and the rectifier
then drops half of it. He and others therefore draw weights of variance 2/n: what goes in comes out, through any
number of layers. With Glorot's variance 1/n (for as many outputs as inputs), meant for tanh, each layer halves the
signal; with the older habit of ±1/√n, variance 1/(3n), it leaves a sixth. After 30 layers that is 2⁻³⁰ ≈ 10⁻⁹ or 6⁻³⁰
≈ 10⁻²³ of it, and the gradient shrinks by as much again. The left picture measures it with handwritten digits; the
lines are these powers. The middle one is the experiment of He and others: with 30 layers, their weights learn and
Glorot's do not move.

A positive bias is often recommended, 0.1 or 1, so that the units begin active. The right picture compares them in a
network of 10 hidden layers with weights by He, at three learning rates. It does not reproduce: where the network
learns steadily the three are the same, within what the seeds make for a difference. At the largest rate a bias of 1
is the first to fail, for every layer adds to the signal and soon the biases are larger than what they carry.

Source: He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015; Glorot and Bengio, "Understanding the
difficulty of training deep feedforward neural networks", AISTATS 2010.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from relu_c import init
from relu_c.gallery._network import Activation, Array, Momentum, Network, accuracy, digits, mlp, progress, train
from relu_c.gallery._style import BLUE, GOLD, GREY, ORANGE, PURPLE, panels

VERDICT = "reproduced for the weights; a positive bias is no better than 0, and 1 fails first at a large learning rate"
DEPTH, UNITS = 30, 128
INITIALISERS = {
    "He": (init.he_normal, 1.0, BLUE),
    "Glorot": (init.glorot_normal, 1 / 2, ORANGE),
    "\N{PLUS-MINUS SIGN}1/\N{SQUARE ROOT}n": (init.fan_in_uniform, 1 / 6, PURPLE),
}
"""The initialiser, the factor that a layer has on the mean square, and a colour."""

BIASES = (0.0, 0.1, 1.0)
RATES = (0.003, 0.005, 0.01)
LAST = 3
"""So many epochs are averaged at the end, for single ones jump at the largest rate."""


@dataclass
class Results:
    """Means over the seeds.

    Parameters
    ----------
    squares : dict
        Mean square of what each layer's activation gets, by initialiser.
    accuracies : dict
        Test accuracy of 30 layers by epoch, by initialiser.
    biased : dict
        Final test accuracy of each seed with 10 layers, by bias and learning rate.
    """

    squares: dict[str, Array]
    accuracies: dict[str, Array]
    biased: dict[tuple[float, float], Array]


def perceptron(depth: int, units: int, seed: int, initialiser: str = "He", bias: float = 0.0) -> Network:
    """Return a rectified network for digits."""
    draw = INITIALISERS[initialiser][0]
    rng = np.random.default_rng(seed)
    return mlp((64, *[units] * depth, 10), lambda: Activation("relu"), rng=rng, initialiser=draw, bias=bias)


def learn(network: Network, seed: int, epochs: int, learning_rate: float) -> list[float]:
    """Train on digits and return the test accuracy after each epoch."""
    data, rng = digits(seed), np.random.default_rng(seed)
    with np.errstate(over="ignore", invalid="ignore"):  # large biases can make it diverge, which is a result too
        steps = train(network, data, epochs=epochs, rng=rng, optimiser=Momentum(learning_rate), batch=64)
        return [accuracy(network, data.x_test, data.y_test) for _ in steps]


def run(quick: bool = False) -> Results:
    """Measure the signal, then train with each initialiser and with each bias."""
    measured, seeds, epochs = (5, 1, 12) if quick else (20, 2, 15)
    bias_seeds, bias_epochs = (2, 10) if quick else (3, 15)
    squares: dict[str, list[list[float]]] = {name: [] for name in INITIALISERS}
    for name in INITIALISERS:
        for seed in range(measured):
            network = perceptron(DEPTH, UNITS, seed, name)
            network.predict(digits(seed).x_test)
            squares[name].append([float(np.mean(x.x**2)) for x in network.layers if isinstance(x, Activation)])
    accuracies: dict[str, list[list[float]]] = {name: [] for name in INITIALISERS}
    for name, seed in progress([(name, seed) for name in INITIALISERS for seed in range(seeds)], "30 layers"):
        accuracies[name].append(learn(perceptron(DEPTH, UNITS, seed, name), seed, epochs, 0.003))
    biased: dict[tuple[float, float], list[float]] = {(bias, rate): [] for bias in BIASES for rate in RATES}
    for (bias, rate), seed in progress([(pair, seed) for pair in biased for seed in range(bias_seeds)], "biases"):
        accuracies_by_epoch = learn(perceptron(10, 64, seed, bias=bias), seed, bias_epochs, rate)
        biased[bias, rate].append(float(np.mean(accuracies_by_epoch[-LAST:])))
    return Results(
        {name: np.exp(np.log(rows).mean(axis=0)) for name, rows in squares.items()},
        {name: np.mean(rows, axis=0) for name, rows in accuracies.items()},
        {pair: np.array(rows) for pair, rows in biased.items()},
    )


def check(results: Results) -> None:
    """Assert that the signal follows the powers, that only He's weights learn, and what a bias does."""
    for name, (_, factor, _) in INITIALISERS.items():
        squares = results.squares[name]
        measured = (squares[-1] / squares[0]) ** (1 / (DEPTH - 1))
        assert 0.85 * factor < measured < 1.15 * factor, f"{name}: a factor of {measured:.3f} a layer, not {factor:.3f}"
    final = {name: accuracies[-1] for name, accuracies in results.accuracies.items()}
    he, *others = final.values()
    assert he > 0.45, f"30 layers with He's weights do not learn: {he:.1%}"
    assert max(others) < 0.3, f"30 layers learn with other weights: {others}"
    mean = {pair: float(accuracies.mean()) for pair, accuracies in results.biased.items()}
    for rate in RATES[:-1]:
        spread = max(mean[bias, rate] for bias in BIASES) - min(mean[bias, rate] for bias in BIASES)
        assert spread < 0.06, f"the bias matters at a learning rate of {rate}: {mean}"
    largest = RATES[-1]
    assert mean[1.0, largest] < max(mean[0.0, largest], mean[0.1, largest]) - 0.05, f"a bias of 1 does not fail: {mean}"


def figures(results: Results) -> str:
    """Return the results as a line of figures."""
    weights = "; ".join(
        f"{name} {squares[-1] / squares[0]:.1e}, accuracy {results.accuracies[name][-1]:.1%}"
        for name, squares in results.squares.items()
    )
    biases = "; ".join(
        f"{rate:g}: " + ", ".join(f"{results.biased[bias, rate].mean():.1%}" for bias in BIASES) for rate in RATES
    )
    names = ", ".join(f"{bias:g}" for bias in BIASES)
    return f"signal left after 30 layers: {weights}. Accuracy with biases of {names}, by learning rate: {biases}"


def picture(results: Results) -> Figure:
    """Draw the signal by layer, the accuracy of 30 layers, and that of each bias."""
    figure, (left, middle, right) = panels(
        "Weights by He keep the signal through 30 rectified layers; a positive bias does not help",
        "the signal before learning",
        "30 layers learn digits",
        "biases, 10 layers by He",
        height=3.4,
    )
    lines = ("-", "-", "--")  # the last two lie on each other
    for line, (name, (_, factor, color)) in zip(lines, INITIALISERS.items(), strict=True):
        squares, accuracies = results.squares[name], results.accuracies[name]
        layers = np.arange(1, DEPTH + 1)
        left.plot(layers, squares[0] * factor ** (layers - 1), color=GREY, linewidth=1)
        left.plot(layers, squares, "o", color=color, markersize=3, label=name)
        middle.plot(range(1, len(accuracies) + 1), accuracies * 100, line, color=color, label=name)
    left.plot([], [], color=GREY, linewidth=1, label="theory: 1, 1/2, 1/6 a layer")
    left.set(yscale="log", xlabel="layer", ylabel="mean square of the unit's input", xticks=(1, 10, 20, 30))
    left.legend(frameon=False, fontsize=8, loc="lower left")
    middle.set(xlabel="epoch", ylabel="test accuracy (%)", ylim=(0, 100))
    middle.legend(frameon=False, fontsize=8.5, loc="upper left")
    for k, (bias, color) in enumerate(zip(BIASES, (BLUE, GOLD, ORANGE), strict=True)):
        rows = [results.biased[bias, rate] * 100 for rate in RATES]
        places = np.arange(len(RATES)) + (k - 1) * 0.2
        for place, row in zip(places, rows, strict=True):
            right.plot([place, place], [row.min(), row.max()], color=color, linewidth=1)
        right.plot(places, [row.mean() for row in rows], "o", color=color, label=f"bias {bias:g}")
    right.set_xticks(range(len(RATES)), [f"{rate:g}" for rate in RATES])
    right.set(xlabel="learning rate", ylabel="test accuracy (%), mean and range", ylim=(0, 100))
    right.legend(frameon=False, fontsize=8.5, loc="lower left")
    return figure
