/* SPDX-License-Identifier: MPL-2.0
 *
 * Again, or dead? The law of retries, once more: written from RetryPolicy in belfry.proto
 * and "retry or die" in docs/states.md.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/simulation/checker/slots.h"

#define IMAGE(name) BELFRY__V1__##name

/* Without jitter. 128 bits, because thirty days times ten thousand do not fit 64 with the
 * factor that comes on top. */
static int64_t
plain_wait (const Belfry__V1__RetryPolicy *policy, uint32_t failures)
{
    __extension__ typedef __int128 wide;
    wide wait = policy->delay_us;
    switch (policy->backoff) {
    case IMAGE (BACKOFF__BACKOFF_FIXED):
        return policy->delay_us;
    case IMAGE (BACKOFF__BACKOFF_LINEAR):
        wait *= failures;
        return wait < policy->max_delay_us ? (int64_t)wait : policy->max_delay_us;
    case IMAGE (BACKOFF__BACKOFF_LIST):
        return policy->delays_us[failures < policy->n_delays_us ? failures - 1
                                                                : policy->n_delays_us - 1];
    default:
        break;
    }
    for (uint32_t i = 1; i < failures && wait < policy->max_delay_us; i++) {
        wide next = wait * policy->factor_permille / 1000;
        if (next == wait) {
            break;
        }
        wait = next;
    }
    return wait < policy->max_delay_us ? (int64_t)wait : policy->max_delay_us;
}

between
retries_wait (const Belfry__V1__RetryPolicy *policy, uint32_t failures)
{
    int64_t wait_us = plain_wait (policy, failures);
    int64_t percent = policy->jitter_case == IMAGE (RETRY_POLICY__JITTER_JITTER_PERCENT)
                          ? policy->jitter_percent
                          : 0;
    int64_t spread_us = wait_us / 100 * percent + wait_us % 100 * percent / 100;
    between wait = {wait_us - spread_us, wait_us + spread_us};
    /* Never shorter than the shortest delay that a policy may have. */
    if (wait.least_us < MS_US) {
        wait.least_us = MS_US;
    }
    if (wait.most_us < wait.least_us) {
        wait.most_us = wait.least_us;
    }
    return wait;
}

/* How old the run is, if that is known. */
static bool
age_of (const happened *event, between *age)
{
    const run_notes *notes =
        notes_of_run (event->slots, event->run->job, event->run->ordinal);
    if (!event->when.scale_known || !notes->born.scale_known) {
        return false;
    }
    *age = (between){event->when.scale.least_us - notes->born.scale.most_us,
                     event->when.scale.most_us - notes->born.scale.least_us};
    return true;
}

static bool
may_be_too_old (const happened *event, const Belfry__V1__RetryPolicy *policy, between wait)
{
    between age;
    return policy->max_age_us > 0 &&
           (!age_of (event, &age) || age.most_us + wait.most_us > policy->max_age_us);
}

bool
retries_may_die (const happened *event)
{
    const Belfry__V1__RetryPolicy *policy = event->job->definition->spec->retry;
    between wait = retries_wait (policy, 1);
    return policy->max_attempts <= 1 ||
           (policy->max_age_us > 0 && wait.most_us > policy->max_age_us);
}

static void
judge_again (const happened *event, const Belfry__V1__RetryPolicy *policy, between wait,
             bool for_good)
{
    const Belfry__V1__Run *run = event->run->image;
    if (run->failures >= policy->max_attempts || for_good) {
        slots_broken (event, "2", "tried again after %u failures of %u%s", run->failures,
                      policy->max_attempts, for_good ? ", and it was not to be" : "");
    }
    const between now = event->when.scale;
    if (event->when.scale_known && (run->timer_us < now.least_us + wait.least_us ||
                                    run->timer_us > now.most_us + wait.most_us)) {
        slots_broken (event, "2",
                      "failure %u is followed by %" PRId64 " to %" PRId64
                      " us of waiting, here by %" PRId64,
                      run->failures, wait.least_us, wait.most_us,
                      run->timer_us - now.least_us);
    }
    between age;
    if (policy->max_age_us > 0 && age_of (event, &age) &&
        age.least_us + wait.least_us > policy->max_age_us) {
        slots_broken (event, "2",
                      "tried again %" PRId64 " us after it was made, of %" PRId64,
                      age.least_us + wait.least_us, policy->max_age_us);
    }
}

void
retries_judge (const happened *event)
{
    slots *self = event->slots;
    const Belfry__V1__Run *run = event->run->image;
    const Belfry__V1__RetryPolicy *policy = event->job->definition->spec->retry;
    bool again = run->state == IMAGE (RUN_STATE__RUN_STATE_RETRY_WAIT);
    bool waits = again || run->state == IMAGE (RUN_STATE__RUN_STATE_BLOCKED);
    char token[64];
    snprintf (token, sizeof token, "%s.%u", event->said->run, event->said->attempt);
    const token_notes *asked = notes_of_token (self, token);
    between wait = retries_wait (policy, run->failures);
    bool said = strcmp (event->said->reason, "the lease expired") != 0 &&
                strcmp (event->said->reason, "run_timeout passed") != 0;
    bool withdrawn = run_is_withdrawn (event->job, event->run);
    if (withdrawn && again) {
        slots_broken (event, "4",
                      "its job was ended or moved, or it was asked to stop, and "
                      "it is tried again");
    }
    /* Made by a late slot it waits also where that failure is its last. */
    bool unborn = again && run->attempt == 0 && retries_may_die (event);
    if (unborn && policy->max_attempts > 1 && wait.least_us <= policy->max_age_us) {
        return;
    }
    if (again && !unborn) {
        judge_again (event, policy, wait,
                     said && asked->failed_for_good && !asked->failed_for_now);
        return;
    }
    if (waits) {
        return;
    }
    bool may_die = run->failures >= policy->max_attempts ||
                   (said && asked->failed_for_good) || may_be_too_old (event, policy, wait);
    self->failed_seq = event->event->seq;
    self->ends_cancelled = withdrawn;
    self->ends_dead = !withdrawn && may_die;
    if (!withdrawn && !may_die) {
        slots_broken (event, "2", "it is not tried again after %u failures of %u",
                      run->failures, policy->max_attempts);
    }
}

/* The end of a run comes right behind its last failure. */
void
retries_judge_next (const happened *event)
{
    slots *self = event->slots;
    if (self->failed_seq == 0) {
        return;
    }
    bool right = (self->ends_cancelled && happened_is (event, "run.cancelled")) ||
                 (self->ends_dead && happened_is (event, "run.dead"));
    bool next = self->failed_seq + 1 == event->event->seq;
    self->failed_seq = 0;
    if (!right || !next) {
        slots_broken (event, "3",
                      "the event before it was a run's last failure, and its end "
                      "does not follow");
    }
}
