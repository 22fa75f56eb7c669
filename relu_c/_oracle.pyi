from numpy import float32, float64
from numpy.typing import NDArray

NEEDS_AVX2: bool

def names() -> list[str]: ...
def regions(name: str, derivative: int) -> list[tuple[float, float]]: ...
def check(
    name: str,
    derivative: int,
    x: NDArray[float32],
    y: NDArray[float32],
    near: float = ...,
    capacity: int = ...,
) -> tuple[int, int, float, int, list[int], list[int], list[int], list[float]]: ...
def evaluate(
    name: str,
    derivative: int,
    x: NDArray[float32],
    high: NDArray[float64],
    low: NDArray[float64],
    bound: NDArray[float64],
) -> float: ...
