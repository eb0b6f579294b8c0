/* SPDX-License-Identifier: MPL-2.0
 *
 * A short game against a real daemon, which scripts/run plays: a season opens, turns are
 * armed with claim, writing and drawing timeouts (seconds instead of hours), one player is
 * in time and one is not, a worker fails once, the daemon is killed with SIGKILL while a
 * run is in hand and a timer is about to be due, and comes back. `belfry watch` looks on.
 * At the end every event must have been seen exactly as often as it should, by the watcher
 * and in the daemon's own log.
 *
 *   game [--once] BUILD-DIRECTORY      (data in ./data, where belfryd and belfry look for
 * it by themselves)
 *
 * Whatever ends it, its daemon does not outlive it: SIGINT, SIGTERM and SIGHUP are blocked
 * in every thread and taken by one that does nothing else.
 *
 * It shows how a bot in C uses libbelfry: `schedule`, `confirm`, a work loop on a thread of
 * its own.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "belfry_wire.h"

#define MS_US 1000
#define DEADLINE_MS 20000 /* for anything that the game waits for */
#define DATA_IN_USE 10    /* belfryd's exit code */

extern char **environ;

/* What must be seen, and how often. Everything else of these keys must not. */
typedef struct {
    const char *who;
    const char *kind;
    unsigned expected;
    unsigned watched;
    unsigned logged;
} expectation;

static expectation expectations[] = {
    {"season", "job.scheduled", 1, 0, 0},       {"season", "run.fired", 1, 0, 0},
    {"season", "run.delivered", 1, 0, 0},       {"season", "job.completed", 1, 0, 0},
    {"ada-claim", "job.scheduled", 1, 0, 0},    {"ada-claim", "job.confirmed", 1, 0, 0},
    {"ada-writing", "job.scheduled", 1, 0, 0},  {"ada-writing", "run.fired", 1, 0, 0},
    {"ada-writing", "run.claimed", 1, 0, 0},    {"ada-writing", "run.succeeded", 1, 0, 0},
    {"ada-writing", "job.completed", 1, 0, 0},  {"bob-drawing", "job.scheduled", 1, 0, 0},
    {"bob-drawing", "run.fired", 1, 0, 0},      {"bob-drawing", "run.claimed", 2, 0, 0},
    {"bob-drawing", "run.failed", 1, 0, 0},     {"bob-drawing", "run.retrying", 1, 0, 0},
    {"bob-drawing", "run.succeeded", 1, 0, 0},  {"bob-drawing", "job.completed", 1, 0, 0},
    {"dora-writing", "job.scheduled", 1, 0, 0}, {"dora-writing", "run.fired", 1, 0, 0},
    {"dora-writing", "run.claimed", 1, 0, 0},   {"dora-writing", "run.succeeded", 1, 0, 0},
    {"dora-writing", "job.completed", 1, 0, 0}, {"cleo-claim", "job.scheduled", 1, 0, 0},
    {"cleo-claim", "run.fired", 1, 0, 0},       {"cleo-claim", "run.claimed", 1, 0, 0},
    {"cleo-claim", "run.succeeded", 1, 0, 0},   {"cleo-claim", "job.completed", 1, 0, 0},
};

#define EXPECTATIONS (sizeof expectations / sizeof expectations[0])

/* Who takes part; told apart from earlier games on the same data by the number in their
 * keys. */
static const char *const players[] = {"season",      "ada-claim",    "ada-writing",
                                      "bob-drawing", "dora-writing", "cleo-claim"};

typedef struct {
    char *belfryd;
    char *belfry;
    long number;
    struct timespec start;
    /* 0 where there is none. */
    pid_t daemon;
    pid_t watch;
    bool staying;
    /* For these three. Whoever ends the game takes it and never gives it back, so that the
     * other threads can neither start a program nor complain that theirs is gone. */
    pthread_mutex_t children;
    sigset_t signals;
    int watch_output;
    belfry *bot;
    belfry *worker;
    /* Shared by the three threads. */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned unexpected;
    bool dora_in_hand;
    bool daemon_is_back;
} game;

static game table = {.children = PTHREAD_MUTEX_INITIALIZER,
                     .lock = PTHREAD_MUTEX_INITIALIZER,
                     .changed = PTHREAD_COND_INITIALIZER};

static double
elapsed (const game *self)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - self->start.tv_sec) +
           (double)(now.tv_nsec - self->start.tv_nsec) / 1e9;
}

