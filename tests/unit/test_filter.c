/* SPDX-License-Identifier: MPL-2.0
 *
 * persist/ledger/filter: which way is taken, that every way finds what matches, in order,
 * whatever the page, and that the queries walk their indexes. And the table of tags, which
 * one of the ways is made of.
 */
#include "persist/ledger/filter.h"

#include <string.h>

#include "messages/limits.h"
#include "persist/ledger/rows.h"
#include "persist/ledger/sql.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"
#include "tests/support/request.h"

#define WAITING BF_STATE_BIT (BF_JOB_WAITING)
#define SCHEDULED BF_STATE_BIT (BF_JOB_SCHEDULED)
#define DEAD BF_STATE_BIT (BF_JOB_DEAD)
#define CANCELLED BF_STATE_BIT (BF_JOB_CANCELLED)

static void
test_way (void **state)
{
    (void)state;
    static const struct {
        size_t n_tags;
        const char *prefix;
        uint32_t ns;
        uint32_t states;
        size_t types;
        bf_way way;
    } rows[] = {
        {1, "", 0, BF_STATES_OPEN, 1, BF_WAY_TAG},
        {1, "a", 1, SCHEDULED, 1, BF_WAY_TAG},
        {2, "", 0, SCHEDULED, 1000, BF_WAY_TAG},
        {1, "", 0, SCHEDULED | DEAD, 1, BF_WAY_STATE},
        {1, "", 0, BF_STATES_ALL, 1, BF_WAY_ID},
        {1, "a", 1, BF_STATES_ALL, 1, BF_WAY_KEY},
        {0, "a", 1, BF_STATES_OPEN, 1, BF_WAY_KEY},
        {0, "a", 1, CANCELLED, 1, BF_WAY_KEY},
        {0, "a", 0, BF_STATES_OPEN, 1, BF_WAY_STATE},
        {0, "", 1, BF_STATES_OPEN, 1, BF_WAY_STATE},
        {0, "", 0, DEAD, BF_FILTER_STREAMS, BF_WAY_STATE},
        {0, "", 0, DEAD, BF_FILTER_STREAMS + 1, BF_WAY_ID},
        {0, "", 0, SCHEDULED | DEAD, BF_FILTER_STREAMS / 2, BF_WAY_STATE},
        {0, "", 0, SCHEDULED | DEAD, BF_FILTER_STREAMS / 2 + 1, BF_WAY_ID},
        {0, "", 0, BF_STATES_INDEXED, 0, BF_WAY_STATE},
        {0, "", 0, CANCELLED, 1, BF_WAY_ID},
        {0, "", 0, DEAD | CANCELLED, 1, BF_WAY_ID},
        {0, "", 0, BF_STATES_ALL, 1, BF_WAY_ID},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_filter filter = {
            .n_tags = rows[i].n_tags,
            .key_prefix = rows[i].prefix,
            .ns = rows[i].ns,
            .states = rows[i].states,
        };
        bf_way way = bf_filter_way (&filter, rows[i].types);
        if (way != rows[i].way) {
            fail_msg ("row %zu goes way %d", i, (int)way);
        }
    }
}

