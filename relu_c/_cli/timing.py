"""Interleaved timing."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from time import perf_counter

__all__ = ["ENOUGH", "ROUNDS", "interleave", "ratio"]

ENOUGH = 0.95
"""A ratio from here on is "at least as fast", within the noise of a shared machine."""

ROUNDS = 9
SECONDS = 0.003
RUNS = 3
"""In one round a contender repeats its run for so many seconds, and so many times at least."""


def interleave(
    runs: Mapping[str, Callable[[], object]], refresh: Callable[[], object] = lambda: None, *, once: bool = False
) -> dict[str, list[float]]:
    """Time the runs in turn, round after round, so that what disturbs the machine disturbs all of them alike.

    Parameters
    ----------
    runs : mapping of str to callable
        The contenders.
    refresh : callable, optional
        Restores their common input; called before each run, and not timed.
    once : bool, default False
        Whether a round is a single run: where the operands are beyond all caches there is nothing to warm.

    Returns
    -------
    dict of str to list of float
        For each contender and round, the seconds of its quickest run; the first run of a round, if it is not the only
        one, warms the caches and does not count.
    """
    least, duration = (1, 0.0) if once else (RUNS, SECONDS)
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, run in runs.items():
            if not once:
                refresh()
                run()
            seconds: list[float] = []
            end = perf_counter() + duration
            while len(seconds) < least or perf_counter() < end:
                refresh()
                start = perf_counter()
                run()
                seconds.append(perf_counter() - start)
            times[name].append(min(seconds))
    return times


def ratio(theirs: Sequence[float], ours: Sequence[float]) -> float:
    """Return the median over the rounds of their time divided by ours."""
    return median(a / b for a, b in zip(theirs, ours, strict=True))
