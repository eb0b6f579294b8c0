/* SPDX-License-Identifier: MPL-2.0
 *
 * What should be in the store, as far as the log tells: jobs, runs and stretches of dropped
 * slots, folded event by event from the table `event`. The fold happens when the tables are
 * read (after each stop and start, at quiet moments, at the end), so that what was told at
 * the doors before is judged against exactly the state at its seq. Nothing that an event
 * says is thrown away before the end: images are pointers into the events, and stay valid.
 *
 * Those who judge slots, lateness, overlap and liveness (slots_…, live_…) stand on this and
 * are called from here.
 */
#ifndef BF_SIMULATION_CHECKER_MODEL_H
#define BF_SIMULATION_CHECKER_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#include "tests/simulation/checker/checker.h"
#include "tests/simulation/checker/table.h"
#include "tests/simulation/world.h"

#include "belfry.pb-c.h"

/* Event.clock, Run's and a job's. */
typedef enum { ON_WALL, ON_BOOT } model_clock;

/* An event of the log. */
typedef struct {
    uint64_t seq;
    Belfry__V1__Event *event; /* as the table has it: no epoch, no payload */
    /* When it was published; where it never was (the crash came first): when the table was
     * read. So it was committed at `seen` at the latest. */
    sim_now seen;
    bool published;
    uint64_t life;       /* which start of the scheduler made it, counted from 1 */
    uint64_t job_before; /* seq of the event before of the same job; 0 for none */
    uint64_t run_before; /* the same, of the same run */
    /* The newest images of its job and of its run, this event's included; NULL where it is
     * of none. */
    const Belfry__V1__Job *job;
    const Belfry__V1__Run *run;
} model_event;

/* What a job is from one definition to the next: made, replaced or rescheduled. */
typedef struct model_definition {
    const struct model_definition *before; /* NULL for the first */
    const Belfry__V1__JobSpec *spec;       /* every default resolved; no payload */
    uint32_t version;
    model_clock clock; /* that its slots count on */
    uint64_t seq;      /* of the event that told it */
    int64_t at_us;
} model_definition;

typedef struct {
    uint64_t job;
    uint32_t ordinal;
    const Belfry__V1__Run *image; /* the newest; ns and type are not in it */
    model_clock clock;            /* that image->due_us counts on */
    const char *type;             /* that it was fired with */
    bool decides; /* made by a slot, or redriven from one that was: how the job ends */
    const model_definition *definition; /* the job's, as it was made */
    uint64_t first_seq;                 /* its run.fired or run.blocked */
    uint64_t claimed_seq;               /* the newest run.claimed; 0 for none */
    uint64_t last_seq;
} model_run;

/* As Belfry__V1__Stretch. */
typedef struct {
    uint64_t job;
    uint32_t after_ordinal;
    bool skipped;
    int64_t first_due_us;
    int64_t last_due_us;
    uint64_t count;
    uint64_t last_seq;
} model_stretch;

typedef struct {
    uint64_t id;
    const char *ns;
    const char *key; /* "" for none */
    const char *type;
    /* The newest. But for last_seq and updated_us, which are below, all of it is true until
     * the next image. */
    const Belfry__V1__Job *image;
    const model_definition *definition; /* the newest */
    uint64_t first_seq;
    uint64_t last_seq;
    int64_t updated_us;
    /* By ordinal - 1, image->runs of them; NULL: pruned. */
    model_run **runs;
    uint32_t run_count;
    uint32_t run_room;
    uint32_t runs_pruned; /* the oldest that are gone */
    table *stretches;     /* model_stretch by after_ordinal * 2 + skipped */
    uint64_t *seqs;       /* of all its events, in order */
    size_t seq_count;
    size_t seq_room;
    /* What rules that changed made of its next slot, one by one. */
    struct {
        uint64_t seq;
        const Belfry__V1__Job *image;
    } * replans;
    size_t replan_count;
    size_t replan_room;
    bool pruned; /* the job is gone; known still for those who ask about it late */
    uint64_t pruned_seq;
} model_job;

static inline bool
model_job_is_open (Belfry__V1__JobState state)
{
    return state >= BELFRY__V1__JOB_STATE__JOB_STATE_WAITING &&
           state <= BELFRY__V1__JOB_STATE__JOB_STATE_ACTIVE;
}

static inline bool
model_run_is_open (Belfry__V1__RunState state)
{
    return state >= BELFRY__V1__RUN_STATE__RUN_STATE_BLOCKED &&
           state <= BELFRY__V1__RUN_STATE__RUN_STATE_RETRY_WAIT;
}

/* --- looking things up ----------------------------------------------------------------
 *
 * NULL where it never was. A job that was pruned is found, and says so; a run is not. */

model_job *model_find (const checker *self, uint64_t job);
model_run *model_find_run (const checker *self, uint64_t job, uint32_t ordinal);
/* The event of this seq, 1 .. model_head. */
const model_event *model_event_at (const checker *self, uint64_t seq);
/* How far the log is folded. */
uint64_t model_head (const checker *self);
/* All jobs in the order of their ids, pruned ones included. From *cursor = 0 to NULL. */
model_job *model_each (const checker *self, size_t *cursor);

/* "JOB.ORDINAL" or "JOB.ORDINAL.ATTEMPT" in its parts (0 for what is not there); false
 * where it is neither. */
bool model_parse (const char *text, uint64_t *job, uint32_t *ordinal, uint32_t *attempt);

world *checker_world (const checker *self);
/* Which start of the scheduler this is; it stays that of the last one while it is down. */
uint64_t checker_life (const checker *self);

/* --- those who stand on it: slots*.c, live.c -------------------------------------------
 *
 * Each has a state of its own, made by …_new and kept behind checker_slots, checker_live.
 */

typedef struct slots slots;
typedef struct live live;

slots *slots_new (checker *checker);
void slots_destroy (slots **self_p);
live *live_new (checker *checker);
void live_destroy (live **self_p);
slots *checker_slots (const checker *self);
live *checker_live (const checker *self);

/* One event, in the order of seq; the model has it already. before: as job and run were
 * without it (a copy for the call: images, definition and counters are as they were then,
 * the lists of runs and seqs are those of now); NULL where the event made them, or is of
 * none. */
void slots_event (checker *self, const model_event *event, const model_job *job_before,
                  const model_job *job_after, const model_run *run_before,
                  const model_run *run_after);
/* Before the model folds what is in these tables: what the boot scale is in this boot. */
void slots_scale (checker *self, sqlite3 *db);
/* As checker_machine. */
void slots_machine (checker *self, machine_fact fact, int64_t since_us, int64_t delta_us);
/* The first sending of a call, and each reply at the door (original and repeated), when it
 * was said: slots may note what it needs of them. */
void slots_request (checker *self, const Belfry__V1__Request *request);
void slots_answered (checker *self, const Belfry__V1__Reply *reply);
/* As checker_finish. */
void slots_finish (checker *self);
/* Where the job's rule begins by its newest definition, as the table should have it; 0 for
 * none. Of several releases of its zone it may be any, and is the one that the table has.
 */
int64_t slots_anchor (checker *self, uint64_t job, int64_t there_us);

/* After the model has folded what is in these tables, and found that they are equal. */
void live_tables (checker *self, sqlite3 *db, bool quiet);
void live_machine (checker *self, machine_fact fact, int64_t since_us, int64_t delta_us);
/* As checker_alarms. */
void live_alarms (checker *self, int64_t wall_us, int64_t boot_us);
/* As checker_finish; the model has the whole log. */
void live_finish (checker *self, sqlite3 *db);

#endif
