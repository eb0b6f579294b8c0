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

/* Ends belfry_work, belfry_watch, or the wait of belfry_call for a Claim on this handle: a
 * run in hand is finished first. Called before they begin it ends the next one at once. Any
 * thread, and signal handlers. */
BELFRY_API void belfry_stop (belfry *self);

/* ------------------------------------------------------------------------------------- */
/* Jobs                                                                                  */

typedef enum {
    BELFRY_WORK = 1,   /* a worker claims the run and settles it */
    BELFRY_NOTIFY = 2, /* the event run.delivered carries the payload */
} belfry_delivery;

typedef enum {
    BELFRY_EXPONENTIAL = 1,
    BELFRY_FIXED = 2,
} belfry_backoff;

/* What to do where an open job has the key. */
typedef enum {
    BELFRY_REJECT = 1,  /* refuse with KEY_TAKEN */
    BELFRY_KEEP = 2,    /* leave that job alone and answer it */
    BELFRY_REPLACE = 3, /* give that job this definition */
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

/* When a failed attempt is tried again; the daemon's defaults in brackets. */
typedef struct {
    uint32_t max_attempts;    /* [5] */
    belfry_backoff backoff;   /* [EXPONENTIAL] */
    int64_t delay_us;         /* first waiting time [1 s] */
    uint32_t factor_permille; /* growth per failure in thousandths [2000] */
    int64_t max_delay_us;     /* [5 min] */
    int jitter_percent;       /* [10]; negative for none */
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
    int64_t at_us;    /* this instant; or 0 and */
    int64_t after_us; /* this long from now on a clock that is never set; 0: at once */
    belfry_retry retry;
    int64_t lease_us;
    int64_t run_timeout_us;
    int64_t start_timeout_us;
    belfry_on_key on_key; /* the same in every job of one call */
    bool reject_past;     /* PAST_DUE instead of firing at once; likewise */
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
 * PAST_DUE, DISK_FULL, and those of every call: UNREACHABLE (it may have happened: the call
 * can be repeated only by belfry_call with its request_id, or give jobs a key),
 * NO_ENDPOINT, NO_MEMORY, BAD_ANSWER, SYSTEM, BUSY, STOPPING, INTERNAL. */
BELFRY_API int belfry_schedule (belfry *self, const belfry_job *job, belfry_answer *answer);

/* Makes 1..1000 jobs in one commit, all or none. answers has `count` places, or is NULL.
 * Errors as belfry_schedule, and BAD_ARGUMENT where on_key or reject_past differ. */
BELFRY_API int belfry_schedule_many (belfry *self, const belfry_job *jobs, size_t count,
                                     belfry_answer *answers);

/* Names a job: by id; or id 0, and by namespace (NULL: "default") and key. */
typedef struct {
    uint64_t id;
    const char *ns;
    const char *key;
} belfry_ref;

/* Ends a job; after BELFRY_OK its slot never fires. answer->out says what a worker has.
 * reason, for the history, and answer may be NULL. Errors: NOT_FOUND, WRONG_STATE. */
BELFRY_API int belfry_cancel (belfry *self, belfry_ref job, const char *reason,
                              belfry_answer *answer);

/* What the job waited for has come: ends it before its slot fires. With cancel_open also
 * after, unless a worker has the run. answer may be NULL.
 * Errors: NOT_FOUND, WRONG_STATE, TOO_LATE (then answer is filled). */
BELFRY_API int belfry_confirm (belfry *self, belfry_ref job, bool cancel_open,
                               belfry_answer *answer);

/* Moves the slot of a job: to at_us, or where that is 0, to after_us from now. answer may
 * be NULL. Errors: NOT_FOUND, WRONG_STATE. */
BELFRY_API int belfry_reschedule (belfry *self, belfry_ref job, int64_t at_us,
                                  int64_t after_us, belfry_answer *answer);

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
    int64_t due_us;
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
    void *own;              /* of the library */
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
