/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry calendars: exclusion calendars, read and written.
 */
#include "apps/belfry/verbs.h"

#include <inttypes.h>

#include "apps/belfry/json.h"
#include "apps/belfry/show.h"
#include "core/base/time.h"

typedef struct {
    char *ns;
    bf_cli_texts dates;
    bf_cli_texts windows;
    bf_cli_number if_version;
    bool clear;
    bool delete;
} values_t;

#define AT(member) .offset = offsetof (values_t, member)

static const bf_cli_option options[] = {
    {.name = "date",
     .value = "D",
     .kind = BF_CLI_TEXTS,
     AT (dates),
     .help =
         "set: a date 2026-12-24, a stretch of them 2026-12-24..2027-01-06, or 12-25 of "
         "every year; again for more, up to 1000"},
    {.name = "window",
     .value = "W",
     .kind = BF_CLI_TEXTS,
     AT (windows),
     .help = "set: weekdays and, where not the whole day, from when until when: SAT-SUN, "
             "\"MON-FRI 2200-0600\", \"* 1200-1300\"; again for more, up to 64"},
    {.name = "clear",
     .kind = BF_CLI_FLAG,
     AT (clear),
     .help = "set it to exclude nothing, and keep it"},
    {.name = "delete",
     .kind = BF_CLI_FLAG,
     AT (delete),
     .help = "take it away; refused (exit code 5) where an open job names it"},
    {.name = "if-version",
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (if_version),
     .least = 1,
     .most = UINT32_MAX,
     .help = "set or delete only where it has this version"},
    {.name = "ns",
     .value = "N",
     .kind = BF_CLI_TEXT,
     .form = &bf_cli_form_name,
     AT (ns),
     .help = "the namespace; default \"default\", of a list all"},
    {0},
};

static void
show (const bf_cli *cli, const Belfry__V1__ExclusionCalendar *calendar, bool whole,
      bool unchanged)
{
    char time[BF_CLI_TIME_BYTES];
    if (cli->json) {
        bf_cli_json_print (stdout, &calendar->base);
        return;
    }
    bf_cli_text_put (stdout, calendar->ns);
    fputc (' ', stdout);
    bf_cli_text_put (stdout, calendar->name);
    fprintf (stdout, " version %" PRIu32 ", %zu %s, %zu %s, updated %s%s\n",
             calendar->version, calendar->n_dates,
             bf_cli_counted (calendar->n_dates, "date", "dates"), calendar->n_windows,
             bf_cli_counted (calendar->n_windows, "window", "windows"),
             bf_cli_time (calendar->updated_us, time), unchanged ? ", unchanged" : "");
    for (size_t index = 0; whole && index < calendar->n_dates; index++) {
        fputs ("  date    ", stdout);
        bf_cli_text_put (stdout, calendar->dates[index]);
        fputc ('\n', stdout);
    }
    for (size_t index = 0; whole && index < calendar->n_windows; index++) {
        fputs ("  window  ", stdout);
        bf_cli_text_put (stdout, calendar->windows[index]);
        fputc ('\n', stdout);
    }
}

/* Sends it and shows what comes. *shown: how many; *cursor: where the next page begins. */
static bf_cli_exit
call (bf_cli *cli, Belfry__V1__Request *request, bool whole, size_t *shown,
      uint64_t *cursor)
{
    Belfry__V1__Reply *reply;
    bf_cli_exit code = bf_cli_call (cli, request, &reply);
    if (code == BF_CLI_DONE && reply->result_case == BELFRY__V1__REPLY__RESULT_CALENDARS) {
        const Belfry__V1__CalendarsReply *page = reply->calendars;
        for (size_t index = 0; index < page->n_calendars; index++) {
            show (cli, page->calendars[index], whole, page->unchanged);
        }
        *shown += page->n_calendars;
        *cursor = page->next_cursor;
    }
    belfry_reply_free (&reply);
    return code;
}

