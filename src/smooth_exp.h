/* Formulas of the smooth family, part 1: everything that is one exponential quotient (vmath_exp.h). Template: SUFFIX,
 * `real`, NARROW.
 *
 * With a = -|z| = n ln2 + r, s = 2^n <= 1, A = 2 + w + r, B = 2 + w - r and D = B + sA:
 *     sigma(|z|) = B/D,   sigma(-|z|) = sA/D,   e^a = sA/B.
 * float64 clamps a where s becomes 0, beyond the subnormals, so every limit and every closed gate is an exact 0; or, as
 * 1/(1 + e^-z) takes z of either sign, it chooses the limit last.
 * NARROW has x of either sign in the quotient, and chooses the saturated pieces last (vmath_exp.h).
 *
 * Ties. A double sum near 1/2 (1) cannot hold a term below 2^-54 (2^-53); where the terms above it end exactly half
 * way between two float32 numbers, that term decides. The NARROW formulas then push s, or take another constant
 * `two`, by a few units to the side of the true value; tools/nudge.py finds these numbers. */

#ifndef RELU_C_SMOOTH_EXP_ONCE
#define RELU_C_SMOOTH_EXP_ONCE
#define SELU_SCALE 0x1.0cfabd6a91132p+0          /* lambda = 1.05070098735548049341933..., 0.18 ulp below it */
#define SELU_SCALE_ALPHA 0x1.c212cc640f031p+0    /* lambda alpha = 1.75809934084737685994..., + the next line */
#define SELU_SCALE_ALPHA_LOW 0x1.05161b045a1f1p-56
#define QUICK_GELU 0x1.b3b645a1cac08p+0          /* 1.702 */
#define QUICK_GELU_LOW 0x1.89374bc6a7efap-55
#define QUICK_GELU_OVER_LN2 0x1.3a4cbdc7ee26bp+1
#define QUICK_GELU_OVER_LN2_LOW 0x1.68797025e71e1p-54
#define GELU_TANH_LINEAR 0x1.9884533d44000p+0    /* 2 sqrt(2/pi) in 40 bits, + the next line */
#define GELU_TANH_LINEAR_LOW -0x1.35ee5e0698760p-41
#define GELU_TANH_CUBIC 0x1.2444f2a4d8b4bp-4     /* 2 sqrt(2/pi) 0.044715 */
#define GELU_TANH_CUBIC_LOW -0x1.6c843a29d1c70p-61

/* Found by tools/nudge.py: see there for what they do. */
#define SIGMOID_TWO 0x1.ffffffffffffap+0
#define SIGMOID_PUSH 0x1p-51
#define SILU_SLOPE_TWO 0x1.ffffffffffff8p+0
#define SILU_SLOPE_PUSH -0x1p-51
#define QUICK_GELU_PUSH -0x1p-51
#define QUICK_GELU_SLOPE_TOP 0x1.71547652b82fbp+1
#define QUICK_GELU_SLOPE_SQUARE 0x1p-51
#define GELU_TANH_PUSH 0x1.8p-52
#define GELU_TANH_SLOPE_TWO 0x1.ffffffffffff8p+0
#define GELU_TANH_SLOPE_PUSH 0x1.8p-53
#define GELU_TANH_SLOPE_SQUARE 0x1p-50
#define TANH_SHRINK_TWO 0x1.0000000000004p+1
#define TANH_SHRINK_ONE 0x1.ffffffffffffep-1     /* rights +-0x1.b1c146p+1 */
#define TANH_SHRINK_SLOPE_TWO 0x1.0000000000001p+1
#define SQUAREPLUS_SLOPE_LOSS 0x1p-52
#define MISH_SLOPE_ONE 0x1.0000000000001p+0
#endif

/* float64: the clamp of a below which 2^n is 0, n = -2046 in two steps; so low because a large factor may stand
 * before it. */
#define EXPONENT_FLOOR -1418.2

/* A power of two that brings c to where the errors of its products are normal numbers (float64). */
INLINE double FN(moderating_power)(double c)
{
    double k = c < 0x1p-800 ? 0x1p200 : 1.0;
    return c > 0x1p800 ? 0x1p-200 : k;
}

/* float64: a, al -> n (returned, shifted), r, rl, w and A, B with their errors. */
INLINE double FN(exp_parts)(double a, double al, double *r, double *rl, double *w, double *A, double *Al, double *B,
                            double *Bl)
{
    double m = FN(exp_reduce)(a, al, r, rl), p, e;
    *w = FN(exp_w)(*r);
    p = fast_two_sum(2.0, *w, &e);
    *A = fast_two_sum(p, *r, Al);
    *B = fast_two_sum(p, -*r, Bl);
    *Al += e + *rl;
    *Bl += e - *rl;
    return m;
}

/* D = B + sA, sA = A 2^n. */
INLINE double FN(logistic_denominator)(double b, double bl, double sa, double sal, double *dl)
{
    double d = b + sa;
    *dl = ((b - d) + sa) + (bl + sal);
    return d;
}

/* float64: 2^500 sigma(z) = 2^500/(1 + e^-z) as i (1 + rest), a + al = -z, SIGMA_LEAST <= z <= SIGMA_MOST,
 * m = a/ln2 + SIGMA_SHIFT. So the product with 2^-500, the last operation, is the one rounding of a subnormal result. */
