/* softplus, log_sigmoid, mish, gelu and their derivatives. Template as vmath_exp.h; after smooth_exp.h and
 * vmath_log_erfc.h. */

/* A power of 2, at most 2^600 away from 1, that brings y near enough to 1 for two_product. */
INLINE double FN(moderating)(double y)
{
    double f = magnitude(y) > 0x1p500 ? 0x1p-600 : 1.0;
    return magnitude(y) < 0x1p-500 ? 0x1p600 : f;
}

/* beta x as t + tl. The tail only counts, and is only formed, where e^t neither vanishes nor is 1: then f beta and
 * x/f are both moderate, and f does not depend on the element. */
INLINE double FN(scaled_argument)(double x, double beta, double *tl)
{
    double t = beta * x, f, l;
    *tl = 0.0;
    if (NARROW)                              /* exact: 24 bits each */
        return t;
    f = FN(moderating)(beta);
    two_product(x * (1.0 / f), beta * f, &l);
    l = magnitude(t) > 0x1p-60 ? l : 0.0;
    *tl = magnitude(t) < 2000.0 ? l : 0.0;
    return t;
}

/* max(x, 0) + log(1 + e^(-|t|))/beta, t = beta x: no cancellation, and the last digits of the tail of either side.
 * 1/beta does not depend on the element, so loops with one beta divide once; float64: as f (b + bl), f a power of 2,
 * and the sum is formed as 1/f of it. Its pairs meet no less than 2^least of 2^n, whose rest comes last; e^a/beta is 0
 * at the bound of a, or, for beta < 2^-797, 2^-800 of x. unit, a constant at each call: beta is 1. */
INLINE double FN(softplus_parts)(double x, double beta, int unit)
{
    const double least = EXP2_SHIFT - (beta < 0x1p-100 ? 850.0 : 200.0);
    double bound = beta < 0x1p-100 ? -1297.0 : -840.0;
    double most = x < 0.0 ? 0.0 : x, f, b, bl, u, w, a, m, first, high, low, l, ll, p, pl, ln2, s, sl;
    int64_t negative = bits_of(x) >> 63, further, upper;
    if (NARROW) {
        exp_fraction e;
        a = at_least(negative_abs(beta * x), -EXP_MOST); /* NaN: x has it */
        e = FN(exp_quotient)(a, -0.0);
        l = FN(log1p_quotient)(a, e, &upper);
        b = 1.0 / beta;
        return FMA(l, b, most) + masked(LN2_UP * b, upper);
    }
    f = FN(moderating)(beta);
    b = 1.0 / (beta * f);
    bl = FMA(-b, beta * f, 1.0) * b;
    bound = beta > 0x1p500 ? -430.0 : bound;
    bound *= b * f;
    w = at_least(negative_abs(x), bound < -0x1.fffffffffffffp1023 ? -0x1.fffffffffffffp1023 : bound);
    a = w * beta;
    m = FMA(a, LOG2_E, EXP2_SHIFT);
    high = FN(exp_beyond_one)(a, unit ? -0.0 : FMA(w, beta, -a), m, EXP2_SHIFT, &low);
    first = no_less(m, least);
    l = FN(log1p_sum)(a, high, low, power_of_two(first), &ll, &upper);
    p = two_product(l, b, &pl);
    pl = unit ? ll : FMA(l, bl, FMA(ll, b, pl));
    ln2 = LN2 * b;
    u = magnitude(x) * (1.0 / f);
    s = fast_two_sum(masked(u, ~negative), p, &sl); /* the first is 0 or |p| or more; where ln2 counts, it is more */
    sl += pl + masked(FMA(LN2, b, -ln2) + FMA(LN2, bl, LN2_TAIL * b), upper);
    p = fast_two_sum(masked(ln2, upper), s, &pl);
    further = (bits_of(m) - bits_of(first)) & negative;
    s = (p + (sl + pl)) * from_bits(bits_of(f) + (int64_t)((uint64_t)further << 52));
    return u <= 0x1.fffffffffffffp1023 ? s : most;
}
INLINE real FN(softplus)(real x, real beta) { return (real)FN(softplus_parts)(x, beta, 0); }
INLINE real FN(softplus_grad)(real dy, real x, real beta)
{
    double t = (double)beta * x;
    if (NARROW)
        return FN(saturated)(dy, beta * x < -EXP_MOST, beta * x > EXP_MOST, FN(sigmoid_quotient)(t));
    return gate(dy, FN(logistic_function)(t, FMA(-beta, x, t)));
}

/* With y = log(1 + e^t)/beta: sigmoid(t) = 1 - e^(-beta y), from smooth_exp.h. A y < 0 is no output: 0. */
INLINE double FN(softplus_grad_from_output)(double dy, double y, double beta)
{
    double tl, t = FN(scaled_argument)(y, beta, &tl), z = t < 0.0 ? 0.0 : t > EXP_MOST ? -EXP_MOST : -t;
    return gate(dy, -FN(scaled_expm1)(1.0, 0.0, z, t < 0.0 ? -0.0 : -tl));
}

INLINE real FN(log_sigmoid)(real x)
{
    return (real)-FN(softplus_parts)(-(double)x, 1.0, 1);
}
INLINE real FN(log_sigmoid_grad)(real dy, real x)
{
    if (NARROW)
        return FN(saturated)(dy, x > EXP_MOST, x < -EXP_MOST, FN(sigmoid_quotient)(-x));
    return gate(dy, FN(sigmoid)(-x));
}
/* sigmoid(-x) = 1 - e^y. A y > 0 is no output: 0. */
INLINE double FN(log_sigmoid_grad_from_output)(double dy, double y)
{
    return gate(dy, -FN(scaled_expm1)(1.0, 0.0, y > 0.0 ? 0.0 : y < -EXP_MOST ? -EXP_MOST : y, -0.0));
}

