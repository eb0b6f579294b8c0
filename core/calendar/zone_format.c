/* SPDX-License-Identifier: MPL-2.0
 *
 * An instant as people of a zone write it.
 */
#include "core/calendar/zone.h"

#include <stdio.h>

#include "core/base/time.h"

char *
bf_zone_format (const bf_zone *zone, int64_t us, char buffer[BF_ZONE_TIME_BYTES])
{
    int64_t part_us = us % BF_SECOND_US;
    part_us += part_us < 0 ? BF_SECOND_US : 0;
    bf_instant at = {(us - part_us) / BF_SECOND_US};
    int32_t offset_s = bf_zone_at (zone, at).offset_s;
    int32_t size_s = offset_s < 0 ? -offset_s : offset_s;
    char local[BF_LOCAL_BYTES];
    char fraction[16] = "";
    char seconds[16] = "";
    if (part_us != 0) {
        snprintf (fraction, sizeof fraction, ".%06d", (int)part_us);
    }
    if (size_s % 60 != 0) {
        snprintf (seconds, sizeof seconds, ":%02d", (int)(size_s % 60));
    }
    snprintf (buffer, BF_ZONE_TIME_BYTES, "%s%s%c%02d:%02d%s",
              bf_local_format ((bf_local){at.s + offset_s}, local), fraction,
              offset_s < 0 ? '-' : '+', (int)(size_s / 3600), (int)(size_s / 60 % 60),
              seconds);
    return buffer;
}
