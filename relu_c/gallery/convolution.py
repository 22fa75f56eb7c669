"""A convolutional network: filter, rectifier, pooling.

A convolutional layer slides small filters over an image; a layer of it has three stages. The *filter* stage takes
weighted sums of each 3x3 neighbourhood. The *detector* stage is the rectifier: what resembles the filter stays, the
opposite becomes 0. The *pooling* stage keeps the strongest answer of each 2x2 block. `Convolution` is NumPy's
`sliding_window_view` and one matrix product: the neighbourhoods of all images become the rows of a matrix, the
filters its counterpart's columns.

The network has 8 and 16 filters, a detector stage after each, one pooling stage over 2x2 means, and a dense layer:
1898 weights and biases in all. Beside it learn the same without the detector stage, which makes it linear, and a
perceptron with as many weights. The picture follows a digit through the three stages of the filters that answer most,
and has the accuracies on images held out.

The detector stage is worth two points here, where even a linear model knows 95 of 100 digits, and the filters are
worth half a point against the perceptron. With pooling over maxima in place of means it does not reproduce: the
network without rectifiers is as good as the other, within what the seeds make for a difference, because the maximum
is a nonlinearity already.

Source: Goodfellow, Bengio and Courville, "Deep Learning", 2016, section 9.3; Jarrett, Kavukcuoglu, Ranzato and LeCun,
"What is the best multi-stage architecture for object recognition?", ICCV 2009.
"""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.lib.stride_tricks import sliding_window_view
from sklearn.preprocessing import MinMaxScaler

from relu_c import init
from relu_c.gallery._network import (
    Activation,
    Array,
    Data,
    Dense,
    Layer,
    Momentum,
    Network,
    accuracy,
    digits,
    mlp,
    progress,
    train,
)
from relu_c.gallery._style import BLUE, GREY, ORANGE, panels

VERDICT = "reproduced with pooling over means; with pooling over maxima the rectifier adds nothing on these digits"
NETWORKS = {
    "filters, rectifier, means": (True, True, "means"),
    "filters, means": (True, False, "means"),
    "filters, rectifier, maxima": (True, True, "maxima"),
    "filters, maxima": (True, False, "maxima"),
    "perceptron": (False, True, ""),
}
RECTIFIED, LINEAR, RECTIFIED_MAX, LINEAR_MAX, PERCEPTRON = NETWORKS


class Convolution(Layer):
    """Filters over images: each output is the sum over a neighbourhood, weighted by a filter.

    Parameters
    ----------
    filters : (size, size, channels, outputs) ndarray
        Images are (samples, height, width, channels); the outputs are smaller by size - 1.
    """

    def __init__(self, filters: Array) -> None:
        super().__init__(filters, np.zeros(filters.shape[-1], filters.dtype))

    def forward(self, x: Array) -> Array:
        filters, bias = self.parameters
        self.rows = neighbourhoods(x, len(filters))
        return self.rows @ filters.reshape(-1, filters.shape[-1]) + bias

    def backward(self, dy: Array) -> Array:
        filters, bias = self.parameters
        flat = dy.reshape(-1, len(bias))
        self.gradients = [(self.rows.reshape(len(flat), -1).T @ flat).reshape(filters.shape), flat.sum(axis=0)]
        # Each pixel went into size x size outputs, through the filter read backwards.
        border = (len(filters) - 1,) * 2
        around = neighbourhoods(np.pad(dy, ((0, 0), border, border, (0, 0))), len(filters))
        backwards = filters[::-1, ::-1].swapaxes(2, 3)
        return around @ backwards.reshape(-1, backwards.shape[-1])


