/* SPDX-License-Identifier: MPL-2.0
 *
 * How late a thread that sleeps on a timerfd is woken, with nothing else going on: set on
 * the wall clock to an absolute instant, as the daemon's are.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/limits/limits.h"

/* From one to the next, at random, 6 ms in the middle: as often as the load of 170 jobs a
 * second comes due. */
#define LEAST_NS 1000000
#define SPREAD_NS 10000000

static int64_t
wall_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static double
wake_late_us (int fd, int64_t after_ns)
{
    int64_t due_ns = wall_ns () + after_ns;
    struct itimerspec when = {
        .it_value = {.tv_sec = due_ns / 1000000000, .tv_nsec = due_ns % 1000000000}};
    int rc = timerfd_settime (fd, TFD_TIMER_ABSTIME, &when, NULL);
    limits_require (rc == 0, "timerfd_settime: %s", strerror (errno));
    struct pollfd item = {.fd = fd, .events = POLLIN};
    while (poll (&item, 1, -1) < 1) {
        limits_require (errno == EINTR, "poll: %s", strerror (errno));
    }
    int64_t woke_ns = wall_ns ();
    uint64_t times;
    limits_require (read (fd, &times, sizeof times) == sizeof times, "a timerfd: %s",
                    strerror (errno));
    return (double)(woke_ns - due_ns) / 1e3;
}

void
limits_timer (const limits_options *options)
{
    if (!limits_wanted (options, "timer")) {
        return;
    }
    limits_say ("timer: %zu wake-ups", options->calls);
    int fd = timerfd_create (CLOCK_REALTIME, TFD_CLOEXEC);
    limits_require (fd >= 0, "timerfd_create: %s", strerror (errno));
    double *late_us = limits_take (options->calls * sizeof *late_us);
    uint64_t random = options->seed;
    for (int run = 0; run < options->runs; run++) {
        for (size_t i = 0; i < options->calls; i++) {
            int64_t more_ns = (int64_t)(limits_draw (&random) % SPREAD_NS);
            late_us[i] = wake_late_us (fd, LEAST_NS + more_ns);
        }
        limits_report_tail ((limits_case){"timer", "idle", NULL}, late_us, options->calls);
    }
    limits_report_end (options->json);
    free (late_us);
    close (fd);
}
