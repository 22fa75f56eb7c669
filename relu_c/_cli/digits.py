"""The demonstration: one network on handwritten digits, once with relu_c and once with NumPy's idioms."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import relu_c

__all__ = ["run", "train"]

Array: TypeAlias = NDArray[np.float32]

LAYERS = (64, 128, 64, 10)
BIAS = 0.1
BATCH = 32  # small enough for the BLAS to stay on one thread
LEARNING_RATE = 0.02
MOMENTUM = 0.9


@dataclass
class Activation:
    """An activation in place, and the seconds spent in it.

    Parameters
    ----------
    forward : callable
        Takes z and overwrites it with the output.
    backward : callable
        Takes dy and the output, and overwrites dy with the gradient with respect to z.
    """

    forward: Callable[[Array], object]
    backward: Callable[[Array, Array], object]
    seconds: float = 0.0

    def __call__(self, *arrays: Array) -> None:
        """Run forward on one array, backward on two."""
        start = perf_counter()
        if len(arrays) == 1:
            self.forward(*arrays)
        else:
            self.backward(*arrays)
        self.seconds += perf_counter() - start


def with_relu_c() -> Activation:
    """Return relu as relu_c has it."""
    return Activation(lambda z: relu_c.relu(z, out=z), lambda dy, y: relu_c.relu_grad_from_output(dy, y, out=dy))


def with_numpy() -> Activation:
    """Return relu in NumPy's idioms."""
    return Activation(lambda z: np.maximum(z, 0, out=z), lambda dy, y: np.multiply(dy, y > 0, out=dy))


