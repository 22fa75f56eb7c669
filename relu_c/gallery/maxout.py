"""Maxout units with dropout.

A maxout unit has k sets of weights and returns the largest of the k sums. With k = 2 it can be a rectifier, where one
set is 0, or an absolute value, or any convex function of two pieces: it learns its activation. It never saturates and
has no dead half, at the price of twice the weights for each unit. Goodfellow and others devised it for dropout, which
drops each unit with probability 1/2 at every step of training: a network of many piecewise linear maps, they argue,
is well averaged by the one that is used afterwards, with all units in place. As in the paper the weights of a unit
have a norm that is limited (max-norm), without which maxout with dropout diverges at this learning rate.

Two hidden layers learn 200 handwritten digits, few enough to overfit: of 128 maxout units of two pieces, or of 185
rectified ones, which takes about as many weights; each without and with dropout. The picture pairs the accuracies of
each seed, so that what the seeds have in common does not hide the differences.

It reproduces in part. Dropout helps, and maxout is ahead of the rectifier. That dropout suits maxout better than
other units does not show: the rectifier gains as much from it, or more, and comes nearer.

Source: Goodfellow, Warde-Farley, Mirza, Courville and Bengio, "Maxout networks", ICML 2013; Srivastava, Hinton,
Krizhevsky, Sutskever and Salakhutdinov, "Dropout", JMLR 2014.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

import relu_c
from relu_c import init
from relu_c.gallery._network import (
    Activation,
    Array,
    Dense,
    Layer,
    Momentum,
    Network,
    accuracy,
    digits,
    progress,
    train,
)
from relu_c.gallery._style import COLORS, GREY, panels
from relu_c.penalties import max_norm

VERDICT = "reproduced, but for one claim: dropout helps the rectifier as much as it helps maxout"
PIECES, RATE, IMAGES, LIMIT = 2, 0.5, 200, 2.0
UNITS = {"maxout": 128, "relu": 185}
"""Hidden units that give networks of about the same size."""

KINDS = [(activation, rate) for activation in UNITS for rate in (0.0, RATE)]


class Maxout(Layer):
    """Keeps the largest of every k inputs in a row.

    Parameters
    ----------
    pieces : int
        k; there are as many outputs as inputs / k.
    """

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.pieces = pieces

    def forward(self, x: Array) -> Array:
        y: Array
        y, self.winners = relu_c.maxout(x, self.pieces)
        return y

    def backward(self, dy: Array) -> Array:
        dx: Array = relu_c.maxout_grad(dy, self.winners, self.pieces)
        return dx


class Dropout(Layer):
    """Drops inputs at random while the network is trained.

    Parameters
    ----------
    rate : float
        Probability that an input is dropped.
    rng : numpy.random.Generator
    """

    training_only = True

    def __init__(self, rate: float, rng: np.random.Generator) -> None:
        super().__init__()
        self.rate, self.rng = rate, rng

    def forward(self, x: Array) -> Array:
        y: Array
        y, self.mask = relu_c.dropout(x, self.rate, rng=self.rng)
        return y

    def backward(self, dy: Array) -> Array:
        dx: Array = relu_c.dropout_grad(dy, self.mask, self.rate)
        return dx


class MaxNorm(Momentum):
    """Gradient descent with momentum, then each unit's weights are shortened to the limit."""

    def step(self, layer: Layer) -> None:
        super().step(layer)
        for parameter in layer.parameters:
            if parameter.ndim == 2:
                max_norm(parameter, LIMIT, out=parameter)


@dataclass
class Results:
    """Test accuracy of each seed by activation and rate of dropout, and the number of weights by activation."""

    accuracies: dict[tuple[str, float], Array]
    sizes: dict[str, int]

    def gain(self, better: tuple[str, float], worse: tuple[str, float]) -> tuple[float, float]:
        """Return the mean over the seeds of a difference, and its standard error."""
        differences = self.accuracies[better] - self.accuracies[worse]
        return float(differences.mean()), float(differences.std(ddof=1) / np.sqrt(len(differences)))


def network(activation: str, rate: float, rng: np.random.Generator) -> Network:
    """Return a network for digits with two hidden layers."""
    layers: list[Layer] = []
    units = UNITS[activation]
    for inputs in (64, units):
        if activation == "maxout":
            layers += [Dense(init.glorot_normal((inputs, PIECES * units), rng=rng)), Maxout(PIECES)]
        else:
            layers += [Dense(init.he_normal((inputs, units), rng=rng)), Activation(activation)]
        layers.append(Dropout(rate, rng))
    return Network(*layers, Dense(init.glorot_normal((units, 10), rng=rng)))


