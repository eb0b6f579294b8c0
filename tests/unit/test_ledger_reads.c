/* SPDX-License-Identifier: MPL-2.0
 *
 * Get, List, History, Replay and Status: filters, pages and their cursors, and where an
 * answer is cut.
 */
#include <string.h>

#include "messages/limits.h"
#include "tests/support/cmocka.h"
#include "tests/support/ledger.h"

#define NOT_FOUND BELFRY__V1__CODE__CODE_NOT_FOUND
#define TOO_OLD BELFRY__V1__CODE__CODE_TOO_OLD

static void
test_get (void **state)
{
    ledger *self = *state;
    Belfry__V1__Reply *reply = ledger_refused (self, NOT_FOUND, "get.job.id=256");
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT__NOT_SET);
    ledger_refused (self, NOT_FOUND, "get.job.key=k");
    ledger_ok (self,
               "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.payload=one "
               "schedule.jobs.after_us=5000000");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"),
                   "get.job.id=256 get.job.spec.payload=0 get.runs=0 seq=2");
    assert_string_equal (ledger_kinds (self), "");
    /* By id in whatever namespace; by key only in its own. */
    ledger_ok (self, "get.job.id=256 get.job.ns=other");
    ledger_refused (self, NOT_FOUND, "get.job.key=k get.job.ns=other");
    ledger_refused (self, NOT_FOUND, "get.job.id=9223372036854775807");
    /* The newest of a key where none is open. */
    ledger_ok (self, "cancel.job.key=k");
    ledger_ok (self,
               "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.after_us=5");
    ledger_ok (self, "cancel.job.key=k");
    ledger_expect (self, ledger_ok (self, "get.job.key=k"), "get.job.id=512");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"), "get.job.state=6");
}

/* Times of the boot clock are shown as the wall clock counts now. */
static void
test_get_times (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5000000");
    ledger_set_wall (self, BF_HOUR_US);
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.job.due_us=1767229205000000");
    ledger_pass (self, 5 * BF_SECOND_US);
    ledger_fire (self, NULL);
    ledger_lease (self, "mail");
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.runs.lease_until_us=1767229235000000 "
                   "get.runs.due_us=1767229205000000 get.runs.lateness_us=0");
}

static void
test_get_pages (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5000000");
    for (int i = 0; i < 25; i++) {
        ledger_ok (self, "trigger.job.id=256");
    }
    ledger_expect (self, ledger_ok (self, "get.job.id=256"),
                   "get.runs=10 get.runs[0].run=256.25 get.runs[9].run=256.16");
    ledger_expect (self,
                   ledger_ok (self, "get.job.id=256 get.before_ordinal=16 "
                                    "get.max_runs=100"),
                   "get.runs=15 get.runs[0].run=256.15 get.runs[14].run=256.1");
    ledger_expect (self, ledger_ok (self, "get.job.id=256 get.before_ordinal=1"),
                   "get.runs=0");
}

/* Results up to what a frame holds; the page goes on below. */
static void
test_get_cut_by_bytes (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5000000 "
                     "schedule.jobs.payload=*65536");
    for (int i = 1; i <= 20; i++) {
        ledger_ok (self, "trigger.job.id=256");
        ledger_ok (self, ledger_text (self, "complete.token=%s complete.result=*65536",
                                      ledger_lease (self, "mail")));
    }
    Belfry__V1__Reply *reply =
        ledger_ok (self, "get.job.id=256 get.max_runs=100 get.with_payload=1");
    size_t first = reply->get->n_runs;
    assert_int_equal (first, 2);
    reply = ledger_ok (self, ledger_text (self,
                                          "get.job.id=256 get.max_runs=100 "
                                          "get.with_payload=1 get.before_ordinal=%zu",
                                          20 - first + 1));
    /* The last two of these: 16 and 15, which fit beside each other, too. */
    assert_int_equal (reply->get->n_runs, first);
}

/* 256 default/mail/a1 [x y], 512 default/call/a2 [x], 768 n/mail/b1 cancelled, 1024
 * default/mail without a key or tags, fired. */
static void
make_four (ledger *self)
{
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.key=a1 schedule.jobs.tags=x "
                     "schedule.jobs.tags=y schedule.jobs.after_us=5 "
                     "schedule.jobs.payload=one");
    ledger_ok (self, "schedule.jobs.type=call schedule.jobs.key=a2 schedule.jobs.tags=x "
                     "schedule.jobs.after_us=5");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.ns=n schedule.jobs.key=b1 "
                     "schedule.jobs.after_us=5");
    ledger_ok (self, "cancel.job.id=768");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
}

