"""The whole family on one network; PReLU's slopes and ELU's means.

Every function of relu_c that has a derivative takes its turn in one network: four hidden layers of 64 units, weights
by He, one learning rate, the same handwritten digits. It is a fair race in that nothing is tuned, and an unfair one
for the same reason: the weights are made for the rectifier. Read the left picture, and the table, as what works out
of the box. Most of the family is within a point of the rectifier, which is what the seeds make for a difference as
well. What falls behind saturates (sigmoid, hard_sigmoid), cuts off too much (thresholded_relu, threshold; a seed of
soft_shrink never starts), or grows too fast (squared_relu, whose network overflows at this rate).

Two claims about members of the family are measured along with it. *ELU* is negative for negative inputs, so that the
mean of its outputs is nearer to 0, which is said to speed up learning: it has about half the mean of the rectifier's
(middle), and its loss in the first epoch is the lower one. *PReLU* learns its slope for negative inputs, here one for
each layer, from 0.25 on (right). He and others found large slopes in the first layer and small ones in deep layers,
so that a network keeps more of the information at first and grows more selective. On digits the slopes of the first
two layers are larger than those of the last two as well; from layer to layer it is not a steady fall.

Source: Clevert, Unterthiner and Hochreiter, "Fast and accurate deep network learning by exponential linear units",
arXiv:1511.07289, 2015; He, Zhang, Ren and Sun, "Delving deep into rectifiers", ICCV 2015.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from relu_c._cli.plot import FUNCTIONS, parameters
from relu_c.diagnostics import sparsity
from relu_c.gallery._network import (
    Activation,
    Array,
    Data,
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
from relu_c.gallery._style import BLUE, GREEN, GREY, ORANGE, panels

VERDICT = (
    "reproduced: ELU's means are nearer to 0, PReLU's slopes smaller in the deeper half, though not layer by layer"
)
DEPTH, UNITS = 4, 64


@dataclass
class Row:
    """One activation, one seed.

    Parameters
    ----------
    accuracy, first_loss : float
        On the test images at the end; on the training images in the first epoch.
    means : ndarray
        Mean output of each hidden layer.
    zeros : float
        Share of exact zeros.
    slopes : list of float
        Of each hidden layer; PReLU alone learns them.
    """

    accuracy: float
    first_loss: float
    means: Array
    zeros: float
    slopes: list[float]


@dataclass
class Results:
    """For each activation a row for each seed."""

    rows: dict[str, list[Row]]

    def accuracies(self, name: str) -> Array:
        """Return the test accuracy of each seed."""
        return np.array([row.accuracy for row in self.rows[name]])

    def first_loss(self, name: str) -> float:
        """Return the mean loss after the first epoch."""
        return float(np.mean([row.first_loss for row in self.rows[name]]))

    def means(self, name: str) -> Array:
        """Return the mean output of each layer."""
        means: Array = np.mean([row.means for row in self.rows[name]], axis=0)
        return means

    def zeros(self, name: str) -> float:
        """Return the share of exact zeros."""
        return float(np.mean([row.zeros for row in self.rows[name]]))

    def slopes(self) -> Array:
        """Return PReLU's slopes, (seeds, layers)."""
        return np.array([row.slopes for row in self.rows["prelu"]])


def learn(name: str, data: Data, seed: int, epochs: int) -> Row:
    """Train the network with one activation."""
    rng = np.random.default_rng(seed)

    def activation() -> Layer:
        return PReLU() if name == "prelu" else Activation(name, *parameters(name).values())

    network: Network = mlp((64, *[UNITS] * DEPTH, 10), activation, rng=rng)
    with np.errstate(over="ignore", invalid="ignore"):  # squared_relu overflows, which is a result too
        losses = list(train(network, data, epochs=epochs, rng=rng, optimiser=Momentum(0.01)))
        correct = accuracy(network, data.x_test, data.y_test)
        hidden = [layer for layer in network.layers if isinstance(layer, Activation | PReLU)]
        means = np.array([layer.y.mean() for layer in hidden])
    zeros = float(np.mean([sparsity(layer.y) for layer in hidden]))
    slopes = [float(layer.parameters[0][0]) for layer in hidden if isinstance(layer, PReLU)]
    return Row(correct, losses[0], means, zeros, slopes)


def run(quick: bool = False) -> Results:
    """Train the network with every activation, from several seeds."""
    seeds, epochs = (1, 8) if quick else (3, 20)
    rows: dict[str, list[Row]] = {name: [] for name in FUNCTIONS}
    for seed in range(seeds):
        data = digits(seed)
        for name in progress(FUNCTIONS, f"the family, seed {seed}"):
            rows[name].append(learn(name, data, seed, epochs))
    return Results(rows)


