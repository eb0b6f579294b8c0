/* SPDX-License-Identifier: MPL-2.0
 *
 * Random definitions. Every policy has its turn, each field is left out now and then, and
 * lengths are drawn so that short ones are as likely as long ones.
 */
#include "tests/simulation/bots/specs.h"

#include <stdlib.h>
#include <string.h>

#include "tests/simulation/bots/client.h"
#include "tests/simulation/bots/triggers.h"

/* What a series may have in slots: it ends after that many intervals. */
#define SLOTS_MOST 20
#define KEYS 24

static const char *const types[SPEC_TYPES] = {"mail", "turn", "poll", "remind", "lonely"};
static const char *const tags[] = {"red", "green", "blue", "with space \xc3\xa9"};
#define TAGS (sizeof tags / sizeof tags[0])

static void *
need (void *memory)
{
    if (memory == NULL) {
        abort ();
    }
    return memory;
}

char *
spec_text (bot_party *party, const char *text)
{
    return need (bf_arena_string (party->arena, text));
}

char *
spec_ns (bot_party *party, sim_random *random)
{
    static const char *const names[] = {"", "default", "side"};
    static const unsigned weights[] = {4, 2, 3};
    return spec_text (party, names[sim_pick (random, weights, 3)]);
}

char *
spec_type (bot_party *party, unsigned index)
{
    return spec_text (party, types[index]);
}

char *
spec_any_type (bot_party *party, sim_random *random)
{
    static const unsigned weights[SPEC_TYPES] = {6, 5, 4, 4, 1};
    return spec_type (party, (unsigned)sim_pick (random, weights, SPEC_TYPES));
}

char *
spec_key_prefix (bot_party *party, sim_random *random)
{
    return spec_text (party, sim_chance (random, 500) ? "game/" : "user ");
}

char *
spec_key (bot_party *party, sim_random *random)
{
    const char *prefix = spec_key_prefix (party, random);
    return need (bf_arena_printf (party->arena, "%s%u", prefix,
                                  (unsigned)sim_below (random, KEYS / 2)));
}

void
spec_tags (bot_party *party, sim_random *random, unsigned most, size_t *n_tags,
           char ***list)
{
    size_t count = sim_below (random, most + 1);
    size_t first = sim_below (random, TAGS);
    *n_tags = count;
    /* Room for one more: the mark of an endless job. */
    *list = need (bf_arena_alloc (party->arena, (count + 1) * sizeof **list));
    for (size_t i = 0; i < count; i++) {
        (*list)[i] = spec_text (party, tags[(first + i) % TAGS]);
    }
}

char *
spec_reason (bot_party *party, sim_random *random)
{
    static const char *const reasons[] = {"", "because", "two\nlines\tof it",
                                          "\xf0\x9f\x94\x94 rings"};
    return spec_text (party, reasons[sim_below (random, 4)]);
}

ProtobufCBinaryData
spec_bytes (bot_party *party, sim_random *random, size_t most)
{
    size_t size = (size_t)sim_scaled (random, 1, (int64_t)most) - 1;
    uint8_t *bytes = need (bf_arena_alloc (party->arena, size + 8));
    for (size_t i = 0; i < size; i += 8) {
        uint64_t word = sim_draw (random);
        memcpy (bytes + i, &word, sizeof word);
    }
    return (ProtobufCBinaryData){size, bytes};
}

int64_t
spec_delay (sim_random *random)
{
    return sim_chance (random, 30)    ? 0
           : sim_chance (random, 100) ? sim_scaled (random, MINUTE_US, 3 * DAY_US)
                                      : sim_scaled (random, MS_US, MINUTE_US);
}

int64_t
spec_instant (bot_party *party, sim_random *random)
{
    int64_t now = world_now (party->world).wall_us;
    int64_t at = sim_chance (random, 120) ? now - sim_scaled (random, MS_US, DAY_US)
                                          : now + spec_delay (random);
    return at > 0 ? at : 0;
}

static void
set_anchor (bot_party *party, sim_random *random, Belfry__V1__Every *every)
{
    if (sim_chance (random, 400)) {
        every->anchor_case = BELFRY__V1__EVERY__ANCHOR_ANCHOR_US;
        every->anchor_us = spec_instant (party, random);
    }
}

