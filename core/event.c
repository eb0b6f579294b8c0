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

/* A word and a blank; returns where the next one begins. By hand: every event has a topic,
 * and to format it took as long as to store it. */
static char *
append (char *at, const char *word, size_t size)
{
    memcpy (at, word, size);
    at[size] = ' ';
    return at + size + 1;
}

char *
bf_event_topic (bf_event_kind kind, const char *type, char buffer[BF_TOPIC_BYTES])
{
    const char *name = bf_event_name (kind);
    BF_INVARIANT (name != NULL);
    size_t name_size = strlen (name);
    size_t type_size = type != NULL ? strlen (type) : 0;
    BF_INVARIANT (name_size + type_size + sizeof "  " <= BF_TOPIC_BYTES);
    char *end = append (buffer, name, name_size);
    if (type_size > 0) {
        end = append (end, type, type_size);
    }
    *end = '\0';
    return buffer;
}
