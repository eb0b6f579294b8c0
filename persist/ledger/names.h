/* SPDX-License-Identifier: MPL-2.0
 *
 * Namespaces, types and queues by number. All of them are in memory; there are at most
 * BF_NAMES.
 */
#ifndef BF_LEDGER_NAMES_H
#define BF_LEDGER_NAMES_H

#include "persist/ledger/private.h"

/* Reads names and queues. */
bf_err bf_names_load (bf_ledger *self, bf_error *error);
void bf_names_free (bf_ledger *self);
/* Forgets those beyond the marks. */
void bf_names_undo (bf_ledger *self, size_t names, size_t queues);

/* The number of a name, made where it is new. BF_ELIMIT where there are too many. */
bf_err bf_name_intern (bf_ledger *self, const char *text, uint32_t *id, bf_error *error);
/* 0 where it is not known. */
uint32_t bf_name_find (const bf_ledger *self, const char *text);
/* Borrowed; lives as long as the ledger. */
const char *bf_name_text (const bf_ledger *self, uint32_t id);

bool bf_queue_is_known (const bf_ledger *self, const char *ns, const char *type);
/* The queue of a type in a namespace, made (and told to the dispatcher) where it is new. */
bf_err bf_queue_intern (bf_ledger *self, uint32_t ns, uint32_t name, uint32_t *id,
                        bf_error *error);
/* Tells the dispatcher of a queue. */
bf_err bf_queue_announce (bf_ledger *self, const bf_queue *queue, bool more,
                          bf_error *error);

#endif
