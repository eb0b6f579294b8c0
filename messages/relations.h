/* SPDX-License-Identifier: MPL-2.0
 *
 * What fields of one message say of each other: the second half of the rules, where a table
 * does not reach. Each is bf_rules.relate of its message. For messages/ only.
 */
#ifndef BF_MESSAGES_RELATIONS_H
#define BF_MESSAGES_RELATIONS_H

#include "messages/rules.h"

#include "belfry.pb-c.h"

/* The place of a field of the message that stands here. */
#define BF_FIELD(here, field) (&(const bf_place){(here), (field), BF_NO_INDEX})

/* The trigger and what goes with it, defaults filled in. */
bf_err bf_relate_trigger_of_spec (Belfry__V1__JobSpec *spec, const bf_place *here,
                                  bf_arena *arena, bf_error *error);
bf_err bf_relate_trigger_of_reschedule (Belfry__V1__Reschedule *reschedule,
                                        const bf_place *here, bf_arena *arena,
                                        bf_error *error);

bf_err bf_relate_retry (void *message, const bf_place *here, bf_arena *arena,
                        bf_error *error);
bf_err bf_relate_job_spec (void *message, const bf_place *here, bf_arena *arena,
                           bf_error *error);
bf_err bf_relate_job_ref (void *message, const bf_place *here, bf_arena *arena,
                          bf_error *error);
bf_err bf_relate_schedule (void *message, const bf_place *here, bf_arena *arena,
                           bf_error *error);
bf_err bf_relate_reschedule (void *message, const bf_place *here, bf_arena *arena,
                             bf_error *error);
bf_err bf_relate_snooze (void *message, const bf_place *here, bf_arena *arena,
                         bf_error *error);
bf_err bf_relate_history (void *message, const bf_place *here, bf_arena *arena,
                          bf_error *error);
bf_err bf_relate_filter (void *message, const bf_place *here, bf_arena *arena,
                         bf_error *error);
bf_err bf_relate_cancel (void *message, const bf_place *here, bf_arena *arena,
                         bf_error *error);
bf_err bf_relate_confirm (void *message, const bf_place *here, bf_arena *arena,
                          bf_error *error);
bf_err bf_relate_pause (void *message, const bf_place *here, bf_arena *arena,
                        bf_error *error);
bf_err bf_relate_resume (void *message, const bf_place *here, bf_arena *arena,
                         bf_error *error);
bf_err bf_relate_trigger (void *message, const bf_place *here, bf_arena *arena,
                          bf_error *error);
bf_err bf_relate_redrive (void *message, const bf_place *here, bf_arena *arena,
                          bf_error *error);
bf_err bf_relate_preview_spec (void *message, const bf_place *here, bf_arena *arena,
                               bf_error *error);
bf_err bf_relate_preview (void *message, const bf_place *here, bf_arena *arena,
                          bf_error *error);
bf_err bf_relate_exclusion_calendar (void *message, const bf_place *here, bf_arena *arena,
                                     bf_error *error);
bf_err bf_relate_prune (void *message, const bf_place *here, bf_arena *arena,
                        bf_error *error);
bf_err bf_relate_backup (void *message, const bf_place *here, bf_arena *arena,
                         bf_error *error);
bf_err bf_relate_batch_item (void *message, const bf_place *here, bf_arena *arena,
                             bf_error *error);
bf_err bf_relate_batch (void *message, const bf_place *here, bf_arena *arena,
                        bf_error *error);
bf_err bf_relate_request (void *message, const bf_place *here, bf_arena *arena,
                          bf_error *error);

#endif