#define SIGMA_SHIFT (EXP2_SHIFT - 500.0)
#define SIGMA_BACK 0x1p-500
#define SIGMA_LEAST -1050.0 /* sigma is 0 there, also with the x before it */
#define SIGMA_MOST 300.0    /* 1 from 38 on */
INLINE double FN(scaled_sigma)(double a, double al, double m, double *rest)
{
    double low, high = FN(exp_beyond_one)(a, al, m, SIGMA_SHIFT, &low);
    return FN(sigma_parts)(high, low, power_of_two(m), SIGMA_BACK, rest);
}

/* float64: sigma(z), -z = a + al. */
INLINE double FN(logistic_function)(double z, double al)
{
    double a = z > SIGMA_MOST ? -SIGMA_MOST : -z, rest, i;
    al = z > SIGMA_MOST ? -0.0 : al;
    i = FN(scaled_sigma)(a, al, FMA(a, LOG2_E, SIGMA_SHIFT), &rest);
    return z < SIGMA_LEAST ? 0.0 : FMA(i, rest, i) * SIGMA_BACK;
}

/* NARROW: sigma(x) = B/(B + sA) with e^-x, |x| <= EXP_MOST. Tie: sigma(x) = 1/2 + x/4 - x^3/48: 2^-51
 * more, or less for x < 0, in s = 1
 * moves either half towards 1/2 by 2^-53. */
INLINE double FN(sigmoid_quotient)(double x)
{
    power e = natural_power(-x, -0.0, SIGMOID_TWO);
    double B = e.p - e.r;
    return B / FMA(e.s + with_sign_of(SIGMOID_PUSH, x), e.p + e.r, B);
}

/* NARROW: dy sigma, where the quotient is of use or not. */
INLINE real FN(saturated)(real dy, int closed, int open, double quotient)
{
    real y = (real)(dy * quotient);
    y = closed ? 0 : y;
    return open ? dy : y;
}

INLINE real FN(sigmoid)(real x)
{
    if (NARROW)
        return FN(saturated)(1, x < -EXP_MOST, x > EXP_MOST, FN(sigmoid_quotient)(x));
    return FN(logistic_function)(x, -0.0);
}

/* dy c e^a/(1 + e^a)^2 = dy c sAB/D^2, a <= 0; float64: dy c 2^n y/d^2. NARROW: -EXP_MOST <= a. */
INLINE double FN(logistic_slope)(double dy, double a, double c)
{
    double A, B, D, P, Pl, i, q;
    scaling g;
    logistic f;
    if (NARROW) {
        power e = natural_power(a, -0.0, 2.0);
        A = e.s * (e.p + e.r);
        B = e.p - e.r;
        D = B + A;
        return dy * (c * (A * B) / (D * D));
    }
    g = scaling_for(magnitude(c));
    f = FN(logistic_parts)(a < g.floor ? g.floor : a, -0.0, g);
    P = two_product(f.d, f.d, &Pl);
    Pl = FMA(f.d + f.d, f.dl, Pl);
    i = 1.0 / P;
    q = f.y * i;
    q = FMA(i, FMA(-q, P, f.y) + FMA(-q, Pl, f.yl), q);
    return gate(dy, q * (c * g.factor) * f.scale * g.back);
}

INLINE real FN(sigmoid_grad)(real dy, real x)
{
    real y = (real)FN(logistic_slope)(dy, negative_abs(x), 1.0);
    return NARROW && fabs(x) > EXP_MOST ? 0 : y;
}

/* y (1 - y), at +inf too, where it would be NaN. */
INLINE double FN(sigmoid_grad_from_output)(double dy, double y)
{
    y = y > 1.0 ? 1.0 : y;
    return gate_of_output(dy, FMA(-y, y, y));
}

/* NARROW: (e^z - 1) B = (s - 1) p + (s + 1) r: 2r where n = 0, so relatively exact near 0. */
INLINE double FN(expm1_numerator)(power e) { return FMA(e.s - 1.0, e.p, (e.s + 1.0) * e.r); }

/* NARROW: (e^z + 1) B = (s + 1) p + (s - 1) r */
INLINE double FN(tanh_denominator)(power e) { return FMA(e.s + 1.0, e.p, (e.s - 1.0) * e.r); }

/* float64: tanh = (e^2a - 1)/(e^2a + 1) on a = -|x|. It is -1 + 2sA/D, or 2r/D where n = 0. Between neighbours e^2a
 * grows by 2^-53 of itself or more, the quotient's error is 2^-60 of it, and the last sum rounds once: the result is
 * monotone. */
INLINE double FN(tanh_quotient)(double a, double *ql)
{
    double r, rl, w, A, Al, B, Bl, D, Dl, s, q, e, m = FN(exp_parts)(a + a, -0.0, &r, &rl, &w, &A, &Al, &B, &Bl);
    s = exp2_shifted(m);
    D = FN(logistic_denominator)(B, Bl, s * A, s * Al, &Dl);
    q = FN(quotient_tail)(2.0 * (s == 1.0 ? r : s * A), 2.0 * (s == 1.0 ? rl : s * Al), D, Dl, ql);
    q = fast_two_sum(s == 1.0 ? 0.0 : -1.0, q, &e);
    *ql += e;
    return q;
}

INLINE real FN(tanh)(real x)
{
    double a = negative_abs(x), q, ql;
    if (NARROW) {
        power e = natural_power(2.0 * x, -0.0, 2.0); /* of -x: the same but for signs and powers of 2 */
        real y = (real)(FN(expm1_numerator)(e) / FN(tanh_denominator)(e));
        y = fabs(x) > EXP_MOST / 2 ? 1 : y;
        return copysign(y, x);
    }
    a = a < -20.0 ? -20.0 : a;
    q = FN(tanh_quotient)(a, &ql);
    return with_sign_of(q + ql, x);
}

