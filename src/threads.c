#define _GNU_SOURCE /* -std=c11 alone hides POSIX, and Linux's CPU sets */
#include "threads.h"

#if defined(RELU_C_NO_THREADS) || (defined(__EMSCRIPTEN__) && !defined(__EMSCRIPTEN_PTHREADS__)) || defined(__wasi__)

int relu_c_has_threads(void) { return 0; }
int relu_c_get_num_threads(void) { return 1; }
void relu_c_set_num_threads(int n) { (void)n; }

void relu_c_parallel(relu_c_task *task, void *context, intptr_t n, intptr_t grain, intptr_t align)
{
    (void)grain, (void)align;
    if (n > 0)
        task(context, 0, n);
}

#else

#include <fenv.h>

#ifdef _WIN32
#include <windows.h>

typedef SRWLOCK mutex;
typedef CONDITION_VARIABLE condition;
typedef HANDLE thread;
#define MUTEX SRWLOCK_INIT
#define CONDITION CONDITION_VARIABLE_INIT
#define THREAD_MAIN DWORD WINAPI
static void lock(mutex *m) { AcquireSRWLockExclusive(m); }
static int try_lock(mutex *m) { return TryAcquireSRWLockExclusive(m); }
static void unlock(mutex *m) { ReleaseSRWLockExclusive(m); }
static void wait_for(condition *c, mutex *m) { SleepConditionVariableSRW(c, m, INFINITE, 0); }
static void signal_one(condition *c) { WakeConditionVariable(c); }
static int start(thread *t, LPTHREAD_START_ROUTINE run, void *argument)
{
    *t = CreateThread(NULL, 0, run, argument, 0, NULL);
    return *t != NULL;
}
#ifdef _WIN64
#define TAKE(next, count) InterlockedExchangeAdd64((next), (count))
#else
#define TAKE(next, count) InterlockedExchangeAdd((volatile LONG *)(next), (LONG)(count))
#endif

#else
#include <pthread.h>
#include <signal.h>
#if defined(__linux__) && !defined(__ANDROID__)
#define PLACES_WORKERS 1
#include <sched.h>
#endif

typedef pthread_mutex_t mutex;
typedef pthread_cond_t condition;
typedef pthread_t thread;
#define MUTEX PTHREAD_MUTEX_INITIALIZER
#define CONDITION PTHREAD_COND_INITIALIZER
#define THREAD_MAIN void *
static void lock(mutex *m) { pthread_mutex_lock(m); }
static int try_lock(mutex *m) { return pthread_mutex_trylock(m) == 0; }
static void unlock(mutex *m) { pthread_mutex_unlock(m); }
static void wait_for(condition *c, mutex *m) { pthread_cond_wait(c, m); }
static void signal_one(condition *c) { pthread_cond_signal(c); }

/* Signals are for the program's own threads: a worker has them all blocked, which it inherits. */
static int start(thread *t, void *(*run)(void *), void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(t, NULL, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return !failed;
}
#define TAKE(next, count) __atomic_fetch_add((next), (count), __ATOMIC_RELAXED)
#endif

enum { LINE = 64 };

/* The part of a job that one thread begins with. The next chunk goes to whoever takes it. */
typedef struct {
    intptr_t next, stop;
    char unshared[LINE - 2 * sizeof(intptr_t)];
} part;

/* `owner` is held by the one caller that has the pool, for the whole of its job; `guard` guards the fields up to the job, never
 * for longer than it takes to change them. The job is written before workers may join it, and stays while any is inside. */
static struct {
    mutex owner, guard;
    condition posted, left;
    int num_threads;
    int workers;  /* that have been started */
    int placed;   /* of them, that have been told where to run */
    int wanted;   /* how many may still join the job */
    int inside;   /* how many are in it */
    int stopping; /* workers return instead of waiting */
    thread threads[RELU_C_MAX_THREADS];

    relu_c_task *task;
    void *context;
    fenv_t environment;
    int team;
    intptr_t chunk;
    part parts[RELU_C_MAX_THREADS];
} pool = {.owner = MUTEX, .guard = MUTEX, .posted = CONDITION, .left = CONDITION, .num_threads = 1};

/* A thread takes chunks of its own part, so that in repeated calls the same core tends to have the same data, then helps with
 * the others': a worker that wakes late, or shares its core with another program, holds nobody up. */
static void work(int own)
{
    const int team = pool.team;
    for (int k = 0; k < team; k++) {
        part *p = &pool.parts[(own + k) % team];
        intptr_t begin;
        while ((begin = TAKE(&p->next, pool.chunk)) < p->stop)
            pool.task(pool.context, begin, p->stop - begin < pool.chunk ? p->stop : begin + pool.chunk);
    }
}

static THREAD_MAIN worker(void *number)
{
    const int own = (int)(intptr_t)number;
    lock(&pool.guard);
    while (!pool.stopping)
        if (pool.wanted == 0)
            wait_for(&pool.posted, &pool.guard);
        else {
            pool.wanted--;
            pool.inside++;
            unlock(&pool.guard);
            fesetenv(&pool.environment);
            work(1 + own % (pool.team - 1));
            lock(&pool.guard);
            if (--pool.inside == 0)
                signal_one(&pool.left);
        }
    unlock(&pool.guard);
    return 0;
}

#ifndef _WIN32
/* Around a fork. The workers of a pool that nobody uses are sent home before, which leaves the parent as single-threaded as it
 * was (Python warns of forks with threads), and start anew when needed. While a job runs in another thread, they stay. Either way
 * `guard` is held throughout, so that the child gets whole fields; its threads are gone, and it begins with an empty pool. */
static int forks_with_pool;

static void before_fork(void)
{
    const int owned = try_lock(&pool.owner);
    lock(&pool.guard);
    if (owned && pool.workers > 0) {
        pool.stopping = 1;
        pthread_cond_broadcast(&pool.posted);
        unlock(&pool.guard);
        while (pool.workers > 0)
            pthread_join(pool.threads[--pool.workers], NULL);
        lock(&pool.guard);
        pool.stopping = pool.placed = 0;
    }
    forks_with_pool = owned;
}

static void after_fork_in_parent(void)
{
    const int owned = forks_with_pool;
    unlock(&pool.guard);
    if (owned)
        unlock(&pool.owner);
}

static void after_fork_in_child(void)
{
    pthread_mutex_init(&pool.owner, NULL);
    pthread_mutex_init(&pool.guard, NULL);
    pthread_cond_init(&pool.posted, NULL);
    pthread_cond_init(&pool.left, NULL);
    pool.workers = pool.placed = pool.wanted = pool.inside = pool.stopping = 0;
}
#endif

/* How many of `count` workers there are, after starting those that are missing. The owner calls this, with `guard` held. */
static int start_workers(int count)
{
#ifndef _WIN32
    static int handles_forks;
    if (!handles_forks && pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) != 0)
        return 0;
    handles_forks = 1;
#endif
    while (pool.workers < count
           && start(&pool.threads[pool.workers], worker, (void *)(intptr_t)pool.workers))
        pool.workers++;
    return pool.workers < count ? pool.workers : count;
}

