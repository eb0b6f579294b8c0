/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of overlap: what becomes of a slot while runs of earlier slots are open. Names as
 * in Temporal's schedules, whose users know them. The table is in overlap.c and in
 * docs/states.md.
 */
#ifndef BF_CORE_OVERLAP_H
#define BF_CORE_OVERLAP_H

#include <stdint.h>

typedef enum {
    BF_OVERLAP_SKIP = 1,
    BF_OVERLAP_BUFFER_ONE = 2,
    BF_OVERLAP_BUFFER_ALL = 3,
    BF_OVERLAP_CANCEL_OTHER = 4,
    BF_OVERLAP_TERMINATE_OTHER = 5,
    BF_OVERLAP_ALLOW_ALL = 6,
} bf_overlap;

#define BF_OVERLAP_LAST BF_OVERLAP_ALLOW_ALL

/* Runs of one job beyond which no slot makes another. */
#define BF_OVERLAP_RUNS 1000

/* Who is there when a slot comes. */
typedef enum {
    BF_CROWD_NONE,    /* no run of an earlier slot is open */
    BF_CROWD_RUNNING, /* some are, none of them blocked */
    BF_CROWD_WAITING, /* some are blocked */
    BF_CROWD_FULL,    /* BF_OVERLAP_RUNS runs of the job are open, whatever made them */
    BF_CROWDS
} bf_crowd;

typedef enum {
    BF_OVERLAP_FIRE = 1, /* a run, ready */
    BF_OVERLAP_BLOCK,    /* a run, blocked until the others are final */
    BF_OVERLAP_PASS,     /* no run: it is skipped */
    BF_OVERLAP_DROP,     /* no run: there is no room for it */
    BF_OVERLAP_CANCEL, /* the others are asked to stop; then BLOCK, FIRE where none stays */
    BF_OVERLAP_TERMINATE, /* the others are ended; then FIRE */
} bf_overlap_act;

/* "skip", "running", "block". Static; "unknown" beyond the lists. */
const char *bf_overlap_name (bf_overlap overlap);
const char *bf_crowd_name (bf_crowd crowd);
const char *bf_overlap_act_name (bf_overlap_act act);

/* slots_open: open runs of earlier slots, of which `blocked` are blocked; open_runs: all of
 * the job that are open. */
bf_crowd bf_crowd_of (uint32_t slots_open, uint32_t blocked, uint32_t open_runs);

bf_overlap_act bf_overlap_judge (bf_overlap overlap, bf_crowd crowd);

#endif
