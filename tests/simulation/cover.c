/* SPDX-License-Identifier: MPL-2.0
 *
 * The hit counts live in memory that forked processes share: one array of cells, found by
 * their names. A lock guards it, because several seeds run at once.
 */
/* MAP_ANONYMOUS. */
#define _DEFAULT_SOURCE

#include "tests/simulation/cover.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CELLS 4096
#define NAME_BYTES 40

typedef struct {
    bool used;
    bool expected;
    cover_table table;
    char row[NAME_BYTES];
    char column[NAME_BYTES];
    uint64_t hits;
} cell;

typedef struct {
    pthread_mutex_t lock;
    cell cells[CELLS];
} shared;

static shared *all;

void
cover_begin (void)
{
    all =
        mmap (NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) {
        perror ("simulate: no memory to share");
        exit (2);
    }
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init (&attributes);
    pthread_mutexattr_setpshared (&attributes, PTHREAD_PROCESS_SHARED);
    /* A seed that fails ends its process wherever it is. */
    pthread_mutexattr_setrobust (&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init (&all->lock, &attributes);
    pthread_mutexattr_destroy (&attributes);
}

static uint64_t
hash (cover_table table, const char *row, const char *column)
{
    uint64_t sum = UINT64_C (14695981039346656037) + table;
    for (const char *at = row; *at; at++) {
        sum = (sum ^ (uint8_t)*at) * UINT64_C (1099511628211);
    }
    sum = (sum ^ '/') * UINT64_C (1099511628211);
    for (const char *at = column; *at; at++) {
        sum = (sum ^ (uint8_t)*at) * UINT64_C (1099511628211);
    }
    return sum;
}

/* The cell of these names, made where it is new; call with the lock held. */
static cell *
find (cover_table table, const char *row, const char *column)
{
    size_t at = hash (table, row, column) % CELLS;
    for (size_t tries = 0; tries < CELLS; tries++, at = (at + 1) % CELLS) {
        cell *one = &all->cells[at];
        if (!one->used) {
            one->used = true;
            one->table = table;
            strncpy (one->row, row, NAME_BYTES - 1);
            strncpy (one->column, column, NAME_BYTES - 1);
            return one;
        }
        if (one->table == table && strncmp (one->row, row, NAME_BYTES - 1) == 0 &&
            strncmp (one->column, column, NAME_BYTES - 1) == 0) {
            return one;
        }
    }
    fprintf (stderr, "simulate: more than %d cells are covered\n", CELLS);
    abort ();
}

static void
lock (void)
{
    if (pthread_mutex_lock (&all->lock) != 0) {
        pthread_mutex_consistent (&all->lock);
    }
}

void
cover_hit (cover_table table, const char *row, const char *column)
{
    lock ();
    find (table, row, column)->hits++;
    pthread_mutex_unlock (&all->lock);
}

void
cover_expect (cover_table table, const char *row, const char *column)
{
    lock ();
    find (table, row, column)->expected = true;
    pthread_mutex_unlock (&all->lock);
}

/* --- printing ----------------------------------------------------------------------- */

static const char *const titles[COVER_TABLES] = {
    [COVER_JOB_COMMAND] = "job state x command",
    [COVER_RUN_COMMAND] = "run state x command",
    [COVER_LATE] = "late policy x what became of a slot",
    [COVER_OVERLAP] = "overlap policy x what was open",
    [COVER_CODE] = "command x code",
    [COVER_EVENT] = "events",
    [COVER_REPLAN] = "what changed x what became of the next slot",
    [COVER_SLOT] = "trigger x what a clock change did to a slot that was decided",
    [COVER_FAULT] = "what happened to machine, disk and network",
};

static int
by_name (const void *left, const void *right)
{
    const cell *a = *(const cell *const *)left;
    const cell *b = *(const cell *const *)right;
    int order = (int)a->table - (int)b->table;
    order = order ? order : strcmp (a->row, b->row);
    return order ? order : strcmp (a->column, b->column);
}

bool
cover_print (FILE *file)
{
    const cell *sorted[CELLS];
    size_t count = 0;
    for (size_t i = 0; i < CELLS; i++) {
        if (all->cells[i].used) {
            sorted[count++] = &all->cells[i];
        }
    }
    qsort (sorted, count, sizeof sorted[0], by_name);
    size_t missing = 0;
    for (size_t i = 0; i < count; i++) {
        const cell *one = sorted[i];
        if (i == 0 || sorted[i - 1]->table != one->table) {
            fprintf (file, "\n%s\n", titles[one->table]);
        }
        if (i == 0 || sorted[i - 1]->table != one->table ||
            strcmp (sorted[i - 1]->row, one->row) != 0) {
            fprintf (file, "  %-22s", one->row);
        }
        bool wanting = one->expected && one->hits == 0;
        missing += wanting;
        fprintf (file, " %s%s %llu%s", wanting ? ">>" : "", one->column,
                 (unsigned long long)one->hits, wanting ? "<<" : "");
        bool last_of_row = i + 1 == count || sorted[i + 1]->table != one->table ||
                           strcmp (sorted[i + 1]->row, one->row) != 0;
        fprintf (file, "%s", last_of_row ? "\n" : ",");
    }
    if (missing > 0) {
        fprintf (file, "\n%zu legal cells were never met (>>cell 0<<)\n", missing);
    }
    return missing == 0;
}
