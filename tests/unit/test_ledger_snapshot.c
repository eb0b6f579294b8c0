/* SPDX-License-Identifier: MPL-2.0
 *
 * Snapshot: what a page holds, and where it ends and the next one begins. That pages and
 * events together make the tables is in test_ledger_mirror.c.
 */
#include <inttypes.h>
#include <string.h>

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

typedef Belfry__V1__SnapshotReply__Row row_t;

static Belfry__V1__SnapshotReply *
page_at (ledger *self, uint64_t job, uint32_t ordinal, uint32_t limit)
{
    Belfry__V1__Reply *reply =
        ledger_ok (self, ledger_text (self,
                                      "snapshot.job=%" PRIu64 " snapshot.ordinal=%" PRIu32
                                      " snapshot.limit=%" PRIu32,
                                      job, ordinal, limit));
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT_SNAPSHOT);
    assert_true (reply->snapshot->stream_epoch == LEDGER_EPOCH);
    return reply->snapshot;
}

/* "256", "256.1", "256/0m": a job, a run, what was missed behind run 0. */
static const char *
row_name (ledger *self, const row_t *row)
{
    switch (row->row_case) {
    case BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_JOB:
        return ledger_text (self, "%" PRIu64, row->job->id);
    case BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_RUN:
        return row->run->run;
    default:
        assert_int_equal (row->row_case, BELFRY__V1__SNAPSHOT_REPLY__ROW__ROW_STRETCH);
        return ledger_text (self, "%" PRIu64 "/%" PRIu32 "%s", row->stretch->job,
                            row->stretch->after_ordinal, row->stretch->skipped ? "s" : "m");
    }
}

/* All pages, and how many. */
static const char *
names_of (ledger *self, uint32_t limit, size_t *pages)
{
    const char *names = "";
    uint64_t job = 0;
    uint32_t ordinal = 0;
    *pages = 0;
    do {
        const Belfry__V1__SnapshotReply *page = page_at (self, job, ordinal, limit);
        assert_in_range (page->n_rows, 0, limit + 2);
        for (size_t i = 0; i < page->n_rows; i++) {
            names = ledger_text (self, "%s%s%s", names, names[0] ? " " : "",
                                 row_name (self, page->rows[i]));
        }
        job = page->next_job;
        ordinal = page->next_ordinal;
        (*pages)++;
        assert_in_range (*pages, 1, 100);
    } while (job != 0);
    return names;
}

/* 256 fires every 10 s: missed before its first run, skipped behind the first and the
 * second, missed behind the second, too. 512 has nothing, 768 a run, 1024 only missed. */
static void
make_three (ledger *self)
{
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.every.interval_us=10000000");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.at_us=1893456000000000 "
                     "schedule.jobs.key=later schedule.jobs.payload=secret");
    ledger_ok (self, "schedule.jobs.type=call schedule.jobs.after_us=1000000");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.every.interval_us=14000000 "
                     "schedule.jobs.max_runs=1");
    ledger_ok (self, "pause.job.id=256");
    ledger_ok (self, "pause.job.id=1024");
    ledger_pass (self, 15 * BF_SECOND_US);
    ledger_ok (self, "resume.job.id=256 resume.from=2");
    ledger_ok (self, "resume.job.id=1024 resume.from=2");
    ledger_ok (self, "pause.job.id=1024");
    for (int i = 0; i < 3; i++) {
        ledger_pass (self, 10 * BF_SECOND_US);
        ledger_fire (self, NULL);
    }
    ledger_ok (self, ledger_text (self, "complete.token=%s", ledger_lease (self, "mail")));
    for (int i = 0; i < 2; i++) {
        ledger_pass (self, 10 * BF_SECOND_US);
        ledger_fire (self, NULL);
    }
    ledger_ok (self, "pause.job.id=256");
    ledger_pass (self, 15 * BF_SECOND_US);
    ledger_ok (self, "resume.job.id=256 resume.from=2");
}

static void
test_empty (void **state)
{
    ledger *self = *state;
    const Belfry__V1__SnapshotReply *page = page_at (self, 0, 0, 0);
    assert_int_equal (page->n_rows, 0);
    assert_int_equal (page->next_job, 0);
    assert_int_equal (page->head_seq, 1);
    assert_int_equal (page->oldest_seq, 1);
    assert_int_equal (page_at (self, 256, 7, 0)->n_rows, 0);
}

static void
test_order (void **state)
{
    ledger *self = *state;
    make_three (self);
    static const char all[] = "256 256/0m 256.1 256/1s 256.2 256/2m 256/2s 512 768 "
                              "768.1 1024 1024/0m";
    for (uint32_t limit = 1; limit <= 12; limit++) {
        size_t pages;
        assert_string_equal (names_of (self, limit, &pages), all);
        if (limit == 1) {
            assert_in_range (pages, 7, 8);
        }
    }
}

