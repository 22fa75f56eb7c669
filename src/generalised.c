/* Loops that combine kernels block by block: what one kernel leaves in the first-level cache, the next one finds there,
 * so that memory is read and written once, and no formula is written twice.
 *
 * Operands are seen as (a, c, b): c counts channels, each with its own bias or parameter and, in a gradient, its own sum
 * over a and b. A bias along the last axis is (rows, columns, 1), a weight per channel of images (images, channels,
 * pixels), one weight for all (1, 1, size). What an operand lacks of them it has with stride 0. */

#include "generalised.h"

#include "flags.h"
#include "half.h"
#include "threads.h"

#include <stdlib.h>
#include <string.h>

/* A block has at most WIDTH elements, and a task at most PIECE sums. A task is what one thread does at a time, about CHUNK
 * elements, the same for any number of threads: sums are formed within a task by element of the block or by column, then
 * over the channel, then over the tasks, always in the order of the indices. WAVE tasks run before their sums are added up. */
enum { WIDTH = 1024, PIECE = 4096, CHUNK = 131072, WAVE = 32, OPERANDS = 6 };

static const intptr_t size_of[DTYPES] = {
    [FLOAT16] = 2, [FLOAT32] = 4, [FLOAT64] = 8, [BFLOAT16] = 2,
    [INT8] = 1, [INT16] = 2, [INT32] = 4, [INT64] = 8, [UINT8] = 1, [UINT16] = 2, [UINT32] = 4, [UINT64] = 8,
};

typedef struct {
    char *data;
    intptr_t a, c, b; /* strides in bytes */
} operand;

typedef struct plan plan;

/* What is done with a block: contiguous operands, or of stride 0, inputs first. */
typedef void step(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n);

struct plan {
    step *step;
    enum ufunc kernels[4]; /* what it calls */
    enum sum sum;
    int arrays;                     /* bits of the inputs that it cannot take with stride 0 */
    enum dtype dtype;
    int inputs, outputs;
    intptr_t a, c, b;
    operand operands[OPERANDS];
    operand sums; /* one per channel; no data: none are formed */

    const instruction_set *set;
    intptr_t size;
    int by_channel;                   /* a task is within one channel, since b >= WIDTH; else it has whole channels */
    intptr_t width, rows;             /* of a block */
    intptr_t task_columns, task_rows; /* and of a task */
    intptr_t pieces, column_chunks, row_chunks, first;
    int constant, invariant; /* bits of the inputs: one value in all, the same in every row */
    double *partial;         /* PIECE sums for each task of a wave */
};

/* One task: rows [a, a_end), columns [j, j_end) of the c b columns. */
typedef struct {
    intptr_t a, a_end, j, j_end;
    int expanded[OPERANDS]; /* the operand of all blocks stays in its buffer */
    char buffers[OPERANDS][WIDTH * 8];
    double *sums;
} task;

#define COPY(type)                                                         \
    for (intptr_t i = 0; i < n; i++)                                       \
        *(type *)(to + i * to_stride) = *(const type *)(from + i * from_stride);
static void copy(intptr_t size, const char *from, intptr_t from_stride, char *to, intptr_t to_stride, intptr_t n)
{
    if (from_stride == size && to_stride == size)
        memcpy(to, from, (size_t)(n * size));
    else if (size == 1)
        COPY(uint8_t)
    else if (size == 2)
        COPY(uint16_t)
    else if (size == 4)
        COPY(uint32_t)
    else
        COPY(uint64_t)
}

