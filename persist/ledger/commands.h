/* SPDX-License-Identifier: MPL-2.0
 *
 * The commands, one file each. A command that changes something runs inside a savepoint and
 * fills an answer; where it returns a refusal, everything it wrote is undone and the
 * refusal is the answer. A read answers by itself.
 */
#ifndef BF_LEDGER_COMMANDS_H
#define BF_LEDGER_COMMANDS_H

#include "persist/ledger/answers.h"
#include "persist/ledger/private.h"

typedef bf_err bf_command (bf_ledger *self, const Belfry__V1__Request *request,
                           bf_answer *answer, bf_error *error);

bf_command bf_command_schedule;
bf_command bf_command_reschedule;
bf_command bf_command_cancel;
bf_command bf_command_confirm;
bf_command bf_command_pause;
bf_command bf_command_resume;
bf_command bf_command_trigger;
bf_command bf_command_complete;
bf_command bf_command_fail;
bf_command bf_command_snooze;
bf_command bf_command_redrive;
bf_command bf_command_batch;
bf_command bf_command_set_calendar;
bf_command bf_command_delete_calendar;

/* calls.c: the command of a kind of request, for one that holds others. */
bf_command *bf_command_of (Belfry__V1__Request__CommandCase kind);
/* Whether it is still done while the disk is full. */
bool bf_command_frees (const Belfry__V1__Request *request);
/* Runs a command as one step: afterwards either all of it is there, or nothing but the
 * answer. An error is one that ends the batch; a refusal is the answer's code, and so is
 * more than the batch's memory holds: no call ends the store. */
bf_err bf_command_run (bf_ledger *self, bf_command *command,
                       const Belfry__V1__Request *request, bf_answer *answer,
                       bf_error *error);

typedef bf_err bf_query (bf_ledger *self, const Belfry__V1__Request *request,
                         Belfry__V1__Reply *reply, bf_error *error);

bf_query bf_query_get;
bf_query bf_query_list;
bf_query bf_query_history;
bf_query bf_query_replay;
bf_query bf_query_status;
bf_query bf_query_snapshot;
bf_query bf_query_stats;
bf_query bf_query_heartbeat;
bf_query bf_query_preview;
bf_query bf_query_list_calendars;

/* What the actors bring: proposals, which the rows may contradict, and notes. */
bf_err bf_judge_proposal (bf_ledger *self, const Belfry__Internal__Proposal *proposal,
                          bf_error *error);
bf_err bf_judge_recall (bf_ledger *self, const Belfry__Internal__Recall *recall,
                        bf_error *error);
bf_err bf_judge_overdue (bf_ledger *self, const Belfry__Internal__Overdue *overdue,
                         bf_error *error);
bf_err bf_judge_returned (bf_ledger *self, const Belfry__Internal__Returned *returned,
                          bf_error *error);
bf_err bf_note_extended (bf_ledger *self, const Belfry__Internal__Extended *extended,
                         bf_error *error);
bf_err bf_note_stepped (bf_ledger *self, const Belfry__Internal__Stepped *stepped,
                        bf_error *error);
bf_err bf_refill_timers (bf_ledger *self, const Belfry__Internal__RefillTimers *wanted,
                         bf_error *error);
bf_err bf_refill_ready (bf_ledger *self, const Belfry__Internal__RefillReady *wanted,
                        bf_error *error);

/* Writes what bf_note_extended has put by; once that is committed, it may be forgotten. */
bf_err bf_extended_save (bf_ledger *self, bf_error *error);
void bf_extended_keep (bf_ledger *self);

/* fire.c: a job's slot is due; reminders.c: a reminder before it is; wake.c: a run's timer
 * has run out. */
typedef enum {
    BF_TIMER_STALE, /* the rows say otherwise: nothing was changed (a timer that is early
                       was armed again) */
    BF_TIMER_JOB,   /* the job was changed, and is not put yet */
    BF_TIMER_RUN,   /* so was the run, which may be ready */
} bf_timer_effect;

bf_err bf_timer_fire (bf_ledger *self, bf_timer timer, bf_job_row *job, bf_run_row *run,
                      bf_timer_effect *effect, bf_error *error);
bf_err bf_timer_remind (bf_ledger *self, bf_timer timer, bf_job_row *job, bf_run_row *run,
                        bf_timer_effect *effect, bf_error *error);
bf_err bf_timer_wake (bf_ledger *self, bf_timer timer, bf_job_row *job, bf_run_row *run,
                      bf_timer_effect *effect, bf_error *error);

/* Shared by several: the job that a JobRef names, BF_EVERSIONED where it has not the
 * version that is wanted (0: any); the leased run that a token holds (BF_ESTALE names who
 * does). */
bf_err bf_ref_load (bf_ledger *self, const Belfry__V1__JobRef *ref, uint32_t if_version,
                    bf_job_row *job, bf_error *error);
bf_err bf_version_check (const bf_job_row *job, uint32_t wanted, bf_error *error);
bf_err bf_token_load (bf_ledger *self, const char *text, bf_token *token, bf_job_row *job,
                      bf_run_row *run, bf_error *error);
bf_err bf_token_check (bf_token token, const bf_run_row *run, bf_error *error);

/* Whether it refuses nothing once it has written anything: one job, whose names and queue
 * are known already and whose slot needs no zone and no calendar. */
bool bf_schedule_is_sure (const bf_ledger *self, const Belfry__V1__Schedule *in);

/* Shared by schedule and reschedule: BF_EPASTDUE; a definition, whole and living as long as
 * the batch, into a row; and a job's new definition with all that follows from it. */
bf_err bf_trigger_check (bf_ledger *self, bf_trigger trigger, bool reject_past,
                         bf_error *error);
bf_err bf_job_set_definition (bf_ledger *self, bf_job_row *job,
                              const Belfry__V1__JobSpec *spec, bf_error *error);
bf_err bf_job_redefine (bf_ledger *self, bf_job_row *job, bf_event_kind kind,
                        bf_error *error);

#endif
