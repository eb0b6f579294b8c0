/* SPDX-License-Identifier: MPL-2.0
 *
 * bf_check: a good database has no findings, and each kind of damage, made by hand in SQL
 * on a copy of it, has the one that the table names.
 */
#include "persist/check/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/damage.h"
#include "tests/support/temp.h"

#define JOB(id) "UPDATE job SET " id
#define NEWEST_IMAGE "its newest event says"

static const struct {
    const char *sql;
    const char *found; /* a part of what must be found: "kind: row: what" */
} kinds[] = {
    {"UPDATE meta SET stream_epoch = 0", "meta: meta: stream_epoch is 0"},
    {"DELETE FROM meta", "meta: meta: its row is missing"},
    {"UPDATE meta SET next_id = 512", "counter: job 512: its id is not below meta.next_id"},
    {"UPDATE meta SET head_seq = head_seq + 5", "log: meta: head_seq is"},
    {"UPDATE meta SET head_seq = head_seq - 1", "meta: meta: head_seq is"},
    {"UPDATE meta SET open_jobs = open_jobs + 1", "gauge: meta: open_jobs is"},
    {"UPDATE meta SET final_jobs = 0", "gauge: meta: final_jobs is 0"},
    {"UPDATE meta SET ready_runs = 77", "gauge: meta: ready_runs is 77"},
    {"UPDATE meta SET leased_runs = 77", "gauge: meta: leased_runs is 77"},
    {"UPDATE meta SET answers = 3", "gauge: meta: answers is 3"},
    {"UPDATE meta SET answer_bytes = 3", "gauge: meta: answer_bytes is 3"},
    {"UPDATE name SET id = 50 WHERE id = 2", "name: table name: there is a hole before 3"},
    {"UPDATE name SET text = 'a b' WHERE id = 2", "name: table name: \"a b\" is no name"},
    {"UPDATE queue SET name = 99 WHERE id = 1", "name: table queue: 1 is of ns 1 and"},
    {JOB ("ns = 99 WHERE id = 256"), "name: job 256: ns 99"},
    {JOB ("queue = 2 WHERE id = 256"),
     "name: job 256: queue 2 is not that of default/work"},
    {JOB ("state = 9 WHERE id = 256"), "state: job 256: state 9"},
    {JOB ("state = 4 WHERE id = 1536"),
     "state: job 1536: it is completed, but final_us is"},
    {JOB ("state = 3 WHERE id = 1536"),
     "state: job 1536: it is active without an open run"},
    {JOB ("reason = 2 WHERE id = 256"), "state: job 256: it is completed with reason 2"},
    {JOB ("paused = 1 WHERE id = 1536"), "image: job 1536: paused is 1, but " NEWEST_IMAGE},
    {JOB ("clock = 1 WHERE id = 1536"), "timer: job 1536: clock is 1"},
    {JOB ("due_us = due_us + 1 WHERE id = 1536"), "timer: job 1536: due_us is"},
    {JOB ("due_us = due_us + 1 WHERE id = 2048"), "timer: job 2048: due_us is"},
    {JOB ("wake_us = due_us - 1 WHERE id = 1536"), "timer: job 1536: wake_us is"},
    {JOB ("armed_us = 5 WHERE id = 1536"), "image: job 1536: armed_us is 5"},
    {JOB ("anchor_us = anchor_us + 1000000 WHERE id = 2048"), "image: job 2048: anchor_us"},
    {JOB ("version = 2 WHERE id = 1536"), "image: job 1536: version is 2"},
    {JOB ("runs = 0 WHERE id = 256"), "counter: job 256: runs is 0, but there is run 1"},
    {JOB ("open_runs = 9 WHERE id = 2048"), "counter: job 2048: open_runs is 9"},
    {JOB ("slots_open = 9 WHERE id = 2048"), "counter: job 2048: slots_open is 9"},
    {JOB ("blocked = 9 WHERE id = 2048"), "counter: job 2048: blocked is 9"},
    {JOB ("fired = 9 WHERE id = 2048"), "image: job 2048: fired is 9"},
    {JOB ("missed = 9 WHERE id = 2048"), "image: job 2048: missed is 9"},
    {JOB ("skipped = 9 WHERE id = 2048"), "image: job 2048: skipped is 9"},
    {JOB ("overlap_skipped = 9 WHERE id = 2304"), "image: job 2304: overlap_skipped is 9"},
    {JOB ("buffer_dropped = 9 WHERE id = 2048"), "image: job 2048: buffer_dropped is 9"},
    {JOB ("cancelled_others = 9 WHERE id = 2048"),
     "image: job 2048: cancelled_others is 9"},
    {JOB ("terminated_others = 9 WHERE id = 2048"),
     "image: job 2048: terminated_others is"},
    {JOB ("others_below = 9 WHERE id = 2048"), "image: job 2048: others_below is 9"},
    {JOB ("created_us = 9 WHERE id = 256"), "image: job 256: created_us is 9"},
    {JOB ("updated_us = 9 WHERE id = 256"), "image: job 256: updated_us is 9"},
    {JOB ("final_us = 9 WHERE id = 256"), "image: job 256: final_us is 9"},
    {JOB ("last_seq = 1 WHERE id = 256"), "chain: job 256: the row names event 1"},
    {JOB ("last_seq = 999999 WHERE id = 256"),
     "chain: job 256: the row names event 999999"},
    {JOB ("last_seq = (SELECT min (last_seq) FROM run WHERE job = 768) WHERE id = 768"),
     "passes it by"},
    {JOB ("key = 'other' WHERE id = 1536"), "image: job 1536: key is \"other\""},
    {"UPDATE job SET key = 'k1' WHERE id = 2048",
     "key: job 1536: it is open, but job 2048"},
    {JOB ("spec = x'ff' WHERE id = 256"), "spec: job 256: spec cannot be read"},
    /* every (field 12) of interval 0; due and anchored at the ends of time. */
    {JOB ("spec = x'62020800' WHERE id = 2048"), "spec: job 2048: spec cannot be read"},
    {JOB ("due_us = -9223372036854775808 WHERE id = 2048"),
     "timer: job 2048: due_us is -9"},
    {JOB ("anchor_us = -9223372036854775808 WHERE id = 2048"),
     "timer: job 2048: due_us is"},
    {"UPDATE meta SET head_seq = 9223372036854775807", "log: meta: head_seq is 92233"},
    {JOB ("spec = (SELECT spec FROM job WHERE id = 1536) WHERE id = 256"),
     "image: job 256: spec is not the definition"},
    {JOB ("payload = x'00' WHERE id = 256"), "payload: job 256: payload_hash is"},
    {"DELETE FROM tag WHERE tag = 'red'", "tag: job 1536: its tag \"red\" has no row"},
    {"INSERT INTO tag VALUES ('green', 1536)", "tag: table tag: its length is 3"},
    {"INSERT INTO tag VALUES ('red', 256)", "orphan: table tag: row (256, red)"},
    {"DELETE FROM job WHERE id = 256", "missing: event"},
    {"DELETE FROM job WHERE id = 256", "orphan: table run: row (256, 1)"},
    {"DELETE FROM run WHERE job = 256", "run 256.1 has no row, and no job.pruned"},
    {"UPDATE run SET queue = 9 WHERE job = 256", "name: run 256.1: queue 9"},
    {"UPDATE run SET type = 1 WHERE job = 256", "image: run 256.1: type is \"default\""},
    {"UPDATE run SET state = 6 WHERE job = 256", "image: run 256.1: state is 6"},
    {"UPDATE run SET state = 2 WHERE job = 256",
     "state: run 256.1: it is ready, but final"},
    {"UPDATE run SET origin = 3 WHERE job = 256", "state: run 256.1: decides is 1 for"},
    {"UPDATE run SET job_version = 2 WHERE job = 256", "counter: run 256.1: ordinal 1"},
    {"UPDATE run SET due_us = 9 WHERE job = 256", "image: run 256.1: due_us is 9"},
    {"UPDATE run SET lateness_us = 9 WHERE job = 256",
     "image: run 256.1: lateness_us is 9"},
    {"UPDATE run SET attempt = 9 WHERE job = 256", "image: run 256.1: attempt is 9"},
    {"UPDATE run SET failures = 9 WHERE job = 256", "counter: run 256.1: ordinal 1"},
    {"UPDATE run SET redriven_by = 1 WHERE job = 256", "state: run 256.1: it is not one"},
    {"UPDATE run SET timer_us = NULL WHERE state = 4", "has no timer_us"},
    {"UPDATE run SET timer_us = 9 WHERE state = 4", "timer_us is 9, but " NEWEST_IMAGE},
    {"UPDATE run SET timer_us = 9 WHERE job = 256",
     "timer: run 256.1: it is succeeded, but"},
    {"UPDATE run SET lease_until_us = NULL WHERE state = 3",
     "contradicts its lease_until_us"},
    {"UPDATE run SET worker = 'eve' WHERE job = 256",
     "image: run 256.1: worker is \"eve\""},
    {"UPDATE run SET reason = 'so' WHERE job = 256", "image: run 256.1: reason is \"so\""},
    {"UPDATE run SET result = x'01' WHERE job = 256",
     "payload: run 256.1: length (result)"},
    {"UPDATE run SET last_seq = 3 WHERE job = 256", "image: run 256.1: last_seq is 3, but"},
    {"UPDATE run SET state = 1 WHERE job = 2048", "are blocked, but by none that is open"},
    {"UPDATE stretch SET count = 99", "image: stretch after run 2304.1: count is 99"},
    {"UPDATE stretch SET last_due_us = last_due_us + 1", "run 2304.1: last_due_us is"},
    {"UPDATE stretch SET last_seq = 2", "image: stretch after run 2304.1: last_seq is 2"},
    {"UPDATE stretch SET job = 1", "orphan: table stretch: row (1, 1)"},
    {"DELETE FROM stretch", "the stretch after run 2304.1 has no row"},
    {"DELETE FROM event WHERE seq = 9", "log: table event: events 9..9 are missing"},
    {"DELETE FROM event WHERE seq < 9", "log: table event: it begins with event 9"},
    {"UPDATE event SET body = x'ff' WHERE seq = 9", "event: event 9: it cannot be read"},
    {"UPDATE event SET body = with (body, 'seq=3') WHERE seq = 9",
     "event: event 9: seq is 3"},
    {"UPDATE event SET body = with (body, 'kind=job.lost') WHERE seq = 2",
     "event: event 2: there is no kind \"job.lost\""},
    {"UPDATE event SET body = with (body, 'type=nobody') WHERE seq = 2",
     "event: event 2: type \"nobody\" is not among the names"},
    {"UPDATE event SET body = with (body, 'payload=*3') WHERE seq = 2",
     "event: event 2: it holds a stream_epoch or a payload"},
    {"UPDATE event SET body = with (body, 'prev_seq=1') WHERE seq = 4",
     "topic: event 3: it is the newest of"},
    {"UPDATE event SET body = with (body, 'prev_seq=1') WHERE seq = 2",
     "topic: table topic"},
    {"UPDATE event SET body = with (body, 'prev_job_seq=1') WHERE seq = 2",
     "chain: job 256: event 2 names event 1"},
    {"UPDATE event SET body = with (body, 'prev_job_seq=0') WHERE "
     "seq = (SELECT last_seq FROM job WHERE id = 256)",
     "chain: job 256: its chain of events ends with event"},
    {"UPDATE event SET body = with (body, 'job_after.state=7') WHERE "
     "seq = (SELECT last_seq FROM job WHERE id = 1536)",
     "image: job 1536: state is 2, but " NEWEST_IMAGE " 7"},
    {"UPDATE event SET body = with (body, 'job_after.id=7') WHERE seq = 2", "is of job 7"},
    {"UPDATE event SET body = with (body, 'run=9.9') WHERE "
     "seq = (SELECT last_seq FROM run WHERE job = 256)",
     "run \"9.9\" is not one of job 256"},
    {"DELETE FROM topic WHERE kind = 1", "its topic job.scheduled"},
    {"UPDATE topic SET seq = 1 WHERE kind = 1", "topic: event"},
    {"INSERT INTO topic VALUES (99, 1, 5)",
     "topic: table topic: there is no topic of kind"},
    {"INSERT INTO topic VALUES (12, 1, 5)",
     "topic: table topic: there is no topic of kind"},
    {"INSERT INTO topic VALUES (29, 1, 5)", "topic: table topic: run.dead default: row"},
    {"UPDATE answer SET body = x'ff' WHERE id = 1",
     "answer: answer 1: body cannot be read"},
    {"UPDATE operation SET command = x'ff'", "operation: operation 1: command cannot"},
    {"UPDATE operation SET fingerprint = 7", "operation: operation 1: fingerprint is 7"},
    /* BulkReply.cursor (field 8) is 5, beyond watermark. */
    {"UPDATE operation SET progress = x'4005'", "operation: operation 1: it is at job 5"},
    {"UPDATE operation SET progress = x'ff'", "operation: operation 1: progress cannot"},
    {"UPDATE zone SET hash = 5", "calendar: zone Europe/Berlin: hash is 5"},
    {"UPDATE zone SET bytes = x'00'", "calendar: zone Europe/Berlin: bytes cannot be read"},
    {"UPDATE zone SET name = '../x'", "calendar: table zone: \"../x\" is no name"},
    {"UPDATE zone SET until_job = 1 << 40", "zone Europe/Berlin: it is at job 0 and works"},
    {"DELETE FROM zone", "calendar: job 2560: its zone Europe/Berlin is not among"},
    {"DELETE FROM zoned", "calendar: job 2560: its zone Europe/Berlin has no row"},
    {"INSERT INTO zoned VALUES ('Asia/Tokyo', 2560)",
     "calendar: table zoned: its length is"},
    {"INSERT INTO zoned VALUES ('Asia/Tokyo', 256)", "orphan: table zoned: row (256, Asia"},
    {"UPDATE exclusion SET body = x'ff'", "calendar: exclusion 1: body cannot be read"},
    {"UPDATE exclusion SET ns = 99", "name: exclusion 1: ns 99 is not among the names"},
    {"UPDATE exclusion SET name = 'on'",
     "calendar: job 2560: its exclusion calendar off is"},
    {"DELETE FROM excluded", "calendar: job 2560: its exclusion calendar off has no row"},
    {"INSERT INTO excluded VALUES (1, 256)", "orphan: table excluded: row (256, 1)"},
    {"INSERT INTO excluded VALUES (1, 1536)", "calendar: table excluded: its length is 2"},
    {JOB ("due_us = due_us + 60000000 WHERE id = 2560"),
     "timer: job 2560: due_us is 1767317460000000, which is no slot of its calendar"},
    {JOB ("armed_us = 5 WHERE id = 2560"), "image: job 2560: armed_us is 5"},
    {"UPDATE event SET body = with (body, 'replanned.rows.due_us=5') WHERE "
     "seq = (SELECT seq FROM topic WHERE kind = 46)",
     "image: job 2560: due_us is 1767317400000000, but " NEWEST_IMAGE " 5"},
    {"DROP INDEX job_due", "schema: job_due: is missing"},
    {"CREATE TABLE extra (x)", "schema: extra: is not Belfry's"},
    {"UPDATE sqlite_schema SET sql = replace (sql, 'state = 2', 'state = 1') "
     "WHERE name = 'job_due'",
     "schema: job_due: is not defined as this version defines it"},
};