/* 1 - tanh^2 = 4 sigma(2x) sigma(-2x) */
INLINE real FN(tanh_grad)(real dy, real x)
{
    double a = negative_abs(x);
    real y = (real)FN(logistic_slope)(dy, a + a, 4.0);
    return NARROW && fabs(x) > EXP_MOST / 2 ? 0 : y;
}

INLINE double FN(tanh_grad_from_output)(double dy, double y) { return gate_of_output(dy, FMA(-y, y, 1.0)); }

/* The tail of -|z|. Where there is none the callers pass the constant -0.0, and the compiler drops its additions. */
INLINE double FN(tail_of)(double z, double zl) { return from_bits(bits_of(zl) ^ (~bits_of(z) & INT64_MIN)); }

/* NARROW: x sigma(z) = x B/(B + sA) with e^-z, saturated where |side| > most; side is z, or x with a `most` of its own.
 * Tie: for tiny x the value is x/2 + xz/4, and x/2 of an odd subnormal float32 is one, which the second term decides:
 * `tie` stands in for it, 2^-177, two of the last bits of the largest such x/2, with the sign of z/x; a normal x/2 is a
 * float32 number, and no tie. `push` multiplies s by 1 + push; with the sign of -z it decides these ties too. */
#define SUBNORMAL_TIE 0x1p-177
INLINE real FN(gate_open)(real x, power e, double tie, double push, real side, real most)
{
    double s = push == 0.0 ? e.s : FMA(e.s, push, e.s);
    double B = e.p - e.r, q = B / FMA(s, e.p + e.r, B);
    real y = (real)FMA(x, q, tie);
    y = side < -most ? 0 : y;
    y = side > most ? x : y;
    return copysign(y, x);
}

/* float64: x sigma(z), a + al = -z and m as in scaled_sigma. */
INLINE double FN(gated_unit)(double x, double a, double al, double m)
{
    double rest, i = FN(scaled_sigma)(a, al, m, &rest);
    return FMA(x, i, x * i * rest) * SIGMA_BACK;
}

/* NARROW: the derivative of x sigma(z(x)), t = x dz/dx: sigma(1 + t sigma(-z)) = sA (B (1 + t) + sA)/D^2 with e^z and
 * g = 1 + t; from z = 41 on it is 1. push, side and most as in gate_open, `one` is the side of z = 41 or more; square
 * is added to D^2: both right the last inputs. */
INLINE real FN(gate_slope)(real dy, double g, power e, double push, double square, real side, real one, real most)
{
    double s = push == 0.0 ? e.s : FMA(e.s, push, e.s);
    double A = s * (e.p + e.r), B = e.p - e.r, D = A + B;
    real y = (real)(dy * (A * FMA(B, g, A) / (square == 0.0 ? D * D : FMA(D, D, square))));
    y = side > one ? dy : y;
    return side < -most ? 0 : y;
}

/* float64: the same, a + al = -|z| and t with tl; a from scaling_for(1)'s floor on. (1 + s + t)s/(1 + s)^2 for z < 0,
 * else (1 + s + st)/(1 + s)^2. Near the root -2 < t < -1, k is exact; elsewhere its tail may be lost, half an ulp. */
INLINE double FN(gated_unit_grad)(int64_t negative, double a, double al, double t, double tl)
{
    scaling g = scaling_for(1.0);
    logistic e = FN(logistic_parts)(a, al, g);
    double c = chosen(negative, 1.0, e.power * e.y), cl = masked(e.power * e.yl, ~negative);
    double k = FMA(c, t, e.d), kl = FMA(c, t, e.d - k) + FMA(cl, t, e.dl), f, fl, N, Nl, P, Pl, i, q;
    kl = tl == 0.0 ? kl : FMA(c, tl, kl);
    P = two_product(e.d, e.d, &Pl);
    Pl = FMA(e.d + e.d, e.dl, Pl);
    i = 1.0 / P;
    f = chosen(negative, e.y, 1.0);
    fl = masked(e.yl, negative);
    N = two_product(f, k, &Nl);
    Nl = FMA(fl, k, FMA(f, kl, Nl));
    q = N * i;
    q = FMA(i, FMA(-q, P, N) + FMA(-q, Pl, Nl), q);
    return q * chosen(negative, e.scale, 1.0 / g.unit) * g.back;
}

/* float64, x sigma(z) beyond `most`, where sigma is 1 to the last bit: x, also where it is inf or NaN. */
INLINE double FN(saturate)(double x, double y, double most) { return x <= most ? y : x; }

INLINE real FN(silu)(real x)
{
    double w, m;
    if (NARROW)
        return FN(gate_open)(x, natural_power(-(double)x, -0.0, 2.0), SUBNORMAL_TIE, 0.0, x, EXP_MOST);
    w = at_least(x, SIGMA_LEAST);
    m = FMA(-w, LOG2_E, SIGMA_SHIFT);
    return FN(saturate)(x, FN(gated_unit)(w, -w, -0.0, m), SIGMA_MOST);
}

INLINE real FN(silu_grad)(real dy, real x)
{
    double f = scaling_for(1.0).floor, a = negative_abs(x);
    if (NARROW)
        return FN(gate_slope)(dy, 1.0 + x, natural_power(x, -0.0, SILU_SLOPE_TWO),
                              times_sign_of(SILU_SLOPE_PUSH, x), 0.0, x, 41, EXP_MOST);
    a = a < f ? f : a;
    return gate(dy, FN(gated_unit_grad)(bits_of(x) >> 63, a, -0.0, with_sign_of(a, x), -0.0));
}