/* Between an operand and a buffer: rows from a on, columns from j on. */
static void move(const plan *p, const operand *o, intptr_t a, intptr_t rows, intptr_t j, intptr_t columns, char *buffer,
                 int gather)
{
    const int even = p->b == 1 || o->c == p->b * o->b; /* one stride for all columns of a row */
    const intptr_t stride = p->b == 1 ? o->c : o->b;
    for (intptr_t r = a; r < a + rows; r++)
        for (intptr_t k = j, run; k < j + columns; k += run, buffer += run * p->size) {
            char *element = o->data + r * o->a + k / p->b * o->c + k % p->b * o->b;
            run = j + columns - k;
            if (!even && run > p->b - k % p->b)
                run = p->b - k % p->b;
            if (gather)
                copy(p->size, element, stride, buffer, p->size, run);
            else
                copy(p->size, buffer, p->size, element, stride, run);
        }
}

/* Whether a block's elements follow each other in memory. */
static int is_contiguous(const plan *p, const operand *o, intptr_t rows, intptr_t j, intptr_t columns)
{
    const intptr_t size = p->size, run = p->b - j % p->b;
    return (p->b == 1 || o->b == size || columns == 1) && (columns <= run || o->c == p->b * size)
           && (rows == 1 || o->a == columns * size);
}

static void block(const plan *p, task *t, intptr_t a, intptr_t rows, intptr_t j, intptr_t columns)
{
    char *data[OPERANDS];
    intptr_t strides[OPERANDS];
    int buffered[OPERANDS] = {0};
    const int operands = p->inputs + p->outputs, one_channel = rows == 1 && j % p->b + columns <= p->b;
    for (int k = 0; k < operands; k++) {
        const operand *o = &p->operands[k];
        data[k] = o->data + a * o->a + j / p->b * o->c + j % p->b * o->b;
        strides[k] = p->size;
        if (t->expanded[k]) {
            data[k] = t->buffers[k];
        } else if (k < p->inputs && !(p->arrays >> k & 1) && (p->constant >> k & 1 || (one_channel && o->b == 0))) {
            strides[k] = 0;
        } else if (!is_contiguous(p, o, rows, j, columns)) {
            data[k] = t->buffers[k];
            buffered[k] = 1;
            if (k < p->inputs)
                move(p, o, a, rows, j, columns, data[k], 1);
        }
    }
    /* The first of two outputs must not overwrite, in place, what the second is formed from. */
    if (p->outputs == 2)
        for (int k = 0; k < p->inputs; k++)
            if (data[k] == data[p->inputs]) {
                data[p->inputs] = t->buffers[p->inputs];
                buffered[p->inputs] = 1;
            }
    double *sums = !t->sums || p->by_channel ? t->sums : t->sums + (j - t->j);
    p->step(p, data, strides, sums, rows * columns);
    for (int k = p->inputs; k < operands; k++)
        if (buffered[k])
            move(p, &p->operands[k], a, rows, j, columns, data[k], 0);
}

/* sums[0] = the sum of n numbers, by halves. */
static void sum_by_halves(double *sums, intptr_t n)
{
    while (n > 1) {
        const intptr_t half = n / 2, rest = n - half;
        for (intptr_t i = 0; i < half; i++)
            sums[i] += sums[rest + i];
        n = rest;
    }
}

