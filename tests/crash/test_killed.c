/* SPDX-License-Identifier: MPL-2.0
 *
 * kill -9 at random moments, under load. What the daemon acknowledged is compared with what
 * its log tells after every start, and with its tables at the end. BELFRY_SEED=N replays
 * the calls and the moments of a run (not the races inside the daemon).
 */
#include <poll.h>
#include <stdlib.h>

#include "core/base/time.h"
#include "tests/support/cmocka.h"
#include "tests/support/witness.h"

#define KILLS 24
/* The load between two kills. */
#define ROUND_MS 400
/* Every fifth daemon is killed once more while it starts, within this time. */
#define BIRTH_MS 120
/* How many of the calls are repeated at the end. */
#define REPEATS 1000

static int
set_up (void **state)
{
    *state = witness_new ();
    return 0;
}

static int
tear_down (void **state)
{
    witness_destroy ((witness **)state);
    return 0;
}

/* Starts a daemon, and kills it perhaps before it serves. */
static void
kill_newborn (witness *self)
{
    process_start (&self->rig->daemon, getenv ("BELFRYD"),
                   (const char *const[]){"--data", self->rig->data, "--commands",
                                         "tcp://127.0.0.1:*", NULL},
                   self->rig->log);
    (void)poll (NULL, 0, (int)load_random (self->load, BIRTH_MS));
    rig_kill (self->rig);
}

static void
test_killed (void **state)
{
    witness *self = *state;
    int64_t from_us = bf_now_read ().boot.us;
    size_t kills = 0;
    for (int round = 0; kills < KILLS; round++) {
        rig_start (self->rig, NULL);
        witness_serve (self);
        load_run (self->load, (int64_t)load_random (self->load, ROUND_MS) * BF_MS_US);
        rig_kill (self->rig);
        kills++;
        if (round % 5 == 4) {
            kill_newborn (self);
            kills++;
        }
    }
    rig_start (self->rig, NULL);
    witness_serve (self);
    witness_end (self, REPEATS);
    witness_report (self, kills, from_us);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown (test_killed, set_up, tear_down),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
