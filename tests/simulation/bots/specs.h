/* SPDX-License-Identifier: MPL-2.0
 *
 * Random definitions of jobs, and the words that they are made of. Few names, so that
 * queues fill and keys meet; short times, so that leases, retries, overlaps and late slots
 * do. Everything lives in the party's arena.
 */
#ifndef BF_SIMULATION_SPECS_H
#define BF_SIMULATION_SPECS_H

#include "tests/simulation/bots/party.h"

#include "belfry.pb-c.h"

/* Types that there are; no worker claims the last one often. */
#define SPEC_TYPES 5
/* Marks jobs that nothing ends. */
#define SPEC_ENDLESS_TAG "endless"

char *spec_text (bot_party *party, const char *text);
char *spec_ns (bot_party *party, sim_random *random);
char *spec_type (bot_party *party, unsigned index);
char *spec_any_type (bot_party *party, sim_random *random);
char *spec_key (bot_party *party, sim_random *random);
/* What all keys of a kind begin with. */
char *spec_key_prefix (bot_party *party, sim_random *random);
/* 0 to `most` of the tags that there are, none twice; most up to 3. */
void spec_tags (bot_party *party, sim_random *random, unsigned most, size_t *n_tags,
                char ***tags);
char *spec_reason (bot_party *party, sim_random *random);
ProtobufCBinaryData spec_bytes (bot_party *party, sim_random *random, size_t most);

/* An instant on the wall clock, from a while ago to days ahead, mostly soon. */
int64_t spec_instant (bot_party *party, sim_random *random);
/* How long from now on, mostly short. */
int64_t spec_delay (sim_random *random);
/* A grid that is not too fine for a job that may live long. */
Belfry__V1__Every *spec_coarse_grid (bot_party *party, sim_random *random);

Belfry__V1__JobSpec *spec_make (bot_party *party, sim_random *random);

#endif
