/* Loops that combine kernels block by block: what one kernel leaves in the first-level cache, the next one finds there,
 * so that memory is read and written once, and no formula is written twice.
 *
 * Operands are seen as (a, c, b): c counts channels, each with its own bias or parameter and, in a gradient, its own
 * sum over a and b. A bias along the last axis is (rows, columns, 1), a weight per channel of images (images, channels,
 * pixels), one weight for all (1, 1, size). What an operand lacks of them it has with stride 0. */

#include "generalised.h"

#include "copy.h"
#include "flags.h"
#include "half.h"
#include "runs.h"
#include "stream.h"
#include "threads.h"

#include <stdlib.h>

/* A block has at most WIDTH elements, and a task at most PIECE sums. A task is what one thread does at a time, about
 * CHUNK elements, the same for any number of threads: sums are formed within a task by element of the block or by
 * column, then over the channel, then over the tasks, always in the order of the indices. WAVE tasks run before their
 * sums are added up. */
enum { WIDTH = 1024, PIECE = 4096, CHUNK = 131072, WAVE = 32, OPERANDS = 6 };

/* Streamed stores write whole cache lines, so few bytes at a time that reading and writing overlap. Of several kernels
 * only the first ones read from memory, and the processor's own prefetching stops at each page: what follows is asked for
 * AHEAD, into the second-level cache, while the others work. */
enum { LINE = 64, SPAN = 2048, AHEAD = 4096 };
#if !defined(_MSC_VER) || defined(__clang__)
#define PREFETCH(address) __builtin_prefetch(address, 0, 2)
#elif defined(_M_X64)
#define PREFETCH(address) _mm_prefetch(address, _MM_HINT_T1)
#else
#define PREFETCH(address) ((void)(address))
#endif

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
    int streamed;            /* bits of the outputs whose stores bypass the cache */
    int beyond_caches;       /* operands with outputs that do not fit in the caches */
    double *partial;         /* PIECE sums for each task of a wave */
};

/* One task: rows [a, a_end), columns [j, j_end) of the c b columns. */
typedef struct {
    intptr_t a, a_end, j, j_end;
    int expanded[OPERANDS]; /* the operand of all blocks stays in its buffer */
    _Alignas(LINE) char buffers[OPERANDS][WIDTH * 8 + LINE];
    double *sums;
} task;

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

/* Copies a block to memory past the cache; both begin at the same place of a cache line. Lines that the block has no
 * more than a part of are copied as usual. */
static void stream_block(const plan *p, char *to, const char *from, intptr_t bytes)
{
    intptr_t head = (intptr_t)(-(uintptr_t)to % LINE), lines;
    head = head < bytes ? head : bytes;
    lines = (bytes - head) / LINE * LINE;
    memcpy(to, from, (size_t)head);
    p->set->stream(to + head, from + head, lines);
    memcpy(to + head + lines, from + head + lines, (size_t)(bytes - head - lines));
}

