/* SPDX-License-Identifier: MPL-2.0
 *
 * Which job a command is for, or which jobs.
 */
#include "apps/belfry/command.h"

bool
bf_cli_filter_is_set (const bf_cli_filter *filter)
{
    return filter->ns || filter->type || filter->tags.count > 0 ||
           filter->states.count > 0 || filter->key_prefix || filter->all;
}

bf_err
bf_cli_filter_fill (bf_cli_command *command, const bf_cli_filter *filter, char *ns,
                    bf_error *error)
{
    Belfry__V1__Filter *wire = &command->filter;
    size_t states = filter->states.count;
    if (states > sizeof command->states / sizeof command->states[0]) {
        return bf_fail (error, BF_EINVALID, "--state is given too often");
    }
    belfry__v1__filter__init (wire);
    for (size_t index = 0; index < states; index++) {
        command->states[index] = (Belfry__V1__JobState)filter->states.items[index];
    }
    wire->states = command->states;
    wire->n_states = states;
    wire->tags = filter->tags.items;
    wire->n_tags = filter->tags.count;
    wire->all = filter->all;
    if (ns) {
        wire->ns = ns;
    }
    if (filter->type) {
        wire->type = filter->type;
    }
    if (filter->key_prefix) {
        wire->key_prefix = filter->key_prefix;
    }
    command->many = true;
    command->dry_run = filter->dry_run;
    command->progress = filter->progress;
    return BF_OK;
}

bf_err
bf_cli_target_fill (bf_cli_command *command, const bf_cli_target *target,
                    const bf_cli_texts *operands, bf_error *error)
{
    const bf_cli_filter *filter = &target->filter;
    bool one = operands->count > 0 || target->job.key;
    bool many = bf_cli_filter_is_set (filter);
    if (one && many) {
        return bf_fail (error, BF_EINVALID,
                        "one job or many: name one by its id or --key, or choose many by "
                        "--type, --tag, --state, --key-prefix or --all");
    }
    if (one) {
        if (filter->progress) {
            return bf_fail (error, BF_EINVALID, "--progress is for many jobs");
        }
        belfry__v1__job_ref__init (&command->job);
        command->dry_run = filter->dry_run;
        return bf_cli_name_fill (operands, &target->job, &command->job, error);
    }
    if (!many && !target->job.ns) {
        return bf_fail (error, BF_EINVALID,
                        "which job? Give its id, or --key K; for many --type, --tag, "
                        "--state, --key-prefix, --ns or --all");
    }
    if (target->if_version.set) {
        return bf_fail (error, BF_EINVALID, "--if-version is for one job");
    }
    return bf_cli_filter_fill (command, filter, target->job.ns, error);
}