/* z = beta x; an infinite x times beta = 0 is 0. The product of two float32 numbers is exact. */
INLINE double FN(swish_argument)(double x, double beta, double *zl)
{
    double z = ((beta == 0.0) & (x == x)) ? 0.0 : beta * x, e;
    *zl = -0.0;
    if (NARROW)
        return z;
    e = FMA(beta, x, -z);
    *zl = magnitude(z) > 0x1p-60 ? e : 0.0;
    return z;
}

/* float64: as gated_unit, but x may be anything where sigma is not yet 0: of 2^-n sigma has no more than a normal number
 * holds, the last factor the rest. sigma is times k where x may be small, the last factor holds 1/k. */
INLINE real FN(swish)(real x, real beta)
{
    double z = (double)beta * x, k = magnitude(beta) > 0x1p-700 ? 0x1p200 : 1.0;
    double shift = EXP2_SHIFT - (k == 1.0 ? 0.0 : 200.0), m, first, high, low, i, rest, y;
    int64_t zero;
    if (NARROW) { /* a NaN comes back with x */
        z = beta == 0 ? 0.0 : z;
        return FN(gate_open)(x, natural_power(-z, -0.0, 2.0), beta == 0 ? 0.0 : with_sign_of(SUBNORMAL_TIE, beta), 0.0,
                             beta * x, EXP_MOST);
    }
    m = FMA(-z, LOG2_E, shift);
    high = FN(exp_beyond_one)(-z, FMA(-beta, x, z), m, shift, &low);
    first = at_most(m, EXP2_SHIFT + 1020.0);
    i = FN(sigma_parts)(high, low, power_of_two(first), 1.0 / k, &rest);
    y = FMA(x, i, x * i * rest);
    y *= from_bits(bits_of(1.0 / k) - (int64_t)((uint64_t)(bits_of(m) - bits_of(first)) << 52));
    zero = bits_of(x) & INT64_MIN;
    y = from_bits(bits_of(y) | zero); /* -0, where a product is 0 */
    y = z <= SIGMA_MOST ? y : x;      /* a NaN, which also an infinite x with beta = 0 gives, ends as x */
    return z < -1414.0 ? from_bits(zero) : y;
}

INLINE real FN(swish_grad)(real dy, real x, real beta)
{
    double f = scaling_for(1.0).floor, zl, z = FN(swish_argument)(x, beta, &zl), a = negative_abs(z);
    if (NARROW) { /* silu's constants for silu only: the push costs half an ulp beside the root */
        int silu = beta == 1;
        return FN(gate_slope)(dy, 1.0 + z, natural_power(z, -0.0, silu ? SILU_SLOPE_TWO : 2.0),
                              silu ? times_sign_of(SILU_SLOPE_PUSH, z) : 0.0, 0.0, beta * x, 41, EXP_MOST);
    }
    zl = a < f ? 0.0 : zl;
    a = a < f ? f : a;
    return gate(dy, FN(gated_unit_grad)(bits_of(z) >> 63, a, FN(tail_of)(z, zl), with_sign_of(a, z), zl));
}

/* float64: z = 1.702 x = -(a + al) for x = w <= 0; where w is tiny al counts nowhere. */
INLINE double FN(quick_gelu_argument)(double w, double *al)
{
    double a = QUICK_GELU * w;
    *al = FMA(QUICK_GELU_LOW, w, FMA(QUICK_GELU, w, -a));
    return a;
}
INLINE real FN(quick_gelu)(real x)
{
    double w, a, al, m;
    if (NARROW)
        return FN(gate_open)(x, binary_power(x, -QUICK_GELU_OVER_LN2, 0.0, TWO_OVER_LN2), 0.0,
                             times_sign_of(QUICK_GELU_PUSH, x), x, EXP_MOST / 2);
    w = at_least(x, SIGMA_LEAST / 2);
    a = FN(quick_gelu_argument)(w, &al);
    m = FMA(-w, QUICK_GELU_OVER_LN2, SIGMA_SHIFT);
    return FN(saturate)(x, FN(gated_unit)(w, -a, -al, m), SIGMA_MOST / 2);
}
INLINE real FN(quick_gelu_grad)(real dy, real x)
{
    double f = scaling_for(1.0).floor / 1.702, w = negative_abs(x), a, al;
    if (NARROW)
        return FN(gate_slope)(dy, FMA(QUICK_GELU, x, 1.0),
                              binary_power(x, QUICK_GELU_OVER_LN2, QUICK_GELU_OVER_LN2_LOW, QUICK_GELU_SLOPE_TOP), 0.0,
                              QUICK_GELU_SLOPE_SQUARE, x, 25, EXP_MOST / 2);
    a = FN(quick_gelu_argument)(w < f ? f : w, &al);
    return gate(dy, FN(gated_unit_grad)(bits_of(x) >> 63, a, al, with_sign_of(a, x), FN(tail_of)(x, al)));
}

