/* SPDX-License-Identifier: MPL-2.0
 *
 * What the parts of the checker share: its state, and how they call each other.
 *
 *   checker_published --> log.c --.
 *   checker_tables -----> log.c --+--> model.c, states.c --> slots_event (…)
 *   checker_request ----> calls.c |         |
 *   checker_answered ---> calls.c '--> judge….c: each reply at its seq
 *                                      tables.c: the fold against the rows
 */
#ifndef BF_SIMULATION_CHECKER_PRIVATE_H
#define BF_SIMULATION_CHECKER_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tests/simulation/checker/calendar.h"
#include "tests/simulation/checker/model.h"
#include "tests/simulation/cover.h"

#define HOUR_US (INT64_C (3600) * 1000 * 1000)

/* Answers are kept for 24 hours of the scheduler's elapsed time; within the last one of
 * them nothing is said. */
#define REMEMBERED_US (23 * HOUR_US)

/* --- what is kept -------------------------------------------------------------------- */

/* What came out at the feed's doors, by seq. */
typedef struct {
    Belfry__V1__Event *event; /* NULL: never published */
    const uint8_t *body;      /* packed as the table has it */
    size_t size;
    sim_now seen;
    uint64_t life;
    bool on_feed;
    bool on_monitor;
} publication;

/* One of the two doors, in this life of the scheduler. */
typedef struct {
    uint64_t life;
    uint64_t last_seq;
} feed_door;

/* Those who had a key, in the order in which they were made. */
typedef struct {
    model_job **jobs;
    size_t count;
    size_t room;
} key_holders;

/* What a client sent under one request_id; more than one where it lies. */
typedef struct variant {
    struct variant *next;
    const Belfry__V1__Request *request;
    uint64_t hash; /* of the bytes */
} variant;

typedef struct {
    const char *client;
    const char *request_id;
    variant *variants; /* the first that was sent first */
    size_t variant_count;
    sim_now asked;  /* first */
    bool shared;    /* another client has the same request_id */
    uint64_t *told; /* hashes of the replies that left the door */
    size_t told_count;
    size_t told_room;
    bool lost; /* its first answer: a crash came first, and a repeat is all we heard */
    /* The answer that every repeat must get; NULL while there is none. */
    const Belfry__V1__Reply *answer;
    sim_now answered;
    int64_t uncertain_us; /* checker.uncertain_us as it was answered */
    bool judged;          /* the answer that is remembered */
    /* By filter: the newest of its BulkReplies; of a claim: the leases it gave. */
    const Belfry__V1__BulkReply *bulk;
    const Belfry__V1__ClaimReply *claim;
    sim_now claimed;
} call;

/* A reply that waits for the log to be read up to its seq. */
typedef struct {
    call *call;
    const Belfry__V1__Reply *reply;
    sim_now answered;
    size_t order;
    bool full; /* the disk, or it had been since the scheduler started */
    /* The objects were read again, later than seq. */
    bool repeated;
} judgement;

/* Memory that lives as long as the checker, taken in large pieces. */
typedef struct piece {
    struct piece *before;
    size_t used;
    size_t size;
} piece;

struct checker {
    world *world;
    slots *slots;
    live *live;
    piece *pieces;
    ProtobufCAllocator allocator; /* of `pieces` */

    /* The machine. */
    uint64_t life;
    bool stopped;    /* since that began */
    bool full;       /* the disk, now */
    bool has_filled; /* the disk, in this life, or just before */
    sim_now down;    /* as it stopped last */
    sim_now stepped; /* as its wall clock was set last, and by how much */
    int64_t step_us;
    unsigned step_count; /* how often since the last quiet moment, while it serves */
    uint64_t step_seq;   /* the newest event then */
    bool step_served;
    int64_t latest_wall_us; /* that its wall clock ever showed */
    /* By how much the reboots so far may have moved the scheduler's elapsed time from the
     * true one, all together. */
    int64_t uncertain_us;

    /* The log. */
    uint64_t epoch;
    model_event **events; /* by seq - 1 */
    const uint8_t **bodies;
    size_t *sizes;
    const call **owners; /* whose command made it, as far as replies say */
    uint64_t head;
    size_t room;
    uint64_t oldest;
    publication *published; /* by seq - 1 */
    uint64_t published_room;
    uint64_t published_head;
    feed_door feed;
    feed_door monitor;
    table *topics; /* uint64_t, the last seq, by topic */

