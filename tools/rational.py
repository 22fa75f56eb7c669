"""Coefficients of the normal tail for the formula headers (Remez exchange in mpmath, relative error times a weight).

    rational.py gelu|gelu_grad --rational M N [--hi 20] [--nudge P1:3,Q2:-1]      P/Q, degrees M and N, Q monic
    rational.py gelu|gelu_grad --polynomial DEG                                   in t = (a-5)/(a+5)

  gelu       f(a) = Phi(-a) exp(a^2/2), Phi the normal distribution
  gelu_grad  f(a) = (Phi(-a) exp(a^2/2) - a/sqrt(2 pi)) / (root - a), root of Phi(-a) = a phi(a)

--rational: f is first multiplied by exp(a^2/2 (ln2 - L)/ln2), L the double nearest ln2: what the one-step reduction r = z - n L
changes, since n ~ z/ln2. On a reference of M+N+2 points the levelled system P(x) = f(x) (1 +- e/w(x)) Q(x) is linear for a
given e: e is found by iterating, the reference by exchange. gelu: the constant terms are then set to the quotient 1/2.
--polynomial, on [0, 38.8]: gelu: K of f(a) (a + 3/4) = 3/8 + (t+1) K(t); gelu_grad: f(a) itself.
"""

import argparse
import math

import mpmath as mp

mp.mp.dps = 50
L2 = mp.mpf(math.log(2))
G = lambda a: mp.exp(a * a / 2) * mp.erfc(a / mp.sqrt(2)) / 2
C = 1 / mp.sqrt(2 * mp.pi)
ROOT = mp.findroot(lambda a: G(a) - C * a, mp.mpf("0.7518"))
comp = lambda a: mp.exp(a * a / 2 * (mp.log(2) - L2) / mp.log(2))


def slope(a):  # the removable point by the series of the numerator: G' = a G - C
    d = a - ROOT
    if abs(d) > mp.mpf("1e-12"):
        return (G(a) - C * a) / -d
    return -(ROOT * G(ROOT) - 2 * C + d / 2 * (G(ROOT) + ROOT * (ROOT * G(ROOT) - C)))


FUNCTIONS = {"gelu": G, "gelu_grad": slope}
weight = lambda a: (
    (1 + mp.mpf("0.3") / (a + mp.mpf("0.1"))) / (1 + (a / 5) ** 3)
)  # most inputs are small; one binade lies beyond 8


def exchange(solve, error, grid, cnt):
    """solve(reference) -> coefficients and level; until no error on the grid stands out."""
    q = len(grid) - 1
    ref = [grid[round(mp.mpf(i) * q / (cnt - 1))] for i in range(cnt)]
    for _ in range(60):
        c, level = solve(ref)
        err = [error(c, x) for x in grid]
        peaks, start = [], 0
        for i in range(1, len(grid) + 1):
            if i == len(grid) or (err[i] > 0) != (err[start] > 0):
                j = max(range(start, i), key=lambda k: abs(err[k]))
                peaks.append((grid[j], abs(err[j])))
                start = i
        top = max(p[1] for p in peaks)
        while len(peaks) > cnt:
            peaks.pop(0 if peaks[0][1] < peaks[-1][1] else -1)
        if len(peaks) < cnt or top < abs(level) * mp.mpf("1.01"):
            break
        ref = [p[0] for p in peaks]
    return c, top


def rational(f, hi, m, n, state={}):
    cnt, t1 = m + n + 2, (hi - 4) / (hi + 4)
    grid = [
        4 * (1 + t) / (1 - t)
        for t in ((t1 - 1) / 2 - (t1 + 1) / 2 * mp.cos(mp.pi * i / (40 * cnt)) for i in range(40 * cnt + 1))
    ]
    grid[0], known, w = mp.mpf(0), {}, weight
    fv = lambda x: known.setdefault(x, f(x))
    state.update(Q=None, e=mp.mpf(0))

    def solve(ref):
        for _ in range(30):
            A, b = mp.matrix(cnt, cnt), mp.matrix(cnt, 1)
            for i, x in enumerate(ref):
                y, s = fv(x), (-1) ** i / w(x)
                ye = y * (1 + s * state["e"])
                for j in range(m + 1):
                    A[i, j] = x**j
                for j in range(n):
                    A[i, m + 1 + j] = -ye * x**j
                A[i, cnt - 1] = -y * s * (mp.polyval(state["Q"][::-1], x) if state["Q"] else x**n)
                b[i] = ye * x**n
            c = list(mp.lu_solve(A, b))
            state["Q"] = [*c[m + 1 : m + 1 + n], mp.mpf(1)]
            state["e"] += c[-1]
            if abs(c[-1]) < abs(state["e"]) * mp.mpf("1e-8"):
                break
        return (c[: m + 1], state["Q"]), state["e"]

    err = lambda c, x: (mp.polyval(c[0][::-1], x) / mp.polyval(c[1][::-1], x) / fv(x) - 1) * w(x)
    (P, Q), top = exchange(solve, err, grid, cnt)
    return P, Q, top, grid, err


