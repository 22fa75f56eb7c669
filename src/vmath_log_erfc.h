/* Primitives of softplus, mish and gelu, in double: log(1 + e^x) and the tail of the normal distribution. Template as
 * vmath_exp.h. Include after vmath_exp.h. Every formula ends as one quotient: e^x enters as its numerator and
 * denominator, never divided on its own. */

#ifndef RELU_C_VMATH_LOG_ERFC_ONCE
#define RELU_C_VMATH_LOG_ERFC_ONCE
/* e^x = 2^rest (n + nl)/(d + dl). float64: n carries 2^max(k, -200) of 2^k, rest the remainder (as number +
 * ROUND_SHIFT), so that products and quotients of pairs stay normal and only the last operation meets the subnormals.
 * NARROW: nl = dl = 0, n carries all of 2^k, where that is a double. */
typedef struct { double n, nl, d, dl, rest; } exp_fraction;
#define DEEP (ROUND_SHIFT - 200.0)

/* y 2^n from n + ROUND_SHIFT where neither is near the ends of the exponent. */
INLINE double times_exp2_shifted(double y, double m)
{
    return from_bits((int64_t)((uint64_t)bits_of(y) + ((uint64_t)bits_of(m) << 52)));
}
#define LN2_UP 0x1.62e42fefa39f0p-1             /* one unit up: rights softplus at 0x1.d483ap-12, 4.9e-18 from a tie */
#define EXP_LEAST -1400.0
#endif

/* e^(x + xl); float64: for EXP_LEAST <= x < 100, at -1400 every result is 0. With w of vmath_exp.h n = 2 + w + r,
 * d = 2 + w - r; float64: 2 +- r as an exact sum, then w (0.02 at most) and the tail of r beside its error: 2^-59
 * relative. */
INLINE exp_fraction FN(exp_quotient)(double x, double xl)
{
    exp_fraction p;
    double r, rl, w, k, s, e, m;
    if (NARROW) {
        power z = natural_power(x, -0.0, 2.0);
        p.n = (z.p + z.r) * z.s;
        p.d = z.p - z.r;
        p.nl = p.dl = 0.0;
        p.rest = ROUND_SHIFT;
    } else {
        m = FN(exp_reduce)(x, xl, &r, &rl);
        w = FN(exp_w)(r);
        k = no_less(m, DEEP);
        s = fast_two_sum(2.0, r, &e);
        p.n = fast_two_sum(s, e + (w + rl), &p.nl);
        p.n *= exp2_shifted(k);
        p.nl *= exp2_shifted(k);
        s = fast_two_sum(2.0, -r, &e);
        p.d = fast_two_sum(s, e + (w - rl), &p.dl);
        p.rest = (m - k) + ROUND_SHIFT;
    }
    return p;
}

/* 2^rest, the part of the exponent that exp_quotient held back. */
INLINE double FN(restore)(double y, double rest) { return NARROW ? y : FN(scale)(y, rest); }

/* x (q + ql), tail dropped where the product of the tails would leave the normal numbers (there q alone is within
 * half an ulp). */
INLINE double FN(times_pair)(double x, double q, double ql)
{
    double y, yl, a, s;
    if (NARROW)
        return x * q;
    q = fast_two_sum(q, ql, &ql);
    y = two_product(x, q, &yl);
    a = magnitude(y);
    s = y + (yl + x * ql);
    s = a > 0x1p-950 ? s : y;
    return magnitude(x) < 0x1p990 ? s : y;
}

/* The sum of pairs and the product, to a few 2^-104 of the larger operand. */
INLINE double FN(sum_pairs)(double a, double al, double b, double bl, double *sl)
{
    double e, s;
    *sl = 0.0;
    if (NARROW)
        return a + b;
    s = two_sum(a, b, &e);
    *sl = e + (al + bl);
    return s;
}
INLINE double FN(multiply_pairs)(double a, double al, double b, double bl, double *pl)
{
    double p;
    *pl = 0.0;
    if (NARROW)
        return a * b;
    p = two_product(a, b, pl);
    *pl += a * bl + al * b;
    return p;
}

/* p t + c; its rounding error joins pl. */
INLINE double FN(horner_step)(double t, double p, double c, double *pl)
{
    double y = FMA(t, p, c);
    *pl = FMA(t, p, c - y) + t * *pl;
    return y;
}

/* a b + c. */
INLINE double FN(add_product)(double a, double al, double b, double bl, double c, double cl, double *sl)
{
    double p, pl;
    *sl = 0.0;
    if (NARROW)
        return FMA(a, b, c);
    p = FN(multiply_pairs)(a, al, b, bl, &pl);
    return FN(sum_pairs)(c, cl, p, pl, sl);
}

