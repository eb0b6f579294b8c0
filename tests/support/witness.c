/* SPDX-License-Identifier: MPL-2.0
 *
 * What the daemon acknowledged, held against its log and its tables; see witness.h.
 */
#include "tests/support/witness.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>
#include <zmq.h>

#include "core/base/time.h"
#include "tests/support/ask.h"
#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

static uint64_t
choose_seed (void)
{
    const char *given = getenv ("BELFRY_SEED");
    return given && *given ? strtoull (given, NULL, 10)
                           : (uint64_t)bf_now_read ().wall.us % 1000000;
}

witness *
witness_new (void)
{
    witness *self = calloc (1, sizeof *self);
    assert_non_null (self);
    uint64_t seed = choose_seed ();
    print_message ("BELFRY_SEED=%" PRIu64 "\n", seed);
    self->rig = rig_new ();
    self->load = load_new (self->rig, seed);
    self->story = story_new ();
    return self;
}

void
witness_destroy (witness **self_p)
{
    witness *self = *self_p;
    if (!self) {
        return;
    }
    *self_p = NULL;
    peer_free (self->reader);
    peer_free (self->feed);
    load_destroy (&self->load);
    story_destroy (&self->story);
    free (self->heard);
    rig_destroy (&self->rig);
    free (self);
}

/* --- what was acknowledged, against the log ---------------------------------------------
 */

static void
holds (const load_call *call, bool holds, const char *what)
{
    if (!holds) {
        fail_msg ("call %zu (command %d, code %d, seq %" PRIu64 "): %s", call->number,
                  (int)call->command, (int)call->first->code, call->first->seq, what);
    }
}

static void
check_job (const witness *self, const load_call *call,
           const Belfry__V1__JobsReply__Item *item)
{
    uint64_t seq = call->first->seq;
    const story_job *job = story_find_job (self->story, item->job->id);
    holds (call, job && job->made_seq <= seq, "its job is not in the log");
    if (call->first->code != BELFRY__V1__CODE__CODE_OK) {
        return;
    }
    bool ends = call->command == BELFRY__V1__REQUEST__COMMAND_CANCEL ||
                call->command == BELFRY__V1__REQUEST__COMMAND_CONFIRM;
    if (ends) {
        holds (call, job->fired_seq <= seq, "its job fired behind it");
        holds (call, job->state == BF_JOB_CANCELLED || job->state == BF_JOB_CONFIRMED,
               "its job did not end");
    } else if (item->outcome == BELFRY__V1__OUTCOME__OUTCOME_CREATED &&
               !call->first->repeated) {
        /* A repeat shows the job as it is by then: another call may have replaced it. */
        holds (call, item->job->version == 1, "a new job has version 1");
    }
    /* That a fire has the newest definition is the story's rule: no old slot fires. */
    holds (call, job->version >= item->job->version, "its version is lost");
}

static void
check_settled (const witness *self, const load_call *call)
{
    const story_attempt *attempt = story_find_attempt (self->story, call->token);
    bool ok = call->first->code == BELFRY__V1__CODE__CODE_OK;
    holds (call, attempt != NULL, "its attempt is not in the log");
    bf_event_kind end = 0;
    switch (call->command) {
    case BELFRY__V1__REQUEST__COMMAND_COMPLETE:
        end = BF_EVENT_RUN_SUCCEEDED;
        holds (call, ok || attempt->end != end || attempt->end_seq > call->first->seq,
               "it was refused, but the run succeeded by it");
        break;
    case BELFRY__V1__REQUEST__COMMAND_FAIL:
        end = BF_EVENT_RUN_FAILED;
        break;
    default:
        end = BF_EVENT_RUN_SNOOZED;
        break;
    }
    if (ok) {
        bool withdrawn =
            end == BF_EVENT_RUN_SNOOZED && attempt->end == BF_EVENT_RUN_CANCELLED;
        holds (call, attempt->end == end || withdrawn, "the attempt ended otherwise");
        holds (call, attempt->end_seq <= call->first->seq, "it was answered too early");
    }
}

