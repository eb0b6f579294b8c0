/* SPDX-License-Identifier: MPL-2.0
 *
 * docs/states.md says what core says: its tables of moves, of late slots and of overlap are
 * read here, cell by cell.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/event.h"
#include "core/job.h"
#include "core/late.h"
#include "core/overlap.h"
#include "core/run.h"
#include "tests/support/cmocka.h"

#define LINE_BYTES 512
#define COLUMNS 16
#define CELL_BYTES 64

/* What a table is about, by numbers, so that all are read by one hand. Rows count from 1,
 * columns from 0. */
typedef struct {
    const char *subject; /* the first word of the head */
    int rows;
    int columns;
    const char *(*row_name) (int row);
    const char *(*column_name) (int column);
    /* What core says. */
    void (*cell) (int row, int column, char text[CELL_BYTES]);
} law;

static void
put (char text[CELL_BYTES], const char *word)
{
    (void)snprintf (text, CELL_BYTES, "%s", word);
}

/* --- jobs and runs: where a move leads ------------------------------------------------ */

static const char *
job_state_name (int state)
{
    return bf_job_state_name ((bf_job_state)state);
}

static const char *
job_move_name (int move)
{
    return bf_job_move_name ((bf_job_move)move);
}

static void
job_cell (int state, int move, char text[CELL_BYTES])
{
    bf_job_state next = bf_job_next ((bf_job_state)state, (bf_job_move)move);
    put (text, next != 0 ? bf_job_state_name (next) : "");
}

static const char *
run_state_name (int state)
{
    return bf_run_state_name ((bf_run_state)state);
}

static const char *
run_move_name (int move)
{
    return bf_run_move_name ((bf_run_move)move);
}

static void
run_cell (int state, int move, char text[CELL_BYTES])
{
    bf_run_state next = bf_run_next ((bf_run_state)state, (bf_run_move)move);
    put (text, next != 0 ? bf_run_state_name (next) : "");
}

/* --- overlap: what becomes of a slot -------------------------------------------------- */

static const char *
overlap_name (int overlap)
{
    return bf_overlap_name ((bf_overlap)overlap);
}

static const char *
crowd_name (int crowd)
{
    return bf_crowd_name ((bf_crowd)crowd);
}

static void
overlap_cell (int overlap, int crowd, char text[CELL_BYTES])
{
    put (text,
         bf_overlap_act_name (bf_overlap_judge ((bf_overlap)overlap, (bf_crowd)crowd)));
}

/* --- late slots: what becomes of all of them, in their order -------------------------- */

#define INTERVAL_US 100
#define GRACE_US 10

/* A job with slots at 0, 100, 200, … whose scheduler comes back. */
static const struct {
    const char *name;
    int64_t back_us;
    int64_t now_us;
    uint32_t catchup_max; /* of FIRE_ALL */
    bool one_shot;
    bool from_now; /* it was paused, and is resumed from now */
} situations[] = {
    {"in_time", GRACE_US, GRACE_US, 3, false, false},
    {"one", GRACE_US + 1, GRACE_US + 1, 3, false, false},
    {"many", 2 * INTERVAL_US + 50, 2 * INTERVAL_US + 50, 3, false, false},
    {"many_then_in_time", 2 * INTERVAL_US + 50, 3 * INTERVAL_US, 3, false, false},
    {"over_catchup_max", 4 * INTERVAL_US + 50, 4 * INTERVAL_US + 50, 3, false, false},
    {"one_shot", GRACE_US + 1, GRACE_US + 1, 3, true, false},
    {"resumed_from_now", 2 * INTERVAL_US, 2 * INTERVAL_US, 3, false, true},
};

#define SITUATIONS ((int)(sizeof situations / sizeof situations[0]))

/* Fates of slots, counted while they follow each other. */
typedef struct {
    const char *fate;
    uint64_t count;
    char *text;
} tally;

