/* SPDX-License-Identifier: MPL-2.0
 *
 * Who asked for what under which request_id, and what was said to it. Promise 5: one
 * effect and one answer, however often it is asked. Each answer then waits for the log to
 * be read up to its seq, to be judged there (judge.c); one whose seq the log never reaches
 * breaks promise 1.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CODE(name) BELFRY__V1__CODE__CODE_##name
#define REQUEST(name) BELFRY__V1__REQUEST__COMMAND_##name
#define RESULT(name) BELFRY__V1__REPLY__RESULT_##name

/* A step of the wall clock so shortly before the machine went down may be unknown to the
 * store, which then takes it for elapsed time. */
#define STEP_UNKNOWN_US INT64_C (10000000)

/* Request ids of calls that the checker was not told of: they mean nothing. */
#define GARBAGE 'x'

const char *
calls_command_name (Belfry__V1__Request__CommandCase command)
{
    switch (command) {
    case REQUEST (SCHEDULE):
        return "Schedule";
    case REQUEST (RESCHEDULE):
        return "Reschedule";
    case REQUEST (CANCEL):
        return "Cancel";
    case REQUEST (CONFIRM):
        return "Confirm";
    case REQUEST (PAUSE):
        return "Pause";
    case REQUEST (RESUME):
        return "Resume";
    case REQUEST (TRIGGER):
        return "Trigger";
    case REQUEST (BATCH):
        return "Batch";
    case REQUEST (CLAIM):
        return "Claim";
    case REQUEST (HEARTBEAT):
        return "Heartbeat";
    case REQUEST (COMPLETE):
        return "Complete";
    case REQUEST (FAIL):
        return "Fail";
    case REQUEST (SNOOZE):
        return "Snooze";
    case REQUEST (REDRIVE):
        return "Redrive";
    case REQUEST (GET):
        return "Get";
    case REQUEST (LIST):
        return "List";
    case REQUEST (HISTORY):
        return "History";
    case REQUEST (REPLAY):
        return "Replay";
    case REQUEST (STATUS):
        return "Status";
    case REQUEST (STATS):
        return "Stats";
    case REQUEST (SNAPSHOT):
        return "Snapshot";
    case REQUEST (PRUNE):
        return "Prune";
    case REQUEST (BACKUP):
        return "Backup";
    case REQUEST (PREVIEW):
        return "Preview";
    case REQUEST (LIST_CALENDARS):
        return "ListCalendars";
    case REQUEST (SET_CALENDAR):
        return "SetCalendar";
    case REQUEST (DELETE_CALENDAR):
        return "DeleteCalendar";
    default:
        return "none";
    }
}

const char *
calls_code_name (Belfry__V1__Code code)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value (&belfry__v1__code__descriptor, (int)code);
    return value ? value->name + strlen ("CODE_") : "?";
}

/* --- requests ------------------------------------------------------------------------ */

static call *
find_call (const checker *self, const char *client, const char *request_id)
{
    char key[256];
    int size = snprintf (key, sizeof key, "%s%c%s", client, '\0', request_id);
    return size < (int)sizeof key ? table_get (self->calls, key, (size_t)size) : NULL;
}

static call *
make_call (checker *self, const char *client, const char *request_id)
{
    char key[256];
    int size = snprintf (key, sizeof key, "%s%c%s", client, '\0', request_id);
    call *made = checker_keep (self, sizeof *made);
    made->client = checker_keep_text (self, client);
    made->request_id = checker_keep_text (self, request_id);
    made->asked = world_now (self->world);
    table_put (self->calls, key, (size_t)size, made);
    call *other = table_get (self->by_request, request_id, strlen (request_id));
    if (other) {
        other->shared = made->shared = true;
    } else {
        table_put (self->by_request, request_id, strlen (request_id), made);
    }
    return made;
}

/* What makes it the same command: how long a claim waits does not. */
static uint64_t
hash_of_request (const Belfry__V1__Request *request, const uint8_t *bytes, size_t size)
{
    if (request->command_case != REQUEST (CLAIM)) {
        return checker_hash (CHECKER_HASH, bytes, size);
    }
    const Belfry__V1__Claim *claim = request->claim;
    uint64_t hash = checker_hash (CHECKER_HASH, claim->ns, strlen (claim->ns));
    for (size_t i = 0; i < claim->n_types; i++) {
        hash = checker_hash (hash, claim->types[i], strlen (claim->types[i]) + 1);
    }
    return checker_hash (hash, &claim->max, sizeof claim->max);
}

