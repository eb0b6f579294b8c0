/* SPDX-License-Identifier: MPL-2.0
 *
 * What the judges of slots share. slots.c follows each job along its grid, late.c and
 * overlap.c say what should have become of a slot, leases.c and retries.c judge what
 * becomes of its run, facts.c knows what the machine did meanwhile. All of it is written
 * from docs/states.md and belfry.proto, not from core/.
 */
#ifndef BF_SIMULATION_CHECKER_SLOTS_H
#define BF_SIMULATION_CHECKER_SLOTS_H

#include "tests/simulation/checker/calendar.h"
#include "tests/simulation/checker/model.h"

#define MS_US INT64_C (1000)
#define SECOND_US INT64_C (1000000)

/* --- facts.c: what the machine did --------------------------------------------------- */

/* An instant that is known no better than this. */
typedef struct {
    int64_t least_us;
    int64_t most_us;
} between;

/* When an event was committed: in true time, and in the scale of boot times that the rows
 * have (elapsed time, carried on over reboots by the wall clock). */
typedef struct {
    between true_time;
    between scale;
    bool scale_known;
} moment;

typedef struct facts facts;

facts *facts_new (void);
void facts_destroy (facts **self_p);
void facts_machine (facts *self, sim_now now, machine_fact fact, int64_t since_us,
                    int64_t delta_us);
/* From meta: what the boot scale is in this boot. NULL, or what is wrong with it. */
const char *facts_scale (facts *self, sim_now now, const char *boot_id, int64_t origin_us);
/* Events are asked for in their order. */
moment facts_moment (facts *self, const model_event *event);
/* true time, not before. */
int64_t facts_started (const facts *self, int64_t true_us);
/* By how much the clocks jumped shortly before: asleep, or set forward. */
int64_t facts_jumped (const facts *self, between true_time, int64_t window_us);
bool facts_disk_was_full (const facts *self, int64_t from_us, int64_t until_us);

/* clock.stepped. */
void facts_told_step (facts *self, const model_event *event);
/* Whether the scheduler, which is up and has read everything, has told how the wall clock
 * was set; by how much it has not. */
bool facts_steps_are_told (const facts *self, sim_now now, int64_t *untold_us);

/* When a slot came within reach, as far as the machine goes: on its own clock. */
typedef struct {
    model_clock clock;
    int64_t slot_us;
    int64_t armed_us;
    between known_since; /* true time: since when the scheduler could know of the slot */
    moment now;
    between now_us; /* the same on the slot's clock */
} reach_question;

between facts_reached (const facts *self, const reach_question *question);

/* --- slots.c: along the grid --------------------------------------------------------- */

/* Slots that one decision was about. */
typedef struct {
    int64_t first_us;    /* the one that was judged */
    between known_since; /* true time: since when it was the job's next one */
    uint64_t dropped;    /* that many were late, and dropped, before the chosen one */
    bool skipped;        /* as skipped rather than missed */
    bool chosen;         /* one was to fire: */
    int64_t chosen_us;   /* this one */
    uint64_t refused;    /* it and so many in all were refused by the overlap policy */
    bool failed;         /* it became a run that has failed once */
    bool goes_on;        /* the job is scheduled still, */
    bool paced;          /* and its next slot was put off */
    uint64_t last_seq;   /* of the event that told of it so far */
} decision;

typedef struct {
    uint64_t id;
    /* The slots of this definition: none but one, a grid, or those of a calendar, which may
     * be a grid with holes. */
    bool recurs;
    int64_t interval_us; /* 0: no grid */
    calendar *calendar;  /* NULL: none */
    calendar_parts parts;
    int64_t begin_at_s; /* the instant at which a rule without DTSTART begins */
    int64_t decided_us; /* the newest slot that was decided, */
    int64_t ever_us;    /* of this definition or of any before */
    bool has_offset;
    bool ended; /* new rules left it no slot, the event that tells of them comes next */
    int64_t end_us;
    int64_t offset_us;
    int64_t jitter_us;
    uint32_t max_runs;
    bool waits;      /* for a slot: */
    int64_t next_us; /* this one */
    between since;   /* true time: when it became the next */
    uint64_t resumed_seq;
    decision told; /* late ones are dropped, the chosen one comes with the next event */
    bool telling;
    /* Cancelled just now in favour of a slot that comes with one of the next events. */
    uint32_t gave_way;
    uint32_t gave_way_blocked;
    uint64_t gave_way_seq;
    /* Counts, as they should be. */
    uint32_t fired;
    uint32_t missed;
    uint32_t skipped;
    uint32_t overlap_skipped;
    uint32_t buffer_dropped;
    uint32_t cancelled_others;
    uint32_t terminated_others;
    uint32_t open;    /* runs of slots */
    uint32_t blocked; /* of them */
    uint32_t leased;  /* of them */
    uint32_t open_all;
    uint32_t others_below; /* runs of slots below it were asked to stop */
    uint32_t low;          /* no run of a lower ordinal is open */
} slots_job;

/* What workers asked for with one token. */
typedef struct token_notes token_notes;
/* What is known of a run beside its image. */
typedef struct run_notes run_notes;

