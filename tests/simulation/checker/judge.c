/* SPDX-License-Identifier: MPL-2.0
 *
 * Every reply must be what the model explains at its seq: done where it says so, refused
 * only for a reason that was there. This file says whose turn it is to judge, and what is
 * the same for all commands.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CODE(name) BELFRY__V1__CODE__CODE_##name
#define BIT(name) (UINT64_C (1) << CODE (name))
#define REQUEST(name) BELFRY__V1__REQUEST__COMMAND_##name
#define RESULT(name) BELFRY__V1__REPLY__RESULT_##name

/* Of the door, or of the moment: no state explains them. */
#define OF_THE_DOOR                                                                  \
    (BIT (MALFORMED) | BIT (UNSUPPORTED_VERSION) | BIT (INVALID) | BIT (TOO_LARGE) | \
     BIT (LIMIT) | BIT (BUSY) | BIT (STOPPING))

#define TEXT_BYTES 512

void
judge_broken (const checker *self, const case_t *it, const char *promise, uint64_t job,
              const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    const call *from = it->what->call;
    world_broken (self->world, promise, job, "%s of %s, %s: %s at seq %" PRIu64 "%s: %s",
                  it->name, from->client, from->request_id, calls_code_name (it->code),
                  it->what->reply->seq, it->what->repeated ? " (repeated)" : "", text);
}

void
judge_own (checker *self, case_t *it, const model_event *first)
{
    for (uint64_t seq = first->seq; seq <= it->up_to; seq++) {
        const call *owner = self->owners[seq - 1];
        if (owner && owner != it->what->call) {
            judge_broken (self, it, "5", first->event->job,
                          "its event %" PRIu64 " is the effect of %s, %s", seq,
                          owner->client, owner->request_id);
        }
        self->owners[seq - 1] = it->what->call;
    }
    it->up_to = first->seq - 1;
}

void
judge_refusal (checker *self, const case_t *it, uint64_t job, uint64_t must, uint64_t may)
{
    uint64_t bit = UINT64_C (1) << it->code;
    bool done = it->code == CODE (OK);
    if (done ? must != 0 : ((must | may) & bit) == 0) {
        judge_broken (self, it, "answers", job,
                      done ? "done, where the state refuses it (codes %" PRIx64 ")"
                           : "refused, where the state says otherwise (codes %" PRIx64 ")",
                      must | may);
    }
}

/* --- one command --------------------------------------------------------------------- */

static bool
has_filter (const Belfry__V1__Request *request)
{
    switch (request->command_case) {
    case REQUEST (RESCHEDULE):
        return request->reschedule->filter != NULL;
    case REQUEST (CANCEL):
        return request->cancel->filter != NULL;
    case REQUEST (CONFIRM):
        return request->confirm->filter != NULL;
    case REQUEST (PAUSE):
        return request->pause->filter != NULL;
    case REQUEST (RESUME):
        return request->resume->filter != NULL;
    case REQUEST (TRIGGER):
        return request->trigger->filter != NULL;
    case REQUEST (REDRIVE):
        return request->redrive->filter != NULL;
    default:
        return request->command_case == REQUEST (PRUNE);
    }
}

/* The command lies in the same place in a request and in an item of a batch, and has the
 * same number. */
static void
judge_change (checker *self, case_t *it, const Belfry__V1__Request *request)
{
    switch (request->command_case) {
    case REQUEST (SCHEDULE):
        judge_schedule (self, it, request->schedule);
        break;
    case REQUEST (RESCHEDULE):
        judge_reschedule (self, it, request->reschedule);
        break;
    case REQUEST (CANCEL):
        judge_cancel (self, it, request->cancel);
        break;
    case REQUEST (CONFIRM):
        judge_confirm (self, it, request->confirm);
        break;
    case REQUEST (PAUSE):
        judge_pause (self, it, request->pause);
        break;
    case REQUEST (RESUME):
        judge_resume (self, it, request->resume);
        break;
    case REQUEST (TRIGGER):
        judge_trigger (self, it, request->trigger);
        break;
    case REQUEST (COMPLETE):
        judge_complete (self, it, request->complete);
        break;
    case REQUEST (FAIL):
        judge_fail (self, it, request->fail);
        break;
    case REQUEST (SNOOZE):
        judge_snooze (self, it, request->snooze);
        break;
    case REQUEST (REDRIVE):
        judge_redrive (self, it, request->redrive);
        break;
    case REQUEST (SET_CALENDAR):
        judge_set_calendar (self, it, request->set_calendar);
        break;
    case REQUEST (DELETE_CALENDAR):
        judge_delete_calendar (self, it, request->delete_calendar);
        break;
    default:
        break;
    }
}

static Belfry__V1__Request
request_of (const Belfry__V1__BatchItem *item)
{
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = (Belfry__V1__Request__CommandCase)item->command_case;
    request.schedule = item->schedule;
    return request;
}

/* From the last to the first, each by the state that those before it left. Where one was
 * refused nothing of all has happened, so that only of the first the state is known that it
 * met. */