__attribute__ ((format (printf, 2, 3))) static void
say (const char *who, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (line, sizeof line, format, arguments);
    va_end (arguments);
    printf ("%7.3f s  %-7s %s\n", elapsed (&table), who, line);
    fflush (stdout);
}

/* With `children` locked: ends a program and returns how it ended, as of waitpid. */
static int
end_child (pid_t *child, int number)
{
    int status = 0;
    if (*child > 0) {
        kill (*child, number);
        waitpid (*child, &status, 0);
        *child = 0;
    }
    return status;
}

static int
stop_child (game *self, pid_t *child, int number)
{
    pthread_mutex_lock (&self->children);
    int status = end_child (child, number);
    pthread_mutex_unlock (&self->children);
    return status;
}

/* With `children` locked. The other threads are in the middle of things, so nothing is
 * tidied up behind their back. */
static _Noreturn void
leave (game *self, int code)
{
    end_child (&self->watch, SIGTERM);
    end_child (&self->daemon, SIGTERM);
    puts ("stopped");
    fflush (stdout);
    _exit (code);
}

static void *
take_signal (void *context)
{
    game *self = context;
    int number = 0;
    sigwait (&self->signals, &number);
    pthread_mutex_lock (&self->children);
    leave (self, self->staying ? 0 : 128 + number);
}

__attribute__ ((format (printf, 1, 2))) static _Noreturn void
give_up (const char *format, ...)
{
    pthread_mutex_lock (&table.children);
    va_list arguments;
    va_start (arguments, format);
    fputs ("game: ", stderr);
    vfprintf (stderr, format, arguments);
    fputc ('\n', stderr);
    va_end (arguments);
    leave (&table, 1);
}

static void
must (belfry *self, int rc, const char *what)
{
    if (rc != BELFRY_OK) {
        give_up ("%s: %s", what, belfry_error_text (self));
    }
}

static void
pause_ms (long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    while (nanosleep (&time, &time) == -1 && errno == EINTR) {
    }
}

