/* SPDX-License-Identifier: MPL-2.0
 *
 * What the machine did, as the world told it: when nobody of the scheduler could look what
 * is due, when the wall clock was set, when the disk was full, and what the boot scale was
 * in each boot. From this follows when an event was committed, and between which two
 * instants a slot came within reach.
 *
 * What is told is true time, and exact; what the scheduler noticed of it, and when, is not.
 * So every answer is an interval, and each of its margins says why below.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/simulation/checker/slots.h"

/* The wall clock is slewed by 500 parts in a million at most: what a length of it may err
 * by, and the rounding of one reading. */
#define SLEW_PARTS 1500
#define ROUNDING_US MS_US

/* An absence may begin for the scheduler so much before it does for the machine, because it
 * did not look all the time, and end so much later, because it first had to get its turn,
 * with a store that takes its time. */
#define REACH_US (2 * SECOND_US)
/* Whoever owes an answer looks every quarter of a second, and is away when it misses that
 * by more than another: so an absence certainly covers a slot only so far from its
 * beginning… */
#define UNSEEN_US (600 * MS_US)
/* …and only one that is over so much later counts at all. */
#define UNHEARD_US (300 * MS_US)
/* A slot of a row that was committed so shortly before an absence may not have been told to
 * the clock yet. */
#define TOLD_US (2 * SECOND_US)
/* How long before it serves the scheduler may have looked for the first time. */
#define START_US SECOND_US
/* A disk that is found full stays so for at least a second, and for a minute at most where
 * that comes again and again. */
#define FULL_US (90 * SECOND_US)
/* A step of the wall clock that is told: less counts as slewed. */
#define STEP_US (110 * MS_US)
/* Of more absences at once than so many the scheduler forgets the shortest (eight are
 * promised in core/absence.h; one less, because what is one here may be two there). */
#define REMEMBERED 6

typedef enum {
    AWAY_DOWN,
    AWAY_TRIED, /* down, and a start in it that came to its end before it served */
    AWAY_STILL,
    AWAY_STEPPED,
    AWAY_FULL,
} away;

typedef struct {
    away kind;
    uint64_t boots;
    int64_t from_us; /* true time */
    int64_t until_us;
    int64_t from_wall_us;
    int64_t until_wall_us;
} absence;

typedef struct {
    int64_t true_us;
    int64_t delta_us;
} wall_step;

typedef struct {
    uint64_t boots;
    int64_t ahead_us; /* scale - true time */
    char boot_id[40];
} boot_scale;

struct facts {
    absence *absences; /* by their ends */
    size_t absence_count;
    size_t absence_room;
    wall_step *steps;
    size_t step_count;
    size_t step_room;
    boot_scale *scales;
    size_t scale_count;
    size_t scale_room;
    int64_t stopped_us;
    int64_t full_since_us;    /* INT64_MAX: it is not */
    int64_t started_us;       /* INT64_MAX: it is not up */
    int64_t started_ahead_us; /* of the boot clock, the wall clock was then */
    int64_t told_us;          /* by so much it was set since, the scheduler says */
    moment last;
};

facts *
facts_new (void)
{
    facts *self = checker_alloc (1, sizeof *self);
    self->full_since_us = INT64_MAX;
    self->started_us = INT64_MAX;
    self->last.true_time.least_us = INT64_MIN;
    self->last.scale.least_us = INT64_MIN;
    return self;
}

void
facts_destroy (facts **self_p)
{
    facts *self = *self_p;
    if (!self) {
        return;
    }
    free (self->absences);
    free (self->steps);
    free (self->scales);
    free (self);
    *self_p = NULL;
}

static void *
make_room (void *array, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return array;
    }
    *room = *room ? *room * 2 : 32;
    return checker_grow (array, *room, size);
}

static void
add_absence (facts *self, away kind, sim_now now, int64_t from_us, int64_t from_wall_us)
{
    self->absences = make_room (self->absences, self->absence_count, &self->absence_room,
                                sizeof self->absences[0]);
    self->absences[self->absence_count++] = (absence){
        .kind = kind,
        .boots = now.boots,
        .from_us = from_us,
        .until_us = now.true_us,
        .from_wall_us = from_wall_us,
        .until_wall_us = now.wall_us,
    };
}

