/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of jobs: every cell of the table of states, every name, every judgement.
 */
#include "core/job.h"

#include "tests/support/cmocka.h"

enum {
    NOT = 0,
    WAI = BF_JOB_WAITING,
    SCH = BF_JOB_SCHEDULED,
    ACT = BF_JOB_ACTIVE,
    COM = BF_JOB_COMPLETED,
    DEA = BF_JOB_DEAD,
    CAN = BF_JOB_CANCELLED,
    CON = BF_JOB_CONFIRMED,
};

/* One row per cell: what a move makes of a state. */
static const struct {
    int state;
    bf_job_move move;
    int next;
} cells[] = {
    {WAI, BF_JOB_FIRE_LAST, NOT}, {WAI, BF_JOB_RESCHEDULE, SCH}, {WAI, BF_JOB_CANCEL, CAN},
    {WAI, BF_JOB_CONFIRM, CON},   {WAI, BF_JOB_FINISH, NOT},     {WAI, BF_JOB_FAIL, NOT},
    {WAI, BF_JOB_REDRIVE, WAI},   {WAI, BF_JOB_TOUCH, WAI},

    {SCH, BF_JOB_FIRE_LAST, ACT}, {SCH, BF_JOB_RESCHEDULE, SCH}, {SCH, BF_JOB_CANCEL, CAN},
    {SCH, BF_JOB_CONFIRM, CON},   {SCH, BF_JOB_FINISH, NOT},     {SCH, BF_JOB_FAIL, NOT},
    {SCH, BF_JOB_REDRIVE, SCH},   {SCH, BF_JOB_TOUCH, SCH},

    {ACT, BF_JOB_FIRE_LAST, NOT}, {ACT, BF_JOB_RESCHEDULE, SCH}, {ACT, BF_JOB_CANCEL, CAN},
    {ACT, BF_JOB_CONFIRM, NOT},   {ACT, BF_JOB_FINISH, COM},     {ACT, BF_JOB_FAIL, DEA},
    {ACT, BF_JOB_REDRIVE, ACT},   {ACT, BF_JOB_TOUCH, ACT},

    {COM, BF_JOB_FIRE_LAST, NOT}, {COM, BF_JOB_RESCHEDULE, NOT}, {COM, BF_JOB_CANCEL, NOT},
    {COM, BF_JOB_CONFIRM, NOT},   {COM, BF_JOB_FINISH, NOT},     {COM, BF_JOB_FAIL, NOT},
    {COM, BF_JOB_REDRIVE, ACT},   {COM, BF_JOB_TOUCH, NOT},

    {DEA, BF_JOB_FIRE_LAST, NOT}, {DEA, BF_JOB_RESCHEDULE, NOT}, {DEA, BF_JOB_CANCEL, NOT},
    {DEA, BF_JOB_CONFIRM, NOT},   {DEA, BF_JOB_FINISH, NOT},     {DEA, BF_JOB_FAIL, NOT},
    {DEA, BF_JOB_REDRIVE, ACT},   {DEA, BF_JOB_TOUCH, NOT},

    {CAN, BF_JOB_FIRE_LAST, NOT}, {CAN, BF_JOB_RESCHEDULE, NOT}, {CAN, BF_JOB_CANCEL, NOT},
    {CAN, BF_JOB_CONFIRM, NOT},   {CAN, BF_JOB_FINISH, NOT},     {CAN, BF_JOB_FAIL, NOT},
    {CAN, BF_JOB_REDRIVE, NOT},   {CAN, BF_JOB_TOUCH, NOT},

    {CON, BF_JOB_FIRE_LAST, NOT}, {CON, BF_JOB_RESCHEDULE, NOT}, {CON, BF_JOB_CANCEL, NOT},
    {CON, BF_JOB_CONFIRM, NOT},   {CON, BF_JOB_FINISH, NOT},     {CON, BF_JOB_FAIL, NOT},
    {CON, BF_JOB_REDRIVE, NOT},   {CON, BF_JOB_TOUCH, NOT},
};