def polynomial(f, w, lo, hi, deg):
    """The same for the error (p - f) w."""
    cnt, known = deg + 2, {}
    grid = [(lo + hi) / 2 - (hi - lo) / 2 * mp.cos(mp.pi * i / (30 * cnt)) for i in range(30 * cnt + 1)]
    fv = lambda x: known.setdefault(x, f(x))

    def solve(ref):
        A, b = mp.matrix(cnt, cnt), mp.matrix(cnt, 1)
        for i, x in enumerate(ref):
            for j in range(deg + 1):
                A[i, j] = x**j
            A[i, deg + 1], b[i] = (-1) ** i / w(x), fv(x)
        c = list(mp.lu_solve(A, b))
        return c[:-1], c[-1]

    err = lambda c, x: (mp.polyval(c[::-1], x) - fv(x)) * w(x)
    return *exchange(solve, err, grid, cnt), grid, err


def settle(c, basis, err0):
    """Doubles near c whose rounding errors compensate: descent by single units, the error being linear in them."""
    out, r = [float(x) for x in c], [float(x) for x in err0]
    size = lambda v: max(map(abs, v))
    for _ in range(8):
        for k, b in enumerate(basis):
            for u in (-1, 1, -2, 2):
                step = u * math.ulp(out[k])
                new = [x + step * y for x, y in zip(r, b)]
                if size(new) < size(r):
                    out[k], r = out[k] + step, new
    return out


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    (
        ap.add_argument("function", choices=FUNCTIONS),
        ap.add_argument("--rational", type=int, nargs=2),
        ap.add_argument("--polynomial", type=int),
    )
    ap.add_argument("--hi", default="20"), ap.add_argument("--nudge", default="")
    a = ap.parse_args()
    g, log = FUNCTIONS[a.function], lambda v: f"{float(mp.log(v, 2)):.2f}"
    if a.rational:
        P, Q, top, grid, err = rational(lambda x: g(x) * comp(x), mp.mpf(a.hi), *a.rational)
        v = {"P": [float(c) for c in P], "Q": [float(c) for c in Q]}
        if a.function == "gelu":
            v["P"][0] = v["Q"][0] / 2
        for c, i, units in ((p[0], int(p[1:].split(":")[0]), int(p.split(":")[1])) for p in a.nudge.split(",") if p):
            v[c][i] += units * math.ulp(v[c][i])
        after = max(abs(err(([mp.mpf(c) for c in v["P"]], [mp.mpf(c) for c in v["Q"]]), x)) for x in grid)
    else:
        k, k1 = mp.mpf(5), mp.mpf("0.75")
        back = lambda t: k * (1 + t) / (1 - t)
        H = (lambda t: g(back(t)) * (back(t) + k1)) if a.function == "gelu" else lambda t: g(back(t))
        f = (lambda t: (H(t) - k1 / 2) / (t + 1)) if a.function == "gelu" else H
        w = (lambda t: (t + 1) / H(t)) if a.function == "gelu" else lambda t: 1 / H(t)
        lo, hi = mp.mpf(-1) + mp.mpf("1e-15"), (mp.mpf("38.8") - k) / (mp.mpf("38.8") + k)
        c, top, grid, err = polynomial(f, w, lo, hi, a.polynomial)
        low = c[0] - mp.mpf(float(c[0])) if a.function == "gelu_grad" else mp.mpf(0)  # kept beside C[0]
        rounded = [err([mp.mpf(float(y)) for y in c], x) + low * w(x) for x in grid]
        v = {"low": [float(low)], "C": settle(c, [[float(x**k * w(x)) for x in grid] for k in range(len(c))], rounded)}
        after = max(abs(err([mp.mpf(x) for x in v["C"]], x) + low * w(x)) for x in grid)
    print(
        f"/* {a.function} {a.rational or a.polynomial}: log2 weighted error {log(top)}, {log(after)} in doubles; "
        f"root {float(ROOT).hex()} + {float(ROOT - mp.mpf(float(ROOT))).hex()} */"
    )
    for nm, cs in v.items():
        print(f"{nm}: " + " ".join(x.hex() for x in cs))


if __name__ == "__main__":
    main()
