/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of runs: every cell of the table of states, and every name.
 */
#include "core/run.h"

#include "tests/support/cmocka.h"

enum {
    NOT = 0,
    BLO = BF_RUN_BLOCKED,
    REA = BF_RUN_READY,
    LEA = BF_RUN_LEASED,
    RET = BF_RUN_RETRY_WAIT,
    SUC = BF_RUN_SUCCEEDED,
    DEA = BF_RUN_DEAD,
    EXP = BF_RUN_EXPIRED,
    CAN = BF_RUN_CANCELLED,
    DEL = BF_RUN_DELIVERED,
};

/* One row per cell: what a move makes of a state. */
static const struct {
    int state;
    bf_run_move move;
    int next;
} cells[] = {
    {BLO, BF_RUN_UNBLOCK, REA},  {BLO, BF_RUN_CLAIM, NOT},   {BLO, BF_RUN_RETURN, NOT},
    {BLO, BF_RUN_COMPLETE, NOT}, {BLO, BF_RUN_RETRY, NOT},   {BLO, BF_RUN_SNOOZE, NOT},
    {BLO, BF_RUN_DIE, NOT},      {BLO, BF_RUN_WAKE, NOT},    {BLO, BF_RUN_EXPIRE, EXP},
    {BLO, BF_RUN_CANCEL, CAN},   {BLO, BF_RUN_DELIVER, NOT},

    {REA, BF_RUN_UNBLOCK, NOT},  {REA, BF_RUN_CLAIM, LEA},   {REA, BF_RUN_RETURN, NOT},
    {REA, BF_RUN_COMPLETE, NOT}, {REA, BF_RUN_RETRY, NOT},   {REA, BF_RUN_SNOOZE, NOT},
    {REA, BF_RUN_DIE, NOT},      {REA, BF_RUN_WAKE, NOT},    {REA, BF_RUN_EXPIRE, EXP},
    {REA, BF_RUN_CANCEL, CAN},   {REA, BF_RUN_DELIVER, DEL},

    {LEA, BF_RUN_UNBLOCK, NOT},  {LEA, BF_RUN_CLAIM, NOT},   {LEA, BF_RUN_RETURN, REA},
    {LEA, BF_RUN_COMPLETE, SUC}, {LEA, BF_RUN_RETRY, RET},   {LEA, BF_RUN_SNOOZE, RET},
    {LEA, BF_RUN_DIE, DEA},      {LEA, BF_RUN_WAKE, NOT},    {LEA, BF_RUN_EXPIRE, NOT},
    {LEA, BF_RUN_CANCEL, CAN},   {LEA, BF_RUN_DELIVER, NOT},

    {RET, BF_RUN_UNBLOCK, NOT},  {RET, BF_RUN_CLAIM, NOT},   {RET, BF_RUN_RETURN, NOT},
    {RET, BF_RUN_COMPLETE, NOT}, {RET, BF_RUN_RETRY, NOT},   {RET, BF_RUN_SNOOZE, NOT},
    {RET, BF_RUN_DIE, DEA},      {RET, BF_RUN_WAKE, REA},    {RET, BF_RUN_EXPIRE, EXP},
    {RET, BF_RUN_CANCEL, CAN},   {RET, BF_RUN_DELIVER, NOT},

    {SUC, BF_RUN_UNBLOCK, NOT},  {SUC, BF_RUN_CLAIM, NOT},   {SUC, BF_RUN_RETURN, NOT},
    {SUC, BF_RUN_COMPLETE, NOT}, {SUC, BF_RUN_RETRY, NOT},   {SUC, BF_RUN_SNOOZE, NOT},
    {SUC, BF_RUN_DIE, NOT},      {SUC, BF_RUN_WAKE, NOT},    {SUC, BF_RUN_EXPIRE, NOT},
    {SUC, BF_RUN_CANCEL, NOT},   {SUC, BF_RUN_DELIVER, NOT},

    {DEA, BF_RUN_UNBLOCK, NOT},  {DEA, BF_RUN_CLAIM, NOT},   {DEA, BF_RUN_RETURN, NOT},
    {DEA, BF_RUN_COMPLETE, NOT}, {DEA, BF_RUN_RETRY, NOT},   {DEA, BF_RUN_SNOOZE, NOT},
    {DEA, BF_RUN_DIE, NOT},      {DEA, BF_RUN_WAKE, NOT},    {DEA, BF_RUN_EXPIRE, NOT},
    {DEA, BF_RUN_CANCEL, NOT},   {DEA, BF_RUN_DELIVER, NOT},

    {EXP, BF_RUN_UNBLOCK, NOT},  {EXP, BF_RUN_CLAIM, NOT},   {EXP, BF_RUN_RETURN, NOT},
    {EXP, BF_RUN_COMPLETE, NOT}, {EXP, BF_RUN_RETRY, NOT},   {EXP, BF_RUN_SNOOZE, NOT},
    {EXP, BF_RUN_DIE, NOT},      {EXP, BF_RUN_WAKE, NOT},    {EXP, BF_RUN_EXPIRE, NOT},
    {EXP, BF_RUN_CANCEL, NOT},   {EXP, BF_RUN_DELIVER, NOT},

    {CAN, BF_RUN_UNBLOCK, NOT},  {CAN, BF_RUN_CLAIM, NOT},   {CAN, BF_RUN_RETURN, NOT},
    {CAN, BF_RUN_COMPLETE, NOT}, {CAN, BF_RUN_RETRY, NOT},   {CAN, BF_RUN_SNOOZE, NOT},
    {CAN, BF_RUN_DIE, NOT},      {CAN, BF_RUN_WAKE, NOT},    {CAN, BF_RUN_EXPIRE, NOT},
    {CAN, BF_RUN_CANCEL, NOT},   {CAN, BF_RUN_DELIVER, NOT},

    {DEL, BF_RUN_UNBLOCK, NOT},  {DEL, BF_RUN_CLAIM, NOT},   {DEL, BF_RUN_RETURN, NOT},
    {DEL, BF_RUN_COMPLETE, NOT}, {DEL, BF_RUN_RETRY, NOT},   {DEL, BF_RUN_SNOOZE, NOT},
    {DEL, BF_RUN_DIE, NOT},      {DEL, BF_RUN_WAKE, NOT},    {DEL, BF_RUN_EXPIRE, NOT},
    {DEL, BF_RUN_CANCEL, NOT},   {DEL, BF_RUN_DELIVER, NOT},
};