static void
tally_add (tally *self, const char *fate, uint64_t count)
{
    if (self->fate != NULL && strcmp (self->fate, fate) != 0 && self->count > 0) {
        size_t used = strlen (self->text);
        (void)snprintf (self->text + used, CELL_BYTES - used, "%s%d %s",
                        used > 0 ? ", " : "", (int)self->count, self->fate);
        self->count = 0;
    }
    self->fate = fate;
    self->count += count;
}

static void
tally_verdict (tally *self, const bf_late_verdict *verdict)
{
    if (verdict->dropped.count > 0) {
        tally_add (self, verdict->skipped ? "skipped" : "missed", verdict->dropped.count);
    }
    if (verdict->act == BF_SLOT_FAIL) {
        tally_add (self, "failed", 1);
    } else if (verdict->act == BF_SLOT_FIRE) {
        tally_add (self, verdict->late ? "late" : "fires", 1);
    }
}

static const char *
late_name (int late)
{
    return bf_late_name ((bf_late)late);
}

static const char *
situation_name (int situation)
{
    return situations[situation].name;
}

static void
late_cell (int late, int situation, char text[CELL_BYTES])
{
    int64_t back_us = situations[situation].back_us;
    int64_t now_us = situations[situation].now_us;
    bool recurs = !situations[situation].one_shot;
    bf_late_policy policy = {(bf_late)late, {GRACE_US}, situations[situation].catchup_max};
    bf_trigger every = {.kind = BF_TRIGGER_EVERY, .us = INTERVAL_US, .anchored = true};
    bf_grid slots = bf_grid_of (&every, NULL, 0, 256);
    const bf_grid *grid = recurs ? &slots : NULL;
    tally all = {.text = text};
    int64_t due_us = 0;
    bool more = true;
    text[0] = '\0';
    while (more && due_us <= now_us) {
        int64_t reached_us = due_us < back_us ? back_us : due_us;
        bf_late_verdict verdict =
            situations[situation].from_now
                ? bf_late_forgo (grid, due_us, now_us)
                : bf_late_judge (&policy, grid, due_us, reached_us, now_us);
        tally_verdict (&all, &verdict);
        int64_t behind_us =
            verdict.act == BF_SLOT_NONE ? verdict.dropped.last_us : verdict.slot_us;
        more = recurs && bf_grid_next (&slots, behind_us, &due_us);
    }
    tally_add (&all, "", 0);
}

static const law job_law = {"job",          BF_JOB_STATE_LAST, BF_JOB_MOVES,
                            job_state_name, job_move_name,     job_cell};
static const law run_law = {"run",          BF_RUN_STATE_LAST, BF_RUN_MOVES,
                            run_state_name, run_move_name,     run_cell};
static const law late_law = {"late",    BF_LATE_LAST,   SITUATIONS,
                             late_name, situation_name, late_cell};
static const law overlap_law = {"overlap",    BF_OVERLAP_LAST, BF_CROWDS,
                                overlap_name, crowd_name,      overlap_cell};

/* --- the page ------------------------------------------------------------------------- */

static FILE *
open_page (void)
{
    const char *source = getenv ("BELFRY_SOURCE_DIR");
    char path[4096];
    (void)snprintf (path, sizeof path, "%s/docs/states.md", source ? source : ".");
    FILE *page = fopen (path, "r");
    if (!page) {
        fail_msg ("%s cannot be read; set BELFRY_SOURCE_DIR", path);
    }
    return page;
}

/* Cuts "| a | b |" into its cells, without blanks around; 0 for a line of another kind. */
static size_t
cut_row (char *line, char *cells[COLUMNS])
{
    size_t count = 0;
    char *cell = line[0] == '|' ? line + 1 : NULL;
    char *end;
    while (cell && count < COLUMNS && (end = strchr (cell, '|')) != NULL) {
        *end = '\0';
        cell += strspn (cell, " ");
        for (char *last = end; last > cell && last[-1] == ' ';) {
            *--last = '\0';
        }
        cells[count++] = cell;
        cell = end + 1;
    }
    return count;
}

