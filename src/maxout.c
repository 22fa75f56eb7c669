/* maxout, (p)->(),(), and its gradient, (),()->(p): the loops for every dtype of x and of the index. */
#include "copy.h"
#include "flags.h"
#include "generalised.h"
#include "threads.h"

/* Pools are done in blocks of WIDTH. A thread gets GRAIN elements of x or more. */
enum { WIDTH = 1024, GRAIN = 131072 };

typedef struct {
    enum dtype dtype, index;
    char *const *data;
    intptr_t pool_size;
    const intptr_t *strides;
    const instruction_set *set;
} pools;

/* x -> y, index: the pools of a block are compared element by element. */
static void maxout(void *context, intptr_t start, intptr_t stop)
{
    const pools *p = context;
    const intptr_t size = size_of[p->dtype], index_size = size_of[p->index];
    uint64_t x[WIDTH], best[WIDTH];
    uint32_t which[WIDTH];
    for (intptr_t n; start < stop; start += n) {
        n = stop - start < WIDTH ? stop - start : WIDTH;
        const char *from = p->data[0] + start * p->strides[0];
        char *to = p->data[2] + start * p->strides[2];
        copy(size, from, p->strides[0], (char *)best, size, n);
        memset(which, 0, sizeof which);
        for (intptr_t k = 1; k < p->pool_size; k++) {
            const char *kth = from + k * p->strides[3];
            if (p->strides[0] != size) {
                copy(size, kth, p->strides[0], (char *)x, size, n);
                kth = (const char *)x;
            }
            p->set->pools[p->dtype](kth, best, which, (uint32_t)k, n);
        }
        copy(size, (char *)best, size, p->data[1] + start * p->strides[1], p->strides[1], n);
        for (intptr_t i = 0; i < n; i++, to += p->strides[2])
            if (index_size == 1)
                *(uint8_t *)to = (uint8_t)which[i];
            else if (index_size == 2)
                *(uint16_t *)to = (uint16_t)which[i];
            else
                *(uint32_t *)to = which[i];
    }
}

/* dy, index -> dx: dy at the index, +0 elsewhere in the pool. */
#define SCATTER(type, index_type)                                                      \
    for (intptr_t i = start; i < stop; i++) {                                          \
        const type dy = *(const type *)(p->data[0] + i * p->strides[0]);               \
        const intptr_t which = *(const index_type *)(p->data[1] + i * p->strides[1]);  \
        char *to = p->data[2] + i * p->strides[2];                                     \
        for (intptr_t k = 0; k < n; k++, to += along)                                  \
            *(type *)to = which == k ? dy : 0;                                         \
    }
#define SCATTERS(type)                   \
    {                                    \
        if (p->index == UINT8)           \
            SCATTER(type, uint8_t)       \
        else if (p->index == UINT16)     \
            SCATTER(type, uint16_t)      \
        else                             \
            SCATTER(type, uint32_t)      \
    }
static void maxout_grad(void *context, intptr_t start, intptr_t stop)
{
    const pools *p = context;
    const intptr_t size = size_of[p->dtype], n = p->pool_size, along = p->strides[3];
    if (size == 1)
        SCATTERS(uint8_t)
    else if (size == 2)
        SCATTERS(uint16_t)
    else if (size == 4)
        SCATTERS(uint32_t)
    else
        SCATTERS(uint64_t)
}

static int pools_loop(relu_c_task *by_pools, enum dtype dtype, enum dtype index, char *const *data, const intptr_t *n,
                      const intptr_t *strides)
{
    const flags found = get_flags();
    pools p = {dtype, index, data, n[1], strides, relu_c_set_in_use()};
    relu_c_parallel(by_pools, &p, n[0], GRAIN / (n[1] < GRAIN ? n[1] + 1 : GRAIN), 64);
    set_flags(found);
    return 0;
}

#define LOOP(name, dtype, index)                                                                                   \
    static int name##_##index##_##dtype(void *context, char *const *data, const intptr_t *n, const intptr_t *strides, \
                                        void *auxiliary)                                                           \
    {                                                                                                              \
        (void)context, (void)auxiliary;                                                                            \
        return pools_loop(name, dtype, index, data, n, strides);                                                   \
    }
#define LOOPS(name, index)                                                                                     \
    LOOP(name, FLOAT16, index) LOOP(name, BFLOAT16, index) LOOP(name, FLOAT32, index) LOOP(name, FLOAT64, index) \
    LOOP(name, INT8, index) LOOP(name, INT16, index) LOOP(name, INT32, index) LOOP(name, INT64, index)         \
    LOOP(name, UINT8, index) LOOP(name, UINT16, index) LOOP(name, UINT32, index) LOOP(name, UINT64, index)
LOOPS(maxout, UINT8)
LOOPS(maxout, UINT16)
LOOPS(maxout, UINT32)
LOOPS(maxout_grad, UINT8)
LOOPS(maxout_grad, UINT16)
LOOPS(maxout_grad, UINT32)

#define ENTRY(name, dtype) [dtype] = name##_##dtype
#define ENTRIES(name)                                                                                  \
    {ENTRY(name, FLOAT16), ENTRY(name, BFLOAT16), ENTRY(name, FLOAT32), ENTRY(name, FLOAT64),          \
     ENTRY(name, INT8), ENTRY(name, INT16), ENTRY(name, INT32), ENTRY(name, INT64),                    \
     ENTRY(name, UINT8), ENTRY(name, UINT16), ENTRY(name, UINT32), ENTRY(name, UINT64)}
loop *const relu_c_maxout[INDEX_DTYPES][DTYPES] = {
    ENTRIES(maxout_UINT8), ENTRIES(maxout_UINT16), ENTRIES(maxout_UINT32),
};
loop *const relu_c_maxout_grad[INDEX_DTYPES][DTYPES] = {
    ENTRIES(maxout_grad_UINT8), ENTRIES(maxout_grad_UINT16), ENTRIES(maxout_grad_UINT32),
};
