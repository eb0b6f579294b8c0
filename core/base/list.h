/* SPDX-License-Identifier: MPL-2.0
 *
 * A growable array of pointers, for collecting what a step produced. It does not own what
 * it points to.
 */
#ifndef BF_BASE_LIST_H
#define BF_BASE_LIST_H

#include <stddef.h>

#include "core/base/errors.h"

/* Zero-initialise. items is contiguous, so that it can stand as a repeated field of a
 * message. */
typedef struct {
    void **items;
    size_t count;
    size_t capacity;
} bf_list;

/* BF_ENOMEM leaves it as it was. */
bf_err bf_list_push (bf_list *self, void *item);

/* Drops everything after the first `count`: how a rolled back step takes its output back.
 */
void bf_list_truncate (bf_list *self, size_t count);

/* Frees the array; the list is empty and usable again. */
void bf_list_clear (bf_list *self);

#endif