static bf_cli_exit
list (bf_cli *cli, const values_t *values, char *name)
{
    Belfry__V1__ListCalendars all = BELFRY__V1__LIST_CALENDARS__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_LIST_CALENDARS;
    request.list_calendars = &all;
    if (values->ns || name) {
        all.ns = values->ns ? values->ns : "default";
    }
    if (name) {
        all.name = name;
    }
    bf_cli_exit code;
    size_t shown = 0;
    do {
        uint64_t cursor = 0;
        code = call (cli, &request, name != NULL, &shown, &cursor);
        all.cursor = cursor;
    } while (code == BF_CLI_DONE && all.cursor > 0);
    return code == BF_CLI_DONE && name && shown == 0
               ? bf_cli_complain (BF_CLI_NOT_FOUND, "there is no calendar %s in %s", name,
                                  all.ns)
               : code;
}

static bf_cli_exit
set (bf_cli *cli, const values_t *values, char *name)
{
    Belfry__V1__ExclusionCalendar calendar = BELFRY__V1__EXCLUSION_CALENDAR__INIT;
    Belfry__V1__SetCalendar command = BELFRY__V1__SET_CALENDAR__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    calendar.name = name;
    if (values->ns) {
        calendar.ns = values->ns;
    }
    calendar.dates = values->dates.items;
    calendar.n_dates = values->dates.count;
    calendar.windows = values->windows.items;
    calendar.n_windows = values->windows.count;
    command.calendar = &calendar;
    command.if_version = (uint32_t)values->if_version.value;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_SET_CALENDAR;
    request.set_calendar = &command;
    size_t shown = 0;
    uint64_t cursor;
    return call (cli, &request, false, &shown, &cursor);
}

static bf_cli_exit
take_away (bf_cli *cli, const values_t *values, char *name)
{
    Belfry__V1__DeleteCalendar command = BELFRY__V1__DELETE_CALENDAR__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    command.name = name;
    if (values->ns) {
        command.ns = values->ns;
    }
    command.if_version = (uint32_t)values->if_version.value;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_DELETE_CALENDAR;
    request.delete_calendar = &command;
    size_t shown = 0;
    uint64_t cursor;
    return call (cli, &request, false, &shown, &cursor);
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    char *name = operands->count > 0 ? operands->items[0] : NULL;
    bool content = values->dates.count > 0 || values->windows.count > 0;
    int changes = content + values->clear + values->delete;
    if (changes > 1) {
        return bf_cli_complain (BF_CLI_USAGE,
                                "--date and --window, --clear, and --delete exclude each "
                                "other");
    }
    if (changes == 1 && !name) {
        return bf_cli_complain (BF_CLI_USAGE, "which calendar? Give its name");
    }
    if (changes == 0 && values->if_version.set) {
        return bf_cli_complain (BF_CLI_USAGE,
                                "--if-version goes with --date, --window, --clear and "
                                "--delete");
    }
    if (changes == 0) {
        return list (cli, values, name);
    }
    return values->delete ? take_away (cli, values, name) : set (cli, values, name);
}

const bf_cli_verb bf_cli_calendars = {
    .name = "calendars",
    .group = "Calendars",
    .operands = "[NAME] [--date D | --window W]... | [NAME] (--clear | --delete)",
    .summary = "lists exclusion calendars, shows, sets or deletes one",
    .about =
        "An exclusion calendar says when the jobs that name it (`belfry schedule "
        "--exclude NAME`) have no slots: on dates, and in weekly windows, as the walls "
        "of each job's own zone show them. What is excluded is no slot: nothing is "
        "missed, nothing counted.\n"
        "\n"
        "Without an option calendars are listed, or NAME is shown whole. --date and "
        "--window, each as often as needed, replace all that NAME said before, and "
        "make it where there is none; jobs that name it get their next slots anew. "
        "With -o json an ExclusionCalendar is an object on a line.",
    .example =
        "belfry calendars holidays --date 12-25 --date 2026-12-31..2027-01-02 --window "
        "SAT-SUN\n"
        "belfry calendars holidays",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_CHANGE,
    .act = act,
};
