/* SPDX-License-Identifier: MPL-2.0
 *
 * The clocks that the process reads, and its timerfds: timerfd_create(2) says what they do,
 * TFD_TIMER_CANCEL_ON_SET above all. And the file: the store's database lies on the
 * simulated disk, where its reserve is room that is set aside.
 */
#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "core/base/time.h"
#include "persist/database.h"
#include "tests/simulation/seam/private.h"

/* One for each clock, and room for those of a start that failed. */
#define ALARMS 8

typedef struct {
    bool open;
    int clock;
    bool armed;
    bool cancels;   /* when the wall clock is set */
    bool cancelled; /* it was, and nobody has been told yet */
    int64_t at_us;
} alarm_clock;

static alarm_clock alarms[ALARMS];

/* --- clocks ----------------------------------------------------------------------------
 */

bf_now __wrap_bf_now_read (void);
void __wrap_bf_boot_id_read (char id[BF_BOOT_ID_BYTES]);

bf_now
__wrap_bf_now_read (void)
{
    process.spend (process.context, 1);
    return process.now (process.context);
}

void
__wrap_bf_boot_id_read (char id[BF_BOOT_ID_BYTES])
{
    snprintf (id, BF_BOOT_ID_BYTES, "%s", process.boot_id);
}

/* --- timers ----------------------------------------------------------------------------
 */

int __wrap_timerfd_create (int clock, int flags);
int __wrap_timerfd_settime (int fd, int flags, const struct itimerspec *setting,
                            struct itimerspec *old);
ssize_t __wrap_read (int fd, void *bytes, size_t size);
ssize_t __real_read (int fd, void *bytes, size_t size);
int __wrap_close (int fd);
int __real_close (int fd);

bool
seam_alarm_is (int fd)
{
    return fd >= FIRST_ALARM && fd < FIRST_ALARM + ALARMS;
}

static bool
has_rung (const alarm_clock *self, bf_now now)
{
    int64_t now_us = self->clock == CLOCK_REALTIME ? now.wall.us : now.boot.us;
    return self->armed && self->at_us <= now_us;
}

bool
seam_alarm_readable (int fd, bf_now now)
{
    if (!seam_alarm_is (fd)) {
        return false;
    }
    const alarm_clock *self = &alarms[fd - FIRST_ALARM];
    return self->cancelled || has_rung (self, now);
}

void
seam_alarms_clear (void)
{
    memset (alarms, 0, sizeof alarms);
}

int
__wrap_timerfd_create (int clock, int flags)
{
    (void)flags;
    for (int i = 0; i < ALARMS; i++) {
        if (!alarms[i].open) {
            alarms[i] = (alarm_clock){.open = true, .clock = clock};
            return FIRST_ALARM + i;
        }
    }
    errno = EMFILE;
    return -1;
}

int
__wrap_timerfd_settime (int fd, int flags, const struct itimerspec *setting,
                        struct itimerspec *old)
{
    (void)old;
    alarm_clock *self = &alarms[fd - FIRST_ALARM];
    self->at_us =
        (int64_t)setting->it_value.tv_sec * BF_SECOND_US + setting->it_value.tv_nsec / 1000;
    self->armed = self->at_us != 0;
    bool cancelled = self->cancelled;
    self->cancelled = false;
    self->cancels = (flags & TFD_TIMER_CANCEL_ON_SET) != 0;
    if (cancelled) {
        errno = ECANCELED;
        return -1;
    }
    return 0;
}

ssize_t
__wrap_read (int fd, void *bytes, size_t size)
{
    if (!seam_alarm_is (fd)) {
        return __real_read (fd, bytes, size);
    }
    alarm_clock *self = &alarms[fd - FIRST_ALARM];
    if (self->cancelled) {
        self->cancelled = false;
        errno = ECANCELED;
        return -1;
    }
    if (!has_rung (self, process.now (process.context))) {
        errno = EAGAIN;
        return -1;
    }
    self->armed = false;
    uint64_t times = 1;
    memcpy (bytes, &times, sizeof times);
    return sizeof times;
}

int
__wrap_close (int fd)
{
    if (!seam_alarm_is (fd)) {
        return __real_close (fd);
    }
    alarms[fd - FIRST_ALARM].open = false;
    alarms[fd - FIRST_ALARM].armed = false;
    return 0;
}

void
process_wall_was_set (void)
{
    for (int i = 0; i < ALARMS; i++) {
        if (alarms[i].open && alarms[i].cancels) {
            alarms[i].cancelled = true;
        }
    }
}

bf_now
process_alarms (void)
{
    bf_now next = {{INT64_MAX}, {INT64_MAX}};
    for (int i = 0; i < ALARMS; i++) {
        const alarm_clock *self = &alarms[i];
        int64_t *least = self->clock == CLOCK_REALTIME ? &next.wall.us : &next.boot.us;
        if (self->open && self->armed && self->at_us < *least) {
            *least = self->at_us;
        }
    }
    return next;
}

/* --- the file
 * ------------------------------------------------------------------------------ */

bf_err __wrap_bf_database_open (bf_database **self_p, const char *directory,
                                const char *vfs, bf_error *error);
bf_err __real_bf_database_open (bf_database **self_p, const char *directory,
                                const char *vfs, bf_error *error);
void __wrap_bf_database_release_reserve (bf_database *self);
void __real_bf_database_release_reserve (bf_database *self);
bf_err __wrap_bf_database_rebuild_reserve (bf_database *self);
bf_err __real_bf_database_rebuild_reserve (bf_database *self);

bf_err
__wrap_bf_database_open (bf_database **self_p, const char *directory, const char *vfs,
                         bf_error *error)
{
    (void)vfs;
    bf_err rc = __real_bf_database_open (self_p, directory, disk_vfs (process.disk), error);
    if (rc == BF_OK) {
        process.opened (process.context);
    }
    return rc;
}

void
__wrap_bf_database_release_reserve (bf_database *self)
{
    if (bf_database_has_reserve (self)) {
        process.reserve (process.context, false);
    }
    __real_bf_database_release_reserve (self);
}

bf_err
__wrap_bf_database_rebuild_reserve (bf_database *self)
{
    if (!process.reserve (process.context, true)) {
        return BF_EDISKFULL;
    }
    return __real_bf_database_rebuild_reserve (self);
}
