/* SPDX-License-Identifier: MPL-2.0
 *
 * Names of zones, checked before anybody builds a path of one.
 */
#include <stddef.h>
#include <string.h>

#include "core/calendar/zone.h"

static bool
is_letter (char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_part_of_name (char c)
{
    return is_letter (c) || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
}

bool
bf_zone_name_is_valid (const char *name)
{
    if (!is_letter (name[0])) {
        return false;
    }
    size_t length = 1;
    for (; name[length] != '\0'; length++) {
        if (length == BF_ZONE_NAME_BYTES) {
            return false;
        }
        bool slash = name[length] == '/';
        if (slash ? name[length - 1] == '/' : !is_part_of_name (name[length])) {
            return false;
        }
    }
    return name[length - 1] != '/';
}

bool
bf_zone_name_is_utc (const char *name)
{
    /* tzdata's names for it, with "Z" of RFC 3339. */
    static const char *const names[] = {
        "UTC",           "Z",         "GMT",       "UCT",       "Zulu",
        "Universal",     "Greenwich", "GMT0",      "GMT+0",     "GMT-0",
        "Etc/UTC",       "Etc/GMT",   "Etc/UCT",   "Etc/Zulu",  "Etc/Universal",
        "Etc/Greenwich", "Etc/GMT0",  "Etc/GMT+0", "Etc/GMT-0",
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp (name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}