static void
add_step (facts *self, sim_now now, int64_t delta_us)
{
    self->steps =
        make_room (self->steps, self->step_count, &self->step_room, sizeof self->steps[0]);
    self->steps[self->step_count++] = (wall_step){now.true_us, delta_us};
    if (delta_us > 0) {
        add_absence (self, AWAY_STEPPED, now, now.true_us, now.wall_us - delta_us);
    }
}

/* What the wall clock showed at the beginning of an absence that ends now; as if it had not
 * been set meanwhile, where that is earlier. */
static int64_t
wall_at (const facts *self, sim_now now, int64_t since_us)
{
    int64_t wall_us = now.wall_us - (now.true_us - since_us);
    int64_t least_us = wall_us;
    for (size_t i = self->step_count; i > 0; i--) {
        const wall_step *step = &self->steps[i - 1];
        if (step->true_us < since_us) {
            break;
        }
        wall_us -= step->delta_us;
        least_us = wall_us < least_us ? wall_us : least_us;
    }
    return least_us;
}

void
facts_machine (facts *self, sim_now now, machine_fact fact, int64_t since_us,
               int64_t delta_us)
{
    int64_t from_wall_us = wall_at (self, now, since_us);
    switch (fact) {
    case MACHINE_STARTED:
        add_absence (self, AWAY_DOWN, now, self->stopped_us, INT64_MIN);
        self->started_us = now.true_us;
        self->started_ahead_us = now.wall_us - now.boot_us;
        self->told_us = 0;
        break;
    case MACHINE_STOPPED:
        if (self->started_us == INT64_MAX) {
            add_absence (self, AWAY_TRIED, now, self->stopped_us, INT64_MIN);
        }
        self->stopped_us = now.true_us;
        self->started_us = INT64_MAX;
        break;
    case MACHINE_STALLED:
    case MACHINE_SUSPENDED:
        add_absence (self, AWAY_STILL, now, since_us, from_wall_us);
        break;
    case MACHINE_STEPPED:
        add_step (self, now, delta_us);
        break;
    case MACHINE_FULL:
        if (delta_us != 0) {
            self->full_since_us = now.true_us;
        } else {
            add_absence (self, AWAY_FULL, now, since_us, from_wall_us);
            self->full_since_us = INT64_MAX;
        }
        break;
    }
}

/* --- the boot scale ------------------------------------------------------------------ */

static const boot_scale *
scale_of (const facts *self, uint64_t boots)
{
    for (size_t i = self->scale_count; i > 0; i--) {
        if (self->scales[i - 1].boots == boots) {
            return &self->scales[i - 1];
        }
    }
    return NULL;
}

/* Over a reboot the scale goes on by what the wall clock advanced. Where nobody set that
 * meanwhile, it is true but for its slew, and for the drift of 10 ms that is not written
 * down. */
static bool
went_on (const facts *self, const boot_scale *before, sim_now now, int64_t ahead_us)
{
    int64_t since_us = INT64_MIN;
    for (size_t i = self->absence_count; i > 0; i--) {
        const absence *one = &self->absences[i - 1];
        if (one->kind == AWAY_DOWN && one->boots == before->boots) {
            since_us = one->until_us;
            break;
        }
    }
    for (size_t i = self->step_count; i > 0 && since_us != INT64_MIN; i--) {
        if (self->steps[i - 1].true_us >= since_us) {
            return true;
        }
    }
    int64_t off_us = llabs (ahead_us - before->ahead_us);
    return since_us == INT64_MIN ||
           off_us <= 20 * MS_US + (now.true_us - since_us) / SLEW_PARTS;
}

