/* SPDX-License-Identifier: MPL-2.0
 *
 * What the files of the world share: machine.c keeps its clocks and runs the scheduler,
 * network.c carries messages, chaos.c breaks things, world.c is the loop.
 */
#ifndef BF_SIMULATION_PRIVATE_H
#define BF_SIMULATION_PRIVATE_H

#include "tests/simulation/bots/bots.h"
#include "tests/simulation/checker/checker.h"
#include "tests/simulation/disk.h"
#include "tests/simulation/events.h"
#include "tests/simulation/seam/seam.h"
#include "tests/simulation/simulate.h"
#include "tests/simulation/world.h"

#define MS_US INT64_C (1000)
#define SECOND_US INT64_C (1000000)
#define HOUR_US (3600 * SECOND_US)
#define DAY_US (24 * HOUR_US)

#define PEERS 256

/* How the machine's clocks relate to true time. */
typedef struct {
    int64_t booted_us; /* true time at which its boot clock showed 0 */
    uint64_t boots;
    char boot_id[37];
    int64_t wall_us; /* what the wall clock showed */
    int64_t set_us;  /* at this true time; since then it has run at */
    int64_t ppm;     /* a million and so many parts in a million */
} machine_clocks;

/* What is going to be broken, counted in commands. */
typedef struct {
    uint64_t crashes;      /* so far: killed, or power lost */
    uint64_t wanted;       /* in all */
    uint64_t next_crash;   /* at this command */
    uint64_t next_trouble; /* anything else */
    bool ordered;          /* one is under way, */
    disk_crash kind;       /* of this kind */
    bool faulty;           /* an I/O error was ordered since the scheduler started */
    unsigned sleeps;       /* of a day or more, so far */
} chaos;

typedef struct {
    bool open;
    unsigned generation;
} peer_line;

struct world {
    const simulation *plan;
    uint64_t seed;
    sim_random turns;   /* whose turn it is, and how long it takes */
    sim_random air;     /* what happens to messages */
    sim_random trouble; /* what breaks */
    int64_t true_us;
    bool sleeps; /* nobody of the scheduler runs until HAPPENS_THAW */
    machine_clocks clocks;
    disk *disk;
    zones *zones;
    bool reserved;   /* the reserve's room is set aside */
    bool is_full;    /* the disk has no room but that */
    bool served;     /* the scheduler has come up since it was started */
    bool was_served; /* ever: there is a database */
    bool stopping;   /* was asked to stop */
    bool healed;
    int64_t healed_us; /* since then */
    happenings happenings;
    peer_line peers[PEERS];
    int64_t frames_until[BOTS_SUBSCRIBERS]; /* frames keep their order */
    chaos chaos;
    uint64_t commands; /* so far */
    uint64_t steps;
    uint64_t looks; /* at the tables */
    bots *bots;
    checker *checker;
};

/* Longer than this nobody watches: when the scheduler is away for hours, its clients are,
 * too. */
#define WATCHED_US (60 * SECOND_US)
/* Nothing happens for so long. */
void world_skip (world *self, int64_t us);

/* --- machine.c ------------------------------------------------------------------------ */

void machine_boot (world *self, bool first);
void machine_set_wall (world *self, int64_t delta_us);
void machine_slew (world *self, int64_t ppm);
/* The true time at which a clock will show this. */
int64_t machine_when_wall (const world *self, int64_t wall_us);
int64_t machine_when_boot (const world *self, int64_t boot_us);
void machine_start (world *self);
/* After a step of the process: has it come up, or ended? */
void machine_look (world *self);
/* Puts the tables in front of the checker: of a scheduler that is up, as the one before has
 * left them, or at the very end. */
typedef enum { OCCASION_UP, OCCASION_LEFT, OCCASION_END } occasion;
void machine_show (world *self, occasion what);

/* --- network.c --------------------------------------------------------------------------
 */

bool network_reply (void *context, unsigned id, const uint8_t *bytes, size_t size);
void network_publish (void *context, bool feed, const char *topic, const uint8_t *event,
                      size_t size);
void network_deliver (world *self, const happening *what);

/* --- chaos.c
 * ------------------------------------------------------------------------------ */

void chaos_begin (world *self);
/* After each command. */
void chaos_command (world *self);
/* The scheduler was started, or has come up. */
void chaos_started (world *self);
void chaos_room_again (world *self, int64_t since_us);
/* A stall, or a suspension, is over. */
void chaos_thawed (world *self, const happening *what);
/* Once the commands are used up: sees to the crashes that are missing; whether there were
 * enough. */
bool chaos_has_crashed (world *self);
void chaos_heal (world *self);

#endif