/* The number of each column; true where this head is that of the law's table. */
static bool
read_head (const law *self, char *cells[COLUMNS], size_t count, int columns[COLUMNS])
{
    if (count != (size_t)self->columns + 1 || strcmp (cells[0], self->subject) != 0) {
        return false;
    }
    for (size_t i = 1; i < count; i++) {
        columns[i] = -1;
        for (int column = 0; column < self->columns; column++) {
            if (strcmp (cells[i], self->column_name (column)) == 0) {
                columns[i] = column;
            }
        }
        if (columns[i] < 0) {
            fail_msg ("docs/states.md: %s has no column %s", self->subject, cells[i]);
        }
    }
    return true;
}

static int
read_row (const law *self, const char *name)
{
    for (int row = 1; row <= self->rows; row++) {
        if (strcmp (name, self->row_name (row)) == 0) {
            return row;
        }
    }
    fail_msg ("docs/states.md: %s has no row %s", self->subject, name);
    return 0;
}

/* Every cell of one row; returns its number. */
static int
compare_row (const law *self, char *cells[COLUMNS], const int columns[COLUMNS])
{
    int row = read_row (self, cells[0]);
    for (int i = 1; i <= self->columns; i++) {
        char text[CELL_BYTES];
        self->cell (row, columns[i], text);
        if (strcmp (cells[i], text) != 0) {
            fail_msg ("docs/states.md: %s %s, %s: '%s', in core '%s'", self->subject,
                      self->row_name (row), self->column_name (columns[i]), cells[i], text);
        }
    }
    return row;
}

static void
compare (const law *self)
{
    FILE *page = open_page ();
    char line[LINE_BYTES];
    char *cells[COLUMNS];
    int columns[COLUMNS];
    int tables = 0;
    int rows = 0;
    bool inside = false;
    while (fgets (line, sizeof line, page)) {
        assert_non_null (strchr (line, '\n'));
        size_t count = cut_row (line, cells);
        if (!inside) {
            inside = read_head (self, cells, count, columns);
            tables += inside;
        } else if (count == 0) {
            inside = false;
        } else if (strcmp (cells[0], "---") != 0) {
            assert_int_equal (count, self->columns + 1);
            /* In the order of their numbers, so that none is there twice. */
            assert_int_equal (compare_row (self, cells, columns), ++rows);
        }
    }
    (void)fclose (page);
    assert_int_equal (tables, 1);
    assert_int_equal (rows, self->rows);
}

static void
test_jobs (void **state)
{
    (void)state;
    compare (&job_law);
}

static void
test_runs (void **state)
{
    (void)state;
    compare (&run_law);
}

static void
test_late (void **state)
{
    (void)state;
    compare (&late_law);
}

static void
test_overlap (void **state)
{
    (void)state;
    compare (&overlap_law);
}

/* Every kind of event that tells of a job, a run or a slot is on the page. */
static void
test_events (void **state)
{
    (void)state;
    static const bf_event_kind kinds[] = {
#define X(name, number, text) BF_EVENT_##name,
        BF_EVENT_MAP (X)
#undef X
    };
    static char page[64 * 1024];
    FILE *file = open_page ();
    size_t size = fread (page, 1, sizeof page - 1, file);
    assert_true (size < sizeof page - 1);
    (void)fclose (file);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const char *name = bf_event_name (kinds[i]);
        char quoted[CELL_BYTES];
        (void)snprintf (quoted, sizeof quoted, "`%s`", name);
        bool is_daemon =
            strncmp (name, "scheduler.", 10) == 0 || strncmp (name, "clock.", 6) == 0;
        if (!is_daemon && strstr (page, quoted) == NULL) {
            fail_msg ("docs/states.md does not say when %s comes", name);
        }
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_jobs),   cmocka_unit_test (test_runs),
        cmocka_unit_test (test_late),   cmocka_unit_test (test_overlap),
        cmocka_unit_test (test_events),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