const char *
facts_scale (facts *self, sim_now now, const char *boot_id, int64_t origin_us)
{
    int64_t ahead_us = origin_us + now.boot_us - now.true_us;
    const boot_scale *known = scale_of (self, now.boots);
    if (known) {
        return known->ahead_us == ahead_us && strcmp (known->boot_id, boot_id) == 0
                   ? NULL
                   : "the scale of boot times moved within one boot";
    }
    const boot_scale *before =
        self->scale_count > 0 ? &self->scales[self->scale_count - 1] : NULL;
    if (before && strcmp (before->boot_id, boot_id) == 0) {
        return "another boot, and meta has the boot_id of the one before";
    }
    if (before && self->last.scale_known &&
        now.true_us + ahead_us < self->last.scale.least_us) {
        return "the scale of boot times went back over a reboot";
    }
    if (before && !went_on (self, before, now, ahead_us)) {
        return "over a reboot the scale of boot times did not go on by the wall clock";
    }
    self->scales = make_room (self->scales, self->scale_count, &self->scale_room,
                              sizeof self->scales[0]);
    boot_scale *scale = &self->scales[self->scale_count++];
    *scale = (boot_scale){.boots = now.boots, .ahead_us = ahead_us};
    strncpy (scale->boot_id, boot_id, sizeof scale->boot_id - 1);
    return NULL;
}

/* --- when an event was committed ----------------------------------------------------- */

/* What at_us was in true time if the wall clock was so far ahead of it then, and from when
 * until when it was; widens `when` where that fits. */
static void
widen (between *when, const model_event *event, int64_t ahead_us, between held)
{
    int64_t at_us = event->event->at_us - ahead_us;
    int64_t length_us = event->seen.true_us > at_us ? event->seen.true_us - at_us : 0;
    int64_t error_us = ROUNDING_US + length_us / SLEW_PARTS;
    between found = {at_us - error_us, at_us + error_us};
    if (found.least_us > held.most_us || found.most_us < held.least_us) {
        return;
    }
    found.least_us = found.least_us > held.least_us ? found.least_us : held.least_us;
    found.most_us = found.most_us < held.most_us ? found.most_us : held.most_us;
    when->least_us = found.least_us < when->least_us ? found.least_us : when->least_us;
    when->most_us = found.most_us > when->most_us ? found.most_us : when->most_us;
}

/* at_us is what the wall clock showed then; how far that is from true time is known for the
 * moment of its publication, and from there back over each step of the clock. Where the
 * clock was set back it may have shown this twice. */
static between
commit_of (const facts *self, const model_event *event)
{
    sim_now seen = event->seen;
    int64_t ahead_us = seen.wall_us - seen.true_us;
    int64_t before_us = self->last.true_time.least_us;
    between when = {INT64_MAX, INT64_MIN};
    between held = {before_us, seen.true_us};
    for (size_t i = self->step_count; i > 0 && held.most_us >= before_us; i--) {
        const wall_step *step = &self->steps[i - 1];
        if (step->true_us > seen.true_us) {
            continue;
        }
        held.least_us = step->true_us > before_us ? step->true_us : before_us;
        widen (&when, event, ahead_us, held);
        ahead_us -= step->delta_us;
        held = (between){before_us, step->true_us};
    }
    if (held.most_us >= before_us) {
        widen (&when, event, ahead_us, held);
    }
    return when.least_us <= when.most_us ? when : (between){before_us, seen.true_us};
}

moment
facts_moment (facts *self, const model_event *event)
{
    const boot_scale *scale = scale_of (self, event->seen.boots);
    moment when = {.scale_known = scale != NULL};
    if (event->published) {
        when.true_time = commit_of (self, event);
        if (scale) {
            when.scale = (between){when.true_time.least_us + scale->ahead_us,
                                   when.true_time.most_us + scale->ahead_us};
        }
    } else {
        /* Some time between the event before it and the reading of the table. */
        when.true_time = (between){self->last.true_time.least_us, event->seen.true_us};
        when.scale_known = scale != NULL && self->last.scale_known;
        if (when.scale_known) {
            when.scale =
                (between){self->last.scale.least_us, event->seen.true_us + scale->ahead_us};
        }
    }
    self->last = when;
    return when;
}

/* When the scheduler that served at the end of this absence may have begun to run. Starting
 * takes longer where the machine stood still meanwhile. */
static int64_t
begun_by (const facts *self, const absence *down)
{
    int64_t begun_us = down->until_us - START_US;
    for (size_t i = self->absence_count; i > 0; i--) {
        const absence *one = &self->absences[i - 1];
        if (one->kind == AWAY_STILL && one->until_us >= begun_us &&
            one->from_us <= down->until_us && one->from_us - START_US < begun_us) {
            begun_us = one->from_us - START_US;
        }
    }
    return begun_us > down->from_us ? begun_us : down->from_us;
}

