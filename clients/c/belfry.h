/* SPDX-License-Identifier: MPL-2.0
 *
 * libbelfry: what a bot in C needs of Belfry: schedule, a work loop with automatic
 * heartbeats, a watch that heals by itself. No protobuf types here; whoever wants every
 * command of the wire includes belfry_wire.h.
 *
 * Threads: one handle per thread. Every function takes a handle that no other thread is
 * using, but belfry_stop, which may be called from anywhere. The library starts no thread
 * but the heartbeat's, which lives as long as belfry_work, blocks all signals, and installs
 * no signal handler.
 *
 * Units: `_us` is microseconds, an instant since 1970-01-01T00:00:00Z or a length; `_ms`
 * milliseconds. 0 and NULL mean "the default" wherever a field does not say otherwise, so
 * that designated initialisers need only what matters.
 *
 * Errors: every `int` is BELFRY_OK or a negative belfry_error; belfry_error_text says what
 * was wrong and what to do. On error out-parameters are untouched, unless said otherwise.
 */
#ifndef BELFRY_H
#define BELFRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BELFRY_API __attribute__ ((visibility ("default")))
#else
#define BELFRY_API
#endif

/* ------------------------------------------------------------------------------------- */
/* Errors                                                                                */

/* X (name, value, text). The first block are the daemon's answers: value = -Code of
 * messages/belfry.proto. The second block never left this library. */
#define BELFRY_ERROR_MAP(X)                                                            \
    X (OK, 0, "done")                                                                  \
    X (MALFORMED, -2, "the daemon could not read the message")                         \
    X (UNSUPPORTED_VERSION, -3, "the daemon does not speak this protocol version")     \
    X (INVALID, -4, "a field is missing, out of range, or contradicts another")        \
    X (TOO_LARGE, -5, "the payload, the result or the answer is over its limit")       \
    X (LIMIT, -6, "a limit of the daemon is used up")                                  \
    X (BUSY, -7, "the daemon has too many calls in flight, try again")                 \
    X (NOT_FOUND, -8, "no such job or run")                                            \
    X (KEY_TAKEN, -9, "an open job has this key")                                      \
    X (PAST_DUE, -10, "the due time is in the past")                                   \
    X (TOO_LATE, -11, "the slot is already committed")                                 \
    X (WRONG_STATE, -12, "the state of the job or run does not allow this")            \
    X (STALE_TOKEN, -13, "the token no longer holds the run")                          \
    X (REQUEST_ID_REUSED, -14, "this request_id was used for a different command")     \
    X (DISK_FULL, -15, "the daemon's disk is full, new work is refused")               \
    X (STOPPING, -16, "the daemon is stopping, try again at its successor")            \
    X (TOO_OLD, -17, "older than the events that the daemon keeps")                    \
    X (INTERNAL, -18, "the daemon met a bug or a broken disk")                         \
    X (VERSION_CONFLICT, -19, "the job has another version")                           \
    X (UNREACHABLE, -50, "the daemon did not answer in time")                          \
    X (NO_ENDPOINT, -51, "no endpoint is known: set BELFRY_COMMANDS or start belfryd") \
    X (NO_MEMORY, -52, "out of memory")                                                \
    X (BAD_ARGUMENT, -53, "an argument makes no sense")                                \
    X (BAD_ANSWER, -54, "the daemon's answer could not be understood")                 \
    X (SYSTEM, -55, "a socket or a thread could not be made")                          \
    X (HANDLER, -56, "the handler asked to end")

typedef enum {
#define X(name, value, text) BELFRY_##name = (value),
    BELFRY_ERROR_MAP (X)
#undef X
} belfry_error;

/* "NOT_FOUND"; "UNKNOWN" for a number that is not in the list. Static. Any thread. */
BELFRY_API const char *belfry_error_name (int error);

/* The list's sentence. Static. Any thread. */
BELFRY_API const char *belfry_error_sentence (int error);

/* ------------------------------------------------------------------------------------- */
/* The handle                                                                            */

typedef struct belfry belfry;

/* Strings are copied. */
typedef struct {
    /* Where the daemon listens: "ipc://…", "tcp://…", "inproc://…". NULL: environment
     * BELFRY_COMMANDS (BELFRY_FEED, BELFRY_MONITOR), else the `ready` line in the file
     * `endpoints` of `directory`. Each may be a list, "EP,EP": ipc is tried first, and the
     * next one at every reconnect. The file is read again each time, so that a daemon that
     * came back on another port is found. */
    const char *commands;
    const char *feed;      /* belfry_watch only */
    const char *monitor;   /* belfry_watch with `monitor` only */
    const char *directory; /* of the daemon's data; default "./data" */
    /* Who calls, 1..64 bytes without control characters: a name that no other program of
     * this daemon has and that survives restarts. Default: 128 random bits in hex. */
    const char *client;
    int timeout_ms; /* how long one try waits for its answer; default 5000 */
    int retries;    /* how often a try is repeated; default 2; negative for never */
} belfry_options;

