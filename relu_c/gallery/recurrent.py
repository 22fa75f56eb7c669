"""A recurrent network of rectified units that starts as the identity.

A recurrent network reads a sequence: at each step its hidden units see the next input and, through a square matrix of
weights, what they themselves were the step before. Over a hundred steps the gradient passes that matrix a hundred
times; it explodes or vanishes, and rectified units were held to be unfit, for nothing bounds them.

Le, Jaitly and Hinton's remedy is the initial value: the recurrent weights start as the identity matrix, the biases as
0. A rectified unit then copies its positive value from step to step without end, and the gradient travels back the
same way without loss. What is to be remembered is there from the beginning; what to forget is learned.

The task is the adding problem of Hochreiter and Schmidhuber. A sequence has 100 random numbers from 0 to 1, two of
which are marked, one in each half; the answer is the sum of the two. Who always answers 1 has a mean squared error of
1/6 ≈ 0.167. The rectified network comes far below that within seconds; one of tanh units, with weights that suit
tanh, hardly learns anything in the same number of steps.

It reproduces with two changes, which a budget of seconds asks for: Adam takes the place of gradient descent, and the
input weights have a standard deviation of 0.1 where the paper has 0.001, with which the network takes some times as
long to start. Both networks get both. The picture has their errors on new sequences, and that of a rectified network
that starts with random weights by He (dashed): it learns less well, and not from every seed.

Source: Le, Jaitly and Hinton, "A simple way to initialize recurrent networks of rectified linear units",
arXiv:1504.00941, 2015; Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015.
"""

from dataclasses import dataclass, field

import numpy as np
from matplotlib.figure import Figure

import relu_c
from relu_c import init
from relu_c.gallery._network import Array, Dense, Layer, Network, progress, squared_error
from relu_c.gallery._style import COLORS, GREY, panels

VERDICT = "reproduced, with Adam and larger input weights than the paper's"
UNITS, BATCH = 64, 32
GUESS = 1 / 6
"""The variance of the sum of two numbers from 0 to 1: the error of the best constant answer."""

NETWORKS = {
    "ReLU, identity": ("relu", "identity", "-"),
    "ReLU, random": ("relu", "he_normal", "--"),
    "tanh, random": ("tanh", "lecun_normal", "-"),
}
IDENTITY, RANDOM, TANH = NETWORKS


class Recurrent(Layer):
    """Hidden units that see the input and themselves: h[t] = activation(x[t] · w + h[t-1] · u + b).

    Parameters
    ----------
    activation : str
        Name in relu_c; its gradient is taken from the output.
    inputs : (inputs, units) ndarray
    recurrent : (units, units) ndarray
    """

    def __init__(self, activation: str, inputs: Array, recurrent: Array) -> None:
        super().__init__(inputs, recurrent, np.zeros(len(recurrent), recurrent.dtype))
        self.function = getattr(relu_c, activation)
        self.gradient = getattr(relu_c, f"{activation}_grad_from_output")

    def forward(self, x: Array) -> Array:
        """Return the hidden units after the last step, for (steps, samples, inputs)."""
        inputs, recurrent, bias = self.parameters
        self.x = x
        self.h = np.zeros((len(x) + 1, x.shape[1], len(recurrent)), x.dtype)  # h[0]: before the first step
        z = x @ inputs + bias
        for t in range(len(x)):
            z[t] += self.h[t] @ recurrent
            self.function(z[t], out=self.h[t + 1])
        y: Array = self.h[-1]
        return y

    def backward(self, dy: Array) -> Array:
        inputs, recurrent, _ = self.parameters
        dz = np.empty_like(self.h[1:])
        for t in reversed(range(len(dz))):
            self.gradient(dy, self.h[t + 1], out=dz[t])
            dy = dz[t] @ recurrent.T
        flat = dz.reshape(-1, len(recurrent))
        past, present = self.h[:-1].reshape(flat.shape), self.x.reshape(len(flat), -1)
        self.gradients = [present.T @ flat, past.T @ flat, flat.sum(axis=0)]
        return dz @ inputs.T


@dataclass
class Adam:
    """Steps of about the learning rate for every parameter, whatever the size of its gradient.

    The gradient, cut to a norm of 1 at most, and its square are averaged over the steps; a step goes along the one
    divided by the root of the other.

    Parameters
    ----------
    learning_rate, decay, square_decay : float
    """

    learning_rate: float = 0.001
    decay: float = 0.9
    square_decay: float = 0.999
    steps: int = 0
    means: list[Array] = field(default_factory=list)
    squares: list[Array] = field(default_factory=list)

    def step(self, layer: Layer) -> None:
        """Move the parameters, in place."""
        if not self.steps:
            self.means = [np.zeros_like(parameter) for parameter in layer.parameters]
            self.squares = [np.zeros_like(parameter) for parameter in layer.parameters]
        self.steps += 1
        norm = float(np.sqrt(sum(np.sum(gradient * gradient) for gradient in layer.gradients)))
        # The averages start at 0; the divisions undo that.
        first, second = 1 - self.decay**self.steps, 1 - self.square_decay**self.steps
        for parameter, gradient, mean, square in zip(
            layer.parameters, layer.gradients, self.means, self.squares, strict=True
        ):
            gradient = gradient / max(norm, 1.0)
            mean += (1 - self.decay) * (gradient - mean)
            square += (1 - self.square_decay) * (gradient * gradient - square)
            parameter -= self.learning_rate / first * mean / (np.sqrt(square / second) + 1e-8)