def check(results: Results) -> None:
    """Assert what most of the family reaches, where ELU's means are, and how PReLU's slopes go."""
    mean = {name: results.accuracies(name).mean() for name in results.rows}
    near = [name for name in mean if mean[name] > mean["relu"] - 0.03]
    assert mean["relu"] > 0.9, f"the rectifier reaches {mean['relu']:.1%}"
    assert len(near) > len(mean) / 2, f"only {len(near)} of {len(mean)} are near the rectifier"
    assert mean["sigmoid"] < mean["relu"] - 0.05, f"the sigmoid reaches {mean['sigmoid']:.1%}"
    relu, elu = results.means("relu"), results.means("elu")
    assert np.all(np.abs(elu) < 0.8 * relu), f"ELU's means {elu} are not nearer to 0 than the rectifier's {relu}"
    assert results.first_loss("elu") < results.first_loss("relu"), "ELU begins no faster than the rectifier"
    slopes = results.slopes().mean(axis=0)
    assert slopes[: DEPTH // 2].mean() > slopes[DEPTH // 2 :].mean(), f"PReLU's slopes do not fall with depth: {slopes}"


def figures(results: Results) -> str:
    """Return the results as a line of figures."""
    ranked = sorted(results.rows, key=lambda name: results.accuracies(name).mean())
    relu, elu = (np.round(results.means(name), 2) for name in ("relu", "elu"))
    slopes = np.round(results.slopes().mean(axis=0), 2)
    ends = ", ".join(f"{name} {results.accuracies(name).mean():.1%}" for name in (ranked[-1], "relu", ranked[0]))
    return (
        f"test accuracy of {len(ranked)} activations, best, relu, worst: {ends}; mean output by layer: relu "
        f"{relu}, elu {elu}; PReLU's slopes by layer {slopes}"
    )


def table(results: Results) -> list[tuple[str, ...]]:
    """Return the table of all activations, the best first, under a row of headings."""
    ranked = sorted(results.rows, key=lambda name: -results.accuracies(name).mean())
    return [
        ("activation", "test accuracy", "lowest", "loss of epoch 1", "mean output", "exact zeros"),
        *(
            (
                name,
                f"{results.accuracies(name).mean():.1%}",
                f"{results.accuracies(name).min():.1%}",
                f"{results.first_loss(name):.2f}",
                f"{results.means(name).mean():.2f}",
                f"{results.zeros(name):.0%}",
            )
            for name in ranked
        ),
    ]


def picture(results: Results) -> Figure:
    """Draw the accuracies, the mean outputs and the slopes."""
    figure, (left, middle, right) = panels(
        "The whole family on one network; where ELU's means are, and PReLU's slopes",
        "test accuracy, mean and range",
        "mean output by layer",
        "slopes that PReLU learned",
        height=5.6,
        width_ratios=(1.5, 1, 1),
    )
    ranked = sorted(results.rows, key=lambda name: results.accuracies(name).mean())
    lowest = 85
    for place, name in enumerate(ranked):
        accuracies = results.accuracies(name) * 100
        color = {"relu": BLUE, "elu": GREEN, "prelu": ORANGE}.get(name, "0.45")
        left.plot([accuracies.min(), accuracies.max()], [place, place], color=color, linewidth=1.2)
        left.plot(accuracies.mean(), place, "o", color=color, markersize=4.5)
        if accuracies.mean() < lowest:
            text = f"\N{LEFTWARDS ARROW} {accuracies.mean():.0f}"
            ground = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            left.text(lowest + 0.2, place, text, va="center", fontsize=8.5, color=color, bbox=ground)
    left.set_yticks(range(len(ranked)), ranked)
    left.set(xlabel="test accuracy (%)", xlim=(lowest, 99), ylim=(-0.7, len(ranked) - 0.3))
    layers = range(1, DEPTH + 1)
    for name, color in (("relu", BLUE), ("leaky_relu", GREY), ("elu", GREEN)):
        middle.plot(layers, results.means(name), "o-", color=color, label=name)
    middle.set(xlabel="hidden layer", ylabel="mean output after learning", xticks=layers, ylim=(0, None))
    middle.legend(frameon=False, fontsize=9)
    slopes = results.slopes()
    for row in slopes:
        right.plot(layers, row, "o", color=ORANGE, alpha=0.35, markersize=4, markeredgewidth=0)
    right.plot(layers, slopes.mean(axis=0), "o-", color=ORANGE, label="mean of the seeds")
    right.axhline(0.25, color=GREY, linestyle=":", label="at the start")
    right.set(xlabel="hidden layer", ylabel="slope for x < 0", xticks=layers, ylim=(0, None))
    right.legend(frameon=False, fontsize=9, loc="lower left")
    return figure
