"""Sparsity: true zeros, and a penalty that makes more of them.

A sigmoid or softplus unit that has nothing to say returns a small number; a rectified unit returns 0, exactly. With
weights symmetric around 0, as initialisers draw them, about half of the inputs of the units are negative, so that
about half of the outputs are true zeros before anything was learned (left picture). A zero costs the next layer
nothing, and it says which of the units a sample is made of.

An autoencoder puts that to use. It learns to repeat its input, here the 64 pixels of a handwritten digit, through a
layer of 128 rectified units. An L1 penalty on the activations, strength · Σ|y|, asks for few of them: where a unit is
active, its gradient is a constant push downwards, and it ends at 0 and not near 0. So the strength of the penalty
controls the share of zeros (middle), and the price is paid in the error of what is repeated (right). The same penalty
on sigmoid units makes them small, and not one of them zero.

Not every zero is the sign of a good code: the lower line counts units that are zero for every image, which are of no
use any more (the lesson `dying_relu` is about them). The penalty makes more of those too; but the units that are left
also grow sparser.

Source: Glorot, Bordes and Bengio, "Deep sparse rectifier neural networks", AISTATS 2011.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from matplotlib.figure import Figure
from sklearn.preprocessing import MinMaxScaler

from relu_c import init
from relu_c.diagnostics import sparsity
from relu_c.gallery._network import (
    Activation,
    Array,
    Data,
    Dense,
    Layer,
    Momentum,
    Network,
    digits,
    mlp,
    progress,
    squared_error,
    train,
)
from relu_c.gallery._style import BLUE, GREY, PURPLE, image, panels
from relu_c.penalties import l1_grad

VERDICT = "reproduced"
ACTIVATIONS = ("relu", "softplus", "sigmoid", "tanh")
STRENGTHS = (0.0, 0.01, 0.03, 0.1, 0.25)
UNITS = 128
SHOWN = (0.0, 0.1, 0.25)


class ActivityPenalty(Layer):
    """Passes its input on, and adds the gradient of an L1 penalty on it to what comes back.

    Parameters
    ----------
    strength : float
        The penalty is strength · Σ|x| for each sample; 0 for none.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def forward(self, x: Array) -> Array:
        self.x = x
        return x

    def backward(self, dy: Array) -> Array:
        return l1_grad(self.x, self.strength, batch_axis=0, add_to=dy)


@dataclass
class Results:
    """Shares of exact zeros, and errors; means over the seeds.

    Parameters
    ----------
    at_start : dict
        Share of zeros after initialisation, by activation.
    zeros, silent, errors : dict
        Share of zeros on the test images, share of units that are zero for all of them, and squared error of an image,
        by the strength of the penalty; rectified units.
    sigmoid_zeros, sigmoid_mean : float
        Share of zeros of sigmoid units under the largest penalty, and their mean activation.
    images : ndarray
        A digit, and what the autoencoders of `SHOWN` make of it.
    """

    at_start: dict[str, float]
    zeros: dict[float, float]
    silent: dict[float, float]
    errors: dict[float, float]
    sigmoid_zeros: float
    sigmoid_mean: float
    images: Array


def autoencode(activation: str, strength: float, seed: int, epochs: int) -> tuple[Array, Array, Array]:
    """Return activations, test images, and what an autoencoder makes of them."""
    x_train, x_test, *_ = digits(seed, MinMaxScaler)
    rng = np.random.default_rng(seed)
    hidden = Activation(activation)
    network = Network(
        Dense(init.he_normal((64, UNITS), rng=rng)),
        hidden,
        ActivityPenalty(strength),
        Dense(init.glorot_normal((UNITS, 64), rng=rng)),
    )
    data = Data(x_train, x_test, x_train, x_test)
    for _ in train(network, data, epochs=epochs, rng=rng, optimiser=Momentum(0.01), loss=squared_error):
        pass
    y = network.predict(x_test)
    return hidden.y, x_test, y


def run(quick: bool = False) -> Results:
    """Count zeros after initialisation, then train an autoencoder for each strength of the penalty."""
    seeds, epochs = (1, 20) if quick else (3, 60)
    at_start = {}
    for name in ACTIVATIONS:
        shares = []
        for seed in range(seeds):
            network = mlp((64, UNITS, UNITS, 10), partial(Activation, name), rng=np.random.default_rng(seed))
            network.predict(digits(seed).x_test)
            shares.append(np.mean([sparsity(x.y) for x in network.layers if isinstance(x, Activation)]))
        at_start[name] = float(np.mean(shares))
    found: dict[float, list[tuple[float, float, float]]] = {strength: [] for strength in STRENGTHS}
    images = {}
    for seed, strength in progress(
        [(seed, strength) for seed in range(seeds) for strength in STRENGTHS], "autoencoders"
    ):
        hidden, x, y = autoencode("relu", strength, seed, epochs)
        silent = float(np.mean(sparsity(hidden, axis=0) == 1))
        found[strength].append((sparsity(hidden), silent, squared_error(y, x)[0]))
        if seed == 0:
            images[strength] = y[0]
    sigmoid, *_ = autoencode("sigmoid", STRENGTHS[-1], 0, epochs)
    mean = {strength: np.mean(rows, axis=0).tolist() for strength, rows in found.items()}
    zeros, share_silent, errors = ({strength: row[k] for strength, row in mean.items()} for k in range(3))
    return Results(
        at_start,
        zeros,
        share_silent,
        errors,
        sparsity(sigmoid),
        float(np.mean(sigmoid)),
        np.array([digits(0, MinMaxScaler).x_test[0], *(images[strength] for strength in SHOWN)]),
    )


