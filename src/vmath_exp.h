/* Primitives of the smooth family, in double. Template: SUFFIX, `real` and NARROW (1: the result is rounded once more,
 * to float32, which `real` is then, or by the caller to a half type; 0: float64, where error terms are kept).
 * Coefficients: minimax.py, calls quoted.
 *
 * Every NARROW exponential, and those of float64 that are pairs, is 2^n times a quotient. With n = rint(x/ln2),
 * r = x - n ln2, |r| <= ln2/2, and the even function r coth(r/2) = 2 + w(r^2):
 *
 *     e^x = 2^n (2 + w + r)/(2 + w - r)
 *
 * so that sigmoid, tanh, expm1 and their derivatives are one quotient each, without cancellation where n = 0:
 * (e^x - 1)/(e^x + 1) = r/(2 + w).
 *
 * NARROW takes the quotient over every x, clamping nothing: where 2^n leaves the doubles the quotient is of no use,
 * and the formula chooses the saturated piece last, off the path that bounds the loop, and in `real`, where a vector
 * holds twice as many. float64 clamps first.
 */
#include "base.h"

#ifndef RELU_C_VMATH_ONCE
#define RELU_C_VMATH_ONCE
#define ROUND_SHIFT 0x1.8p52           /* x + this: the nearest integer stands in the low bits */
#define LOG2_E 0x1.71547652b82fep+0
#define LN2_HIGH 0x1.62e42fefa3800p-1  /* 42 bits, so n*LN2_HIGH is exact for |n| < 2^11 */
#define LN2_LOW 0x1.ef35793c76800p-45  /* the next 42; LN2_HIGH + LN2_LOW = ln2 (1 + 2^-86) */
#define LN2 0x1.62e42fefa39efp-1
#define LN2_TAIL 0x1.abc9e3b39803fp-56

/* 2^n from n + ROUND_SHIFT, -1023 <= n <= 1024; the ends give 0 and inf. */
INLINE double exp2_shifted(double m)
{
    return from_bits((int64_t)((uint64_t)bits_of(m) << 52) + (int64_t)0x3ff0000000000000);
}

/* e^z = s (p + r)/(p - r), s = 2^n. Beyond |z| = 708 s, p and r are anything, but already beyond EXP_MOST e^-|z|,
 * 2^-721, is 0 to all narrower types, whatever float32 factors it has (alpha, dy: 2^256 at most), and where they are
 * small it is far from the end of the doubles. An integer: compared with `real` it stays in that type. */
typedef struct { double s, p, r; } power;
#define EXP_MOST 500
#define EXP2_SHIFT (ROUND_SHIFT + 1023.0) /* n + this: its low bits are the exponent of 2^n, but for the shift */
INLINE double power_of_two(double shifted) { return from_bits((int64_t)((uint64_t)bits_of(shifted) << 52)); }

/* z = n ln2 + r in one step, ln2 rounded: r is exact where n = 0, elsewhere n 2^-55.3 off. p = r coth(r/2) = two +
 * r^2/6 - ...
 * minimax.py "(sqrt(t)*coth(sqrt(t)/2)-2)/t" 0 "(log(2)/2*mpf('1.002'))**2" 4 --weight t: absolute 2^-59.0, in e^z
 * 2^-61.4. two is 2 or, to round a function's last inputs right, a few units less. zl: a tail of z. */
INLINE power natural_power(double z, double zl, double two)
{
    power e;
    double shifted = FMA(z, LOG2_E, EXP2_SHIFT), n = EXP2_SHIFT - shifted, q, t;
    e.r = FMA(n, LN2, z) + zl;
    t = e.r * e.r;
    q = FMA(t, 0x1.63747bac36bd5p-25, -0x1.bbd4184a7ce22p-20);
    q = FMA(t, q, 0x1.1566aaf117b15p-14);
    q = FMA(t, q, -0x1.6c16c16beb928p-9);
    q = FMA(t, q, 0x1.555555555553ep-3);
    e.p = FMA(t, q, two);
    e.s = power_of_two(shifted);
    return e;
}

/* z = (k + kl) x ln2, (k + kl) x = n + r: k = 1/ln2 is a number that double holds to 2^-56.5 of it, so the tail of
 * e^x is nearer than by natural_power, but r is rounded. p = r coth(r ln2/2) = top + r^2 ln2/6 - ...
 * minimax.py "sqrt(t)*coth(sqrt(t)*log(2)/2)" 0 "(mpf('1.002')/2)**2" 5 --weight "sqrt(t)": 2^-58.4, in e^z 2^-60.4. */