/* z = x (c0 + c1 x^2); c0 + c1 x^2 = q + ql: c0 has 40 bits, so c0 - q is exact. |x| <= 22. */
INLINE double FN(gelu_tanh_argument)(double x, double *zl, double *t, double *tl)
{
    double x2 = x * x, x2l = FMA(x, x, -x2), q = FMA(GELU_TANH_CUBIC, x2, GELU_TANH_LINEAR), ql, z, u, ul;
    ql = FMA(GELU_TANH_CUBIC, x2, GELU_TANH_LINEAR - q) + FMA(GELU_TANH_CUBIC_LOW, x2, GELU_TANH_LINEAR_LOW);
    ql += NARROW ? 0.0 : GELU_TANH_CUBIC * x2l;
    z = x * q;
    *zl = FMA(x, q, -z) + x * ql;
    u = FMA(2.0 * GELU_TANH_CUBIC, x2, q);
    ul = FMA(2.0 * GELU_TANH_CUBIC, x2, q - u) + ql;
    ul += NARROW ? 0.0 : 2.0 * GELU_TANH_CUBIC * x2l;
    *t = x * u;
    *tl = FMA(x, u, -*t) + x * ul;
    return z;
}
#define GELU_TANH_SATURATED 22.0 /* z is 794 there */
#define GELU_TANH_OPEN 12.0      /* 142 */
#define GELU_TANH_MOST 20        /* for narrower types; z is 603 */
INLINE real FN(gelu_tanh)(real x)
{
    double w, z, zl, t, tl, m;
    if (NARROW) {
        z = FN(gelu_tanh_argument)(x, &zl, &t, &tl);
        return FN(gate_open)(x, natural_power(-z, -zl, 2.0), SUBNORMAL_TIE, times_sign_of(GELU_TANH_PUSH, x),
                             x, GELU_TANH_MOST);
    }
    w = at_least(x, -GELU_TANH_SATURATED);
    z = FN(gelu_tanh_argument)(w, &zl, &t, &tl);
    m = FMA(-z, LOG2_E, SIGMA_SHIFT);
    return FN(saturate)(x, FN(gated_unit)(w, -z, -zl, m), GELU_TANH_OPEN);
}
INLINE real FN(gelu_tanh_grad)(real dy, real x)
{
    double f = GELU_TANH_SATURATED, w = negative_abs(x), z, zl, t, tl;
    if (NARROW) {
        z = FN(gelu_tanh_argument)(x, &zl, &t, &tl);
        return FN(gate_slope)(dy, (1.0 + t) + tl, natural_power(z, zl, GELU_TANH_SLOPE_TWO),
                              times_sign_of(GELU_TANH_SLOPE_PUSH, x), GELU_TANH_SLOPE_SQUARE, x, 8, GELU_TANH_MOST);
    }
    z = FN(gelu_tanh_argument)(w < -f ? -f : w, &zl, &t, &tl);
    return gate(dy, FN(gated_unit_grad)(bits_of(x) >> 63, z, zl, with_sign_of(t, x), FN(tail_of)(x, tl)));
}

/* (c + cl) q + (0 or -(c + cl)), q = n/d: the end of c (e^z - 1) in float64, monotone as tanh is. c is scaled by k,
 * which `back` undoes. */
INLINE double FN(expm1_end)(double n, double nl, double d, double dl, double c, double cl, int near, double back)
{
    double ql, e, pl, q = FN(quotient_tail)(n, nl, d, dl, &ql), p;
    q = fast_two_sum(q, ql, &ql);
    p = c * q;
    e = FMA(c, q, -p);
    /* q itself may be tiny: then it is exact, and so is c q but for one rounding */
    e = magnitude(p) > 0x1p-900 ? e : 0.0;
    p = fast_two_sum(near ? 0.0 : -c, p, &pl);
    return (p + (pl + (e + (c * ql + cl * q) - (near ? 0.0 : cl)))) * back;
}

/* dy c e^(z + zl) for z <= 0. NARROW: -EXP_MOST <= z. float64: c (1 + v) rounds once. */
INLINE double FN(scaled_exp)(double dy, double c, double z, double zl)
{
    scaling g;
    double v, m, low;
    if (NARROW) {
        power e = binary_power(z, LOG2_E, 0.0, TWO_OVER_LN2);
        return dy * c * (e.s * (e.p + e.r)) / (e.p - e.r);
    }
    g = scaling_for(c);
    zl = z < g.floor ? -0.0 : zl;
    z = z < g.floor ? g.floor : z;
    m = FMA(z, LOG2_E, g.shift);
    v = FN(exp_beyond_one)(z, zl, m, g.shift, &low);
    v += low;
    c *= g.factor;
    return gate(dy, FMA(c, v, c) * power_of_two(m) * g.back);
}

/* (c + cl)(e^z - 1) for z <= 0. NARROW: -EXP_MOST <= z. */
INLINE double FN(scaled_expm1)(double c, double cl, double z, double zl)
{
    double r, rl, w, A, Al, B, Bl, m, s, k;
    if (NARROW) {
        power e = natural_power(z, -0.0, 2.0);
        return c * FN(expm1_numerator)(e) / (e.p - e.r);
    }
    zl = z < -40.0 ? -0.0 : zl;
    z = z < -40.0 ? -40.0 : z;
    m = FN(exp_parts)(z, zl, &r, &rl, &w, &A, &Al, &B, &Bl);
    s = exp2_shifted(m);
    k = FN(moderating_power)(c);
    m = FN(expm1_end)(s == 1.0 ? 2.0 * r : s * A, s == 1.0 ? 2.0 * rl : s * Al, B, Bl, c * k, cl * k, s == 1.0,
                      1.0 / k);
    return with_sign_of(m, z);
}

/* Up to `least` the left piece is constant: for narrower types, and everywhere where alpha is 0. */
INLINE real FN(elu_least)(real alpha) { return alpha == 0 ? 0 : NARROW ? -EXP_MOST : -(real)INFINITY; }
INLINE real FN(elu)(real x, real alpha)
{
    real y = (real)FN(scaled_expm1)(alpha, 0.0, x, -0.0);
    y = x >= 0 ? x : y;
    return x <= FN(elu_least)(alpha) ? 0 - alpha : y;
}
INLINE real FN(elu_grad)(real dy, real x, real alpha)
{
    double d = FN(scaled_exp)(NARROW ? dy : 1.0, alpha, x, -0.0);
    real y = (real)(NARROW ? d : gate(dy, d)); /* an alpha next to 0 closes it before e^x does */
    y = x <= FN(elu_least)(alpha) ? 0 : y;
    return x > 0 ? dy : y;
}
INLINE double FN(elu_grad_from_output)(double dy, double y, double alpha)
{
    return gate_of_output(dy, y > 0.0 ? 1.0 : y + alpha);
}

