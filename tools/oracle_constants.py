"""Write the constants of the oracle: exact rationals and real numbers as pairs of doubles, high + low.

    python tools/oracle_constants.py > src/oracle_constants.h

It needs gmpy2. Every pair is the double nearest to the number and the double nearest to the rest, so the file depends
on no approximation and is the same wherever it is written; a test compares it with the committed one.
"""

import sys
from collections.abc import Sequence

import gmpy2
from gmpy2 import mpfr, mpq

gmpy2.get_context().precision = 400


def pair(value: mpfr | mpq) -> str:
    """Return the nearest double and the nearest double of the rest, as C."""
    value = mpfr(value)
    high = float(value)
    return f"{{{high.hex()}, {float(value - mpfr(high)).hex()}}}"


def pieces(value: mpfr, bits: int, count: int) -> list[float]:
    """Cut a positive real number into `count` pieces of `bits` bits each, and a double of the rest."""
    result, rest = [], mpfr(value)
    for _ in range(count):
        step = gmpy2.exp2(gmpy2.floor(gmpy2.log2(abs(rest))) - bits + 1)
        piece = gmpy2.floor(rest / step) * step
        result.append(float(piece))
        rest -= piece
    return [*result, float(rest)]


def array(name: str, values: Sequence[mpq]) -> str:
    """Return a C array of pairs."""
    rows = ",\n".join(f"    {pair(v)}" for v in values)
    return f"static const dd {name}[] = {{\n{rows}}};\n"


def tanh_coefficients(count: int) -> list[mpq]:
    """Return the coefficients a_n of tanh x = sum a_n x^(2n+1), from tanh' = 1 - tanh^2."""
    a = [mpq(1)]
    for n in range(1, count):
        a.append(-sum(a[i] * a[n - 1 - i] for i in range(n)) / (2 * n + 1))
    return a


def header() -> str:
    """Return the file."""
    pi = gmpy2.const_pi()
    selu_lambda = mpq(10507009873554804934193349852946, 10**31)
    selu_alpha = mpq(16732632423543772848170429916717, 10**31)
    numbers = {
        "SELU_LAMBDA": selu_lambda,
        "SELU_LAMBDA_ALPHA": selu_lambda * selu_alpha,
        "SQRT_8_OVER_PI": gmpy2.sqrt(8 / pi),
        "CUBIC": mpq(44715, 10**6),
        "CUBIC_3": mpq(3 * 44715, 10**6),
        "QUICK": mpq(1702, 1000),
        "RECIPROCAL_SQRT_2PI": 1 / gmpy2.sqrt(2 * pi),
        "THREE_FIFTHS": mpq(3, 5),
    }
    return "".join(
        [
            "/* Written by tools/oracle_constants.py: {high, low} pairs of exact rationals and of real numbers. */\n",
            array("RECIPROCAL_FACTORIAL", [mpq(1, gmpy2.fac(n)) for n in range(22)]),
            array("RECIPROCAL_ODD", [mpq(1, 2 * n + 1) for n in range(64)]),
            array("TANH_SERIES", tanh_coefficients(16)),
            *(f"static const dd {name} = {pair(value)};\n" for name, value in numbers.items()),
            *(f"#define LN2_{i} {value.hex()}\n" for i, value in enumerate(pieces(gmpy2.const_log2(), 40, 2))),
        ]
    )


if __name__ == "__main__":
    sys.stdout.write(header())