def adding_problem(steps: int, samples: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return sequences of (number, mark), as (steps, samples, 2), and the sums of the marked numbers."""
    x = np.zeros((steps, samples, 2), np.float32)
    x[:, :, 0] = rng.random((steps, samples))
    rows = np.arange(samples)
    marked = rng.integers(0, steps // 2, samples), rng.integers(steps // 2, steps, samples)
    for places in marked:
        x[places, rows, 1] = 1
    first, second = (x[places, rows, :1] for places in marked)
    return x, first + second


@dataclass
class Results:
    """The mean squared error on 500 sequences that are not trained on, for each network.

    Parameters
    ----------
    length : int
        Steps of a sequence.
    batches : ndarray
        After how many batches the error was measured.
    errors : dict
        (seeds, measurements), by network.
    """

    length: int
    batches: Array
    errors: dict[str, Array]


def learn(name: str, seed: int, length: int, batches: Array) -> list[float]:
    """Train a network on new sequences all the time, and return its test errors."""
    activation, recurrent, _ = NETWORKS[name]
    rng = np.random.default_rng(seed)
    test = adding_problem(length, 500, rng)
    inputs = rng.normal(0, 0.1, (2, UNITS)).astype(np.float32)
    square = (
        init.identity((UNITS, UNITS)) if recurrent == "identity" else getattr(init, recurrent)((UNITS, UNITS), rng=rng)
    )
    network = Network(Recurrent(activation, inputs, square), Dense(init.glorot_normal((UNITS, 1), rng=rng)))
    optimiser = Adam()
    errors = []
    for batch in range(1, int(batches[-1]) + 1):
        x, target = adding_problem(length, BATCH, rng)
        network.backward(squared_error(network.forward(x), target)[1])
        optimiser.step(network)
        if batch in batches:
            errors.append(squared_error(network.predict(test[0]), test[1])[0])
    return errors


def run(quick: bool = False) -> Results:
    """Train each network from several seeds."""
    seeds, length, batches = (1, 50, 900) if quick else (2, 100, 1200)
    measured = np.arange(1, 16) * (batches // 15)
    errors: dict[str, list[list[float]]] = {name: [] for name in NETWORKS}
    for name, seed in progress([(name, seed) for seed in range(seeds) for name in NETWORKS], "the adding problem"):
        errors[name].append(learn(name, seed, length, measured))
    return Results(length, measured, {name: np.array(rows) for name, rows in errors.items()})


def final(results: Results) -> dict[str, float]:
    """Return each network's error at the end: the mean of the last three measurements and the seeds."""
    return {name: float(errors[:, -3:].mean()) for name, errors in results.errors.items()}


def check(results: Results) -> None:
    """Assert that the identity remembers, and tanh does not."""
    error = final(results)
    assert error[IDENTITY] < 0.3 * GUESS, f"started as the identity it did not learn: {error[IDENTITY]:.4f}"
    assert error[TANH] > 0.5 * GUESS, f"tanh learned: {error[TANH]:.4f}"
    assert error[RANDOM] > error[IDENTITY], f"random weights do as well: {error[RANDOM]:.4f}, {error[IDENTITY]:.4f}"


def figures(results: Results) -> str:
    """Return the results as a line of figures."""
    errors = "; ".join(f"{name} {error:.4f}" for name, error in final(results).items())
    return f"adding problem over {results.length} steps, mean squared error: {errors}; of a guess {GUESS:.4f}"


def picture(results: Results) -> Figure:
    """Draw the errors while the networks learn, and a sequence."""
    figure, (left, right) = panels(
        "Rectified units that start as the identity remember over 100 steps".replace("100", str(results.length)),
        "a sequence: add the two marked numbers",
        "error while learning",
        width_ratios=(1, 1.3),
    )
    x, target = adding_problem(results.length, 1, np.random.default_rng(3))
    marked = x[:, 0, 1] == 1
    left.bar(np.arange(results.length), x[:, 0, 0], width=1, color="0.85")
    left.bar(np.flatnonzero(marked), x[marked, 0, 0], width=1.6, color=COLORS["relu"])
    numbers = " + ".join(f"{number:.2f}" for number in x[marked, 0, 0])
    text = f"{numbers} = {target[0, 0]:.2f}"
    left.set(xlabel="step", ylabel="number", ylim=(0, 1.2), yticks=(0, 0.5, 1))
    left.text(0.5, 0.97, text, transform=left.transAxes, ha="center", va="top", fontsize=10)
    right.axhline(GUESS, color=GREY, linewidth=1)
    end = (results.batches[-1], GUESS)
    right.annotate("always answering 1", end, (0, 7), textcoords="offset points", ha="right", fontsize=8.5)
    for name, errors in results.errors.items():
        activation, _, line = NETWORKS[name]
        right.plot(results.batches, errors.mean(axis=0), line, color=COLORS[activation], label=name)
    right.set(yscale="log", xlabel=f"batches of {BATCH} sequences", ylabel="mean squared error", ylim=(2e-3, 2))
    right.legend(frameon=False, fontsize=9, loc="upper right")
    return figure