static void run_task(const plan *p, intptr_t index)
{
    task t;
    t.sums = p->sums.data ? p->partial + index * PIECE : NULL;
    index += p->first;
    const intptr_t column = index / p->row_chunks % p->column_chunks, piece = index / p->row_chunks / p->column_chunks;
    const intptr_t end = p->by_channel ? (piece + 1) * p->b : p->c * p->b;
    t.a = index % p->row_chunks * p->task_rows;
    t.a_end = t.a + p->task_rows < p->a ? t.a + p->task_rows : p->a;
    t.j = p->by_channel ? piece * p->b + column * p->task_columns : piece * p->task_columns;
    t.j_end = t.j + p->task_columns < end ? t.j + p->task_columns : end;

    for (int k = 0; k < p->inputs + p->outputs; k++) {
        const operand *o = &p->operands[k];
        const int invariant = p->invariant >> k & 1, one_value = p->constant >> k & 1 || (invariant && p->by_channel && o->b == 0);
        t.expanded[k] = one_value ? p->arrays >> k & 1 : invariant && p->a > 1 && p->rows > 1;
        if (t.expanded[k] && one_value)
            copy(p->size, o->data + t.j / p->b * o->c, 0, t.buffers[k], p->size, p->rows * p->width);
        else if (t.expanded[k])
            move(p, o, t.a, p->rows < t.a_end - t.a ? p->rows : t.a_end - t.a, t.j, t.j_end - t.j, t.buffers[k], 1);
    }
    if (t.sums)
        memset(t.sums, 0, PIECE * sizeof *t.sums);

    for (intptr_t a = t.a; a < t.a_end; a += p->rows)
        for (intptr_t j = t.j; j < t.j_end; j += p->width)
            block(p, &t, a, p->rows < t.a_end - a ? p->rows : t.a_end - a, j, p->width < t.j_end - j ? p->width : t.j_end - j);

    if (!t.sums)
        return;
    if (p->by_channel) {
        sum_by_halves(t.sums, p->width);
        return;
    }
    const intptr_t n = t.j_end - t.j;
    for (intptr_t r = 1; r < p->rows; r++)
        for (intptr_t i = 0; i < n; i++)
            t.sums[i] += t.sums[r * n + i];
    for (intptr_t i = 0; p->b > 1 && i < n; i += p->b) {
        sum_by_halves(t.sums + i, p->b);
        t.sums[i / p->b] = t.sums[i];
    }
}

static void store(const plan *p, char *to, double value)
{
    if (p->dtype == FLOAT16)
        *(uint16_t *)to = float16_of_float(rounded_to_odd(value));
    else if (p->dtype == BFLOAT16)
        *(uint16_t *)to = bfloat16_of_float(rounded_to_odd(value));
    else if (p->dtype == FLOAT32)
        *(float *)to = (float)value;
    else
        *(double *)to = value;
}

static void run_range(void *context, intptr_t start, intptr_t stop)
{
    for (intptr_t i = start; i < stop; i++)
        run_task(context, i);
}

static void run_tasks(plan *p, intptr_t first, intptr_t n)
{
    p->first = first;
    relu_c_parallel(run_range, p, n, 1, 1);
}

static void run(plan *p)
{
    if (p->a == 0 || p->c == 0 || p->b == 0) {
        for (intptr_t c = 0; p->sums.data && c < p->c; c++)
            store(p, p->sums.data + c * p->sums.c, 0.0);
        return;
    }
    p->set = relu_c_set_in_use();
    p->size = size_of[p->dtype];
    p->constant = p->invariant = 0;
    for (int k = 0; k < p->inputs + p->outputs; k++) {
        operand *o = &p->operands[k];
        const int in_row = (p->c > 1 && o->c) || (p->b > 1 && o->b), across = p->a > 1 && o->a;
        p->constant |= (k < p->inputs && !in_row && !across) << k;
        p->invariant |= (k < p->inputs && !across) << k;
        /* An axis of one element continues the others. */
        o->b = p->b == 1 ? p->size : o->b;
        o->c = p->c == 1 ? p->b * o->b : o->c;
        o->a = p->a == 1 ? p->c * o->c : o->a;
    }
    const intptr_t columns = p->c * p->b;
    p->by_channel = p->b >= WIDTH;
    if (p->by_channel) {
        p->width = WIDTH;
        p->rows = 1;
        p->task_columns = p->b < CHUNK ? p->b : CHUNK;
        p->pieces = p->c;
        p->column_chunks = (p->b + p->task_columns - 1) / p->task_columns;
    } else {
        const intptr_t most = p->sums.data ? PIECE : CHUNK;
        p->width = columns <= WIDTH ? columns : WIDTH / p->b * p->b;
        p->rows = columns <= WIDTH ? WIDTH / columns : 1;
        p->task_columns = columns <= most ? columns : most / p->width * p->width;
        p->pieces = (columns + p->task_columns - 1) / p->task_columns;
        p->column_chunks = 1;
    }
    p->task_rows = (CHUNK / p->task_columns + p->rows - 1) / p->rows * p->rows;
    p->row_chunks = (p->a + p->task_rows - 1) / p->task_rows;
    const intptr_t chunks = p->row_chunks * p->column_chunks, tasks = p->pieces * chunks;
    if (!p->sums.data) {
        run_tasks(p, 0, tasks);
        return;
    }

    double one[PIECE], total[PIECE], *several = tasks > 1 ? malloc(WAVE * sizeof one) : NULL;
    const intptr_t wave = several ? WAVE : 1, channels = p->by_channel ? 1 : p->task_columns / p->b;
    p->partial = several ? several : one;
    for (intptr_t first = 0, n; first < tasks; first += n) {
        n = tasks - first < wave ? tasks - first : wave;
        run_tasks(p, first, n);
        for (intptr_t i = 0; i < n; i++) {
            const intptr_t c = (first + i) / chunks * channels, left = p->c - c < channels ? p->c - c : channels;
            const int begins = (first + i) % chunks == 0, ends = (first + i + 1) % chunks == 0;
            for (intptr_t k = 0; k < left; k++)
                total[k] = (begins ? 0.0 : total[k]) + p->partial[i * PIECE + k];
            for (intptr_t k = 0; ends && k < left; k++)
                store(p, p->sums.data + (c + k) * p->sums.c, total[k]);
        }
    }
    free(several);
}