static void
test_every_cell (void **state)
{
    (void)state;
    bool seen[BF_RUN_STATE_LAST + 1][BF_RUN_MOVES] = {{false}};
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        bf_run_state next = bf_run_next ((bf_run_state)cells[i].state, cells[i].move);
        if ((int)next != cells[i].next) {
            fail_msg ("%s of %s leads to %s", bf_run_move_name (cells[i].move),
                      bf_run_state_name ((bf_run_state)cells[i].state),
                      bf_run_state_name (next));
        }
        assert_false (seen[cells[i].state][cells[i].move]);
        seen[cells[i].state][cells[i].move] = true;
    }
    for (int from = 1; from <= BF_RUN_STATE_LAST; from++) {
        for (int move = 0; move < BF_RUN_MOVES; move++) {
            assert_true (seen[from][move]);
        }
    }
}

static void
test_beyond_the_table (void **state)
{
    (void)state;
    assert_int_equal (bf_run_next ((bf_run_state)0, BF_RUN_CANCEL), 0);
    assert_int_equal (bf_run_next ((bf_run_state)10, BF_RUN_CANCEL), 0);
    assert_int_equal (bf_run_next ((bf_run_state)-1, BF_RUN_CANCEL), 0);
    assert_int_equal (bf_run_next (BF_RUN_READY, BF_RUN_MOVES), 0);
    assert_int_equal (bf_run_next (BF_RUN_READY, (bf_run_move)-1), 0);
}

static void
test_states (void **state)
{
    (void)state;
    static const struct {
        int state;
        const char *name;
        bool open;
    } rows[] = {
        {0, "unknown", false},     {BLO, "blocked", true},    {REA, "ready", true},
        {LEA, "leased", true},     {RET, "retry_wait", true}, {SUC, "succeeded", false},
        {DEA, "dead", false},      {EXP, "expired", false},   {CAN, "cancelled", false},
        {DEL, "delivered", false}, {10, "unknown", false},    {-1, "unknown", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal (bf_run_state_name ((bf_run_state)rows[i].state), rows[i].name);
        assert_int_equal (bf_run_is_open ((bf_run_state)rows[i].state), rows[i].open);
    }
}

static void
test_moves (void **state)
{
    (void)state;
    static const char *const moves[] = {"unblock", "claim",  "return",  "complete",
                                        "retry",   "snooze", "die",     "wake",
                                        "expire",  "cancel", "deliver", "unknown"};
    for (int i = 0; i <= BF_RUN_MOVES; i++) {
        assert_string_equal (bf_run_move_name ((bf_run_move)i), moves[i]);
    }
}

static void
test_origins (void **state)
{
    (void)state;
    static const struct {
        int origin;
        const char *name;
        bool decides;
    } rows[] = {
        {0, "unknown", false},
        {BF_ORIGIN_SLOT, "slot", true},
        {BF_ORIGIN_REMINDER, "reminder", false},
        {BF_ORIGIN_TRIGGERED, "trigger", false},
        {BF_ORIGIN_REDRIVEN, "redrive", true},
        {5, "unknown", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal (bf_origin_name ((bf_origin)rows[i].origin), rows[i].name);
        assert_int_equal (bf_origin_decides ((bf_origin)rows[i].origin, true),
                          rows[i].decides);
        assert_int_equal (bf_origin_decides ((bf_origin)rows[i].origin, false),
                          rows[i].origin == BF_ORIGIN_SLOT);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_every_cell), cmocka_unit_test (test_beyond_the_table),
        cmocka_unit_test (test_states),     cmocka_unit_test (test_moves),
        cmocka_unit_test (test_origins),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