static void
check_runs (const witness *self, const load_call *call)
{
    if (call->token) {
        check_settled (self, call);
        return;
    }
    for (size_t i = 0; i < call->first->runs->n_runs; i++) {
        const story_run *run =
            story_find_run (self->story, call->first->runs->runs[i]->run);
        holds (call, run != NULL, "its run is not in the log");
    }
}

/* Every answer so far must still be true. */
static void
check_acknowledged (const witness *self)
{
    assert_true (self->story->seq >= self->load->seq);
    for (size_t n = 0; n < self->load->calls.count; n++) {
        const load_call *call = self->load->calls.items[n];
        const Belfry__V1__Reply *reply = call->first;
        if (!reply) {
            continue;
        }
        for (size_t i = 0; reply->result_case == BELFRY__V1__REPLY__RESULT_JOBS &&
                           i < reply->jobs->n_items;
             i++) {
            check_job (self, call, reply->jobs->items[i]);
        }
        if (reply->result_case == BELFRY__V1__REPLY__RESULT_RUNS) {
            check_runs (self, call);
        }
        for (size_t i = 0; reply->result_case == BELFRY__V1__REPLY__RESULT_CLAIM &&
                           i < reply->claim->n_leases;
             i++) {
            const char *token = reply->claim->leases[i]->token;
            holds (call, story_find_attempt (self->story, token), "its lease is lost");
        }
    }
    for (size_t i = 0; i < self->heard_count; i++) {
        const witness_heard *event = &self->heard[i];
        if (event->seq > self->story->seq ||
            self->story->digests[event->seq - 1] != event->digest) {
            fail_msg ("event %" PRIu64 " was published, but is not in the log", event->seq);
        }
    }
}

/* --- one effect for each call ------------------------------------------------------------
 */

/* Once every call has its answer, the log has as many events of a kind as were answered:
 * none was lost, and none was done twice. */
static void
check_effects (const witness *self)
{
    size_t said[STORY_KINDS] = {0};
    memcpy (said, self->elsewhere, sizeof said);
    for (size_t n = 0; n < self->load->calls.count; n++) {
        const load_call *call = self->load->calls.items[n];
        const Belfry__V1__Reply *reply = call->first;
        assert_non_null (reply);
        if (reply->code != BELFRY__V1__CODE__CODE_OK) {
            continue;
        }
        if (reply->result_case == BELFRY__V1__REPLY__RESULT_JOBS) {
            for (size_t i = 0; i < reply->jobs->n_items; i++) {
                Belfry__V1__Outcome outcome = reply->jobs->items[i]->outcome;
                bool changed = outcome == BELFRY__V1__OUTCOME__OUTCOME_CHANGED;
                said[BF_EVENT_JOB_SCHEDULED] +=
                    outcome == BELFRY__V1__OUTCOME__OUTCOME_CREATED;
                said[BF_EVENT_JOB_REPLACED] +=
                    outcome == BELFRY__V1__OUTCOME__OUTCOME_REPLACED;
                if (call->command == BELFRY__V1__REQUEST__COMMAND_RESCHEDULE) {
                    said[BF_EVENT_JOB_RESCHEDULED] += changed;
                } else {
                    /* Confirm may end it either way. */
                    said[BF_EVENT_JOB_CANCELLED] += changed;
                }
            }
        } else if (call->command == BELFRY__V1__REQUEST__COMMAND_TRIGGER) {
            said[BF_EVENT_JOB_TRIGGERED]++;
        } else if (call->command == BELFRY__V1__REQUEST__COMMAND_REDRIVE) {
            said[BF_EVENT_RUN_REDRIVEN]++;
        } else if (call->command == BELFRY__V1__REQUEST__COMMAND_COMPLETE) {
            said[BF_EVENT_RUN_SUCCEEDED] += !reply->runs->unchanged;
        }
    }
    const size_t *told = self->story->count;
    assert_int_equal (told[BF_EVENT_JOB_SCHEDULED], said[BF_EVENT_JOB_SCHEDULED]);
    assert_int_equal (told[BF_EVENT_JOB_REPLACED], said[BF_EVENT_JOB_REPLACED]);
    assert_int_equal (told[BF_EVENT_JOB_RESCHEDULED], said[BF_EVENT_JOB_RESCHEDULED]);
    assert_int_equal (told[BF_EVENT_JOB_CANCELLED] + told[BF_EVENT_JOB_CONFIRMED],
                      said[BF_EVENT_JOB_CANCELLED]);
    assert_int_equal (told[BF_EVENT_JOB_TRIGGERED], said[BF_EVENT_JOB_TRIGGERED]);
    assert_int_equal (told[BF_EVENT_RUN_REDRIVEN], said[BF_EVENT_RUN_REDRIVEN]);
    assert_int_equal (told[BF_EVENT_RUN_SUCCEEDED], said[BF_EVENT_RUN_SUCCEEDED]);
}

