/* SPDX-License-Identifier: MPL-2.0
 *
 * Fifty clients at a real daemon for as long as it is told: 46 that call and 4 that watch.
 * Its memory, descriptors, threads and WAL are measured every second; now and then it is
 * killed, stopped or held, and started again. At the end all work is ended, what was
 * acknowledged is compared with what the log told, and `belfry check` has the last word.
 *
 *   soak --time 10m [--seed N]
 *
 * BELFRYD and BELFRY in the environment name the programs; TMPDIR says where the data goes.
 */
#include "tests/soak/soak.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>
#include <zmq.h>

#include "core/base/hash.h"
#include "core/base/time.h"
#include "tests/soak/crowd.h"
#include "tests/soak/gauges.h"
#include "tests/soak/record.h"
#include "tests/soak/watchers.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

#define SOCKETS (CROWD_CALLERS + WATCHERS_SOCKETS)

/* Connections that we hold at a time: callers, doors and those who replay, a reader. */
#define CONNECTIONS (SOCKETS + 1)

#define PROGRESS_US (3 * BF_SECOND_US)
#define GAUGE_US BF_SECOND_US
#define POLL_MS 5

/* One life of the daemon, unless the whole time is short. */
#define LIFE_LEAST_US (2 * BF_SECOND_US)
#define LIFE_MOST_US (10 * BF_MINUTE_US)

/* How long the end may take: leases run out, retries come. */
#define END_US (3 * BF_MINUTE_US)

typedef struct {
    rig *rig;
    record *record;
    crowd *crowd;
    watchers *watchers;
    gauges gauges;
    int64_t for_us;
    int64_t from_us;
    int64_t next_progress_us;
    int64_t next_gauge_us;
    uint64_t calls_then; /* at the last line of progress */
    int64_t then_us;
    unsigned kills;
    unsigned stops;
    unsigned holds;
} soak;

static uint64_t seed;
static uint64_t drawn;
static soak *running; /* for those who say that something is broken */

uint64_t
soak_random (uint64_t below)
{
    return bf_mix (bf_mix (seed) + ++drawn) % below;
}

int64_t
soak_now_us (void)
{
    return bf_now_read ().boot.us;
}

static const char *
clock_text (int64_t us, char buffer[32])
{
    int64_t s = us / BF_SECOND_US;
    (void)snprintf (buffer, 32, "%" PRId64 ":%02d:%02d", s / 3600, (int)(s / 60 % 60),
                    (int)(s % 60));
    return buffer;
}

void
soak_broken (const char *format, ...)
{
    char text[32];
    int64_t for_us = running ? soak_now_us () - running->from_us : 0;
    (void)fprintf (stderr,
                   "soak: broken after %s (seed %" PRIu64 "): ", clock_text (for_us, text),
                   seed);
    va_list arguments;
    va_start (arguments, format);
    (void)vfprintf (stderr, format, arguments);
    va_end (arguments);
    (void)fprintf (stderr, "\n");
    exit (1);
}

/* Whatever ended the soak early: the daemon goes with it, its data stay. */
static void
at_exit (void)
{
    if (running && running->rig) {
        if (running->rig->daemon.pid > 0) {
            (void)kill (running->rig->daemon.pid, SIGKILL);
        }
        (void)fprintf (stderr, "soak: data and log are in %s\n", running->rig->directory);
    }
}

/* Ctrl-C, or the end of scripts/soak. */
static void
on_signal (int number)
{
    if (running && running->rig && running->rig->daemon.pid > 0) {
        (void)kill (running->rig->daemon.pid, SIGKILL);
    }
    _exit (128 + number);
}

/* --- progress ------------------------------------------------------------------------- */

static void
progress (soak *self)
{
    int64_t now_us = soak_now_us ();
    if (now_us < self->next_progress_us) {
        return;
    }
    self->next_progress_us = now_us + PROGRESS_US;
    char text[32];
    const gauges_reading *last = &self->gauges.last;
    int64_t span_us = now_us - self->then_us + 1;
    printf ("%s commands %" PRIu64 " (%.0f/s) fires %" PRIu64 " rss %.1f MiB fds %zu wal "
            "%.1f MiB threads %zu lag %" PRIu64 " answer %.0f ms open %zu/%zu kills %u\n",
            clock_text (now_us - self->from_us, text), self->crowd->calls,
            (double)(self->crowd->calls - self->calls_then) * 1e6 / (double)span_us,
            self->record->fires, (double)last->resident_bytes / 1048576, last->descriptors,
            (double)last->wal_bytes / 1048576, last->threads, watchers_lag (self->watchers),
            (double)crowd_slowest (self->crowd) / 1000, self->record->open_jobs,
            self->record->open_runs, self->kills);
    (void)fflush (stdout);
    self->calls_then = self->crowd->calls;
    self->then_us = now_us;
}

