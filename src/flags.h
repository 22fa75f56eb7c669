/* The floating-point flags, saved around loops. */
#ifndef RELU_C_FLAGS_H
#define RELU_C_FLAGS_H

/* Comparing a NaN, say, sets a floating-point flag. NumPy does not look at the flags after these loops, unless it casts operands
 * around them; they are therefore left as they were found. */
#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
typedef unsigned flags;
static inline flags get_flags(void) { return _mm_getcsr(); }
static inline void set_flags(flags found) { _mm_setcsr(found); }
#else
#include <fenv.h>
typedef fexcept_t flags;
static inline flags get_flags(void)
{
    flags found;
    fegetexceptflag(&found, FE_ALL_EXCEPT);
    return found;
}
static inline void set_flags(flags found) { fesetexceptflag(&found, FE_ALL_EXCEPT); }
#endif

#endif