#define TWO_OVER_LN2 0x1.71547652b82fep+1
INLINE power binary_power(double x, double k, double kl, double top)
{
    power e;
    double shifted = FMA(x, k, EXP2_SHIFT), q, t;
    e.r = FMA(x, k, EXP2_SHIFT - shifted);
    e.r = kl == 0.0 ? e.r : FMA(x, kl, e.r);
    t = e.r * e.r;
    q = FMA(t, 0x1.a452582eea8d0p-30, -0x1.10f39a1e0337ap-23);
    q = FMA(t, q, 0x1.63144f20ef604p-17);
    q = FMA(t, q, -0x1.e50096de35aa2p-11);
    q = FMA(t, q, 0x1.d9303fea2f852p-4);
    e.p = FMA(t, q, top);
    e.s = power_of_two(shifted);
    return e;
}

/* float64: c e^a for a <= 0. 2^n is held as 2^(n + offset), a normal number for every a from `floor` on, where the
 * result is 0; c as c `factor`, moderate; and `back` takes both away last, with the one rounding of a subnormal
 * result. `unit` is 2^-offset, `shift` as in natural_power. None of it depends on the element where c does not. */
typedef struct { double factor, back, unit, shift, floor; } scaling;
INLINE scaling scaling_for(double c)
{
    int large = c > 0x1p400, small = c < 0x1p-800;
    scaling g;
    g.factor = large ? 0x1p-1010 : small ? 0x1p200 : 1.0;
    g.back = large ? 0x1p10 : small ? 0x1p-700 : 0x1p-500;
    g.unit = large ? 0x1p-1000 : 0x1p-500;
    g.shift = large ? EXP2_SHIFT + 1000.0 : EXP2_SHIFT + 500.0;
    g.floor = large ? -1400.0 : -1050.0;
    return g;
}

/* float64: s = e^a = power (y + yl) and 1 + s = d + dl. power = 2^n, 0 for n < -1074, scale = 2^(n + offset). */
typedef struct { double y, yl, power, scale, d, dl; } logistic;
INLINE double negative_abs(double x) { return from_bits(bits_of(x) | INT64_MIN); }
INLINE double magnitude(double x) { return from_bits(bits_of(x) & INT64_MAX); }
/* y where the mask (0 or -1) is set, else +0. */
INLINE double masked(double y, int64_t mask) { return from_bits(bits_of(y) & mask); }
/* y where the mask is set, else z. By comparisons GCC would compute what follows once for either. */
INLINE double chosen(int64_t mask, double y, double z) { return from_bits((bits_of(y) & mask) | (bits_of(z) & ~mask)); }
/* Clamps on the bits, where doubles of one sign stand in the order of their magnitudes: one integer minimum, where
 * GCC makes masks and moves of a comparison of doubles. at_least: no less than c < 0; at_most, no_less: no more than
 * c > 0, no less. A NaN may become c: the caller brings NaN in again. */
INLINE double at_least(double x, double c)
{
    uint64_t i = (uint64_t)bits_of(x), j = (uint64_t)bits_of(c);
    return from_bits((int64_t)(i < j ? i : j));
}
INLINE double at_most(double x, double c)
{
    int64_t i = bits_of(x), j = bits_of(c);
    return from_bits(i < j ? i : j);
}
INLINE double no_less(double x, double c)
{
    int64_t i = bits_of(x), j = bits_of(c);
    return from_bits(i > j ? i : j);
}
INLINE double with_sign_of(double y, double x)
{
    return from_bits((bits_of(y) & INT64_MAX) | (bits_of(x) & INT64_MIN));
}
INLINE double times_sign_of(double y, double x) { return from_bits(bits_of(y) ^ (bits_of(x) & INT64_MIN)); }
#endif

/* y * 2^n in two steps, so the one rounding is that into the subnormals. NARROW does not come here with another n
 * than 0. */
INLINE double FN(scale)(double y, double m)
{
    double h;
    if (NARROW)
        return y;
    h = FMA_EXACT(m - ROUND_SHIFT, 0.5, ROUND_SHIFT);
    return y * exp2_shifted(h) * exp2_shifted((m - h) + ROUND_SHIFT);
}

/* float64: x + xl = n ln2 + r + rl; returns n + ROUND_SHIFT. x - n LN2_HIGH is exact (|x| < 1100). */
INLINE double FN(exp_reduce)(double x, double xl, double *r, double *rl)
{
    double m = FMA(x, LOG2_E, ROUND_SHIFT), n = m - ROUND_SHIFT, t = FMA_EXACT(n, -LN2_HIGH, x);
    double s = FMA_EXACT(n, -LN2_LOW, t);
    *r = s + xl;
    *rl = FMA_EXACT(n, -LN2_LOW, t - s) + ((s - *r) + xl);
    return m;
}

