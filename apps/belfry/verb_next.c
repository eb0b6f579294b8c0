/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry next: the slots of a trigger, before a job is made of it; or those of a job.
 */
#include "apps/belfry/batch_next.h"
#include "apps/belfry/command.h"
#include "apps/belfry/json.h"
#include "apps/belfry/slots.h"
#include "apps/belfry/text.h"
#include "apps/belfry/verbs.h"
#include "core/calendar/rrule.h"

/* As many as a Preview has. */
#define COUNT_MOST BF_SLOTS_PER_PREVIEW

typedef struct {
    bf_cli_name job;
    bf_cli_when when;
    char *from;
    char *zoneinfo;
    bf_cli_number count;
    bool explain;
    bool batch;
} values_t;

#define AT(member) .offset = offsetof (values_t, member)

static const bf_cli_option options[] = {
    BF_CLI_RECURRING_OPTIONS (offsetof (values_t, when)),
    {.name = "from",
     .value = "ISO",
     .kind = BF_CLI_TEXT,
     AT (from),
     .help = "slots after this instant, such as 2026-11-23T13:05:46Z; default now. Of "
             "--rrule the DTSTART, a local time without Z, such as 2026-11-23T14:05:46"},
    {.name = "number",
     .letter = 'n',
     .value = "N",
     .kind = BF_CLI_NUMBER,
     AT (count),
     .least = 1,
     .most = COUNT_MOST,
     .help = "so many, 1..1000; default 5"},
    {.name = "explain",
     .kind = BF_CLI_FLAG,
     AT (explain),
     .help = "say on stderr what the expression means, and behind each slot, with tabs "
             "between, the local time and what a clock change did to it"},
    {.name = "batch",
     .kind = BF_CLI_FLAG,
     AT (batch),
     .help = "read lines EXPR<tab>ZONE<tab>FROM, answer each with one line"},
    {.name = "zoneinfo",
     .value = "DIR",
     .kind = BF_CLI_TEXT,
     AT (zoneinfo),
     .help = "where the files of time zones are; default /usr/share/zoneinfo"},
    BF_CLI_NAME_OPTIONS (offsetof (values_t, job)),
    {0},
};

static void
show_slot (const bf_cli *cli, bool explain, Belfry__V1__PreviewReply__Slot *slot)
{
    if (cli->json) {
        bf_cli_json_print (stdout, &slot->base);
        return;
    }
    char iso[BF_ISO_BYTES];
    fputs (bf_wall_format ((bf_wall){slot->due_us}, iso), stdout);
    if (explain) {
        fputc ('\t', stdout);
        bf_cli_text_put (stdout, slot->local);
        fputc ('\t', stdout);
        bf_cli_text_put (stdout, slot->note);
    }
    fputc ('\n', stdout);
}

static void
show_words (const char *normalised, const char *words)
{
    if (*normalised) {
        fputs ("belfry: ", stderr);
        bf_cli_text_put (stderr, normalised);
        fputs (": ", stderr);
        bf_cli_text_put (stderr, words);
        fputc ('\n', stderr);
    }
}

static void
explain (const bf_cli_slots *slots)
{
    char normalised[BF_RRULE_BYTES + 1], words[1024];
    if (slots->recurrence) {
        bf_recurrence_print (slots->recurrence, normalised, sizeof normalised);
        bf_recurrence_explain (slots->recurrence, words, sizeof words);
        show_words (normalised, words);
    }
}

static bf_cli_exit
answer (const bf_cli *cli, const values_t *values, bf_cli_slots *slots)
{
    uint64_t count = values->count.set ? values->count.value : BF_DEFAULT_SLOTS_PER_PREVIEW;
    uint64_t found = 0;
    Belfry__V1__PreviewReply__Slot slot = BELFRY__V1__PREVIEW_REPLY__SLOT__INIT;
    if (values->explain) {
        explain (slots);
    }
    for (; found < count && bf_cli_slots_next (slots, &slot.due_us); found++) {
        char local[BF_ZONE_TIME_BYTES], note[BF_NOTE_BYTES] = "";
        slot.local = bf_zone_format (slots->zone, slot.due_us, local);
        if (slots->recurrence) {
            bf_recurrence_note (slots->recurrence, (bf_instant){slot.due_us / BF_SECOND_US},
                                note);
        }
        slot.note = note;
        show_slot (cli, values->explain, &slot);
    }
    return found > 0 ? BF_CLI_DONE : bf_cli_complain (BF_CLI_REFUSED, "there is no slot");
}

/* No daemon is asked. */
static bf_cli_exit
reckon (const bf_cli *cli, const values_t *values)
{
    bf_cli_zones *zones = bf_cli_zones_new (values->zoneinfo);
    if (!zones) {
        return bf_cli_complain (BF_CLI_REFUSED, "out of memory");
    }
    bf_cli_exit code = BF_CLI_DONE;
    if (values->batch) {
        uint64_t count =
            values->count.set ? values->count.value : BF_DEFAULT_SLOTS_PER_PREVIEW;
        bf_cli_batch_next (stdin, stdout, zones, count);
    } else {
        bf_cli_question question = {
            .tz = values->when.tz,
            .from = values->from,
            .switches = {(bf_skipped)values->when.skipped,
                         (bf_repeated)values->when.repeated},
            .interval_us = values->when.every.us,
            .anchored = values->when.anchor.set,
            .anchor_us = values->when.anchor.us,
        };
        question.kind = bf_cli_when_kind (&values->when, &question.text);
        bf_error error = {0};
        bf_cli_slots slots;
        bf_err err = bf_cli_slots_open (&slots, zones, &question, &error);
        code = err == BF_OK ? answer (cli, values, &slots)
                            : bf_cli_complain (bf_cli_exit_of_fill (err), "%s", error.text);
        bf_cli_slots_close (&slots);
    }
    bf_cli_zones_destroy (&zones);
    return code;
}

