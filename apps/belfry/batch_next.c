/* SPDX-License-Identifier: MPL-2.0
 *
 * Lines from anywhere: nothing in one of them may reach the next, or the answer's form.
 */
#include "apps/belfry/batch_next.h"

#include <string.h>

#include "apps/belfry/text.h"
#include "core/calendar/rrule.h"

/* A rule, a zone and an instant, with room to spare. */
#define LINE_BYTES (2 * BF_RRULE_BYTES)

static const char rule_mark[] = "RRULE:";

/* Reads a line without its end. False at the end of the input. *wrong: why the line can not
 * be looked at, else NULL. */
static bool
read_line (FILE *in, char line[LINE_BYTES], const char **wrong)
{
    size_t size = 0;
    bool any = false;
    int c;
    *wrong = NULL;
    while ((c = getc (in)) != EOF && c != '\n') {
        any = true;
        if (c == '\0') {
            *wrong = "there is a NUL in the line";
        } else if (size + 1 < LINE_BYTES) {
            line[size++] = (char)c;
        } else if (!*wrong) {
            *wrong = "the line is too long";
        }
    }
    if (size > 0 && line[size - 1] == '\r') {
        size--;
    }
    line[size] = '\0';
    return c != EOF || any;
}

/* Takes the blanks and tabs off both ends. */
static char *
trim (char *text)
{
    text += strspn (text, " \t");
    size_t size = strlen (text);
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t')) {
        text[--size] = '\0';
    }
    return text;
}

/* Cuts the last field off, in place. NULL where there is none. */
static char *
cut (char *line)
{
    char *tab = strrchr (line, '\t');
    if (!tab) {
        return NULL;
    }
    *tab = '\0';
    return trim (tab + 1);
}

/* An expression may have tabs between its own fields, so that it is what the last two
 * leave.
 */
static bf_err
read_question (char *line, bf_cli_question *question, bf_error *error)
{
    char *from = cut (line);
    char *zone = from ? cut (line) : NULL;
    if (!zone) {
        return bf_fail (
            error, BF_EINVALID,
            "a line is an expression, a zone and an instant, with tabs between");
    }
    if (!*zone) {
        return bf_fail (error, BF_EINVALID, "the zone is missing, such as UTC");
    }
    const char *expression = trim (line);
    bool rule = !strncmp (expression, rule_mark, sizeof rule_mark - 1);
    *question = (bf_cli_question){
        .kind = rule ? BF_RECURRENCE_RRULE : BF_RECURRENCE_CRON,
        .text = expression,
        .tz = zone,
        .from = from,
    };
    return BF_OK;
}

static bf_err
answer (FILE *out, bf_cli_zones *zones, const bf_cli_question *question, uint64_t count,
        bf_error *error)
{
    bf_cli_slots slots;
    bf_err err = bf_cli_slots_open (&slots, zones, question, error);
    int64_t due_us;
    uint64_t found = 0;
    while (err == BF_OK && found < count && bf_cli_slots_next (&slots, &due_us)) {
        char iso[BF_ISO_BYTES];
        fprintf (out, "%s%s", found > 0 ? ";" : "",
                 bf_wall_format ((bf_wall){due_us}, iso));
        found++;
    }
    if (err == BF_OK && found == 0) {
        err = bf_fail (error, BF_EINVALID, "there is no such time from %s on",
                       question->from);
    }
    bf_cli_slots_close (&slots);
    return err;
}

void
bf_cli_batch_next (FILE *in, FILE *out, bf_cli_zones *zones, uint64_t count)
{
    char line[LINE_BYTES];
    const char *wrong;
    while (!ferror (out) && read_line (in, line, &wrong)) {
        bf_cli_question question = {0};
        bf_error error = {0};
        bf_err err = wrong ? bf_fail (&error, BF_EINVALID, "%s", wrong)
                           : read_question (line, &question, &error);
        if (err == BF_OK) {
            err = answer (out, zones, &question, count, &error);
        }
        if (err != BF_OK) {
            fputs ("error: ", out);
            bf_cli_text_put (out, error.text);
        }
        fputc ('\n', out);
        fflush (out);
    }
}