/* The ids of a listing, "256 512". */
static const char *
ids_of (ledger *self, const Belfry__V1__Reply *reply)
{
    const char *line = "";
    for (size_t i = 0; i < reply->list->n_jobs; i++) {
        line = ledger_text (self, "%s%s%llu", line, i ? " " : "",
                            (unsigned long long)reply->list->jobs[i]->id);
    }
    return line;
}

static void
test_list_filters (void **state)
{
    ledger *self = *state;
    ledger_expect (self, ledger_ok (self, "list"), "list.jobs=0 list.next_cursor=0");
    make_four (self);
    static const struct {
        const char *filter;
        const char *ids;
    } rows[] = {
        {"", "256 512 768 1024"},
        {"list.ns=default", "256 512 1024"},
        {"list.ns=n", "768"},
        {"list.ns=unknown", ""},
        {"list.type=mail", "256 768 1024"},
        {"list.type=unknown", ""},
        {"list.type=default", ""}, /* a name, but of a namespace */
        {"list.states=2", "256 512"},
        {"list.states=3 list.states=6", "768 1024"},
        {"list.states=7", ""},
        {"list.tags=x", "256 512"},
        {"list.tags=x list.tags=y", "256"},
        {"list.tags=y list.tags=z", ""},
        {"list.key_prefix=a", "256 512"},
        {"list.key_prefix=a2", "512"},
        {"list.key_prefix=a22", ""},
        {"list.ns=default list.type=mail list.states=2 list.tags=y list.key_prefix=a1",
         "256"},
        {"list.tags=x list.states=2", "256 512"},
        {"list.tags=x list.states=2 list.cursor=256", "512"},
        {"list.tags=x list.states=2 list.type=call list.key_prefix=a", "512"},
        {"list.ns=default list.key_prefix=a", "256 512"},
        {"list.ns=n list.key_prefix=b", "768"},
        {"list.ns=default list.key_prefix=b", ""},
        {"list.states=2 list.states=3 list.states=5", "256 512 1024"},
        {"list.states=2 list.states=3 list.cursor=256", "512 1024"},
        {"list.cursor=512", "768 1024"},
        {"list.cursor=1024", ""},
        {"list.cursor=9223372036854775807", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Belfry__V1__Reply *reply =
            ledger_ok (self, ledger_text (self, "list %s", rows[i].filter));
        if (strcmp (ids_of (self, reply), rows[i].ids) != 0) {
            fail_msg ("%s gives %s", rows[i].filter, ids_of (self, reply));
        }
        assert_int_equal (reply->list->next_cursor, 0);
    }
    ledger_expect (self, ledger_ok (self, "list.key_prefix=a1"),
                   "list.jobs.spec.payload=0 list.jobs.payload_bytes=3");
    ledger_expect (self, ledger_ok (self, "list.key_prefix=a1 list.with_payload=1"),
                   "list.jobs.spec.payload=3");
}

static void
test_list_pages (void **state)
{
    ledger *self = *state;
    make_four (self);
    ledger_expect (self, ledger_ok (self, "list.limit=2"),
                   "list.jobs=2 list.next_cursor=512");
    ledger_expect (self, ledger_ok (self, "list.limit=2 list.cursor=512"),
                   "list.jobs=2 list.jobs.id=768 list.next_cursor=0");
    ledger_expect (self, ledger_ok (self, "list.limit=1 list.type=mail"),
                   "list.jobs=1 list.jobs.id=256 list.next_cursor=256");
    ledger_expect (self, ledger_ok (self, "list.limit=1 list.type=mail list.cursor=256"),
                   "list.jobs=1 list.jobs.id=768 list.next_cursor=768");
}

/* The end of a page is the same whichever way its jobs are found. */
static void
test_list_pages_by_filter (void **state)
{
    ledger *self = *state;
    make_four (self);
    static const struct {
        const char *filter;
        const char *first;
        const char *second;
    } rows[] = {
        {"list.tags=x list.states=2", "256", "512"},
        {"list.states=2", "256", "512"},
        {"list.ns=default list.key_prefix=a", "256", "512"},
        {"list.states=6 list.states=3", "768", "1024"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Belfry__V1__Reply *reply =
            ledger_ok (self, ledger_text (self, "list.limit=1 %s", rows[i].filter));
        assert_string_equal (ids_of (self, reply), rows[i].first);
        assert_int_not_equal (reply->list->next_cursor, 0);
        reply = ledger_ok (
            self, ledger_text (self, "list.limit=1 %s list.cursor=%llu", rows[i].filter,
                               (unsigned long long)reply->list->next_cursor));
        assert_string_equal (ids_of (self, reply), rows[i].second);
        assert_int_equal (reply->list->next_cursor, 0);
    }
}

/* Payloads of 64 KiB: every page holds some, none is lost or told twice. */
static void
test_list_cut_by_bytes (void **state)
{
    ledger *self = *state;
    for (int i = 0; i < 32; i++) {
        ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=5 "
                         "schedule.jobs.payload=*65536");
    }
    uint64_t cursor = 0;
    size_t total = 0;
    int pages = 0;
    do {
        Belfry__V1__Reply *reply =
            ledger_ok (self, ledger_text (self, "list.with_payload=1 list.cursor=%llu",
                                          (unsigned long long)cursor));
        for (size_t i = 0; i < reply->list->n_jobs; i++) {
            assert_int_equal (reply->list->jobs[i]->id, ++total * 256);
        }
        cursor = reply->list->next_cursor;
        pages++;
    } while (cursor != 0);
    assert_int_equal (total, 32);
    assert_int_equal (pages, 11);
}

/* A page looks at 10,000 rows and may be empty, with a cursor. */
static void
test_list_examines_so_many (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    const char *many = "";
    for (int i = 0; i < BF_JOBS_PER_CALL; i++) {
        many = bf_arena_printf (self->arena,
                                "%s schedule.jobs[%d].type=t schedule.jobs[%d].after_us=5",
                                many, i, i);
    }
    for (int i = 0; i < BF_PAGE_EXAMINED; i += BF_JOBS_PER_CALL) {
        ledger_ok (self, many);
    }
    ledger_ok (self, "schedule.jobs.type=last schedule.jobs.after_us=5");
    Belfry__V1__Reply *reply = ledger_ok (self, "list.type=last");
    ledger_expect (self, reply, "list.jobs=0 list.next_cursor=2560000");
    ledger_expect (self, ledger_ok (self, "list.type=last list.cursor=2560000"),
                   "list.jobs=1 list.jobs.id=2560256 list.next_cursor=0");
    /* The log likewise, from both ends. */
    ledger_expect (self, ledger_ok (self, "replay.types=last"),
                   "events.events=0 events.next_cursor=10000");
    ledger_expect (self, ledger_ok (self, "replay.types=last replay.after_seq=10000"),
                   "events.events=1 events.next_cursor=10002");
    ledger_expect (self, ledger_ok (self, "history.kinds=scheduler.started"),
                   "events.events=0 events.next_cursor=2");
    ledger_expect (self,
                   ledger_ok (self, "history.kinds=scheduler.started "
                                    "history.cursor=2"),
                   "events.events=1 events.next_cursor=0");
}

/* What is not in the answer does not pile up: payloads of jobs without the tag are never
 * read, and a page of long definitions ends early, with its cursor. */
static void
test_list_is_bounded_by_memory (void **state)
{
    ledger *self = *state;
    self->unchecked = true;
    for (int i = 0; i < 20; i++) {
        ledger_ok (self, "schedule.jobs.type=t schedule.jobs.after_us=5 "
                         "schedule.jobs.payload=*65536");
    }
    ledger_begin (self);
    ledger_put (self, "list.tags=nope list.with_payload=1");
    assert_true (bf_ledger_used (self->ledger) < 128 * 1024);
    ledger_commit (self);
    const char *many = "";
    for (int i = 0; i < 200; i++) {
        const char *one =
            ledger_text (self,
                         " schedule.jobs[%d].type=t schedule.jobs[%d].after_us=5 "
                         "schedule.jobs[%d].content_type=text/%0120d",
                         i, i, i, i);
        for (int k = 0; k < BF_TAGS; k++) {
            one = ledger_text (self, "%s schedule.jobs[%d].tags=%064d", one, i, k);
        }
        many = ledger_text (self, "%s%s", many, one);
    }
    for (int i = 0; i < BF_PAGE_EXAMINED; i += 200) {
        ledger_ok (self, many);
    }
    size_t pages = 0;
    size_t largest = 0;
    uint64_t cursor = 0;
    do {
        ledger_begin (self);
        uint64_t call = ledger_put (
            self, ledger_text (self, "list.tags=nope list.cursor=%d", (int)cursor));
        size_t used = bf_ledger_used (self->ledger);
        largest = used > largest ? used : largest;
        ledger_commit (self);
        cursor = ledger_reply (self, call)->list->next_cursor;
        pages++;
    } while (cursor != 0);
    assert_in_range (largest, 16 * 1024 * 1024, 17 * 1024 * 1024);
    assert_in_range (pages, 2, 4);
}

/* The batch's memory is at its end: the read is refused, the batch goes on. */
static void
test_read_without_memory (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=t schedule.jobs.after_us=5 "
                     "schedule.jobs.payload=*65536");
    ledger_begin (self);
    uint64_t call;
    size_t before;
    do {
        before = bf_ledger_used (self->ledger);
        call = ledger_put (self, "get.job.id=256 get.with_payload=1");
    } while (bf_ledger_used (self->ledger) - before > (size_t)128 * 1024);
    ledger_commit (self);
    Belfry__V1__Reply *reply = ledger_reply (self, call);
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_INTERNAL);
    assert_string_equal (reply->text, "out of memory for this answer, ask for less");
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT__NOT_SET);
    reply = ledger_ok (self, "get.job.id=256 get.with_payload=1");
    assert_int_equal (reply->get->job->spec->payload.len, 65536);
}

