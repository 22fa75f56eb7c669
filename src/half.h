/* float16 (IEEE binary16, kept in a uint16_t) to and from the types that formulas evaluate in.
 * Branch-free integer and float arithmetic, so that the loops vectorise on every instruction set. */
#ifndef RELU_C_HALF_H
#define RELU_C_HALF_H

#include "base.h"

/* Exponent and significand moved into float's places make h / 2^112, exact also for subnormals, so one multiplication
 * restores the value. Infinity and NaN come out at 2^16 and above: their exponent is then set to all ones. */
INLINE float float_of_half(uint16_t h)
{
    uint32_t magnitude = (uint32_t)(h & 0x7fff) << 13;
    uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    uint32_t finite = bits_of_float(float_from_bits(magnitude) * 0x1p112f);
    return float_from_bits(sign | (magnitude >= 0x0f800000 ? magnitude | 0x7f800000 : finite));
}

/* Rounds once, to nearest even. Adding 2^(e+13), e the exponent of f but at least half's least, -14, leaves float a spacing of
 * 2^(e-10), half's own: the sum's low bits are the rounded significand, and its carry goes into the exponent.
 * Where e exceeds 15, e is held at 15: the value is at least 2^16 there and rounds to infinity, as does what rounds up to it. */
INLINE uint16_t half_of_float(float f)
{
    uint32_t bits = bits_of_float(f), magnitude = bits & 0x7fffffff;
    uint32_t exponent = magnitude & 0x7f800000;
    exponent = exponent < (127u - 14) << 23 ? (127u - 14) << 23 : exponent;
    exponent = exponent > (127u + 15) << 23 ? (127u + 15) << 23 : exponent;
    uint32_t anchor = exponent + (13u << 23);
    uint32_t significand = bits_of_float(float_from_bits(magnitude) + float_from_bits(anchor)) - anchor;
    uint32_t finite = significand + (((exponent >> 23) - (127 - 14)) << 10);
    uint32_t half = magnitude >= 0x47800000 ? 0x7c00 : finite;
    half = magnitude > 0x7f800000 ? 0x7e00 : half;
    return (uint16_t)(half | (bits >> 16 & 0x8000));
}

/* By way of float, but rounded to odd there: an inexact step leaves an odd last bit, which is never a tie of half's, so the
 * second rounding sees on which side of a tie the value lies and the result is the double rounded once. */
INLINE uint16_t half_of_double(double d)
{
    float f = (float)d;
    uint32_t bits = bits_of_float(f);
    uint32_t toward_zero = bits - (fabs((double)f) > fabs(d));
    return half_of_float(float_from_bits((double)f != d && d == d ? toward_zero | 1 : bits));
}

#endif
