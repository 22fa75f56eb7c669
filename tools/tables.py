"""The tables of src/bounded.h: c 2^(j/N), j = 0..N-1, as a float, and what it lacks, relative to it.

    tables.py N [C]

N is a power of two, C a Python expression over mpmath names (default 1). An entry is printed less j 2^23/N in its bits:
adding k 2^23/N, k = N n + j, then makes it the float nearest c 2^(j/N), times 2^n.
"""

import struct
import sys

import mpmath as mp


def nearest(value):
    """Return the float32 number nearest to value."""
    return struct.unpack("f", struct.pack("f", float(value)))[0]


def lowered(value, units):
    """Return the float32 number whose bits are `units` below those of value."""
    (bits,) = struct.unpack("I", struct.pack("f", value))
    return struct.unpack("f", struct.pack("I", bits - units))[0]


def text(numbers):
    """Return numbers as a C initialiser, four to a line."""
    words = [number.hex().replace("0000000p", "p") + "f" for number in numbers]
    return ",\n".join("    " + ", ".join(words[i : i + 4]) for i in range(0, len(words), 4))


def main():
    """Print both tables."""
    mp.mp.dps = 60
    n = int(sys.argv[1])
    c = eval(sys.argv[2] if len(sys.argv) > 2 else "mpf(1)", vars(mp))  # an expression from the command line
    exact = [c * mp.mpf(2) ** (mp.mpf(j) / n) for j in range(n)]
    floats = [nearest(value) for value in exact]
    print(text([lowered(value, j * 2**23 // n) for j, value in enumerate(floats)]))
    print(text([nearest(value / mp.mpf(near) - 1) for value, near in zip(exact, floats)]))


if __name__ == "__main__":
    main()