class Network:
    """A multilayer perceptron with softmax at the end, trained by gradient descent with momentum.

    Parameters
    ----------
    activation : Activation
        Applied in place to every layer but the last.
    rng : numpy.random.Generator
        Draws the initial weights.
    """

    def __init__(self, activation: Activation, rng: np.random.Generator) -> None:
        self.activation = activation
        self.parameters: list[Array] = []
        for fan_in, fan_out in pairwise(LAYERS):
            he = np.sqrt(2 / fan_in)  # keeps the variance of what relu halves
            self.parameters.append(rng.normal(0, he, (fan_in, fan_out)).astype(np.float32))
            self.parameters.append(np.full(fan_out, BIAS, np.float32))
        self._velocities = [np.zeros_like(parameter) for parameter in self.parameters]

    def forward(self, x: Array) -> list[Array]:
        """Return the input, the output of every hidden layer, and the logits."""
        outputs = [x]
        for weight, bias in zip(self.parameters[:-2:2], self.parameters[1:-2:2], strict=True):
            z = outputs[-1] @ weight
            z += bias
            self.activation(z)
            outputs.append(z)
        weight, bias = self.parameters[-2:]
        return [*outputs, outputs[-1] @ weight + bias]

    def learn(self, x: Array, labels: NDArray[np.intp]) -> float:
        """Take one step down the gradient of the cross-entropy, and return the cross-entropy before it."""
        *outputs, logits = self.forward(x)
        rows = np.arange(len(x))
        logits -= logits.max(axis=1, keepdims=True)
        log_softmax = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        # The gradient with respect to the logits is softmax minus one-hot.
        dy = np.exp(log_softmax)
        dy[rows, labels] -= 1
        dy /= np.float32(len(x))
        gradients: list[Array] = []
        for layer in range(len(outputs) - 1, -1, -1):
            y = outputs[layer]
            gradients[:0] = [y.T @ dy, dy.sum(axis=0)]
            if layer:
                dy = dy @ self.parameters[2 * layer].T
                self.activation(dy, y)
        for parameter, velocity, gradient in zip(self.parameters, self._velocities, gradients, strict=True):
            velocity *= MOMENTUM
            velocity -= LEARNING_RATE * gradient
            parameter += velocity
        return -float(log_softmax[rows, labels].mean())

    def accuracy(self, x: Array, labels: NDArray[np.intp]) -> float:
        """Return the share of the images that get their label."""
        return float(np.mean(self.forward(x)[-1].argmax(axis=1) == labels))


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
        Spent in activations and their gradients, and in all.
    """

    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    parameters: list[Array] = field(default_factory=list)
    activation_seconds: float = 0.0
    seconds: float = 0.0


def digits(seed: int) -> tuple[Array, Array, NDArray[np.intp], NDArray[np.intp]]:
    """Return the training and test images, standardised, and their labels."""
    images, labels = load_digits(return_X_y=True)
    x_train, x_test, labels_train, labels_test = train_test_split(
        images, labels, test_size=0.25, stratify=labels, random_state=seed
    )
    scaler = StandardScaler().fit(x_train)
    return (
        scaler.transform(x_train).astype(np.float32),
        scaler.transform(x_test).astype(np.float32),
        labels_train,
        labels_test,
    )


def train(
    activation: Activation, seed: int, epochs: int, after_epoch: Callable[[Training], object] = lambda training: None
) -> Training:
    """Train one network.

    Parameters
    ----------
    activation : Activation
        What its hidden layers apply.
    seed : int
        Decides the split, the initial weights and the order of the images.
    epochs : int
        Passes over the training images.
    after_epoch : callable, optional
        Told how it goes.
    """
    x_train, x_test, labels_train, labels_test = digits(seed)
    rng = np.random.default_rng(seed)
    network = Network(activation, rng)
    training = Training(parameters=network.parameters)
    for _ in range(epochs):
        start = perf_counter()
        order = rng.permutation(len(x_train))
        batches = [order[k : k + BATCH] for k in range(0, len(order), BATCH)]
        losses = [network.learn(x_train[batch], labels_train[batch]) for batch in batches]
        training.seconds += perf_counter() - start
        training.activation_seconds = activation.seconds
        training.losses.append(float(np.mean(losses)))
        training.accuracies.append(network.accuracy(x_test, labels_test))
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
    kinds = {"relu_c": with_relu_c, "NumPy": with_numpy}
    trainings: dict[str, list[Training]] = {kind: [] for kind in kinds}
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, auto_refresh=False) as progress:
        task = progress.add_task("", total=seeds * len(kinds) * epochs)
        for seed in range(seeds):
            for kind, activation in kinds.items():

                def show(training: Training, title: str = f"seed {seed}, {kind:6}") -> None:
                    accuracy = training.accuracies[-1]
                    progress.update(task, advance=1, description=f"{title}: test accuracy {accuracy:.1%}", refresh=True)

                trainings[kind].append(train(activation(), seed, epochs, show))
    Console().print(_table(trainings))
    _plot(trainings).savefig(output, dpi=150)
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
    row("seconds in activations", lambda runs: f"{sum(run.activation_seconds for run in runs):.3f}")
    row("seconds in training", lambda runs: f"{sum(run.seconds for run in runs):.2f}")
    table.add_section()
    table.add_row("largest difference of the weights", f"{difference:g}", "")
    return table


def _plot(trainings: dict[str, list[Training]]) -> Figure:
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    looks: dict[str, dict[str, Any]] = {
        "relu_c": {"color": "C0", "linewidth": 3, "alpha": 0.5},
        "NumPy": {"color": "black", "linewidth": 1, "linestyle": "--"},
    }
    for kind, runs in trainings.items():
        epochs = range(1, len(runs[0].losses) + 1)
        accuracies = np.array([run.accuracies for run in runs]) * 100
        loss.plot(epochs, np.mean([run.losses for run in runs], axis=0), label=kind, **looks[kind])
        accuracy.plot(epochs, accuracies.mean(axis=0), label=kind, **looks[kind])
    lowest, highest = accuracies.min(axis=0), accuracies.max(axis=0)  # the same for both
    accuracy.fill_between(epochs, lowest, highest, color="C0", alpha=0.15, linewidth=0, label="range over the seeds")
    loss.set(xlabel="epoch", ylabel="training cross-entropy", yscale="log")
    accuracy.set(xlabel="epoch", ylabel="test accuracy (%)")
    for axis in (loss, accuracy):
        axis.grid(alpha=0.3)
        axis.legend()
    figure.suptitle(f"Handwritten digits, {'-'.join(map(str, LAYERS))}, mean of {len(trainings['relu_c'])} seeds")
    return figure