int64_t
facts_started (const facts *self, int64_t true_us)
{
    for (size_t i = self->absence_count; i > 0; i--) {
        const absence *one = &self->absences[i - 1];
        if (one->kind == AWAY_DOWN && one->from_us <= true_us) {
            return begun_by (self, one);
        }
    }
    return INT64_MIN;
}

int64_t
facts_jumped (const facts *self, between true_time, int64_t window_us)
{
    int64_t sum_us = 0;
    for (size_t i = self->absence_count; i > 0; i--) {
        const absence *one = &self->absences[i - 1];
        int64_t length_us = one->until_us - one->from_us;
        int64_t wall_us = one->until_wall_us - one->from_wall_us;
        bool jumps = one->kind == AWAY_STILL || one->kind == AWAY_STEPPED;
        if (jumps && one->until_us >= true_time.least_us - window_us &&
            one->until_us <= true_time.most_us) {
            sum_us += wall_us > length_us ? wall_us : length_us;
        }
    }
    return sum_us;
}

bool
facts_disk_was_full (const facts *self, int64_t from_us, int64_t until_us)
{
    if (self->full_since_us <= until_us) {
        return true;
    }
    for (size_t i = 0; i < self->absence_count; i++) {
        const absence *one = &self->absences[i];
        if (one->kind == AWAY_FULL && one->from_us <= until_us &&
            one->until_us + FULL_US >= from_us) {
            return true;
        }
    }
    return false;
}

/* --- the wall clock was set ---------------------------------------------------------- */

void
facts_told_step (facts *self, const model_event *event)
{
    if (event->published && event->seen.true_us >= self->started_us) {
        self->told_us += event->event->delta_us;
    }
}

bool
facts_steps_are_told (const facts *self, sim_now now, int64_t *untold_us)
{
    *untold_us = now.wall_us - now.boot_us - self->started_ahead_us - self->told_us;
    if (self->started_us == INT64_MAX) {
        return true;
    }
    /* It may have read the clock just before that was set, as it started. */
    for (size_t i = self->step_count; i > 0; i--) {
        int64_t since_us = self->started_us - self->steps[i - 1].true_us;
        if (since_us >= 0 && since_us <= START_US) {
            return true;
        }
    }
    int64_t slewed_us = (now.true_us - self->started_us) / SLEW_PARTS;
    return llabs (*untold_us) <= STEP_US + slewed_us ||
           facts_disk_was_full (self, self->started_us, now.true_us);
}

/* --- when a slot came within reach --------------------------------------------------- */

/* Its span on the slot's clock; false where it has none there. */
static bool
span_of (const facts *self, const absence *one, model_clock clock, between *span)
{
    if (clock == ON_WALL) {
        *span = (between){one->from_wall_us, one->until_wall_us};
        return true;
    }
    const boot_scale *scale = scale_of (self, one->boots);
    if (!scale || one->kind == AWAY_STEPPED) {
        return false;
    }
    *span = (between){one->from_us + scale->ahead_us, one->until_us + scale->ahead_us};
    if (one->kind == AWAY_DOWN || one->kind == AWAY_TRIED) {
        span->least_us = INT64_MIN;
    }
    return true;
}

/* What its beginning may err by: where it lasted long, the clock was slewed meanwhile. */
static int64_t
blur (const absence *one)
{
    return (one->until_us - one->from_us) / SLEW_PARTS;
}

static bool
may_cover (const absence *one, between span, int64_t slot_us)
{
    if (one->kind == AWAY_FULL) {
        span.most_us += FULL_US;
    }
    bool begun =
        span.least_us == INT64_MIN || slot_us >= span.least_us - REACH_US - blur (one);
    return begun && slot_us <= span.most_us + REACH_US;
}