def run(quick: bool = False) -> Results:
    """Train each kind of network from several seeds."""
    seeds, epochs = (4, 30) if quick else (10, 60)
    accuracies: dict[tuple[str, float], list[float]] = {kind: [] for kind in KINDS}
    sizes = {}
    for seed in progress(range(seeds), "maxout and dropout"):
        data = digits(seed)
        data = data._replace(x_train=data.x_train[:IMAGES], y_train=data.y_train[:IMAGES])
        for activation, rate in KINDS:
            rng = np.random.default_rng(seed)
            made = network(activation, rate, rng)
            for _ in train(made, data, epochs=epochs, rng=rng, optimiser=MaxNorm(0.01)):
                pass
            accuracies[activation, rate].append(accuracy(made, data.x_test, data.y_test))
            sizes[activation] = sum(parameter.size for parameter in made.parameters)
    return Results({kind: np.array(rows) for kind, rows in accuracies.items()}, sizes)


def check(results: Results) -> None:
    """Assert that dropout helps, that it helps maxout no more than the rectifier, and that maxout is ahead."""
    sizes = results.sizes
    assert abs(sizes["maxout"] - sizes["relu"]) < 0.1 * sizes["relu"], f"networks of different sizes: {sizes}"
    for_maxout, error = results.gain(("maxout", RATE), ("maxout", 0.0))
    for_relu, other_error = results.gain(("relu", RATE), ("relu", 0.0))
    assert for_maxout + for_relu > 0, f"dropout helps neither: {for_maxout:+.2%}, {for_relu:+.2%}"
    error = np.hypot(error, other_error)
    assert for_maxout < for_relu + 3 * error, f"maxout gains more from dropout: {for_maxout:+.2%}, {for_relu:+.2%}"
    ahead = [results.gain(("maxout", rate), ("relu", rate))[0] for rate in (0.0, RATE)]
    assert sum(ahead) > 0, f"maxout is not ahead of the rectifier: {ahead[0]:+.2%}, with dropout {ahead[1]:+.2%}"
    assert min(rows.mean() for rows in results.accuracies.values()) > 0.8, "a network did not learn"


def figures(results: Results) -> str:
    """Return the results as a line of figures."""
    accuracies = "; ".join(
        f"{activation}{' with dropout' if rate else ''} {rows.mean():.2%}"
        for (activation, rate), rows in results.accuracies.items()
    )
    gains = "; ".join(
        f"{what} {mean:+.2%} \N{PLUS-MINUS SIGN} {error:.2%}"
        for what, (mean, error) in {
            "dropout for maxout": results.gain(("maxout", RATE), ("maxout", 0.0)),
            "dropout for relu": results.gain(("relu", RATE), ("relu", 0.0)),
            "maxout over relu": results.gain(("maxout", 0.0), ("relu", 0.0)),
            "with dropout": results.gain(("maxout", RATE), ("relu", RATE)),
        }.items()
    )
    return f"test accuracy: {accuracies}; gains, mean and standard error: {gains}"


def picture(results: Results) -> Figure:
    """Draw the accuracies, a line for each seed, and the gains."""
    figure, (left, right) = panels(
        "Maxout is ahead, and dropout helps; it does not help maxout more",
        f"accuracy on images held out, {IMAGES} to learn from",
        "gains in accuracy, mean and two standard errors",
        width_ratios=(1.2, 1),
    )
    for k, activation in enumerate(UNITS):
        without, with_dropout = (results.accuracies[activation, rate] * 100 for rate in (0.0, RATE))
        places = np.array([2.5 * k, 2.5 * k + 1])
        for pair in zip(without, with_dropout, strict=True):
            left.plot(places, pair, color=COLORS[activation], alpha=0.3, linewidth=1)
        means = [without.mean(), with_dropout.mean()]
        left.plot(places, means, "o-", color=COLORS[activation], linewidth=2.5, label=activation)
    left.set_xticks((0, 1, 2.5, 3.5), ["maxout", "maxout,\ndropout", "relu", "relu,\ndropout"])
    left.set(ylabel="test accuracy (%)", xlim=(-0.4, 3.9))
    gains = {
        "dropout\nfor maxout": (("maxout", RATE), ("maxout", 0.0), "maxout"),
        "dropout\nfor relu": (("relu", RATE), ("relu", 0.0), "relu"),
        "maxout\nover relu": (("maxout", 0.0), ("relu", 0.0), "maxout"),
        "the same,\ndropout": (("maxout", RATE), ("relu", RATE), "maxout"),
    }
    right.axhline(0, color=GREY, linewidth=1)
    for place, (better, worse, name) in enumerate(gains.values()):
        mean, error = results.gain(better, worse)
        right.errorbar(place, mean * 100, 200 * error, fmt="o", color=COLORS[name], capsize=3)
    right.set_xticks(range(len(gains)), list(gains))
    right.set(ylabel="points", xlim=(-0.5, len(gains) - 0.5))
    return figure
