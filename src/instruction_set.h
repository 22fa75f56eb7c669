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
#define SUFFIX _wide_f16
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

/* The smooth formulas, in double throughout: for what is rounded once more, and for float64. */
#define NARROW 1
#define SUFFIX _narrow
#include "vmath_exp.h"
#include "smooth_exp.h"
#include "vmath_log_erfc.h"
#include "smooth_log_erfc.h"
#undef SUFFIX
#undef NARROW

#define NARROW 0
#define SUFFIX _full
#include "vmath_exp.h"
#include "smooth_exp.h"
#include "vmath_log_erfc.h"
#include "smooth_log_erfc.h"
#undef SUFFIX
#undef NARROW

/* The loop drivers, once per stored type and the formulas' type. */
#define STORED uint16_t
#define real float
#define LOAD float_of_half
#define STORE half_of_float
#define SUFFIX _float16_in_float
#include "loops.h"

#define STORED uint16_t
#define real double
#define LOAD (double)float_of_half
#define STORE half_of_double
#define SUFFIX _float16_in_double
#include "loops.h"

#define STORED float
#define real float
#define LOAD
#define STORE
#define SUFFIX _float32
#include "loops.h"

#define STORED double
#define real double
#define LOAD
#define STORE
#define SUFFIX _float64
#include "loops.h"

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

/* The kernels: a row's formulas bound to the drivers. */
#define ARGUMENTS_forward_0  1, 1, (a)
#define ARGUMENTS_forward_1  2, 1, (a, b)
#define ARGUMENTS_forward_2  3, 1, (a, b, c)
#define ARGUMENTS_backward_0 2, 2, (a, b)
#define ARGUMENTS_backward_1 3, 2, (a, b, c)
#define ARGUMENTS_backward_2 4, 2, (a, b, c, d)

#define KERNEL(...) KERNEL_(__VA_ARGS__)
#define KERNEL_(name, dtype, driver, real, formula, inputs, first, arguments)                  \
    INLINE real formula_##name##_##dtype(real a, real b, real c, real d)                             \
    {                                                                                                   \
        (void)a, (void)b, (void)c, (void)d;                                                             \
        return formula arguments;                                                                       \
    }                                                                                                   \
    static void kernel_##name##_##dtype(char *const *data, intptr_t n, const intptr_t *strides)         \
    {                                                                                                   \
        drive_##driver(formula_##name##_##dtype, inputs, first, data, n, strides);                      \
    }

#define FLOATS_STORED(name, operands)                                                                   \
    KERNEL(name, float16, float16_in_float, float, name##_f32, ARGUMENTS_##operands)               \
    KERNEL(name, float32, float32, float, name##_f32, ARGUMENTS_##operands)               \
    KERNEL(name, float64, float64, double, name##_f64, ARGUMENTS_##operands)
#define FLOATS_WIDE(name, operands)                                                                     \
    KERNEL(name, float16, float16_in_double, double, name##_wide_f16, ARGUMENTS_##operands)          \
    KERNEL(name, float32, float32, float, name##_wide_f32, ARGUMENTS_##operands)           \
    KERNEL(name, float64, float64, double, name##_wide_f64, ARGUMENTS_##operands)
#define FLOATS_DOUBLE(name, operands)                                                                   \
    KERNEL(name, float16, float16_in_double, double, name##_narrow, ARGUMENTS_##operands)               \
    KERNEL(name, float32, float32, float, (float)name##_narrow, ARGUMENTS_##operands)                   \
    KERNEL(name, float64, float64, double, name##_full, ARGUMENTS_##operands)
#define INTEGER(name, dtype, operands) \
    KERNEL(name, dtype, dtype, dtype##_t, name##_##dtype, ARGUMENTS_##operands)
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

/* The table of them. */
#define ENTRY(name, dtype, index) [index] = kernel_##name##_##dtype,
#define ENTRIES_FLOATS(name)
#define ENTRIES_INTEGERS(name)                                                         \
    ENTRY(name, int8, INT8) ENTRY(name, int16, INT16)                                  \
    ENTRY(name, int32, INT32) ENTRY(name, int64, INT64)                                \
    ENTRY(name, uint8, UINT8) ENTRY(name, uint16, UINT16)                              \
    ENTRY(name, uint32, UINT32) ENTRY(name, uint64, UINT64)
#define UFUNC(name, operands, evaluation, kinds)                                       \
    [UFUNC_##name] = {ENTRY(name, float16, FLOAT16) ENTRY(name, float32, FLOAT32)      \
                      ENTRY(name, float64, FLOAT64) ENTRIES_##kinds(name)},

#define STRING_(x) #x
#define STRING(x) STRING_(x)
const instruction_set PASTE(relu_c_, ISA) = {STRING(ISA), STREAM, {
#include "activations.def"
}};
