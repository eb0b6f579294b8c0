/* SPDX-License-Identifier: MPL-2.0
 *
 * Commands for one run: a token proves one attempt, and only that one, for as long as its
 * lease stands (promise 3). A claim's leases are attempts of the log, each given once.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <string.h>

#define CODE(name) BELFRY__V1__CODE__CODE_##name
#define BIT(name) (UINT64_C (1) << CODE (name))
#define JOB(name) BELFRY__V1__JOB_STATE__JOB_STATE_##name
#define RUN(name) BELFRY__V1__RUN_STATE__RUN_STATE_##name
#define KIND(name) (UINT64_C (1) << KIND_##name)
#define MOST_OPEN 1000

/* What a token names, at a seq. */
typedef struct {
    bool readable;
    model_job *job; /* NULL: not found */
    model_run *run;
    bool pruned; /* the run is gone; since when is not known */
    uint32_t ordinal;
    uint32_t attempt;
    const Belfry__V1__Run *image;
} place;

static place
find_place (const checker *self, const char *text, uint64_t seq)
{
    place found = {0};
    uint64_t id = 0;
    found.readable = model_parse (text, &id, &found.ordinal, &found.attempt);
    model_job *job = found.readable ? model_find (self, id) : NULL;
    if (!past_has_job (self, job, seq)) {
        return found;
    }
    found.job = job;
    found.run = model_find_run (self, id, found.ordinal);
    found.pruned = !found.run && found.ordinal >= 1 && found.ordinal <= job->run_count;
    found.image = found.run ? past_run (self, found.run, seq, NULL) : NULL;
    return found;
}

static bool
holds (const place *at)
{
    return at->image && at->image->state == RUN (LEASED) &&
           at->image->attempt == at->attempt;
}

static void
cover (const case_t *it, const place *at)
{
    if (at->image) {
        cover_hit (COVER_RUN_COMMAND, states_run_name (at->image->state), it->name);
    }
}

/* --- settling ------------------------------------------------------------------------ */

static void
refuse_settling (checker *self, const case_t *it, const place *at, bool may_repeat)
{
    if (!at->readable || at->ordinal == 0 || at->attempt == 0) {
        judge_refusal (self, it, 0, BIT (INVALID), 0);
        return;
    }
    if (!at->image) {
        judge_refusal (self, it, at->job ? at->job->id : 0,
                       at->pruned ? 0 : BIT (NOT_FOUND),
                       BIT (NOT_FOUND) | (at->pruned ? BIT (STALE_TOKEN) : 0));
        return;
    }
    bool again = may_repeat && at->image->state == RUN (SUCCEEDED) &&
                 at->image->attempt == at->attempt;
    judge_refusal (self, it, at->job->id, holds (at) || again ? 0 : BIT (STALE_TOKEN), 0);
}

static void
match_settled (checker *self, const case_t *it, const place *at)
{
    if (!it->runs || it->runs->n_runs > 1 ||
        (it->runs->n_runs == 0 && !it->what->repeated)) {
        judge_broken (self, it, "answers", at->job->id, "it does not show the run");
    }
    if (it->fresh) {
        match_run (self, it, it->runs->runs[0], at->run);
    }
}

/* Done: the event is there, of this run, and just before it the token's attempt held it. */
static void
judge_settling (checker *self, case_t *it, const char *token, uint64_t kinds)
{
    bool completes = (kinds & KIND (RUN_SUCCEEDED)) != 0;
    place at = find_place (self, token, it->up_to);
    bool unchanged = it->code == CODE (OK) && it->runs && it->runs->unchanged;
    if (it->code != CODE (OK) || unchanged) {
        cover (it, &at);
        refuse_settling (self, it, &at, completes);
        if (unchanged && (!completes || holds (&at))) {
            judge_broken (self, it, "3", at.job ? at.job->id : 0,
                          "done already, and it is not");
        }
        if (unchanged && at.run) {
            match_settled (self, it, &at);
        }
        return;
    }
    if (at.pruned) {
        return;
    }
    const model_event *first =
        at.job ? past_leader (self, at.job, kinds, it->up_to, true) : NULL;
    if (!first || !at.run || !first->event->run_after ||
        strcmp (first->event->run, at.run->image->run) != 0) {
        judge_broken (self, it, "1", at.job ? at.job->id : 0,
                      "its effect on %s is not in the log", token);
    }
    judge_own (self, it, first);
    place before = find_place (self, token, it->up_to);
    cover (it, &before);
    if (!holds (&before)) {
        judge_broken (self, it, "3", at.job->id, "%s did not hold the run", token);
    }
    match_settled (self, it, &at);
}

