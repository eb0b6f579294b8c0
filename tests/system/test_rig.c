/* SPDX-License-Identifier: MPL-2.0
 *
 * The rig itself: a daemon that starts, answers, publishes, ends in each way, and comes
 * back on the same data. The other system tests stand on this.
 */
#include "tests/support/rig.h"

#include <stdlib.h>
#include <string.h>

#include <zmq.h>

#include "tests/support/cmocka.h"
#include "tests/support/peer.h"

static int
setup (void **state)
{
    *state = rig_new ();
    return 0;
}

static int
teardown (void **state)
{
    rig_destroy ((rig **)state);
    return 0;
}

static Belfry__V1__Request
status_request (Belfry__V1__Status *status)
{
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    *status = (Belfry__V1__Status)BELFRY__V1__STATUS__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_STATUS;
    request.status = status;
    return request;
}

static void
expect_answer (rig *self, const char *endpoint, int type)
{
    Belfry__V1__Status status;
    Belfry__V1__Request request = status_request (&status);
    peer *client = peer_client (self, endpoint, type, "rig");
    for (int call = 0; call < 2; call++) {
        Belfry__V1__Reply *reply = peer_call (client, &request);
        assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_OK);
        assert_int_equal (reply->result_case, BELFRY__V1__REPLY__RESULT_STATUS);
        belfry__v1__reply__free_unpacked (reply, NULL);
    }
    peer_free (client);
}

static void
test_every_way_in (void **state)
{
    rig *self = *state;
    rig_start (self, NULL);
    expect_answer (self, self->commands.tcp, ZMQ_REQ);
    expect_answer (self, self->commands.tcp, ZMQ_DEALER);
    expect_answer (self, self->commands.ipc, ZMQ_REQ);
    expect_answer (self, self->commands.ipc, ZMQ_DEALER);
    rig_stop (self);
}

static uint64_t
schedule_notice (peer *client)
{
    Belfry__V1__JobSpec spec = BELFRY__V1__JOB_SPEC__INIT;
    spec.type = "notice";
    spec.delivery = BELFRY__V1__DELIVERY__DELIVERY_NOTIFY;
    spec.trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
    spec.after_us = 0;
    Belfry__V1__JobSpec *specs[] = {&spec};
    Belfry__V1__Schedule schedule = BELFRY__V1__SCHEDULE__INIT;
    schedule.n_jobs = 1;
    schedule.jobs = specs;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_SCHEDULE;
    request.schedule = &schedule;
    Belfry__V1__Reply *reply = peer_call (client, &request);
    assert_int_equal (reply->code, BELFRY__V1__CODE__CODE_OK);
    uint64_t seq = reply->seq;
    belfry__v1__reply__free_unpacked (reply, NULL);
    return seq;
}

/* A client on the ipc endpoint lives through kill -9 and a new start. */
static void
test_killed_and_back (void **state)
{
    rig *self = *state;
    rig_start (self, NULL);
    peer *client = peer_client (self, self->commands.ipc, ZMQ_DEALER, "rig");
    peer *feed = peer_subscriber (self, self->feed.ipc, "");
    peer *monitor = peer_subscriber (self, self->monitor.tcp, "run.delivered ");
    uint64_t before = schedule_notice (client);
    belfry__v1__event__free_unpacked (peer_await (feed, "run.delivered"), NULL);
    Belfry__V1__Event *event = peer_await (monitor, "run.delivered");
    assert_true (event->seq > before);
    assert_string_equal (event->type, "notice");
    belfry__v1__event__free_unpacked (event, NULL);
    peer_free (monitor);

    rig_kill (self);
    rig_start (self, NULL);
    assert_true (schedule_notice (client) > before);
    peer_free (feed);
    feed = peer_subscriber (self, self->feed.ipc, "");
    assert_true (feed->head_seq > before);
    peer_free (feed);
    peer_free (client);
    rig_stop (self);
}

static void
test_refused (void **state)
{
    rig *self = *state;
    static const char *const unknown[] = {"--no-such-option", NULL};
    assert_int_equal (rig_refused (self, unknown), 2);
    char *log = rig_log_text (self);
    assert_non_null (strstr (log, "no-such-option"));
    free (log);
}

static void
test_command_line (void **state)
{
    rig *self = *state;
    rig_start (self, NULL);
    static const char *const args[] = {"no-such-verb", NULL};
    assert_int_equal (rig_belfry (self, args, NULL), 2);
    rig_stop (self);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_every_way_in, setup, teardown),
        cmocka_unit_test_setup_teardown (test_killed_and_back, setup, teardown),
        cmocka_unit_test_setup_teardown (test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown (test_command_line, setup, teardown),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