INLINE real FN(selu)(real x)
{
    double d = FN(scaled_expm1)(SELU_SCALE_ALPHA, SELU_SCALE_ALPHA_LOW, x, -0.0);
    real y = (real)(x >= 0.0 ? SELU_SCALE * x : d);
    return NARROW && x < -EXP_MOST ? (real)-SELU_SCALE_ALPHA : y;
}
INLINE real FN(selu_grad)(real dy, real x)
{
    double d = FN(scaled_exp)(dy, SELU_SCALE_ALPHA, x, -0.0);
    real y = (real)(x > 0.0 ? dy * SELU_SCALE : d);
    return NARROW && x < -EXP_MOST ? 0 : y;
}
INLINE double FN(selu_grad_from_output)(double dy, double y)
{
    return gate_of_output(dy, y > 0.0 ? SELU_SCALE : (y + SELU_SCALE_ALPHA) + SELU_SCALE_ALPHA_LOW);
}

/* z = x/alpha as a product with 1/alpha (which the loop hoists for a scalar alpha) and its tail. NARROW saturates where
 * x <= -EXP_MOST alpha. float64 scales an extreme alpha first. */
INLINE double FN(celu_argument)(double x, double alpha, double *zl)
{
    double c, v, z, e;
    if (NARROW) {
        *zl = -0.0;
        return x * (1.0 / alpha);
    }
    c = FN(moderating_power)(alpha);
    v = x * c;
    c = alpha * c;
    z = v * (1.0 / c);
    e = FMA(-z, c, v) * (1.0 / c);
    e = z > -2000.0 ? e : 0.0;
    *zl = z < -0x1p-60 ? e : 0.0;
    return z;
}
INLINE real FN(celu)(real x, real alpha)
{
    double zl, z = FN(celu_argument)(x, alpha, &zl), r, rl, w, A, Al, B, Bl, c, k, s, y;
    int near;
    if (NARROW) {
        real left = (real)FN(scaled_expm1)(alpha, 0.0, z, zl);
        left = x <= -EXP_MOST * alpha ? -alpha : left;
        return x >= 0 ? x : left;
    }
    zl = z < -40.0 ? -0.0 : zl;
    z = z < -40.0 ? -40.0 : z;
    s = exp2_shifted(FN(exp_parts)(z, zl, &r, &rl, &w, &A, &Al, &B, &Bl));
    /* near 0 without the rounding of z: alpha (e^z - 1) = x (e^z - 1)/z = 2x/B */
    near = s == 1.0;
    k = x < -1.0 ? 0x1p-200 : 0x1p200;
    c = FN(moderating_power)(alpha);
    y = FN(expm1_end)(near ? 2.0 * (x * k) : s * A, near ? 0.0 : s * Al, B, Bl, near ? 1.0 : alpha * c, 0.0, near,
                      near ? (x < -1.0 ? 0x1p200 : 0x1p-200) : 1.0 / c);
    return x >= 0.0 ? x : y;
}

INLINE real FN(celu_grad)(real dy, real x, real alpha)
{
    double zl, z = FN(celu_argument)(x, alpha, &zl);
    real y = (real)FN(scaled_exp)(dy, 1.0, z, zl);
    y = NARROW && x <= -EXP_MOST * alpha ? 0 : y;
    return x > 0 ? dy : y;
}
INLINE double FN(celu_grad_from_output)(double dy, double y, double alpha)
{
    double c, s, sl, d = (y + alpha) / alpha;
    if (!NARROW) {
        c = FN(moderating_power)(alpha);
        s = two_sum(y * c, alpha * c, &sl);
        d = y < -alpha ? 0.0 : FN(quotient)(s, sl, alpha * c, 0.0);
    }
    return gate_of_output(dy, y > 0.0 ? 1.0 : d);
}

/* w(t) = sqrt(t) coth(sqrt(t)/2) - 2 = t (1/6 + t Q(t)) on t = r^2 <= 4, relative 2^-58.7 (NARROW), 2^-64.1 (float64,
 * with its tail):
 * minimax.py "((sqrt(t)*coth(sqrt(t)/2)-2)/t-mpf(1)/6)/t" 0 4 9 --weight "t*t/(sqrt(t)*coth(sqrt(t)/2)-2)"   
 * (float64: 10) */