static void block(const plan *p, task *t, intptr_t a, intptr_t rows, intptr_t j, intptr_t columns)
{
    char *data[OPERANDS], *streamed[OPERANDS];
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
        } else if (p->streamed >> k & 1) {
            streamed[k] = data[k];
        } else if (!is_contiguous(p, o, rows, j, columns)) {
            data[k] = t->buffers[k];
            buffered[k] = 1;
            if (k < p->inputs)
                move(p, o, a, rows, j, columns, data[k], 1);
        }
    }
    /* The first of two outputs must not overwrite, in place, what the second is formed from. */
    if (p->outputs == 2 && !(p->streamed >> p->inputs & 1))
        for (int k = 0; k < p->inputs; k++)
            if (data[k] == data[p->inputs]) {
                data[p->inputs] = t->buffers[p->inputs];
                buffered[p->inputs] = 1;
            }
    /* With streamed stores in spans that end with a cache line. */
    const intptr_t n = rows * columns;
    double *sums = !t->sums || p->by_channel ? t->sums : t->sums + (j - t->j);
    for (intptr_t i = 0, count; i < n; i += count) {
        count = n - i;
        for (int k = operands - 1; k >= p->inputs; k--)
            if (p->streamed >> k & 1) {
                const intptr_t skew = (intptr_t)((uintptr_t)streamed[k] % LINE), span = (SPAN - skew) / p->size;
                count = n - i < span ? n - i : span;
                data[k] = t->buffers[k] + skew;
            }
        for (int k = 0; k < p->inputs && p->beyond_caches; k++)
            if (strides[k] && !buffered[k] && !t->expanded[k])
                for (intptr_t ahead = AHEAD; ahead < AHEAD + count * p->size; ahead += LINE)
                    PREFETCH(data[k] + ahead);
        p->step(p, data, strides, sums, count);
        for (int k = 0; k < operands; k++)
            if (p->streamed >> k & 1) {
                stream_block(p, streamed[k], data[k], count * p->size);
                streamed[k] += count * p->size;
            } else {
                data[k] += count * strides[k];
            }
        sums = sums ? sums + count : NULL;
    }
    for (int k = p->inputs; k < operands; k++)
        if (buffered[k])
            move(p, &p->operands[k], a, rows, j, columns, data[k] - n * p->size, 0);
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
        const int invariant = p->invariant >> k & 1;
        const int one_value = p->constant >> k & 1 || (invariant && p->by_channel && o->b == 0);
        t.expanded[k] = one_value ? p->arrays >> k & 1 : invariant && p->a > 1 && p->rows > 1;
        if (t.expanded[k] && one_value)
            copy(p->size, o->data + t.j / p->b * o->c, 0, t.buffers[k], p->size, p->rows * p->width);
        else if (t.expanded[k])
            move(p, o, t.a, p->rows < t.a_end - t.a ? p->rows : t.a_end - t.a, t.j, t.j_end - t.j, t.buffers[k], 1);
    }
    if (t.sums)
        memset(t.sums, 0, (size_t)(p->by_channel || p->rows > 1 ? p->rows * p->width : t.j_end - t.j) * sizeof *t.sums);

    for (intptr_t a = t.a; a < t.a_end; a += p->rows)
        for (intptr_t j = t.j; j < t.j_end; j += p->width)
            block(p, &t, a, p->rows < t.a_end - a ? p->rows : t.a_end - a, j,
                  p->width < t.j_end - j ? p->width : t.j_end - j);
    STREAM_END;

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
    const intptr_t columns = p->c * p->b, bytes = p->a * columns * p->size;
    p->streamed = 0;
    p->beyond_caches = p->outputs && relu_c_beyond_caches((p->inputs + p->outputs) * bytes);
    for (int k = p->inputs; k < p->inputs + p->outputs && p->set->stream && p->beyond_caches; k++) {
        const operand *o = &p->operands[k];
        int apart = o->b == p->size && o->c == p->b * p->size && o->a == columns * p->size;
        for (int i = 0; i < p->inputs; i++)
            apart &= p->operands[i].data != o->data;
        p->streamed |= (apart && relu_c_has_pages(o->data, bytes)) << k;
    }
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

/* A kernel over contiguous operands, or some of stride 0. */
static void apply(const plan *p, enum ufunc kernel, char *const *data, intptr_t n, const intptr_t *strides)
{
    p->set->kernels[kernel][p->dtype](data, n, strides);
}
#define APPLY(kernel, data, ...) apply(p, kernel, data, n, (intptr_t[]){__VA_ARGS__})
#define POINTERS(...) ((char *[]){__VA_ARGS__})

static void one_kernel(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    (void)sums;
    apply(p, p->kernels[0], data, n, strides);
}

/* x, bias, parameters -> y */
static void biased(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    char z[WIDTH * 8], *sum[] = {data[0], data[1], z}, *rest[OPERANDS] = {z};
    intptr_t rest_strides[OPERANDS] = {p->size};
    (void)sums;
    APPLY(UFUNC_add_bias, sum, strides[0], strides[1], p->size);
    for (int k = 2; k <= p->inputs; k++)
        rest[k - 1] = data[k], rest_strides[k - 1] = strides[k];
    apply(p, p->kernels[0], rest, n, rest_strides);
}

/* dy, x, bias, parameters -> dx, and its sums */
static void biased_grad(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    char z[WIDTH * 8], *sum[] = {data[1], data[2], z}, *rest[OPERANDS] = {data[0], z};
    intptr_t rest_strides[OPERANDS] = {strides[0], p->size};
    APPLY(UFUNC_add_bias, sum, strides[1], strides[2], p->size);
    for (int k = 3; k <= p->inputs; k++)
        rest[k - 1] = data[k], rest_strides[k - 1] = strides[k];
    apply(p, p->kernels[0], rest, n, rest_strides);
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
    apply(p, p->kernels[0], data + 1, n, strides + 1);
    apply(p, p->kernels[1], grad, n, strides);
}