/* Every statement of a way walks its index from the cursor on, and sorts nothing. */
static void
test_plans (void **state)
{
    ledger *self = *state;
    static const struct {
        bf_sql statement;
        const char *plan;
    } rows[] = {
        {SQL_TAG_JOBS, "SEARCH tag USING PRIMARY KEY (tag=? AND job>?)"},
        {SQL_JOB_KEYS, "SEARCH job USING COVERING INDEX job_key (ns=? AND key>?)"},
        {SQL_JOB_OF_STATE,
         "SEARCH job USING COVERING INDEX job_state (state=? AND type=? AND rowid>?)"},
        {SQL_JOB_COLUMNS, "SEARCH job USING INTEGER PRIMARY KEY (rowid>?)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *sql =
            ledger_text (self, "EXPLAIN QUERY PLAN %s", bf_sql_texts[rows[i].statement]);
        sqlite3_stmt *stmt = ledger_query (self, sql);
        assert_int_equal (sqlite3_step (stmt), SQLITE_ROW);
        assert_string_equal ((const char *)sqlite3_column_text (stmt, 3), rows[i].plan);
        assert_int_equal (sqlite3_step (stmt), SQLITE_DONE);
        ledger_query_end (self);
    }
}

/* Jobs of two namespaces, four types, with and without keys and tags, in five states. */
static void
make_many (ledger *self)
{
    static const char *const types[] = {"mail", "call", "turn", "draw"};
    for (int i = 0; i < 120; i++) {
        const char *tags = i % 3 == 0   ? " schedule.jobs.tags=x schedule.jobs.tags=y"
                           : i % 3 == 1 ? " schedule.jobs.tags=x"
                                        : "";
        const char *key =
            i % 4 != 0 ? ledger_text (self, " schedule.jobs.key=game-%d/%d", i % 5, i) : "";
        uint64_t job = (uint64_t)(i + 1) * 256;
        ledger_ok (self, ledger_text (self,
                                      "schedule.jobs.ns=%s schedule.jobs.type=%s "
                                      "schedule.jobs.retry.max_attempts=1 "
                                      "schedule.jobs.after_us=%lld%s%s",
                                      i % 7 ? "one" : "two", types[i % 4],
                                      i % 6 == 5 ? 0LL : 3600000000LL, key, tags));
        if (i % 6 == 4) {
            ledger_ok (self,
                       ledger_text (self, "cancel.job.id=%llu", (unsigned long long)job));
        }
    }
    ledger_fire (self, NULL);
    /* Some of those that fired die. */
    for (int i = 0; i < 8; i++) {
        Belfry__V1__Reply *reply = ledger_grant (
            self,
            ledger_claim (self, i % 2 ? "claim.ns=one claim.types=call claim.types=turn"
                                      : "claim.ns=one claim.types=draw"));
        if (reply) {
            ledger_ok (self,
                       ledger_text (self, "fail.token=%s", reply->claim->leases[0]->token));
        }
    }
}

/* Walks a filter to its end in pages of `max`; the ids that match, "256 512". */
static const char *
walk (ledger *self, bf_filter *filter, size_t max, size_t examine)
{
    const char *line = "";
    uint64_t cursor = 0;
    bool end = false;
    ledger_begin (self);
    while (!end) {
        bf_candidates found;
        bf_error error = {0};
        assert_int_equal (
            bf_filter_seek (self->ledger, filter, cursor, max, examine, &found, &error),
            BF_OK);
        assert_in_range (found.count, 0, max);
        for (size_t i = 0; i < found.count; i++) {
            bf_job_row job;
            assert_true (found.ids[i] > cursor);
            cursor = found.ids[i];
            assert_int_equal (bf_job_load (self->ledger, cursor, &job, &error), BF_OK);
            if (bf_filter_matches (filter, &job)) {
                line = ledger_text (self, "%s %llu", line, (unsigned long long)cursor);
            }
        }
        assert_true (found.cursor >= cursor);
        /* It goes on, or ends. */
        assert_true (found.end || found.examined > 0);
        cursor = found.cursor;
        end = found.end;
    }
    ledger_commit (self);
    return line;
}

/* The same by looking at every job. */
static const char *
walk_all (ledger *self, const bf_filter *filter)
{
    const char *line = "";
    int64_t last = ledger_number (self, "SELECT max (id) FROM job");
    ledger_begin (self);
    for (uint64_t id = 256; id <= (uint64_t)last; id += 256) {
        bf_job_row job;
        bf_error error = {0};
        assert_int_equal (bf_job_load (self->ledger, id, &job, &error), BF_OK);
        if (bf_filter_matches (filter, &job)) {
            line = ledger_text (self, "%s %llu", line, (unsigned long long)id);
        }
    }
    ledger_commit (self);
    return line;
}

static bf_filter
filter_from (ledger *self, const char *text, uint32_t states)
{
    Belfry__V1__Filter *message = bf_arena_alloc (self->arena, sizeof *message);
    assert_non_null (message);
    belfry__v1__filter__init (message);
    request_fill (&message->base, self->arena, text);
    return bf_filter_of (self->ledger, message, states);
}

/* Each way, in pages small and large, finds what matches, and nothing twice. */
static void
test_ways_agree (void **state)
{
    ledger *self = *state;
    make_many (self);
    static const char *const texts[] = {
        "all=1",
        "ns=one",
        "ns=two type=mail",
        "type=turn",
        "type=draw states=5",
        "states=2 states=3",
        "states=5",
        "states=6",
        "states=3 states=5 ns=one",
        "states=2 states=6",
        "tags=x",
        "tags=x tags=y",
        "tags=y states=2 ns=two",
        "tags=x states=5",
        "tags=x states=6",
        "tags=none",
        "ns=one key_prefix=game-1/",
        "ns=one key_prefix=game-",
        "ns=two key_prefix=g",
        "ns=one key_prefix=game-1/ states=6",
        "ns=one key_prefix=game-9",
        "key_prefix=game-2/",
        "key_prefix=game-2/ states=2",
    };
    static const uint32_t defaults[] = {BF_STATES_OPEN, BF_STATES_ALL, BF_STATES_FINAL};
    static const size_t pages[] = {1, 3, 1000};
    size_t found = 0;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        for (size_t k = 0; k < 9; k++) {
            bf_filter filter = filter_from (self, texts[i], defaults[k / 3]);
            const char *all = walk_all (self, &filter);
            const char *some = walk (self, &filter, pages[k % 3], k % 2 ? 7 : 2000);
            if (strcmp (all, some) != 0) {
                fail_msg ("%s by %zu: expected %s, got %s", texts[i], pages[k % 3], all,
                          some);
            }
            found += all[0] != '\0';
        }
    }
    assert_true (found > 100);
}

/* A name that no job ever had, or only of the other kind. */
static void
test_unknown_names (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5");
    static const char *const texts[] = {"ns=nope", "type=nope", "type=default", "ns=mail"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        bf_filter filter = filter_from (self, texts[i], BF_STATES_ALL);
        assert_string_equal (walk (self, &filter, 10, 2000), "");
        assert_string_equal (walk_all (self, &filter), "");
    }
}

