/* SPDX-License-Identifier: MPL-2.0
 *
 * The verbs that every command is made of: a move by the state table with its event, and
 * the writing of a row. Moves change the struct; `put` writes the row and derives from the
 * difference between the row as read and as it is now what the clock, the dispatcher and
 * retry must hear. So no command can forget to tell them.
 */
#ifndef BF_LEDGER_MOVES_H
#define BF_LEDGER_MOVES_H

#include "persist/ledger/private.h"

/* BF_ESTATE with a sentence where the table does not allow the move; else changes state,
 * final_us and the gauges. */
bf_err bf_job_move_to (bf_ledger *self, bf_job_row *job, bf_job_move move, bf_error *error);
bf_err bf_run_move_to (bf_ledger *self, bf_run_row *run, bf_run_move move, bf_error *error);

/* Now, on the clock that the job's slots count on. */
int64_t bf_job_now (const bf_ledger *self, const bf_job_row *job);
/* Plans the first slot of a definition that begins now, on the clock that its trigger
 * chose. BF_EINVALID: its bounds leave it none. */
bf_err bf_job_plan (bf_ledger *self, bf_job_row *job, bf_error *error);
/* Its slot came within reach now: made, moved or resumed. */
void bf_job_arm (bf_ledger *self, bf_job_row *job);

/* What makes a run. redone_decides: of the run that a redrive redoes. due_us and
 * lateness_us as in Run. */
typedef struct {
    bf_origin origin;
    bool redone_decides;
    bf_clock clock;
    int64_t due_us;
    int64_t lateness_us;
    bool blocked;  /* runs of earlier slots go first */
    bool failed;   /* it was missed, and that counts as a failure (Late FAIL) */
    uint32_t type; /* where it is not the job's, with its queue; else 0 */
    uint32_t queue;
    int64_t remind_before_us; /* as in Run */
} bf_birth;

/* A new run of the job: ready, with its event run.fired (reminder.fired) and, for NOTIFY,
 * its delivery; or blocked, with run.blocked; or, failed, in retry_wait or dead, with
 * run.fired and what follows from the failure. The job's counters are changed, its state is
 * not. */
bf_err bf_run_make (bf_ledger *self, bf_job_row *job, const bf_birth *birth,
                    bf_run_row *run, bf_error *error);

/* The same for a run that somebody asked for, due now. redone: what a redrive redoes, else
 * NULL. BF_ELIMIT where BF_OPEN_RUNS are open. */
bf_err bf_run_make_extra (bf_ledger *self, bf_job_row *job, bf_origin origin,
                          bool redone_decides, const bf_run_row *redone, bf_run_row *run,
                          bf_error *error);

/* Gives a ready run to a worker: state, attempt, lease, event run.claimed. */
bf_err bf_run_lease (bf_ledger *self, bf_job_row *job, bf_run_row *run, const char *worker,
                     bf_error *error);

/* A lease that never arrived: ready again, in its old place in the queue; and, where it was
 * the run's first, start_timeout goes on from when the run was made. (Of a later one the
 * row does not say whether a worker had the run before, and snoozed it.) No event. */
bf_err bf_run_return (bf_ledger *self, const bf_job_row *job, bf_run_row *run,
                      bf_error *error);

/* Those that it waited for are final: ready, with its event run.fired. */
bf_err bf_run_unblock (bf_ledger *self, bf_job_row *job, bf_run_row *run, bf_error *error);

/* Its wait is over: ready again, its place in the queue is now; start_timeout begins where
 * nobody ever had it (Late FAIL). No event. */
bf_err bf_run_wake (bf_ledger *self, const bf_job_row *job, bf_run_row *run,
                    bf_error *error);

/* A final move of a run, with its event, and what it means for the job (core's
 * bf_job_judge) with the job's. */
bf_err bf_run_end (bf_ledger *self, bf_job_row *job, bf_run_row *run, bf_run_move move,
                   bf_event_kind kind, const char *reason, bf_error *error);

/* The job's own end where nothing of it is left: judged after its last slot is gone, or its
 * last run is final. */
bf_err bf_job_follow (bf_ledger *self, bf_job_row *job, bf_error *error);

/* A failed attempt of a leased run: counts it, judges (core/retry.h), and writes run.failed
 * and what follows. */
bf_err bf_run_fail (bf_ledger *self, bf_job_row *job, bf_run_row *run, const char *reason,
                    bool non_retryable, bf_error *error);

/* Withdraws the open runs of a job whose slot was cancelled, confirmed or moved: cancels
 * those that no worker has, and tells retry to flag the leased ones. The job's counters are
 * changed. */
bf_err bf_job_withdraw_runs (bf_ledger *self, bf_job_row *job, const char *reason,
                             bf_error *error);
/* Asks the worker that has this run to stop. */
bf_err bf_run_flag (bf_ledger *self, const bf_run_row *run, bf_error *error);

/* Writes the rows and tells the others. job_put: the counters and moves; a new or redefined
 * job has verbs of its own in schedule.c. It also lets the oldest blocked run go where
 * nobody that it waits for is left, so that no end of a run can forget to. */
bf_err bf_job_put (bf_ledger *self, bf_job_row *job, bf_error *error);
bf_err bf_job_tell (bf_ledger *self, const bf_job_row *job, bf_error *error);
bf_err bf_run_put (bf_ledger *self, const bf_job_row *job, bf_run_row *run,
                   bf_error *error);

/* A timer that was proposed, and not judged: the clock let go of it, and hears what the row
 * says. */
bf_err bf_timer_again (bf_ledger *self, bf_timer timer, bf_error *error);

/* Tells retry that this lease is open, from now on at full length. */
bf_err bf_lease_tell (bf_ledger *self, const bf_job_row *job, const bf_run_row *run,
                      bf_error *error);

#endif
