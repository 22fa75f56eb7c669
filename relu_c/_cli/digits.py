"""The demonstration: one network on handwritten digits, once with relu_c and once with NumPy's idioms."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

import relu_c
from relu_c import init
from relu_c.gallery import _network
from relu_c.gallery._network import Array, Dense, Momentum, Network, accuracy
from relu_c.gallery._style import BLUE, panels, save

__all__ = ["run", "train"]

LAYERS = (64, 128, 64, 10)
BIAS = 0.1
LEARNING_RATE = 0.02


class Rectifier(NamedTuple):
    """What a hidden layer applies, in place.

    Parameters
    ----------
    of_biased : callable
        Takes z and a bias, and overwrites z with the rectifier of z + bias.
    gradient : callable
        Takes dy and the output, and overwrites dy with the gradient with respect to z.
    """

    of_biased: Callable[[Array, Array], object]
    gradient: Callable[[Array, Array], object]


RECTIFIERS = {
    "relu_c": Rectifier(
        lambda z, bias: relu_c.bias_relu(z, bias, out=z),
        lambda dy, y: relu_c.relu_grad_from_output(dy, y, out=dy),
    ),
    "NumPy": Rectifier(
        lambda z, bias: np.maximum(np.add(z, bias, out=z), 0, out=z),
        lambda dy, y: np.multiply(dy, y > 0, out=dy),
    ),
}


class Hidden(Dense):
    """A dense layer with its rectifier, and the seconds spent in the bias, the rectifier and its gradient.

    Parameters
    ----------
    rectifier : Rectifier
        What to apply.
    weight : (inputs, outputs) ndarray
    bias : float
        Where each of the biases starts.
    """

    def __init__(self, rectifier: Rectifier, weight: Array, bias: float) -> None:
        super().__init__(weight, bias)
        self.rectifier = rectifier
        self.seconds = 0.0

    def forward(self, x: Array) -> Array:
        """Return the output, which stays for `backward`."""
        self.x = x
        weight, bias = self.parameters
        self.y = x @ weight
        start = perf_counter()
        self.rectifier.of_biased(self.y, bias)
        self.seconds += perf_counter() - start
        return self.y

    def backward(self, dy: Array) -> Array:
        """Overwrite dy on the way."""
        start = perf_counter()
        self.rectifier.gradient(dy, self.y)
        self.seconds += perf_counter() - start
        return super().backward(dy)


@dataclass
class Training:
    """How one network fared.

    Parameters
    ----------
    losses, accuracies : list of float
        Mean training loss and test accuracy after each epoch.
    parameters : list of ndarray
        The weights and biases at the end.
    activation_seconds, seconds : float
        Spent in biases, rectifiers and their gradients, and in all.
    """

    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    parameters: list[Array] = field(default_factory=list)
    activation_seconds: float = 0.0
    seconds: float = 0.0


def train(
    rectifier: Rectifier,
    seed: int,
    epochs: int,
    after_epoch: Callable[[Training], object] = lambda training: None,
) -> Training:
    """Train one network.

    Parameters
    ----------
    rectifier : Rectifier
        What its hidden layers apply.
    seed : int
        Decides the split, the initial weights and the order of the images.
    epochs : int
        Passes over the training images.
    after_epoch : callable, optional
        Told how it goes.
    """
    data, rng = _network.digits(seed), np.random.default_rng(seed)
    *weights, last = (init.he_normal(shape, rng=rng, dtype=np.float32) for shape in pairwise(LAYERS))
    hidden = [Hidden(rectifier, weight, BIAS) for weight in weights]
    network = Network(*hidden, Dense(last))
    training = Training(parameters=network.parameters)
    steps = _network.train(network, data, epochs=epochs, rng=rng, optimiser=Momentum(LEARNING_RATE))
    for _ in range(epochs):
        before = sum(layer.seconds for layer in hidden)
        start = perf_counter()
        training.losses.append(next(steps))
        training.seconds += perf_counter() - start
        training.activation_seconds += sum(layer.seconds for layer in hidden) - before
        training.accuracies.append(accuracy(network, data.x_test, data.y_test))
        after_epoch(training)
    return training


def run(seeds: int, epochs: int, output: str) -> None:
    """Train both networks from each seed, print the comparison and save the learning curves.

    Parameters
    ----------
    seeds : int
        How many pairs of networks, from the seeds 0, 1, 2, ...
    epochs : int
        Passes over the training images.
    output : str
        File for the picture.
    """
    trainings: dict[str, list[Training]] = {kind: [] for kind in RECTIFIERS}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as progress:
        task = progress.add_task("", total=seeds * len(RECTIFIERS) * epochs)
        for seed in range(seeds):
            for kind, activation in RECTIFIERS.items():

                def show(training: Training, title: str = f"seed {seed}, {kind:6}") -> None:
                    text = f"{title}: test accuracy {training.accuracies[-1]:.1%}"
                    progress.update(task, advance=1, description=text, refresh=True)

                trainings[kind].append(train(activation, seed, epochs, show))
    Console().print(_table(trainings))
    save(_picture(trainings), output)
    Console().print(f"Learning curves: {output}", highlight=False)


def _table(trainings: dict[str, list[Training]]) -> Table:
    pairs = zip(*trainings.values(), strict=True)
    difference = max(
        float(np.max(np.abs(p - q))) for a, b in pairs for p, q in zip(a.parameters, b.parameters, strict=True)
    )
    seeds, epochs = (len(x) for x in (trainings["relu_c"], trainings["relu_c"][0].losses))
    table = Table(title=f"Handwritten digits, {'-'.join(map(str, LAYERS))}: {seeds} seeds, {epochs} epochs")
    table.add_column("")
    for kind in trainings:
        table.add_column(kind, justify="right")

    def row(name: str, cell: Callable[[list[Training]], str]) -> None:
        table.add_row(name, *map(cell, trainings.values()))

    row("test accuracy, mean", lambda runs: f"{np.mean([run.accuracies[-1] for run in runs]):.2%}")
    row("test accuracy, lowest", lambda runs: f"{min(run.accuracies[-1] for run in runs):.2%}")
    row("seconds in bias and relu", lambda runs: f"{sum(run.activation_seconds for run in runs):.3f}")
    row("seconds in training", lambda runs: f"{sum(run.seconds for run in runs):.2f}")
    table.add_section()
    table.add_row("largest difference of the weights", f"{difference:g}", "")
    return table


def _picture(trainings: dict[str, list[Training]]) -> Figure:
    figure, (loss, accuracies) = panels(
        f"Handwritten digits, {'-'.join(map(str, LAYERS))}: the same network on relu_c and on NumPy",
        f"training cross-entropy, mean of {len(trainings['relu_c'])} seeds",
        "accuracy on images held out, mean and range",
    )
    looks: dict[str, dict[str, Any]] = {
        "relu_c": {"color": BLUE, "linewidth": 3, "alpha": 0.5},
        "NumPy": {"color": "black", "linewidth": 1, "linestyle": "--"},
    }
    for kind, runs in trainings.items():
        epochs = range(1, len(runs[0].losses) + 1)
        rows = np.array([run.accuracies for run in runs]) * 100
        loss.plot(epochs, np.mean([run.losses for run in runs], axis=0), label=kind, **looks[kind])
        accuracies.plot(epochs, rows.mean(axis=0), **looks[kind])
    # The range is the same for both.
    accuracies.fill_between(epochs, rows.min(axis=0), rows.max(axis=0), color=BLUE, alpha=0.15, linewidth=0)
    loss.set(xlabel="epoch", ylabel="cross-entropy", yscale="log")
    loss.legend(frameon=False, fontsize=9)
    accuracies.set(xlabel="epoch", ylabel="test accuracy (%)")
    return figure
