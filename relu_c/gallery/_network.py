"""A neural network in plain NumPy: the parts that the lessons share.

A *layer* maps a batch forward (one sample a row) and, given the gradient of the loss with respect to its output,
returns the gradient with respect to its input. On the way it keeps what that takes, and leaves the gradients of its
own parameters in ``gradients``. A *network* is a row of layers: forward through all of them, then backward through
all of them, then one step down the gradient. That is the whole of it::

    network = mlp((64, 128, 10), lambda: Activation("relu"), rng=rng)
    for loss in train(network, data, epochs=20, rng=rng):
        print(loss, accuracy(network, data.x_test, data.y_test))
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import relu_c
from relu_c import init

__all__ = [
    "Activation",
    "Array",
    "Data",
    "Dense",
    "Labels",
    "Layer",
    "Momentum",
    "Network",
    "PReLU",
    "accuracy",
    "cross_entropy",
    "digits",
    "mlp",
    "progress",
    "split",
    "squared_error",
    "train",
]

Array: TypeAlias = NDArray[Any]
Labels: TypeAlias = NDArray[np.intp]
Initialiser: TypeAlias = Callable[..., Array]
T = TypeVar("T")


class Layer:
    """What every layer has.

    Attributes
    ----------
    parameters, gradients : list of ndarray
        What the layer learns, and the gradient of the loss with respect to each of them, left by `backward`.
    training_only : bool
        Whether the layer is left out when the network is tested, as dropout is.
    """

    training_only = False

    def __init__(self, *parameters: Array) -> None:
        self.parameters = list(parameters)
        self.gradients: list[Array] = []

    def forward(self, x: Array) -> Array:
        """Return the output for a batch."""
        raise NotImplementedError

    def backward(self, dy: Array) -> Array:
        """Return the gradient with respect to the input of the last `forward`, and leave those of the parameters."""
        raise NotImplementedError


class Dense(Layer):
    """Every output is a weighted sum of all inputs: y = x · weight + bias.

    Parameters
    ----------
    weight : (inputs, outputs) ndarray
    bias : float
        Where each of the biases starts.
    """

    def __init__(self, weight: Array, bias: float = 0.0) -> None:
        super().__init__(weight, np.full(weight.shape[1], bias, weight.dtype))

    def forward(self, x: Array) -> Array:
        self.x = x
        weight, bias = self.parameters
        return x @ weight + bias

    def backward(self, dy: Array) -> Array:
        self.gradients = [self.x.T @ dy, dy.sum(axis=0)]
        return dy @ self.parameters[0].T


class Activation(Layer):
    """An activation of relu_c by its name, element by element.

    Parameters
    ----------
    name : str
        ``"relu"``, ``"elu"``, …: `relu_c.name` is the function and `relu_c.name_grad` its gradient.
    *given : float
        The function's parameters, where the defaults are not wanted.

    Attributes
    ----------
    x, y : ndarray
        Input and output of the last batch, for lessons that look at them.
    """

    x: Array
    y: Array

    def __init__(self, name: str, *given: float) -> None:
        super().__init__()
        self.function = getattr(relu_c, name)
        self.gradient = getattr(relu_c, f"{name}_grad")
        self.given = given

    def forward(self, x: Array) -> Array:
        self.x, self.y = x, self.function(x, *self.given)
        return self.y

    def backward(self, dy: Array) -> Array:
        dx: Array = self.gradient(dy, self.x, *self.given, out=dy)
        return dx


class PReLU(Layer):
    """A leaky rectifier that learns its slope for negative inputs.

    Parameters
    ----------
    units : int
        1 for one slope that all units share, or the number of units for a slope each.

    Attributes
    ----------
    x, y : ndarray
        Input and output of the last batch.
    """

    x: Array
    y: Array

    def __init__(self, units: int = 1) -> None:
        super().__init__(np.full(units, 0.25, np.float32))

    def forward(self, x: Array) -> Array:
        self.x, self.y = x, relu_c.prelu(x, *self.parameters)
        return self.y

    def backward(self, dy: Array) -> Array:
        dx: Array
        dx, slope_gradient = relu_c.prelu_grads(dy, self.x, *self.parameters)
        self.gradients = [slope_gradient]
        return dx


class Network(Layer):
    """Layers in a row, which are a layer again.

    Parameters
    ----------
    *layers : Layer
        From the input to the output.
    """

    def __init__(self, *layers: Layer) -> None:
        super().__init__(*(parameter for layer in layers for parameter in layer.parameters))
        self.layers = layers

    def forward(self, x: Array) -> Array:
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def predict(self, x: Array) -> Array:
        """Return the output without the layers that are there for training only."""
        for layer in self.layers:
            if not layer.training_only:
                x = layer.forward(x)
        return x

    def backward(self, dy: Array) -> Array:
        for layer in reversed(self.layers):
            dy = layer.backward(dy)
        self.gradients = [gradient for layer in self.layers for gradient in layer.gradients]
        return dy


def mlp(
    widths: Sequence[int],
    activation: Callable[[], Layer],
    *,
    rng: np.random.Generator,
    initialiser: Initialiser = init.he_normal,
    bias: float = 0.0,
) -> Network:
    """Return a multilayer perceptron: dense layers with an activation after each but the last.

    Parameters
    ----------
    widths : sequence of int
        Numbers of inputs, of units in each hidden layer, and of outputs.
    activation : callable
        Makes the layer that follows each hidden dense layer.
    rng : numpy.random.Generator
        Draws the weights.
    initialiser : callable
        One of `relu_c.init`.
    bias : float
        Where the biases of the hidden layers start.
    """
    layers: list[Layer] = []
    for shape in pairwise(widths[:-1]):
        layers += [Dense(initialiser(shape, rng=rng, dtype=np.float32), bias), activation()]
    layers.append(Dense(initialiser(tuple(widths[-2:]), rng=rng, dtype=np.float32)))
    return Network(*layers)


def cross_entropy(logits: Array, labels: Labels) -> tuple[float, Array]:
    """Return the mean cross-entropy of softmax(logits), and its gradient with respect to the logits."""
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    gradient = np.exp(log_softmax)
    gradient[rows, labels] -= 1  # softmax minus one-hot
    gradient /= np.float32(len(labels))
    return -float(log_softmax[rows, labels].mean()), gradient


def squared_error(y: Array, target: Array) -> tuple[float, Array]:
    """Return the squared error of a sample, their mean over the batch, and its gradient with respect to y."""
    error = y - target
    return float(np.sum(error * error) / len(y)), error * np.float32(2 / len(y))


class Momentum:
    """Gradient descent with momentum: the parameters move on with a velocity that the gradient changes.

    Parameters
    ----------
    learning_rate, momentum : float
        velocity ← momentum · velocity - learning_rate · gradient, at each step.
    """

    def __init__(self, learning_rate: float, momentum: float = 0.9) -> None:
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.velocities: list[Array] = []

    def step(self, layer: Layer) -> None:
        """Move the parameters of a layer or network, in place."""
        self.velocities = self.velocities or [np.zeros_like(parameter) for parameter in layer.parameters]
        for parameter, gradient, velocity in zip(layer.parameters, layer.gradients, self.velocities, strict=True):
            velocity *= self.momentum
            velocity -= self.learning_rate * gradient
            parameter += velocity


class Data(NamedTuple):
    """Samples to train on, samples to test on, and what they should give."""

    x_train: Array
    x_test: Array
    y_train: Any
    y_test: Any


def train(
    network: Network,
    data: Data,
    *,
    epochs: int,
    rng: np.random.Generator,
    optimiser: Momentum | None = None,
    batch: int = 32,
    loss: Callable[[Array, Any], tuple[float, Array]] = cross_entropy,
    penalty: Callable[[Network], None] = lambda network: None,
) -> Iterator[float]:
    """Train, and yield the mean loss of each epoch at its end.

    Parameters
    ----------
    network : Network
    data : Data
    epochs : int
        Passes over the training data.
    rng : numpy.random.Generator
        Shuffles the data before each pass.
    optimiser : Momentum, optional
        A learning rate of 0.02 by default.
    batch : int
        Samples a step. Small batches keep the BLAS on one thread.
    loss : callable
        Takes outputs and targets; returns the loss and its gradient with respect to the outputs.
    penalty : callable
        Adds to the network's gradients before each step.
    """
    optimiser = optimiser or Momentum(0.02)
    for _ in range(epochs):
        order = rng.permutation(len(data.x_train))
        losses = []
        for start in range(0, len(order), batch):
            rows = order[start : start + batch]
            value, gradient = loss(network.forward(data.x_train[rows]), data.y_train[rows])
            network.backward(gradient)
            penalty(network)
            optimiser.step(network)
            losses.append(value)
        yield float(np.mean(losses))


def accuracy(network: Network, x: Array, labels: Labels) -> float:
    """Return the share of the samples that get their label."""
    return float(np.mean(network.predict(x).argmax(axis=1) == labels))


def split(samples: Array, labels: Labels, seed: int, scaler: Any = StandardScaler) -> Data:
    """Hold a quarter of the samples out, equally of each class, and scale all by what the others are like.

    Parameters
    ----------
    samples, labels : ndarray
    seed : int
        Decides which are held out.
    scaler : callable
        Makes a transformer of scikit-learn; `StandardScaler` gives each column mean 0 and variance 1.
    """
    x_train, x_test, y_train, y_test = train_test_split(
        samples, labels, test_size=0.25, stratify=labels, random_state=seed
    )
    fitted = scaler().fit(x_train)
    x_train, x_test = (fitted.transform(x).astype(np.float32) for x in (x_train, x_test))
    return Data(x_train, x_test, y_train, y_test)


def digits(seed: int, scaler: Any = StandardScaler) -> Data:
    """Return scikit-learn's 1797 handwritten digits, 8x8 pixels in a row each, through `split`."""
    images, labels = load_digits(return_X_y=True)
    return split(images, labels, seed, scaler)


def progress(steps: Iterable[T], description: str) -> Iterable[T]:
    """Return the same steps, with a bar on standard error while they last."""
    return track(steps, description, console=Console(stderr=True), transient=True)
