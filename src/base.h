/* What every other header stands on: forced inlining, template names, bit casts, error-free transformations. */
#ifndef RELU_C_BASE_H
#define RELU_C_BASE_H

#include <float.h>
#include <stdint.h>
#include <string.h>
#include <tgmath.h>

#if defined(_MSC_VER) && !defined(__clang__)
#define INLINE static __forceinline
#define NOT_INLINE static __declspec(noinline)
#define INDEPENDENT __pragma(loop(ivdep))
#define INTERLEAVED INDEPENDENT
#define ROLLED
#pragma fp_contract(off)
#elif defined(__clang__)
#define INLINE static inline __attribute__((always_inline))
#define NOT_INLINE static __attribute__((noinline, unused))
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#define INTERLEAVED _Pragma("clang loop vectorize(assume_safety) interleave_count(4)")
#define ROLLED
#else
#define INLINE static inline __attribute__((always_inline))
#define NOT_INLINE static __attribute__((noinline, unused))
#define INDEPENDENT _Pragma("GCC ivdep")
#define INTERLEAVED _Pragma("GCC ivdep") _Pragma("GCC unroll 2")
/* For a short loop of constant length, which GCC would unroll before it could become one vector. */
#define ROLLED _Pragma("GCC unroll 1")
#endif

/* FN(relu) is relu_f32, relu_wide_f32 and so on: the including file sets SUFFIX before each inclusion of a template. */
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)
#define FN(name) PASTE(name, SUFFIX)

INLINE uint32_t bits_of_float(float x) { uint32_t i; memcpy(&i, &x, sizeof i); return i; }
INLINE float float_from_bits(uint32_t i) { float x; memcpy(&x, &i, sizeof x); return x; }
INLINE int64_t bits_of(double x) { int64_t i; memcpy(&i, &x, sizeof i); return i; }
INLINE double from_bits(int64_t i) { double x; memcpy(&x, &i, sizeof x); return x; }

/* s + e = a + b exactly, any order of magnitude (Knuth). */
INLINE double two_sum(double a, double b, double *e)
{
    double s = a + b, t = s - a;
    *e = (a - (s - t)) + (b - t);
    return s;
}

/* The same where |a| >= |b| or a = 0. */
INLINE double fast_two_sum(double a, double b, double *e)
{
    double s = a + b;
    *e = b - (s - a);
    return s;
}

#if defined(__FMA__) || defined(__aarch64__) || defined(_M_ARM64) || (defined(_MSC_VER) && defined(__AVX2__))
#define HAVE_FMA 1
#else
#define HAVE_FMA 0
#endif

/* The 26 leading bits of a, rounded to nearest, so that a - leading_bits(a) fits in 26 bits as well. |a| < 2^1023. */
INLINE double leading_bits(double a) { return from_bits((bits_of(a) + 0x4000000) & ~(int64_t)0x7ffffff); }

/* p + e = a b exactly (Dekker), without fma. Needs |a b| < 2^1023, and |a b| > 2^-968 or so (e normal) or 0. */
INLINE double dekker_product(double a, double b, double *e)
{
    double p = a * b, ah = leading_bits(a), al = a - ah, bh = leading_bits(b), bl = b - bh;
    *e = ((ah * bh - p) + ah * bl + al * bh) + al * bl;
    return p;
}

/* fma without the instruction (Boldo and Melquiond): a b = u + v exactly, c + v = th + tl, u + th = vh + vl; the two
 * tails are added to odd (an inexact sum is cut towards 0 and its last bit made 1), so that the last addition rounds
 * the whole sum once. The same bits as the instruction where dekker_product is exact; non-finite sums and exact zeros
 * (their sign) come from the plain expression. Two choices between doubles, one shift and no comparison of integers:
 * SSE2 has no other vectors. */
INLINE double emulated_fma(double a, double b, double c)
{
    double v, tl, vl, e, u = dekker_product(a, b, &v), th = two_sum(c, v, &tl), vh = two_sum(u, th, &vl);
    double s = two_sum(tl, vl, &e), plain = u + c, r;
    int64_t cut = bits_of(s) - (int64_t)((uint64_t)(bits_of(s) ^ bits_of(e)) >> 63);
    r = vh + (e != 0.0 ? from_bits(cut | 1) : s);
    r = r - r == 0.0 ? r : plain;
    return r != 0.0 ? r : plain;
}

/* FMA(a, b, c): a b + c rounded once.
 * FMA_EXACT(a, b, c): the same where the caller knows that a b needs no rounding, or that the result is the same with
 * it. */
#if HAVE_FMA
#define FMA(a, b, c) fma((double)(a), (double)(b), (double)(c))
#define FMA_EXACT(a, b, c) FMA(a, b, c)
#else
#define FMA(a, b, c) emulated_fma(a, b, c)
#define FMA_EXACT(a, b, c) ((a) * (b) + (c))
#endif

/* p + e = a b exactly; the limits of dekker_product hold for equal bits. */
INLINE double two_product(double a, double b, double *e)
{
#if HAVE_FMA
    double p = a * b;
    *e = FMA(a, b, -p);
    return p;
#else
    return dekker_product(a, b, e);
#endif
}

/* value - a b exactly, for a b next to value. */
INLINE double product_rest(double value, double a, double b)
{
#if HAVE_FMA
    return FMA(-a, b, value);
#else
    double e, p = dekker_product(a, b, &e);
    return (value - p) - e;
#endif
}

/* y, double's rounding of a positive value, made odd if it is not that value: `rest` (never -0) has the sign of value - y.
 * An odd last bit is no tie of a shorter type, so the next rounding is that of the value itself. */
INLINE double to_odd(double y, double rest)
{
    return from_bits((bits_of(y) + (bits_of(rest) >> 63)) | (rest != 0.0));
}

/* The end of a gradient: a derivative of exactly 0 blocks whatever comes from above; NaN d stays NaN. */
INLINE double gate(double dy, double d) { return d == 0.0 ? 0.0 : dy * d; }

/* The same for a derivative taken from y: a y outside the function's range is no output, and its formula gives d <= 0. */
INLINE double gate_of_output(double dy, double d) { return d <= 0.0 ? 0.0 : dy * d; }

#endif