/* A place whose job is gone is where the next one begins. */
static void
test_places (void **state)
{
    ledger *self = *state;
    make_three (self);
    static const struct {
        uint64_t job;
        uint32_t ordinal;
        const char *first;
    } rows[] = {
        {1, 0, "256"},     {1, 9, "256"},
        {256, 0, "256"},   {256, 1, "256.1"},
        {256, 2, "256.2"}, {256, 3, "512"},
        {257, 3, "512"},   {512, 1, "768"},
        {768, 0, "768"},   {768, 1, "768.1"},
        {768, 2, "1024"},  {1024, 1, NULL},
        {1025, 0, NULL},   {INT64_MAX, UINT32_MAX, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const Belfry__V1__SnapshotReply *page =
            page_at (self, rows[i].job, rows[i].ordinal, 1);
        if (rows[i].first) {
            assert_in_range (page->n_rows, 1, 3);
            assert_string_equal (row_name (self, page->rows[0]), rows[i].first);
        } else {
            assert_int_equal (page->n_rows, 0);
            assert_int_equal (page->next_job, 0);
        }
    }
}

/* As events show them: definitions, names and clocks, and nothing that events leave out. */
static void
test_images (void **state)
{
    ledger *self = *state;
    make_three (self);
    ledger_ok (self, "trigger.job.key=later");
    ledger_ok (self, ledger_text (self, "complete.token=%s complete.result=private",
                                  ledger_lease (self, "mail")));
    ledger_lease (self, "call");
    Belfry__V1__Reply *reply = ledger_ok (self, "snapshot");
    ledger_expect (self, reply,
                   "snapshot.rows[0].job.spec.type=mail snapshot.rows[0].clock=0 "
                   "snapshot.rows[0].job.spec.every=set "
                   "snapshot.rows[1].stretch.count=1 snapshot.rows[1].clock=0 "
                   "snapshot.rows[2].run.type=mail snapshot.rows[2].run.ns=default "
                   "snapshot.rows[2].clock=0 snapshot.rows[7].job.spec.key=later "
                   "snapshot.rows[7].job.spec.payload=0 "
                   "snapshot.rows[7].job.payload_bytes=6 "
                   "snapshot.rows[9].job.id=768 snapshot.rows[9].clock=1 "
                   "snapshot.rows[10].run.state=3 snapshot.rows[10].clock=1 "
                   "snapshot.rows[10].run.lease_until_us=0 snapshot.next_job=0");
    /* Due times on the job's own clock. */
    assert_int_equal (reply->snapshot->rows[9]->job->due_us,
                      ledger_number (self, "SELECT due_us FROM job WHERE id = 768"));
    const Belfry__V1__Run *run = reply->snapshot->rows[4]->run;
    assert_int_equal (run->result.len, 0);
    assert_int_equal (reply->snapshot->head_seq,
                      ledger_number (self, "SELECT head_seq FROM meta"));
}

/* Definitions of a kilobyte, then results of 64 KiB: every page stays within its bytes. */
static void
test_cut_by_bytes (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    for (int i = 0; i < 400; i++) {
        ledger_ok (self,
                   ledger_text (self,
                                "schedule.jobs.type=mail schedule.jobs.key=%0256d "
                                "schedule.jobs.content_type=*128 schedule.jobs.tags=%064d "
                                "schedule.jobs.tags=%063d schedule.jobs.tags=%062d "
                                "schedule.jobs.tags=%061d schedule.jobs.tags=%060d "
                                "schedule.jobs.at_us=1893456000000000",
                                i, i, i, i, i, i));
    }
    for (int i = 0; i < 20; i++) {
        ledger_ok (self, "trigger.job.id=256");
        ledger_ok (self, ledger_text (self, "complete.token=%s complete.result=*65536",
                                      ledger_lease (self, "mail")));
    }
    size_t rows = 0;
    uint64_t job = 0;
    uint32_t ordinal = 0;
    int pages = 0;
    do {
        const Belfry__V1__SnapshotReply *page = page_at (self, job, ordinal, BF_PAGE);
        assert_in_range (belfry__v1__snapshot_reply__get_packed_size (page), 1,
                         BF_ANSWER_BYTES + 8 * BF_PAGE);
        rows += page->n_rows;
        job = page->next_job;
        ordinal = page->next_ordinal;
        pages++;
    } while (job != 0);
    assert_int_equal (rows, 420);
    assert_in_range (pages, 2, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_empty),  TEST (test_order),        TEST (test_places),
        TEST (test_images), TEST (test_cut_by_bytes),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
