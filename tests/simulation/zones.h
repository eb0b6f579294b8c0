/* SPDX-License-Identifier: MPL-2.0
 *
 * The time zones of a world: which offset their walls show, and since when. Made of a few
 * rules of its own, so that a seed is the same whatever tzdata the machine has; some zones
 * get other rules while the world lives. The scheduler is handed the bytes of a TZif file
 * (RFC 8536), the checker the list as it is.
 */
#ifndef BF_SIMULATION_ZONES_H
#define BF_SIMULATION_ZONES_H

#include <stddef.h>
#include <stdint.h>

#include "tests/simulation/random.h"

#define ZONE_COUNT 9

/* From from_s on (INT64_MIN in the first) walls show so much more than UTC. Neighbours
 * differ. */
typedef struct {
    int64_t from_s;
    int32_t offset_s;
} zone_span;

/* The rules of a zone, as some release of its data has them. Never changed. */
typedef struct zone_rules {
    const struct zone_rules *before; /* the release before; NULL for the first */
    const char *name;
    int64_t since_us;   /* true time: when this release came */
    const char *footer; /* what the spans follow behind the first `written` ones */
    size_t written;
    size_t count;
    zone_span spans[];
} zone_rules;

typedef struct zones zones;

zones *zones_new (void);
void zones_destroy (zones **self_p);

/* By number, 0..ZONE_COUNT - 1, or by name: as it is now. NULL: there is none. "UTC" is
 * one; it never changes. */
const zone_rules *zones_at (const zones *self, size_t which);
const zone_rules *zones_find (const zones *self, const char *name);

/* A release with other rules for some zone, drawn: its clocks change soon, or a while ago,
 * or at another time than they would have, or never again. now_s: on the wall clock. */
const zone_rules *zones_release (zones *self, sim_random *random, int64_t true_us,
                                 int64_t now_s);

/* A wall clock time, seconds, from which it is not far to a change of some zone. */
int64_t zones_beginning (sim_random *random);

/* The bytes of the file; the caller frees. */
uint8_t *zones_bytes (const zone_rules *rules, size_t *size);

/* The span that an instant lies in. */
size_t zone_span_at (const zone_rules *rules, int64_t instant_s);

#endif