/* The kinds of an answer, in its order. */
static const char *
kinds_of (ledger *self, const Belfry__V1__Reply *reply)
{
    const char *line = "";
    for (size_t i = 0; i < reply->events->n_events; i++) {
        line = ledger_text (self, "%s%s%s", line, i ? " " : "",
                            reply->events->events[i]->kind);
    }
    return line;
}

/* 256 of type mail and 512 of type call take turns: seqs 2..9. */
static void
make_history (ledger *self)
{
    ledger_ok (self,
               "schedule.jobs.type=mail schedule.jobs.key=k schedule.jobs.after_us=9");
    ledger_pass (self, 1000);
    ledger_ok (self, "schedule.jobs.type=call schedule.jobs.after_us=1000000");
    ledger_pass (self, 1000);
    ledger_ok (self, "pause.job.id=512");
    ledger_fire (self, NULL); /* run.fired */
    ledger_pass (self, 1000);
    ledger_lease (self, "mail"); /* run.claimed */
    ledger_ok (self, "cancel.job.id=512");
    ledger_ok (self, "complete.token=256.1.1"); /* run.succeeded job.completed */
}

static void
test_history (void **state)
{
    ledger *self = *state;
    make_history (self);
    static const struct {
        const char *filter;
        const char *kinds;
    } rows[] = {
        {"history.job.id=512", "job.cancelled job.paused job.scheduled"},
        {"history.job.key=k",
         "job.completed run.succeeded run.claimed run.fired job.scheduled"},
        {"history.job.key=k history.kinds=run.fired history.kinds=run.claimed",
         "run.claimed run.fired"},
        {"history.job.key=k history.type=call", ""},
        {"history",
         "job.completed run.succeeded job.cancelled run.claimed run.fired job.paused "
         "job.scheduled job.scheduled scheduler.started"},
        {"history.type=call", "job.cancelled job.paused job.scheduled"},
        {"history.from_us=1767225600001000 history.until_us=1767225600002001",
         "run.fired job.paused job.scheduled"},
        {"history.from_us=1767225600001000 history.until_us=1767225600002000",
         "job.scheduled"},
        {"history.job.id=512 history.from_us=1767225600001001", "job.cancelled job.paused"},
        {"history.job.id=512 history.until_us=1767225600001001", "job.scheduled"},
        {"history.cursor=4", "job.paused job.scheduled job.scheduled scheduler.started"},
        {"history.cursor=9223372036854775807 history.limit=1", "job.completed"},
        {"history.job.id=512 history.cursor=4", "job.paused job.scheduled"},
        /* Not this job's. */
        {"history.job.id=512 history.cursor=2", ""},
        {"history.job.id=512 history.cursor=9223372036854775807", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Belfry__V1__Reply *reply = ledger_ok (self, rows[i].filter);
        if (strcmp (kinds_of (self, reply), rows[i].kinds) != 0) {
            fail_msg ("%s gives %s", rows[i].filter, kinds_of (self, reply));
        }
        assert_int_equal (reply->events->head_seq, 9);
        assert_int_equal (reply->events->oldest_seq, 1);
        assert_true (reply->events->stream_epoch == LEDGER_EPOCH);
    }
    Belfry__V1__Reply *reply = ledger_refused (self, NOT_FOUND, "history.job.id=768");
    assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT__NOT_SET);
}

