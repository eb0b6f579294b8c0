/* SPDX-License-Identifier: MPL-2.0
 *
 * Times, durations and safe text.
 */
#include "apps/belfry/text.h"

#include <inttypes.h>
#include <string.h>

#include "apps/belfry/utf8.h"
#include "core/base/time.h"

size_t
bf_cli_text_put (FILE *out, const char *text)
{
    size_t width = 0;
    size_t size = text ? strlen (text) : 0;
    for (size_t at = 0; at < size; width++) {
        uint32_t character = 0;
        const uint8_t *bytes = (const uint8_t *)text + at;
        size_t used = bf_cli_utf8_next (bytes, size - at, &character);
        if (used == 0 || bf_cli_utf8_is_control (character)) {
            fputc ('?', out);
        } else {
            fwrite (bytes, 1, used, out);
        }
        at += used ? used : 1;
    }
    return width;
}

void
bf_cli_payload_put (FILE *out, const uint8_t *bytes, size_t size)
{
    static const char marker[] = "hex:";
    size_t length = sizeof marker - 1;
    if (size == 0) {
        return;
    }
    bool marked = size >= length && !memcmp (bytes, marker, length);
    if (!marked && bf_cli_utf8_is_printable (bytes, size)) {
        fwrite (bytes, 1, size, out);
        return;
    }
    fputs (marker, out);
    for (size_t index = 0; index < size; index++) {
        fprintf (out, "%02x", bytes[index]);
    }
}

char *
bf_cli_time (int64_t us, char buffer[BF_CLI_TIME_BYTES])
{
    int64_t rest = us % BF_SECOND_US;
    if (rest < 0) {
        rest += BF_SECOND_US;
    }
    char iso[BF_ISO_BYTES];
    bf_wall_format ((bf_wall){bf_us_add (us, -rest)}, iso);
    snprintf (buffer, BF_CLI_TIME_BYTES, "%.*s.%03dZ", (int)strcspn (iso, "Z."), iso,
              (int)(rest / BF_MS_US));
    return buffer;
}

char *
bf_cli_brief (int64_t us, char buffer[BF_CLI_BRIEF_BYTES])
{
    static const struct {
        uint64_t us;
        const char *name;
        uint64_t part_us; /* of the unit below */
    } units[] = {
        {BF_DAY_US, "d", BF_HOUR_US},      {BF_HOUR_US, "h", BF_MINUTE_US},
        {BF_MINUTE_US, "m", BF_SECOND_US}, {BF_SECOND_US, "s", BF_SECOND_US / 100},
        {BF_MS_US, "ms", BF_MS_US / 10},   {1, "us", 1},
    };
    static const size_t finest = sizeof units / sizeof units[0] - 1;
    /* As an unsigned number, because INT64_MIN has no positive twin. */
    uint64_t rest = us < 0 ? UINT64_C (0) - (uint64_t)us : (uint64_t)us;
    size_t unit = 0;
    while (unit < finest && rest < units[unit].us) {
        unit++;
    }
    char span[BF_SPAN_BYTES];
    uint64_t cut = rest - rest % units[unit].part_us;
    bf_span_format ((bf_span){(int64_t)cut}, span);
    snprintf (buffer, BF_CLI_BRIEF_BYTES, "%s%s", us < 0 ? "-" : "", span);
    return buffer;
}

int64_t
bf_cli_between (int64_t from_us, int64_t to_us)
{
    int64_t between_us;
    if (__builtin_sub_overflow (to_us, from_us, &between_us)) {
        return to_us > from_us ? INT64_MAX : INT64_MIN;
    }
    return between_us;
}

char *
bf_cli_relative (int64_t from_now_us, char buffer[BF_CLI_BRIEF_BYTES])
{
    char brief[BF_CLI_BRIEF_BYTES];
    if (from_now_us == 0) {
        snprintf (buffer, BF_CLI_BRIEF_BYTES, "now");
    } else if (from_now_us > 0) {
        snprintf (buffer, BF_CLI_BRIEF_BYTES, "in %.48s",
                  bf_cli_brief (from_now_us, brief));
    } else {
        snprintf (buffer, BF_CLI_BRIEF_BYTES, "%.48s ago",
                  bf_cli_brief (from_now_us, brief) + 1);
    }
    return buffer;
}

const char *
bf_cli_counted (uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}
