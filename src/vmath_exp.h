/* Primitives of the smooth family, in double. Template: SUFFIX and NARROW (1: the result is rounded once more, to float32 or a half
 * type; 0: float64, where error terms are kept). Coefficients: minimax.py, calls quoted.
 *
 * Every exponential here is 2^n times a quotient. With n = rint(x/ln2), r = x - n ln2, |r| <= ln2/2, and the even function
 * r coth(r/2) = 2 + w(r^2):
 *
 *     e^x = 2^n (2 + w + r)/(2 + w - r)
 *
 * so that sigmoid, tanh, expm1 and their derivatives are one quotient each, without cancellation where n = 0:
 * (e^x - 1)/(e^x + 1) = r/(2 + w).
 */
#include "base.h"

#ifndef RELU_C_VMATH_ONCE
#define RELU_C_VMATH_ONCE
#define ROUND_SHIFT 0x1.8p52           /* x + this: the nearest integer stands in the low bits */
#define LOG2_E 0x1.71547652b82fep+0
#define LN2_HIGH 0x1.62e42fefa3800p-1  /* 42 bits, so n*LN2_HIGH is exact for |n| < 2^11 */
#define LN2_LOW 0x1.ef35793c76800p-45  /* the next 42; LN2_HIGH + LN2_LOW = ln2 (1 + 2^-86) */

/* 2^n from n + ROUND_SHIFT, -1023 <= n <= 1024; the ends give 0 and inf. */
INLINE double exp2_shifted(double m)
{
    return from_bits((int64_t)((uint64_t)bits_of(m) << 52) + (int64_t)0x3ff0000000000000);
}
INLINE double negative_abs(double x) { return from_bits(bits_of(x) | INT64_MIN); }
INLINE double magnitude(double x) { return from_bits(bits_of(x) & INT64_MAX); }
INLINE double with_sign_of(double y, double x)
{
    return from_bits((bits_of(y) & INT64_MAX) | (bits_of(x) & INT64_MIN));
}
#endif

/* y * 2^n. NARROW: -1023 <= n <= 1024. float64: two steps, so the one rounding is that into the subnormals. */
INLINE double FN(scale)(double y, double m)
{
    double h;
    if (NARROW)
        return y * exp2_shifted(m);
    h = FMA_EXACT(m - ROUND_SHIFT, 0.5, ROUND_SHIFT);
    return y * exp2_shifted(h) * exp2_shifted((m - h) + ROUND_SHIFT);
}

/* x + xl = n ln2 + r + rl; returns n + ROUND_SHIFT. x - n LN2_HIGH is exact (|x| < 1100). */
INLINE double FN(exp_reduce)(double x, double xl, double *r, double *rl)
{
    double m = FMA(x, LOG2_E, ROUND_SHIFT), n = m - ROUND_SHIFT, t = FMA_EXACT(n, -LN2_HIGH, x);
    double s = FMA_EXACT(n, -LN2_LOW, t);
    *r = s + xl;
    *rl = NARROW ? 0.0 : FMA_EXACT(n, -LN2_LOW, t - s) + ((s - *r) + xl);
    return m;
}

/* w/t in w(t) = r coth(r/2) - 2 = t (1/6 - ...), t = r^2, for |r| <= 1.002 ln2/2.
 * NARROW: minimax.py "(sqrt(t)*coth(sqrt(t)/2)-2)/t" 0 "(log(2)/2*mpf('1.002'))**2" 4 --weight t : absolute 2^-59.0, in e^r 2^-61.4
 * float64: the same of degree 5: 2^-64.9 */
INLINE double FN(exp_w_over_t)(double r, double *t)
{
    double q;
    *t = r * r;
    if (NARROW) {
        q = FMA(*t, 0x1.63747bac36bd5p-25, -0x1.bbd4184a7ce22p-20);
        q = FMA(*t, q, 0x1.1566aaf117b15p-14);
        q = FMA(*t, q, -0x1.6c16c16beb928p-9);
        q = FMA(*t, q, 0x1.555555555553ep-3);
    } else {
        q = FMA(*t, -0x1.1d6047db42662p-30, 0x1.669eb7a1fc6dbp-25);
        q = FMA(*t, q, -0x1.bbd76f83c0286p-20);
        q = FMA(*t, q, 0x1.1566abbdc2930p-14);
        q = FMA(*t, q, -0x1.6c16c16c163cap-9);
        q = FMA(*t, q, 0x1.5555555555555p-3);
    }
    return q;
}

INLINE double FN(exp_w)(double r)
{
    double t, q = FN(exp_w_over_t)(r, &t);
    return t * q;
}

/* (n + nl)/(d + dl) = q + ql, |ql| of the order of an ulp; NARROW: n/d. The remainder n - qd is exact in fma, and one division serves. */
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

/* The polynomial exponential, without a division: e^(x + xl) = 2^n (y + yl); returns n + ROUND_SHIFT. |x| < 1100, |xl| small; yl = 0 if NARROW.
 * e^r = 1 + r + r^2 p(r), p of degree 9 (NARROW; relative 2^-57.3) or 10 (2^-61.9):
 * minimax.py "(exp(t)-1-t)/t**2" "(-log(2))/2*mpf('1.002')" "log(2)/2*mpf('1.002')" 9 --weight "t**2/exp(t)" --fix 0.5 */
INLINE double FN(exp_tail)(double x, double xl, double *y, double *yl)
{
    double r, rl, u, ul, m = FN(exp_reduce)(x, xl, &r, &rl), t = r * r, q;
    if (NARROW) {
        q = FMA(r, 0x1.ad2022d207bf7p-26, 0x1.28a04046713e5p-22);
        q = FMA(r, q, 0x1.71df5690ee4c2p-19);
        q = FMA(r, q, 0x1.a019aa84e386dp-16);
        q = FMA(r, q, 0x1.a01a011b06a71p-13);
        q = FMA(r, q, 0x1.6c16c17cf3f17p-10);
        q = FMA(r, q, 0x1.1111111128cf3p-7);
        q = FMA(r, q, 0x1.555555555317dp-5);
        q = FMA(r, q, 0x1.5555555555500p-3);
        q = FMA(r, q, 0.5);
        *y = 1.0 + FMA(t, q, r);
        *yl = 0.0;
    } else {
        q = FMA(r, 0x1.1f75a09130c85p-29, 0x1.af4f14e933c3dp-26);
        q = FMA(r, q, 0x1.27e4d9ce0a06bp-22);
        q = FMA(r, q, 0x1.71de01941f268p-19);
        q = FMA(r, q, 0x1.a01a01a786cd2p-16);
        q = FMA(r, q, 0x1.a01a01ac21793p-13);
        q = FMA(r, q, 0x1.6c16c16c160ebp-10);
        q = FMA(r, q, 0x1.1111111110053p-7);
        q = FMA(r, q, 0x1.5555555555556p-5);
        q = FMA(r, q, 0x1.5555555555557p-3);
        q = FMA(r, q, 0.5);
        u = fast_two_sum(r, t * q, &ul);
        *y = fast_two_sum(1.0, u, yl);
        *yl += ul + rl;
    }
    return m;
}

/* e^x for x <= 709 (NARROW: x <= 700; 0 below -709). NaN stays. */
INLINE double FN(exp)(double x)
{
    double y, yl, m;
    x = x < (NARROW ? -709.1 : -746.0) ? (NARROW ? -709.1 : -746.0) : x;
    m = FN(exp_tail)(x, 0.0, &y, &yl);
    return FN(scale)(NARROW ? y : y + yl, m);
}