static bool
add_variant (checker *self, call *to, const Belfry__V1__Request *request)
{
    size_t size = belfry__v1__request__get_packed_size (request);
    uint8_t *bytes = checker_alloc (1, size);
    belfry__v1__request__pack (request, bytes);
    uint64_t hash = hash_of_request (request, bytes, size);
    variant **end = &to->variants;
    while (*end && (*end)->hash != hash) {
        end = &(*end)->next;
    }
    bool is_new = *end == NULL;
    if (is_new) {
        *end = checker_keep (self, sizeof **end);
        (*end)->hash = hash;
        (*end)->request = belfry__v1__request__unpack (&self->allocator, size, bytes);
        to->variant_count++;
    }
    free (bytes);
    return is_new;
}

void
calls_request (checker *self, const Belfry__V1__Request *request)
{
    call *which = find_call (self, request->client, request->request_id);
    if (!which) {
        which = make_call (self, request->client, request->request_id);
    }
    if (add_variant (self, which, request)) {
        effects_asked (self, request);
        slots_request (self, request);
    }
}

const Belfry__V1__Request *
calls_asked (const call *self, const Belfry__V1__Reply *reply)
{
    if (self->variant_count == 1) {
        return self->variants->request;
    }
    /* Of two commands with results of their own, the result tells which it was. */
    const Belfry__V1__Request *found = NULL;
    for (const variant *each = self->variants; each; each = each->next) {
        bool claims = each->request->command_case == REQUEST (CLAIM);
        bool fits =
            reply->code == CODE (OK) && claims == (reply->result_case == RESULT (CLAIM));
        if (fits && found) {
            return NULL;
        }
        found = fits ? each->request : found;
    }
    return found && found->command_case == REQUEST (CLAIM) ? found : NULL;
}

/* --- replies ------------------------------------------------------------------------- */

static bool
still_remembered (const checker *self, const call *which)
{
    int64_t elapsed_us = world_now (self->world).true_us - which->answered.true_us;
    return elapsed_us + self->uncertain_us - which->uncertain_us < REMEMBERED_US;
}

/* A claim whose leases could not be sent gives them back, and is forgotten: whether they
 * came back is judged with the log. */
static bool
may_be_forgotten (const call *which)
{
    return which->answer->result_case == RESULT (CLAIM);
}

static void
check_repeat (checker *self, call *which, const Belfry__V1__Reply *reply)
{
    bool lies = which->variant_count > 1;
    if (reply->code == CODE (REQUEST_ID_REUSED)) {
        if (!lies) {
            world_broken (self->world, "5", 0,
                          "%s %s: REQUEST_ID_REUSED, for the same bytes", which->client,
                          which->request_id);
        }
        return;
    }
    bool remembered = answers_is_remembered (which, reply);
    if (which->answer && still_remembered (self, which)) {
        if (remembered && !reply->repeated && !may_be_forgotten (which)) {
            world_broken (self->world, "5", 0,
                          "%s %s: answered anew (%s, seq %" PRIu64
                          "), was answered before (%s, seq %" PRIu64 ")",
                          which->client, which->request_id, calls_code_name (reply->code),
                          reply->seq, calls_code_name (which->answer->code),
                          which->answer->seq);
        }
        if (reply->repeated && !answers_are_same (which->answer, reply) &&
            !(lies && may_be_forgotten (which))) {
            world_broken (self->world, "5", 0,
                          "%s %s: another answer (%s, seq %" PRIu64
                          ") than before (%s, seq %" PRIu64 ")",
                          which->client, which->request_id, calls_code_name (reply->code),
                          reply->seq, calls_code_name (which->answer->code),
                          which->answer->seq);
        }
    }
    /* A repeat that has less of what was pruned is not what the next one is held against.
     */
    if (remembered && (!which->answer || !reply->repeated)) {
        which->answer = reply;
        /* One that was lost was given at any time since the call was asked. */
        which->answered = which->lost ? which->asked : world_now (self->world);
        which->uncertain_us = which->lost ? 0 : self->uncertain_us;
    }
}

static uint64_t
hash_of_reply (const Belfry__V1__Reply *reply)
{
    size_t size = belfry__v1__reply__get_packed_size (reply);
    uint8_t *bytes = checker_alloc (1, size);
    belfry__v1__reply__pack (reply, bytes);
    uint64_t hash = checker_hash (CHECKER_HASH, bytes, size);
    free (bytes);
    return hash;
}

