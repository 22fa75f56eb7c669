/* order.h, and how a gradient passes, for a half type: on the bits. A template: the includer sets SUFFIX, `real`
 * (uint16_t), INFINITY_BITS and SIX_BITS. */

INLINE int FN(is_number)(real h) { return (h & 0x7fff) <= INFINITY_BITS; }

/* Integers in the order of the numbers, 0 for both zeros: the magnitude with the sign of h. */
INLINE int16_t FN(order)(real h)
{
    int16_t sign = (int16_t)h >> 15;
    return (int16_t)(((h & 0x7fff) ^ sign) - sign);
}

INLINE int FN(above)(real a, real b)
{
    return FN(is_number)(a) & FN(is_number)(b) & (FN(order)(a) > FN(order)(b));
}
INLINE int FN(at_most)(real a, real b)
{
    return FN(is_number)(a) & FN(is_number)(b) & (FN(order)(a) <= FN(order)(b));
}
INLINE real FN(negative)(real h) { return h ^ 0x8000; }
INLINE real FN(six)(void) { return SIX_BITS; }
INLINE real FN(pass)(int open, real dx, real x) { return open ? dx : FN(is_number)(x) ? 0 : x; }