/* Makes a handle with a zeromq context of its own. Talks to nobody yet: a daemon that is
 * not there shows at the first call. options may be NULL. Errors: NO_MEMORY, BAD_ARGUMENT,
 * SYSTEM. */
BELFRY_API int belfry_open (belfry **self_p, const belfry_options *options);

/* The same in the caller's context, which is how inproc:// endpoints are reached
 * (belfry_scheduler_context). The context must outlive the handle. */
BELFRY_API int belfry_open_in (belfry **self_p, void *zeromq_context,
                               const belfry_options *options);

/* Closes and frees. Accepts NULL. Never while another function of the handle runs. */
BELFRY_API void belfry_close (belfry **self_p);

/* Why the last call on this handle failed, for people: names the endpoint that was tried
 * and what to do. Empty after success. Valid until the next call on the handle. */
BELFRY_API const char *belfry_error_text (const belfry *self);

/* The commands endpoint last tried; empty before the first call. Valid until the next. */
BELFRY_API const char *belfry_endpoint (const belfry *self);

/* Who this handle calls itself. Valid as long as the handle. */
BELFRY_API const char *belfry_client (const belfry *self);

/* Ends belfry_work, belfry_watch, belfry_bulk (the daemon goes on with it), or the wait of
 * belfry_call for a Claim on this handle: a run in hand is finished first. Called before
 * they begin it ends the next one at once. Any thread, and signal handlers. */
BELFRY_API void belfry_stop (belfry *self);

/* ------------------------------------------------------------------------------------- */
/* Jobs                                                                                  */

typedef enum {
    BELFRY_WORK = 1,   /* a worker claims the run and settles it */
    BELFRY_NOTIFY = 2, /* the event run.delivered carries the payload */
} belfry_delivery;

/* How the waiting time grows from failure to failure. */
typedef enum {
    BELFRY_EXPONENTIAL = 1, /* delay, delay * factor, delay * factor^2, … */
    BELFRY_FIXED = 2,       /* always delay */
    BELFRY_LINEAR = 3,      /* delay, 2 * delay, 3 * delay, … */
    BELFRY_LIST = 4,        /* delays_us one after the other; the last one stays */
} belfry_backoff;

/* What becomes of slots that are late: more than the grace passed before they could first
 * fire, because the scheduler was down, asleep or paused, or its clock was set. */
typedef enum {
    BELFRY_LATE_FIRE_ONCE = 1, /* the latest one fires, the others are missed */
    BELFRY_LATE_FIRE_ALL = 2,  /* the newest catchup_max fire, oldest first and paced */
    BELFRY_LATE_SKIP = 3,      /* none fires */
    BELFRY_LATE_FAIL = 4,      /* the latest one is a run that has failed once already, and
                                * is tried again by `retry`; the others are missed */
} belfry_late;

/* What becomes of a slot while a run of an earlier slot is still open. */
typedef enum {
    BELFRY_OVERLAP_SKIP = 1,            /* it is skipped */
    BELFRY_OVERLAP_BUFFER_ONE = 2,      /* it waits; where one waits, it is skipped */
    BELFRY_OVERLAP_BUFFER_ALL = 3,      /* it waits, in order; up to 1000 open runs */
    BELFRY_OVERLAP_CANCEL_OTHER = 4,    /* the others are asked to stop, and it waits */
    BELFRY_OVERLAP_TERMINATE_OTHER = 5, /* the others are cancelled, it fires */
    BELFRY_OVERLAP_ALLOW_ALL = 6,       /* it fires beside them; up to 1000 open runs */
} belfry_overlap;

/* What a local time means that the clocks skip, 02:30 where 03:00 follows 02:00. */
typedef enum {
    BELFRY_SKIPPED_AFTER_GAP = 1, /* the end of the gap, 03:00 */
    BELFRY_SKIPPED_SKIP = 2,      /* there is no slot */
    BELFRY_SKIPPED_SHIFT = 3,     /* as much later, 03:30 */
} belfry_skipped;

/* What a local time means that comes twice. */
typedef enum {
    BELFRY_REPEATED_FIRST = 1,
    BELFRY_REPEATED_SECOND = 2,
    BELFRY_REPEATED_BOTH = 3,
} belfry_repeated;