    /* The model. */
    table *jobs; /* in the order of their ids */
    table *keys; /* key_holders by ns, 0, key */
    uint64_t last_id;
    uint64_t open_jobs;
    uint64_t final_jobs;
    uint64_t ready_runs;
    uint64_t leased_runs;
    uint64_t compared_seq; /* rows that have not changed since were compared */
    unsigned table_reads;

    /* Calls. */
    table *calls;      /* by client, 0, request_id */
    table *by_request; /* call by request_id alone, where only one client used it */
    judgement *judgements;
    size_t judgement_next; /* those before are done */
    size_t judgement_count;
    size_t judgement_room;
    size_t judgement_order; /* how many there have been */
    uint64_t answered_head; /* the newest seq that anybody was told */
    table *tallies;         /* effects.c: what was asked for, and done */
    table *holders;         /* clients by the token that they were given */
};

/* --- checker.c ----------------------------------------------------------------------- */

/* The scheduler has shown that it is there: where it had stopped, a new life begins. */
void checker_lives (checker *self);

/* --- memory.c ------------------------------------------------------------------------ */

/* Zeroed, for as long as the checker lives. */
void *checker_keep (checker *self, size_t size);
const void *checker_keep_bytes (checker *self, const void *bytes, size_t size);
const char *checker_keep_text (checker *self, const char *text);
void checker_forget_all (checker *self);
/* Room for `index`, the new part cleared. */
#define CHECKER_ROOM(array, room, index)                                      \
    do {                                                                      \
        if ((index) >= (room)) {                                              \
            size_t grown = (index) + (index) / 2 + 64;                        \
            (array) = checker_grow ((array), grown, sizeof *(array));         \
            memset ((array) + (room), 0, (grown - (room)) * sizeof *(array)); \
            (room) = grown;                                                   \
        }                                                                     \
    } while (0)

/* --- log.c --------------------------------------------------------------------------- */

/* Reads and folds what is new, then judges the replies that waited for it. */
void log_read (checker *self, sqlite3 *db);
/* What was read before is there still, and the same: of the newest, or of all. */
void log_compare (checker *self, sqlite3 *db, bool all);
void log_published (checker *self, bool feed, const char *topic, const uint8_t *event,
                    size_t size);
void log_forget (checker *self);

/* --- model.c, states.c, pruned.c ----------------------------------------------------- */

/* One event into the model. */
void model_fold (checker *self, model_event *event);
void model_forget (checker *self);
const key_holders *model_holders (const checker *self, const char *ns, const char *key);
/* job.pruned, log.pruned. */
void model_prune (checker *self, const model_event *event);

/* Events by number, in the order of docs/protocol.md. */
typedef enum {
    KIND_NONE,
    KIND_JOB_SCHEDULED,
    KIND_JOB_REPLACED,
    KIND_JOB_RESCHEDULED,
    KIND_JOB_PAUSED,
    KIND_JOB_RESUMED,
    KIND_JOB_TRIGGERED,
    KIND_JOB_CANCELLED,
    KIND_JOB_CONFIRMED,
    KIND_JOB_COMPLETED,
    KIND_JOB_DEAD,
    KIND_RUN_FIRED,
    KIND_RUN_BLOCKED,
    KIND_RUN_DELIVERED,
    KIND_RUN_CLAIMED,
    KIND_RUN_RETURNED,
    KIND_RUN_FAILED,
    KIND_RUN_SNOOZED,
    KIND_RUN_RETRYING,
    KIND_RUN_SUCCEEDED,
    KIND_RUN_DEAD,
    KIND_RUN_CANCELLED,
    KIND_RUN_EXPIRED,
    KIND_RUN_REDRIVEN,
    KIND_SLOT_MISSED,
    KIND_SLOT_SKIPPED,
    KIND_RECOVERY_REPORT,
    KIND_JOB_PRUNED,
    KIND_LOG_PRUNED,
    KIND_CLOCK_STEPPED,
    KIND_ZONE_CHANGED,
    KIND_CALENDAR_CHANGED,
    KIND_SCHEDULER_STARTED,
    KIND_SCHEDULER_STOPPING,
    KINDS,
} event_kind;

