/* SPDX-License-Identifier: MPL-2.0
 *
 * Copies, because what was unpacked is freed piece by piece.
 */
#include "tests/support/whole.h"

#include <stdlib.h>
#include <string.h>

#include "messages/translate.h"

static void *
copy (ProtobufCAllocator *allocator, const void *bytes, size_t size)
{
    void *made =
        allocator ? allocator->alloc (allocator->allocator_data, size) : malloc (size);
    if (!made) {
        abort ();
    }
    return memcpy (made, bytes, size);
}

static char *
text (ProtobufCAllocator *allocator, const char *from)
{
    return copy (allocator, from, strlen (from) + 1);
}

void
event_make_whole (Belfry__V1__Event *event, ProtobufCAllocator *allocator)
{
    Belfry__V1__Job *job = event->job_after;
    if (!job) {
        return;
    }
    job->updated_us = event->at_us;
    job->last_seq = event->seq;
    if (job->wake_us == 0) {
        job->wake_us = job->due_us;
    }
    Belfry__V1__JobSpec *spec = job->spec;
    if (!spec) {
        return;
    }
    bool plain = !spec->retry;
    bf_spec_resolve (spec);
    if (plain) {
        spec->retry = copy (allocator, spec->retry, sizeof *spec->retry);
    }
    spec->ns = text (allocator, event->ns);
    spec->type = text (allocator, event->type);
    spec->key = text (allocator, event->key);
}
