/* SPDX-License-Identifier: MPL-2.0
 *
 * A wall clock that a test can set, preloaded into a real daemon: setting the machine's own
 * is no test's business. CLOCK_REALTIME is moved by what the test says; a timerfd on it
 * counts on the moved clock, and where it has TFD_TIMER_CANCEL_ON_SET a step makes it
 * readable with ECANCELED, as the kernel does. All other clocks are the machine's.
 *
 * The descriptors of timers are never closed here, because a daemon keeps its own until it
 * ends.
 */
/* syscall, RTLD_NEXT. */
#define _GNU_SOURCE

#include "tests/crash/clock_shim.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define TIMERS 4
#define SECOND_US 1000000

typedef ssize_t read_function (int fd, void *bytes, size_t size);

/* A timerfd on CLOCK_REALTIME. */
typedef struct {
    int fd;
    int flags;      /* as it was set last */
    unsigned steps; /* of the clock, when it was set or read last */
    struct itimerspec setting;
} timer;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static clock_order *order;
static read_function *next_read;
static timer timers[TIMERS];
static int timer_count;

static void
map_order (void)
{
    const char *path = getenv (CLOCK_VARIABLE);
    int fd = path ? open (path, O_RDWR | O_CLOEXEC) : -1;
    void *mapped =
        fd < 0 ? MAP_FAILED
               : mmap (NULL, sizeof *order, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    void *found = dlsym (RTLD_NEXT, "read");
    if (mapped == MAP_FAILED || !found) {
        abort ();
    }
    (void)close (fd);
    memcpy (&next_read, &found, sizeof found);
    order = mapped;
}

static clock_order *
the_order (void)
{
    pthread_once (&once, map_order);
    return order;
}

static void
move (struct timespec *time, long long us)
{
    long long sum_us = (long long)time->tv_sec * SECOND_US + time->tv_nsec / 1000 + us;
    time->tv_sec = (time_t)(sum_us / SECOND_US);
    time->tv_nsec = (long)(sum_us % SECOND_US) * 1000;
}

int
clock_gettime (clockid_t clock, struct timespec *now)
{
    int rc = (int)syscall (SYS_clock_gettime, clock, now);
    if (rc == 0 && clock == CLOCK_REALTIME) {
        move (now, atomic_load (&the_order ()->moved_us));
    }
    return rc;
}

static bool
is_armed (const timer *self)
{
    return self->setting.it_value.tv_sec != 0 || self->setting.it_value.tv_nsec != 0;
}

/* Sets the kernel's timer to what the machine's clock says at that time. */
static int
set_kernel (const timer *self)
{
    struct itimerspec setting = self->setting;
    if (is_armed (self) && self->flags & TFD_TIMER_ABSTIME) {
        move (&setting.it_value, -atomic_load (&order->moved_us));
        if (setting.it_value.tv_sec <= 0) {
            setting.it_value = (struct timespec){.tv_nsec = 1};
        }
    }
    return (int)syscall (SYS_timerfd_settime, self->fd, self->flags & TFD_TIMER_ABSTIME,
                         &setting, NULL);
}

/* Whether its reader has still to hear of a step. With the mutex. */
static bool
is_cancelled (const timer *self)
{
    return self->flags & TFD_TIMER_CANCEL_ON_SET && is_armed (self) &&
           self->steps != atomic_load (&order->steps);
}

/* Wakes the readers after each step. */
static void *
ring (void *unused)
{
    (void)unused;
    unsigned seen = 0;
    for (;;) {
        unsigned steps = atomic_load (&order->steps);
        pthread_mutex_lock (&mutex);
        for (int i = 0; i < timer_count && steps != seen; i++) {
            if (is_cancelled (&timers[i])) {
                struct itimerspec now = {.it_value.tv_nsec = 1};
                (void)syscall (SYS_timerfd_settime, timers[i].fd, TFD_TIMER_ABSTIME, &now,
                               NULL);
            } else if (is_armed (&timers[i])) {
                (void)set_kernel (&timers[i]);
            }
        }
        pthread_mutex_unlock (&mutex);
        seen = steps;
        atomic_store (&order->rung, steps);
        (void)syscall (SYS_futex, &order->rung, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
        (void)syscall (SYS_futex, &order->steps, FUTEX_WAIT, steps, NULL, NULL, 0);
    }
    return NULL;
}

int
timerfd_create (int clock, int flags)
{
    int fd = (int)syscall (SYS_timerfd_create, clock, flags);
    if (fd >= 0 && clock == CLOCK_REALTIME) {
        (void)the_order ();
        pthread_mutex_lock (&mutex);
        if (timer_count == TIMERS) {
            abort ();
        }
        timers[timer_count++] = (timer){.fd = fd, .steps = atomic_load (&order->steps)};
        /* From a thread of the daemon, whose signals are blocked. */
        pthread_t thread;
        if (timer_count == 1 && pthread_create (&thread, NULL, ring, NULL) != 0) {
            abort ();
        }
        pthread_mutex_unlock (&mutex);
    }
    return fd;
}

/* NULL for a descriptor that is none of these. With the mutex. */
static timer *
find (int fd)
{
    for (int i = 0; i < timer_count; i++) {
        if (timers[i].fd == fd) {
            return &timers[i];
        }
    }
    return NULL;
}

int
timerfd_settime (int fd, int flags, const struct itimerspec *setting,
                 struct itimerspec *before)
{
    pthread_mutex_lock (&mutex);
    timer *self = find (fd);
    if (!self) {
        pthread_mutex_unlock (&mutex);
        return (int)syscall (SYS_timerfd_settime, fd, flags, setting, before);
    }
    bool cancelled = is_cancelled (self) && flags & TFD_TIMER_CANCEL_ON_SET;
    self->flags = flags;
    self->setting = *setting;
    /* First the steps: one that comes in between is seen by the next call. */
    self->steps = atomic_load (&order->steps);
    int rc = set_kernel (self);
    pthread_mutex_unlock (&mutex);
    if (rc == 0 && cancelled) {
        errno = ECANCELED;
        rc = -1;
    }
    return rc;
}

ssize_t
read (int fd, void *bytes, size_t size)
{
    pthread_once (&once, map_order);
    pthread_mutex_lock (&mutex);
    timer *self = find (fd);
    bool cancelled = self && is_cancelled (self);
    if (cancelled) {
        self->steps = atomic_load (&order->steps);
    }
    pthread_mutex_unlock (&mutex);
    ssize_t got = next_read (fd, bytes, size);
    if (cancelled) {
        errno = ECANCELED;
        return -1;
    }
    return got;
}