/* What to do where an open job has the key. */
typedef enum {
    BELFRY_REJECT = 1,   /* refuse with KEY_TAKEN */
    BELFRY_KEEP = 2,     /* leave that job alone and answer it */
    BELFRY_REPLACE = 3,  /* give that job this definition */
    BELFRY_THROTTLE = 4, /* as KEEP, and make none within window_us of the last one */
    BELFRY_DEBOUNCE = 5, /* as REPLACE, and let its after_us begin again */
} belfry_on_key;

typedef enum {
    BELFRY_JOB_WAITING = 1,
    BELFRY_JOB_SCHEDULED = 2,
    BELFRY_JOB_ACTIVE = 3,
    BELFRY_JOB_COMPLETED = 4,
    BELFRY_JOB_DEAD = 5,
    BELFRY_JOB_CANCELLED = 6,
    BELFRY_JOB_CONFIRMED = 7,
} belfry_job_state;

typedef enum {
    BELFRY_RUN_BLOCKED = 1,
    BELFRY_RUN_READY = 2,
    BELFRY_RUN_LEASED = 3,
    BELFRY_RUN_RETRY_WAIT = 4,
    BELFRY_RUN_SUCCEEDED = 5,
    BELFRY_RUN_DEAD = 6,
    BELFRY_RUN_EXPIRED = 7,
    BELFRY_RUN_CANCELLED = 8,
    BELFRY_RUN_DELIVERED = 9,
} belfry_run_state;

/* What became of a job by a command. */
typedef enum {
    BELFRY_CREATED = 1,
    BELFRY_EXISTING = 2,
    BELFRY_REPLACED = 3,
    BELFRY_UNCHANGED = 4,
    BELFRY_CHANGED = 5,
} belfry_outcome;

/* When a failed attempt is tried again; the daemon's defaults in brackets. The first limit
 * that is reached ends the run as dead. */
typedef struct {
    uint32_t max_attempts;    /* failures after which it is dead, 1..1000 [5] */
    belfry_backoff backoff;   /* [EXPONENTIAL] */
    int64_t delay_us;         /* first waiting time, 1 ms..30 days [1 s]; not for LIST */
    uint32_t factor_permille; /* growth per failure in thousandths, 1000..10000 [2000];
                               * EXPONENTIAL only */
    int64_t max_delay_us;     /* up to 30 days [5 min]; EXPONENTIAL and LINEAR */
    int jitter_percent;       /* each wait is that much longer or shorter, up to 50 [10];
                               * negative for none */
    const int64_t *delays_us; /* LIST: 1..100 waiting times of 1 ms..30 days */
    size_t delays_count;
    int64_t max_age_us; /* no attempt begins later than this after the run was made,
                         * 1 ms..100 years [no limit] */
} belfry_retry;

/* A job to schedule. Everything is borrowed for the length of the call. Limits and defaults
 * are those of JobSpec in messages/belfry.proto. */
typedef struct {
    const char *type; /* required */
    const char *key;  /* unique among the open jobs of the namespace; NULL for none */
    const char *ns;
    const void *payload;
    size_t payload_size;
    const char *content_type;
    const char *const *tags; /* ends with NULL */
    belfry_delivery delivery;
    /* When: the first of these that is set: cron, daily, rrule, every_us, at_us; else
     * after_us. */
    const char *cron;         /* "0 9 * * MON-FRI" */
    const char *daily;        /* "2130", "2130 MON-FRI" */
    const char *rrule;        /* RFC 5545: "FREQ=WEEKLY;BYDAY=MO" */
    const char *tz;           /* whose walls these three mean, "Europe/Berlin"; [UTC] */
    belfry_skipped skipped;   /* what clock changes do to them; defaults as in JobSpec */
    belfry_repeated repeated; /* likewise */
    int64_t at_us;            /* this instant of the wall clock */
    int64_t after_us; /* this long from now on a clock that is never set; 0: at once */
    int64_t every_us; /* again and again, 10 ms..100 years, on a grid that never moves: */
    bool anchored;    /* anchor_us is a point of the grid, 0 (1970) included; else it is
                       * start_us, or the commit, and the first slot one interval later */
    int64_t anchor_us;
    /* Of jobs that recur only: */
    const char *const *exclude; /* names of exclusion calendars; ends with NULL */
    int64_t start_us;           /* no slot before this; 0: from now on */
    int64_t end_us;             /* no slot after this; 0: for ever */
    uint32_t max_runs;          /* how many slots fire in all; 0: no limit */
    int64_t
        jitter_us;    /* every slot of this job is later by one same offset, 0..jitter_us */
    belfry_late late; /* default FIRE_ONCE */
    int64_t grace_us; /* late is more than this, 1 ms..100 years; default 1 s */
    uint32_t catchup_max;   /* FIRE_ALL: at most so many, 1..1000; default 100 */
    belfry_overlap overlap; /* default ALLOW_ALL for at_us and after_us, else SKIP */
    belfry_retry retry;
    int64_t lease_us;         /* 100 ms..24 h; default 30 s */
    int64_t run_timeout_us;   /* 100 ms..30 days; 0: no limit */
    int64_t start_timeout_us; /* 1 ms..100 years; 0: no limit */
    /* Reminders: runs of reminder_type [TYPE.reminder] so long before every slot, up to 16
     * of 1 ms..366 days. */
    const int64_t *remind_before_us;
    size_t remind_count;
    const char *reminder_type;
    belfry_on_key on_key; /* the same in every job of one call */
    int64_t window_us;    /* THROTTLE: 1 ms..366 days; likewise */
    bool reject_past;     /* PAST_DUE instead of firing at once; likewise */
    uint32_t if_version;  /* with REPLACE or DEBOUNCE and one job: only where the job that
                           * has the key has this version, else VERSION_CONFLICT; 0: any */
} belfry_job;

