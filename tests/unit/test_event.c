/* SPDX-License-Identifier: MPL-2.0
 *
 * Event kinds: names both ways, and topics that a subscription to a shorter type does not
 * match.
 */
#include "core/event.h"

#include <string.h>

#include "tests/support/cmocka.h"

static void
test_names (void **state)
{
    (void)state;
    static const bf_event_kind kinds[] = {
#define X(name, number, text) BF_EVENT_##name,
        BF_EVENT_MAP (X)
#undef X
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        assert_int_equal (bf_event_find (bf_event_name (kinds[i])), kinds[i]);
    }
    /* Rows hold the numbers and topics the names: each once. */
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        for (size_t other = 0; other < i; other++) {
            assert_int_not_equal (kinds[i], kinds[other]);
            assert_string_not_equal (bf_event_name (kinds[i]),
                                     bf_event_name (kinds[other]));
        }
    }
    static const struct {
        bf_event_kind kind;
        int number;
        const char *name;
    } newer[] = {
        {BF_EVENT_JOB_PRUNED, 11, "job.pruned"},
        {BF_EVENT_RUN_BLOCKED, 32, "run.blocked"},
        {BF_EVENT_RECOVERY_REPORT, 43, "recovery.report"},
        {BF_EVENT_LOG_PRUNED, 44, "log.pruned"},
        {BF_EVENT_SLOT_MISSED, 50, "slot.missed"},
        {BF_EVENT_SLOT_SKIPPED, 51, "slot.skipped"},
    };
    for (size_t i = 0; i < sizeof newer / sizeof newer[0]; i++) {
        assert_int_equal (newer[i].kind, newer[i].number);
        assert_string_equal (bf_event_name (newer[i].kind), newer[i].name);
    }
    assert_string_equal (bf_event_name (BF_EVENT_RUN_FIRED), "run.fired");
    assert_null (bf_event_name ((bf_event_kind)0));
    assert_null (bf_event_name ((bf_event_kind)9999));
    assert_int_equal (bf_event_find ("run"), 0);
    assert_int_equal (bf_event_find (""), 0);
    assert_int_equal (bf_event_find ("run.fired "), 0);
}

static void
test_topics (void **state)
{
    (void)state;
    static const struct {
        bf_event_kind kind;
        const char *type;
        const char *topic;
    } rows[] = {
        {BF_EVENT_RUN_FIRED, "claim_timeout", "run.fired claim_timeout "},
        {BF_EVENT_RUN_FIRED, "claim", "run.fired claim "},
        {BF_EVENT_SCHEDULER_STARTED, "", "scheduler.started "},
        {BF_EVENT_CLOCK_STEPPED, NULL, "clock.stepped "},
        {BF_EVENT_SLOT_MISSED, "claim", "slot.missed claim "},
        {BF_EVENT_RECOVERY_REPORT, "", "recovery.report "},
    };
    char topic[BF_TOPIC_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_ptr_equal (bf_event_topic (rows[i].kind, rows[i].type, topic), topic);
        assert_string_equal (topic, rows[i].topic);
    }
    char type[65];
    memset (type, 't', 64);
    type[64] = '\0';
    bf_event_topic (BF_EVENT_SCHEDULER_STOPPING, type, topic);
    assert_int_equal (topic[strlen (topic) - 1], ' ');
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_names),
        cmocka_unit_test (test_topics),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