void
judge_complete (checker *self, case_t *it, const Belfry__V1__Complete *in)
{
    judge_settling (self, it, in->token, KIND (RUN_SUCCEEDED));
    if (it->code != CODE (OK) || it->runs->unchanged) {
        return;
    }
    place at = find_place (self, in->token, it->what->reply->seq);
    if (at.image && at.image->state == RUN (SUCCEEDED) &&
        (at.image->result_bytes != in->result.len ||
         (in->result.len > 0 &&
          at.image->result_hash !=
              checker_hash (CHECKER_HASH, in->result.data, in->result.len)))) {
        judge_broken (self, it, "1", at.job->id, "the result is another");
    }
}

void
judge_fail (checker *self, case_t *it, const Belfry__V1__Fail *in)
{
    judge_settling (self, it, in->token, KIND (RUN_FAILED));
    place at = find_place (self, in->token, it->what->reply->seq);
    if (it->code == CODE (OK) && at.image && in->non_retryable &&
        at.image->attempt == at.attempt && model_run_is_open (at.image->state)) {
        judge_broken (self, it, "3", at.job->id, "it goes on, and should not be retried");
    }
}

void
judge_snooze (checker *self, case_t *it, const Belfry__V1__Snooze *in)
{
    place at = find_place (self, in->token, it->up_to);
    bool far = in->until_case == BELFRY__V1__SNOOZE__UNTIL_AT_US;
    if (it->code == CODE (INVALID) && far && holds (&at)) {
        return; /* more than a year ahead, by the scheduler's clock */
    }
    judge_settling (self, it, in->token, KIND (RUN_SNOOZED) | KIND (RUN_CANCELLED));
}

/* --- Redrive ------------------------------------------------------------------------- */

static uint64_t
redrive_refusals (const checker *self, const case_t *it, const place *at,
                  const Belfry__V1__Run *image)
{
    const model_event *job = past_job (self, at->job, it->up_to);
    uint64_t refusals = 0;
    bool is_open = model_job_is_open (job->job->state);
    if (image->state != RUN (DEAD) || image->redriven_by != 0 ||
        job->job->state == JOB (CANCELLED) || job->job->state == JOB (CONFIRMED)) {
        refusals |= BIT (WRONG_STATE);
    }
    if (!is_open && at->job->key[0] != '\0') {
        const key_holders *holders = model_holders (self, at->job->ns, at->job->key);
        for (size_t i = holders->count; i > 0 && holders->jobs[i - 1] != at->job; i--) {
            bool newer = past_has_job (self, holders->jobs[i - 1], it->up_to);
            refusals |= newer ? BIT (KEY_TAKEN) : 0;
        }
    }
    return refusals | (job->job->open_runs >= MOST_OPEN ? BIT (LIMIT) : 0);
}

static void
refuse_redrive (checker *self, const case_t *it, const place *at)
{
    if (!at->readable || at->attempt != 0) {
        judge_refusal (self, it, 0, BIT (INVALID), 0);
        return;
    }
    if (!at->image) {
        /* It may have been there still: what it was then nobody can say any more. */
        const uint64_t when_there = BIT (WRONG_STATE) | BIT (KEY_TAKEN);
        judge_refusal (self, it, at->job ? at->job->id : 0,
                       at->pruned ? 0 : BIT (NOT_FOUND),
                       BIT (NOT_FOUND) | (at->pruned ? when_there : 0));
        return;
    }
    cover (it, at);
    cover_hit (COVER_JOB_COMMAND,
               states_job_name (past_job (self, at->job, it->up_to)->job->state),
               "Redrive");
    judge_refusal (self, it, at->job->id, redrive_refusals (self, it, at, at->image), 0);
}

/* "JOB" means its newest run. */
static place
find_redriven (const checker *self, const char *text, uint64_t seq)
{
    place at = find_place (self, text, seq);
    if (at.job && at.ordinal == 0) {
        at.ordinal = past_job (self, at.job, seq)->job->runs;
        at.run = model_find_run (self, at.job->id, at.ordinal);
        at.pruned = !at.run && at.ordinal >= 1;
        at.image = at.run ? past_run (self, at.run, seq, NULL) : NULL;
    }
    return at;
}

