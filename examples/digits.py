"""A training pipeline in plain NumPy and relu_c: handwritten digits with dropout, weight decay and a monitor.

    python examples/digits.py            a minute or less; needs relu_c[demo]
    python examples/digits.py --quick    a few epochs

A multilayer perceptron (64-128-64-10) learns scikit-learn's 8x8 images: He initialisation, inputs scaled to [0, 1],
dropout and max-norm on the hidden layers, L2 on the weights and L1 on the activations, mini-batch gradient descent with
momentum. Everything after a matrix product happens in place. The monitor looks at the test images after training: how
sparse the hidden layers are, and whether a unit has died.
"""

import argparse
from itertools import pairwise

import numpy as np
from rich import print
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import relu_c
from relu_c import init, penalties
from relu_c.diagnostics import Monitor

LAYERS = (64, 128, 64, 10)
DROPOUT = 0.3
WEIGHT_DECAY = 1e-4
SPARSITY = 1e-4
MAX_NORM = 3.0
BATCH = 32  # small enough for the BLAS to stay on one thread
LEARNING_RATE = 0.05
MOMENTUM = 0.9


class Network:
    """A perceptron of rectified layers with a softmax at the end.

    Parameters
    ----------
    rng : numpy.random.Generator
        Draws the weights, and later what is dropped.
    """

    def __init__(self, rng):
        self.rng = rng
        self.weights = [init.he_normal(shape, rng=rng) for shape in pairwise(LAYERS)]
        self.biases = [np.zeros(units, np.float32) for units in LAYERS[1:]]
        self.velocities = [np.zeros_like(parameter) for parameter in self.parameters]

    @property
    def parameters(self):
        """The weights and biases."""
        return [*self.weights, *self.biases]

    def forward(self, x, monitor=None):
        """Return the logits; a monitor sees the hidden layers."""
        for layer, (w, b) in enumerate(zip(self.weights[:-1], self.biases[:-1], strict=True), start=1):
            x = x @ w
            x += b
            relu_c.relu(x, out=x)
            if monitor is not None:
                monitor.update(f"hidden {layer}", x)
        return x @ self.weights[-1] + self.biases[-1]

    def gradients(self, x, labels):
        """Return the loss, penalties included, and its gradients with respect to the parameters."""
        outputs, masks = [x], []
        loss = sum(penalties.l2(w, WEIGHT_DECAY) for w in self.weights)
        for w, b in zip(self.weights[:-1], self.biases[:-1], strict=True):
            y = outputs[-1] @ w
            y += b
            relu_c.relu(y, out=y)
            _, mask = relu_c.dropout(y, DROPOUT, rng=self.rng, packed=True, out=y)
            loss += penalties.l1(y, SPARSITY, batch_axis=0)
            outputs.append(y)
            masks.append(mask)
        logits = outputs[-1] @ self.weights[-1] + self.biases[-1]
        cross_entropy, dy = softmax_cross_entropy(logits, labels)

        weights, biases = [], []
        for layer in reversed(range(len(self.weights))):
            dw = outputs[layer].T @ dy
            weights.insert(0, penalties.l2_grad(self.weights[layer], WEIGHT_DECAY, add_to=dw))
            biases.insert(0, dy.sum(axis=0))
            if layer:
                y, dy = outputs[layer], dy @ self.weights[layer].T
                penalties.l1_grad(y, SPARSITY, batch_axis=0, add_to=dy)
                relu_c.dropout_grad(dy, masks[layer - 1], DROPOUT, out=dy)
                relu_c.relu_grad_from_output(dy, y, out=dy)  # y > 0 where z > 0: dropout only scales or clears
        return loss + cross_entropy, [*weights, *biases]

    def learn(self, x, labels):
        """Take a step down the gradient, and return the loss before it."""
        loss, gradients = self.gradients(x, labels)
        for parameter, velocity, gradient in zip(self.parameters, self.velocities, gradients, strict=True):
            velocity *= MOMENTUM
            velocity -= LEARNING_RATE * gradient
            parameter += velocity
        for w in self.weights[:-1]:
            penalties.max_norm(w, MAX_NORM, out=w)
        return loss


def softmax_cross_entropy(logits, labels):
    """Return the mean cross-entropy and its gradient with respect to the logits."""
    rows = np.arange(len(labels))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    dy = np.exp(log_softmax)
    dy[rows, labels] -= 1
    dy /= len(labels)
    return -float(log_softmax[rows, labels].mean()), dy


def main(arguments=None):
    """Train, report, and check that it has learned."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="train for a few epochs")
    quick = parser.parse_args(arguments).quick

    images, labels = load_digits(return_X_y=True)
    x_train, x_test, labels_train, labels_test = train_test_split(
        np.float32(images / 16), labels, test_size=0.25, stratify=labels, random_state=0
    )
    rng = np.random.default_rng(0)
    network = Network(rng)
    epochs = 5 if quick else 60
    for epoch in range(1, epochs + 1):
        order = rng.permutation(len(x_train))
        batches = [order[k : k + BATCH] for k in range(0, len(order), BATCH)]
        loss = np.mean([network.learn(x_train[batch], labels_train[batch]) for batch in batches])
        if epoch % (epochs // 5) == 0:
            accuracy = np.mean(network.forward(x_test).argmax(axis=1) == labels_test)
            print(f"epoch {epoch:3}: loss {loss:.3f}, test accuracy {accuracy:.1%}")

    monitor = Monitor()
    network.forward(x_test, monitor)
    print(monitor)
    needed = 0.9 if quick else 0.96
    assert accuracy >= needed, f"test accuracy {accuracy:.1%}, needed {needed:.0%}"


if __name__ == "__main__":
    main()
