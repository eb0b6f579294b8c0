/* SPDX-License-Identifier: MPL-2.0
 *
 * When a job is due: exactly one of the triggers, and what goes with it.
 */
#include "apps/belfry/command.h"

#include <string.h>

int
bf_cli_when_count (const bf_cli_when *when)
{
    return when->at.set + when->after.set + when->every.set + (when->cron != NULL) +
           (when->daily != NULL) + (when->rrule != NULL);
}

bf_recurrence_kind
bf_cli_when_kind (const bf_cli_when *when, const char **text)
{
    *text = when->cron ? when->cron : when->daily ? when->daily : when->rrule;
    return when->cron    ? BF_RECURRENCE_CRON
           : when->daily ? BF_RECURRENCE_DAILY
           : when->rrule ? BF_RECURRENCE_RRULE
                         : BF_RECURRENCE_NONE;
}

bool
bf_cli_when_is_calendar (const bf_cli_when *when)
{
    const char *text;
    return bf_cli_when_kind (when, &text) != BF_RECURRENCE_NONE;
}

static bf_err
check (const bf_cli_when *when, bool zoned, bf_error *error)
{
    bool calendar = bf_cli_when_is_calendar (when);
    if (bf_cli_when_count (when) != 1) {
        return bf_fail (error, BF_EINVALID,
                        "say when: one of --at ISO, --after D, --every D, --cron E, "
                        "--daily HHMM and --rrule R");
    }
    if (when->anchor.set && !when->every.set) {
        return bf_fail (error, BF_EINVALID, "--anchor goes with --every");
    }
    if ((when->skipped || when->repeated) && !calendar) {
        return bf_fail (error, BF_EINVALID,
                        "--skipped and --repeated go with --cron, --daily and --rrule");
    }
    if (when->tz && !calendar && !zoned) {
        return bf_fail (error, BF_EINVALID, "--tz goes with --cron, --daily and --rrule");
    }
    return BF_OK;
}

static bf_err
fill_text (bf_cli_command *command, const bf_cli_when *when, bf_error *error)
{
    const char *text;
    bf_recurrence_kind kind = bf_cli_when_kind (when, &text);
    char zone[BF_ZONE_NAME_BYTES + 1];
    bf_error detail = {0};
    bf_err err = bf_recurrence_check (kind, text, zone, &detail);
    if (err != BF_OK) {
        return bf_fail (error, err, "--%s: %s",
                        when->cron    ? "cron"
                        : when->daily ? "daily"
                                      : "rrule",
                        detail.text);
    }
    command->text = strdup (text);
    if (!command->text) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    return BF_OK;
}

bf_err
bf_cli_when_fill (bf_cli_command *command, const bf_cli_when *when, bool zoned,
                  bf_error *error)
{
    bf_err err = check (when, zoned, error);
    if (err != BF_OK) {
        return err;
    }
    belfry__v1__every__init (&command->every);
    command->every.interval_us = when->every.us;
    if (when->anchor.set) {
        command->every.anchor_case = BELFRY__V1__EVERY__ANCHOR_ANCHOR_US;
        command->every.anchor_us = when->anchor.us;
    }
    return bf_cli_when_is_calendar (when) ? fill_text (command, when, error) : BF_OK;
}
