/* SPDX-License-Identifier: MPL-2.0
 *
 * Which jobs a List, or a command by filter, is for: whether a row matches, and the way to
 * rows that may. All ways give ids in ascending order after a cursor, and all of them
 * promise too much rather than too little, so that it can change from one call to the next
 * which is taken, and every row is looked at once more (bf_filter_matches).
 */
#ifndef BF_LEDGER_FILTER_H
#define BF_LEDGER_FILTER_H

#include "persist/ledger/private.h"

/* Sets of states: a bit for each. */
#define BF_STATE_BIT(state) (UINT32_C (1) << (state))
#define BF_STATES_OPEN                                                 \
    (BF_STATE_BIT (BF_JOB_WAITING) | BF_STATE_BIT (BF_JOB_SCHEDULED) | \
     BF_STATE_BIT (BF_JOB_ACTIVE))
#define BF_STATES_FINAL                                             \
    (BF_STATE_BIT (BF_JOB_COMPLETED) | BF_STATE_BIT (BF_JOB_DEAD) | \
     BF_STATE_BIT (BF_JOB_CANCELLED) | BF_STATE_BIT (BF_JOB_CONFIRMED))
#define BF_STATES_ALL (BF_STATES_OPEN | BF_STATES_FINAL)
/* Those of the index job_state. */
#define BF_STATES_INDEXED (BF_STATES_OPEN | BF_STATE_BIT (BF_JOB_DEAD))

/* A filter with names as numbers. Borrows its strings from the message. */
typedef struct {
    uint32_t ns;     /* 0: any */
    uint32_t type;   /* 0: any */
    uint32_t states; /* a set */
    char *const *tags;
    size_t n_tags;
    const char *key_prefix; /* "": any, or none */
    bool nothing;           /* names what no job ever had */
    bool keys_are_many;     /* found out by a seek, for those that follow */
} bf_filter;

/* states: where the message names none. */
bf_filter bf_filter_of (const bf_ledger *self, const Belfry__V1__Filter *in,
                        uint32_t states);

bool bf_filter_matches (const bf_filter *filter, const bf_job_row *job);

/* The ways, best first. */
typedef enum {
    BF_WAY_TAG,   /* the first tag's open jobs */
    BF_WAY_KEY,   /* the keys of a namespace that begin so, where they are not many */
    BF_WAY_STATE, /* the jobs of each (state, type), merged */
    BF_WAY_ID,    /* all of them */
} bf_way;

/* Streams that BF_WAY_STATE merges at most. */
#define BF_FILTER_STREAMS 64
/* Keys that BF_WAY_KEY collects at most: they come in the order of the keys, so that each
 * call reads all of them and picks. */
#define BF_FILTER_KEYS 2000

/* The decision, of the filter alone: types is how many of them it may meet. Whether
 * BF_WAY_KEY holds only the rows can say; the seek that finds too many keys notes it in the
 * filter, and asks again. */
bf_way bf_filter_way (const bf_filter *filter, size_t types);

typedef struct {
    uint64_t *ids; /* in the batch's arena, ascending */
    size_t count;
    uint64_t cursor; /* whatever matches up to here is in `ids`, or before the call's own */
    size_t examined; /* rows, or entries of an index, that were read */
    bool end;        /* nothing that matches is behind `cursor` */
} bf_candidates;

/* Up to `max` ids after `after`, looking at about `examine` rows at most, but never at so
 * few that the cursor would not move. */
bf_err bf_filter_seek (bf_ledger *self, bf_filter *filter, uint64_t after, size_t max,
                       size_t examine, bf_candidates *found, bf_error *error);

#endif