/* --- turns ---------------------------------------------------------------------------- */

/* Waits a moment for anything, takes what came, and lets the idle ones call. */
static void
turn (soak *self)
{
    zmq_pollitem_t items[SOCKETS];
    crowd_poll (self->crowd, items);
    watchers_poll (self->watchers, items + CROWD_CALLERS);
    (void)zmq_poll (items, SOCKETS, POLL_MS);
    crowd_take (self->crowd, items);
    /* While events are pruned everybody reads, and at the end. */
    watchers_take (self->watchers, self->crowd->over || crowd_prunes_events (self->crowd));
    self->crowd->need_us = watchers_need_us (self->watchers);
    crowd_call (self->crowd);
    if (soak_now_us () >= self->next_gauge_us) {
        gauges_check (&self->gauges, self->rig);
        self->next_gauge_us = soak_now_us () + GAUGE_US;
    }
    progress (self);
}

/* --- lives ---------------------------------------------------------------------------- */

static void
begin_life (soak *self)
{
    /* Short retention: what is pruned in a day elsewhere is pruned in a minute here. */
    rig_start (self->rig, (const char *const[]){"--keep-finals", "20s", "--keep-events",
                                                "1m", "--keep-final-jobs", "20000",
                                                "--keep-event-rows", "200000", NULL});
    gauges_begin (&self->gauges, self->rig, CONNECTIONS);
    peer *reader =
        peer_client (self->rig, self->rig->commands.ipc, ZMQ_DEALER, "soak-reader");
    Belfry__V1__Reply *reply = ask_status (reader);
    record_head (self->record, reply->status->head_seq);
    reply_free (reply);
    peer_free (reader);
    watchers_connect (self->watchers);
    crowd_connect (self->crowd);
}

/* Short lives as likely as long ones. */
static int64_t
life_us (const soak *self)
{
    int64_t most_us = self->for_us / 4 < LIFE_MOST_US ? self->for_us / 4 : LIFE_MOST_US;
    int64_t us = LIFE_LEAST_US;
    while (us < most_us && soak_random (3) > 0) {
        us += us / 2;
    }
    us = us < most_us ? us : most_us;
    return us / 2 + (int64_t)soak_random ((uint64_t)us / 2 + 1);
}

/* Everybody in it stands still for a while, as on a machine that swaps. */
static void
hold (soak *self)
{
    process_signal (&self->rig->daemon, SIGSTOP);
    int64_t until_us = soak_now_us () + (int64_t)soak_random (2 * BF_SECOND_US);
    while (soak_now_us () < until_us) {
        (void)zmq_poll (NULL, 0, POLL_MS);
    }
    process_signal (&self->rig->daemon, SIGCONT);
    self->holds++;
}

static void
end_life (soak *self)
{
    /* Events that are pruned while nobody reads would be lost for the record. */
    while (crowd_prunes_events (self->crowd)) {
        turn (self);
    }
    if (soak_random (5) == 0) {
        rig_stop (self->rig);
        self->stops++;
    } else {
        rig_kill (self->rig);
        self->kills++;
    }
}

static void
live (soak *self)
{
    begin_life (self);
    self->from_us = self->then_us = soak_now_us ();
    int64_t end_us = self->from_us + self->for_us;
    int64_t until_us = soak_now_us () + life_us (self);
    while (soak_now_us () < end_us) {
        turn (self);
        if (soak_now_us () < until_us) {
            continue;
        }
        if (soak_random (8) == 0) {
            hold (self);
        } else {
            end_life (self);
            begin_life (self);
        }
        until_us = soak_now_us () + life_us (self);
    }
}

/* --- the end -------------------------------------------------------------------------- */

static bool
is_over (soak *self)
{
    return self->record->open_jobs == 0 && self->record->open_runs == 0 &&
           crowd_is_quiet (self->crowd) &&
           watchers_are_level (self->watchers, self->record->acknowledged) &&
           self->record->waiting.count == 0;
}

