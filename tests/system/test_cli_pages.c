/* SPDX-License-Identifier: MPL-2.0
 *
 * Listings of belfry that are longer than one answer: every row once, in order, up to the
 * limit.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/c/belfry_wire.h"
#include "tests/support/cmocka.h"
#include "tests/support/rig.h"

/* More than a page: jobs and events come by 1000, runs by 100. */
#define JOBS 1500
#define JOBS_PER_CALL 750
#define RUNS 230

static int
setup (void **state)
{
    rig *self = rig_new ();
    rig_start (self, NULL);
    *state = self;
    return 0;
}

static int
teardown (void **state)
{
    rig_destroy ((rig **)state);
    return 0;
}

static belfry *
open_client (const rig *self)
{
    belfry *client = NULL;
    belfry_options options = {.commands = self->commands.ipc};
    assert_int_equal (belfry_open (&client, &options), BELFRY_OK);
    return client;
}

static void
schedule_jobs (belfry *client)
{
    static belfry_job jobs[JOBS_PER_CALL];
    for (size_t index = 0; index < JOBS_PER_CALL; index++) {
        jobs[index] = (belfry_job){.type = "t", .after_us = INT64_C (3600000000)};
    }
    for (size_t done = 0; done < JOBS; done += JOBS_PER_CALL) {
        assert_int_equal (belfry_schedule_many (client, jobs, JOBS_PER_CALL, NULL),
                          BELFRY_OK);
    }
}

/* Runs belfry and takes from each line of its JSON the number behind `name`; they must be
 * first, first + step, … Returns how many there were. */
static size_t
numbers (rig *self, const char *const *args, const char *name, int64_t first, int64_t step)
{
    char *output = NULL, *rest = NULL, mark[64];
    size_t count = 0;
    snprintf (mark, sizeof mark, "{\"%s\":\"", name);
    assert_int_equal (rig_belfry (self, args, &output), 0);
    for (char *line = strtok_r (output, "\n", &rest); line;
         line = strtok_r (NULL, "\n", &rest)) {
        const char *at = strstr (line, mark);
        assert_non_null (at);
        int64_t number = strtoll (at + strlen (mark), NULL, 10);
        assert_int_equal (number, first + step * (int64_t)count);
        count++;
    }
    free (output);
    return count;
}

static void
test_jobs (void **state)
{
    rig *self = *state;
    belfry *client = open_client (self);
    schedule_jobs (client);
    belfry_close (&client);
    /* Ids are a counter over 8 bits of shard. */
    assert_int_equal (numbers (self, (const char *[]){"list", "-o", "json", "--all", NULL},
                               "id", 256, 256),
                      JOBS);
    assert_int_equal (
        numbers (self, (const char *[]){"list", "-o", "json", "--limit", "1100", NULL},
                 "id", 256, 256),
        1100);
    assert_int_equal (
        numbers (self, (const char *[]){"list", "-o", "json", NULL}, "id", 256, 256), 100);
    rig_stop (self);
}

/* Every line of the log has its seq as the first field that is a string of digits only. */
static size_t
events (rig *self, const char *const *args, int64_t first, int64_t step)
{
    char *output = NULL, *rest = NULL;
    size_t count = 0;
    assert_int_equal (rig_belfry (self, args, &output), 0);
    for (char *line = strtok_r (output, "\n", &rest); line;
         line = strtok_r (NULL, "\n", &rest)) {
        int64_t seq = 0;
        assert_int_equal (sscanf (line, "%*s %" SCNd64, &seq), 1);
        assert_int_equal (seq, first + step * (int64_t)count);
        count++;
    }
    free (output);
    return count;
}

static void
test_events (void **state)
{
    rig *self = *state;
    belfry *client = open_client (self);
    schedule_jobs (client);
    belfry_close (&client);
    /* scheduler.started, and one for each job. */
    size_t head = 1 + JOBS;
    assert_int_equal (events (self, (const char *[]){"events", NULL}, 1, 1), head);
    assert_int_equal (
        events (self, (const char *[]){"events", "--limit", "1100", NULL}, 1, 1), 1100);
    assert_int_equal (
        events (self, (const char *[]){"events", "--from", "400", NULL}, 400, 1),
        head - 399);
    assert_int_equal (
        events (self, (const char *[]){"history", "--all", NULL}, (int64_t)head, -1), head);
    assert_int_equal (events (self, (const char *[]){"history", "--limit", "1100", NULL},
                              (int64_t)head, -1),
                      1100);
    rig_stop (self);
}

static void
trigger (belfry *client, char *key)
{
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    Belfry__V1__Trigger trigger = BELFRY__V1__TRIGGER__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    Belfry__V1__Reply *reply = NULL;
    ref.key = key;
    trigger.job = &ref;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_TRIGGER;
    request.trigger = &trigger;
    assert_int_equal (belfry_call (client, &request, &reply), BELFRY_OK);
    assert_int_equal (belfry_reply_error (client, reply), BELFRY_OK);
    belfry_reply_free (&reply);
}

/* As test_jobs; the id of a run is "256.N". */
static size_t
runs (rig *self, const char *const *args)
{
    char *output = NULL, *rest = NULL;
    size_t count = 0;
    assert_int_equal (rig_belfry (self, args, &output), 0);
    for (char *line = strtok_r (output, "\n", &rest); line;
         line = strtok_r (NULL, "\n", &rest)) {
        char expected[64];
        snprintf (expected, sizeof expected, "{\"run\":\"256.%zu\"", RUNS - count);
        assert_memory_equal (line, expected, strlen (expected));
        count++;
    }
    free (output);
    return count;
}

static void
test_runs (void **state)
{
    rig *self = *state;
    belfry *client = open_client (self);
    belfry_job job = {.type = "t", .key = "often", .after_us = INT64_C (3600000000)};
    assert_int_equal (belfry_schedule (client, &job, NULL), BELFRY_OK);
    for (size_t count = 0; count < RUNS; count++) {
        trigger (client, "often");
    }
    belfry_close (&client);
    assert_int_equal (runs (self, (const char *[]){"runs", "--key", "often", "-o", "json",
                                                   "--all", NULL}),
                      RUNS);
    assert_int_equal (
        runs (self, (const char *[]){"runs", "256", "-o", "json", "--limit", "150", NULL}),
        150);
    rig_stop (self);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_jobs, setup, teardown),
        cmocka_unit_test_setup_teardown (test_events, setup, teardown),
        cmocka_unit_test_setup_teardown (test_runs, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
