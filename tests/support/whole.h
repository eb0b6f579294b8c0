/* SPDX-License-Identifier: MPL-2.0
 *
 * The images in events leave out what the event says already, and of a definition what is
 * default; whoever folds events wants them as rows.
 */
#ifndef BF_TESTS_WHOLE_H
#define BF_TESTS_WHOLE_H

#include "belfry.pb-c.h"

/* Fills in what job_after leaves out. allocator: what the event was unpacked with, NULL for
 * protobuf-c's own, so that its free_unpacked frees it all. */
void event_make_whole (Belfry__V1__Event *event, ProtobufCAllocator *allocator);

#endif