static void
test_damage (void **state)
{
    const ledger *book = *state;
    char *good = temp_path (book->directory, "good.db");
    char *bad = temp_path (book->directory, "bad.db");
    static damage_report found;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        damage_copy_file (good, bad);
        damage_make (bad, kinds[i].sql);
        bf_check_summary summary = damage_examine (bad, &found);
        if (summary.findings == 0 || !strstr (found.text, kinds[i].found)) {
            fail_msg ("%s: not \"%s\" but:\n%s", kinds[i].sql, kinds[i].found, found.text);
        }
    }
    free (good);
    free (bad);
}

static void
test_good (void **state)
{
    const ledger *book = *state;
    char *good = temp_path (book->directory, "good.db");
    static damage_report found;
    bf_check_summary summary = damage_examine (good, &found);
    assert_string_equal (found.text, "");
    assert_int_equal (summary.findings, 0);
    assert_int_equal (summary.jobs, 10);
    assert_true (summary.runs > 8 && summary.stretches == 1 && summary.events > 20);
    assert_int_equal (summary.operations, 1);
    assert_int_equal (summary.oldest_seq, 1);
    assert_int_equal (summary.head_seq, summary.events);
    assert_true (summary.stream_epoch == LEDGER_EPOCH);
    /* It left nothing beside it. */
    char *wal = temp_path (book->directory, "good.db-wal");
    assert_int_not_equal (access (wal, F_OK), 0);
    free (wal);
    free (good);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_good),
        cmocka_unit_test (test_damage),
    };
    return cmocka_run_group_tests (tests, damage_setup, ledger_teardown);
}
