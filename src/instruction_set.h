/* Everything that is compiled once per instruction set. A stub sets ISA and includes this; its flags come from setup.py. */
#include "base.h"
#include "half.h"
#include "kernels.h"
#include "stream.h"

/* The formulas, once per type of operands and result; rational.h evaluates in double for each. */
#define real float
#define SUFFIX _f32
#include "piecewise.h"
#undef real
#undef SUFFIX

#define real double
#define SUFFIX _f64
#include "piecewise.h"
#undef real
#undef SUFFIX

#define NARROW 1
#define real double
#define SUFFIX _wide_half
#include "rational.h"
#undef real
#undef SUFFIX

#define real float
#define SUFFIX _wide_f32
#include "rational.h"
#undef real
#undef SUFFIX
#undef NARROW

#define NARROW 0
#define real double
#define SUFFIX _wide_f64
#include "rational.h"
#undef real
#undef SUFFIX
#undef NARROW

#include "estimates.h"
#include "half_blocks.h"

/* The choices, on the bits of the half types. */
#define real uint16_t
#define INFINITY_BITS 0x7c00
#define SIX_BITS 0x4600
#define SUFFIX _float16_bits
#include "bits.h"
#include "choices.h"
#undef INFINITY_BITS
#undef SIX_BITS
#undef SUFFIX

#define INFINITY_BITS 0x7f80
#define SIX_BITS 0x40c0
#define SUFFIX _bfloat16_bits
#include "bits.h"
#include "choices.h"
#undef INFINITY_BITS
#undef SIX_BITS
#undef SUFFIX
#undef real

/* The smooth formulas: for float32, for what the caller rounds once more, and for float64. */
#define NARROW 1
#define real float
#define SUFFIX _wide_f32
#include "vmath_exp.h"
#include "smooth_exp.h"
#include "vmath_log_erfc.h"
#include "smooth_log_erfc.h"
#undef SUFFIX
#undef real

#define real double
#define SUFFIX _wide_half
#include "vmath_exp.h"
#include "smooth_exp.h"
#include "vmath_log_erfc.h"
#include "smooth_log_erfc.h"
#include "learned.h"
#include "gated.h"
#undef SUFFIX
#undef NARROW

#define NARROW 0
#define SUFFIX _wide_f64
#include "vmath_exp.h"
#include "smooth_exp.h"
#include "vmath_log_erfc.h"
#include "smooth_log_erfc.h"
#include "learned.h"
#undef SUFFIX
#undef real
#undef NARROW

/* The loops and their drivers, once per type. */
#define real float
#define SUFFIX _float32
#define NARROW 1
#include "sums.h"
#undef NARROW
#define STORED real
#define LOAD
#include "pool.h"
#undef STORED
#undef LOAD
#include "loops.h"

#define real double
#define SUFFIX _float64
#define NARROW 0
#include "sums.h"
#undef NARROW
#define STORED real
#define LOAD
#include "pool.h"
#undef STORED
#undef LOAD
#include "loops.h"

#define STORED uint16_t
#define real float
#define LOAD float_of_float16
#define SUFFIX _float16
#include "pool.h"
#define TO_FLOAT float_of_float16
#define TO_FLOATS floats_of_float16
#define FROM_FLOATS float16_of_floats
#define BOUNDS float16_of_bounds
#include "half_loops.h"
#undef LOAD

#define LOAD float_of_bfloat16
#define SUFFIX _bfloat16
#include "pool.h"
#define TO_FLOAT float_of_bfloat16
#define TO_FLOATS floats_of_bfloat16
#define FROM_FLOATS bfloat16_of_floats
#define BOUNDS bfloat16_of_bounds
#include "half_loops.h"
#undef STORED
#undef real
#undef LOAD

#define real int8_t
#define SUFFIX _int8
#include "integers.h"
#define real int16_t
#define SUFFIX _int16
#include "integers.h"
#define real int32_t
#define SUFFIX _int32
#include "integers.h"
#define real int64_t
#define SUFFIX _int64
#include "integers.h"
#define real uint8_t
#define SUFFIX _uint8
#include "integers.h"
#define real uint16_t
#define SUFFIX _uint16
#include "integers.h"
#define real uint32_t
#define SUFFIX _uint32
#include "integers.h"
#define real uint64_t
#define SUFFIX _uint64
#include "integers.h"