/* NARROW: log(1 + u), less log 2 where *upper is set; u = e^x = n/d <= 1. It is log c + 2 atanh(s),
 * s = (1 + u - c)/(1 + u + c), c = 2 where u > sqrt(2) - 1 (*upper = -1), else 1 (0). |s| <= 3 - 2 sqrt(2), and
 * where u is small u - u^2/2 + ... keeps its digits. s = (n - [c = 2] d)/(n + 2d + [c = 2] d), 2 atanh(s) = 2s + s^3 q(s^2), q of degree 5:
 * minimax.py "2*(atanh(sqrt(t))/sqrt(t)-1)/t" 0 "(mpf('1.0001')*(3-2*sqrt(2)))**2" 5 --weight t; half of 2^-51.2
 * relative to 2s. */
INLINE double FN(log1p_quotient)(double x, exp_fraction p, int64_t *upper)
{
    double c, d, v, z, q;
    *upper = (bits_of(x) - bits_of(-0.881373587019543)) >> 63; /* x <= 0: the bits grow with |x| */
    c = masked(p.d, *upper);
    d = ((p.d + p.d) + c) + p.n;
    v = (p.n - c) / d;
    z = v * v;
    q = FMA(z, 0x1.5879f545011dcp-3, 0x1.732bf3889cda2p-3);
    q = FMA(z, q, 0x1.c722798de7875p-3);
    q = FMA(z, q, 0x1.2492417538175p-2);
    q = FMA(z, q, 0x1.999999a2971d1p-2);
    q = FMA(z, q, 0x1.5555555553957p-1);
    return FMA(v * z, q, v + v);
}

/* float64: the same for u = power (1 + high + low), as l + *ll, all digits of low included: for x > 0 softplus adds x,
 * and would fall where they jump. c = 2 where u > 1/2: u - 1 is exact there, and |s| <= 1/5. s by
 * one division and its remainder, for which 1/(1 + u + c) is (1 - s)/2 c. 2 atanh(s) = 2s + 2 s^3 q(s^2):
 * minimax.py "(atanh(sqrt(t))/sqrt(t)-1)/t" 0 "mpf('1.001')/25" 7 --weight t: 2^-62.7. */
INLINE double FN(log1p_sum)(double x, double high, double low, double power, double *ll, int64_t *upper)
{
    double y = 1.0 + (high + low), u = power * y, ul = power * ((high - (y - 1.0)) + low);
    double c, two, d, dl, s, rest, h, z, z2, p, q;
    *upper = (bits_of(x) - bits_of(-0.693147)) >> 63;
    c = masked(1.0, *upper);
    two = chosen(*upper, 3.0, 2.0);
    d = two + u;
    dl = ((two - d) + u) + ul;
    u -= c;
    s = u / d;
    rest = FMA(-s, d, u) + FMA(-s, dl, ul);
    h = chosen(*upper, 0.5, 1.0);
    z = s * s;
    z2 = z * z;
    p = FMA(z2, FMA(z, 0x1.c71c748daf341p-4, 0x1.24924921e62fep-3),
            FMA(z, 0x1.999999999c165p-3, 0x1.555555555554fp-2));
    q = FMA(z2, FMA(z, 0x1.1b781e0c8ed57p-4, 0x1.0dcced4f3a692p-4),
            FMA(z, 0x1.3b35ad751befcp-4, 0x1.745c4b678e5bap-4));
    q = FMA(z2 * z2, q, p);
    s += s;
    *ll = FMA(s * z, q, rest * FMA(-0.5 * s, h, h));
    return s;
}

/* The tail of the normal distribution, Phi(-a) = e^(-a^2/2) f(a), 0 <= a <= NORMAL_MOST, as 2^rest (n + nl)/(d + dl).
 * slope: Phi(-a) - a phi(a) = e^(-a^2/2) (root - a) g(a) instead; the root of the left side in two parts, g > 0: all
 * digits beside it too.
 * NARROW: a^2 is exact. r = -a^2/2 - k ln2 is taken in one step with ln2 rounded; since k is a^2/(2 ln2) within 1/2,
 * that is a factor smooth in a, which f and g have taken in (rational.py), and one of 2^-56. The code holds 2r: w has
 * its coefficients scaled by powers of 2.
 * f = P/Q: rational.py gelu --rational 9 9: 2^-53.6 for small a, 2^-49 at 14, 2^-47 at 20; beyond, nothing comes of
 * it but zeros.
 * g = P/Q: rational.py gelu_grad --rational 8 8 --nudge P0:-2: 2^-52.3; the nudge rights +-0x1.40d932p-25 (half) and
 * -0x1.a1becap-14.
 * float64: a^2 as a pair; h = 2a/(a + 5), t = h - 1; f = (3/8 + h K(t))/(a + 3/4), exact at 0 and flat where t is
 * least accurate;
 * g = H(t). rational.py gelu --polynomial 22 (2^-58.4, 2^-56.8 as rounded), gelu_grad --polynomial 22 (2^-61.2,
 * 2^-58.5). */