/* x tanh(log(1 + e^x)) = x w/(w + 2), w = n^2 + 2n, n = e^x. With n = a/d: u = a + 2d, w = a u/d^2, and the quotient
 * is a u/v, v = a u + 2d^2. From x = 40 on it is 1. */
INLINE real FN(mish)(real x)
{
    double low = NARROW ? x : x < EXP_LEAST ? EXP_LEAST : x, q, ql, u, ul, w, wl, v, vl;
    exp_fraction e = FN(exp_quotient)(NARROW ? x : at_most(low, 40.0), -0.0);
    u = FN(sum_pairs)(e.n, e.nl, e.d + e.d, e.dl + e.dl, &ul);
    w = FN(multiply_pairs)(e.n, e.nl, u, ul, &wl);
    v = FN(add_product)(e.d + e.d, e.dl + e.dl, e.d, e.dl, w, wl, &vl);
    q = FN(quotient_tail)(w, wl, v, vl, &ql);
    if (NARROW) {
        real y = (real)(x * q);
        y = x < -EXP_MOST ? (real)-0.0 : y;
        return x > 40 ? x : y;
    }
    return FN(restore)(FN(times_pair)(low, q, ql), e.rest);
}
/* d/dx: n ((n + 2)(w + 2) + 4x(n + 1))/(w + 2)^2 = a (u v + 4x d^2 (a + d))/v^2.
 * Tie: near 0 it is 0.6 + 0.64x + c x^2, c < 0, and at x = -5 2^-29 the first two terms end half way. The third is
 * below the unit of a double: v^2 is taken one unit larger. */
INLINE real FN(mish_grad)(real dy, real x)
{
    double low = NARROW ? x : at_most(at_least(x, EXP_LEAST), 40.0), q, u, ul, v, vl, s, sl, t, tl;
    exp_fraction e = FN(exp_quotient)(low, -0.0);
    u = FN(sum_pairs)(e.n, e.nl, e.d + e.d, e.dl + e.dl, &ul);
    s = FN(multiply_pairs)(e.d, e.dl, e.d, e.dl, &sl);
    v = FN(add_product)(e.n, e.nl, u, ul, s + s, sl + sl, &vl);
    t = FN(sum_pairs)(e.n, e.nl, e.d, e.dl, &tl);
    s = FN(multiply_pairs)(s, sl, 4.0 * low, 0.0, &sl);
    s = FN(multiply_pairs)(s, sl, t, tl, &sl);
    s = FN(add_product)(u, ul, v, vl, s, sl, &sl);
    s = FN(multiply_pairs)(e.n, e.nl, s, sl, &sl);
    v = FN(multiply_pairs)(v, vl, v, vl, &vl);
    v = NARROW ? v * MISH_SLOPE_ONE : v;
    q = FN(quotient)(s, sl, v, vl);
    if (NARROW) {
        real y = (real)(dy * q);
        y = x < -EXP_MOST ? 0 : y;
        return x > 40 ? dy : y;
    }
    return gate(dy, x == x ? FN(restore)(q, e.rest) : x);
}

/* q = n/d for x < 0, 1 - n/d = (d - n)/d for x > 0. The power of 2 held back (rest) only counts for x < 0: it is 2^0
 * unless q < 2^-190. */
INLINE double FN(reflected)(double x, exp_fraction *e, double *ql)
{
    int64_t positive = ~bits_of(x) >> 63;
    double n, nl;
    n = FN(sum_pairs)(masked(e->d, positive), masked(e->dl, positive), from_bits(bits_of(e->n) ^ (positive & INT64_MIN)),
                      from_bits(bits_of(e->nl) ^ (positive & INT64_MIN)), &nl);
    e->rest = positive ? ROUND_SHIFT : e->rest;
    return FN(quotient_tail)(n, nl, e->d, e->dl, ql);
}

/* x Phi(x); Phi(x) = 1 - Phi(-x) for x > 0. Where |x| < 2^-40 Phi is taken at 2^-40: near enough to 1/2 for every
 * rounding, and on the right side of 1/2, which decides the ties x/2 of subnormal x (float64: 2^-60). */
INLINE real FN(gelu)(real x)
{
    double low = x < -NORMAL_MOST ? -NORMAL_MOST : x, q, ql;
    exp_fraction e = FN(normal_tail)(no_less(at_most(magnitude(low), NORMAL_MOST), NARROW ? 0x1p-40 : 0x1p-60), 0);
    q = FN(reflected)(x, &e, &ql);
    return (real)FN(restore)(FN(times_pair)(low, q, ql), e.rest);
}
/* Phi(x) + x phi(x): Phi(-a) - a phi(a) for x < 0, one minus that for x > 0. */
INLINE real FN(gelu_grad)(real dy, real x)
{
    double a = magnitude(x), q, ql;
    exp_fraction e = FN(normal_tail)(a > NORMAL_MOST ? NORMAL_MOST : a, 1);
    q = FN(reflected)(x, &e, &ql);
    return (real)gate(dy, FN(restore)(NARROW ? q : q + ql, e.rest));
}