Belfry__V1__Every *
spec_coarse_grid (bot_party *party, sim_random *random)
{
    Belfry__V1__Every *every = MAKE (party, every);
    every->interval_us = sim_scaled (random, 2 * SECOND_US, DAY_US);
    set_anchor (party, random, every);
    return every;
}

static Belfry__V1__RetryPolicy *
make_retry (bot_party *party, sim_random *random)
{
    Belfry__V1__RetryPolicy *retry = MAKE (party, retry_policy);
    retry->max_attempts = (uint32_t)sim_below (random, 5);
    retry->backoff = (Belfry__V1__Backoff)sim_below (random, 5);
    int64_t most = sim_chance (random, 30) ? HOUR_US : 3 * SECOND_US;
    if (retry->backoff == BELFRY__V1__BACKOFF__BACKOFF_LIST) {
        retry->n_delays_us = 1 + sim_below (random, 4);
        retry->delays_us = need (
            bf_arena_alloc (party->arena, retry->n_delays_us * sizeof *retry->delays_us));
        for (size_t i = 0; i < retry->n_delays_us; i++) {
            retry->delays_us[i] = sim_scaled (random, MS_US, most);
        }
    } else if (sim_chance (random, 800)) {
        retry->delay_us = sim_scaled (random, MS_US, most);
        if (sim_chance (random, 500)) {
            retry->max_delay_us = sim_scaled (random, retry->delay_us, 2 * most);
        }
    }
    if (sim_chance (random, 500)) {
        retry->factor_permille = (uint32_t)sim_between (random, 1000, 5000);
    }
    if (sim_chance (random, 500)) {
        retry->jitter_case = BELFRY__V1__RETRY_POLICY__JITTER_JITTER_PERCENT;
        retry->jitter_percent = (uint32_t)sim_below (random, 51);
    }
    if (sim_chance (random, 150)) {
        retry->max_age_us = sim_scaled (random, MS_US, MINUTE_US);
    }
    return retry;
}

static void
mark_endless (bot_party *party, Belfry__V1__JobSpec *spec)
{
    spec->tags[spec->n_tags++] = spec_text (party, SPEC_ENDLESS_TAG);
}

static void
draw_excludes (bot_party *party, sim_random *random, Belfry__V1__JobSpec *spec)
{
    if (sim_chance (random, 250)) {
        spec->n_exclude = 1;
        spec->exclude = need (bf_arena_alloc (party->arena, sizeof (char *)));
        spec->exclude[0] = trigger_exclude (party, random);
    }
}

/* A series ends by itself, or is so slow that it does no harm until it is cancelled. */
static void
make_series (bot_party *party, sim_random *random, Belfry__V1__JobSpec *spec)
{
    Belfry__V1__Every *every = MAKE (party, every);
    spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_EVERY;
    spec->every = every;
    bool endless = sim_chance (random, 100);
    every->interval_us = endless ? sim_scaled (random, 20 * MINUTE_US, 2 * DAY_US)
                                 : sim_scaled (random, 50 * MS_US, MINUTE_US);
    set_anchor (party, random, every);
    int64_t now = world_now (party->world).wall_us;
    int64_t from = now;
    if (sim_chance (random, 500)) {
        spec->start_us = spec_instant (party, random);
        from = spec->start_us > now ? spec->start_us : now;
    }
    if (endless) {
        mark_endless (party, spec);
    } else {
        spec->end_us = from + every->interval_us * sim_scaled (random, 1, SLOTS_MOST) +
                       every->interval_us / 2;
    }
    if (sim_chance (random, 400)) {
        spec->max_runs = (uint32_t)sim_scaled (random, 1, SLOTS_MOST);
    }
    if (sim_chance (random, 300)) {
        spec->jitter_us = (int64_t)sim_below (random, (uint64_t)every->interval_us);
    }
    if (every->interval_us >= SECOND_US) {
        draw_excludes (party, random, spec);
        if (spec->n_exclude > 0) {
            spec->tz = trigger_draw (party, random, true).tz;
        }
    }
}