extern const char *const kind_names[KINDS];
event_kind kind_of (const char *name);
static inline bool
kind_is_of_run (event_kind kind)
{
    return kind >= KIND_RUN_FIRED && kind <= KIND_RUN_REDRIVEN;
}
static inline bool
kind_is_of_job (event_kind kind)
{
    return kind >= KIND_JOB_SCHEDULED && kind <= KIND_SLOT_SKIPPED;
}

/* Whether the job's and the run's rows may be so after this event, as they were before:
 * world_broken where not. before NULL: the event made it. */
void states_check_job (checker *self, const model_event *event, event_kind kind,
                       const model_job *before, const model_run *run_before,
                       const model_run *run);
void states_check_run (checker *self, const model_event *event, event_kind kind,
                       const model_job *before, const model_run *run_before,
                       const model_run *run);
/* Events that come together come one right after the other, in one commit. */
void states_check_order (checker *self, const model_event *event, event_kind kind);
/* The log does not end between two of them. */
void states_check_end (checker *self);
/* Asked to stop: its job has ended or was moved, or an overlap policy ended it. */
bool states_is_withdrawn (const model_job *job, const Belfry__V1__Job *image,
                          const model_run *run);
const char *states_job_name (Belfry__V1__JobState state);
const char *states_run_name (Belfry__V1__RunState state);

/* --- steps.c ------------------------------------------------------------------------- */

void steps_machine (checker *self, machine_fact fact);
/* The log is read up to now, and nobody has anything to do. */
void steps_quiet (checker *self);

/* --- calls.c ------------------------------------------------------------------------- */

void calls_request (checker *self, const Belfry__V1__Request *request);
void calls_answered (checker *self, const Belfry__V1__Reply *reply);
void calls_reply (checker *self, const char *client, const Belfry__V1__Reply *reply);
/* Those whose seq is reached: `seq` is that of the newest event folded. */
void calls_judge (checker *self, uint64_t seq);
/* Nobody was told of a seq beyond the log. */
void calls_check_head (checker *self);
void calls_sort (checker *self);
/* The scheduler is back: what a reboot may have done to its elapsed time. */
void calls_started (checker *self);
void calls_forget (checker *self);
const char *calls_command_name (Belfry__V1__Request__CommandCase command);
const char *calls_code_name (Belfry__V1__Code code);

/* What the call asks for, as far as the reply tells; NULL where the client lied, and it may
 * be either. */
const Belfry__V1__Request *calls_asked (const call *self, const Belfry__V1__Reply *reply);

/* --- effects.c ----------------------------------------------------------------------- */

/* A command was sent for the first time; one that changes a job was done. */
void effects_asked (checker *self, const Belfry__V1__Request *request);
void effects_done (checker *self, const model_event *event, event_kind kind,
                   const model_job *job);

/* --- answers.c ----------------------------------------------------------------------- */

/* Whether a repeat must get this again: false where it is judged anew each time, or where
 * a client that lies may have asked for something that is. */
bool answers_is_remembered (const call *self, const Belfry__V1__Reply *reply);
/* Of what the first answer named, a repeat leaves out what was pruned since. */
bool answers_are_same (const Belfry__V1__Reply *first, const Belfry__V1__Reply *again);

/* --- judge….c ------------------------------------------------------------------------ */

/* The reply against the model, which has just reached its seq; may be later for a repeat.
 */
void judge_reply (checker *self, const judgement *what);

/* The command of a call, or one item of a batch, and the answer to it. */
typedef struct {
    const judgement *what;
    const char *name; /* of the command */
    Belfry__V1__Code code;
    const Belfry__V1__JobsReply *jobs;
    const Belfry__V1__RunsReply *runs;
    /* The log up to which the command and those before it in its batch have come. Judging a
     * command that was done sets it to the seq before its first event. */
    uint64_t up_to;
    uint64_t shown; /* the seq that the objects in the answer are as of */
    bool fresh;     /* they are, and the model is, too */
} case_t;

__attribute__ ((noreturn, format (printf, 5, 6))) void judge_broken (
    const checker *self, const case_t *it, const char *promise, uint64_t job,
    const char *format, ...);

/* The events from `first` to it->up_to are this command's, and nobody else's; it->up_to
 * becomes the seq before. */
void judge_own (checker *self, case_t *it, const model_event *first);
/* Whether this refusal is in the set (1 << code) of those that the state allows, and that
 * there is none where it was done. `may`: those that could be, but need not. */
void judge_refusal (checker *self, const case_t *it, uint64_t job, uint64_t must,
                    uint64_t may);
