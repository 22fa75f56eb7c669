/* Float estimates for the half types, of every formula that evaluates in double, each with a bound of its error.
 *
 * Where both ends of the bounds round to one half number, the exact value does too, and it is the result; in the rare
 * other case (one float16 element of some hundreds, one bfloat16 element of some thousands) the formula itself is
 * evaluated. So the formulas in double decide every result, an estimate only spares them work: its rounding errors,
 * contraction or not, leave no trace. A new function may start with no_estimate(), which is right as well, and slower.
 *
 * Bounds are in units of 2^-24, half a float spacing at most, counted along the formula: one for each rounding, what an
 * operand brings, and as much again for safety. They hold for operands that are half numbers (products of two are
 * exact) and for results from 2^-100 on (half_loops.h leaves smaller ones of bfloat16 to the formula; float16 rounds
 * them to 0). Limits hold because every clamp leaves NaN as it is.
 *
 * Identities and names are those of smooth_exp.h and vmath_*.h; coefficients are by the same scripts, calls quoted. */
#ifndef RELU_C_ESTIMATES_H
#define RELU_C_ESTIMATES_H

#include "base.h"

typedef struct { float low, high; } bounds;

#define HALF_SPACING 0x1p-24f
#define TO_INTEGER 0x1.8p23f            /* x + this: the nearest integer stands in the low bits */
#define LEAST_EXPONENT -87.0f           /* of e^a, so that 2^n is a normal number */
#define LN2_UPPER 0x1.62e4p-1f          /* 15 bits: n times it is exact */
#define LN2_LOWER 0x1.7f7d1cp-20f

#if HAVE_FMA
#define MULTIPLY_ADD(a, b, c) fmaf(a, b, c)
#else
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif

INLINE float float_magnitude(float x) { return float_from_bits(bits_of_float(x) & 0x7fffffff); }
INLINE float float_negative_abs(float x) { return float_from_bits(bits_of_float(x) | 0x80000000); }
INLINE float float_with_sign_of(float y, float x)
{
    return float_from_bits((bits_of_float(y) & 0x7fffffff) | (bits_of_float(x) & 0x80000000));
}
INLINE float at_least_float(float x, float least) { return x < least ? least : x; }
INLINE float at_most_float(float x, float most) { return x > most ? most : x; }

/* y (1 +- units 2^-24). */
INLINE bounds within(float y, float units)
{
    bounds b = {y * (1 - units * HALF_SPACING), y * (1 + units * HALF_SPACING)};
    return b;
}
/* The same, or, where the result is unknown, bounds of either sign (of zeros and NaN too), which do not decide it. */
INLINE bounds unless(int unknown, bounds b)
{
    b.high = unknown ? -b.low : b.high;
    return b;
}
INLINE bounds no_estimate(void) { return unless(1, within(1, 0)); }
INLINE float gate_float(float dy, float d) { return d == 0 ? 0 : dy * d; }
/* dy d of a derivative taken from y: d <= 0 where y is no output, and the gate closed. Sums and squares of half numbers
 * are exact but for one rounding, which keeps the sign. */
INLINE bounds within_of_output(float dy, float d, float units) { return within(d <= 0 ? 0 : dy * d, units); }

/* e^a = s A/B, LEAST_EXPONENT <= a <= 87: s = 2^n exactly, A and B 1.5 units.
 * minimax.py "(sqrt(t)*coth(sqrt(t)/2)-2)/t" 0 "(log(2)/2*mpf('1.002'))**2" 1 --weight t: absolute 2^-27.7 */
typedef struct { float s, r, w, A, B; } exponential;
INLINE exponential float_exp(float a)
{
    exponential e;
    float m = MULTIPLY_ADD(a, 0x1.715476p+0f, TO_INTEGER), n = m - TO_INTEGER;
    e.r = MULTIPLY_ADD(n, -LN2_LOWER, MULTIPLY_ADD(n, -LN2_UPPER, a));
    float t = e.r * e.r, q = MULTIPLY_ADD(t, -0x1.6aa37059c72bcp-9f, 0x1.55551dfce7715p-3f);
    e.s = float_from_bits((bits_of_float(m) << 23) + 0x3f800000);
    e.w = t * q;
    e.A = 2 + MULTIPLY_ADD(t, q, e.r);
    e.B = 2 + MULTIPLY_ADD(t, q, -e.r);
    return e;
}
INLINE float clamped_exponent(float z) { return at_least_float(float_negative_abs(z), LEAST_EXPONENT); }