void
judge_redrive (checker *self, case_t *it, const Belfry__V1__Redrive *in)
{
    place at = find_redriven (self, in->run, it->up_to);
    if (it->code != CODE (OK)) {
        refuse_redrive (self, it, &at);
        return;
    }
    const model_event *first =
        at.job ? past_leader (self, at.job, KIND (RUN_REDRIVEN), it->up_to, true) : NULL;
    if (!first) {
        judge_broken (self, it, "1", at.job ? at.job->id : 0,
                      "its effect is not in the log");
    }
    judge_own (self, it, first);
    place before = find_redriven (self, in->run, it->up_to);
    if (!before.image || strcmp (before.image->run, first->event->run) != 0) {
        if (before.pruned) {
            return;
        }
        judge_broken (self, it, "answers", at.job->id, "it redrives %s instead of %s",
                      first->event->run, in->run);
    }
    refuse_redrive (self, it, &before);
    const model_run *made =
        model_find_run (self, at.job->id, first->event->run_after->redriven_by);
    if (made && it->fresh && it->runs && it->runs->n_runs == 1) {
        match_run (self, it, it->runs->runs[0], made);
    } else if (!it->what->repeated && (!it->runs || it->runs->n_runs != 1)) {
        judge_broken (self, it, "answers", at.job->id, "it does not show the new run");
    }
}

/* --- Claim --------------------------------------------------------------------------- */

/* The event that gave this attempt, up to the seq; NULL for none. */
static const model_event *
claimed_event (const checker *self, const place *at, uint64_t seq)
{
    uint64_t next = at->run ? at->run->last_seq : 0;
    while (next > 0) {
        const model_event *event = model_event_at (self, next);
        if (next <= seq && kind_of (event->event->kind) == KIND_RUN_CLAIMED &&
            event->event->attempt == at->attempt) {
            return event;
        }
        next = event->run_before;
    }
    return NULL;
}

static bool
has_type (const Belfry__V1__Claim *in, const char *type)
{
    for (size_t i = 0; i < in->n_types; i++) {
        if (strcmp (in->types[i], type) == 0) {
            return true;
        }
    }
    return false;
}

static void
match_lease (checker *self, const case_t *it, const Belfry__V1__Lease *lease,
             const place *at)
{
    const model_job *job = at->job;
    const Belfry__V1__JobSpec *spec = past_definition (job, it->up_to)->spec;
    const Belfry__V1__Job *image = past_job (self, job, it->up_to)->job;
    bool same = strcmp (lease->key, job->key) == 0 &&
                strcmp (lease->content_type, spec->content_type) == 0 &&
                lease->lease_us == spec->lease_us &&
                lease->run_timeout_us == spec->run_timeout_us &&
                lease->n_tags == spec->n_tags &&
                lease->payload.len == image->payload_bytes &&
                checker_hash (CHECKER_HASH, lease->payload.data, lease->payload.len) ==
                    image->payload_hash;
    if (!same) {
        judge_broken (self, it, "answers", job->id,
                      "the lease %s shows another job than there is", lease->token);
    }
    match_run (self, it, lease->run, at->run);
}

static void
judge_lease (checker *self, case_t *it, const Belfry__V1__Claim *in,
             const Belfry__V1__Lease *lease)
{
    uint64_t seq = it->what->reply->seq;
    place at = find_place (self, lease->token, seq);
    if (at.pruned) {
        return;
    }
    const model_event *event = claimed_event (self, &at, seq);
    if (!event) {
        judge_broken (self, it, "3", at.job ? at.job->id : 0,
                      "the lease %s was given, but never in the log", lease->token);
    }
    const call *owner = self->owners[event->seq - 1];
    if (owner && owner != it->what->call) {
        judge_broken (self, it, "3", at.job->id, "the lease %s was given to %s, %s too",
                      lease->token, owner->client, owner->request_id);
    }
    self->owners[event->seq - 1] = it->what->call;
    const char *worker = in->worker[0] ? in->worker : it->what->call->client;
    if (strcmp (event->event->run_after->worker, worker) != 0 ||
        !has_type (in, at.run->type) ||
        strcmp (in->ns[0] ? in->ns : "default", at.job->ns) != 0) {
        judge_broken (self, it, "answers", at.job->id,
                      "the lease %s is not what was asked for", lease->token);
    }
    if (it->fresh) {
        if (!holds (&at)) {
            judge_broken (self, it, "3", at.job->id, "the lease %s does not stand",
                          lease->token);
        }
        match_lease (self, it, lease, &at);
    }
}