/* More keys than are gathered, k0 to k2199. */
static void
make_keys (ledger *self)
{
    self->unchecked = true;
    int total = BF_FILTER_KEYS + 200;
    for (int done = 0; done < total; done += 200) {
        const char *many = "";
        for (int i = 0; i < 200; i++) {
            many = bf_arena_printf (self->arena,
                                    "%s schedule.jobs[%d].type=t schedule.jobs[%d].key=k%d "
                                    "schedule.jobs[%d].after_us=5",
                                    many, i, i, done + i, i);
        }
        ledger_ok (self, many);
    }
}

/* Found all the same, by another way. */
static void
test_too_many_keys (void **state)
{
    ledger *self = *state;
    make_keys (self);
    static const struct {
        const char *text;
        size_t count;
    } rows[] = {
        {"ns=default key_prefix=k", BF_FILTER_KEYS + 200},
        {"ns=default key_prefix=k1", 1111},
        {"ns=default key_prefix=k2199", 1},
        {"ns=default key_prefix=l", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        bf_filter filter = filter_from (self, rows[i].text, BF_STATES_OPEN);
        assert_int_equal (bf_filter_way (&filter, 1), BF_WAY_KEY);
        size_t count = 0;
        for (const char *c = walk (self, &filter, 500, 10000); *c; c++) {
            count += *c == ' ';
        }
        assert_int_equal (count, rows[i].count);
        assert_int_equal (filter.keys_are_many, rows[i].count > BF_FILTER_KEYS);
    }
}

/* Keys that are read for nothing count as well, and are read once. */
static void
test_examined (void **state)
{
    ledger *self = *state;
    make_keys (self);
    bf_filter filter = filter_from (self, "ns=default key_prefix=k", BF_STATES_OPEN);
    bf_candidates found;
    bf_error error = {0};
    ledger_begin (self);
    assert_int_equal (bf_filter_seek (self->ledger, &filter, 0, 100, 2000, &found, &error),
                      BF_OK);
    assert_in_range (found.examined, BF_FILTER_KEYS + 2, BF_FILTER_KEYS + 100);
    assert_in_range (found.cursor, 256, 100 * 256);
    assert_int_equal (
        bf_filter_seek (self->ledger, &filter, found.cursor, 100, 2000, &found, &error),
        BF_OK);
    assert_int_equal (found.examined, 100);
    /* Where they are not too many, each seek has read them all. */
    filter = filter_from (self, "ns=default key_prefix=k1", BF_STATES_OPEN);
    assert_int_equal (bf_filter_seek (self->ledger, &filter, 0, 100, 2000, &found, &error),
                      BF_OK);
    assert_int_equal (found.count, 100);
    assert_int_equal (found.examined, 1111);
    ledger_commit (self);
}

static const char *
tags_of (ledger *self)
{
    const char *tags = ledger_string (
        self, "SELECT coalesce (group_concat (tag || ':' || job, ' '), '') FROM tag");
    return tags;
}

/* They come and go with the job's being open. */
static void
test_tags (void **state)
{
    ledger *self = *state;
    const char *make = "schedule.on_key=3 schedule.jobs.type=mail schedule.jobs.key=k "
                       "schedule.jobs.after_us=5 schedule.jobs.retry.max_attempts=1";
    ledger_ok (self,
               ledger_text (self, "%s schedule.jobs.tags=a schedule.jobs.tags=b", make));
    assert_string_equal (tags_of (self), "a:256 b:256");
    ledger_ok (self, "pause.job.id=256");
    ledger_ok (self, "reschedule.job.id=256 reschedule.after_us=7");
    assert_string_equal (tags_of (self), "a:256 b:256");
    ledger_ok (self,
               ledger_text (self, "%s schedule.jobs.tags=b schedule.jobs.tags=c", make));
    assert_string_equal (tags_of (self), "b:256 c:256");
    ledger_ok (self, "resume.job.id=256");
    ledger_pass (self, BF_SECOND_US);
    ledger_fire (self, NULL);
    assert_string_equal (tags_of (self), "b:256 c:256");
    ledger_ok (self, ledger_text (self, "fail.token=%s", ledger_lease (self, "mail")));
    assert_string_equal (tags_of (self), "");
    ledger_ok (self, "redrive.run=256.1");
    assert_string_equal (tags_of (self), "b:256 c:256");
    ledger_ok (self, "cancel.job.id=256");
    assert_string_equal (tags_of (self), "");
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_way),
        cmocka_unit_test_setup_teardown (test_plans, ledger_setup, ledger_teardown),
        cmocka_unit_test_setup_teardown (test_ways_agree, ledger_setup, ledger_teardown),
        cmocka_unit_test_setup_teardown (test_unknown_names, ledger_setup, ledger_teardown),
        cmocka_unit_test_setup_teardown (test_too_many_keys, ledger_setup, ledger_teardown),
        cmocka_unit_test_setup_teardown (test_examined, ledger_setup, ledger_teardown),
        cmocka_unit_test_setup_teardown (test_tags, ledger_setup, ledger_teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
