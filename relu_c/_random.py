"""What the random functions share: the generator their `rng` argument stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RNG", "as_generator"]

RNG: TypeAlias = "int | Sequence[int] | np.random.SeedSequence | np.random.BitGenerator | np.random.Generator | None"


def as_generator(rng: RNG) -> np.random.Generator:
    """Return the generator that an `rng` argument stands for (SPEC 7 of Scientific Python).

    Parameters
    ----------
    rng : Generator, int, sequence of int, SeedSequence, BitGenerator or None
        A generator is used as it is, so that it moves on; a seed gives a new one; None one seeded by the system.

    Returns
    -------
    numpy.random.Generator

    Raises
    ------
    TypeError
        For anything else, a legacy `numpy.random.RandomState` too.

    Examples
    --------
    >>> import numpy as np
    >>> generator = np.random.default_rng(0)
    >>> as_generator(generator) is generator
    True
    >>> bool(as_generator(7).random() == as_generator(7).random())
    True
    """
    if isinstance(rng, np.random.RandomState):  # which default_rng takes
        raise TypeError(f"rng must be a numpy.random.Generator or a seed, not the legacy {rng!r}")
    try:
        return np.random.default_rng(rng)
    except TypeError as error:
        raise TypeError(f"rng must be a numpy.random.Generator or a seed, not {rng!r}") from error