/* The wall clock was set back: what is in the span of time is still found. */
static void
test_history_over_a_step (void **state)
{
    ledger *self = *state;
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=9");
    ledger_set_wall (self, -BF_HOUR_US);
    ledger_ok (self, "pause.job.id=256");
    Belfry__V1__Reply *reply =
        ledger_ok (self, "history.job.id=256 history.from_us=1767225600000000");
    assert_string_equal (kinds_of (self, reply), "job.scheduled");
}

static void
test_history_pages (void **state)
{
    ledger *self = *state;
    make_history (self);
    ledger_expect (self, ledger_ok (self, "history.limit=4"),
                   "events.events=4 events.events[3].seq=6 events.next_cursor=5");
    ledger_expect (self, ledger_ok (self, "history.limit=4 history.cursor=5"),
                   "events.events=4 events.events[0].seq=5 events.next_cursor=1");
    ledger_expect (self, ledger_ok (self, "history.limit=4 history.cursor=1"),
                   "events.events=1 events.next_cursor=0");
    ledger_expect (self, ledger_ok (self, "history.job.id=512 history.limit=2"),
                   "events.events=2 events.next_cursor=3");
    ledger_expect (self,
                   ledger_ok (self, "history.job.id=512 history.limit=2 history.cursor=3"),
                   "events.events=1 events.events.kind=job.scheduled events.next_cursor=0");
    ledger_expect (self, ledger_ok (self, "history.job.id=512 history.limit=3"),
                   "events.events=3 events.next_cursor=0");
}

