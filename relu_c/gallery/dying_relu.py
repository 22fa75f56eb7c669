"""Dying ReLU: units that are silent for good, and what wakes them.

A rectified unit whose input is negative for every sample returns 0 for all, and as its derivative there is 0 too, no
gradient ever reaches its weights: it is dead. It takes one step too large to kill many at once. Where inputs are
positive, as pixels are, such a step can make all weights of a unit so negative that nothing lifts it above 0 again.

Here one epoch at a learning rate of 2 does it to a layer of 128 units that learns handwritten digits. Its outputs on
the training images go to `relu_c.diagnostics.Monitor`, which names the dead units. Then the same damaged weights are
trained on at a learning rate of 0.02, with the rectifier and with four activations in its place. Rectified, the dead
stay dead to the last one. A slope for negative inputs lets the gradient through, and units come back: with a leaky
slope of 0.2, with ELU, and with PReLU, which learns its slopes. The usual slope of 0.01 hardly reproduces as a cure:
a hundredth of the gradient wakes a unit a hundred times as slowly, and after 30 epochs nearly all are as they were.

The picture has the units that are never active, and the accuracy. The network works around its dead, so that the
accuracy recovers in any case, but later.

Source: Maas, Hannun and Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013; Lu, Shin, Su and
Karniadakis, "Dying ReLU and initialization", arXiv:1903.06733, 2019; for the cures Clevert, Unterthiner and
Hochreiter (ELU), arXiv:1511.07289, 2015, and He, Zhang, Ren and Sun (PReLU), ICCV 2015.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from sklearn.preprocessing import MinMaxScaler

from relu_c.diagnostics import Monitor, activity
from relu_c.gallery._network import (
    Activation,
    Array,
    Dense,
    Layer,
    Momentum,
    Network,
    PReLU,
    accuracy,
    digits,
    mlp,
    progress,
    train,
)
from relu_c.gallery._style import BLUE, GOLD, GREEN, GREY, ORANGE, panels

VERDICT = "reproduced; the usual leaky slope of 0.01 is too small to be a cure within 30 epochs"
UNITS = 128
CURES: dict[str, tuple[Callable[[], Layer], str, str]] = {
    "ReLU": (lambda: Activation("relu"), BLUE, "-"),
    "leaky ReLU, 0.01": (lambda: Activation("leaky_relu", 0.01), GOLD, "--"),
    "leaky ReLU, 0.2": (lambda: Activation("leaky_relu", 0.2), GOLD, "-"),
    "ELU": (lambda: Activation("elu"), GREEN, "-"),
    "PReLU": (lambda: PReLU(UNITS), ORANGE, "-"),
}
RELU, LEAKY, LEAKIER, ELU, PRELU = CURES


@dataclass
class Results:
    """Means over the seeds.

    Parameters
    ----------
    dead : float
        Share of the units that the monitor finds dead after the epoch at too large a rate.
    report : list of sequence of str
        What the monitor says of the first seed, under a row of headings.
    silent, accuracies : dict
        Share of the units that no training image makes active, and the test accuracy, before the cure and after each
        epoch of it, by activation.
    woken : dict
        Number of units of the monitor's list that some training image makes active at the end, all seeds together.
    """

    dead: float
    report: list[tuple[str, ...]]
    silent: dict[str, Array]
    accuracies: dict[str, Array]
    woken: dict[str, int]


def replaced(network: Network, activation: Layer) -> Network:
    """Return a copy of the weights with another activation."""
    first, _, last = network.layers
    copies = []
    for layer in (first, last):
        weight, bias = layer.parameters
        copies.append(Dense(weight.copy()))
        copies[-1].parameters[1][:] = bias
    return Network(copies[0], activation, copies[1])


def silent(network: Network, x: Array) -> Array:
    """Return for each hidden unit whether no sample makes its input positive."""
    never: Array = np.asarray(activity(network.layers[0].forward(x), axis=0).active) == 0
    return never


def run(quick: bool = False) -> Results:
    """Kill, detect, and train on with each of the activations."""
    seeds, epochs = (2, 12) if quick else (4, 30)
    dead, reports = [], []
    shares: dict[str, list[list[float]]] = {name: [] for name in CURES}
    accuracies: dict[str, list[list[float]]] = {name: [] for name in CURES}
    woken = dict.fromkeys(CURES, 0)
    for seed in progress(range(seeds), "damage and cures"):
        data, rng = digits(seed, MinMaxScaler), np.random.default_rng(seed)
        damaged = mlp((64, UNITS, 10), lambda: Activation("relu"), rng=rng)
        for _ in train(damaged, data, epochs=1, rng=rng, optimiser=Momentum(2.0, momentum=0.0)):
            pass
        monitor = Monitor()
        hidden = Network(*damaged.layers[:2])
        for start in range(0, len(data.x_train), 256):
            monitor.update("hidden", hidden.predict(data.x_train[start : start + 256]))
        killed = monitor["hidden"].dead
        dead.append(len(killed) / UNITS)
        reports.append(str(monitor).splitlines())
        for name, (activation, *_) in CURES.items():
            network, rng = replaced(damaged, activation()), np.random.default_rng(seed)
            share, correct = [silent(network, data.x_train).mean()], [accuracy(network, data.x_test, data.y_test)]
            for _ in train(network, data, epochs=epochs, rng=rng, optimiser=Momentum(0.02)):
                share.append(silent(network, data.x_train).mean())
                correct.append(accuracy(network, data.x_test, data.y_test))
            shares[name].append(share)
            accuracies[name].append(correct)
            woken[name] += int(np.sum(~silent(network, data.x_train)[killed]))
    return Results(
        float(np.mean(dead)),
        [tuple(re.split("  +", line)) for line in reports[0][:2]],
        {name: np.mean(rows, axis=0) for name, rows in shares.items()},
        {name: np.mean(rows, axis=0) for name, rows in accuracies.items()},
        woken,
    )


def check(results: Results) -> None:
    """Assert that units died, that rectified ones stay dead, and what wakes them."""
    assert results.dead > 0.5, f"only {results.dead:.1%} died"
    assert abs(results.dead - results.silent[RELU][0]) < 1e-9, "the monitor counts otherwise"
    assert results.woken[RELU] == 0, f"{results.woken[RELU]} dead rectified units woke"
    end = {name: shares[-1] for name, shares in results.silent.items()}
    for name in (LEAKIER, ELU, PRELU):
        assert end[name] < results.dead - 0.1, f"{name} is no cure: {end[name]:.1%} of {results.dead:.1%} are left"
    assert results.dead - 0.1 < end[LEAKY], f"a slope of 0.01 is a cure: {end[LEAKY]:.1%} of {results.dead:.1%}"
    fifth = {name: accuracies[5] for name, accuracies in results.accuracies.items()}
    for name in (LEAKIER, ELU, PRELU):
        assert fifth[name] > fifth[RELU], f"{name} recovers no sooner: {fifth}"


def figures(results: Results) -> str:
    """Return the results as a line of figures."""
    cures = "; ".join(
        f"{name} {shares[-1]:.1%}, {results.woken[name]}, {results.accuracies[name][-1]:.1%}"
        for name, shares in results.silent.items()
    )
    return f"dead after the large steps: {results.dead:.1%}; silent at the end, woken, test accuracy: {cures}"


def table(results: Results) -> list[tuple[str, ...]]:
    """Return the monitor's report on the damaged network of the first seed."""
    return results.report


def picture(results: Results) -> Figure:
    """Draw the share of silent units and the accuracy by epoch."""
    figure, (left, right) = panels(
        "A dead rectified unit stays dead; a slope for negative inputs wakes it",
        "units that no image makes active",
        "accuracy on images held out",
    )
    for name, (_, color, line) in CURES.items():
        left.plot(results.silent[name] * 100, line, color=color, label=name)
        right.plot(results.accuracies[name] * 100, line, color=color, label=name)
    left.set(xlabel="epoch after the damage", ylabel=f"share of {UNITS} units (%)", ylim=(0, 100))
    right.set(xlabel="epoch after the damage", ylabel="test accuracy (%)", ylim=(0, 100))
    right.legend(frameon=False, fontsize=9, loc="lower right")
    left.annotate("dead", (0, results.dead * 100), (4, 6), textcoords="offset points", fontsize=8.5, color=GREY)
    return figure
