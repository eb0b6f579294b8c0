/* SPDX-License-Identifier: MPL-2.0
 *
 * Which jobs are gone, and which are gone in part, as the events job.pruned tell: a set of
 * ids, 16 bytes each, in a table that is at most half full.
 */
#ifndef BF_CHECK_PRUNED_H
#define BF_CHECK_PRUNED_H

#include <stdint.h>

#include "core/base/errors.h"

typedef struct bf_pruned bf_pruned;

/* NULL without memory. */
bf_pruned *bf_pruned_new (void);
void bf_pruned_destroy (bf_pruned **self_p);

/* up_to: the last ordinal that is gone; UINT32_MAX for all of the job. The highest counts.
 */
bf_err bf_pruned_add (bf_pruned *self, uint64_t job, uint32_t up_to);

/* 0 where nothing of it is gone. */
uint32_t bf_pruned_up_to (const bf_pruned *self, uint64_t job);

#endif