/* What a command did to one job. */
typedef struct {
    uint64_t id;
    belfry_outcome outcome;
    belfry_job_state state;
    int64_t due_us;   /* when its slot is due, or was */
    uint32_t version; /* begins at 1 */
    uint32_t out;     /* runs that a worker had at that moment */
    bool repeated;    /* the answer of an earlier call with this request_id */
    uint64_t seq;     /* a feed frame of a lower seq may still arrive */
} belfry_answer;

/* Makes a job; when it returns BELFRY_OK the job is on disk. answer may be NULL.
 * Errors: INVALID, TOO_LARGE, LIMIT, KEY_TAKEN (then answer names the job that has it),
 * PAST_DUE, VERSION_CONFLICT, DISK_FULL, and those of every call: UNREACHABLE (it may have
 * happened: the call can be repeated only by belfry_call with its request_id, or give jobs
 * a key), NO_ENDPOINT, NO_MEMORY, BAD_ANSWER, SYSTEM, BUSY, STOPPING, INTERNAL. */
BELFRY_API int belfry_schedule (belfry *self, const belfry_job *job, belfry_answer *answer);

/* Makes 1..1000 jobs in one commit, all or none. answers has `count` places, or is NULL.
 * Errors as belfry_schedule, and BAD_ARGUMENT where on_key, window_us or reject_past
 * differ. */
BELFRY_API int belfry_schedule_many (belfry *self, const belfry_job *jobs, size_t count,
                                     belfry_answer *answers);

/* Names a job: by id; or id 0, and by namespace (NULL: "default") and key. With if_version
 * a command is refused with VERSION_CONFLICT unless the job has this version; 0 for any
 * (belfry_get does not look at it). */
typedef struct {
    uint64_t id;
    const char *ns;
    const char *key;
    uint32_t if_version;
} belfry_ref;

/* Ends a job; after BELFRY_OK its slots never fire. answer->out says what a worker has.
 * reason, for the history, and answer may be NULL. Errors: NOT_FOUND, WRONG_STATE,
 * VERSION_CONFLICT. */
BELFRY_API int belfry_cancel (belfry *self, belfry_ref job, const char *reason,
                              belfry_answer *answer);

/* What the job waited for has come: ends it before its slot fires. With cancel_open also
 * after, unless a worker has the run. answer may be NULL. Errors: NOT_FOUND, WRONG_STATE
 * (also where the job recurs), TOO_LATE (then answer is filled), VERSION_CONFLICT. */
BELFRY_API int belfry_confirm (belfry *self, belfry_ref job, bool cancel_open,
                               belfry_answer *answer);

/* Another time for a job, as in belfry_job; tz NULL: as it was. */
typedef struct {
    const char *cron;
    const char *daily;
    const char *rrule;
    const char *tz;
    belfry_skipped skipped;
    belfry_repeated repeated;
    int64_t at_us;
    int64_t after_us;
    int64_t every_us;
    bool anchored;
    int64_t anchor_us;
    bool reject_past; /* PAST_DUE instead of firing at once */
} belfry_when;

