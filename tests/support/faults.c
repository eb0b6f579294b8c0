/* SPDX-License-Identifier: MPL-2.0
 *
 * The story, and how it is told. Nothing here waits, and nothing asks for the time: two
 * tellings without a fault do the same.
 */
#include "tests/support/faults.h"

#include <inttypes.h>
#include <string.h>

#include "messages/codec.h"
#include "tests/support/cmocka.h"

typedef enum {
    STEP_CALL,  /* text: a request */
    STEP_FIRE,  /* what is due */
    STEP_CLAIM, /* text: a claim, of which something is ready */
    STEP_PASS,  /* us go by */
    STEP_TEND,  /* chores, until there are none */
    STEP_CHECKPOINT,
    STEP_RETIRE, /* the last batch, and a clean close */
} step_kind;

#define DAYS_31_US (31 * INT64_C (86400000000))

/* Ids are 256, 512, … in the order of their making. The one with a large payload takes
 * pages of its own. */
static const struct {
    step_kind kind;
    const char *text;
    int64_t us;
} story[] = {
    {STEP_CALL, "schedule.jobs.type=spare schedule.jobs.after_us=0", 0},
    {STEP_CALL, "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.after_us=5", 0},
    {STEP_CALL,
     "schedule.jobs[0].type=work schedule.jobs[0].after_us=0 "
     "schedule.jobs[1].type=work schedule.jobs[1].after_us=0 "
     "schedule.jobs[1].payload=*20000 schedule.jobs[2].type=work "
     "schedule.jobs[2].after_us=0 schedule.jobs[2].retry.max_attempts=1",
     0},
    {STEP_CALL, "schedule.jobs.type=tick schedule.jobs.every.interval_us=1000000", 0},
    {STEP_PASS, NULL, 5},
    {STEP_FIRE, NULL, 0},
    {STEP_CLAIM, "claim.types=spare", 0},
    {STEP_CLAIM, "claim.types=work claim.max=3", 0},
    {STEP_CALL, "complete.token=768.1.1 complete.result=*9", 0},
    {STEP_CALL, "fail.token=1024.1.1 fail.reason=oh", 0},
    {STEP_CALL, "fail.token=1280.1.1 fail.reason=no", 0},
    {STEP_CHECKPOINT, NULL, 0},
    {STEP_CALL,
     "schedule.jobs[0].type=wait schedule.jobs[0].tags=red "
     "schedule.jobs[0].after_us=99000000 schedule.jobs[1].type=wait "
     "schedule.jobs[1].tags=red schedule.jobs[1].after_us=99000000",
     0},
    {STEP_PASS, NULL, 1000000},
    {STEP_FIRE, NULL, 0},
    {STEP_CALL, "redrive.run=1280.1", 0},
    {STEP_CALL, "cancel.filter.tags=red", 0},
    {STEP_TEND, NULL, 0},
    {STEP_CALL, "pause.job.id=1536", 0},
    {STEP_RETIRE, NULL, 0},
    {STEP_CALL, "cancel.job.key=k", 0},
    {STEP_PASS, NULL, DAYS_31_US},
    {STEP_TEND, NULL, 0},
    {STEP_CALL, "schedule.jobs.type=last schedule.jobs.after_us=7", 0},
};
#define STEPS (sizeof story / sizeof story[0])

/* Behind the claim of the spare one. */
#define SPARE_STEP 7
#define SPARE_TOKEN "256.1.1"

static void
aside (const faults *self, bool begins)
{
    if (self->aside) {
        self->aside (self->context, begins);
    }
}

void
faults_new (faults *self, ledger *store, const char *vfs)
{
    *self = (faults){.ledger = store};
    bf_ledger_close (&store->ledger);
    ledger_model_destroy (&store->model);
    store->model = ledger_model_new ();
    ledger_forget_texts (store);
    store->vfs = vfs;
    store->now = (bf_now){{LEDGER_WALL_US}, {LEDGER_BOOT_US}};
    store->back = store->now;
}

bool
faults_is_over (const faults *self)
{
    return self->at == STEPS;
}

const char *
faults_spare (const faults *self)
{
    return self->at >= SPARE_STEP ? SPARE_TOKEN : NULL;
}

/* --- batches -------------------------------------------------------------------------- */

