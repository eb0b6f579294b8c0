/* SPDX-License-Identifier: MPL-2.0
 *
 * What the bots know of jobs, runs and tokens, from the replies and events that they saw.
 * They share it, as if they told each other. It may be out of date, like everything that a
 * client knows. From it come the targets of commands, so that jobs and runs of every state
 * are asked for everything.
 */
#ifndef BF_SIMULATION_NOTEBOOK_H
#define BF_SIMULATION_NOTEBOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/simulation/random.h"

#include "belfry.pb-c.h"

/* A name, a key, a run or a token; longer ones are not noted. */
#define NOTE_BYTES 48

typedef struct {
    uint64_t id;
    uint64_t seq; /* of the newest news */
    Belfry__V1__JobState state;
    uint32_t version;
    bool paused;
    bool has_spec; /* what follows is known */
    bool recurs;
    bool endless; /* recurs, and nothing ends it */
    char ns[NOTE_BYTES];
    char key[NOTE_BYTES]; /* "" for none */
} note_job;

typedef struct {
    char run[NOTE_BYTES];
    uint32_t attempt;
} note_run;

typedef struct notebook notebook;

notebook *notebook_new (void);
void notebook_destroy (notebook **self_p);

/* Everything in it that is news. */
void notebook_reply (notebook *self, const Belfry__V1__Reply *reply);
void notebook_event (notebook *self, const Belfry__V1__Event *event);
/* A token that was given out. */
void notebook_token (notebook *self, const char *token);

/* Jobs that were not final when last heard of. */
unsigned notebook_open_jobs (const notebook *self);

/* Any job, each state as likely as the others; NULL where none is known. */
const note_job *notebook_any_job (const notebook *self, sim_random *random);
/* A job of this state; NULL where none is found soon. */
const note_job *notebook_job_in (const notebook *self, Belfry__V1__JobState state,
                                 sim_random *random);
const note_job *notebook_paused_job (const notebook *self, sim_random *random);
/* A run that was in this state when heard of; NULL where none is known. */
const note_run *notebook_run_in (const notebook *self, Belfry__V1__RunState state,
                                 sim_random *random);
/* One of the last tokens that were given out; NULL before the first. */
const char *notebook_old_token (const notebook *self, sim_random *random);

#endif