/* The steps. */

static void one_kernel(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    (void)sums;
    p->set->kernels[p->kernels[0]][p->dtype](data, n, strides);
}

/* x, bias, parameters -> y */
static void biased(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    char z[WIDTH * 8], *sum[] = {data[0], data[1], z}, *rest[OPERANDS] = {z};
    intptr_t rest_strides[OPERANDS] = {p->size};
    (void)sums;
    p->set->kernels[UFUNC_add_bias][p->dtype](sum, n, (intptr_t[]){strides[0], strides[1], p->size});
    for (int k = 2; k <= p->inputs; k++)
        rest[k - 1] = data[k], rest_strides[k - 1] = strides[k];
    p->set->kernels[p->kernels[0]][p->dtype](rest, n, rest_strides);
}

/* dy, x, bias, parameters -> dx, and its sums */
static void biased_grad(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    char z[WIDTH * 8], *sum[] = {data[1], data[2], z}, *rest[OPERANDS] = {data[0], z};
    intptr_t rest_strides[OPERANDS] = {strides[0], p->size};
    p->set->kernels[UFUNC_add_bias][p->dtype](sum, n, (intptr_t[]){strides[1], strides[2], p->size});
    for (int k = 3; k <= p->inputs; k++)
        rest[k - 1] = data[k], rest_strides[k - 1] = strides[k];
    p->set->kernels[p->kernels[0]][p->dtype](rest, n, rest_strides);
    const char *dx = data[p->inputs];
    p->set->sums[SUM_sum][p->dtype](dx, dx, dx, sums, n);
}

/* dy, x, parameter -> its sums */
static void parameter_sum(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    (void)strides;
    p->set->sums[p->sum][p->dtype](data[0], data[1], data[2], sums, n);
}

/* dy, x, parameter -> dx, and the parameter's sums */
static void parameter_grads(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    parameter_sum(p, data, strides, sums, n);
    one_kernel(p, data, strides, sums, n);
}

/* x -> y, derivative; the first operand is 1. */
static void with_grad(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    char *grad[OPERANDS];
    (void)sums;
    memcpy(grad, data, (size_t)p->inputs * sizeof *grad);
    grad[p->inputs] = data[p->inputs + 1];
    p->set->kernels[p->kernels[0]][p->dtype](data + 1, n, strides + 1);
    p->set->kernels[p->kernels[1]][p->dtype](grad, n, strides);
}

