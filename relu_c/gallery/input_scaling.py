"""Scaling the inputs: as they are, standardised, normalised.

A rectified unit is linear where it is active, so a column of the input that is a hundred times as large as the others
has a hundred times the say in every unit, and a gradient that is larger by as much again. One learning rate cannot
suit both. It is advised to standardise each column (mean 0, variance 1) or to normalise it (from 0 to 1).

Two data sets of scikit-learn show when that matters. In `wine` each column has a unit of its own: malic acid is about
2, proline about 750. In `digits` all columns are pixels from 0 to 16. The picture has the test accuracy of one
network, two hidden layers of 64 units, for learning rates over seven powers of ten.

For wine the advice reproduces: there is no learning rate at which the raw columns come near the scaled ones. For
digits it does not: at the best learning rate the accuracy is the same, and the scaling only moves the curve; the
larger the inputs are, the smaller the rates at which the network learns. What hurts is columns of different scales;
one scale for all is a matter of the learning rate.

Source: LeCun, Bottou, Orr and Müller, "Efficient backprop", 1998, section 4.3.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_digits, load_wine
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from relu_c.gallery._network import Activation, Array, Momentum, accuracy, mlp, progress, split, train
from relu_c.gallery._style import BLUE, GREEN, ORANGE, panels

VERDICT = "reproduced for columns of different scales (wine); for pixels it only moves the learning rate"
SETS: dict[str, Any] = {"wine": load_wine, "digits": load_digits}
SCALERS: dict[str, Any] = {
    "as they are": FunctionTransformer,
    "standardised": StandardScaler,
    "normalised": MinMaxScaler,
}
RAW, *SCALED = SCALERS
RATES = tuple(10.0**k for k in range(-6, 1))


@dataclass
class Results:
    """Test accuracy by learning rate, mean over the seeds, for each data set and scaling."""

    accuracies: dict[tuple[str, str], Array]

    def best(self, data: str, scaling: str) -> float:
        """Return the accuracy at the best learning rate."""
        return float(self.accuracies[data, scaling].max())

    def best_rate(self, data: str, scaling: str) -> float:
        """Return the best learning rate."""
        return RATES[self.accuracies[data, scaling].argmax()]


def run(quick: bool = False) -> Results:
    """Train a network for each data set, scaling and learning rate."""
    seeds, epochs = (2, 10) if quick else (5, 20)
    accuracies = {}
    for name, scaling in progress([(name, scaling) for name in SETS for scaling in SCALERS], "data and scalings"):
        samples, labels = SETS[name](return_X_y=True)
        found = np.zeros((seeds, len(RATES)))
        for seed in range(seeds):
            data = split(samples, labels, seed, SCALERS[scaling])
            for k, rate in enumerate(RATES):
                rng = np.random.default_rng(seed)
                widths = (samples.shape[1], 64, 64, labels.max() + 1)
                network = mlp(widths, lambda: Activation("relu"), rng=rng)
                with np.errstate(over="ignore", invalid="ignore"):  # too large a rate diverges, which is a result too
                    for _ in train(network, data, epochs=epochs, rng=rng, optimiser=Momentum(rate)):
                        pass
                    found[seed, k] = accuracy(network, data.x_test, data.y_test)
        accuracies[name, scaling] = found.mean(axis=0)
    return Results(accuracies)


def check(results: Results) -> None:
    """Assert that scaling is needed for wine at any rate, and for digits only shifts the rate."""
    for scaling in SCALED:
        gain = results.best("wine", scaling) - results.best("wine", RAW)
        assert gain > 0.1, f"wine {scaling}: only {gain:+.1%} better"
        assert results.best("wine", scaling) > 0.9, f"wine {scaling}: {results.best('wine', scaling):.1%}"
        difference = results.best("digits", scaling) - results.best("digits", RAW)
        assert abs(difference) < 0.03, f"digits {scaling}: {difference:+.1%}"
        slow = RATES.index(1e-4)
        ahead = results.accuracies["digits", RAW][slow] - results.accuracies["digits", scaling][slow]
        assert ahead > 0.1, f"digits at a small learning rate: {ahead:+.1%} ahead of {scaling}"


def figures(results: Results) -> str:
    """Return the results as a line of figures."""
    return "test accuracy at the best learning rate: " + "; ".join(
        f"{name} "
        + ", ".join(
            f"{scaling} {results.best(name, scaling):.1%} ({results.best_rate(name, scaling):g})" for scaling in SCALERS
        )
        for name in SETS
    )


def picture(results: Results) -> Figure:
    """Draw the accuracy by learning rate."""
    figure, axes = panels(
        "Columns of different scales need scaling; one scale for all is a matter of the learning rate",
        "wine: 13 columns, each of a unit of its own",
        "digits: 64 pixels from 0 to 16",
        sharey=True,
    )
    for axis, name in zip(axes, SETS, strict=True):
        for scaling, color, mark in zip(SCALERS, (ORANGE, BLUE, GREEN), "osD", strict=True):
            axis.plot(
                RATES, results.accuracies[name, scaling] * 100, f"{mark}-", color=color, markersize=5, label=scaling
            )
        axis.set(xscale="log", xlabel="learning rate", ylim=(0, 100))
    axes[0].set_ylabel("test accuracy (%)")
    axes[0].legend(frameon=False, fontsize=9, loc="upper left")
    return figure
