/* SPDX-License-Identifier: MPL-2.0
 *
 * What the simulation has met: tables of hit counts, added up over all seeds, and printed
 * with their legal cells. A legal cell that nobody met is a failure: what is not met is not
 * tested.
 */
#ifndef BF_SIMULATION_COVER_H
#define BF_SIMULATION_COVER_H

#include <stdbool.h>
#include <stdio.h>

typedef enum {
    COVER_JOB_COMMAND, /* job state × command for one job */
    COVER_RUN_COMMAND, /* run state × Complete, Fail, Snooze, Heartbeat, Redrive, … */
    COVER_LATE,        /* late policy × what became of a slot */
    COVER_OVERLAP,     /* overlap policy × what was open */
    COVER_CODE,        /* command × reply code */
    COVER_EVENT,       /* kinds of events */
    COVER_REPLAN,      /* zone or calendar × what became of a job's next slot */
    COVER_SLOT,        /* triggers × what clock changes did to slots that fired */
    COVER_FAULT,       /* what happened to machine, disk and network */
    COVER_TABLES,
} cover_table;

/* Counters that processes forked after this share. */
void cover_begin (void);
/* Row and column by name; a new name adds one. legal is asked of the table's own list. */
void cover_hit (cover_table table, const char *row, const char *column);
/* A cell that must be met, whether it is or not. */
void cover_expect (cover_table table, const char *row, const char *column);
/* Prints all; false where an expected cell is 0. */
bool cover_print (FILE *file);

#endif