/* float64: w(t) = r coth(r/2) - 2 = t (1/6 - ...), t = r^2, for |r| <= 1.002 ln2/2.
 * minimax.py "(sqrt(t)*coth(sqrt(t)/2)-2)/t" 0 "(log(2)/2*mpf('1.002'))**2" 5 --weight t: 2^-64.9 */
INLINE double FN(exp_w)(double r)
{
    double t = r * r, q;
    q = FMA(t, -0x1.1d6047db42662p-30, 0x1.669eb7a1fc6dbp-25);
    q = FMA(t, q, -0x1.bbd76f83c0286p-20);
    q = FMA(t, q, 0x1.1566abbdc2930p-14);
    q = FMA(t, q, -0x1.6c16c16c163cap-9);
    q = FMA(t, q, 0x1.5555555555555p-3);
    return t * q;
}

/* (n + nl)/(d + dl) = q + ql, |ql| of the order of an ulp; NARROW: n/d. The remainder n - qd is exact in fma, and one
 * division serves. */
INLINE double FN(quotient_tail)(double n, double nl, double d, double dl, double *ql)
{
    double i, q;
    *ql = 0.0;
    if (NARROW)
        return n / d;
    i = 1.0 / d;
    q = n * i;
    *ql = i * (FMA(-q, d, n) + (nl - q * dl));
    return q;
}
INLINE double FN(quotient)(double n, double nl, double d, double dl)
{
    double ql, q = FN(quotient_tail)(n, nl, d, dl, &ql);
    return NARROW ? q : q + ql;
}

/* float64: e^(a + al) = 2^n (1 + high + *low), |a| < 1420, m = n + shift, n next to a/ln2. e^r = 1 + r + r^2 p(r):
 * minimax.py "(exp(t)-1-t)/t**2" "(-log(2))/2*mpf('1.002')" "log(2)/2*mpf('1.002')" 9 --weight "t**2/exp(t)": 2^-57.9.
 * t = a - n LN2_HIGH and n LN2_LOW are exact; r's rounding, 2^-55, counts by the slope of r^2 p, 0.42 at most, and
 * v's own is 2^-55: together 0.36 ulp of 1 + v, v = high + low. */
INLINE double FN(exp_beyond_one)(double a, double al, double m, double shift, double *low)
{
    double n = m - shift, t = FMA_EXACT(n, -LN2_HIGH, a), l = FMA_EXACT(n, -LN2_LOW, al);
    double r = t + l, r2 = r * r, r4 = r2 * r2, p, q;
    p = FMA(r2, FMA(r, 0x1.1111111127945p-7, 0x1.555555555064ap-5),
            FMA(r, 0x1.55555555554fap-3, 0x1.000000000000ap-1));
    q = FMA(r2, FMA(r, 0x1.ad88aa098779cp-26, 0x1.28ae88b4a038dp-22),
            FMA(r, 0x1.71df20c41f287p-19, 0x1.a01998db11a25p-16));
    q = FMA(r2, q, FMA(r, 0x1.a01a012bceb67p-13, 0x1.6c16c1849e179p-10));
    *low = FMA(r2, FMA(r4, q, p), l);
    return t;
}

/* float64: s = e^(a + al) as a fraction of 1, g.floor <= a <= 0. yl and dl are exact: products with powers of 2 are. */
INLINE logistic FN(logistic_parts)(double a, double al, scaling g)
{
    logistic e;
    double m = FMA(a, LOG2_E, g.shift), low, v = FN(exp_beyond_one)(a, al, m, g.shift, &low) + low;
    e.scale = power_of_two(m);
    e.power = e.scale * g.unit;
    e.y = 1.0 + v;
    e.yl = v - (e.y - 1.0);
    e.d = FMA_EXACT(e.power, e.y, 1.0);
    e.dl = FMA_EXACT(e.power, e.yl, FMA_EXACT(e.power, e.y, 1.0 - e.d));
    return e;
}

/* float64: 1/(1 + s e^r), e^r = 1 + high + low, as i and the relative error of i: i (1 + rest), by one division. `one`
 * stands for 1, s is 2^n as many times as large, i as much smaller. The divisor is d + l: one + s + s high rounds to d,
 * l has the rest of that sum, which each step takes exactly while 1 and s are within 2^53 of each other, and s low. So
 * the sign of n does not matter, and neither numerator nor sides are to choose. */
INLINE double FN(sigma_parts)(double high, double low, double s, double one, double *rest)
{
    double t = s * high, d = (one + s) + t, l = FMA_EXACT(s, low, ((s - d) + one) + t), i = 1.0 / (d + l);
    *rest = FMA(-i, l, FMA(-i, d, 1.0));
    return i;
}