static void
test_replay (void **state)
{
    ledger *self = *state;
    make_history (self);
    static const struct {
        const char *filter;
        const char *kinds;
        uint64_t next;
    } rows[] = {
        {"replay.limit=3", "scheduler.started job.scheduled job.scheduled", 3},
        {"replay.after_seq=6", "job.cancelled run.succeeded job.completed", 9},
        {"replay.after_seq=9", "", 9},
        {"replay.after_seq=3 replay.types=mail replay.limit=2", "run.fired run.claimed", 7},
        {"replay.kinds=job.paused replay.kinds=job.completed replay.types=mail "
         "replay.types=call",
         "job.paused job.completed", 9},
        {"replay.types=unknown", "", 9},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Belfry__V1__Reply *reply =
            ledger_ok (self, ledger_text (self, "replay %s", rows[i].filter));
        if (strcmp (kinds_of (self, reply), rows[i].kinds) != 0) {
            fail_msg ("%s gives %s", rows[i].filter, kinds_of (self, reply));
        }
        assert_int_equal (reply->events->next_cursor, rows[i].next);
        assert_int_equal (reply->events->head_seq, 9);
        for (size_t k = 0; k < reply->events->n_events; k++) {
            assert_true (reply->events->events[k]->stream_epoch == LEDGER_EPOCH);
        }
    }
    /* A subscriber of the future, of another history. */
    ledger_expect (self, ledger_ok (self, "replay.after_seq=9223372036854775807"),
                   "events.events=0 events.head_seq=9");
}

/* Retention has taken the beginning. */
static void
test_too_old (void **state)
{
    ledger *self = *state;
    make_history (self);
    /* Behind the ledger's back: no event tells of it. */
    self->unchecked = true;
    sqlite3 *db = bf_database_handle (bf_ledger_database (self->ledger));
    assert_int_equal (
        sqlite3_exec (db, "DELETE FROM event WHERE seq < 5", NULL, NULL, NULL), SQLITE_OK);
    Belfry__V1__Reply *reply = ledger_refused (self, TOO_OLD, "replay.after_seq=3");
    ledger_expect (self, reply, "events.oldest_seq=5 events.head_seq=9 events.events=0");
    assert_non_null (strstr (reply->text, "seq 5"));
    ledger_expect (self, ledger_ok (self, "replay.after_seq=4 replay.limit=1"),
                   "events.events.seq=5");
    /* History ends where the log does. */
    ledger_expect (self, ledger_ok (self, "history.job.id=512"),
                   "events.events=1 events.next_cursor=0 events.oldest_seq=5");
    ledger_expect (self, ledger_ok (self, "history"),
                   "events.events=5 events.next_cursor=0");
    assert_int_equal (sqlite3_exec (db, "DELETE FROM event", NULL, NULL, NULL), SQLITE_OK);
    ledger_expect (self, ledger_refused (self, TOO_OLD, "replay.after_seq=8"),
                   "events.oldest_seq=10");
    ledger_expect (self, ledger_ok (self, "replay.after_seq=9"), "events.next_cursor=9");
}