#define NORMAL_MOST (NARROW ? 37.66 : 40.0)
#define NORMAL_ROOT 0x1.80ead197f00b4p-1
#define NORMAL_ROOT_LOW -0x1.13e74c58cada8p-56
INLINE exp_fraction FN(normal_tail)(double a, int slope)
{
    exp_fraction e;
    double p, pl = 0.0, q, ql, h, hl, m, r, t, w, four;
    if (NARROW) {
        t = a * a;
        m = FMA(t, -0.5 * LOG2_E, ROUND_SHIFT);
        r = FMA(m - ROUND_SHIFT, -2.0 * LN2, -t);
        t = r * r;
        w = FMA(t, 0x1.6374653b13449p-25 * 0x1p-9, -0x1.bbd4181998297p-20 * 0x1p-7);
        w = FMA(t, w, 0x1.1566aaf106926p-14 * 0x1p-5);
        w = FMA(t, w, -0x1.6c16c16beb8ebp-9 * 0x1p-3);
        w = FMA(t, w, 0x1.555555555553ep-3 * 0x1p-1);
        four = FMA(t, w, 4.0);
        if (slope) {
            p = FMA(a, 0x1.9884534056513p-2, 0x1.2c0bf988cbcdbp+3);
            p = FMA(a, p, 0x1.a036ea48d0011p+6);
            p = FMA(a, p, 0x1.6083105ee50a4p+9);
            p = FMA(a, p, 0x1.8c7003ba06158p+11);
            p = FMA(a, p, 0x1.2e51f393f4f07p+13);
            p = FMA(a, p, 0x1.31a43b8b8aeb7p+14);
            p = FMA(a, p, 0x1.78f2638898915p+14);
            p = FMA(a, p, 0x1.bab7f05af0d43p+13);
            q = a + 0x1.6c06322b77a0ep+4;
            q = FMA(a, q, 0x1.e84ef08a68854p+7);
            q = FMA(a, q, 0x1.8e799036a2f25p+10);
            q = FMA(a, q, 0x1.ad055a2807f24p+12);
            q = FMA(a, q, 0x1.361157c39339cp+14);
            q = FMA(a, q, 0x1.2460d3c2328c3p+15);
            q = FMA(a, q, 0x1.4796743cacd27p+15);
            q = FMA(a, q, 0x1.4cd4ff90849bcp+14);
            p *= (NORMAL_ROOT - a) + NORMAL_ROOT_LOW;
        } else {
            p = FMA(a, -0x1.a8036b79c9ef0p-35, 0x1.988453a814488p-2);
            p = FMA(a, p, 0x1.42728773e80a9p+3);
            p = FMA(a, p, 0x1.e7fef8b1dbd39p+6);
            p = FMA(a, p, 0x1.c9a421e574464p+9);
            p = FMA(a, p, 0x1.2192f00736be6p+12);
            p = FMA(a, p, 0x1.fa6741102f3bfp+13);
            p = FMA(a, p, 0x1.2c54a0da4f464p+15);
            p = FMA(a, p, 0x1.bf77bc9ccfe74p+15);
            p = FMA(a, p, 0x1.4b9e1877c3d24p+15);
            q = a + 0x1.9420bc591d6c7p+4;
            q = FMA(a, q, 0x1.32ce5c6681cf1p+8);
            q = FMA(a, q, 0x1.21f100a5a63dap+11);
            q = FMA(a, q, 0x1.746baa673ff6ep+13);
            q = FMA(a, q, 0x1.4edf5f337a9f7p+15);
            q = FMA(a, q, 0x1.a369a81604610p+16);
            q = FMA(a, q, 0x1.5f54f385eb99dp+17);
            q = FMA(a, q, 0x1.6407b6642ee47p+17);
            q = FMA(a, q, 0x1.4b9e1877c3d24p+16);
        }
        p *= four + r;
        e.n = slope ? p * exp2_shifted(m) : times_exp2_shifted(p, m); /* a derivative must reach 0, for the gate */
        e.d = (four - r) * q;
        e.nl = e.dl = 0.0;
        e.rest = ROUND_SHIFT;
        return e;
    }
    h = two_product(a, a, &hl);
    e = FN(exp_quotient)(-0.5 * h, -0.5 * hl);
    h = (a + a) / (a + 5.0);
    t = h - 1.0;
    if (slope) {
        p = FMA(t, -0x1.d7db3a85f74c7p-36, -0x1.b67e2c2a7ca85p-39);
        p = FMA(t, p, 0x1.bb5ede9ca83ebp-32);
        p = FMA(t, p, 0x1.2115a237b3ac6p-32);
        p = FMA(t, p, -0x1.ad59a9b75a44ep-29);
        p = FMA(t, p, -0x1.4fdb546a94d1dp-29);
        p = FMA(t, p, 0x1.7b9bf79314efcp-26);
        p = FMA(t, p, 0x1.ac922102375fdp-27);
        p = FMA(t, p, -0x1.6ad75c95d6e10p-23);
        p = FMA(t, p, 0x1.6f98dbd03ced4p-26);
        p = FMA(t, p, 0x1.6d22ff0616877p-20);
        p = FMA(t, p, -0x1.0b75c44826262p-19);
        p = FMA(t, p, -0x1.34bd9af63fe90p-17);
        p = FMA(t, p, 0x1.54f8b5007a7a7p-15);
        p = FMA(t, p, -0x1.fde2abb15fba5p-17);
        p = FMA(t, p, -0x1.cdee09d166a41p-12);
        p = FMA(t, p, 0x1.2dc07799aca3ap-9);
        p = FMA(t, p, -0x1.e0a9519472e33p-8);
        p = FMA(t, p, 0x1.23c3758993050p-6);
        p = FMA(t, p, -0x1.231a8d123844ep-5);
        p = FMA(t, p, 0x1.ef8423a0a745dp-5);
        p = FMA(t, p, -0x1.6fce89f8d2b96p-4);
        p = fast_two_sum(0x1.ce451b41a3ba0p-2, t * p, &pl);
        pl += -0x1.76580818ae371p-56;
        q = fast_two_sum(NORMAL_ROOT - a, NORMAL_ROOT_LOW, &ql);
        p = FN(multiply_pairs)(p, pl, q, ql, &pl);
    } else {
        p = FMA(t, -0x1.1a08c30cc46ebp-32, 0x1.a4a2581375319p-32);
        p = FMA(t, p, 0x1.156d0b4fff74ep-28);
        p = FMA(t, p, -0x1.11af51a5e221cp-29);
        p = FMA(t, p, -0x1.0863cacbebfa8p-25);
        p = FMA(t, p, 0x1.2db44654e8b8ep-27);
        p = FMA(t, p, 0x1.a9c61a384de3ep-23);
        p = FMA(t, p, -0x1.861aa8b521f5ap-24);
        p = FMA(t, p, -0x1.572cef551c2dfp-20);
        p = FMA(t, p, 0x1.71bc9d3193c89p-20);
        p = FMA(t, p, 0x1.0c73e38f1b203p-17);
        p = FMA(t, p, -0x1.48205cd5c0e80p-16);
        p = FMA(t, p, -0x1.1fa5b9c7b04f8p-15);
        p = FMA(t, p, 0x1.e5f9c7ec1028ap-13);
        p = FMA(t, p, -0x1.0e04814879af0p-12);
        p = FMA(t, p, -0x1.8241a28f25c06p-10);
        p = FMA(t, p, 0x1.197b826f2f316p-7);
        p = FMA(t, p, -0x1.aa1f39604e61bp-6);
        p = FMA(t, p, 0x1.ce04fb0cba25fp-5);
        p = FN(horner_step)(t, p, -0x1.8426fbdc49cefp-4, &pl);
        p = FN(horner_step)(t, p, 0x1.fff26f00d26c5p-4, &pl);
        p = FN(horner_step)(t, p, -0x1.f7b37a043553fp-4, &pl);
        p = FN(horner_step)(t, p, 0x1.139a7d0f7b086p-4, &pl);
        pl = FMA(h, p, -(h * p)) + h * pl;
        p = fast_two_sum(0.375, h * p, &ql);
        pl += ql;
        q = two_sum(a, 0.75, &ql);
        e.d = FN(multiply_pairs)(e.d, e.dl, q, ql, &e.dl);
    }
    e.n = FN(multiply_pairs)(e.n, e.nl, p, pl, &e.nl);
    return e;
}