/* gate, value -> y, by one kernel or by the activation's. */
static void gated(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    char open[WIDTH * 8];
    if (p->set->kernels[p->kernels[0]][p->dtype]) {
        one_kernel(p, data, strides, sums, n);
        return;
    }
    const intptr_t size = p->size;
    p->set->kernels[p->kernels[1]][p->dtype]((char *[]){data[0], open}, n, (intptr_t[]){strides[0], size});
    p->set->kernels[UFUNC_multiply][p->dtype]((char *[]){open, data[1], data[2]}, n, (intptr_t[]){size, strides[1], size});
}

/* dy, gate, value -> dgate, dvalue, likewise. */
static void gated_grad(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    kernel *const by_gate = p->set->kernels[p->kernels[0]][p->dtype], *const by_value = p->set->kernels[p->kernels[1]][p->dtype];
    const intptr_t size = p->size;
    (void)sums;
    if (by_gate) {
        by_gate(data, n, strides);
        by_value((char *[]){data[0], data[1], data[4]}, n, (intptr_t[]){strides[0], strides[1], size});
        return;
    }
    char slope[WIDTH * 8];
    double one = 1.0;
    kernel *const gate = p->set->kernels[UFUNC_gate][p->dtype];
    p->set->kernels[p->kernels[3]][p->dtype]((char *[]){(char *)&one, data[1], slope}, n, (intptr_t[]){0, strides[1], size});
    p->set->kernels[UFUNC_gated_value][p->dtype]((char *[]){data[2], slope, slope}, n, (intptr_t[]){strides[2], size, size});
    gate((char *[]){data[0], slope, data[3]}, n, (intptr_t[]){strides[0], size, size});
    p->set->kernels[p->kernels[2]][p->dtype]((char *[]){data[1], slope}, n, (intptr_t[]){strides[1], size});
    gate((char *[]){data[0], slope, data[4]}, n, (intptr_t[]){strides[0], size, size});
}

/* x -> relu(x), relu(-x) */
static void concatenated(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    (void)sums;
    p->set->kernels[UFUNC_relu][p->dtype]((char *[]){data[0], data[1]}, n, strides);
    p->set->kernels[UFUNC_crelu_negative][p->dtype]((char *[]){data[0], data[2]}, n, (intptr_t[]){strides[0], strides[2]});
}

/* The loops' arguments, as NumPy has them for a signature: operand k's outer stride, then its strides along its core axes. */

static void next(plan *p, char *data, intptr_t a, intptr_t c, intptr_t b)
{
    p->operands[p->inputs + p->outputs] = (operand){data, a, c, b};
}

static int finish(plan *p)
{
    const flags found = get_flags();
    run(p);
    set_flags(found);
    return 0;
}

/* (n),(n),()...->(n): the shorter stride of x goes along the rows. */
static int bias_loop(enum dtype dtype, char *const *data, const intptr_t *n, const intptr_t *strides, int kernel, int parameters)
{
    const int operands = 3 + parameters;
    const intptr_t *core = strides + operands;
    plan p = {.step = biased, .kernels = {kernel}, .dtype = dtype};
    const int across = llabs(strides[0]) < llabs(core[0]) && n[0] > 1;
    p.a = across ? 1 : n[0];
    p.c = n[1];
    p.b = across ? n[0] : 1;
    for (int k = 0; k < operands; k++) {
        const intptr_t along = k < 2 ? core[k] : k == operands - 1 ? core[2] : 0;
        next(&p, data[k], across ? 0 : strides[k], along, across ? strides[k] : 0);
        *(k < operands - 1 ? &p.inputs : &p.outputs) += 1;
    }
    return finish(&p);
}

/* inputs and one output, with sums last: (a,c,b) for `full` inputs, (c) for the next, () for the parameters, (a,c,b) for dx
 * if there is one, (c) for the sums */