/* --- the tables --------------------------------------------------------------------------
 */

/* The single text or number of a query. */
static void
expect_row (sqlite3 *db, const char *sql, const char *expected)
{
    sqlite3_stmt *stmt;
    assert_int_equal (sqlite3_prepare_v2 (db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal (sqlite3_step (stmt), SQLITE_ROW);
    const char *found = (const char *)sqlite3_column_text (stmt, 0);
    if (!found || strcmp (found, expected) != 0) {
        fail_msg ("%s: '%s' instead of '%s'", sql, found ? found : "", expected);
    }
    assert_int_equal (sqlite3_step (stmt), SQLITE_DONE);
    sqlite3_finalize (stmt);
}

static void
check_job_rows (const witness *self, sqlite3 *db)
{
    sqlite3_stmt *stmt;
    size_t rows = 0;
    assert_int_equal (
        sqlite3_prepare_v2 (
            db, "SELECT id, state, version, runs, open_runs, due_us, last_seq FROM job", -1,
            &stmt, NULL),
        SQLITE_OK);
    for (; sqlite3_step (stmt) == SQLITE_ROW; rows++) {
        const story_job *job =
            story_find_job (self->story, (uint64_t)sqlite3_column_int64 (stmt, 0));
        assert_non_null (job);
        assert_int_equal (sqlite3_column_int64 (stmt, 1), job->state);
        assert_int_equal (sqlite3_column_int64 (stmt, 2), job->version);
        assert_int_equal (sqlite3_column_int64 (stmt, 3), job->runs);
        assert_int_equal (sqlite3_column_int64 (stmt, 4), job->open_runs);
        assert_int_equal (sqlite3_column_int64 (stmt, 5), job->due_us);
        assert_int_equal (sqlite3_column_int64 (stmt, 6), job->last_seq);
    }
    sqlite3_finalize (stmt);
    assert_int_equal (rows, bf_map_count (self->story->jobs));
}

static void
check_run_rows (const witness *self, sqlite3 *db)
{
    sqlite3_stmt *stmt;
    size_t rows = 0;
    assert_int_equal (
        sqlite3_prepare_v2 (db,
                            "SELECT job || '.' || ordinal, state, attempt, failures, "
                            "last_seq, final_us FROM run",
                            -1, &stmt, NULL),
        SQLITE_OK);
    for (; sqlite3_step (stmt) == SQLITE_ROW; rows++) {
        const story_run *run =
            story_find_run (self->story, (const char *)sqlite3_column_text (stmt, 0));
        assert_non_null (run);
        assert_int_equal (sqlite3_column_int64 (stmt, 1), run->state);
        assert_int_equal (sqlite3_column_int64 (stmt, 2), run->attempt);
        assert_int_equal (sqlite3_column_int64 (stmt, 3), run->failures);
        assert_int_equal (sqlite3_column_int64 (stmt, 4), run->last_seq);
        assert_true (run->final_seq > 0);
    }
    sqlite3_finalize (stmt);
    assert_int_equal (rows, bf_map_count (self->story->runs));
}

static void
check_tables (const witness *self)
{
    char *path = temp_path (self->rig->data, "belfry.db");
    sqlite3 *db;
    assert_int_equal (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    free (path);
    /* One row "ok"; what is wrong comes in rows of its own. */
    expect_row (db, "PRAGMA integrity_check", "ok");
    check_job_rows (self, db);
    check_run_rows (self, db);
    static const char *const zeros[] = {
        "SELECT open_jobs - (SELECT count (*) FROM job WHERE state <= 3) FROM meta",
        "SELECT ready_runs - (SELECT count (*) FROM run WHERE state = 2) FROM meta",
        "SELECT leased_runs - (SELECT count (*) FROM run WHERE state = 3) FROM meta",
        "SELECT answers - (SELECT count (*) FROM answer) FROM meta",
        "SELECT head_seq - (SELECT max (seq) FROM event) FROM meta",
        "SELECT head_seq - (SELECT count (*) FROM event) FROM meta",
        "SELECT next_id <= (SELECT max (id) FROM job) FROM meta",
        "SELECT count (*) FROM job WHERE open_runs <> "
        "(SELECT count (*) FROM run WHERE job = id AND run.state <= 4)",
        "SELECT count (*) FROM (SELECT 1 FROM job WHERE key IS NOT NULL AND state <= 3 "
        "GROUP BY ns, key HAVING count (*) > 1)",
    };
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++) {
        expect_row (db, zeros[i], "0");
    }
    sqlite3_close (db);
}

/* --- the rounds --------------------------------------------------------------------------
 */

void
witness_listen (witness *self)
{
    Belfry__V1__Event *event;
    while ((event = peer_event (self->feed, 0)) != NULL) {
        if (self->heard_count == self->heard_capacity) {
            self->heard_capacity = self->heard_capacity * 2 + 1024;
            self->heard = realloc (self->heard, self->heard_capacity * sizeof *self->heard);
            assert_non_null (self->heard);
        }
        self->heard[self->heard_count++] =
            (witness_heard){.seq = event->seq, .digest = story_digest (event)};
        belfry__v1__event__free_unpacked (event, NULL);
    }
}

void
witness_serve (witness *self)
{
    peer_free (self->reader);
    self->reader = peer_client (self->rig, self->rig->commands.tcp, ZMQ_DEALER, "reader");
    if (!self->feed) {
        /* On ipc it connects again by itself. */
        self->feed = peer_subscriber (self->rig, self->rig->feed.ipc, "");
    }
    witness_listen (self);
    story_read (self->story, self->reader);
    check_acknowledged (self);
    load_connect (self->load);
}

/* Claims and completes until nothing is due any more. */
static void
settle (witness *self)
{
    self->load->settling = true;
    int64_t until_us = bf_now_read ().boot.us + RIG_DEADLINE_MS * BF_MS_US;
    do {
        if (bf_now_read ().boot.us > until_us) {
            story_print_open (self->story);
            rig_fail (self->rig, "some runs did not become final");
        }
        load_run (self->load, 100 * BF_MS_US);
        load_drain (self->load);
        witness_listen (self);
        story_read (self->story, self->reader);
    } while (!story_settled (self->story, bf_now_read ().wall.us + LOAD_FAR_US / 2));
}

void
witness_end (witness *self, size_t repeats)
{
    load_drain (self->load);
    settle (self);
    load_repeat (self->load, repeats);
    load_drain (self->load);
    story_read (self->story, self->reader);
    check_acknowledged (self);
    check_effects (self);
    rig_stop (self->rig);
    /* The last word of the log, scheduler.stopping, is only in the file by now. */
    check_tables (self);
}

void
witness_report (const witness *self, size_t kills, int64_t from_us)
{
    print_message ("%zu kills, %zu calls, %zu acknowledged, %zu sent again after a kill, "
                   "%zu repeats compared, %zu events published, %" PRIu64
                   " logged, %zu jobs, %zu runs, %.1f s\n",
                   kills, self->load->calls.count, self->load->answered, self->load->resent,
                   self->load->repeats, self->heard_count, self->story->seq,
                   bf_map_count (self->story->jobs), bf_map_count (self->story->runs),
                   (double)(bf_now_read ().boot.us - from_us) / (double)BF_SECOND_US);
}