/* The sums of the half types. */
#define SUM(name, narrow, full)                                                                                        \
    static void sum_##name##_float16(const void *dy, const void *x, const void *parameter, double *sums, intptr_t n)   \
    {                                                                                                                  \
        sum_float16(sum_##name##_float32, dy, x, parameter, sums, n);                                                  \
    }                                                                                                                  \
    static void sum_##name##_bfloat16(const void *dy, const void *x, const void *parameter, double *sums, intptr_t n)  \
    {                                                                                                                  \
        sum_bfloat16(sum_##name##_float32, dy, x, parameter, sums, n);                                                 \
    }
#include "units.def"

/* The kernels: a row's formulas bound to the drivers. */
#define ARGUMENTS_forward_0  1, 1, (a)
#define ARGUMENTS_forward_1  2, 1, (a, b)
#define ARGUMENTS_forward_2  3, 1, (a, b, c)
#define ARGUMENTS_backward_0 2, 2, (a, b)
#define ARGUMENTS_backward_1 3, 2, (a, b, c)
#define ARGUMENTS_backward_2 4, 2, (a, b, c, d)
#define ARGUMENTS_arrays_2   2, 2, (a, b)
#define ARGUMENTS_arrays_3   3, 3, (a, b, c)

#define KERNEL(...) KERNEL_(__VA_ARGS__)
#define KERNEL_(name, dtype, order, real, formula, inputs, first, arguments)                                     \
    INLINE real formula_##name##_##dtype(real a, real b, real c, real d)                                        \
    {                                                                                                           \
        (void)a, (void)b, (void)c, (void)d;                                                                     \
        return formula arguments;                                                                               \
    }                                                                                                           \
    NOT_INLINE void loop_##name##_##dtype(const real *APART_##order a, const real *APART_##order b,             \
                                          const real *APART_##order c, const real *APART_##order d,             \
                                          real *APART_##order out, intptr_t n, int fixed)                       \
    {                                                                                                           \
        if (inputs > first && fixed)                                                                            \
            each_##order##_##dtype(formula_##name##_##dtype, inputs, first, 1, a, b, c, d, out, n);             \
        else                                                                                                    \
            each_##order##_##dtype(formula_##name##_##dtype, inputs, first, 0, a, b, c, d, out, n);             \
    }                                                                                                           \
    static void kernel_##name##_##dtype(char *const *data, intptr_t n, const intptr_t *strides)                 \
    {                                                                                                           \
        drive_##dtype(loop_##name##_##dtype, IS_##order, inputs, first, data, n, strides);                      \
    }
#define APART_plain
#define APART_interleaved restrict
#define IS_plain       0
#define IS_interleaved 1

/* The same for the half types: a row's block, once with parameters that are one number each, once with arrays of them. */
#define HALF_KERNEL(name, dtype, each, inputs, first, ...)                                              \
    static void block_##name##_##dtype(const uint16_t *const *in, int fixed, uint16_t *out, intptr_t n) \
    {                                                                                                   \
        if (inputs > first && fixed)                                                                    \
            each(__VA_ARGS__, inputs, first, 1, in, out, n);                                            \
        else                                                                                            \
            each(__VA_ARGS__, inputs, first, 0, in, out, n);                                            \
    }                                                                                                   \
    static void kernel_##name##_##dtype(char *const *data, intptr_t n, const intptr_t *strides)         \
    {                                                                                                   \
        drive_half(block_##name##_##dtype, inputs, first, data, n, strides);                            \
    }
#define FORMULA(type, function, call)                                                                   \
    INLINE type function                                                                                \
    {                                                                                                   \
        (void)a, (void)b, (void)c, (void)d;                                                             \
        return call;                                                                                    \
    }

#define HALF_CHOICE(...) HALF_CHOICE_(__VA_ARGS__)
#define HALF_CHOICE_(name, dtype, inputs, first, arguments)                                             \
    FORMULA(uint16_t, formula_##name##_##dtype(uint16_t a, uint16_t b, uint16_t c, uint16_t d),         \
            name##_##dtype##_bits arguments)                                                            \
    HALF_KERNEL(name, dtype, each_choice, inputs, first, formula_##name##_##dtype)

#define HALF_FLOAT(...) HALF_FLOAT_(__VA_ARGS__)
#define HALF_FLOAT_(name, dtype, inputs, first, arguments)                                              \
    HALF_KERNEL(name, dtype, each_float_##dtype, inputs, first, formula_##name##_float32)

#define HALF_DOUBLE(...) HALF_DOUBLE_(__VA_ARGS__)
#define HALF_DOUBLE_(name, formula, inputs, first, arguments)                                           \
    FORMULA(double, formula_##name##_odd(double a, double b, double c, double d), formula arguments)    \
    static void odd_##name(const float *const *in, float *out, intptr_t n)                              \
    {                                                                                                   \
        each_odd(formula_##name##_odd, inputs, in, out, n);                                             \
    }                                                                                                   \
    FORMULA(bounds, estimate_##name(float a, float b, float c, float d), name##_estimate arguments)     \
    HALF_KERNEL(name, float16, each_estimate_float16, inputs, first, estimate_##name, odd_##name)       \
    HALF_KERNEL(name, bfloat16, each_estimate_bfloat16, inputs, first, estimate_##name, odd_##name)

#define FLOATS_CHOICE(name, operands)                                                                   \
    HALF_CHOICE(name, float16, ARGUMENTS_##operands)                                                         \
    HALF_CHOICE(name, bfloat16, ARGUMENTS_##operands)                                                        \
    KERNEL(name, float32, plain, float, name##_f32, ARGUMENTS_##operands)                             \
    KERNEL(name, float64, plain, double, name##_f64, ARGUMENTS_##operands)
#define FLOATS_STORED(name, operands)                                                                   \
    KERNEL(name, float32, plain, float, name##_f32, ARGUMENTS_##operands)                             \
    KERNEL(name, float64, plain, double, name##_f64, ARGUMENTS_##operands)                            \
    HALF_FLOAT(name, float16, ARGUMENTS_##operands)                                                       \
    HALF_FLOAT(name, bfloat16, ARGUMENTS_##operands)
#define FLOATS_WIDE(name, operands) FLOATS_EVALUATED(name, operands, plain)
#define FLOATS_DOUBLE(name, operands) FLOATS_EVALUATED(name, operands, plain)
#if HAVE_FMA
#define FLOATS_CHAIN(name, operands) FLOATS_EVALUATED(name, operands, interleaved)
#else /* an emulated fma is long enough alone */
#define FLOATS_CHAIN(name, operands) FLOATS_EVALUATED(name, operands, plain)
#endif
#define FLOATS_EVALUATED(name, operands, order)                                                         \
    HALF_DOUBLE(name, name##_wide_half, ARGUMENTS_##operands)                                           \
    KERNEL(name, float32, order, float, name##_wide_f32, ARGUMENTS_##operands)                          \
    KERNEL(name, float64, order, double, name##_wide_f64, ARGUMENTS_##operands)
#define INTEGER(name, dtype, operands) \
    KERNEL(name, dtype, plain, dtype##_t, name##_##dtype, ARGUMENTS_##operands)
#define KERNELS_FLOATS(name, operands)
#define KERNELS_INTEGERS(name, operands)                                               \
    INTEGER(name, int8, operands)                                                      \
    INTEGER(name, int16, operands)                                                     \
    INTEGER(name, int32, operands)                                                     \
    INTEGER(name, int64, operands)                                                     \
    INTEGER(name, uint8, operands)                                                     \
    INTEGER(name, uint16, operands)                                                    \
    INTEGER(name, uint32, operands)                                                    \
    INTEGER(name, uint64, operands)

#define UFUNC(name, operands, evaluation, kinds)                                       \
    FLOATS_##evaluation(name, operands)                                                \
    KERNELS_##kinds(name, operands)
#include "activations.def"
#define UFUNC(name, operands, evaluation, kinds) FLOATS_##evaluation(name, operands)
#include "units.def"
#define ONCE(name, operands)                                                                            \
    KERNEL(name, float32, plain, float, (float)name##_wide_half, ARGUMENTS_##operands)                   \
    HALF_FLOAT(name, float16, ARGUMENTS_##operands)                                                     \
    HALF_FLOAT(name, bfloat16, ARGUMENTS_##operands)
#define GATED(name, activation) \
    ONCE(name, arrays_2) ONCE(name##_grad_gate, arrays_3) ONCE(name##_grad_value, arrays_2)
#include "units.def"


#include "bounded.h"
#define BOUNDED(name, operands, only) BOUNDED_(name, only, ARGUMENTS_##operands)
#define BOUNDED_(...) BOUNDED__(__VA_ARGS__)
#define BOUNDED__(name, only, inputs, arrays, arguments)                                                \
    INLINE ends ends_##name(vector a, vector b, vector c)                                               \
    {                                                                                                   \
        (void)a, (void)b, (void)c;                                                                      \
        return name##_ends arguments;                                                                   \
    }                                                                                                   \
    static void bounded_##name##_float32(char *const *data, intptr_t n, const intptr_t *strides)        \
    {                                                                                                   \
        drive_bounded(ends_##name, kernel_##name##_float32, inputs, arrays, only, data, n, strides);    \
    }
#include "units.def"

/* The table of them. */
#define ENTRY(name, dtype, index) [index] = kernel_##name##_##dtype,
#define ENTRIES_FLOATS(name)
#define ENTRIES_INTEGERS(name)                                                         \
    ENTRY(name, int8, INT8) ENTRY(name, int16, INT16)                                  \
    ENTRY(name, int32, INT32) ENTRY(name, int64, INT64)                                \
    ENTRY(name, uint8, UINT8) ENTRY(name, uint16, UINT16)                              \
    ENTRY(name, uint32, UINT32) ENTRY(name, uint64, UINT64)
#define UFUNC(name, operands, evaluation, kinds)                                       \
    [UFUNC_##name] = {ENTRY(name, float16, FLOAT16) ENTRY(name, bfloat16, BFLOAT16)    \
                      ENTRY(name, float32, FLOAT32) ENTRY(name, float64, FLOAT64)      \
                      ENTRIES_##kinds(name)},

#define UNIT(name) \
    [UFUNC_##name] = {ENTRY(name, float16, FLOAT16) ENTRY(name, bfloat16, BFLOAT16)    \
                      ENTRY(name, float32, FLOAT32) ENTRY(name, float64, FLOAT64)},
#define NARROW_UNIT(name) \
    [UFUNC_##name] = {ENTRY(name, float16, FLOAT16) ENTRY(name, bfloat16, BFLOAT16) ENTRY(name, float32, FLOAT32)},
#define POOL(dtype, index) [index] = pool_##dtype,

#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides" /* BOUNDED, on purpose */
#endif
#define STRING_(x) #x
#define STRING(x) STRING_(x)
const instruction_set PASTE(relu_c_, ISA) = {
    STRING(ISA), STREAM,
    {
#include "activations.def"
#define UFUNC(name, operands, evaluation, kinds) UNIT(name)
#define GATED(name, activation) NARROW_UNIT(name) NARROW_UNIT(name##_grad_gate) NARROW_UNIT(name##_grad_value)
#define BOUNDED(name, operands, only) [UFUNC_##name][FLOAT32] = bounded_##name##_float32,
#include "units.def"
    },
    {
#define SUM(name, narrow, full) \
    [SUM_##name] = {[FLOAT16] = sum_##name##_float16, [BFLOAT16] = sum_##name##_bfloat16, \
                    [FLOAT32] = sum_##name##_float32, [FLOAT64] = sum_##name##_float64},
#include "units.def"
    },
    {POOL(float16, FLOAT16) POOL(bfloat16, BFLOAT16) POOL(float32, FLOAT32) POOL(float64, FLOAT64)
     POOL(int8, INT8) POOL(int16, INT16) POOL(int32, INT32) POOL(int64, INT64)
     POOL(uint8, UINT8) POOL(uint16, UINT16) POOL(uint32, UINT32) POOL(uint64, UINT64)},
};