static int sums_loop(plan p, int full, int parameters, int has_dx, char *const *data, const intptr_t *n, const intptr_t *strides)
{
    const int inputs = full + 1 + parameters, operands = inputs + has_dx + 1;
    p.a = n[1];
    p.c = n[2];
    p.b = n[3];
    for (intptr_t i = 0; i < n[0]; i++) {
        const intptr_t *core = strides + operands;
        p.inputs = p.outputs = 0;
        for (int k = 0; k < operands; k++) {
            char *from = data[k] + i * strides[k];
            if (k == operands - 1) {
                p.sums = (operand){from, 0, core[0], 0};
            } else if (k < full || k == inputs) {
                next(&p, from, core[0], core[1], core[2]);
                core += 3;
            } else {
                next(&p, from, 0, k == full ? *core++ : 0, 0);
            }
            if (k < inputs)
                p.inputs++;
            else if (k < operands - 1)
                p.outputs++;
        }
        finish(&p);
    }
    return 0;
}

/* maxout and its gradient, by pools. */
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
#define SCATTER(type, index_type)                                                                                          \
    for (intptr_t i = start; i < stop; i++) {                                                                              \
        const type dy = *(const type *)(p->data[0] + i * p->strides[0]);                                                   \
        const intptr_t which = *(const index_type *)(p->data[1] + i * p->strides[1]);                                      \
        char *to = p->data[2] + i * p->strides[2];                                                                         \
        for (intptr_t k = 0; k < n; k++, to += along)                                                                      \
            *(type *)to = which == k ? dy : 0;                                                                             \
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

static int pools_loop(enum dtype dtype, char *const *data, const intptr_t *n, const intptr_t *strides, relu_c_task *by_pools,
                      enum dtype index)
{
    const flags found = get_flags();
    pools p = {dtype, index, data, n[1], strides, relu_c_set_in_use()};
    relu_c_parallel(by_pools, &p, n[0], CHUNK / (n[1] < CHUNK ? n[1] + 1 : CHUNK), 64);
    set_flags(found);
    return 0;
}

/* dy, x, bias, parameters -> dx, dbias */
static int bias_grad_loop(enum dtype dtype, char *const *data, const intptr_t *n, const intptr_t *strides, int kernel, int parameters)
{
    return sums_loop((plan){.step = biased_grad, .kernels = {kernel}, .dtype = dtype}, 2, parameters, 1, data, n, strides);
}

/* dy, x, parameter -> the parameter's gradient */
static int parameter_grad_loop(enum dtype dtype, char *const *data, const intptr_t *n, const intptr_t *strides, int sum)
{
    return sums_loop((plan){.step = parameter_sum, .sum = sum, .arrays = 7, .dtype = dtype}, 2, 0, 0, data, n, strides);
}

/* dy, x, parameter -> dx, the parameter's gradient */
static int parameter_grads_loop(enum dtype dtype, char *const *data, const intptr_t *n, const intptr_t *strides, int sum, int kernel)
{
    const plan p = {.step = parameter_grads, .kernels = {kernel}, .sum = sum, .arrays = 7, .dtype = dtype};
    return sums_loop(p, 2, 0, 1, data, n, strides);
}

/* Elementwise, or (n),...->(n),...: rows of operands that need not follow each other. */
static int rows_loop(plan p, int inputs, int outputs, int core, char *const *data, const intptr_t *n, const intptr_t *strides)
{
    p.a = core ? n[0] : 1;
    p.c = 1;
    p.b = core ? n[1] : n[0];
    for (int k = 0; k < inputs + outputs; k++) {
        next(&p, data[k], core ? strides[k] : 0, 0, core ? strides[inputs + outputs + k] : strides[k]);
        *(k < inputs ? &p.inputs : &p.outputs) += 1;
    }
    return finish(&p);
}

static int gated_loop(enum dtype dtype, char *const *data, const intptr_t *n, const intptr_t *strides, int core, int kernel,
                      int activation)
{
    return rows_loop((plan){.step = gated, .kernels = {kernel, activation}, .dtype = dtype}, 2, 1, core, data, n, strides);
}

static int gated_grad_loop(enum dtype dtype, char *const *data, const intptr_t *n, const intptr_t *strides, int core,
                           int by_gate, int by_value, int activation, int derivative)
{
    const plan p = {.step = gated_grad, .kernels = {by_gate, by_value, activation, derivative}, .dtype = dtype};
    return rows_loop(p, 3, 2, core, data, n, strides);
}

static int crelu_loop(enum dtype dtype, char *const *data, const intptr_t *n, const intptr_t *strides, int core)
{
    return rows_loop((plan){.step = concatenated, .dtype = dtype}, 1, 2, core, data, n, strides);
}

static int crelu_grad_loop(enum dtype dtype, char *const *data, const intptr_t *n, const intptr_t *strides, int core)
{
    return rows_loop((plan){.step = one_kernel, .kernels = {UFUNC_crelu_grad}, .dtype = dtype}, 3, 1, core, data, n, strides);
}

static int with_grad_loop(enum dtype dtype, char *const *data, const intptr_t *n, const intptr_t *strides, int kernel,
                          int derivative, int parameters)
{
    plan p = {.step = with_grad, .kernels = {kernel, derivative}, .arrays = 1, .dtype = dtype, .inputs = 1, .size = size_of[dtype]};
    double one;
    store(&p, (char *)&one, 1.0);
    p.operands[0] = (operand){(char *)&one, 0, 0, 0};
    return rows_loop(p, 1 + parameters, 2, 0, data, n, strides);
}

/* NumPy's loops: one function for each ufunc and dtype. */
#define LOOP(name, dtype, call, ...)                                                                             \
    static int loop_##name##_##dtype(void *context, char *const *data, const intptr_t *n, const intptr_t *strides, \
                                     void *auxiliary)                                                            \
    {                                                                                                            \
        (void)context, (void)auxiliary;                                                                          \
        return call(dtype, data, n, strides, __VA_ARGS__);                                                       \
    }