static const Belfry__V1__Reply *
keep_reply (checker *self, const Belfry__V1__Reply *reply)
{
    size_t size = belfry__v1__reply__get_packed_size (reply);
    uint8_t *bytes = checker_alloc (1, size);
    belfry__v1__reply__pack (reply, bytes);
    const Belfry__V1__Reply *kept =
        belfry__v1__reply__unpack (&self->allocator, size, bytes);
    free (bytes);
    return kept;
}

void
calls_answered (checker *self, const Belfry__V1__Reply *reply)
{
    if (reply->request_id[0] == '\0') {
        return; /* could not be read so far */
    }
    call *which =
        table_get (self->by_request, reply->request_id, strlen (reply->request_id));
    if (!which && reply->request_id[0] == GARBAGE) {
        return;
    }
    if (!which) {
        world_broken (self->world, "answers", 0, "a reply to %s, which nobody asked",
                      reply->request_id);
    }
    const Belfry__V1__Reply *kept = keep_reply (self, reply);
    if (reply->seq > self->answered_head) {
        self->answered_head = reply->seq;
    }
    CHECKER_ROOM (which->told, which->told_room, which->told_count);
    which->told[which->told_count++] = hash_of_reply (reply);
    if (which->shared) {
        return;
    }
    which->lost = kept->repeated && !which->answer;
    check_repeat (self, which, kept);
    CHECKER_ROOM (self->judgements, self->judgement_room, self->judgement_count);
    self->judgements[self->judgement_count] = (judgement){
        .call = which,
        .reply = kept,
        .answered = world_now (self->world),
        .order = self->judgement_order++,
        .full = self->has_filled,
        .repeated = kept->repeated,
    };
    self->judgement_count++;
    slots_answered (self, kept);
}

void
calls_reply (checker *self, const char *client, const Belfry__V1__Reply *reply)
{
    if (reply->request_id[0] == '\0') {
        return;
    }
    const call *which = find_call (self, client, reply->request_id);
    if (!which) {
        world_broken (self->world, "answers", 0,
                      "%s hears a reply to %s, which it never asked", client,
                      reply->request_id);
    }
    if (which->shared) {
        return;
    }
    uint64_t hash = hash_of_reply (reply);
    for (size_t i = which->told_count; i > 0; i--) {
        if (which->told[i - 1] == hash) {
            return;
        }
    }
    world_broken (self->world, "answers", 0, "%s hears a reply to %s that was never sent",
                  client, reply->request_id);
}

/* --- when they are judged ------------------------------------------------------------ */

static int
by_seq (const void *a, const void *b)
{
    const judgement *left = a;
    const judgement *right = b;
    if (left->reply->seq != right->reply->seq) {
        return left->reply->seq < right->reply->seq ? -1 : 1;
    }
    return left->order < right->order ? -1 : left->order > right->order;
}

void
calls_sort (checker *self)
{
    size_t rest = self->judgement_count - self->judgement_next;
    if (rest > 0) {
        memmove (self->judgements, self->judgements + self->judgement_next,
                 rest * sizeof *self->judgements);
        qsort (self->judgements, rest, sizeof *self->judgements, by_seq);
    }
    self->judgement_next = 0;
    self->judgement_count = rest;
}

void
calls_judge (checker *self, uint64_t seq)
{
    while (self->judgement_next < self->judgement_count &&
           self->judgements[self->judgement_next].reply->seq <= seq) {
        judge_reply (self, &self->judgements[self->judgement_next++]);
    }
}

void
calls_check_head (checker *self)
{
    if (self->judgement_next == self->judgement_count) {
        return;
    }
    const judgement *what = &self->judgements[self->judgement_next];
    world_broken (self->world, "1", 0,
                  "%s %s was answered with seq %" PRIu64 ", the log ends at %" PRIu64,
                  what->call->client, what->call->request_id, what->reply->seq, self->head);
}

void
calls_started (checker *self)
{
    sim_now now = world_now (self->world);
    if (now.boots == self->down.boots) {
        return;
    }
    int64_t wall_us = now.wall_us - self->down.wall_us;
    int64_t true_us = now.true_us - self->down.true_us;
    self->uncertain_us += llabs (wall_us - true_us);
    if (self->down.true_us - self->stepped.true_us < STEP_UNKNOWN_US) {
        self->uncertain_us += llabs (self->step_us);
    }
}

void
calls_forget (checker *self)
{
    size_t cursor = 0;
    call *each;
    while (self->calls && (each = table_each (self->calls, &cursor)) != NULL) {
        free (each->told);
    }
    free (self->judgements);
    table_destroy (&self->calls, NULL);
    table_destroy (&self->by_request, NULL);
}