/* sigma(z): 5 units. */
INLINE float float_sigmoid(float z)
{
    exponential e = float_exp(clamped_exponent(z));
    float h = e.s * e.A;
    return (z < 0 ? h : e.B) / (e.B + h);
}
INLINE bounds sigmoid_estimate(float x) { return within(float_sigmoid(x), 10); }

/* c sigma(a) sigma(-a), LEAST_EXPONENT <= a <= 0: 9 units. */
INLINE float float_logistic_slope(float a, float c)
{
    exponential e = float_exp(a);
    float h = e.s * e.A, D = e.B + h;
    return c * (h * e.B / (D * D));
}
INLINE bounds sigmoid_grad_estimate(float dy, float x)
{
    float a = float_negative_abs(x);
    return unless(a < LEAST_EXPONENT, within(dy * float_logistic_slope(a, 1), 20));
}
INLINE bounds sigmoid_grad_from_output_estimate(float dy, float y) { return within_of_output(dy, y * (1 - y), 6); }

/* N = (e^z - 1) B, z <= 0: 3 units; no cancellation to speak of, for s <= 1/2 or c1 = 0. */
INLINE float float_expm1_numerator(exponential e)
{
    float c1 = e.s - 1, c2 = e.s + 1;
    return MULTIPLY_ADD(c1, e.w, 2 * c1 + c2 * e.r);
}
INLINE float float_tanh(float a)
{
    exponential e = float_exp(a + a);
    float c1 = e.s - 1, c2 = e.s + 1;
    return float_expm1_numerator(e) / MULTIPLY_ADD(c2, e.w, 2 * c2 + c1 * e.r);
}
INLINE bounds tanh_estimate(float x)
{
    return within(float_with_sign_of(float_tanh(at_least_float(float_negative_abs(x), -20)), x), 14);
}
INLINE bounds tanh_grad_estimate(float dy, float x)
{
    float a = 2 * float_negative_abs(x);
    return unless(a < LEAST_EXPONENT, within(dy * float_logistic_slope(a, 4), 20));
}
INLINE bounds tanh_grad_from_output_estimate(float dy, float y) { return within_of_output(dy, 1 - y * y, 6); }

/* x w/(2 + w) for |x| <= 1, w by minimax.py "(sqrt(t)*coth(sqrt(t)/2)-2)/t" 0 4 4 --weight
 * "t/(sqrt(t)*coth(sqrt(t)/2)-2)", relative 2^-26.6; beyond, x - tanh x is as much as x/5: five times the units of
 * tanh. */
INLINE bounds tanh_shrink_estimate(float x)
{
    float b = float_negative_abs(x), a = at_least_float(b, -20), t = 4 * a * a, q, w;
    q = MULTIPLY_ADD(t, 0x1.191f7970d403ep-25f, -0x1.b3ce93127cc1bp-20f);
    q = MULTIPLY_ADD(t, q, 0x1.1539f235a8fb9p-14f);
    q = MULTIPLY_ADD(t, q, -0x1.6c16111e64e3ep-9f);
    q = MULTIPLY_ADD(t, q, 0x1.5555551d5fa5cp-3f);
    w = t * q;
    return within(float_with_sign_of(a >= -1 ? a * w / (2 + w) : b - float_tanh(a), x), 50);
}
INLINE bounds tanh_shrink_grad_estimate(float dy, float x)
{
    float y = float_tanh(at_least_float(float_negative_abs(x), -20));
    return unless((y * y < 0x1p-90f) & (x != 0), within(gate_float(dy, y * y), 30));
}

/* max(x, 0) + log(1 + e^(-|t|))/beta; log(1 + u) = 2 atanh(v), v = u/(2 + u) <= 1/3:
 * minimax.py "2*(atanh(sqrt(t))/sqrt(t)-1)/t" 0 "mpf('1.0001')/9" 3 --weight t: absolute 2^-26.7 of 2 */
