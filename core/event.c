/* SPDX-License-Identifier: MPL-2.0
 *
 * The list of event kinds, turned into functions.
 */
#include "core/event.h"

#include <stdio.h>
#include <string.h>

#include "core/base/errors.h"

static const struct {
    bf_event_kind kind;
    const char *name;
} kinds[] = {
#define X(name, number, text) {BF_EVENT_##name, (text)},
    BF_EVENT_MAP (X)
#undef X
};

#define N_KINDS (sizeof kinds / sizeof kinds[0])

const char *
bf_event_name (bf_event_kind kind)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (kinds[i].kind == kind) {
            return kinds[i].name;
        }
    }
    return NULL;
}

bf_event_kind
bf_event_find (const char *name)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (strcmp (kinds[i].name, name) == 0) {
            return kinds[i].kind;
        }
    }
    return (bf_event_kind)0;
}

char *
bf_event_topic (bf_event_kind kind, const char *type, char buffer[BF_TOPIC_BYTES])
{
    const char *name = bf_event_name (kind);
    BF_INVARIANT (name != NULL);
    if (type == NULL || type[0] == '\0') {
        snprintf (buffer, BF_TOPIC_BYTES, "%s ", name);
    } else {
        snprintf (buffer, BF_TOPIC_BYTES, "%s %s ", name, type);
    }
    return buffer;
}