/* A second answer with other leases is right only where those of the first came back,
 * because that could not be sent; or after a day. */
static void
check_given_back (checker *self, const case_t *it)
{
    const call *from = it->what->call;
    int64_t elapsed_us = it->what->answered.true_us - from->claimed.true_us;
    if (!from->claim || it->what->repeated || elapsed_us > REMEMBERED_US) {
        return;
    }
    for (size_t i = 0; i < from->claim->n_leases; i++) {
        const char *token = from->claim->leases[i]->token;
        place at = find_place (self, token, it->up_to);
        if (holds (&at)) {
            judge_broken (self, it, "5", at.job->id,
                          "it was answered before with %s, which is still its own", token);
        }
    }
}

void
judge_claim (checker *self, case_t *it, const Belfry__V1__Claim *in)
{
    const Belfry__V1__Reply *reply = it->what->reply;
    if (it->code != CODE (OK)) {
        judge_refusal (self, it, 0, 0, 0);
        return;
    }
    if (reply->result_case != BELFRY__V1__REPLY__RESULT_CLAIM) {
        judge_broken (self, it, "answers", 0, "it has no ClaimReply");
    }
    const Belfry__V1__ClaimReply *out = reply->claim;
    if (out->n_leases == 0) {
        return;
    }
    if (out->n_leases > (in->max ? in->max : 1)) {
        judge_broken (self, it, "answers", 0, "it gives more than was asked for");
    }
    check_given_back (self, it);
    for (size_t i = 0; i < out->n_leases; i++) {
        judge_lease (self, it, in, out->leases[i]);
    }
    if (!it->what->repeated) {
        call *from = it->what->call;
        from->claim = out;
        from->claimed = it->what->answered;
    }
}

/* --- Heartbeat ----------------------------------------------------------------------- */

static bool
came_before (const Belfry__V1__Heartbeat *in, size_t index)
{
    for (size_t i = 0; i < index; i++) {
        if (strcmp (in->tokens[i], in->tokens[index]) == 0) {
            return true;
        }
    }
    return false;
}

/* From memory (seq 0) it is as of a moment that nobody can name: then only what can never
 * be is refused, an attempt that there never was. */
static void
judge_beat (checker *self, case_t *it, const Belfry__V1__HeartbeatReply__Item *item)
{
    bool from_memory = it->what->reply->seq == 0;
    uint64_t seq = from_memory ? self->head : it->up_to;
    place at = find_place (self, item->token, seq);
    case_t one = *it;
    one.code = item->code;
    if (!from_memory) {
        cover (it, &at);
        refuse_settling (self, &one, &at, false);
    } else if (item->code == CODE (OK)) {
        cover_hit (COVER_RUN_COMMAND, states_run_name (RUN (LEASED)), it->name);
    }
}

void
judge_heartbeat (checker *self, case_t *it, const Belfry__V1__Heartbeat *in)
{
    const Belfry__V1__Reply *reply = it->what->reply;
    if (it->code != CODE (OK)) {
        judge_refusal (self, it, 0, 0, 0);
        return;
    }
    if (reply->result_case != BELFRY__V1__REPLY__RESULT_HEARTBEAT) {
        judge_broken (self, it, "answers", 0, "it has no HeartbeatReply");
    }
    const Belfry__V1__HeartbeatReply *out = reply->heartbeat;
    size_t shown = 0;
    for (size_t i = 0; i < in->n_tokens; i++) {
        if (came_before (in, i)) {
            continue;
        }
        if (shown == out->n_items ||
            strcmp (out->items[shown]->token, in->tokens[i]) != 0) {
            judge_broken (self, it, "answers", 0, "it does not answer %s in its place",
                          in->tokens[i]);
        }
        judge_beat (self, it, out->items[shown++]);
    }
    if (shown != out->n_items) {
        judge_broken (self, it, "answers", 0, "it answers tokens that were not there");
    }
}
