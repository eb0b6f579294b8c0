/* SPDX-License-Identifier: MPL-2.0
 *
 * A wall clock that was set while the scheduler served is an event: by the next quiet
 * moment clock.stepped is in the log. Where the clock was set again before that moment it
 * may be one event for both, or none for two that took each other back; and what is full
 * puts it off. There nothing is asked.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/checker/private.h"

/* A smaller one is not told from a clock that is slewed. */
#define STEP_LEAST_US INT64_C (200000)

void
steps_machine (checker *self, machine_fact fact)
{
    switch (fact) {
    case MACHINE_STEPPED:
        self->step_count++;
        self->step_seq =
            self->published_head > self->head ? self->published_head : self->head;
        break;
    case MACHINE_STARTED:
    case MACHINE_STOPPED:
    case MACHINE_FULL:
        self->step_count = 0;
        break;
    case MACHINE_STALLED:
    case MACHINE_SUSPENDED:
        break;
    }
    self->step_served |= fact == MACHINE_STARTED;
    self->step_served &= fact != MACHINE_STOPPED;
}

void
steps_quiet (checker *self)
{
    bool sole = self->step_count == 1 && llabs (self->step_us) >= STEP_LEAST_US;
    bool told = false;
    for (uint64_t seq = self->step_seq + 1; sole && seq <= self->head; seq++) {
        const model_event *event = model_event_at (self, seq);
        told |= event && strcmp (event->event->kind, kind_names[KIND_CLOCK_STEPPED]) == 0;
    }
    if (sole && !told && self->step_served && !self->full) {
        world_broken (self->world, "2", 0,
                      "the wall clock was set by %" PRId64 " us, and no event says so",
                      self->step_us);
    }
    self->step_count = 0;
}