static void
test_every_cell (void **state)
{
    (void)state;
    bool seen[BF_JOB_STATE_LAST + 1][BF_JOB_MOVES] = {{false}};
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        bf_job_state next = bf_job_next ((bf_job_state)cells[i].state, cells[i].move);
        if ((int)next != cells[i].next) {
            fail_msg ("%s of %s leads to %s", bf_job_move_name (cells[i].move),
                      bf_job_state_name ((bf_job_state)cells[i].state),
                      bf_job_state_name (next));
        }
        assert_false (seen[cells[i].state][cells[i].move]);
        seen[cells[i].state][cells[i].move] = true;
    }
    for (int from = 1; from <= BF_JOB_STATE_LAST; from++) {
        for (int move = 0; move < BF_JOB_MOVES; move++) {
            assert_true (seen[from][move]);
        }
    }
}

static void
test_beyond_the_table (void **state)
{
    (void)state;
    assert_int_equal (bf_job_next ((bf_job_state)0, BF_JOB_CANCEL), 0);
    assert_int_equal (bf_job_next ((bf_job_state)8, BF_JOB_CANCEL), 0);
    assert_int_equal (bf_job_next ((bf_job_state)-1, BF_JOB_CANCEL), 0);
    assert_int_equal (bf_job_next (BF_JOB_SCHEDULED, BF_JOB_MOVES), 0);
    assert_int_equal (bf_job_next (BF_JOB_SCHEDULED, (bf_job_move)-1), 0);
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
        {0, "unknown", false},     {WAI, "waiting", true},    {SCH, "scheduled", true},
        {ACT, "active", true},     {COM, "completed", false}, {DEA, "dead", false},
        {CAN, "cancelled", false}, {CON, "confirmed", false}, {8, "unknown", false},
        {-1, "unknown", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal (bf_job_state_name ((bf_job_state)rows[i].state), rows[i].name);
        assert_int_equal (bf_job_is_open ((bf_job_state)rows[i].state), rows[i].open);
    }
}

static void
test_names (void **state)
{
    (void)state;
    static const char *const moves[] = {"fire_last", "reschedule", "cancel",
                                        "confirm",   "finish",     "fail",
                                        "redrive",   "touch",      "unknown"};
    for (int i = 0; i <= BF_JOB_MOVES; i++) {
        assert_string_equal (bf_job_move_name ((bf_job_move)i), moves[i]);
    }
    static const char *const reasons[] = {"none",    "run_dead",   "missed", "skipped",
                                          "expired", "dependency", "unknown"};
    for (int i = 0; i <= BF_JOB_DEPENDENCY + 1; i++) {
        assert_string_equal (bf_job_reason_name ((bf_job_reason)i), reasons[i]);
    }
}

static void
test_judge (void **state)
{
    (void)state;
    static const struct {
        int state;
        bool slot;
        uint32_t open_runs;
        bool failing;
        bf_job_move move;
    } rows[] = {
        {ACT, false, 0, false, BF_JOB_FINISH}, {ACT, false, 0, true, BF_JOB_FAIL},
        {ACT, false, 1, false, BF_JOB_MOVES},  {ACT, false, 1, true, BF_JOB_MOVES},
        {ACT, true, 0, false, BF_JOB_MOVES},   {ACT, true, 0, true, BF_JOB_MOVES},
        {ACT, true, 1, true, BF_JOB_MOVES},    {WAI, false, 0, true, BF_JOB_MOVES},
        {SCH, true, 0, true, BF_JOB_MOVES},    {SCH, false, 0, false, BF_JOB_MOVES},
        {COM, false, 0, true, BF_JOB_MOVES},   {DEA, false, 0, false, BF_JOB_MOVES},
        {CAN, false, 0, true, BF_JOB_MOVES},   {CON, false, 0, false, BF_JOB_MOVES},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal (bf_job_judge ((bf_job_state)rows[i].state, rows[i].slot,
                                        rows[i].open_runs, rows[i].failing),
                          rows[i].move);
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_every_cell), cmocka_unit_test (test_beyond_the_table),
        cmocka_unit_test (test_states),     cmocka_unit_test (test_names),
        cmocka_unit_test (test_judge),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