/* The job of an answer, and, with_out, those of its runs that a worker has. */
void judge_match_item (checker *self, const case_t *it,
                       const Belfry__V1__JobsReply__Item *item, const model_job *job,
                       bool with_out);
/* BIT (PAST_DUE), where it may be. */
uint64_t judge_past_due (const checker *self, bool reject_past, bool is_instant,
                         int64_t at_us);
/* By filter: how far, and what of it. */
void judge_bulk (checker *self, case_t *it);

void judge_schedule (checker *self, case_t *it, const Belfry__V1__Schedule *in);
void judge_reschedule (checker *self, case_t *it, const Belfry__V1__Reschedule *in);
void judge_cancel (checker *self, case_t *it, const Belfry__V1__Cancel *in);
void judge_confirm (checker *self, case_t *it, const Belfry__V1__Confirm *in);
void judge_pause (checker *self, case_t *it, const Belfry__V1__Pause *in);
void judge_resume (checker *self, case_t *it, const Belfry__V1__Resume *in);
void judge_trigger (checker *self, case_t *it, const Belfry__V1__Trigger *in);
void judge_complete (checker *self, case_t *it, const Belfry__V1__Complete *in);
void judge_fail (checker *self, case_t *it, const Belfry__V1__Fail *in);
void judge_snooze (checker *self, case_t *it, const Belfry__V1__Snooze *in);
void judge_redrive (checker *self, case_t *it, const Belfry__V1__Redrive *in);
void judge_claim (checker *self, case_t *it, const Belfry__V1__Claim *in);
void judge_heartbeat (checker *self, case_t *it, const Belfry__V1__Heartbeat *in);
/* judge_calendars.c. */
void judge_set_calendar (checker *self, case_t *it, const Belfry__V1__SetCalendar *in);
void judge_delete_calendar (checker *self, case_t *it,
                            const Belfry__V1__DeleteCalendar *in);
void judge_list_calendars (checker *self, const case_t *it,
                           const Belfry__V1__ListCalendars *in);
/* judge_preview.c. */
void judge_preview (checker *self, const case_t *it, const Belfry__V1__Preview *in);
/* judge_reads.c. */
void judge_read (checker *self, case_t *it, const Belfry__V1__Request *request);

/* --- past.c: the model as it was at a seq -------------------------------------------- */

/* The newest event of the job up to then; NULL before it was made. */
const model_event *past_job (const checker *self, const model_job *job, uint64_t seq);
/* Its next slot then, `at` being its newest event: rules may have changed since. */
int64_t past_due (const model_job *job, const model_event *at, uint64_t seq);
/* Whether there is such a job then: made, and not pruned. */
bool past_has_job (const checker *self, const model_job *job, uint64_t seq);
const Belfry__V1__Run *past_run (const checker *self, const model_run *run, uint64_t seq,
                                 uint64_t *last_seq);
const model_definition *past_definition (const model_job *job, uint64_t seq);
/* By id, or by key: the newest that had it and was not pruned. */
model_job *past_find (const checker *self, const Belfry__V1__JobRef *ref, uint64_t seq);
/* The open job of this key. */
model_job *past_open (const checker *self, const char *ns, const char *key, uint64_t seq);
/* The newest event of these kinds (1 << event_kind) that the job has up to then, with all
 * of the job's events after it, up to that seq, right behind it. NULL for none. */
const model_event *past_leader (const checker *self, const model_job *job, uint64_t kinds,
                                uint64_t seq, bool right_behind);

/* --- match.c: what a reply shows against the model ----------------------------------- */

void match_job (checker *self, const case_t *it, const Belfry__V1__Job *shown,
                const model_job *job);
void match_run (checker *self, const case_t *it, const Belfry__V1__Run *shown,
                const model_run *run);
/* As an event would show them: Snapshot. */
bool match_spec (checker *self, const Belfry__V1__JobSpec *shown,
                 const Belfry__V1__JobSpec *told);

/* --- expect.c ------------------------------------------------------------------------ */

void cover_expectations (void);

/* --- tables.c ------------------------------------------------------------------------ */

void tables_compare (checker *self, sqlite3 *db, bool all);
void tables_check_integrity (checker *self, sqlite3 *db);
/* The first column of the first row. */
int64_t tables_number (checker *self, sqlite3 *db, const char *sql);
sqlite3_stmt *tables_prepare (checker *self, sqlite3 *db, const char *sql);

#endif
