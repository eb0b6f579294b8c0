/* SPDX-License-Identifier: MPL-2.0
 *
 * Memory runs out at the nth allocation of every step of a store's life, SQLite's and our
 * own: the error is BF_ENOMEM, the store is started again, what was acknowledged is there
 * and the step is done then.
 *
 * This program brings its own malloc, calloc and realloc, which hand on to the sanitizer's
 * or to the C library's; SQLite calls them, too. The files are real ones, in memory: the
 * simulated disk would share the want.
 */
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/faults.h"
#include "tests/support/temp.h"

/* clang-format off: one line each. */
#define PLAIN __attribute__ ((no_sanitize ("address", "undefined", "thread")))
extern void *__interceptor_malloc (size_t size) __attribute__ ((weak));
extern void *__interceptor_calloc (size_t count, size_t size) __attribute__ ((weak));
extern void *__interceptor_realloc (void *memory, size_t size) __attribute__ ((weak));
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t count, size_t size);
extern void *__libc_realloc (void *memory, size_t size);
#define FOR_ALL __attribute__ ((visibility ("default")))
/* clang-format on */

/* The allocation that fails, counted down; 0 for none. */
static size_t failing;
static bool failed;
static bool is_aside;

PLAIN static bool
fails (void)
{
    if (failing == 0 || is_aside || --failing > 0) {
        return false;
    }
    failed = true;
    return true;
}

PLAIN FOR_ALL void *
malloc (size_t size)
{
    if (fails ()) {
        return NULL;
    }
    return __interceptor_malloc != NULL ? __interceptor_malloc (size)
                                        : __libc_malloc (size);
}

PLAIN FOR_ALL void *
calloc (size_t count, size_t size)
{
    if (fails ()) {
        return NULL;
    }
    return __interceptor_calloc != NULL ? __interceptor_calloc (count, size)
                                        : __libc_calloc (count, size);
}

PLAIN FOR_ALL void *
realloc (void *memory, size_t size)
{
    if (fails ()) {
        return NULL;
    }
    return __interceptor_realloc != NULL ? __interceptor_realloc (memory, size)
                                         : __libc_realloc (memory, size);
}

static void
on_aside (void *context, bool begins)
{
    (void)context;
    is_aside = begins;
}

static void
begin (ledger *store, faults *self)
{
    faults_new (self, store, "unix-none");
    temp_remove (store->directory);
    store->directory = temp_make ();
    self->aside = on_aside;
}

/* One step, while its nth allocation fails; false where it has fewer. SQLite does without
 * some. */
static bool
step (faults *self, size_t nth, size_t *refused)
{
    bf_error error = {0};
    failed = false;
    failing = nth;
    bf_err rc = faults_try_again (self, &error);
    failing = 0;
    if (rc != BF_OK) {
        assert_int_equal (rc, BF_ENOMEM);
        assert_true (failed);
        assert_null (self->ledger->ledger);
        ++*refused;
    }
    return failed;
}

static void
expect_ok (bf_err rc, const bf_error *error)
{
    if (rc != BF_OK) {
        fail_msg ("%s: %s", bf_err_name (rc), error->text);
    }
}

/* The story from its beginning, in peace; true where the next step begins with a start. */
static bool
tell_up_to (faults *self, ledger *store, size_t at)
{
    bf_error error = {0};
    begin (store, self);
    while (self->at < at) {
        expect_ok (faults_try_again (self, &error), &error);
    }
    return !store->ledger;
}

static void
check_files (ledger *store)
{
    assert_string_equal (ledger_string (store, "PRAGMA integrity_check"), "ok");
}

/* Every nth allocation of this step, or, because a start has thousands, one in so many. */
#define STARTS_STRIDE 37

static size_t
exhaust (faults *self, ledger *store, size_t at)
{
    bf_error error = {0};
    size_t refused = 0;
    bool starts = tell_up_to (self, store, at);
    for (size_t nth = 1; step (self, nth, &refused); nth += starts ? STARTS_STRIDE : 1) {
        if (self->at > at) {
            tell_up_to (self, store, at);
        }
        if (!starts) {
            expect_ok (faults_open (self, &error), &error);
        }
    }
    faults_check (self);
    check_files (store);
    return refused;
}

static void
test_memory (void **state)
{
    ledger *store = *state;
    faults self;
    size_t refused = 0;
    bool is_over = false;
    for (size_t at = 0; !is_over; at++) {
        refused += exhaust (&self, store, at);
        is_over = faults_is_over (&self);
    }
    /* Otherwise this file tests nothing. */
    assert_true (refused > 1000);
    self.aside = NULL;
}

/* A read between two writes of one batch: where SQLite has undone the whole transaction for
 * want of memory, nothing of the batch may stay. */
static const char *const three[] = {
    "schedule.jobs.type=first schedule.jobs.after_us=5",
    "get.job.id=256",
    "schedule.jobs.type=third schedule.jobs.after_us=5",
};
#define THREE (sizeof three / sizeof three[0])

static bf_err
give_three (ledger *store, size_t nth, bf_error *error)
{
    const Belfry__Internal__StoreItem *items[THREE];
    for (size_t i = 0; i < THREE; i++) {
        items[i] = ledger_call_item (store, three[i]);
    }
    failed = false;
    failing = nth;
    bf_err rc = bf_ledger_begin (store->ledger, store->now, error);
    for (size_t i = 0; i < THREE && rc == BF_OK; i++) {
        rc = bf_ledger_apply (store->ledger, items[i], error);
    }
    if (rc == BF_OK) {
        rc = bf_ledger_commit (store->ledger, error);
    }
    failing = 0;
    return rc;
}

static void
test_read_between_writes (void **state)
{
    ledger *store = *state;
    size_t refused = 0;
    bool is_over = false;
    for (size_t nth = 1; !is_over; nth++) {
        bf_error error = {0};
        bf_err rc = give_three (store, nth, &error);
        is_over = !failed;
        if (rc == BF_OK) {
            ledger_model_hear (store);
        } else {
            assert_int_equal (rc, BF_ENOMEM);
            bf_ledger_close (&store->ledger);
            expect_ok (ledger_try_open (store, &error), &error);
            ledger_model_forget (store);
            ledger_model_hear (store);
            refused++;
        }
        ledger_check (store);
        check_files (store);
    }
    assert_true (refused > 50);
}

#define TEST(name) cmocka_unit_test_setup_teardown (name, ledger_setup, ledger_teardown)

int
main (void)
{
    const struct CMUnitTest tests[] = {
        TEST (test_memory),
        TEST (test_read_between_writes),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