def neighbourhoods(x: Array, size: int) -> Array:
    """Return the size x size neighbourhoods of every pixel that has one, as rows: (samples, height, width, ...)."""
    windows = sliding_window_view(x, (size, size), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    rows: Array = windows.reshape(*windows.shape[:3], -1)
    return rows


class MeanPooling(Layer):
    """Keeps the mean of each 2x2 block."""

    def forward(self, x: Array) -> Array:
        y: Array = blocks(x).mean(axis=(2, 4))
        return y

    def backward(self, dy: Array) -> Array:
        return (dy / 4).repeat(2, axis=1).repeat(2, axis=2)


class MaxPooling(Layer):
    """Keeps the largest of each 2x2 block; where two tie they share the gradient."""

    def forward(self, x: Array) -> Array:
        self.shape, self.blocks = x.shape, blocks(x)
        self.largest = self.blocks.max(axis=(2, 4), keepdims=True)
        y: Array = self.largest[:, :, 0, :, 0]
        return y

    def backward(self, dy: Array) -> Array:
        hit = self.blocks == self.largest
        share = dy.reshape(self.largest.shape) / hit.sum(axis=(2, 4), keepdims=True, dtype=dy.dtype)
        dx: Array = (hit * share).reshape(self.shape)
        return dx


def blocks(x: Array) -> Array:
    """Return images as (samples, height / 2, 2, width / 2, 2, channels)."""
    samples, height, width, channels = x.shape
    return x.reshape(samples, height // 2, 2, width // 2, 2, channels)


class Flatten(Layer):
    """Makes one row of each image."""

    def forward(self, x: Array) -> Array:
        self.shape = x.shape
        return x.reshape(len(x), -1)

    def backward(self, dy: Array) -> Array:
        return dy.reshape(self.shape)


@dataclass
class Results:
    """What the networks know, and what the first one sees.

    Parameters
    ----------
    accuracies : dict
        Test accuracy of each seed, by network.
    sizes : dict
        Number of weights and biases, by network.
    zeros : float
        Share of exact zeros after the detector stages, on the test images.
    digit : (8, 8) ndarray
        An image.
    stages : list of ndarray
        For the first three filters, sorted by their strongest answer to it: filter, its answer, rectified, pooled.
    """

    accuracies: dict[str, Array]
    sizes: dict[str, int]
    zeros: float
    digit: Array
    stages: list[list[Array]]


def images(seed: int) -> Data:
    """Return the digits as (samples, 8, 8, 1) images from 0 to 1."""
    data = digits(seed, MinMaxScaler)
    return data._replace(x_train=data.x_train.reshape(-1, 8, 8, 1), x_test=data.x_test.reshape(-1, 8, 8, 1))


def convolutional(rectified: bool, pooling: str, rng: np.random.Generator) -> Network:
    """Return two layers of filters, with a detector stage after each or not, then pooling and a dense layer."""
    detector = [Activation("relu"), Activation("relu")] if rectified else []
    return Network(
        Convolution(init.he_normal((3, 3, 1, 8), rng=rng)),
        *detector[:1],
        Convolution(init.he_normal((3, 3, 8, 16), rng=rng)),
        *detector[1:],
        MeanPooling() if pooling == "means" else MaxPooling(),
        Flatten(),
        Dense(init.he_normal((64, 10), rng=rng)),
    )


def run(quick: bool = False) -> Results:
    """Train each network from several seeds, and look into the first."""
    seeds, epochs = (2, 12) if quick else (5, 20)
    accuracies: dict[str, list[float]] = {name: [] for name in NETWORKS}
    trained: dict[str, Network] = {}
    for name, seed in progress([(name, seed) for seed in range(seeds) for name in NETWORKS], "networks on digits"):
        has_filters, has_detector, pooling = NETWORKS[name]
        rng = np.random.default_rng(seed)
        if has_filters:
            network, data = convolutional(has_detector, pooling, rng), images(seed)
        else:
            network, data = mlp((64, 25, 10), lambda: Activation("relu"), rng=rng), digits(seed, MinMaxScaler)
        for _ in train(network, data, epochs=epochs, rng=rng, optimiser=Momentum(0.04)):
            pass
        accuracies[name].append(accuracy(network, data.x_test, data.y_test))
        trained[name] = network
    data, network = images(seeds - 1), trained[RECTIFIED]
    filters, detector = network.layers[:2]
    network.predict(data.x_test)
    zeros = np.mean([np.mean(x.y == 0) for x in network.layers if isinstance(x, Activation)])
    digit = data.x_test[:1]
    answer = filters.forward(digit)
    rectified = detector.forward(answer)
    pooled = MeanPooling().forward(rectified)
    best = rectified.max(axis=(0, 1, 2)).argsort()[:-4:-1]
    return Results(
        {name: np.array(rows) for name, rows in accuracies.items()},
        {name: sum(p.size for p in network.parameters) for name, network in trained.items()},
        float(zeros),
        digit[0, :, :, 0],
        [[filters.parameters[0][:, :, 0, k], *(x[0, :, :, k] for x in (answer, rectified, pooled))] for k in best],
    )


def check(results: Results) -> None:
    """Assert what filters and rectifier are worth, and that the stages do what they should."""
    mean = {name: float(accuracies.mean()) for name, accuracies in results.accuracies.items()}
    assert mean[RECTIFIED] > mean[LINEAR] + 0.003, f"the rectifier is worth nothing: {mean}"
    assert mean[RECTIFIED] > mean[PERCEPTRON], f"the filters are worth nothing: {mean}"
    assert abs(mean[RECTIFIED_MAX] - mean[LINEAR_MAX]) < 0.015, f"with maxima the rectifier matters: {mean}"
    assert results.sizes[PERCEPTRON] > 0.97 * results.sizes[RECTIFIED], "the perceptron is smaller"
    assert 0.1 < results.zeros < 0.9, f"the detector stages leave {results.zeros:.1%} zeros"
    for _, answer, rectified, pooled in results.stages:
        assert np.array_equal(rectified, np.maximum(answer, 0)), "the detector stage is no rectifier"
        assert np.allclose(pooled[0, 0], rectified[:2, :2].mean()), "the pooling stage takes no means"


def figures(results: Results) -> str:
    """Return the results as a line of figures."""
    accuracies = "; ".join(f"{name} {accuracies.mean():.1%}" for name, accuracies in results.accuracies.items())
    return f"test accuracy: {accuracies}; exact zeros after the detector stages {results.zeros:.1%}"


def picture(results: Results) -> Figure:
    """Draw a digit through the stages, and the accuracies."""
    figure, (left, right) = panels(
        "Filter, detect, pool: the three stages of a convolutional layer",
        "a digit, and three filters' stages",
        "accuracy, mean and range",
        height=3.9,
        width_ratios=(1.7, 1),
    )
    left.set(xticks=(), yticks=(), xlim=(0, 37), ylim=(24.5, -2.5))
    left.grid(visible=False)
    left.spines[:].set_visible(False)
    left.imshow(results.digit, extent=(0, 8, 15, 7), cmap="gray_r", vmin=0, vmax=1)
    for row, (weights, *stages) in enumerate(results.stages):
        top = 8 * row
        limit = max(abs(stages[0]).max(), 1e-9)
        largest = abs(weights).max()
        left.imshow(weights, extent=(11, 14, top + 4.5, top + 1.5), cmap="RdBu_r", vmin=-largest, vmax=largest)
        for column, pixels in enumerate(stages):
            area = (16.5 + 7.5 * column, 22.5 + 7.5 * column, top + 6, top)
            left.imshow(pixels, extent=area, cmap="RdBu_r", vmin=-limit, vmax=limit)
    for x, text in ((4, "image"), (12.5, "filter"), (19.5, "its answer"), (27, "rectified"), (34.5, "pooled")):
        left.text(x, -0.8, text, ha="center", fontsize=9)
    left.text(18.5, 24.2, "red: positive, white: 0, blue: negative", ha="center", fontsize=8.5, color=GREY)
    places = range(len(NETWORKS))[::-1]
    for place, (name, accuracies) in zip(places, results.accuracies.items(), strict=True):
        color = BLUE if NETWORKS[name][1] else ORANGE
        right.plot([accuracies.min() * 100, accuracies.max() * 100], [place, place], color=color, linewidth=1.5)
        right.plot(accuracies.mean() * 100, place, "o", color=color)
    right.set_yticks(places, list(NETWORKS))
    right.set(xlabel="test accuracy (%)", ylim=(-0.6, len(NETWORKS) - 0.4))
    return figure