#ifdef PLACES_WORKERS
/* A worker that wakes on its caller's CPU waits there for the caller, and Linux likes to put it there when the others are busy,
 * if only with the BLAS's threads, which spin for a while after a product. So workers may run on the CPUs of the caller but the
 * one where it is. After a product gelu of 4096000 elements takes 3.2 ms with this, 6.1 without and on one thread. */
static void place_workers(int count)
{
    static cpu_set_t places;
    cpu_set_t set;
    const int cpu = sched_getcpu();
    if (cpu < 0 || sched_getaffinity(0, sizeof set, &set) != 0)
        return;
    CPU_CLR(cpu, &set);
    if (CPU_COUNT(&set) == 0)
        return;
    if (!CPU_EQUAL(&set, &places))
        pool.placed = 0;
    places = set;
    for (; pool.placed < count; pool.placed++)
        pthread_setaffinity_np(pool.threads[pool.placed], sizeof set, &set);
}
#else
static void place_workers(int count) { (void)count; }
#endif

static intptr_t round_up(intptr_t n, intptr_t step) { return (n + step - 1) / step * step; }

void relu_c_parallel(relu_c_task *task, void *context, intptr_t n, intptr_t grain, intptr_t align)
{
    if (n <= 0)
        return;
    if (n / 2 < grain || !try_lock(&pool.owner)) {
        task(context, 0, n);
        return;
    }
    lock(&pool.guard);
    const intptr_t worth = n / grain;
    const int helpers = start_workers((int)(worth < pool.num_threads ? worth : pool.num_threads) - 1);
    if (helpers == 0) {
        unlock(&pool.guard);
        unlock(&pool.owner);
        task(context, 0, n);
        return;
    }
    pool.task = task;
    pool.context = context;
    fegetenv(&pool.environment);
    pool.team = 1 + helpers;
    /* Chunks of a sixteenth of a grain: the last of them is what the caller may have to wait for. */
    pool.chunk = round_up(grain / 16 > 0 ? grain / 16 : 1, align);
    const intptr_t share = round_up(n / pool.team + 1, align);
    for (int k = 0; k < pool.team; k++) {
        pool.parts[k].next = k * share < n ? k * share : n;
        pool.parts[k].stop = n - pool.parts[k].next < share ? n : (k + 1) * share;
    }
    place_workers(helpers);
    pool.wanted = helpers;
    unlock(&pool.guard);
    for (int k = 0; k < helpers; k++)
        signal_one(&pool.posted);
    work(0);
    lock(&pool.guard);
    pool.wanted = 0;
    while (pool.inside > 0)
        wait_for(&pool.left, &pool.guard);
    unlock(&pool.guard);
    unlock(&pool.owner);
}

int relu_c_has_threads(void) { return 1; }

int relu_c_get_num_threads(void)
{
    lock(&pool.guard);
    const int n = pool.num_threads;
    unlock(&pool.guard);
    return n;
}

void relu_c_set_num_threads(int n)
{
    lock(&pool.guard);
    pool.num_threads = n < 1 ? 1 : n > RELU_C_MAX_THREADS ? RELU_C_MAX_THREADS : n;
    unlock(&pool.guard);
}

#endif