/* Delivered payloads make pages short; each event comes once. */
static void
test_replay_cut_by_bytes (void **state)
{
    ledger *self = *state;
    for (int i = 0; i < 20; i++) {
        ledger_ok (self, "schedule.jobs.type=bell schedule.jobs.after_us=0 "
                         "schedule.jobs.delivery=2 schedule.jobs.payload=*65536");
    }
    ledger_fire (self, NULL);
    uint64_t head = (uint64_t)ledger_number (self, "SELECT head_seq FROM meta");
    for (uint64_t after = 0; after < head;) {
        Belfry__V1__Reply *reply = ledger_ok (
            self, ledger_text (self, "replay.after_seq=%llu", (unsigned long long)after));
        assert_true (reply->events->n_events > 0);
        for (size_t i = 0; i < reply->events->n_events; i++) {
            assert_int_equal (reply->events->events[i]->seq, ++after);
        }
        assert_int_equal (reply->events->next_cursor, after);
    }
}

static void
test_status (void **state)
{
    ledger *self = *state;
    make_history (self);
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=0");
    ledger_fire (self, NULL);
    ledger_pass (self, BF_SECOND_US);
    Belfry__Internal__StoreItem *item = ledger_call_item (self, "status");
    item->call->parked_claims = 17;
    ledger_begin (self);
    ledger_give (self, item);
    ledger_commit (self);
    Belfry__V1__Reply *reply = ledger_reply (self, self->calls);
    ledger_expect (self, reply,
                   "code=1 status.shard=0 status.head_seq=11 status.oldest_seq=1 "
                   "status.open_jobs=1 status.ready_runs=1 status.leased_runs=0 "
                   "status.parked_claims=17 status.disk_full=0 status.stored_answers=7 "
                   "status.now_us=1767225601003000 status.started_us=1767225600000000 "
                   "status.oldest_answer_us=1767225600000000 seq=11");
    assert_true (reply->status->stream_epoch == LEDGER_EPOCH);
    assert_true (reply->status->stored_answer_bytes > 0);
    assert_true (reply->status->version[0] != '\0');
}

/* Reads are not stored: the same id reads anew. */
static void
test_reads_are_not_stored (void **state)
{
    ledger *self = *state;
    ledger_refused (self, NOT_FOUND, "request_id=r get.job.id=256");
    ledger_ok (self, "schedule.jobs.type=mail schedule.jobs.after_us=9");
    ledger_expect (self, ledger_ok (self, "request_id=r get.job.id=256"), "repeated=0");
    ledger_expect (self, ledger_ok (self, "request_id=r list"), "repeated=0");
    assert_int_equal (ledger_number (self, "SELECT answers FROM meta"), 1);
}

/* What a batch did is what its reads see, in their order. */
static void
test_reads_in_a_batch (void **state)
{
    ledger *self = *state;
    ledger_begin (self);
    uint64_t before = ledger_put (self, "list");
    ledger_put (self, "schedule.jobs.type=mail schedule.jobs.after_us=9");
    uint64_t after = ledger_put (self, "list");
    ledger_commit (self);
    ledger_expect (self, ledger_reply (self, before), "list.jobs=0");
    ledger_expect (self, ledger_reply (self, after), "list.jobs=1 seq=2");
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_get),
        TEST (test_get_times),
        TEST (test_get_pages),
        TEST (test_get_cut_by_bytes),
        TEST (test_list_filters),
        TEST (test_list_pages),
        TEST (test_list_pages_by_filter),
        TEST (test_list_cut_by_bytes),
        TEST (test_list_examines_so_many),
        TEST (test_list_is_bounded_by_memory),
        TEST (test_read_without_memory),
        TEST (test_history),
        TEST (test_history_over_a_step),
        TEST (test_history_pages),
        TEST (test_replay),
        TEST (test_too_old),
        TEST (test_replay_cut_by_bytes),
        TEST (test_status),
        TEST (test_reads_are_not_stored),
        TEST (test_reads_in_a_batch),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