/* Moves the slot of a job, or its grid: `(belfry_when){.after_us = 60000000}`. A job that
 * recurs takes every_us, cron, daily or rrule, and keeps its start, end, max_runs (counted
 * anew), jitter and exclusion calendars; one that does not takes the others. Raises the
 * version. answer may be NULL. Errors: NOT_FOUND, WRONG_STATE, INVALID (the other kind of
 * job), PAST_DUE, VERSION_CONFLICT, DISK_FULL. */
BELFRY_API int belfry_reschedule (belfry *self, belfry_ref job, belfry_when when,
                                  belfry_answer *answer);

/* Stops the slots of a job; open runs go on. reason, for the history, and answer may be
 * NULL. Errors: NOT_FOUND, WRONG_STATE, VERSION_CONFLICT. */
BELFRY_API int belfry_pause (belfry *self, belfry_ref job, const char *reason,
                             belfry_answer *answer);

/* What becomes of slots that were due during the pause. */
typedef enum {
    BELFRY_FROM_PAUSE = 1, /* they are late, and the job's late policy decides */
    BELFRY_FROM_NOW = 2,   /* they are missed; a one-shot that has lost its slot is dead */
} belfry_from;

/* Lets the slots go on; from 0: FROM_PAUSE. answer may be NULL. Errors: NOT_FOUND,
 * WRONG_STATE, VERSION_CONFLICT, DISK_FULL. */
BELFRY_API int belfry_resume (belfry *self, belfry_ref job, belfry_from from,
                              belfry_answer *answer);

/* "JOB.ORDINAL" and its NUL. */
#define BELFRY_RUN_ID_BYTES 40

/* What a command did to one run. */
typedef struct {
    char id[BELFRY_RUN_ID_BYTES];
    belfry_run_state state;
    uint32_t attempt;
    uint32_t failures;
    int64_t timer_us; /* RETRY_WAIT: when it is ready again, as the wall clock now counts */
    bool unchanged;   /* it was so already by the same token */
    bool repeated;    /* the answer of an earlier call with this request_id */
    uint64_t seq;     /* a feed frame of a lower seq may still arrive */
} belfry_run_answer;

/* Makes an extra run now; the job's slots, its grid and max_runs stay. answer may be NULL.
 * Errors: NOT_FOUND, WRONG_STATE, VERSION_CONFLICT, LIMIT (1000 of its runs are open),
 * DISK_FULL. */
BELFRY_API int belfry_trigger (belfry *self, belfry_ref job, belfry_run_answer *answer);

/* Makes a new run, with fresh attempts, out of the dead run "JOB.ORDINAL", or out of the
 * newest run of "JOB". answer, of the new run, may be NULL. Errors: INVALID, NOT_FOUND,
 * WRONG_STATE (it is not dead, or was redriven), KEY_TAKEN, LIMIT, DISK_FULL. */
BELFRY_API int belfry_redrive (belfry *self, const char *run, belfry_run_answer *answer);

/* One run of a job, as belfry_get shows it. */
typedef struct {
    const char *id; /* "JOB.ORDINAL" */
    belfry_run_state state;
    uint32_t attempt;
    uint32_t failures;
    int64_t due_us;
    int64_t lateness_us;
    const char *worker;
    const char *reason; /* why the last attempt failed, or the run ended */
    const void *result;
    size_t result_size;
} belfry_run_info;

/* What became of the slots of a job since it was made; `fired` since it was last defined.
 */
typedef struct {
    uint32_t fired;             /* became runs */
    uint32_t missed;            /* late, and dropped */
    uint32_t skipped;           /* late, and dropped by BELFRY_LATE_SKIP */
    uint32_t overlap_skipped;   /* dropped by BELFRY_OVERLAP_SKIP */
    uint32_t buffer_dropped;    /* dropped because the buffer was full */
    uint32_t cancelled_others;  /* runs that were asked to stop by CANCEL_OTHER */
    uint32_t terminated_others; /* runs that were ended by TERMINATE_OTHER */
    uint32_t open;              /* now: open runs of slots, */
    uint32_t blocked;           /* and those of them that wait for another run */
} belfry_counts;