/* gate, value -> y, by a kernel of its own or by the activation's. */
static void gated(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    char open[WIDTH * 8];
    const intptr_t size = p->size;
    (void)sums;
    if (p->set->kernels[p->kernels[0]][p->dtype]) {
        apply(p, p->kernels[0], data, n, strides);
        return;
    }
    APPLY(p->kernels[1], POINTERS(data[0], open), strides[0], size);
    APPLY(UFUNC_multiply, POINTERS(open, data[1], data[2]), size, strides[1], size);
}

/* dy, gate, value -> dgate, dvalue, likewise. */
static void gated_grad(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    char slope[WIDTH * 8];
    double one = 1.0; /* float64 is the only dtype without kernels of its own */
    const intptr_t size = p->size;
    (void)sums;
    if (p->set->kernels[p->kernels[0]][p->dtype]) {
        apply(p, p->kernels[0], data, n, strides);
        APPLY(p->kernels[1], POINTERS(data[0], data[1], data[4]), strides[0], strides[1], size);
        return;
    }
    APPLY(p->kernels[3], POINTERS((char *)&one, data[1], slope), 0, strides[1], size);
    APPLY(UFUNC_gated_value, POINTERS(data[2], slope, slope), strides[2], size, size);
    APPLY(UFUNC_gate, POINTERS(data[0], slope, data[3]), strides[0], size, size);
    APPLY(p->kernels[2], POINTERS(data[1], slope), strides[1], size);
    APPLY(UFUNC_gate, POINTERS(data[0], slope, data[4]), strides[0], size, size);
}

/* x -> relu(x), relu(-x) */
static void concatenated(const plan *p, char *const *data, const intptr_t *strides, double *sums, intptr_t n)
{
    (void)sums;
    apply(p, UFUNC_relu, data, n, strides);
    APPLY(UFUNC_crelu_negative, POINTERS(data[0], data[2]), strides[0], strides[2]);
}

/* The loops, by signature. What NumPy calls them with: for each operand its outer stride, then the strides along its
 * core axes. */
typedef struct {
    enum dtype dtype;
    char *const *data;
    const intptr_t *n, *strides;
} call;

static void add_input(plan *p, char *data, intptr_t a, intptr_t c, intptr_t b)
{
    p->operands[p->inputs++] = (operand){data, a, c, b};
}

/* After all inputs. */
static void add_output(plan *p, char *data, intptr_t a, intptr_t c, intptr_t b)
{
    p->operands[p->inputs + p->outputs++] = (operand){data, a, c, b};
}

static int finish(plan *p)
{
    const flags found = get_flags();
    run(p);
    set_flags(found);
    return 0;
}

/* (n),(n),()...->(n): the shorter stride of x goes along the rows. */
static int bias_loop(call f, enum ufunc kernel, int parameters)
{
    const intptr_t *outer = f.strides, *core = f.strides + 3 + parameters;
    const int last = 2 + parameters, across = llabs(outer[0]) < llabs(core[0]) && f.n[0] > 1;
    plan p = {.step = biased, .kernels = {kernel}, .dtype = f.dtype, .a = f.n[0], .c = f.n[1], .b = 1};
    if (across)
        p.a = 1, p.b = f.n[0];
    for (int k = 0; k < last; k++)
        add_input(&p, f.data[k], across ? 0 : outer[k], k < 2 ? core[k] : 0, across ? outer[k] : 0);
    add_output(&p, f.data[last], across ? 0 : outer[last], core[2], across ? outer[last] : 0);
    return finish(&p);
}

/* (a,c,b),(a,c,b),(c),()...->(a,c,b),(c): two arrays, a bias or a parameter, more parameters; dx, if it is wanted, and
 * sums. */
static int sums_loop(call f, plan p, int parameters, int dx)
{
    const int inputs = 3 + parameters, operands = inputs + dx + 1;
    p.dtype = f.dtype;
    p.a = f.n[1];
    p.c = f.n[2];
    p.b = f.n[3];
    for (intptr_t i = 0; i < f.n[0]; i++) {
        const intptr_t *core = f.strides + operands;
        char *data[OPERANDS + 1];
        for (int k = 0; k < operands; k++)
            data[k] = f.data[k] + i * f.strides[k];
        p.inputs = p.outputs = 0;
        for (int k = 0; k < 2; k++, core += 3)
            add_input(&p, data[k], core[0], core[1], core[2]);
        add_input(&p, data[2], 0, *core++, 0);
        for (int k = 3; k < inputs; k++)
            add_input(&p, data[k], 0, 0, 0);
        if (dx) {
            add_output(&p, data[inputs], core[0], core[1], core[2]);
            core += 3;
        }
        p.sums = (operand){data[operands - 1], 0, *core, 0};
        finish(&p);
    }
    return 0;
}

