/* SPDX-License-Identifier: MPL-2.0
 *
 * The law of reminders.
 */
#include "core/remind.h"

#include "core/base/time.h"

/* Those due at since_us or later, but before until_us. */
static bf_remind_verdict
pass (bf_reminders reminders, int64_t due_us, int64_t since_us, int64_t until_us)
{
    bf_remind_verdict verdict = {.next_us = 0};
    for (size_t i = 0; i < reminders.count; i++) {
        int64_t at_us = bf_us_add (due_us, -reminders.before_us[i]);
        if (at_us < since_us) {
            continue;
        }
        if (at_us >= until_us) {
            verdict.next_us = at_us;
            break;
        }
        if (verdict.skipped.count == 0) {
            verdict.skipped.first_us = at_us;
        }
        verdict.skipped.last_us = at_us;
        verdict.skipped.count++;
        verdict.before_us = reminders.before_us[i];
    }
    return verdict;
}

bf_remind_verdict
bf_remind_begin (bf_reminders reminders, int64_t due_us, int64_t since_us, int64_t from_us,
                 int64_t now_us)
{
    return pass (reminders, due_us, since_us, due_us <= now_us ? INT64_MAX : from_us);
}

/* The last of those that are skipped is not. */
static void
spare_last (bf_reminders reminders, int64_t due_us, bf_remind_verdict *verdict)
{
    verdict->fires = true;
    verdict->fire_us = verdict->skipped.last_us;
    verdict->skipped.count--;
    for (size_t i = 1; i < reminders.count && verdict->skipped.count > 0; i++) {
        if (reminders.before_us[i] == verdict->before_us) {
            verdict->skipped.last_us = bf_us_add (due_us, -reminders.before_us[i - 1]);
        }
    }
}

bf_remind_verdict
bf_remind_judge (bf_reminders reminders, int64_t due_us, int64_t since_us, int64_t now_us)
{
    if (due_us <= now_us) {
        return pass (reminders, due_us, since_us, INT64_MAX);
    }
    bf_remind_verdict verdict = pass (reminders, due_us, since_us, now_us + 1);
    if (verdict.skipped.count > 0) {
        spare_last (reminders, due_us, &verdict);
    }
    return verdict;
}
