/* SPDX-License-Identifier: MPL-2.0
 *
 * When a job is due: exactly one of the triggers.
 */
#include "apps/belfry/command.h"

bf_err
bf_cli_when_fill (bf_cli_command *command, const bf_cli_when *when, bf_error *error)
{
    if (when->at.set + when->after.set + when->every.set != 1) {
        return bf_fail (error, BF_EINVALID,
                        "say when: one of --at ISO, --after D and --every D");
    }
    if (when->anchor.set && !when->every.set) {
        return bf_fail (error, BF_EINVALID, "--anchor goes with --every");
    }
    belfry__v1__every__init (&command->every);
    command->every.interval_us = when->every.us;
    if (when->anchor.set) {
        command->every.anchor_case = BELFRY__V1__EVERY__ANCHOR_ANCHOR_US;
        command->every.anchor_us = when->anchor.us;
    }
    return BF_OK;
}