struct slots {
    checker *checker;
    world *world;
    facts *facts;
    table *jobs;         /* slots_job by id */
    table *runs;         /* run_notes by job, ordinal */
    table *tokens;       /* token_notes by token */
    table *zones;        /* zone_rules by name: what events told of */
    table *planned;      /* the same: what the newest definition was planned with */
    table *excludes;     /* Belfry__V1__ExclusionCalendar by ns, 0, name */
    uint64_t failed_seq; /* run.failed was told there, and its end must come next… */
    bool ends_cancelled; /* …as this, */
    bool ends_dead;      /* or this */
};

/* All that a judge may need of an event. */
typedef struct {
    slots *slots;
    const model_event *event;
    const Belfry__V1__Event *said;
    const char *kind;
    moment when;
    const model_job *job_before;
    const model_job *job;
    const model_run *run_before;
    const model_run *run;
    slots_job *slots_job; /* NULL where it is of no job */
} happened;

bool happened_is (const happened *self, const char *kind);
/* Now, on the clock of the job's slots; or on that of a run's due time. */
between happened_now (const happened *self, model_clock clock);
/* With the job and the event in front of the sentence. */
__attribute__ ((noreturn, format (printf, 3, 4))) void slots_broken (const happened *self,
                                                                     const char *promise,
                                                                     const char *format,
                                                                     ...);

/* The job waits for this slot from now on. */
void slots_await (const happened *event, int64_t due_us);
/* The slot after this one; false where it is the last. */
bool slots_after (const slots_job *self, int64_t slot_us, int64_t *next_us);
/* How many slots there are from the one at first_us until before_us (not included), to the
 * end of the grid at most. */
uint64_t slots_before (const slots_job *self, int64_t first_us, int64_t before_us);

/* --- grids.c: the slots of a definition ------------------------------------------------
 */

/* The job has a new definition, recurring, whose first slot the event tells. */
void grids_define (const happened *event, const Belfry__V1__JobSpec *spec);
/* zone.changed, calendar.changed. */
void grids_changed (slots *self, const model_event *event, moment when);
/* The exclusion calendar as it is by the events so far; NULL: there is none. */
const Belfry__V1__ExclusionCalendar *grids_exclude (const slots *self, const char *ns,
                                                    const char *name);
/* The rules that the scheduler may plan with, the newest first: those that its events told,
 * and whatever came since. From *rules = NULL to false. */
bool grids_rules (const slots *self, const char *tz, int64_t true_us,
                  const zone_rules **rules);
/* Slots were decided: where this fits other rules than those that the job had, it has them
 * from now on. The scheduler tells of them later. */
void grids_settle (const happened *event, int64_t first_us, int64_t last_us,
                   uint64_t count);
void grids_forget (slots_job *job);
/* A slot was decided: what it was. */
void grids_cover (const slots_job *job, int64_t slot_us);

/* --- decide.c: what became of slots -------------------------------------------------- */

/* One became a run. */
void decide_fired (const happened *event);
/* Some were dropped: slot.missed, slot.skipped. */
void decide_dropped (const happened *event);

/* --- late.c, overlap.c --------------------------------------------------------------- */

void late_expect (void);
/* Whether this is what the late policy makes of it. */
void late_judge (const happened *event, const decision *decision);
/* Slots that Resume from now gave up. */
void late_forgone (const happened *event);

typedef enum {
    OVERLAP_FIRED,
    OVERLAP_BLOCKED,
    OVERLAP_SKIPPED,
    OVERLAP_DROPPED
} overlap_end;

void overlap_expect (void);
/* Whether this is what the overlap policy makes of it, and of the others. */
void overlap_judge (const happened *event, overlap_end end);
/* A blocked run became ready: was it its turn? */
void overlap_judge_turn (const happened *event);

/* --- leases.c, retries.c ------------------------------------------------------------- */

struct token_notes {
    bool failed;          /* Fail was sent, */
    bool failed_for_good; /* with non_retryable */
    bool failed_for_now;  /* without it */
    bool snoozed_for;     /* Snooze was sent, for this long, */
    int64_t for_least_us;
    int64_t for_most_us;
    bool snoozed_until; /* or until then */
    int64_t at_least_us;
    int64_t at_most_us;
    /* Heartbeats that were sent, the newest of them; and the newest that was answered OK:
     * when it was sent. */
    struct {
        uint64_t request;
        int64_t sent_us;
    } beats[8];
    unsigned beat;
    bool alive;
    int64_t alive_us;
};

struct run_notes {
    moment born;
    moment claimed;
    uint64_t claimed_life;
    int64_t lease_us;
    int64_t run_timeout_us;
};

token_notes *notes_of_token (slots *self, const char *token);
run_notes *notes_of_run (slots *self, uint64_t job, uint32_t ordinal);
/* The job was cancelled, confirmed or moved since, or a slot asked the run to stop. */
bool run_is_withdrawn (const model_job *job, const model_run *run);

/* A run was made. */
void runs_born (const happened *event);
/* Any event of a run, once those who count have counted it. */
void runs_judge (const happened *event);
/* The wait after this many failures. */
between retries_wait (const Belfry__V1__RetryPolicy *policy, uint32_t failures);
/* Whether this failure of a run that was just made, and that no worker has had, is its last
 * for certain, or may be. */
bool retries_may_die (const happened *event);
void retries_judge (const happened *event);
void retries_judge_next (const happened *event);

#endif