/* dy, x, bias, parameters -> dx, dbias */
static int bias_grad_loop(call f, enum ufunc kernel, int parameters)
{
    return sums_loop(f, (plan){.step = biased_grad, .kernels = {kernel}}, parameters, 1);
}

/* dy, x, parameter -> the parameter's gradient */
static int parameter_grad_loop(call f, enum sum sum)
{
    return sums_loop(f, (plan){.step = parameter_sum, .sum = sum, .arrays = 7}, 0, 0);
}

/* dy, x, parameter -> dx, the parameter's gradient */
static int parameter_grads_loop(call f, enum sum sum, enum ufunc kernel)
{
    return sums_loop(f, (plan){.step = parameter_grads, .kernels = {kernel}, .sum = sum, .arrays = 7}, 0, 1);
}

/* Elementwise, or with core (n),...->(n),...: rows of operands that need not follow each other. */
static int rows_loop(call f, plan p, int inputs, int outputs, int core)
{
    const intptr_t *along = core ? f.strides + inputs + outputs : f.strides;
    p.dtype = f.dtype;
    p.a = core ? f.n[0] : 1;
    p.c = 1;
    p.b = core ? f.n[1] : f.n[0];
    for (int k = 0; k < inputs; k++)
        add_input(&p, f.data[k], core ? f.strides[k] : 0, 0, along[k]);
    for (int k = inputs; k < inputs + outputs; k++)
        add_output(&p, f.data[k], core ? f.strides[k] : 0, 0, along[k]);
    return finish(&p);
}

static int gated_loop(call f, int core, enum ufunc kernel, enum ufunc activation)
{
    const plan p = {.step = gated, .kernels = {kernel, activation}};
    /* In reduce and accumulate an output is the next element's first input. */
    const int carried = !core && f.data[2] - f.data[0] == f.strides[0] && f.strides[0] == f.strides[2];
    if (!carried)
        return rows_loop(f, p, 2, 1, core);
    for (intptr_t i = 0; i < *f.n; i++) {
        char *const one[] = {f.data[0] + i * f.strides[0], f.data[1] + i * f.strides[1], f.data[2] + i * f.strides[2]};
        rows_loop((call){f.dtype, one, (intptr_t[]){1}, f.strides}, p, 2, 1, 0);
    }
    return 0;
}

static int gated_grad_loop(call f, int core, enum ufunc by_gate, enum ufunc by_value, enum ufunc activation,
                           enum ufunc derivative)
{
    const plan p = {.step = gated_grad, .kernels = {by_gate, by_value, activation, derivative}};
    return rows_loop(f, p, 3, 2, core);
}

static int crelu_loop(call f, int core) { return rows_loop(f, (plan){.step = concatenated}, 1, 2, core); }

static int crelu_grad_loop(call f, int core)
{
    return rows_loop(f, (plan){.step = one_kernel, .kernels = {UFUNC_crelu_grad}}, 3, 1, core);
}

/* An elementwise ufunc whose last input is a parameter for each column. */
static int columns_loop(call f, enum ufunc kernel, int inputs)
{
    return rows_loop(f, (plan){.step = one_kernel, .kernels = {kernel}}, inputs, 1, 1);
}

static int with_grad_loop(call f, enum ufunc kernel, enum ufunc derivative, int parameters)
{
    plan p = {.step = with_grad, .kernels = {kernel, derivative}, .arrays = 1, .dtype = f.dtype};
    double one;
    store(&p, (char *)&one, 1.0);
    add_input(&p, (char *)&one, 0, 0, 0);
    return rows_loop(f, p, 1 + parameters, 2, 0);
}

/* NumPy's loops: one function for each ufunc and dtype. */
#define LOOP(name, dtype, by_signature, ...)                                                                       \
    static int loop_##name##_##dtype(void *context, char *const *data, const intptr_t *n, const intptr_t *strides, \
                                     void *auxiliary)                                                              \
    {                                                                                                              \
        (void)context, (void)auxiliary;                                                                            \
        return by_signature((call){dtype, data, n, strides}, __VA_ARGS__);                                         \
    }
