/* SPDX-License-Identifier: MPL-2.0
 *
 * What holds between the fields of small messages. Those of a definition are in
 * relations_job.c, those of commands for one or many in relations_many.c.
 */
#include "messages/relations.h"

#include <inttypes.h>

#include "belfry.pb-c.h"

bf_err
bf_relate_snooze (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__Snooze *snooze = message;
    if (snooze->until_case == BELFRY__V1__SNOOZE__UNTIL__NOT_SET) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "until"),
                          "is missing: set exactly one of for_us and at_us");
    }
    return BF_OK;
}

bf_err
bf_relate_job_ref (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__JobRef *job = message;
    bool has_key = job->key[0] != '\0';
    if (job->id == 0 && !has_key) {
        return bf_refuse (error, BF_EINVALID, here,
                          "is empty: name the job by id or by key");
    }
    if (job->id != 0 && has_key) {
        return bf_refuse (error, BF_EINVALID, here,
                          "has an id and a key: name the job by one of them");
    }
    return BF_OK;
}

bf_err
bf_relate_backup (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__Backup *backup = message;
    if (backup->name[0] == '.') {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "name"),
                          "is %s: it may not begin with a dot", backup->name);
    }
    return BF_OK;
}

bf_err
bf_relate_history (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__History *history = message;
    if (history->until_us != 0 && history->until_us <= history->from_us) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "until_us"),
                          "is %" PRId64 ", not after from_us %" PRId64
                          ": set it later, or 0 for an open end",
                          history->until_us, history->from_us);
    }
    return BF_OK;
}

bf_err
bf_relate_request (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    Belfry__V1__Request *request = message;
    if (request->command_case == BELFRY__V1__REQUEST__COMMAND__NOT_SET) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "command"),
                          "is missing, or none that this version knows: set exactly one, "
                          "for example schedule");
    }
    if (request->command_case == BELFRY__V1__REQUEST__COMMAND_CLAIM &&
        request->claim->worker[0] == '\0') {
        request->claim->worker = request->client;
    }
    return BF_OK;
}