static int64_t
latest_reach (const facts *self, const reach_question *question)
{
    int64_t reached_us = question->slot_us;
    int64_t chained_us = INT64_MIN;
    for (size_t i = 0; i < self->absence_count; i++) {
        const absence *one = &self->absences[i];
        between span;
        if (one->from_us > question->now.true_time.most_us ||
            !span_of (self, one, question->clock, &span)) {
            continue;
        }
        /* Of one that follows at once it may be that nobody looked in between. */
        bool chained = chained_us != INT64_MIN && one->from_us <= chained_us + REACH_US;
        if (!chained && !may_cover (one, span, question->slot_us)) {
            continue;
        }
        chained_us = one->until_us;
        int64_t end_us = span.most_us + REACH_US + (one->kind == AWAY_FULL ? FULL_US : 0);
        reached_us = end_us > reached_us ? end_us : reached_us;
    }
    /* It is full still: when that ends is not known yet. */
    if (self->full_since_us <= question->now.true_time.most_us) {
        return INT64_MAX;
    }
    /* It was down, and one that came up since ended before it served. */
    if (self->started_us == INT64_MAX &&
        self->stopped_us <= question->now.true_time.most_us) {
        return INT64_MAX;
    }
    return reached_us;
}

/* Set back since the absence began: what it made of slots after the new time was taken
 * back. */
static bool
was_set_back (const facts *self, int64_t from_us, int64_t until_us)
{
    for (size_t i = self->step_count; i > 0; i--) {
        const wall_step *step = &self->steps[i - 1];
        if (step->true_us < from_us) {
            return false;
        }
        if (step->delta_us < 0 && step->true_us <= until_us) {
            return true;
        }
    }
    return false;
}

static bool
surely_covers (const absence *one, between span, const reach_question *question)
{
    if (one->until_us > question->now.true_time.least_us || one->kind == AWAY_FULL ||
        one->kind == AWAY_TRIED) {
        return false;
    }
    if (one->kind == AWAY_DOWN) {
        return question->known_since.most_us < one->from_us &&
               question->slot_us < span.most_us;
    }
    return question->known_since.most_us < one->from_us - TOLD_US &&
           question->slot_us >= span.least_us + UNSEEN_US + blur (one) &&
           question->slot_us < span.most_us - UNHEARD_US - blur (one);
}

/* How many absences there were since this one, itself included. */
static size_t
followers (const facts *self, const absence *one, int64_t until_us)
{
    size_t count = 0;
    for (size_t i = self->absence_count; i > 0; i--) {
        const absence *other = &self->absences[i - 1];
        count += other->until_us >= one->from_us && other->from_us <= until_us;
    }
    return count;
}

/* By how much any clock advanced between two true times, at most. */
static int64_t
wall_between (const facts *self, int64_t from_us, int64_t until_us)
{
    int64_t sum_us = until_us - from_us;
    sum_us += sum_us / SLEW_PARTS;
    for (size_t i = self->step_count; i > 0; i--) {
        const wall_step *step = &self->steps[i - 1];
        if (step->delta_us > 0 && step->true_us >= from_us && step->true_us <= until_us) {
            sum_us += step->delta_us;
        }
    }
    return sum_us;
}

static int64_t
earliest_reach (const facts *self, const reach_question *question)
{
    int64_t reached_us = question->slot_us;
    int64_t until_us = question->now.true_time.most_us;
    for (size_t i = 0; i < self->absence_count; i++) {
        const absence *one = &self->absences[i];
        between span;
        if (!span_of (self, one, question->clock, &span)) {
            continue;
        }
        if (one->kind == AWAY_DOWN) {
            /* It looked for the first time before it served. */
            span.most_us -= wall_between (self, begun_by (self, one), one->until_us);
        }
        if (!surely_covers (one, span, question) ||
            (question->clock == ON_WALL && was_set_back (self, one->from_us, until_us)) ||
            followers (self, one, until_us) > REMEMBERED ||
            facts_disk_was_full (self, one->from_us, until_us)) {
            continue;
        }
        reached_us = span.most_us > reached_us ? span.most_us : reached_us;
    }
    return reached_us;
}

between
facts_reached (const facts *self, const reach_question *question)
{
    between reached = {earliest_reach (self, question), latest_reach (self, question)};
    if (reached.least_us < question->armed_us) {
        reached.least_us = question->armed_us;
    }
    if (reached.most_us < question->armed_us) {
        reached.most_us = question->armed_us;
    }
    return reached;
}
