/* SPDX-License-Identifier: MPL-2.0
 *
 * The boot scale: elapsed time that goes on over reboots, so that a row can hold it. Within
 * one boot it is CLOCK_BOOTTIME plus a constant, and nobody who sets the wall clock can
 * move it. Over a reboot, where only the wall clock can tell how long the machine was off,
 * it goes on by what the wall clock advanced since it was last compared. In a new store the
 * scale equals the wall clock; from then on wall - scale (the skew) is the sum of all steps
 * and slews.
 */
#ifndef BF_LEDGER_SCALE_H
#define BF_LEDGER_SCALE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/time.h"

/* The skew is written down again when it has drifted by this much: what a reboot could err
 * by. */
#define BF_SCALE_DRIFT_US (10 * BF_MS_US)

typedef struct {
    char boot_id[BF_BOOT_ID_BYTES];
    int64_t origin_us; /* scale - CLOCK_BOOTTIME, for this boot_id */
    int64_t skew_us;   /* wall - scale, as last written */
    int64_t
        seen_us; /* the newest time of the scale that was written: it never goes back over a
                    reboot, not even where the machine comes up with a dead clock */
} bf_scale;

/* For a new store. */
bf_scale bf_scale_begin (const char *boot_id, bf_now now);
/* For a store that was read: the same while the machine has not booted since. An empty
 * boot_id never matches. */
bf_scale bf_scale_resume (const bf_scale *stored, const char *boot_id, bf_now now);

int64_t bf_scale_from_boot (const bf_scale *scale, bf_boot boot);
bf_boot bf_scale_to_boot (const bf_scale *scale, int64_t us);

/* wall - scale as it is now. */
int64_t bf_scale_skew (const bf_scale *scale, bf_now now);
/* Whether that differs from what was written by BF_SCALE_DRIFT_US or more. */
bool bf_scale_has_drifted (const bf_scale *scale, bf_now now);

#endif
