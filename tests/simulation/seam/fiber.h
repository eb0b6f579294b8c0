/* SPDX-License-Identifier: MPL-2.0
 *
 * Functions that stop in the middle and go on later: what a thread is, without the kernel's
 * choice of when. One thread; at most one fiber runs at a time.
 */
#ifndef BF_SIMULATION_FIBER_H
#define BF_SIMULATION_FIBER_H

#include <stdbool.h>

typedef struct fiber fiber;

fiber *fiber_new (void (*function) (void *argument), void *argument);
/* It must have ended, or never have begun. */
void fiber_destroy (fiber **self_p);

/* Runs it until it yields or ends. Not from within a fiber. */
void fiber_resume (fiber *self);
/* From within a fiber: back to who resumed it. */
void fiber_yield (void);
bool fiber_has_ended (const fiber *self);

#endif