/* A job as the store has it. Strings are never NULL. */
typedef struct {
    uint64_t id;
    const char *ns;
    const char *key;
    const char *type;
    const void *payload;
    size_t payload_size;
    const char *content_type;
    belfry_job_state state;
    bool paused;
    int64_t due_us;    /* when the next slot is due, or the last one was */
    int64_t remind_us; /* when its next reminder is; 0: none is left */
    /* Its trigger: one of these; all NULL and 0 for after_us 0. */
    const char *cron;
    const char *daily;
    const char *rrule;
    const char *tz; /* empty where it means nothing */
    int64_t at_us;
    int64_t after_us;
    int64_t every_us;
    int64_t anchor_us; /* with every_us: a point of its grid */
    int64_t start_us;
    int64_t end_us;
    uint32_t max_runs;
    int64_t jitter_us;
    belfry_late late;
    int64_t grace_us;
    uint32_t catchup_max;
    belfry_overlap overlap;
    belfry_counts counts;
    uint32_t version;
    uint32_t run_count; /* of all its runs; `runs` shows up to the 10 newest */
    uint32_t open_runs;
    int64_t created_us;
    int64_t updated_us;
    int64_t final_us;
    const belfry_run_info *runs; /* newest first */
    size_t runs_size;
    void *own; /* of the library */
} belfry_job_info;

/* Reads one job with payload and results. The caller frees *info_p with
 * belfry_job_info_free. Errors: NOT_FOUND. */
BELFRY_API int belfry_get (belfry *self, belfry_ref job, belfry_job_info **info_p);

/* Accepts NULL. Any thread. */
BELFRY_API void belfry_job_info_free (belfry_job_info **info_p);

/* ------------------------------------------------------------------------------------- */
/* Many jobs in one call                                                                 */

/* Which jobs: those for which everything holds that is set. */
typedef struct {
    const char *ns;                 /* only this namespace; NULL for all */
    const char *type;               /* only this type; NULL for all */
    const belfry_job_state *states; /* only these, up to 64; none for all that fit */
    size_t states_count;
    const char *const *tags; /* only with every one of these, up to 8; ends with NULL */
    const char *key_prefix;  /* only keys that begin so; NULL for all */
    bool all;                /* says that a filter with nothing else set is meant */
} belfry_filter;

typedef enum {
    BELFRY_BULK_CANCEL = 1,
    BELFRY_BULK_CONFIRM = 2,
    BELFRY_BULK_PAUSE = 3,
    BELFRY_BULK_RESUME = 4,
    BELFRY_BULK_RESCHEDULE = 5,
    BELFRY_BULK_TRIGGER = 6,
    BELFRY_BULK_REDRIVE = 7, /* every run of these jobs that is dead and was not redriven */
} belfry_bulk_verb;

/* How far it is, or what it did. With dry_run: what it would do. */
typedef struct {
    bool done; /* false: it goes on */
    bool dry_run;
    uint64_t operation; /* its number at the daemon; 0 with dry_run */
    uint64_t changed;   /* jobs */
    uint64_t unchanged; /* jobs that were so already */
    uint64_t refused;   /* jobs that did not allow it */
    uint64_t runs;      /* runs that TRIGGER and REDRIVE made */
    uint64_t examined;  /* jobs that were looked at */
    uint64_t cursor;    /* it is through with ids up to this, */
    uint64_t watermark; /* of ids up to this */
    struct {
        uint64_t job;
        int error; /* a belfry_error */
        char text[160];
    } refusals[10]; /* the first ones */
    size_t refusals_count;
} belfry_bulk_result;

/* Told about once a second while it goes on. */
typedef void belfry_progress (const belfry_bulk_result *so_far, void *context);

/* One command for many jobs. Everything is borrowed for the length of the call. */
typedef struct {
    belfry_bulk_verb verb; /* required */
    belfry_filter filter;
    bool dry_run;              /* change nothing, count what it would do */
    const char *reason;        /* CANCEL, PAUSE */
    bool cancel_open;          /* CONFIRM */
    belfry_from from;          /* RESUME */
    belfry_when when;          /* RESCHEDULE */
    belfry_progress *progress; /* may be NULL */
    void *context;
} belfry_bulk_command;

/* Has the daemon work through the jobs that match and were there when it began, in slices
 * between the calls of others, and waits until that is done, however long it takes: the
 * call is repeated under one request_id, each time within the handle's time-out. The
 * daemon goes on with it over its own restart, and also where this program ends.
 * BELFRY_OK also where jobs were refused; result (which may be NULL) tells. After
 * belfry_stop: BELFRY_OK with done = false. On error result shows how far it was known to
 * be. Errors: BAD_ARGUMENT (no verb), INVALID (the filter is empty without `all`), BUSY
 * (too many of these at once), DISK_FULL, and those of every call. */
BELFRY_API int belfry_bulk (belfry *self, const belfry_bulk_command *command,
                            belfry_bulk_result *result);

/* ------------------------------------------------------------------------------------- */
/* Several commands in one commit                                                        */

/* Commands that are collected and then done together, in their order, each seeing what
 * those before it did: all of them, or none. */