/* Its own process group, since Ctrl-C is the game's to answer; and no signal blocked. */
static int
spawn (char *const *arguments, const posix_spawn_file_actions_t *actions, pid_t *child)
{
    pid_t pid;
    sigset_t none;
    posix_spawnattr_t attributes;
    sigemptyset (&none);
    posix_spawnattr_init (&attributes);
    posix_spawnattr_setflags (&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setsigmask (&attributes, &none);
    pthread_mutex_lock (&table.children);
    int rc = posix_spawn (&pid, arguments[0], actions, &attributes, arguments, environ);
    if (rc == 0) {
        *child = pid;
    }
    pthread_mutex_unlock (&table.children);
    posix_spawnattr_destroy (&attributes);
    return rc;
}

/* Starts a program with its stdout, and if asked its stderr, in a pipe; returns that. */
static int
start (char *const *arguments, bool errors, pid_t *child)
{
    int ends[2];
    posix_spawn_file_actions_t actions;
    if (pipe (ends) != 0) {
        give_up ("pipe: %s", strerror (errno));
    }
    posix_spawn_file_actions_init (&actions);
    posix_spawn_file_actions_adddup2 (&actions, ends[1], STDOUT_FILENO);
    if (errors) {
        posix_spawn_file_actions_adddup2 (&actions, ends[1], STDERR_FILENO);
    }
    posix_spawn_file_actions_addclose (&actions, ends[0]);
    posix_spawn_file_actions_addclose (&actions, ends[1]);
    int rc = spawn (arguments, &actions, child);
    posix_spawn_file_actions_destroy (&actions);
    close (ends[1]);
    if (rc != 0) {
        give_up ("%s: %s", arguments[0], strerror (rc));
    }
    return ends[0];
}

static void
start_daemon (game *self)
{
    char *arguments[] = {self->belfryd, "--log-level", "error", NULL};
    int output = start (arguments, false, &self->daemon);
    FILE *lines = fdopen (output, "r");
    char line[1024] = "";
    if (!lines || !fgets (line, sizeof line, lines) || strncmp (line, "ready ", 6) != 0) {
        int status = stop_child (self, &self->daemon, SIGTERM);
        if (WIFEXITED (status) && WEXITSTATUS (status) == DATA_IN_USE) {
            give_up (
                "the game needs ./data for itself: stop the belfryd that has it (Ctrl-C "
                "where it runs, or kill), then start again");
        }
        give_up ("belfryd did not become ready");
    }
    fclose (lines);
    say ("daemon", "%.*s", (int)strcspn (line, "\n"), line);
}

static const char *
who_of (const char *key)
{
    const char *colon = strchr (key, ':');
    return colon && strtol (key, NULL, 10) == table.number ? colon + 1 : NULL;
}

static expectation *
find_expectation (const char *who, const char *kind)
{
    for (size_t i = 0; i < EXPECTATIONS; i++) {
        if (strcmp (expectations[i].who, who) == 0 &&
            strcmp (expectations[i].kind, kind) == 0) {
            return &expectations[i];
        }
    }
    return NULL;
}

/* One line of `belfry watch`: time, seq, kind, type, run or job, key, lateness, reason. */
static void
look_at (game *self, const char *line)
{
    unsigned long long seq;
    char kind[64];
    char key[128];
    say ("watch", "%.*s", (int)strcspn (line, "\n"), line);
    if (sscanf (line, "%*s %llu %63s %*s %*s %127s", &seq, kind, key) != 3) {
        return;
    }
    const char *who = who_of (key);
    if (!who) {
        return;
    }
    pthread_mutex_lock (&self->lock);
    expectation *expected = find_expectation (who, kind);
    if (expected) {
        expected->watched++;
    } else {
        self->unexpected++;
    }
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

static void *
watch (void *context)
{
    game *self = context;
    FILE *lines = fdopen (self->watch_output, "r");
    char line[1024];
    while (lines && fgets (line, sizeof line, lines)) {
        look_at (self, line);
    }
    if (lines) {
        fclose (lines);
    }
    return NULL;
}

static void
start_watch (game *self, uint64_t head)
{
    char from[32];
    snprintf (from, sizeof from, "%llu", (unsigned long long)head + 1);
    char *arguments[] = {self->belfry, "watch", "--from", from, NULL};
    self->watch_output = start (arguments, true, &self->watch);
}

/* Waits until `done` (called with the lock) is true; gives up at the deadline. */
static void
wait_until (game *self, bool (*done) (const game *, const char *, const char *),
            const char *who, const char *kind)
{
    struct timespec deadline;
    clock_gettime (CLOCK_REALTIME, &deadline);
    deadline.tv_sec += DEADLINE_MS / 1000;
    pthread_mutex_lock (&self->lock);
    while (!done (self, who, kind)) {
        if (pthread_cond_timedwait (&self->changed, &self->lock, &deadline) != 0) {
            pthread_mutex_unlock (&self->lock);
            give_up ("waited %d s for %s of %s", DEADLINE_MS / 1000, kind, who);
        }
    }
    pthread_mutex_unlock (&self->lock);
}

static bool
was_seen (const game *self, const char *who, const char *kind)
{
    (void)self;
    const expectation *expected = find_expectation (who, kind);
    return expected && expected->watched >= expected->expected;
}

static bool
dora_is_in_hand (const game *self, const char *who, const char *kind)
{
    (void)who;
    (void)kind;
    return self->dora_in_hand;
}

static bool
daemon_is_back (const game *self, const char *who, const char *kind)
{
    (void)who;
    (void)kind;
    return self->daemon_is_back;
}

static void
announce (game *self, bool *flag)
{
    pthread_mutex_lock (&self->lock);
    *flag = true;
    pthread_cond_broadcast (&self->changed);
    pthread_mutex_unlock (&self->lock);
}

/* The bot's work: what happens when a time-out strikes. */
static int
handle (belfry_run *run, void *context)
{
    game *self = context;
    const char *who = who_of (run->key);
    if (!who) {
        return 0; /* left over from a game that was interrupted */
    }
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    int64_t now_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
    say ("worker", "%s of %s: run %s, attempt %u, in hand %.1f ms after it was due",
         run->type, who, run->id, run->attempt, (double)(now_us - run->due_us) / 1000);
    if (strcmp (who, "bob-drawing") == 0 && run->attempt == 1) {
        say ("worker", "... and the chat is not reachable: it fails");
        return belfry_run_fail (run, "the chat is not reachable", true);
    }
    if (strcmp (who, "dora-writing") == 0) {
        announce (self, &self->dora_in_hand);
        wait_until (self, daemon_is_back, "the daemon", "return");
    }
    return belfry_run_result (run, "turn passed on", strlen ("turn passed on"));
}

static void *
work (void *context)
{
    game *self = context;
    static const char *const types[] = {"claim_timeout", "writing_timeout",
                                        "drawing_timeout", NULL};
    belfry_work_options options = {.types = types, .worker = "game-master"};
    int rc = belfry_work (self->worker, &options, handle, self);
    if (rc != BELFRY_OK) {
        give_up ("the worker ended: %s", belfry_error_text (self->worker));
    }
    return NULL;
}

static char *
key_of (const game *self, const char *who, char key[64])
{
    snprintf (key, 64, "%ld:%s", self->number, who);
    return key;
}

static void
arm (game *self, const char *type, const char *who, int64_t after_ms,
     belfry_delivery delivery)
{
    char key[64];
    belfry_job job = {
        .type = type,
        .key = key_of (self, who, key),
        .payload = who,
        .payload_size = strlen (who),
        .content_type = "text/plain",
        .delivery = delivery,
        .after_us = after_ms * MS_US,
        .retry = {.backoff = BELFRY_FIXED, .delay_us = 300 * MS_US},
    };
    belfry_answer answer;
    must (self->bot, belfry_schedule (self->bot, &job, &answer), "schedule");
    say ("bot", "arms %s of %s: job %llu, due in %.1f s", type, who,
         (unsigned long long)answer.id, (double)after_ms / 1000);
}

static void
confirm (game *self, const char *who)
{
    char key[64];
    belfry_ref job = {.key = key_of (self, who, key)};
    must (self->bot, belfry_confirm (self->bot, job, false, NULL), "confirm");
    say ("bot", "%s came in time: confirmed, its timer never fires", who);
}

static void
play (game *self)
{
    arm (self, "season_open", "season", 300, BELFRY_NOTIFY);
    wait_until (self, was_seen, "season", "run.delivered");
    say ("bot", "the season is open");

    arm (self, "claim_timeout", "ada-claim", 2000, BELFRY_WORK);
    pause_ms (400);
    confirm (self, "ada-claim");
    arm (self, "writing_timeout", "ada-writing", 800, BELFRY_WORK);
    wait_until (self, was_seen, "ada-writing", "job.completed");
    say ("bot", "Ada was too slow to write: her turn was passed on");

    arm (self, "drawing_timeout", "bob-drawing", 500, BELFRY_WORK);
    wait_until (self, was_seen, "bob-drawing", "job.completed");

    arm (self, "writing_timeout", "dora-writing", 200, BELFRY_WORK);
    wait_until (self, dora_is_in_hand, "dora-writing", "the run in hand");
    arm (self, "claim_timeout", "cleo-claim", 1000, BELFRY_WORK);
    stop_child (self, &self->daemon, SIGKILL);
    say ("game", "the daemon was killed with SIGKILL: Dora's run is in hand, Cleo's timer "
                 "falls due meanwhile");
    pause_ms (1600);
    start_daemon (self);
    announce (self, &self->daemon_is_back);
    wait_until (self, was_seen, "dora-writing", "job.completed");
    wait_until (self, was_seen, "cleo-claim", "job.completed");
}

/* Counts what the daemon's own log says of one player's job. */
static void
count_log (game *self, const char *who)
{
    char key[64];
    Belfry__V1__JobRef job = BELFRY__V1__JOB_REF__INIT;
    Belfry__V1__History history = BELFRY__V1__HISTORY__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    Belfry__V1__Reply *reply;
    job.key = key_of (self, who, key);
    history.job = &job;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_HISTORY;
    request.history = &history;
    must (self->bot, belfry_call (self->bot, &request, &reply), "history");
    must (self->bot, belfry_reply_error (self->bot, reply), "history");
    for (size_t i = 0; i < reply->events->n_events; i++) {
        expectation *expected = find_expectation (who, reply->events->events[i]->kind);
        if (expected) {
            expected->logged++;
        } else {
            self->unexpected++;
        }
    }
    belfry_reply_free (&reply);
}

static bool
judge (game *self)
{
    for (size_t i = 0; i < sizeof players / sizeof players[0]; i++) {
        count_log (self, players[i]);
    }
    bool right = self->unexpected == 0;
    printf ("\n%-14s %-14s expected  watched  in the log\n", "who", "event");
    for (size_t i = 0; i < EXPECTATIONS; i++) {
        const expectation *line = &expectations[i];
        bool same = line->watched == line->expected && line->logged == line->expected;
        right = right && same;
        printf ("%-14s %-14s %8u %8u %11u%s\n", line->who, line->kind, line->expected,
                line->watched, line->logged, same ? "" : "   <-- wrong");
    }
    printf ("events that nobody expected: %u\n%s\n\n", self->unexpected,
            right ? "every event was seen exactly as often as it should"
                  : "the game went wrong");
    return right;
}

static uint64_t
head_of_log (game *self)
{
    Belfry__V1__Status status = BELFRY__V1__STATUS__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    Belfry__V1__Reply *reply;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_STATUS;
    request.status = &status;
    must (self->bot, belfry_call (self->bot, &request, &reply), "status");
    uint64_t head = reply->status->head_seq;
    belfry_reply_free (&reply);
    return head;
}

static void
open_handles (game *self)
{
    belfry_options options = {.retries = 10, .timeout_ms = 1000};
    if (belfry_open (&self->bot, &options) != BELFRY_OK ||
        belfry_open (&self->worker, &options) != BELFRY_OK) {
        give_up ("out of memory or sockets");
    }
}

/* Until the daemon ends by itself; a signal ends it sooner, in take_signal. */
static _Noreturn void
stay (game *self)
{
    printf ("The daemon goes on, here. In another terminal:\n\n"
            "  %s schedule --type claim_timeout --key turn-9 --after 10s\n"
            "  %s watch\n"
            "  %s claim --type claim_timeout --wait 30s\n"
            "  %s complete TOKEN\n"
            "  %s help\n\n"
            "Ctrl-C stops it.\n",
            self->belfry, self->belfry, self->belfry, self->belfry, self->belfry);
    fflush (stdout);
    pthread_mutex_lock (&self->children);
    self->staying = true;
    id_t daemon = (id_t)self->daemon;
    pthread_mutex_unlock (&self->children);
    siginfo_t end;
    /* Not reaped, so that its number stays its own until somebody does under the lock. */
    while (waitid (P_PID, daemon, &end, WEXITED | WNOWAIT) == -1 && errno == EINTR) {
    }
    give_up ("belfryd has ended by itself (%s %d); what it logged is above",
             end.si_code == CLD_EXITED ? "exit code" : "signal", end.si_status);
}

static char *
path_of (const char *directory, const char *name)
{
    size_t size = strlen (directory) + strlen (name) + 2;
    char *path = malloc (size);
    if (!path) {
        give_up ("out of memory");
    }
    snprintf (path, size, "%s/%s", directory, name);
    return path;
}

int
main (int argc, char **argv)
{
    bool once = argc > 1 && strcmp (argv[1], "--once") == 0;
    if (argc != (once ? 3 : 2)) {
        fputs ("usage: game [--once] BUILD-DIRECTORY\n", stderr);
        return 2;
    }
    game *self = &table;
    self->belfryd = path_of (argv[argc - 1], "belfryd");
    self->belfry = path_of (argv[argc - 1], "belfry");
    /* Milliseconds, so that a game that was interrupted can be started again at once. */
    struct timespec now;
    clock_gettime (CLOCK_REALTIME, &now);
    self->number = now.tv_sec * 1000 + now.tv_nsec / 1000000;
    clock_gettime (CLOCK_MONOTONIC, &self->start);

    sigemptyset (&self->signals);
    sigaddset (&self->signals, SIGINT);
    sigaddset (&self->signals, SIGTERM);
    sigaddset (&self->signals, SIGHUP);
    pthread_sigmask (SIG_BLOCK, &self->signals, NULL);
    pthread_t listener;
    pthread_create (&listener, NULL, take_signal, self);
    pthread_detach (listener);

    start_daemon (self);
    open_handles (self);
    start_watch (self, head_of_log (self));
    pthread_t watcher;
    pthread_t worker;
    pthread_create (&watcher, NULL, watch, self);
    pthread_create (&worker, NULL, work, self);

    play (self);
    belfry_stop (self->worker);
    pthread_join (worker, NULL);
    stop_child (self, &self->watch, SIGTERM);
    pthread_join (watcher, NULL);
    bool right = judge (self);
    belfry_close (&self->worker);
    belfry_close (&self->bot);

    if (right && !once) {
        stay (self);
    }
    stop_child (self, &self->daemon, SIGTERM);
    free (self->belfryd);
    free (self->belfry);
    puts ("stopped");
    return right ? 0 : 1;
}