/* The same of a calendar; one that is slow is not waited for either. */
static void
make_calendar_series (bot_party *party, sim_random *random, Belfry__V1__JobSpec *spec)
{
    calendar_trigger trigger = trigger_draw (party, random, false);
    trigger_put (&trigger, spec);
    draw_excludes (party, random, spec);
    int64_t now = world_now (party->world).wall_us;
    int64_t from = now;
    if (sim_chance (random, 300)) {
        spec->start_us = spec_instant (party, random);
        from = spec->start_us > now ? spec->start_us : now;
    }
    int64_t length = trigger.period_us * sim_scaled (random, 1, SLOTS_MOST);
    bool endless = trigger.period_us > MINUTE_US && sim_chance (random, 300);
    if (!endless) {
        spec->end_us = from + length + trigger.period_us;
    }
    if (endless || length > 5 * MINUTE_US) {
        mark_endless (party, spec);
    }
    if (sim_chance (random, 300)) {
        spec->max_runs = (uint32_t)sim_scaled (random, 1, SLOTS_MOST);
    }
    if (sim_chance (random, 300)) {
        spec->jitter_us = sim_scaled (random, 1, trigger.jitter_us);
    }
}

static void
make_trigger (bot_party *party, sim_random *random, Belfry__V1__JobSpec *spec)
{
    switch (sim_below (random, 5)) {
    case 0:
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AT_US;
        spec->at_us = spec_instant (party, random);
        break;
    case 1:
        spec->trigger_case = BELFRY__V1__JOB_SPEC__TRIGGER_AFTER_US;
        spec->after_us = spec_delay (random);
        break;
    case 2:
        make_series (party, random, spec);
        return;
    default:
        make_calendar_series (party, random, spec);
        return;
    }
    if (sim_chance (random, 200)) {
        spec->jitter_us = sim_scaled (random, 1, 10 * SECOND_US);
    }
}

static void
make_limits (sim_random *random, Belfry__V1__JobSpec *spec)
{
    if (sim_chance (random, 850)) {
        spec->lease_us = sim_scaled (random, 100 * MS_US, MINUTE_US);
    }
    if (sim_chance (random, 250)) {
        spec->run_timeout_us = sim_scaled (random, 100 * MS_US, 20 * SECOND_US);
    }
    bool lonely = strcmp (spec->type, types[SPEC_TYPES - 1]) == 0;
    if (sim_chance (random, lonely ? 800 : 200)) {
        spec->start_timeout_us = sim_scaled (random, MS_US, MINUTE_US);
    }
}

static void
make_policies (bot_party *party, sim_random *random, Belfry__V1__JobSpec *spec)
{
    if (sim_chance (random, 650)) {
        spec->retry = make_retry (party, random);
    }
    spec->late = (Belfry__V1__Late)sim_below (random, 5);
    if (spec->late == BELFRY__V1__LATE__LATE_FAIL &&
        spec->delivery == BELFRY__V1__DELIVERY__DELIVERY_NOTIFY) {
        spec->late = BELFRY__V1__LATE__LATE_SKIP;
    }
    if (sim_chance (random, 700)) {
        spec->grace_us = sim_scaled (random, MS_US, 10 * SECOND_US);
    }
    if (sim_chance (random, 900)) {
        spec->catchup_max = (uint32_t)sim_scaled (random, 1, SLOTS_MOST);
    }
    spec->overlap = (Belfry__V1__Overlap)sim_below (random, 7);
}

Belfry__V1__JobSpec *
spec_make (bot_party *party, sim_random *random)
{
    Belfry__V1__JobSpec *spec = MAKE (party, job_spec);
    spec->ns = spec_ns (party, random);
    spec->type = spec_any_type (party, random);
    if (sim_chance (random, 450)) {
        spec->key = spec_key (party, random);
    }
    if (sim_chance (random, 600)) {
        spec->payload = spec_bytes (party, random, sim_chance (random, 10) ? 16384 : 200);
        spec->content_type = spec_text (party, "application/octet-stream");
    }
    spec_tags (party, random, 3, &spec->n_tags, &spec->tags);
    static const unsigned deliveries[] = {4, 4, 3};
    spec->delivery = (Belfry__V1__Delivery)sim_pick (random, deliveries, 3);
    make_trigger (party, random, spec);
    make_limits (random, spec);
    make_policies (party, random, spec);
    return spec;
}
