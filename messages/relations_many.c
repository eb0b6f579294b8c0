/* SPDX-License-Identifier: MPL-2.0
 *
 * One job or many: commands that name one, that are for all a filter finds, and several
 * commands in one call.
 */
#include "messages/relations.h"

#include "messages/limits.h"

#include "belfry.pb-c.h"

/* A command that is for one job, or by filter for many. `one` is the field that names the
 * one. */
static bf_err
relate_many (const char *one, bool named, const Belfry__V1__Filter *filter,
             uint32_t if_version, const bf_place *here, bf_error *error)
{
    if (!named && filter == NULL) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, one),
                          "is missing: name one, or set a filter for many");
    }
    if (named && filter != NULL) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "filter"),
                          "is set, and so is %s: choose one or many", one);
    }
    if (filter != NULL && if_version != 0) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "if_version"),
                          "is for one job: leave it out with a filter");
    }
    return BF_OK;
}

#define RELATE_MANY(command)                                                              \
    relate_many ("job", (command)->job != NULL, (command)->filter, (command)->if_version, \
                 here, error)

bf_err
bf_relate_filter (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__Filter *filter = message;
    bool empty = filter->ns[0] == '\0' && filter->type[0] == '\0' &&
                 filter->n_states == 0 && filter->n_tags == 0 &&
                 filter->key_prefix[0] == '\0';
    if (empty && !filter->all) {
        return bf_refuse (error, BF_EINVALID, here,
                          "is empty, which would be for every job: say so by `all`");
    }
    return BF_OK;
}

bf_err
bf_relate_reschedule (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    Belfry__V1__Reschedule *reschedule = message;
    bf_err rc = bf_relate_trigger_of_reschedule (reschedule, here, arena, error);
    return rc == BF_OK ? RELATE_MANY (reschedule) : rc;
}

bf_err
bf_relate_cancel (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    return RELATE_MANY ((const Belfry__V1__Cancel *)message);
}

bf_err
bf_relate_confirm (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    return RELATE_MANY ((const Belfry__V1__Confirm *)message);
}

bf_err
bf_relate_pause (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    return RELATE_MANY ((const Belfry__V1__Pause *)message);
}

bf_err
bf_relate_resume (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    return RELATE_MANY ((const Belfry__V1__Resume *)message);
}

bf_err
bf_relate_trigger (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    return RELATE_MANY ((const Belfry__V1__Trigger *)message);
}

bf_err
bf_relate_redrive (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__Redrive *redrive = message;
    return relate_many ("run", redrive->run[0] != '\0', redrive->filter, 0, here, error);
}

bf_err
bf_relate_prune (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__Prune *prune = message;
    if (prune->finals_us == 0 && prune->events_us == 0) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "finals_us"),
                          "is 0, and so is events_us: say what to take away");
    }
    if (prune->filter != NULL && prune->events_us != 0) {
        return bf_refuse (error, BF_EINVALID, BF_FIELD (here, "events_us"),
                          "cannot go with a filter, which is for jobs: prune them apart");
    }
    return BF_OK;
}

/* The part of a BatchItem that asks for more than one job; NULL where there is none. */
static const char *
many_of (const Belfry__V1__BatchItem *item)
{
#define MANY_OF(member) \
    ((member)->filter != NULL ? "filter" : (member)->dry_run ? "dry_run" : NULL)
    switch (item->command_case) {
    case BELFRY__V1__BATCH_ITEM__COMMAND_RESCHEDULE:
        return MANY_OF (item->reschedule);
    case BELFRY__V1__BATCH_ITEM__COMMAND_CANCEL:
        return MANY_OF (item->cancel);
    case BELFRY__V1__BATCH_ITEM__COMMAND_CONFIRM:
        return MANY_OF (item->confirm);
    case BELFRY__V1__BATCH_ITEM__COMMAND_PAUSE:
        return MANY_OF (item->pause);
    case BELFRY__V1__BATCH_ITEM__COMMAND_RESUME:
        return MANY_OF (item->resume);
    case BELFRY__V1__BATCH_ITEM__COMMAND_TRIGGER:
        return MANY_OF (item->trigger);
    case BELFRY__V1__BATCH_ITEM__COMMAND_REDRIVE:
        return MANY_OF (item->redrive);
    default:
        return NULL;
    }
#undef MANY_OF
}

bf_err
bf_relate_batch_item (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__BatchItem *item = message;
    if (item->command_case == BELFRY__V1__BATCH_ITEM__COMMAND__NOT_SET) {
        return bf_refuse (error, BF_EINVALID, here,
                          "has no command, or none that a batch can hold: set exactly one");
    }
    const char *many = many_of (item);
    if (many == NULL) {
        return BF_OK;
    }
    const ProtobufCFieldDescriptor *command = protobuf_c_message_descriptor_get_field (
        item->base.descriptor, (unsigned)item->command_case);
    return bf_refuse (error, BF_EINVALID, BF_FIELD (BF_FIELD (here, command->name), many),
                      "is for a call of its own: a batch is for single jobs");
}

bf_err
bf_relate_batch (void *message, const bf_place *here, bf_arena *arena, bf_error *error)
{
    (void)arena;
    const Belfry__V1__Batch *batch = message;
    size_t jobs = 0;
    for (size_t i = 0; i < batch->n_items; i++) {
        const Belfry__V1__BatchItem *item = batch->items[i];
        if (item->command_case == BELFRY__V1__BATCH_ITEM__COMMAND_SCHEDULE) {
            jobs += item->schedule->n_jobs;
        }
    }
    return jobs <= BF_JOBS_PER_CALL
               ? BF_OK
               : bf_refuse (error, BF_ELIMIT, BF_FIELD (here, "items"),
                            "have %zu jobs to schedule, allowed are %d in all", jobs,
                            BF_JOBS_PER_CALL);
}