INLINE bounds softplus_estimate(float x, float beta)
{
    float t = beta * x, most = x < 0 ? 0 : x, inverse = 1 / beta;
    exponential e = float_exp(clamped_exponent(t));
    float h = e.s * e.A, v = h / (2 * e.B + h), z = v * v, q;
    q = MULTIPLY_ADD(z, 0x1.1efa3902aa566p-2f, 0x1.1eb5bbe18c23cp-2f);
    q = MULTIPLY_ADD(z, q, 0x1.99d28056c9994p-2f);
    q = MULTIPLY_ADD(z, q, 0x1.555500399c050p-1f);
    /* A large 1/beta may lift what the clamp has changed; beta = 0, or infinite beside x = 0, is left to the formula.
     * */
    int unknown = ((t < LEAST_EXPONENT) & (inverse > 0x1p20f)) | (inverse > 0x1p126f) | (t != t);
    return unless(unknown, within(MULTIPLY_ADD(MULTIPLY_ADD(v * z, q, v + v), inverse, most), 24));
}
INLINE bounds softplus_grad_estimate(float dy, float x, float beta)
{
    float z = beta * x;
    return unless(z < LEAST_EXPONENT, within(dy * float_sigmoid(z), 12));
}
/* 1 - e^z, z <= 0. */
INLINE float float_minus_expm1(float z)
{
    exponential e = float_exp(at_least_float(z, -40));
    return -float_expm1_numerator(e) / e.B;
}
INLINE bounds softplus_grad_from_output_estimate(float dy, float y, float beta)
{
    float t = beta * y;
    bounds b = within(gate_float(dy, float_minus_expm1(t < 0 ? 0 : -t)), 16);
    return unless((float_magnitude(t) < 0x1p-100f) & (y != 0), b);
}
INLINE bounds log_sigmoid_estimate(float x)
{
    bounds b = softplus_estimate(-x, 1);
    b.low = -b.low;
    b.high = -b.high;
    return b;
}
INLINE bounds log_sigmoid_grad_estimate(float dy, float x) { return softplus_grad_estimate(dy, -x, 1); }
INLINE bounds log_sigmoid_grad_from_output_estimate(float dy, float y)
{
    return within(gate_float(dy, float_minus_expm1(y > 0 ? 0 : y)), 16);
}

/* scale (e^z - 1) for x < 0, x or scale times it else. */
INLINE bounds elu_estimate(float x, float alpha)
{
    float y = alpha * -float_minus_expm1(x);
    y = x >= 0 ? x : y;
    return within(((alpha == 0) & (x <= 0)) ? 0 : y, 16);
}
/* c e^z, LEAST_EXPONENT <= z <= 0: 5 units, and what z brings. */
INLINE float float_scaled_exp(float c, float z)
{
    exponential e = float_exp(z);
    return c * (e.s * e.A / e.B);
}
INLINE bounds elu_grad_estimate(float dy, float x, float alpha)
{
    float d = float_scaled_exp(alpha, x);
    int unknown = (x < LEAST_EXPONENT) | ((x <= 0) & (alpha != 0) & (float_magnitude(d) < 0x1p-100f));
    return unless(unknown, within(x > 0 ? dy : gate_float(dy, d), 14));
}
INLINE bounds elu_grad_from_output_estimate(float dy, float y, float alpha)
{
    return within_of_output(dy, y > 0 ? 1 : y + alpha, 6);
}
#define SCALE_FLOAT 0x1.0cfabd6a91132p+0f
#define SCALE_ALPHA_FLOAT 0x1.c212cc640f031p+0f
INLINE bounds selu_estimate(float x)
{
    float y = SCALE_ALPHA_FLOAT * -float_minus_expm1(x);
    return within(x >= 0 ? SCALE_FLOAT * x : y, 18);
}
INLINE bounds selu_grad_estimate(float dy, float x)
{
    float d = dy * float_scaled_exp(SCALE_ALPHA_FLOAT, x);
    return unless(x < LEAST_EXPONENT, within(x > 0 ? dy * SCALE_FLOAT : d, 16));
}
/* y + SCALE_ALPHA cancels near -SCALE_ALPHA: it is taken in two parts. */
INLINE bounds selu_grad_from_output_estimate(float dy, float y)
{
    const float low = (float)(0x1.c212cc640f031p+0 - (double)SCALE_ALPHA_FLOAT);
    return within_of_output(dy, y > 0 ? SCALE_FLOAT : (y + SCALE_ALPHA_FLOAT) + low, 8);
}
/* z = x/alpha has an error of 2 units, which e^z takes |z| times. */
INLINE bounds celu_estimate(float x, float alpha)
{
    float z = x * (1 / alpha), y = alpha * -float_minus_expm1(z);
    return unless((z > -0x1p-100f) & (x < 0), within(x >= 0 ? x : y, 22));
}
INLINE bounds celu_grad_estimate(float dy, float x, float alpha)
{
    float z = x * (1 / alpha), d = dy * float_scaled_exp(1, z), y = x > 0 ? dy : d;
    return unless(z < LEAST_EXPONENT, within(y, x > 0 ? 0 : 14 - 3 * z));
}
INLINE bounds celu_grad_from_output_estimate(float dy, float y, float alpha)
{
    return within_of_output(dy, y > 0 ? 1 : (y + alpha) / alpha, 8);
}