/* No new work: slots are taken back, leases settled or left to run out, until nothing is
 * open and every answer has come. */
static void
finish (soak *self)
{
    int64_t until_us = soak_now_us () + END_US;
    self->crowd->settling = true;
    while (self->record->open_jobs > 0 || self->record->open_runs > 0) {
        if (soak_now_us () > until_us) {
            soak_broken ("%zu jobs and %zu runs are open still", self->record->open_jobs,
                         self->record->open_runs);
        }
        turn (self);
    }
    self->crowd->over = true;
    while (!is_over (self)) {
        if (soak_now_us () > until_us) {
            soak_broken ("answers, or events, did not come to an end");
        }
        turn (self);
    }
}

static void
examine (soak *self)
{
    rig_stop (self->rig);
    char *output = NULL;
    int rc = rig_belfry (self->rig,
                         (const char *const[]){"check", "--data", self->rig->data, NULL},
                         &output);
    if (rc != 0) {
        (void)fprintf (stderr, "%s", output);
        soak_broken ("belfry check ended with %d", rc);
    }
    free (output);
    char *path = temp_path (self->rig->data, "belfry.db");
    sqlite3 *db = NULL;
    assert_int_equal (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    free (path);
    record_finish (self->record, db);
    sqlite3_close (db);
}

static void
summary (const soak *self)
{
    char text[32];
    const gauges_reading *most = &self->gauges.most;
    printf ("soak: %s, %" PRIu64 " commands, %" PRIu64 " acknowledged facts found in the "
            "log, %" PRIu64 " repeats compared, %" PRIu64 " sent again, %" PRIu64
            " events (%" PRIu64 " by Replay), %" PRIu64
            " slots fired (the latest after %.0f ms), %u "
            "kills, %u stops, %u holds\n",
            clock_text (soak_now_us () - self->from_us, text), self->crowd->calls,
            self->record->compared, self->crowd->repeats, self->crowd->resent,
            self->record->seq, self->watchers->replayed, self->record->fires,
            (double)self->record->latest_us / 1000, self->kills, self->stops, self->holds);
    printf ("soak: most: rss %.1f MiB, %zu descriptors, WAL %.1f MiB, %zu threads; pruned "
            "%" PRIu64 " times jobs, %" PRIu64 " times events; belfry check: all is well\n",
            (double)most->resident_bytes / 1048576, most->descriptors,
            (double)most->wal_bytes / 1048576, most->threads,
            self->record->count[BF_EVENT_JOB_PRUNED],
            self->record->count[BF_EVENT_LOG_PRUNED]);
}

/* --- options -------------------------------------------------------------------------- */

static void
read_options (soak *self, int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        bf_span span = {0};
        char *end = NULL;
        if (strcmp (argv[i], "--time") == 0 &&
            bf_span_parse (value, &span, NULL) == BF_OK && span.us > 0) {
            self->for_us = span.us;
        } else if (strcmp (argv[i], "--seed") == 0 && *value) {
            seed = strtoull (value, &end, 10);
        }
        if (self->for_us == 0 || (end && *end)) {
            (void)fprintf (stderr, "usage: soak --time 10m [--seed N]\n");
            exit (2);
        }
    }
}

int
main (int argc, char **argv)
{
    soak self = {0};
    seed = (uint64_t)bf_now_read ().wall.us % 1000000;
    read_options (&self, argc, argv);
    printf ("soak: seed %" PRIu64 "\n", seed);
    self.rig = rig_new ();
    self.record = record_new ();
    self.crowd = crowd_new (self.rig, self.record);
    self.watchers = watchers_new (self.rig, self.record);
    self.from_us = soak_now_us ();
    running = &self;
    struct sigaction ends = {.sa_handler = on_signal};
    if (atexit (at_exit) != 0 || sigaction (SIGINT, &ends, NULL) != 0 ||
        sigaction (SIGTERM, &ends, NULL) != 0) {
        return 1;
    }
    live (&self);
    finish (&self);
    examine (&self);
    summary (&self);
    running = NULL;
    watchers_destroy (&self.watchers);
    crowd_destroy (&self.crowd);
    record_destroy (&self.record);
    rig_destroy (&self.rig);
    return 0;
}