static void
hear (faults *self)
{
    aside (self, true);
    ledger_model_hear (self->ledger);
    aside (self, false);
}

/* As the store actor does: only a full disk is no reason to stop. */
static bf_err
end_batch (faults *self, bf_err rc, const bf_error *error)
{
    ledger *store = self->ledger;
    if (rc == BF_OK) {
        hear (self);
        return BF_OK;
    }
    /* An error has a sentence. */
    assert_int_equal (error->code, rc);
    assert_true (error->text[0] != '\0');
    if (rc == BF_EDISKFULL) {
        bf_ledger_rollback (store->ledger);
    } else {
        bf_ledger_close (&store->ledger);
    }
    return rc;
}

static bf_err
batch (faults *self, const Belfry__Internal__StoreItem *item, bf_error *error)
{
    ledger *store = self->ledger;
    self->last = item;
    bf_err rc = bf_ledger_begin (store->ledger, store->now, error);
    if (rc == BF_OK && item) {
        rc = bf_ledger_apply (store->ledger, item, error);
    }
    if (rc == BF_OK) {
        rc = bf_ledger_commit (store->ledger, error);
    }
    return end_batch (self, rc, error);
}

static bf_err
slice (faults *self, bf_error *error)
{
    ledger *store = self->ledger;
    self->last = NULL;
    bf_err rc = bf_ledger_begin (store->ledger, store->now, error);
    if (rc == BF_OK) {
        rc = bf_ledger_tend (store->ledger, error);
    }
    if (rc == BF_OK) {
        rc = bf_ledger_commit (store->ledger, error);
    }
    return end_batch (self, rc, error);
}

static Belfry__V1__Reply *
reply_to (faults *self, uint64_t call)
{
    aside (self, true);
    Belfry__V1__Reply *reply = ledger_reply (self->ledger, call);
    aside (self, false);
    return reply;
}

static Belfry__Internal__StoreItem *
call_item (faults *self, const char *text)
{
    aside (self, true);
    Belfry__Internal__StoreItem *item = ledger_call_item (self->ledger, text);
    aside (self, false);
    return item;
}

bf_err
faults_give_again (faults *self, bf_error *error)
{
    return batch (self, self->last, error);
}

bf_err
faults_call (faults *self, const char *text, Belfry__V1__Reply **reply, bf_error *error)
{
    bf_err rc = batch (self, call_item (self, text), error);
    *reply = rc == BF_OK ? reply_to (self, self->ledger->calls) : NULL;
    return rc;
}

/* --- what was acknowledged ------------------------------------------------------------ */

/* What is stored of an answer; the objects in it are read again for a repeat. */
static const char *
outline (faults *self, const Belfry__V1__Reply *reply)
{
    ledger *store = self->ledger;
    const char *text =
        ledger_text (store, "code %d seq %" PRIu64 " result %d:", (int)reply->code,
                     reply->seq, (int)reply->result_case);
    if (reply->result_case == BELFRY__V1__REPLY__RESULT_JOBS) {
        for (size_t i = 0; i < reply->jobs->n_items; i++) {
            const Belfry__V1__JobsReply__Item *item = reply->jobs->items[i];
            text = ledger_text (store, "%s %d/%" PRIu64, text, (int)item->outcome,
                                item->job ? item->job->id : 0);
        }
    } else if (reply->result_case == BELFRY__V1__REPLY__RESULT_RUNS) {
        for (size_t i = 0; i < reply->runs->n_runs; i++) {
            text = ledger_text (store, "%s %s", text, reply->runs->runs[i]->run);
        }
    } else if (reply->result_case == BELFRY__V1__REPLY__RESULT_BULK) {
        text = ledger_text (store, "%s done %d changed %" PRIu64, text,
                            (int)reply->bulk->done, reply->bulk->changed);
    }
    return text;
}

/* Answered as it was, and as something that was done before. */
static void
expect_same (faults *self, const char *text, Belfry__V1__Reply *before,
             Belfry__V1__Reply *reply)
{
    const char *was = outline (self, before);
    const char *is = outline (self, reply);
    if (!reply->repeated || strcmp (was, is) != 0) {
        fail_msg ("%s: acknowledged with %s, but asked again %s%s", text, was, is,
                  reply->repeated ? "" : ", for the first time");
    }
}