/* x sigma(z), x clamped by the caller where sigma vanishes; `units` of |z| in z. */
INLINE bounds gated_estimate(float x, float z, float units)
{
    return within(x * float_sigmoid(z), 12 + units * at_most_float(float_magnitude(z), -LEAST_EXPONENT));
}
INLINE bounds silu_estimate(float x) { return within(at_least_float(x, LEAST_EXPONENT) * float_sigmoid(x), 12); }

/* dy F (F + G (1 + t))/D^2 = dy F (D + G t)/D^2, |t| <= most |z|: the terms of the sum may cancel, their errors do
 * not. */
INLINE bounds gated_grad_estimate(float dy, float z, float t, float most, float units)
{
    float a = float_negative_abs(z);
    exponential e = float_exp(a);
    float h = e.s * e.A, D = e.B + h, F = z < 0 ? h : e.B, G = z < 0 ? e.B : h;
    float d = dy * (F / (D * D)), sum = MULTIPLY_ADD(G, t, D);
    float error = MULTIPLY_ADD(a, -most * G, D) * ((20 - units * a) * HALF_SPACING);
    bounds b = {d * (sum - error), d * (sum + error)};
    return unless(a < LEAST_EXPONENT, b);
}
INLINE bounds silu_grad_estimate(float dy, float x) { return gated_grad_estimate(dy, x, x, 1, 0); }

/* An infinite operand is left to the formula, as it may meet a zero. */
INLINE bounds swish_estimate(float x, float beta)
{
    float z = beta * x;
    return unless(!(z >= LEAST_EXPONENT) | (float_magnitude(x) > 0x1p127f), within(x * float_sigmoid(z), 12));
}
INLINE bounds swish_grad_estimate(float dy, float x, float beta)
{
    float z = beta * x;
    bounds b = gated_grad_estimate(dy, z, z, 1, 0);
    return unless((z != z) | (float_magnitude(x) > 0x1p127f), b);
}

INLINE bounds quick_gelu_estimate(float x)
{
    return gated_estimate(at_least_float(x, LEAST_EXPONENT), 0x1.b3b646p+0f * x, 3);
}
INLINE bounds quick_gelu_grad_estimate(float dy, float x)
{
    float z = 0x1.b3b646p+0f * x;
    return gated_grad_estimate(dy, z, z, 1, 3);
}

#define LINEAR_FLOAT 0x1.9884533d43651p+0f
#define CUBIC_FLOAT 0x1.2444f2a4d8b4bp-4f
INLINE bounds gelu_tanh_estimate(float x)
{
    float v = at_most_float(at_least_float(x, -22), 22);
    bounds b = gated_estimate(v, v * MULTIPLY_ADD(CUBIC_FLOAT, v * v, LINEAR_FLOAT), 6);
    b.low = x > 22 ? x : b.low;
    b.high = x > 22 ? x : b.high;
    return b;
}
INLINE bounds gelu_tanh_grad_estimate(float dy, float x)
{
    float v = at_most_float(at_least_float(x, -22), 22), cubic = CUBIC_FLOAT * (v * v), q = LINEAR_FLOAT + cubic;
    return gated_grad_estimate(dy, v * q, v * (q + 2 * cubic), 3, 8);
}

