/* SPDX-License-Identifier: MPL-2.0
 *
 * Commands by filter: one operation per call, whose counts only grow. What it did to each
 * job is judged with the events; how many jobs matched at its turn depends on when that
 * was, which replies do not tell.
 */
#include "tests/simulation/checker/private.h"

#include <inttypes.h>

#define CODE(name) BELFRY__V1__CODE__CODE_##name

void
judge_bulk (checker *self, case_t *it)
{
    const Belfry__V1__Reply *reply = it->what->reply;
    call *from = it->what->call;
    if (it->code != CODE (OK)) {
        judge_refusal (self, it, 0, 0, 0);
        return;
    }
    if (reply->result_case != BELFRY__V1__REPLY__RESULT_BULK) {
        judge_broken (self, it, "answers", 0, "it has no BulkReply");
    }
    const Belfry__V1__BulkReply *now = reply->bulk;
    const Belfry__V1__BulkReply *before = from->bulk;
    if (now->dry_run) {
        if (now->operation != 0) {
            judge_broken (self, it, "answers", 0, "a dry run that is an operation");
        }
        return;
    }
    uint64_t most = now->refused < 10 ? now->refused : 10;
    if (now->cursor > now->watermark && now->watermark != 0) {
        judge_broken (self, it, "answers", 0, "its cursor is beyond its watermark");
    }
    if (now->n_refusals != most) {
        judge_broken (self, it, "answers", 0, "it refused %" PRIu64 " jobs and names %zu",
                      now->refused, now->n_refusals);
    }
    if (before && before->operation == now->operation &&
        (before->changed > now->changed || before->unchanged > now->unchanged ||
         before->refused > now->refused || before->runs > now->runs ||
         before->events > now->events || before->cursor > now->cursor ||
         before->watermark != now->watermark || (before->done && !now->done))) {
        judge_broken (self, it, "5", 0, "operation %" PRIu64 " goes back", now->operation);
    }
    from->bulk = now;
}
