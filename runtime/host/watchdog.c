#include "host/watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LOOK_MS = 5, REPEATED = 10 };

struct watchdog {
    const struct core_pulse *volatile pulse; /* changed under the lock; NULL: nothing to watch */
    unsigned long seen;                      /* the turn at the last look, under the lock      */
    int64_t turn_ms;
    pthread_t worker, thread;
    clockid_t clock; /* of the worker */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;                   /* under the lock */
    atomic_ulong victim;         /* the turn to end, odd; 0 = none  */
    _Atomic unsigned long barks; /* turns that were too long        */
};

/* What a signal handler can find its way by: the watchdog of the thread it runs on. */
static _Thread_local struct watchdog *volatile own;

static void on_signal(int number)
{
    struct watchdog *w = own;
    const struct core_pulse *pulse = w ? w->pulse : NULL;
    struct cell *cell;

    (void)number;
    /* The turn may have ended, and the next begun, while the signal was on its way. */
    if (!pulse || pulse->turns != atomic_load_explicit(&w->victim, memory_order_relaxed))
        return;
    cell = pulse->running;
    if (cell)
        cell_interrupt(cell, "turn_ms");
}

/* What the worker's thread has computed so far. */
static int64_t computed_ms(const struct watchdog *w)
{
    struct timespec t = {0};

    clock_gettime(w->clock, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Sleep until the next look; false: time to stop. The lock is held. */
static bool sleep_on(struct watchdog *w, int64_t ms)
{
    struct timespec until;
    int err = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!w->stop && err != ETIMEDOUT)
        err = pthread_cond_timedwait(&w->wake, &w->lock, &until);
    return !w->stop;
}

static void *watch(void *arg)
{
    struct watchdog *w = arg;
    int64_t look_ms = w->turn_ms < 2 * LOOK_MS ? (w->turn_ms + 1) / 2 : LOOK_MS, since = 0;

    pthread_mutex_lock(&w->lock);
    while (sleep_on(w, look_ms)) {
        const struct core_pulse *pulse = w->pulse;
        unsigned long turn = pulse ? __atomic_load_n(&pulse->turns, __ATOMIC_RELAXED) : 0;
        bool repeats = pulse && __atomic_load_n(&pulse->repeats, __ATOMIC_RELAXED);

        if (turn != w->seen) {
            w->seen = turn;
            since = computed_ms(w);
        } else if (turn % 2 && computed_ms(w) - since >= w->turn_ms * (repeats ? REPEATED : 1)) {
            if (atomic_exchange(&w->victim, turn) != turn)
                w->barks++;
            /* Again at every look while it lasts: the first may have met the worker between two
             * states of the turn. */
            pthread_kill(w->worker, SIGURG);
        }
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

static int install_handler(void)
{
    struct sigaction act = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    sigemptyset(&act.sa_mask);
    return sigaction(SIGURG, &act, NULL);
}

int watchdog_new(struct watchdog **out, const struct core_pulse *pulse, int64_t turn_ms,
                 struct error *e)
{
    struct watchdog *w = calloc(1, sizeof *w);
    pthread_condattr_t attr;
    sigset_t all, old;
    int err;

    CHECK(!own && turn_ms > 0);
    if (!w)
        return error_set(e, ERR_NOMEM, "no memory for the watchdog");
    w->pulse = pulse;
    w->turn_ms = turn_ms;
    w->worker = pthread_self();
    CHECK(pthread_getcpuclockid(w->worker, &w->clock) == 0);
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attr);
    pthread_condattr_destroy(&attr);
    own = w;
    /* Signals meant for the process are not the watchdog's to take. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    err = install_handler() ? errno : pthread_create(&w->thread, NULL, watch, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (err) {
        own = NULL;
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        free(w);
        return error_set(e, ERR_IO, "the watchdog cannot start: %s", strerror(err));
    }
    *out = w;
    return 0;
}

void watchdog_turn_to(struct watchdog *w, const struct core_pulse *pulse)
{
    CHECK(own == w);
    pthread_mutex_lock(&w->lock);
    w->pulse = pulse;
    w->seen = 0;
    atomic_store(&w->victim, 0);
    pthread_mutex_unlock(&w->lock);
}

unsigned long watchdog_barks(const struct watchdog *w)
{
    return w->barks;
}

void watchdog_free(struct watchdog *w)
{
    if (!w)
        return;
    CHECK(own == w);
    pthread_mutex_lock(&w->lock);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    own = NULL;
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
