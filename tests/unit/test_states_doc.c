/* SPDX-License-Identifier: MPL-2.0
 *
 * docs/states.md says of every state and every move what core says of them: its two tables
 * of moves are read here, cell by cell.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/job.h"
#include "core/run.h"
#include "tests/support/cmocka.h"

#define LINE_BYTES 512
#define COLUMNS 16

/* What a table is about, by numbers, so that both are read by one hand. */
typedef struct {
    const char *subject; /* the first word of the head */
    int last_state;
    int moves;
    const char *(*state_name) (int state);
    const char *(*move_name) (int move);
    int (*next) (int state, int move);
} law;

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

static int
job_next (int state, int move)
{
    return (int)bf_job_next ((bf_job_state)state, (bf_job_move)move);
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

static int
run_next (int state, int move)
{
    return (int)bf_run_next ((bf_run_state)state, (bf_run_move)move);
}

static const law job_law = {"job",          BF_JOB_STATE_LAST, BF_JOB_MOVES,
                            job_state_name, job_move_name,     job_next};
static const law run_law = {"run",          BF_RUN_STATE_LAST, BF_RUN_MOVES,
                            run_state_name, run_move_name,     run_next};

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

/* The move of each column; true where this head is that of the law's table of moves. */
static bool
read_head (const law *self, char *cells[COLUMNS], size_t count, int columns[COLUMNS])
{
    if (count != (size_t)self->moves + 1 || strcmp (cells[0], self->subject) != 0) {
        return false;
    }
    for (size_t i = 1; i < count; i++) {
        columns[i] = -1;
        for (int move = 0; move < self->moves; move++) {
            if (strcmp (cells[i], self->move_name (move)) == 0) {
                columns[i] = move;
            }
        }
        if (columns[i] < 0) {
            fail_msg ("docs/states.md: %ss have no move %s", self->subject, cells[i]);
        }
    }
    return true;
}

static int
read_state (const law *self, const char *name)
{
    for (int state = 1; state <= self->last_state; state++) {
        if (strcmp (name, self->state_name (state)) == 0) {
            return state;
        }
    }
    fail_msg ("docs/states.md: %ss have no state %s", self->subject, name);
    return 0;
}

/* Every cell of one row; returns its state. */
static int
compare_row (const law *self, char *cells[COLUMNS], const int columns[COLUMNS])
{
    int state = read_state (self, cells[0]);
    for (int i = 1; i <= self->moves; i++) {
        int next = self->next (state, columns[i]);
        const char *name = next ? self->state_name (next) : "";
        if (strcmp (cells[i], name) != 0) {
            fail_msg ("docs/states.md: %s of a %s %s leads to '%s', in core to '%s'",
                      self->move_name (columns[i]), self->state_name (state), self->subject,
                      cells[i], name);
        }
    }
    return state;
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
            assert_int_equal (count, self->moves + 1);
            /* In the order of their numbers, so that none is there twice. */
            assert_int_equal (compare_row (self, cells, columns), ++rows);
        }
    }
    (void)fclose (page);
    assert_int_equal (tables, 1);
    assert_int_equal (rows, self->last_state);
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

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_jobs),
        cmocka_unit_test (test_runs),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