typedef struct belfry_batch belfry_batch;

/* An empty one. It may outlive nothing of its handle. Errors: NO_MEMORY. */
BELFRY_API int belfry_batch_begin (belfry *self, belfry_batch **batch_p);

/* Forgets it. Accepts NULL. */
BELFRY_API void belfry_batch_abandon (belfry_batch **batch_p);

/* Each adds a command and copies what it is given; what the commands mean, and their
 * errors, is as above. Nothing is sent. An error (BAD_ARGUMENT: over 1000; NO_MEMORY) is
 * kept and told again by belfry_batch_commit, so that only that one must be looked at. */
BELFRY_API int belfry_batch_schedule (belfry_batch *batch, const belfry_job *job);
BELFRY_API int belfry_batch_cancel (belfry_batch *batch, belfry_ref job,
                                    const char *reason);
BELFRY_API int belfry_batch_confirm (belfry_batch *batch, belfry_ref job, bool cancel_open);
BELFRY_API int belfry_batch_reschedule (belfry_batch *batch, belfry_ref job,
                                        belfry_when when);
BELFRY_API int belfry_batch_pause (belfry_batch *batch, belfry_ref job, const char *reason);
BELFRY_API int belfry_batch_resume (belfry_batch *batch, belfry_ref job, belfry_from from);
BELFRY_API int belfry_batch_trigger (belfry_batch *batch, belfry_ref job);
BELFRY_API int belfry_batch_redrive (belfry_batch *batch, const char *run);

/* The same for a lease, by its token; these are what belfry_work does by itself. */
BELFRY_API int belfry_batch_complete (belfry_batch *batch, const char *token,
                                      const void *result, size_t result_size);
BELFRY_API int belfry_batch_fail (belfry_batch *batch, const char *token,
                                  const char *reason, bool retryable);
BELFRY_API int belfry_batch_snooze (belfry_batch *batch, const char *token, int64_t for_us,
                                    const char *reason);

/* How many commands it has. */
BELFRY_API size_t belfry_batch_count (const belfry_batch *batch);

/* What one command of a batch did: to a job; or, of TRIGGER, REDRIVE, COMPLETE, FAIL and
 * SNOOZE, to a run, and then run.id is not empty. */
typedef struct {
    belfry_answer job;
    belfry_run_answer run;
} belfry_batch_answer;

/* Does them in one commit, and forgets the batch, whatever comes of it. answers has
 * belfry_batch_count places, in the order of the commands, or is NULL. failed (which may be
 * NULL): with an error of the daemon the command that it came from, counted from 1; else 0.
 * Errors: those of the commands, and nothing of all of them has happened; INVALID (none
 * was added); those of every call. */
BELFRY_API int belfry_batch_commit (belfry_batch **batch_p, belfry_batch_answer *answers,
                                    size_t *failed);

/* ------------------------------------------------------------------------------------- */
/* Work                                                                                  */

/* A run in the hands of a handler; everything in it is valid until the handler returns.
 * Strings are never NULL. */
typedef struct {
    const char *token; /* "JOB.ORDINAL.ATTEMPT": fences every write that the work makes */
    const char *id;    /* "JOB.ORDINAL", the same over all attempts: dedupe on it */
    uint64_t job;
    const char *ns;
    const char *type;
    const char *key;
    const void *payload;
    size_t payload_size;
    const char *content_type;
    uint32_t attempt; /* from 1 */
    uint32_t failures;
    int64_t due_us;
    int64_t lateness_us; /* due until it became a run; waiting for a worker is not in it */
    bool late;
    int64_t lease_us;
    int64_t run_timeout_us; /* 0 for none */
    /* A reminder: so long before its slot it was due, and when the slot is; else 0. */
    int64_t remind_before_us;
    int64_t slot_due_us;
    void *own; /* of the library */
} belfry_run;

/* Does the work. 0: the run is completed. Anything else: the attempt failed, unless
 * belfry_run_snooze was called. Runs on the thread of belfry_work and may block: heartbeats
 * go on. May call the handle's other functions, but not belfry_work or belfry_watch. */
typedef int belfry_handler (belfry_run *run, void *context);

/* Told what became of it once the daemon has answered: BELFRY_OK or why it was refused
 * (STALE_TOKEN: the lease had ended, somebody else may have done the work). */
typedef void belfry_settled (const belfry_run *run, int error, void *context);

typedef struct {
    const char *ns;
    const char *const *types; /* 1..64, ends with NULL; required */
    const char *worker;       /* shown in the run; default: the client */
    uint64_t limit;           /* return after so many runs; 0 for no limit */
    belfry_settled *settled;  /* may be NULL */
} belfry_work_options;

