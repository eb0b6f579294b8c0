/* SPDX-License-Identifier: MPL-2.0
 *
 * Arithmetic of the boot scale; scale.h has its meaning.
 */
#include "persist/ledger/scale.h"

#include <stdlib.h>
#include <string.h>

static bf_scale
scale_at (const char *boot_id, bf_now now, int64_t scale_us, int64_t skew_us)
{
    bf_scale scale = {
        .origin_us = scale_us - now.boot.us, .skew_us = skew_us, .seen_us = scale_us};
    strncpy (scale.boot_id, boot_id, sizeof scale.boot_id - 1);
    return scale;
}

bf_scale
bf_scale_begin (const char *boot_id, bf_now now)
{
    return scale_at (boot_id, now, now.wall.us, 0);
}

bf_scale
bf_scale_resume (const bf_scale *stored, const char *boot_id, bf_now now)
{
    bool same_boot = boot_id[0] != '\0' && strcmp (stored->boot_id, boot_id) == 0;
    if (same_boot) {
        return *stored;
    }
    int64_t by_wall_us = now.wall.us - stored->skew_us;
    int64_t scale_us = by_wall_us > stored->seen_us ? by_wall_us : stored->seen_us;
    return scale_at (boot_id, now, scale_us, stored->skew_us);
}

int64_t
bf_scale_from_boot (const bf_scale *scale, bf_boot boot)
{
    return bf_us_add (boot.us, scale->origin_us);
}

bf_boot
bf_scale_to_boot (const bf_scale *scale, int64_t us)
{
    return (bf_boot){bf_us_add (us, -scale->origin_us)};
}

int64_t
bf_scale_skew (const bf_scale *scale, bf_now now)
{
    return now.wall.us - bf_scale_from_boot (scale, now.boot);
}

bool
bf_scale_has_drifted (const bf_scale *scale, bf_now now)
{
    return llabs (bf_scale_skew (scale, now) - scale->skew_us) >= BF_SCALE_DRIFT_US;
}