static bf_err
ask_again (faults *self, bf_error *error)
{
    bf_err rc = BF_OK;
    for (size_t i = 0; i < self->n_told && rc == BF_OK; i++) {
        Belfry__V1__Reply *reply = NULL;
        rc = faults_call (self, self->told[i].text, &reply, error);
        if (rc == BF_OK) {
            assert_non_null (reply);
            aside (self, true);
            expect_same (self, self->told[i].text, self->told[i].reply, reply);
            aside (self, false);
        }
    }
    return rc;
}

static void
acknowledge (faults *self, const char *text, Belfry__V1__Reply *reply)
{
    assert_in_range (self->n_told, 0, FAULTS_TOLD_MAX - 1);
    self->told[self->n_told].text = text;
    self->told[self->n_told++].reply = reply;
}

bf_err
faults_open (faults *self, bf_error *error)
{
    if (self->ledger->ledger) {
        return BF_OK;
    }
    bf_err rc = ledger_try_open (self->ledger, error);
    if (rc != BF_OK) {
        assert_int_equal (error->code, rc);
        assert_true (error->text[0] != '\0');
        return rc;
    }
    aside (self, true);
    ledger_model_forget (self->ledger);
    ledger_model_hear (self->ledger);
    aside (self, false);
    return ask_again (self, error);
}

/* --- steps ---------------------------------------------------------------------------- */

/* A command by filter is answered with its last slice. */
static bf_err
step_call (faults *self, const char *text, bf_error *error)
{
    ledger *store = self->ledger;
    aside (self, true);
    const char *line = ledger_text (store, "request_id=s-%zu %s", self->at, text);
    aside (self, false);
    Belfry__V1__Reply *reply = NULL;
    bf_err rc = faults_call (self, line, &reply, error);
    uint64_t call = store->calls;
    while (rc == BF_OK && !reply &&
           bf_ledger_next_tend (store->ledger).us <= store->now.boot.us) {
        rc = slice (self, error);
        reply = rc == BF_OK ? reply_to (self, call) : NULL;
    }
    if (rc != BF_OK) {
        return rc;
    }
    assert_non_null (reply);
    if (reply->code == BELFRY__V1__CODE__CODE_DISK_FULL) {
        return bf_fail (error, BF_EDISKFULL, "%s", reply->text);
    }
    if (reply->code != BELFRY__V1__CODE__CODE_OK) {
        fail_msg ("%s: code %d: %s", line, (int)reply->code, reply->text);
    }
    acknowledge (self, line, reply);
    return BF_OK;
}

/* Chores that have something to do now. The log is read before they take events away. */
static bf_err
step_tend (faults *self, bf_error *error)
{
    ledger *store = self->ledger;
    bf_err rc = BF_OK;
    while (rc == BF_OK && bf_ledger_next_tend (store->ledger).us <= store->now.boot.us) {
        aside (self, true);
        ledger_model_read (store);
        aside (self, false);
        rc = slice (self, error);
    }
    return rc;
}

static bf_err
step_fire (faults *self, bf_error *error)
{
    aside (self, true);
    bf_timer *timers = NULL;
    size_t count = ledger_due (self->ledger, &timers);
    const Belfry__Internal__StoreItem *item =
        ledger_proposal (self->ledger, timers, count, NULL);
    aside (self, false);
    return batch (self, item, error);
}

/* Asked for the second time, the claim may have been granted, unheard. */
static bf_err
step_claim (faults *self, const char *text, bf_error *error)
{
    ledger *store = self->ledger;
    aside (self, true);
    const char *line = ledger_text (store, "request_id=s-%zu %s", self->at, text);
    Belfry__Internal__ClaimCall *claim = ledger_claim (store, line);
    Belfry__Internal__StoreItem *item = ledger_item (store, "recall");
    item->recall->claim = claim;
    aside (self, false);
    bf_err rc = batch (self, item, error);
    Belfry__V1__Reply *reply = rc == BF_OK ? reply_to (self, claim->call) : NULL;
    if (rc == BF_OK && !reply) {
        aside (self, true);
        item = ledger_assignment (store, claim);
        aside (self, false);
        rc = batch (self, item, error);
        reply = rc == BF_OK ? reply_to (self, claim->call) : NULL;
    }
    if (rc == BF_OK && !reply) {
        return bf_fail (error, BF_EDISKFULL, "the claim waits for room");
    }
    if (rc == BF_OK && reply->code != BELFRY__V1__CODE__CODE_OK) {
        fail_msg ("%s: code %d: %s", line, (int)reply->code, reply->text);
    }
    return rc;
}