static void
judge_batch (checker *self, case_t *it, const Belfry__V1__Batch *in)
{
    const Belfry__V1__Reply *reply = it->what->reply;
    const Belfry__V1__BatchReply *out =
        reply->result_case == RESULT (BATCH) ? reply->batch : NULL;
    if (it->code != CODE (OK)) {
        if (!out || out->failed == 0 || out->failed > in->n_items || out->n_items > 0) {
            judge_broken (self, it, "answers", 0, "it does not say which item was refused");
        }
        if (out->failed == 1 && it->code != CODE (LIMIT)) {
            Belfry__V1__Request request = request_of (in->items[0]);
            judge_change (self, it, &request);
        }
        return;
    }
    if (!out || out->n_items != in->n_items || out->failed != 0) {
        judge_broken (self, it, "answers", 0, "it has not an answer for each item");
    }
    const char *name = it->name;
    for (size_t i = in->n_items; i > 0; i--) {
        Belfry__V1__Request request = request_of (in->items[i - 1]);
        const Belfry__V1__BatchReply__Item *item = out->items[i - 1];
        bool jobs = item->result_case == BELFRY__V1__BATCH_REPLY__ITEM__RESULT_JOBS;
        it->jobs = jobs ? item->jobs : NULL;
        it->runs = jobs ? NULL : item->runs;
        it->name = calls_command_name (request.command_case);
        judge_change (self, it, &request);
    }
    it->name = name;
}

/* --- the reply ----------------------------------------------------------------------- */

/* Refusals that do not depend on what is in the store. */
static bool
is_of_the_moment (checker *self, const case_t *it)
{
    const Belfry__V1__Reply *reply = it->what->reply;
    switch (it->code) {
    case CODE (BUSY):
    case CODE (STOPPING):
        return true;
    case CODE (DISK_FULL):
        if (!it->what->full) {
            judge_broken (self, it, "answers", 0, "the disk was never full");
        }
        return true;
    case CODE (REQUEST_ID_REUSED):
        return true;
    case CODE (INTERNAL):
        judge_broken (self, it, "answers", 0, "%s", reply->text);
    default:
        /* Without a seq the store was not asked: refused at the door. */
        return reply->seq == 0 && it->code != CODE (OK);
    }
}

static void
judge_door (checker *self, const case_t *it)
{
    bool nothing =
        it->code == CODE (OK) && (it->what->reply->result_case == RESULT (CLAIM) ||
                                  it->what->reply->result_case == RESULT (HEARTBEAT));
    if (it->what->reply->seq == 0 && !nothing &&
        (OF_THE_DOOR & UINT64_C (1) << it->code) == 0) {
        judge_broken (self, it, "answers", 0, "the store was not asked for it");
    }
}

static void
judge_asked (checker *self, case_t *it, const Belfry__V1__Request *request)
{
    switch (request->command_case) {
    case REQUEST (BATCH):
        judge_batch (self, it, request->batch);
        break;
    case REQUEST (CLAIM):
        judge_claim (self, it, request->claim);
        break;
    case REQUEST (HEARTBEAT):
        judge_heartbeat (self, it, request->heartbeat);
        break;
    case REQUEST (BACKUP):
        break;
    case REQUEST (GET):
    case REQUEST (LIST):
    case REQUEST (HISTORY):
    case REQUEST (REPLAY):
    case REQUEST (STATUS):
    case REQUEST (STATS):
    case REQUEST (SNAPSHOT):
    case REQUEST (PREVIEW):
    case REQUEST (LIST_CALENDARS):
        judge_read (self, it, request);
        break;
    default:
        if (has_filter (request)) {
            judge_bulk (self, it);
        } else {
            judge_change (self, it, request);
        }
        break;
    }
}

void
judge_reply (checker *self, const judgement *what)
{
    const Belfry__V1__Reply *reply = what->reply;
    call *from = what->call;
    const Belfry__V1__Request *request = calls_asked (from, reply);
    const Belfry__V1__Request *first = from->variants ? from->variants->request : NULL;
    case_t it = {
        .what = what,
        .name = first ? calls_command_name (first->command_case) : "a call",
        .code = reply->code,
        .jobs = reply->result_case == RESULT (JOBS) ? reply->jobs : NULL,
        .runs = reply->result_case == RESULT (RUNS) ? reply->runs : NULL,
        .up_to = reply->seq,
        .shown = reply->seq,
        .fresh = !what->repeated && reply->seq == self->head,
    };
    if (!first) {
        judge_broken (self, &it, "answers", 0, "nobody asked");
    }
    cover_hit (COVER_CODE, it.name, calls_code_name (it.code));
    judge_door (self, &it);
    if (is_of_the_moment (self, &it) || !request) {
        return;
    }
    /* A repeat of an answer that was judged adds nothing but to leases and operations. */
    bool again = what->repeated && from->judged && request->command_case != REQUEST (CLAIM);
    if (!again) {
        judge_asked (self, &it, request);
    }
    from->judged = true;
}
