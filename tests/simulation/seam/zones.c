/* SPDX-License-Identifier: MPL-2.0
 *
 * The zone directory: its files are what the world says they are, and whoever watches it is
 * told when one of them was written. Stands in for actors/zonewatch.c, and for the reading
 * of persist/zoneinfo.c.
 */
#include "actors/zonewatch.h"
#include "persist/zoneinfo.h"
#include "tests/simulation/seam/private.h"

struct bf_zonewatch {
    bool changed;
};

/* A process has one clock, and that one has the watch. */
static bf_zonewatch the_watch;

bf_err
bf_zonewatch_open (bf_zonewatch **self_p, const char *directory, bf_error *error)
{
    (void)directory;
    (void)error;
    the_watch.changed = false;
    *self_p = &the_watch;
    return BF_OK;
}

void
bf_zonewatch_destroy (bf_zonewatch **self_p)
{
    *self_p = NULL;
}

int
bf_zonewatch_fd (const bf_zonewatch *self)
{
    (void)self;
    return ZONES_FD;
}

bool
bf_zonewatch_take (bf_zonewatch *self)
{
    bool changed = self->changed;
    self->changed = false;
    return changed;
}

bool
seam_zones_readable (int fd)
{
    return fd == ZONES_FD && the_watch.changed;
}

void
process_zones_were_written (void)
{
    the_watch.changed = true;
}

bf_err __wrap_bf_zoneinfo_read (const char *directory, const char *name, uint8_t **bytes,
                                size_t *size, bf_error *error);

bf_err
__wrap_bf_zoneinfo_read (const char *directory, const char *name, uint8_t **bytes,
                         size_t *size, bf_error *error)
{
    (void)directory;
    *bytes = process.zone (process.context, name, size);
    return *bytes ? BF_OK : bf_fail (error, BF_EINVALID, "there is no time zone %s", name);
}