INLINE double FN(wide_w)(double r, double *tail)
{
    double t = r * r, tl, q, c, cl, w;
    if (NARROW) {
        q = FMA(t, 0x1.dc84ae282ddb8p-58, -0x1.c8d62573826aep-52);
        q = FMA(t, q, 0x1.31d1e9b617b54p-46);
        q = FMA(t, q, -0x1.7d4aa15a71db1p-41);
        q = FMA(t, q, 0x1.d6d55438c3534p-36);
        q = FMA(t, q, -0x1.22803e3b7d14ap-30);
        q = FMA(t, q, 0x1.66a8f1f115bd1p-25);
        q = FMA(t, q, -0x1.bbd779303b3fep-20);
        q = FMA(t, q, 0x1.1566abc00e6bdp-14);
        q = FMA(t, q, -0x1.6c16c16c16bf8p-9);
        *tail = 0.0;
        return t * FMA(t, q, 0x1.5555555555555p-3);
    }
    q = FMA(t, -0x1.705166a6bb990p-63, 0x1.6c4fd3ed31243p-57);
    q = FMA(t, q, -0x1.ee0eb9465baaep-52);
    q = FMA(t, q, 0x1.34ebd583ebd38p-46);
    q = FMA(t, q, -0x1.7d9c9f1f07372p-41);
    q = FMA(t, q, 0x1.d6dac0bfffa9fp-36);
    q = FMA(t, q, -0x1.22805b988e039p-30);
    q = FMA(t, q, 0x1.66a8f2b5ca97fp-25);
    q = FMA(t, q, -0x1.bbd7793330e8fp-20);
    q = FMA(t, q, 0x1.1566abc0113f5p-14);
    q = FMA(t, q, -0x1.6c16c16c16c16p-9);
    tl = FMA(r, r, -t);
    c = fast_two_sum(0x1.5555555555555p-3, t * q, &cl);
    cl += 0x1.5555555555555p-57;
    w = t * c;
    *tail = FMA(t, c, -w) + (t * cl + tl * c);
    return w;
}

/* x - tanh x. For |x| <= 1 without reduction (r = 2x, the wide w): tanh x = r/(2 + w), so x - tanh x = x w/(2 + w),
 * relatively exact; beyond, the difference loses at most two bits. Ties (NARROW): x^3/3 is one for some tiny x, and
 * the value lies below by 2x^2/5: the divisor grows by 2^-50 below 2^-24. x - 1 is one for 2^24 < x <= 2^25, and the
 * value lies above: tanh is held at 9.75, 1 - 2^-27. */
INLINE real FN(tanh_shrink)(real x)
{
    double b = negative_abs(x), f = NARROW ? -9.75 : -20.0, a = b < f ? f : b, c = a > -0x1p-320 ? 0x1p200 : 1.0;
    double r, rl, w, wl, s, m, A, Al, B, Bl, p, e, D, Dl, n, nl, d, dl, q, ql, y;
    int small = a >= -1.0;
    if (NARROW) {
        power e = natural_power(a + a, -0.0, 2.0);
        e.s = small ? 1.0 : e.s;
        e.r = small ? a + a : e.r;
        w = FN(wide_w)(e.r, &wl);
        e.p = 2.0 + w;
        n = a * w;
        d = a > -0x1p-24 ? TANH_SHRINK_TWO : e.p;
        q = (small ? n : FN(expm1_numerator)(e)) / (small ? d : FN(tanh_denominator)(e));
        q = small ? q : FMA(-TANH_SHRINK_ONE, q, b);
        return copysign((real)q, x);
    }
    m = FN(exp_reduce)(a + a, -0.0, &r, &rl);
    m = small ? ROUND_SHIFT : m;
    r = small ? a + a : r;
    rl = small ? 0.0 : rl;
    w = FN(wide_w)(r, &wl);
    s = exp2_shifted(m);
    p = fast_two_sum(2.0, w, &e);
    A = fast_two_sum(p, r, &Al);
    B = fast_two_sum(p, -r, &Bl);
    Al += e + rl;
    Bl += e - rl;
    D = FN(logistic_denominator)(B, Bl, s * A, s * Al, &Dl);
    y = a * c;
    n = y * w;
    nl = FMA(y, w, -n) + y * wl;
    d = fast_two_sum(2.0, w, &dl);
    dl += wl;
    q = FN(quotient_tail)(small ? n : 2.0 * s * A, small ? nl : 2.0 * s * Al, small ? d : D, small ? dl : Dl, &ql);
    e = q - 1.0; /* beyond 1, tanh = -1 + q */
    ql += small ? 0.0 : (-1.0 - e) + q;
    q = small ? q : e;
    y = b - q;
    y = small ? q + ql : y + (((b - y) - q) - ql);
    y = b < -0x1p60 ? b : y;
    return with_sign_of(a > -0x1p-320 ? y * 0x1p-200 : y, x);
}

/* tanh^2. Tie (NARROW): x^2 is one for some tiny x, and the value lies below by 2x^2/3: `two` and with it the divisor
 * is a unit larger. */
INLINE real FN(tanh_shrink_grad)(real dy, real x)
{
    double a = negative_abs(x), v, q, ql, p;
    if (NARROW) {
        power e = natural_power(2.0 * x, -0.0, TANH_SHRINK_SLOPE_TWO);
        real y;
        q = FN(expm1_numerator)(e) / FN(tanh_denominator)(e);
        y = (real)(dy * (q * q));
        y = fabs(x) > EXP_MOST / 2 ? dy : y;
        return x == 0 ? 0 : y;
    }
    a = a < -20.0 ? -20.0 : a;
    q = FN(tanh_quotient)(a, &ql);
    q = fast_two_sum(q, ql, &ql);
    p = q * q;
    v = FMA(q, q, -p);
    v = q < -0x1p-450 ? v : 0.0;
    return gate(dy, p + (v + 2.0 * q * ql));
}

/* (x + R)/2 with R = sqrt(x^2 + b); for x < 0 the conjugate (b/2)/(R - x).
 * float64: the roots of y (y - x) = c, c = b/4, are Y = h + H for x >= 0 and q = c/Y for x < 0, h = |x|/2,
 * H = sqrt(h^2 + c). One step of Newton's method from Y or q, each within three units: the residual is (c - qY) +- y e,
 * e = q - (Y - 2h), and the slope 2H = Y + q = Y (1 + w), w = q/Y <= 1. 1/(1 + w) is s to 2^-9.6:
 * minimax.py "1/(1+t)" 0 1 3. A power of two k keeps c from the ends of the exponent; for h > 2^500 H is h. */