def check(results: Results) -> None:
    """Assert that half is zero at the start, and that the penalty controls the share."""
    assert 0.4 < results.at_start["relu"] < 0.6, f"{results.at_start['relu']:.1%} of the units are zero at the start"
    assert not any(results.at_start[name] for name in ACTIVATIONS[1:]), "a smooth unit is exactly zero"
    zeros, errors = (
        [results.zeros[strength] for strength in STRENGTHS],
        [results.errors[strength] for strength in STRENGTHS],
    )
    assert np.all(np.diff(zeros) > 0), f"the share of zeros does not rise with the penalty: {zeros}"
    assert np.all(np.diff(errors) > 0), f"the error does not rise with the penalty: {errors}"
    assert zeros[-1] - zeros[0] > 0.1, f"the penalty hardly matters: {zeros[0]:.1%} to {zeros[-1]:.1%}"
    live = [(results.zeros[w] - results.silent[w]) / (1 - results.silent[w]) for w in (STRENGTHS[0], STRENGTHS[-1])]
    assert live[1] > live[0], f"the live units are no sparser: {live[0]:.1%} to {live[1]:.1%}"
    assert results.sigmoid_zeros == 0, "a sigmoid unit is exactly zero"


def figures(results: Results) -> str:
    """Return the results as a line of figures."""
    start = ", ".join(f"{name} {share:.1%}" for name, share in results.at_start.items())
    penalised = ", ".join(
        f"{k:g}: {share:.1%} (units silent for all {results.silent[k]:.1%}, error {results.errors[k]:.2f})"
        for k, share in results.zeros.items()
    )
    return (
        f"exact zeros at the start: {start}; of the autoencoder by strength of the penalty: {penalised}; with sigmoid "
        f"units, strength {STRENGTHS[-1]:g}: {results.sigmoid_zeros:.0%}, their mean {results.sigmoid_mean:.3f}"
    )


def picture(results: Results) -> Figure:
    """Draw the zeros at the start, zeros by penalty, and a digit repeated."""
    figure, (left, middle, right) = panels(
        "A rectified unit is truly zero, and a penalty controls how often",
        "exact zeros before learning",
        "exact zeros of the autoencoder",
        "a digit, and what is made of it",
        height=3.4,
        width_ratios=(1, 1.15, 1),
    )
    left.bar(list(results.at_start), [share * 100 for share in results.at_start.values()], color=BLUE, width=0.6)
    for k, share in enumerate(results.at_start.values()):
        left.annotate(f"{share:.0%}", (k, share * 100), (0, 3), textcoords="offset points", ha="center", fontsize=9)
    left.set(ylabel="share of units (%)", ylim=(0, 100))
    places = range(len(STRENGTHS))
    middle.plot(places, [share * 100 for share in results.zeros.values()], "o-", color=BLUE, label="all zeros")
    silent = [share * 100 for share in results.silent.values()]
    middle.plot(places, silent, "o--", color=GREY, label="units zero for every image")
    middle.plot(places[-1], results.sigmoid_zeros * 100, "s", color=PURPLE, label="sigmoid units", clip_on=False)
    middle.set_xticks(places, [f"{strength:g}" for strength in STRENGTHS])
    middle.set(xlabel="strength of the L1 penalty", ylabel="share (%)", ylim=(0, 100))
    middle.legend(frameon=False, fontsize=8.5, loc="lower left", bbox_to_anchor=(0, 0.08))
    texts = ["the image", *(f"strength {strength:g}\nerror {results.errors[strength]:.2f}" for strength in SHOWN)]
    page = np.full((20, 18), np.nan)
    for k, (pixels, text) in enumerate(zip(results.images, texts, strict=True)):
        row, column = divmod(k, 2)
        page[10 * row + 2 * row : 10 * row + 2 * row + 8, 10 * column : 10 * column + 8] = pixels.reshape(8, 8)
        right.text(10 * column + 3.5, 12 * row + 7.7, text, ha="center", va="top", fontsize=8)
    image(right, page, vmin=0, vmax=1)
    return figure