static bf_err
step_checkpoint (faults *self, bf_error *error)
{
    bf_err rc = bf_database_checkpoint (bf_ledger_database (self->ledger->ledger), error);
    if (rc != BF_OK && rc != BF_EDISKFULL) {
        bf_ledger_close (&self->ledger->ledger);
    }
    return rc;
}

static bf_err
step_retire (faults *self, bf_error *error)
{
    ledger *store = self->ledger;
    bf_err rc = bf_ledger_begin (store->ledger, store->now, error);
    if (rc == BF_OK) {
        rc = bf_ledger_retire (store->ledger, error);
    }
    if (rc == BF_OK) {
        rc = bf_ledger_commit (store->ledger, error);
    }
    rc = end_batch (self, rc, error);
    if (rc == BF_OK) {
        bf_ledger_close (&store->ledger);
    }
    return rc;
}

static bf_err
step (faults *self, bf_error *error)
{
    const char *text = story[self->at].text;
    bf_err rc = BF_OK;
    switch (story[self->at].kind) {
    case STEP_CALL:
        rc = step_call (self, text, error);
        break;
    case STEP_FIRE:
        rc = step_fire (self, error);
        break;
    case STEP_CLAIM:
        rc = step_claim (self, text, error);
        break;
    case STEP_PASS:
        ledger_pass (self->ledger, story[self->at].us);
        if (story[self->at].us >= DAYS_31_US) {
            /* Answers are kept for a day. */
            self->n_told = 0;
        }
        break;
    case STEP_TEND:
        rc = step_tend (self, error);
        break;
    case STEP_CHECKPOINT:
        rc = step_checkpoint (self, error);
        break;
    case STEP_RETIRE:
        rc = step_retire (self, error);
        break;
    }
    self->at += rc == BF_OK;
    return rc;
}

bf_err
faults_try_again (faults *self, bf_error *error)
{
    bf_err rc = faults_open (self, error);
    return rc == BF_OK && !faults_is_over (self) ? step (self, error) : rc;
}

bf_err
faults_tell (faults *self, bf_error *error)
{
    bf_err rc = BF_OK;
    while (rc == BF_OK && !faults_is_over (self)) {
        rc = faults_try_again (self, error);
    }
    return rc;
}

/* --- what must hold ------------------------------------------------------------------- */

void
faults_check (faults *self)
{
    bf_error error = {0};
    if (!self->ledger->ledger && faults_open (self, &error) != BF_OK) {
        fail_msg ("open: %s: %s", bf_err_name (error.code), error.text);
    }
    aside (self, true);
    ledger_model_read (self->ledger);
    /* The last outcome was heard, and is not what the log ends with by now. */
    bf_ledger_clear (self->ledger->ledger);
    ledger_check (self->ledger);
    aside (self, false);
}

void
faults_check_file (const faults *self, const disk *platter)
{
    disk *copy = disk_copy (platter);
    char path[512];
    sqlite3_snprintf (sizeof path, path, "%s/belfry.db", self->ledger->directory);
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal (sqlite3_open_v2 (path, &db, SQLITE_OPEN_READWRITE, disk_vfs (copy)),
                      SQLITE_OK);
    assert_int_equal (
        sqlite3_exec (db, "PRAGMA locking_mode = EXCLUSIVE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal (sqlite3_prepare_v2 (db, "PRAGMA integrity_check", -1, &stmt, NULL),
                      SQLITE_OK);
    int rows = 0;
    while (sqlite3_step (stmt) == SQLITE_ROW) {
        assert_string_equal ((const char *)sqlite3_column_text (stmt, 0), "ok");
        rows++;
    }
    assert_int_equal (rows, 1);
    assert_int_equal (sqlite3_finalize (stmt), SQLITE_OK);
    assert_int_equal (sqlite3_close (db), SQLITE_OK);
    disk_destroy (&copy);
}