/* The slots of a job that there is. */
static bf_cli_exit
ask (bf_cli *cli, const values_t *values, const bf_cli_texts *operands)
{
    Belfry__V1__JobRef ref = BELFRY__V1__JOB_REF__INIT;
    Belfry__V1__Preview preview = BELFRY__V1__PREVIEW__INIT;
    Belfry__V1__Request request = BELFRY__V1__REQUEST__INIT;
    bf_cli_exit code = bf_cli_name_read (operands, &values->job, &ref);
    if (code != BF_CLI_DONE) {
        return code;
    }
    bf_wall from = {0};
    bf_error error = {0};
    if (values->from && bf_wall_parse (values->from, &from, &error) != BF_OK) {
        return bf_cli_complain (BF_CLI_USAGE, "--from: %s", error.text);
    }
    preview.job = &ref;
    preview.from_us = from.us;
    preview.limit = (uint32_t)values->count.value;
    request.command_case = BELFRY__V1__REQUEST__COMMAND_PREVIEW;
    request.preview = &preview;
    Belfry__V1__Reply *reply;
    code = bf_cli_call (cli, &request, &reply);
    if (code == BF_CLI_DONE && reply->result_case == BELFRY__V1__REPLY__RESULT_PREVIEW) {
        if (values->explain) {
            show_words (reply->preview->normalised, reply->preview->words);
        }
        for (size_t index = 0; index < reply->preview->n_slots; index++) {
            show_slot (cli, values->explain, reply->preview->slots[index]);
        }
    }
    belfry_reply_free (&reply);
    return code;
}

/* What would be ignored otherwise. */
static bf_err
check (const bf_cli *cli, const values_t *values, const bf_cli_texts *operands,
       bf_error *error)
{
    const bf_cli_when *when = &values->when;
    int triggers = bf_cli_when_count (when);
    bool job = operands->count > 0 || values->job.key || values->job.ns;
    bool with = when->tz || when->skipped || when->repeated || when->anchor.set;
    if (triggers + values->batch + job != 1) {
        return bf_fail (error, BF_EINVALID,
                        "say of what: one of --cron E, --daily HHMM, --rrule R, --every D, "
                        "--batch, and JOB or --key K");
    }
    if (values->batch && (with || values->from || values->explain || cli->json)) {
        return bf_fail (error, BF_EINVALID,
                        "--batch goes with -n and --zoneinfo only; its lines say the rest");
    }
    if (job && (with || values->zoneinfo)) {
        return bf_fail (error, BF_EINVALID,
                        "a job has a zone, switches and an anchor of its own; --tz, "
                        "--skipped, --repeated, --anchor and --zoneinfo go without one");
    }
    if (when->anchor.set && !when->every.set) {
        return bf_fail (error, BF_EINVALID, "--anchor goes with --every");
    }
    if (when->every.set && (when->tz || when->skipped || when->repeated)) {
        return bf_fail (
            error, BF_EINVALID,
            "--tz, --skipped and --repeated go with --cron, --daily and --rrule");
    }
    return BF_OK;
}

static bf_cli_exit
act (bf_cli *cli, const void *given, const bf_cli_texts *operands)
{
    const values_t *values = given;
    bf_error error = {0};
    if (check (cli, values, operands, &error) != BF_OK) {
        return bf_cli_complain (BF_CLI_USAGE, "%s", error.text);
    }
    bool here = values->batch || bf_cli_when_count (&values->when) > 0;
    return here ? reckon (cli, values) : ask (cli, values, operands);
}

const bf_cli_verb bf_cli_next = {
    .name = "next",
    .group = "Reading",
    .operands =
        "(--cron E | --daily HHMM | --rrule R | --every D | --batch | JOB | --key K) "
        "[OPTION]...",
    .summary = "shows when a trigger, or a job, is due next",
    .about =
        "With a trigger no daemon is asked: one instant a line, in UTC, strictly after "
        "--from. Of --rrule these are its first ones, DTSTART included, fewer where it "
        "ends. With JOB or --key the daemon tells the next slots of a job, which has its "
        "jitter, its end and its exclusion calendars.\n"
        "\n"
        "With --batch each line of stdin is an expression, a zone and an instant to begin "
        "after, with tabs between, and is answered by one line at once: the next instants "
        "with ; between, or `error: WHY`. An expression that begins with RRULE: is a rule, "
        "and the instant its DTSTART, a local time without Z.\n"
        "\n"
        "With -o json each slot is an object with due_us, local and note.",
    .example = "belfry next --cron '30 2 * * *' --tz Europe/Berlin --from "
               "2027-03-26T00:00:00Z --explain\n"
               "belfry next --rrule 'FREQ=MONTHLY;BYDAY=-1FR' --tz America/New_York -n 12\n"
               "belfry next --key report\n"
               "belfry next --batch -n 2",
    .options = options,
    .values_bytes = sizeof (values_t),
    .most_operands = 1,
    .exits = BF_CLI_EXITS_NAMED | BF_CLI_EXIT_BIT (BF_CLI_CONFLICT),
    .act = act,
};
