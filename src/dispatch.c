#include "dispatch.h"
#include "flags.h"

#include <stddef.h>
#include <string.h>

enum { USUAL_CACHE = 32 << 20 };

extern const instruction_set relu_c_baseline, relu_c_avx2, relu_c_avx512, relu_c_neon;

#if defined(__x86_64__) || defined(_M_X64)
#ifdef _MSC_VER
#include <intrin.h>
static void cpuid(int leaf, int subleaf, unsigned r[4]) { __cpuidex((int *)r, leaf, subleaf); }
static unsigned long long enabled_state(void) { return _xgetbv(0); }
#else
#include <cpuid.h>
static void cpuid(int leaf, int subleaf, unsigned r[4]) { __cpuid_count(leaf, subleaf, r[0], r[1], r[2], r[3]); }
static unsigned long long enabled_state(void)
{
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (unsigned long long)high << 32 | low;
}
#endif

enum { EAX, EBX, ECX, EDX };
#define BIT(n) (1u << (n))
#define HAS(r, bits) (((r) & (bits)) == (bits))

/* The level of x86-64 (1 to 4): everything that the compiler may emit at that level, and that the operating system saves
 * the registers it uses. */
static int x86_64_level(void)
{
    unsigned r[4], basic, extended;
    cpuid(0, 0, r);
    basic = r[EAX];
    cpuid((int)0x80000000, 0, r);
    extended = r[EAX];
    if (basic < 7 || extended < 0x80000001)
        return 1;

    unsigned leaf1[4], leaf7[4], leaf81[4];
    cpuid(1, 0, leaf1);
    cpuid(7, 0, leaf7);
    cpuid((int)0x80000001, 0, leaf81);
    /* v2: SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF. v3: FMA, MOVBE, XSAVE and OSXSAVE, AVX, F16C; BMI1, AVX2,
     * BMI2; LZCNT. */
    const unsigned ecx1 = BIT(0) | BIT(9) | BIT(13) | BIT(19) | BIT(20) | BIT(23) | BIT(12) | BIT(22) | BIT(26) | BIT(27)
                          | BIT(28) | BIT(29);
    if (!HAS(leaf1[ECX], ecx1) || !HAS(leaf7[EBX], BIT(3) | BIT(5) | BIT(8)) || !HAS(leaf81[ECX], BIT(0) | BIT(5)))
        return 1;
    unsigned long long state = enabled_state();
    if ((state & 0x6) != 0x6) /* XMM, YMM */
        return 1;
    /* v4: AVX512 F, DQ, CD, BW, VL; opmask and both halves of ZMM */
    if (!HAS(leaf7[EBX], BIT(16) | BIT(17) | BIT(28) | BIT(30) | BIT(31)) || (state & 0xe6) != 0xe6)
        return 3;
    return 4;
}

/* The sub-leaves of one leaf describe a cache each. */
intptr_t relu_c_largest_cache(void)
{
    unsigned r[4];
    intptr_t largest = 0;
    cpuid(0, 0, r);
    const int amd = r[ECX] == 0x444d4163; /* the end of "AuthenticAMD" */
    const unsigned basic = r[EAX];
    cpuid((int)0x80000000, 0, r);
    if (amd ? r[EAX] < 0x8000001d : basic < 4)
        return USUAL_CACHE;
    for (int i = 0; i < 16; i++) {
        cpuid(amd ? (int)0x8000001d : 4, i, r);
        enum { NONE, DATA, INSTRUCTIONS, UNIFIED } const type = r[EAX] & 0x1f;
        if (type == NONE)
            break;
        /* ways, partitions, bytes of a line, sets: each less 1 */
        const intptr_t ways = (r[EBX] >> 22) + 1, partitions = (r[EBX] >> 12 & 0x3ff) + 1, line = (r[EBX] & 0xfff) + 1;
        const intptr_t size = ways * partitions * line * ((intptr_t)r[ECX] + 1);
        if (type != INSTRUCTIONS && size > largest)
            largest = size;
    }
    return largest ? largest : USUAL_CACHE;
}
#else
intptr_t relu_c_largest_cache(void) { return USUAL_CACHE; }
#endif

