/* Vectors of floats: explicit ones with AVX-512, where the compiler has operators for them; else of one float, in
 * loops for the compiler to vectorise. */
#ifndef RELU_C_VECTORS_H
#define RELU_C_VECTORS_H

#include "base.h"
#include "estimates.h"

#if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__GNUC__)
#include <immintrin.h>
#define LANES 16
typedef __m512 vector;
typedef __mmask16 lanes; /* combine by & and | */

INLINE vector load(const float *from) { return _mm512_loadu_ps(from); }
INLINE void store(float *to, vector a) { _mm512_storeu_ps(to, a); }
INLINE vector all(float c) { return _mm512_set1_ps(c); }
INLINE vector absolute(vector a) { return _mm512_abs_ps(a); }
INLINE vector root(vector a) { return _mm512_sqrt_ps(a); }
INLINE vector greater_of(vector a, vector b) { return _mm512_max_ps(a, b); } /* b where one is NaN */
INLINE vector lesser_of(vector a, vector b) { return _mm512_min_ps(a, b); }  /* b where one is NaN */
INLINE vector fused(vector a, vector b, vector c) { return _mm512_fmadd_ps(a, b, c); }       /* ab + c */
INLINE vector fused_less(vector a, vector b, vector c) { return _mm512_fmsub_ps(a, b, c); }  /* ab - c */
INLINE vector fused_from(vector a, vector b, vector c) { return _mm512_fnmadd_ps(a, b, c); } /* c - ab */
INLINE lanes less(vector a, vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
INLINE lanes not_less(vector a, vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ); }  /* or NaN */
INLINE lanes unequal(vector a, vector b) { return _mm512_cmp_ps_mask(a, b, _CMP_NEQ_UQ); }    /* or NaN */
INLINE vector choose(lanes where, vector a, vector b) { return _mm512_mask_mov_ps(b, where, a); }

/* Entry k modulo 32 of a table, k the integer in the low bits of each lane. */
typedef struct { float entries[32]; } table;
INLINE vector entry(const table *t, vector k)
{
    const float *e = t->entries;
    return _mm512_permutex2var_ps(_mm512_loadu_ps(e), _mm512_castps_si512(k), _mm512_loadu_ps(e + 16));
}
/* a with k 2^18 added to its bits: with 32 times it, 2^(k/32) where that is a power of two. */
INLINE vector raised(vector a, vector k)
{
    __m512i raise = _mm512_slli_epi32(_mm512_castps_si512(k), 18);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a), raise));
}
#else
#define LANES 1
typedef float vector;
typedef int lanes;

INLINE vector load(const float *from) { return *from; }
INLINE void store(float *to, vector a) { *to = a; }
INLINE vector all(float c) { return c; }
INLINE vector absolute(vector a) { return float_magnitude(a); }
INLINE vector root(vector a) { return sqrtf(a); }
INLINE vector fused(vector a, vector b, vector c) { return fmaf(a, b, c); }
INLINE vector fused_less(vector a, vector b, vector c) { return fmaf(a, b, -c); }
INLINE vector fused_from(vector a, vector b, vector c) { return fmaf(-a, b, c); }
INLINE lanes less(vector a, vector b) { return a < b; }
INLINE lanes not_less(vector a, vector b) { return !(a < b); }
INLINE lanes unequal(vector a, vector b) { return a != b; }
INLINE vector choose(lanes where, vector a, vector b) { return where ? a : b; }
#endif

#endif