INLINE double FN(squareplus)(double x, double b)
{
    double k, back, c, h, H, Y, d, dl, i, q, r, w, s, y, e, limit;
    if (NARROW) {
        double t = magnitude(x) + sqrt(FMA_EXACT(x, x, b));
        return x < 0.0 ? 0.5 * b / t : 0.5 * t;
    }
    k = b < 0x1p-400 ? 0x1p299 : 0.5;
    k = b > 0x1p600 ? 0x1p-301 : k;
    back = from_bits(INT64_C(0x7fd0000000000000) - bits_of(k)); /* 1/2k */
    c = b * k * k;
    h = magnitude(x) * k;
    H = sqrt(FMA(h, h, c));
    H = h > 0x1p500 ? h : H;
    Y = h + H;
    d = FMA_EXACT(-2.0, h, Y);
    dl = FMA_EXACT(-2.0, h, Y - d);
    i = 1.0 / Y;
    q = c * i;
    r = FMA(-4.0 * q, 0.25 * Y, c); /* Y may be next to 2^1024 */
    w = q * i;
    s = FMA(w, -0x1.e24cc8af636a4p-3, 0x1.5f6199b409107p-1);
    s = FMA(w, FMA(w, s, -0x1.e6ce67883035ep-1), 0x1.ff5a8037fd09fp-1);
    y = chosen(bits_of(x) >> 63, q, Y);
    e = (q - d) - dl;
    y = (y + FMA(times_sign_of(y, x), e, r) * (i * s)) * back;
    limit = x < 0.0 ? 0.0 : x;
    return h > 0x1.fffffffffffffp1022 ? limit : y;
}

/* y/R. Tie (NARROW, b = 4): 1/2 + x/4 - x^3/32 near 0: |x| + R loses 2^-52 of itself there, which moves both halves
 * towards 1/2, by 2^-52 (R - |x|), which is nothing where |x| is large.
 * float64: D = c/T for x < 0, else Y^2/T, with T = Y^2 + c = 2HY and the rest of squareplus. Y's relative error is
 * (c - Y (Y - 2h))/T, and changes either D by D (1 - D) times twice that. k brings c near 2^-58; from h = 2^509 on D is
 * 0 or 1. */
INLINE double FN(squareplus_grad)(double dy, double x, double b)
{
    int64_t negative = bits_of(x) >> 63;
    double k, c, h, Y, d, dl, P, Pl, T, Tl, e, i, n, nl, D, rest;
    if (NARROW) {
        double u = magnitude(x), R, t;
        u = u > 1e154 ? 1e154 : u; /* t R overflows there: the derivative's limit 0 */
        R = sqrt(FMA_EXACT(u, u, b));
        t = u + R;
        t -= SQUAREPLUS_SLOPE_LOSS * (R - u);
        d = (x < 0.0 ? 0.5 * b : 0.5 * t) / (x < 0.0 ? t * R : R);
        return gate(dy, d);
    }
    /* half of b's exponent */
    k = from_bits(INT64_C(0x5e10000000000000) - ((bits_of(b) >> 1) & INT64_C(0x3ff0000000000000)));
    c = b * k * k;
    h = magnitude(x) * k;
    h = h > 0x1p509 ? 0x1p509 : h;
    Y = h + sqrt(FMA(h, h, c));
    d = FMA_EXACT(-2.0, h, Y);
    dl = FMA_EXACT(-2.0, h, Y - d);
    P = two_product(Y, Y, &Pl);
    T = fast_two_sum(P, c, &Tl);
    Tl += Pl;
    e = FMA(-Y, dl, FMA(-Y, d, c));
    i = 1.0 / T;
    n = chosen(negative, c, P);
    nl = masked(Pl, ~negative);
    D = n * i;
    rest = FMA(-D, T, n) + FMA(-D, Tl, nl);
    rest = FMA(times_sign_of(e + e, x), FMA(-D, D, D), rest);
    return gate(dy, D + i * rest);
}

/* y(y - x) = b/4, so R = 2y - x = y + b/(4y). NARROW: y^2, which is exact, over y^2 + b/4; for b = 4 and a small y it
 * is y^2 - y^4, and y^2 may lie so near a tie that only what the quotient leaves decides. float64: the same of y 2h and
 * b h^2, h a power of 2 that brings y to 2^-60, where a derivative of 0 or 1 has a b h^2 beyond 2^1000 or nearly 0. */
INLINE double FN(squareplus_grad_from_output)(double dy, double y, double b)
{
    double v, h, p, pl, S, Sl, d;
    if (NARROW) {
        v = y > 1e150 ? 1e150 : y;
        p = v * v;
        S = two_sum(p, 0.25 * b, &Sl);
        d = p / S;
        d = to_odd(d, product_rest(p, d, S) - d * Sl);
        return gate(dy, y <= 0.0 ? 0.0 : d);
    }
    v = y > 0x1p900 ? 0x1p900 : y;
    h = from_bits(INT64_C(0x7c10000000000000) - (bits_of(v) & INT64_C(0x7ff0000000000000)));
    v *= h + h;
    S = b * h * h;
    p = two_product(v, v, &pl);
    S = two_sum(p, S > 0x1p1000 ? 0x1p1000 : S, &Sl);
    return gate(dy, y <= 0.0 ? 0.0 : FN(quotient)(p, pl, S, Sl + pl));
}