static const instruction_set *available(int i)
{
#if defined(__x86_64__) || defined(_M_X64)
    static const instruction_set *const sets[] = {&relu_c_avx512, &relu_c_avx2, &relu_c_baseline, NULL};
    static int unavailable = -1;
    if (unavailable < 0) {
        int level = x86_64_level();
        unavailable = level == 4 ? 0 : level == 3 ? 1 : 2;
    }
    return sets[unavailable + i];
#elif defined(__aarch64__) || defined(_M_ARM64)
    static const instruction_set *const sets[] = {&relu_c_neon, NULL};
    return sets[i];
#else
    static const instruction_set *const sets[] = {&relu_c_baseline, NULL};
    return sets[i];
#endif
}

static const instruction_set *in_use;

const char *relu_c_available(int i) { return available(i) ? available(i)->name : NULL; }
const char *relu_c_in_use(void) { return in_use->name; }
const instruction_set *relu_c_set_in_use(void) { return in_use; }

int relu_c_use(const char *name)
{
    for (int i = 0; available(i); i++)
        if (strcmp(available(i)->name, name) == 0) {
            in_use = available(i);
            return 0;
        }
    return -1;
}

/* Bytes of an element. */
static const intptr_t SIZES[DTYPES] = {
    [FLOAT16] = 2, [FLOAT32] = 4, [FLOAT64] = 8, [BFLOAT16] = 2,
    [INT8] = 1, [INT16] = 2, [INT32] = 4, [INT64] = 8, [UINT8] = 1, [UINT16] = 2, [UINT32] = 4, [UINT64] = 8,
};

static void run(enum ufunc ufunc, enum dtype dtype, char *const *data, intptr_t n, const intptr_t *strides)
{
    kernel *const kernel = in_use->kernels[ufunc][dtype];
    const ufunc_row *const row = &relu_c_ufuncs[ufunc];
    if (n * SIZES[dtype] < relu_c_short_run)
        kernel(data, n, strides);
    else
        relu_c_run_long(kernel, in_use->stream, row->inputs, row->evaluation, SIZES[dtype], data, n, strides);
}

/* NumPy keeps one loop per ufunc and dtype for good; it runs the kernel of the instruction set in use. */
#define LOOP(name, dtype)                                                                                        \
    static int loop_##name##_##dtype(void *context, char *const *data, const intptr_t *n, const intptr_t *strides, \
                                     void *auxiliary)                                                            \
    {                                                                                                            \
        (void)context, (void)auxiliary;                                                                          \
        const flags found = get_flags();                                                                         \
        run(UFUNC_##name, dtype, data, *n, strides);                                                             \
        set_flags(found);                                                                                        \
        return 0;                                                                                                \
    }
#define LOOPS_FLOATS(name)
#define LOOPS_INTEGERS(name)                                                                        \
    LOOP(name, INT8) LOOP(name, INT16) LOOP(name, INT32) LOOP(name, INT64)                          \
    LOOP(name, UINT8) LOOP(name, UINT16) LOOP(name, UINT32) LOOP(name, UINT64)
#define UFUNC(name, operands, evaluation, kinds) \
    LOOP(name, FLOAT16) LOOP(name, FLOAT32) LOOP(name, FLOAT64) LOOP(name, BFLOAT16) LOOPS_##kinds(name)
#include "activations.def"

enum { INPUTS_forward_0 = 1, INPUTS_forward_1, INPUTS_forward_2 };
enum { INPUTS_backward_0 = 2, INPUTS_backward_1, INPUTS_backward_2 };
#define ENTRY(name, dtype) [dtype] = loop_##name##_##dtype,
#define ENTRIES_FLOATS(name)
#define ENTRIES_INTEGERS(name)                                                                      \
    ENTRY(name, INT8) ENTRY(name, INT16) ENTRY(name, INT32) ENTRY(name, INT64)                      \
    ENTRY(name, UINT8) ENTRY(name, UINT16) ENTRY(name, UINT32) ENTRY(name, UINT64)
#define UFUNC(name, operands, evaluation, kinds)                                                    \
    [UFUNC_##name] = {#name, INPUTS_##operands, EVALUATION_##evaluation,                           \
                      {ENTRY(name, FLOAT16) ENTRY(name, FLOAT32) ENTRY(name, FLOAT64) ENTRY(name, BFLOAT16)     \
                      ENTRIES_##kinds(name)}},
const ufunc_row relu_c_ufuncs[UFUNCS] = {
#include "activations.def"
};