#define LOOPS(name, ...)                                               \
    LOOP(name, FLOAT16, __VA_ARGS__) LOOP(name, BFLOAT16, __VA_ARGS__) \
    LOOP(name, FLOAT32, __VA_ARGS__) LOOP(name, FLOAT64, __VA_ARGS__)
#define FUSED(name, parameters)                                                \
    LOOPS(bias_##name, bias_loop, UFUNC_##name, parameters)                    \
    LOOPS(bias_##name##_grad, bias_grad_loop, UFUNC_##name##_grad, parameters) \
    LOOPS(name##_with_grad, with_grad_loop, UFUNC_##name, UFUNC_##name##_grad, parameters)
#define LEARNED(name, parameter, dx)                                                \
    LOOPS(name##_##parameter##_grad, parameter_grad_loop, SUM_##name##_##parameter) \
    LOOPS(name##_grads, parameter_grads_loop, SUM_##name##_##parameter, UFUNC_##dx)
#define COLUMNS(name, inputs) LOOPS(columns_##name, columns_loop, UFUNC_##name, inputs)
#define GATED_GRAD(name, activation, core)                                                      \
    gated_grad_loop, core, UFUNC_##name##_grad_gate, UFUNC_##name##_grad_value, UFUNC_##activation, \
        UFUNC_##activation##_grad
#define GATED(name, activation)                                                \
    LOOPS(name, gated_loop, 0, UFUNC_##name, UFUNC_##activation)               \
    LOOPS(packed_##name, gated_loop, 1, UFUNC_##name, UFUNC_##activation)      \
    LOOPS(name##_grad, GATED_GRAD(name, activation, 0))                        \
    LOOPS(packed_##name##_grad, GATED_GRAD(name, activation, 1))
GATED(reglu, relu)
#include "units.def"
LOOPS(crelu, crelu_loop, 1)
LOOPS(crelu_grad, crelu_grad_loop, 1)

#define SIGNATURE_2 "(n),(n)->(n)"
#define SIGNATURE_3 "(n),(n),(n)->(n)"
#define PARAMETERS_0
#define PARAMETERS_1 ",()"
#define ENTRIES(name)                                                        \
    {[FLOAT16] = loop_##name##_FLOAT16, [BFLOAT16] = loop_##name##_BFLOAT16, \
     [FLOAT32] = loop_##name##_FLOAT32, [FLOAT64] = loop_##name##_FLOAT64}
#define FUSED(name, parameters)                                                                               \
    {"bias_" #name, "(n),(n)" PARAMETERS_##parameters "->(n)", 2 + parameters, 1, ENTRIES(bias_##name)},      \
    {"bias_" #name "_grad", "(a,c,b),(a,c,b),(c)" PARAMETERS_##parameters "->(a,c,b),(c)", 3 + parameters, 2, \
     ENTRIES(bias_##name##_grad)},                                                                            \
    {#name "_with_grad", NULL, 1 + parameters, 2, ENTRIES(name##_with_grad)},
#define LEARNED(name, parameter, dx)                                                                      \
    {#name "_" #parameter "_grad", "(a,c,b),(a,c,b),(c)->(c)", 3, 1, ENTRIES(name##_##parameter##_grad)}, \
    {#name "_grads", "(a,c,b),(a,c,b),(c)->(a,c,b),(c)", 3, 2, ENTRIES(name##_grads)},
#define GATED(name, activation)                                      \
    {#name, NULL, 2, 1, ENTRIES(name)},                              \
    {"packed_" #name, "(n),(n)->(n)", 2, 1, ENTRIES(packed_##name)}, \
    {#name "_grad", NULL, 3, 2, ENTRIES(name##_grad)},               \
    {"packed_" #name "_grad", "(n),(n),(n)->(n),(n)", 3, 2, ENTRIES(packed_##name##_grad)},
#define COLUMNS(name, inputs) {"columns_" #name, SIGNATURE_##inputs, inputs, 1, ENTRIES(columns_##name)},
const generalised_row relu_c_generalised[] = {
    GATED(reglu, relu)
#include "units.def"
    {"crelu", "(n)->(n),(n)", 1, 2, ENTRIES(crelu)},
    {"crelu_grad", "(n),(n),(n)->(n)", 3, 1, ENTRIES(crelu_grad)},
    {NULL},
};