#define LOOPS(name, ...)                                              \
    LOOP(name, FLOAT16, __VA_ARGS__) LOOP(name, BFLOAT16, __VA_ARGS__) \
    LOOP(name, FLOAT32, __VA_ARGS__) LOOP(name, FLOAT64, __VA_ARGS__)
#define FUSED(name, parameters)                                             \
    LOOPS(bias_##name, bias_loop, UFUNC_##name, parameters)                 \
    LOOPS(bias_##name##_grad, bias_grad_loop, UFUNC_##name##_grad, parameters) \
    LOOPS(name##_with_grad, with_grad_loop, UFUNC_##name, UFUNC_##name##_grad, parameters)
#include "units.def"
#define LEARNED(name, parameter, dx)                                                      \
    LOOPS(name##_##parameter##_grad, parameter_grad_loop, SUM_##name##_##parameter)       \
    LOOPS(name##_grads, parameter_grads_loop, SUM_##name##_##parameter, UFUNC_##dx)
#include "units.def"

#define GATED(name, activation)                                                                          \
    LOOPS(name, gated_loop, 0, UFUNC_##name, UFUNC_##activation)                                         \
    LOOPS(packed_##name, gated_loop, 1, UFUNC_##name, UFUNC_##activation)                                \
    LOOPS(name##_grad, gated_grad_loop, 0, UFUNC_##name##_grad_gate, UFUNC_##name##_grad_value,          \
          UFUNC_##activation, UFUNC_##activation##_grad)                                                 \
    LOOPS(packed_##name##_grad, gated_grad_loop, 1, UFUNC_##name##_grad_gate, UFUNC_##name##_grad_value, \
          UFUNC_##activation, UFUNC_##activation##_grad)
GATED(reglu, relu)
#include "units.def"
LOOPS(crelu, crelu_loop, 1)
LOOPS(crelu_grad, crelu_grad_loop, 1)

#define PARAMETERS_0
#define PARAMETERS_1 ",()"
#define ENTRIES(name)                                                                \
    {[FLOAT16] = loop_##name##_FLOAT16, [BFLOAT16] = loop_##name##_BFLOAT16,         \
     [FLOAT32] = loop_##name##_FLOAT32, [FLOAT64] = loop_##name##_FLOAT64}
#define FUSED(name, parameters)                                                                          \
    {"bias_" #name, "(n),(n)" PARAMETERS_##parameters "->(n)", 2 + parameters, 1, ENTRIES(bias_##name)}, \
    {"bias_" #name "_grad", "(a,c,b),(a,c,b),(c)" PARAMETERS_##parameters "->(a,c,b),(c)", 3 + parameters, 2, \
     ENTRIES(bias_##name##_grad)}, \
    {#name "_with_grad", NULL, 1 + parameters, 2, ENTRIES(name##_with_grad)},
#define LEARNED(name, parameter, dx)                                                                                       \
    {#name "_" #parameter "_grad", "(a,c,b),(a,c,b),(c)->(c)", 3, 1, ENTRIES(name##_##parameter##_grad)}, \
    {#name "_grads", "(a,c,b),(a,c,b),(c)->(a,c,b),(c)", 3, 2, ENTRIES(name##_grads)},
#define GATED(name, activation)                                                                  \
    {#name, NULL, 2, 1, ENTRIES(name)},                                                          \
    {"packed_" #name, "(n),(n)->(n)", 2, 1, ENTRIES(packed_##name)},                             \
    {#name "_grad", NULL, 3, 2, ENTRIES(name##_grad)},                                           \
    {"packed_" #name "_grad", "(n),(n),(n)->(n),(n)", 3, 2, ENTRIES(packed_##name##_grad)},
const generalised_row relu_c_generalised[] = {
    GATED(reglu, relu)
#include "units.def"
    {"crelu", "(n)->(n),(n)", 1, 2, ENTRIES(crelu)},
    {"crelu_grad", "(n),(n),(n)->(n)", 3, 1, ENTRIES(crelu_grad)},
    {NULL},
};

#define INDEXED(dtype)                                              \
    LOOP(maxout_UINT8, dtype, pools_loop, maxout, UINT8)            \
    LOOP(maxout_UINT16, dtype, pools_loop, maxout, UINT16)          \
    LOOP(maxout_UINT32, dtype, pools_loop, maxout, UINT32)          \
    LOOP(maxout_grad_UINT8, dtype, pools_loop, maxout_grad, UINT8)  \
    LOOP(maxout_grad_UINT16, dtype, pools_loop, maxout_grad, UINT16) \
    LOOP(maxout_grad_UINT32, dtype, pools_loop, maxout_grad, UINT32)
INDEXED(FLOAT16) INDEXED(BFLOAT16) INDEXED(FLOAT32) INDEXED(FLOAT64) INDEXED(INT8) INDEXED(INT16) INDEXED(INT32) INDEXED(INT64)
INDEXED(UINT8) INDEXED(UINT16) INDEXED(UINT32) INDEXED(UINT64)
#define ENTRY(name, dtype) [dtype] = loop_##name##_##dtype,
#define ALL(name) {ENTRY(name, FLOAT16) ENTRY(name, BFLOAT16) ENTRY(name, FLOAT32) ENTRY(name, FLOAT64) \
    ENTRY(name, INT8) ENTRY(name, INT16) ENTRY(name, INT32) ENTRY(name, INT64) \
    ENTRY(name, UINT8) ENTRY(name, UINT16) ENTRY(name, UINT32) ENTRY(name, UINT64)}
loop *const relu_c_maxout[INDEX_DTYPES][DTYPES] = {ALL(maxout_UINT8), ALL(maxout_UINT16), ALL(maxout_UINT32)};
loop *const relu_c_maxout_grad[INDEX_DTYPES][DTYPES] = {ALL(maxout_grad_UINT8), ALL(maxout_grad_UINT16), ALL(maxout_grad_UINT32)};