/* e^(-a^2/2): a^2 is exact; 5 units, and half a unit of r, which is less than 1/2. */
#define NORMAL_FLOAT 13.0f
/* x Phi(x), Phi(-a) = e^(-a^2/2) P(a)/Q(a): rational.py gelu --rational 4 5 --hi 13.2: 2^-27.6 near 0, 2^-25 at 8. */
INLINE bounds gelu_estimate(float x)
{
    float v = at_least_float(x, -NORMAL_FLOAT), a = at_most_float(float_magnitude(v), NORMAL_FLOAT), p, q, n, d;
    exponential e = float_exp(-0.5f * (a * a));
    p = MULTIPLY_ADD(a, 0x1.9887698b645b8p-2f, 0x1.08126f549b5eap+2f);
    p = MULTIPLY_ADD(a, p, 0x1.33d4a18b9d257p+4f);
    p = MULTIPLY_ADD(a, p, 0x1.7a5cbec832dfep+5f);
    p = MULTIPLY_ADD(a, p, 0x1.beebd1e9ea519p+5f);
    q = a + 0x1.4b022d3a59a19p+3f;
    q = MULTIPLY_ADD(a, q, 0x1.899758bf5f055p+5f);
    q = MULTIPLY_ADD(a, q, 0x1.026e6525d16bfp+7f);
    q = MULTIPLY_ADD(a, q, 0x1.6f7a16f12afc0p+7f);
    q = MULTIPLY_ADD(a, q, 0x1.beebd1e9ea519p+6f);
    n = e.s * e.A * p;
    d = e.B * q;
    return within(v * ((x < 0 ? n : d - n) / d), 30);
}
/* Phi(x) + x phi(x): Phi(-a) - a phi(a) = e^(-a^2/2) (root - a) P(a)/Q(a): rational.py gelu_grad --rational 4 4 --hi
 * 13.2: 2^-27.8 */
INLINE bounds gelu_grad_estimate(float dy, float x)
{
    float c = float_magnitude(x), p, q, n, d;
    const float root = 0x1.80ead197f00b4p-1f, root_low = (float)(0x1.80ead197f00b4p-1 - (double)root);
    exponential e = float_exp(-0.5f * (c * c));
    p = MULTIPLY_ADD(c, 0x1.9885e5fce5200p-2f, 0x1.e7373a158d54dp+1f);
    p = MULTIPLY_ADD(c, p, 0x1.f01c525bea1fbp+3f);
    p = MULTIPLY_ADD(c, p, 0x1.faf3048c89b1cp+4f);
    p = MULTIPLY_ADD(c, p, 0x1.cb59f4b40faefp+4f);
    q = c + 0x1.194769a888e9fp+3f;
    q = MULTIPLY_ADD(c, q, 0x1.056c08407e4d9p+5f);
    q = MULTIPLY_ADD(c, q, 0x1.d8d89685a8e4bp+5f);
    q = MULTIPLY_ADD(c, q, 0x1.595623b45a2f9p+5f);
    n = e.s * e.A * p * ((root - c) + root_low);
    d = e.B * q;
    return unless(c > NORMAL_FLOAT, within(dy * ((x < 0 ? n : d - n) / d), 36));
}

/* x a u/v, n = e^x = a/d, u = a + 2d, v = a u + 2d^2. */
INLINE bounds mish_estimate(float x)
{
    float low = at_least_float(x, LEAST_EXPONENT);
    exponential e = float_exp(at_most_float(low, 40));
    float a = e.s * e.A, w = a * (a + 2 * e.B);
    return within(low * (w / (w + 2 * e.B * e.B)), 20);
}
/* a (u v + 4x d^2 (a + d))/v^2: the terms of the sum may cancel. From 20 on it is 1. */
INLINE bounds mish_grad_estimate(float dy, float x)
{
    float c = at_most_float(at_least_float(x, LEAST_EXPONENT), 20);
    exponential e = float_exp(c);
    float a = e.s * e.A, u = a + 2 * e.B, v = a * u + 2 * e.B * e.B;
    float more = u * v, less = 4 * c * (e.B * e.B) * (a + e.B), d = a / (v * v), sum = more + less;
    float error = (more + float_magnitude(less)) * (32 * HALF_SPACING);
    bounds b = {dy * (d * (sum - error)), dy * (d * (sum + error))};
    return unless(x < LEAST_EXPONENT, b);
}

