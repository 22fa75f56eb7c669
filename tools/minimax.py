"""Minimax polynomials for the formula headers (Remez exchange in mpmath).

    minimax.py EXPR LO HI DEGREE [--weight EXPR] [--fix c0,c1,..] [--name NAME] [--nudge I:K,..] [--dps 60]

EXPR and the weight are Python expressions of t over mpmath names (exp, coth, sqrt, ...). The polynomial p minimises
max |weight(t) * (p(t) - f(t))| on [LO, HI]; weight "1/f" means relative error. The coefficients in --fix are kept as given (lowest
first; hex or decimal). After the exact solution each coefficient is rounded to double, lowest first, and the ones
above it are solved again, so that the rounding of one is made good by the others. --nudge I:K adds K units in the last
place to coefficient I afterwards (used to move the last misrounded inputs; the printed bound includes it).
Prints hex floats, lowest degree first, and log2 of the largest weighted error.
"""

import argparse
import math

import mpmath as mp


def remez(f, lo, hi, powers, weight, rounds=60):
    """Coefficients for the given powers of t, and the levelled error."""
    n = len(powers) + 1
    nodes = [(lo + hi) / 2 - (hi - lo) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    steps = 24 * n
    grid = [(lo + hi) / 2 - (hi - lo) / 2 * mp.cos(mp.pi * i / steps) for i in range(steps + 1)]
    fg, wg = [f(t) for t in grid], [weight(t) for t in grid]
    nodes = [
        t if weight(t) > max(wg) / 10**9 else t + (hi - lo) / (5 * n) for t in nodes
    ]  # none on a zero of the weight
    last = best = None
    for _ in range(rounds):
        rows = mp.matrix(n, n)
        rhs = mp.matrix(n, 1)
        for i, t in enumerate(nodes):
            for j, k in enumerate(powers):
                rows[i, j] = t**k
            rows[i, n - 1] = (-1) ** i / weight(t)
            rhs[i] = f(t)
        sol = mp.lu_solve(rows, rhs)
        coef, level = [sol[j] for j in range(n - 1)], abs(sol[n - 1])

        def err(t, ft=None, wt=None):
            ft, wt = (f(t), weight(t)) if ft is None else (ft, wt)
            return (sum(c * t**k for c, k in zip(coef, powers)) - ft) * wt

        e = [err(t, a, b) for t, a, b in zip(grid, fg, wg)]
        peaks, start = [], 0  # one extremum per run of equal sign
        for i in range(1, len(e) + 1):
            if i == len(e) or (e[i] > 0) != (e[start] > 0):
                j = max(range(start, i), key=lambda q: abs(e[q]))
                t = grid[j]
                if 0 < j < len(e) - 1:  # parabola through the three samples around it
                    a, b, c, x0, x2 = e[j - 1], e[j], e[j + 1], grid[j - 1], grid[j + 1]
                    den = (t - x0) * (b - c) - (t - x2) * (b - a)
                    if den:
                        u = t - ((t - x0) ** 2 * (b - c) - (t - x2) ** 2 * (b - a)) / den / 2
                        if x0 < u < x2 and abs(err(u)) > abs(b):
                            t = u
                peaks.append((t, abs(err(t))))
                start = i
        while len(peaks) > n:  # drop the smaller end
            peaks.pop(0 if peaks[0][1] < peaks[-1][1] else -1)
        top = max(p[1] for p in peaks)
        if len(peaks) < n:
            return best or (coef, top)
        if best is None or top < best[1]:
            best = coef, top
        if top < level * (1 + mp.mpf("1e-6")):
            break
        ahead = mp.mpf(1) if last is None or top < last else mp.mpf(3) / 10  # damped where the exchange oscillates
        nodes = [t + ahead * (p[0] - t) for t, p in zip(nodes, peaks)]
        last = top
    return best


def fit(f, lo, hi, degree, weight=lambda t: mp.mpf(1), fix=(), nudge=None):
    """Doubles c[0..degree], log2(error before rounding), log2(error of the doubles)."""
    known, k = [mp.mpf(c) for c in fix], len(fix)
    tiny = (hi - lo) / 10 ** (mp.mp.dps // 3)

    def off(t):
        return t if abs(t) > tiny or not k else tiny

    free, ideal = remez(
        lambda t: (f(off(t)) - mp.polyval(known[::-1], off(t))) / off(t) ** k if k else f(t),
        lo,
        hi,
        range(degree + 1 - k),
        lambda t: abs(weight(off(t)) * off(t) ** k),
    )
    known += free
    n = 8 * (degree + 1)
    pts = [(lo + hi) / 2 - (hi - lo) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    wt = [weight(t) ** 2 for t in pts]
    for i in range(k, degree + 1):  # round one; least squares in the higher powers takes up what it lost
        lost, known[i] = known[i] - float(known[i]), mp.mpf(float(known[i]))
        up = range(i + 1, degree + 1)
        if lost and up:
            m = mp.matrix([[sum(w * t ** (p + q) for w, t in zip(wt, pts)) for q in up] for p in up])
            fixup = mp.lu_solve(m, mp.matrix([sum(w * lost * t ** (i + p) for w, t in zip(wt, pts)) for p in up]))
            for j, p in enumerate(up):
                known[p] += fixup[j]
    out = [float(c) for c in known]
    for i, units in (nudge or {}).items():
        out[i] += units * math.ulp(out[i])
    top = max(
        abs((mp.polyval(out[::-1], t) - f(t)) * weight(t))
        for t in (lo + (hi - lo) * mp.mpf(i) / 2000 for i in range(2001))
    )
    return out, float(mp.log(ideal, 2)) if ideal else None, float(mp.log(top, 2))


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("expr"), ap.add_argument("lo"), ap.add_argument("hi"), ap.add_argument("degree", type=int)
    (
        ap.add_argument("--weight", default="1"),
        ap.add_argument("--fix", default=""),
        ap.add_argument("--name", default="C"),
    )
    ap.add_argument("--nudge", default=""), ap.add_argument("--dps", type=int, default=60)
    a = ap.parse_args()
    mp.mp.dps = a.dps
    names = {k: getattr(mp, k) for k in dir(mp) if not k.startswith("_")}
    names["mpf"] = mp.mpf
    lo, hi = (mp.mpf(eval(v, names)) for v in (a.lo, a.hi))
    tiny = (hi - lo) * mp.mpf(10) ** (-a.dps // 3)  # keeps 0/0 forms away from t = 0

    def away(t):
        return t if abs(t) > tiny else tiny if hi > 0 else -tiny

    def f(t):
        return mp.mpf(eval(fcode, names, {"t": away(t)}))

    def weight(t):
        t = away(t)
        return mp.mpf(eval(wcode, names, {"t": t, "f": f(t)}))

    fcode, wcode = compile(a.expr, "expr", "eval"), compile(a.weight, "weight", "eval")
    fix = [float.fromhex(c) if "x" in c else float(c) for c in a.fix.split(",") if c]
    nudge = {int(p.split(":")[0]): int(p.split(":")[1]) for p in a.nudge.split(",") if p}
    out, ideal, top = fit(f, lo, hi, a.degree, weight, fix, nudge)
    print(f"/* {a.expr} on [{a.lo}, {a.hi}], weight {a.weight}: log2 error {ideal} exact, {top:.2f} in doubles */")
    print(f"#define {a.name} {{ " + ", ".join(c.hex() for c in out) + " }")


if __name__ == "__main__":
    main()