/* Claims runs of these types, one at a time, hands each to the handler, keeps its lease
 * alive and settles it, until belfry_stop or the limit. A daemon that goes away is waited
 * for; its parked claim and a settlement are repeated under the same request_id.
 * At belfry_stop a claim that is parked is withdrawn, which takes up to a second, and what
 * is answered in that very moment is given back.
 * Errors: INVALID, BAD_ARGUMENT, NO_MEMORY, SYSTEM, NO_ENDPOINT (only where none was ever
 * found). */
BELFRY_API int belfry_work (belfry *self, const belfry_work_options *options,
                            belfry_handler *handler, void *context);

/* For handlers. All copy what they are given. */

/* Kept with the run if the handler returns 0; up to 64 KiB. Errors: NO_MEMORY, TOO_LARGE.
 */
BELFRY_API int belfry_run_result (belfry_run *run, const void *result, size_t size);

/* Why it fails, up to 1024 bytes (cut beyond), and whether another attempt makes sense.
 * Returns -1, so that a handler can say `return belfry_run_fail (…)`. */
BELFRY_API int belfry_run_fail (belfry_run *run, const char *reason, bool retryable);

/* Not now: gives the lease back for so long; counts as no failure. Returns -1 likewise. */
BELFRY_API int belfry_run_snooze (belfry_run *run, int64_t for_us, const char *reason);

/* Whether the work is no longer wanted: a heartbeat said that the job was cancelled,
 * confirmed or moved, or that the lease is lost. Any thread while the handler runs. */
BELFRY_API bool belfry_run_cancelled (const belfry_run *run);

/* ------------------------------------------------------------------------------------- */
/* Watch                                                                                 */

typedef enum {
    /* A fact that happened; seq and the fields after it are set. */
    BELFRY_EVENT = 1,
    /* Everything up to seq was told; what follows is news. After the first replay, and
     * after each later one that told something. */
    BELFRY_CAUGHT_UP = 2,
    /* Another history (a restored backup): forget what you folded; it is told from its
     * oldest event on. */
    BELFRY_HISTORY_RESTARTED = 3,
    /* Events before oldest_seq are no longer kept: read the state with belfry_get. */
    BELFRY_EVENTS_LOST = 4,
} belfry_notice;

/* What a watch tells. Everything in it is valid until the handler returns; strings are
 * never NULL. */
typedef struct {
    belfry_notice notice;
    uint64_t stream_epoch;
    uint64_t seq;        /* the number of the event; CAUGHT_UP: all told up to it */
    uint64_t oldest_seq; /* EVENTS_LOST only */
    bool replayed;       /* it came by replay: the start, or a gap that was closed */
    int64_t at_us;
    const char *kind; /* "run.fired" */
    const char *ns;
    uint64_t job;
    const char *key;
    const char *type;
    const char *run; /* "JOB.ORDINAL"; empty for events of a job */
    uint32_t attempt;
    int64_t due_us;
    int64_t lateness_us;
    const char *reason;
    const void *payload; /* run.delivered only */
    size_t payload_size;
    const char *content_type;
    const void *own; /* of the library */
} belfry_event;

/* 0 to go on; anything else ends the watch with BELFRY_HANDLER. May call the handle's other
 * functions, but not belfry_work or belfry_watch. */
typedef int belfry_event_handler (const belfry_event *event, void *context);

typedef struct {
    uint64_t after_seq;    /* told from the event after this one; 0: from the oldest kept */
    uint64_t stream_epoch; /* the history that after_seq belongs to; 0: whichever it is */
    bool from_now;         /* only what happens from now on; after_seq is ignored */
    bool monitor;          /* the monitor door (never a payload) instead of the feed */
    const char *const *kinds; /* only these, ends with NULL; NULL for all */
    const char *const *types; /* likewise */
} belfry_watch_options;

/* Tells every event once, in the order of seq, until belfry_stop. With kinds chosen, an
 * event that the feed had lost may follow later ones of other kinds or types. Closes gaps
 * by replay, whether frames were lost, the daemon was killed, or it came back on another
 * port. Errors: BAD_ARGUMENT, INVALID, NO_MEMORY, SYSTEM, NO_ENDPOINT (only where none was
 * ever found), HANDLER. */
BELFRY_API int belfry_watch (belfry *self, const belfry_watch_options *options,
                             belfry_event_handler *handler, void *context);

#ifdef __cplusplus
}
#endif

#endif