/* S = x^2 + b, where it is neither huge nor tiny. */
INLINE int out_of_range(float S) { return !((S > 0x1p-90f) & (S < 0x1p90f)); }
INLINE bounds squareplus_estimate(float x, float b)
{
    float S = x * x + b, t = float_magnitude(x) + sqrtf(S);
    return unless(out_of_range(S), within(x < 0 ? 0.5f * b / t : 0.5f * t, 10));
}
INLINE bounds squareplus_grad_estimate(float dy, float x, float b)
{
    float S = x * x + b, R = sqrtf(S), t = float_magnitude(x) + R;
    float d = (x < 0 ? 0.5f * b : 0.5f * t) / (x < 0 ? t * R : R);
    return unless(out_of_range(S) | (d < 0x1p-100f), within(dy * d, 16));
}
INLINE bounds squareplus_grad_from_output_estimate(float dy, float y, float b)
{
    float square = y * y, S = square + 0.25f * b;
    return unless(out_of_range(S) | ((square < 0x1p-90f) & (y != 0)), within(gate_float(dy, y <= 0 ? 0 : square / S), 8));
}

INLINE bounds squared_relu_estimate(float x) { return within(x <= 0 ? 0 : x * x, 0); }
INLINE bounds squared_relu_grad_estimate(float dy, float x)
{
    float half = dy * x;
    return within(x <= 0 ? 0 : half + half, 0);
}
INLINE bounds squared_relu_grad_from_output_estimate(float dy, float y)
{
    float half = dy * sqrtf(y);
    return within(y <= 0 ? 0 : half + half, 4);
}

/* The sign of a rounded sum is that of the exact one; the formula decides whether it is 1, or what a tiny product adds.
 * */
INLINE float hard_sigmoid_line(float x, float slope, float offset, int *unknown)
{
    float product = ((slope == 0) & (x == x)) ? 0 : slope * x, line = product + offset;
    *unknown = (line == 1) | ((float_magnitude(product) < 0x1p-100f) & (x != 0) & (slope != 0));
    return line;
}
INLINE bounds hard_sigmoid_estimate(float x, float slope, float offset)
{
    int unknown;
    float line = hard_sigmoid_line(x, slope, offset, &unknown);
    return unless(unknown, within(line <= 0 ? 0 : line >= 1 ? 1 : line, 3));
}
INLINE bounds hard_sigmoid_grad_estimate(float dy, float x, float slope, float offset)
{
    int unknown;
    float line = hard_sigmoid_line(x, slope, offset, &unknown);
    return unless(unknown, within(pass_f32((line > 0) & (line < 1) & (slope != 0), dy * slope, x), 0));
}
INLINE bounds hard_sigmoid_grad_from_output_estimate(float dy, float y, float slope, float offset)
{
    (void)offset;
    return within(pass_f32((y > 0) & (y < 1) & (slope != 0), dy * slope, y), 0);
}

INLINE bounds hard_swish_estimate(float x)
{
    float y = x * (x + 3) * (1.0f / 6), right = x >= 3 ? x : y;
    return within(x <= -3 ? -0.0f : right, 6);
}
INLINE bounds hard_swish_grad_estimate(float dy, float x)
{
    float y = dy * ((x + 1.5f) * (1.0f / 3));
    return within(((x <= -3) | (x == -1.5f)) ? 0 : x >= 3 ? dy : y, 8);
}

INLINE bounds softsign_estimate(float x)
{
    float m = at_most_float(float_magnitude(x), 0x1p60f);
    return within(float_with_sign_of(m / (1 + m), x), 4);
}
INLINE bounds softsign_grad_estimate(float dy, float x)
{
    float sum = 1 + float_magnitude(x);
    return unless(sum > 0x1p40f, within(dy / (sum * sum), 8));
}
INLINE bounds softsign_grad_from_output_estimate(float dy, float y)
{
    float inverse = 1 - float_magnitude(y);
    return within_of_output(dy, inverse <= 0 ? 0 : inverse * inverse, 8);
}

#endif
