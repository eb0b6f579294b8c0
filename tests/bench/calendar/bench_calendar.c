/* SPDX-License-Identifier: MPL-2.0
 *
 * How long a question to the calendar takes: the next slot of cron expressions, drawn at
 * random from all of the dialect, in zones with clock changes, at random instants; the
 * worst that is known; rules of RFC 5545; and reading an expression. It judges nothing: a
 * machine that is busy would. tests/bench/calendar/run prints what comes of it beside other
 * libraries' times on the same questions.
 *
 *   bench_calendar [--seed N] [--calls N] [--rules FILE] [--rows FILE] [-o json]
 *
 * Medians are of batches of 64 calls between two looks at the clock, so that the clock
 * costs next to nothing; the tail is of single calls, the clock included. A call in the
 * tail may have been interrupted: "worst" is the largest of all calls' quickest of seven
 * repetitions.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/calendar/cron.h"
#include "core/calendar/recurrence.h"
#include "core/calendar/rrule.h"
#include "persist/zoneinfo.h"

#define COUNT(list) (sizeof (list) / sizeof (list)[0])
#define BATCH 64
#define PER_EXPRESSION (16 * BATCH)
#define SUSPECTS 256 /* of the slowest single calls, timed again */
#define ROWS_PER_EXPRESSION 5
#define RULES_MAX 512

static const char *const zone_names[] = {
    "Europe/Berlin",    "America/New_York",  "Australia/Lord_Howe", "Africa/Casablanca",
    "Europe/London",    "America/Sao_Paulo", "Asia/Gaza",           "Pacific/Apia",
    "America/Santiago", "Africa/Cairo",      "Pacific/Chatham",     "America/St_Johns",
};
static bf_zone *zones[COUNT (zone_names)];

/* The rarest that are accepted, and those with the most to look through. */
static const char *const hard[] = {
    "0 0 29 2 +MON",     "59 59 23 29 2 +SUN", "0 0 29 2 0",
    "0 0 31 * +5#5",     "30 2 29 2 +2#5",     "0 0 1W 1 +6L",
    "59 59 23 31 12 +1", "* * * * * *",        "*/59 */59 */23 */31 */12 *",
    "30 2 * * *",        "0 0 LW 2 +FRIL",     "0 30 2 29W 2 +5L",
};

/* --- numbers ------------------------------------------------------------------------ */

static uint64_t state;

/* splitmix64. */
static uint64_t
draw (void)
{
    uint64_t z = (state += UINT64_C (0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C (0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C (0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static int
draw_in (int low, int high)
{
    return low + (int)(draw () % (uint64_t)(high - low + 1));
}

static bool
one_in (int n)
{
    return draw () % (uint64_t)n == 0;
}

static int64_t
now_ns (void)
{
    struct timespec now;
    clock_gettime (CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int
ascending (const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void *
must (void *memory)
{
    if (memory == NULL) {
        fprintf (stderr, "bench_calendar: no memory\n");
        exit (1);
    }
    return memory;
}

/* --- expressions -------------------------------------------------------------------- */

typedef struct {
    char text[BF_CRON_BYTES];
    size_t zone;
    bf_recurrence *recurrence;
    bf_instant from[PER_EXPRESSION];
} question_t;

static void
add (char *text, const char *piece)
{
    size_t length = strlen (text);
    snprintf (text + length, BF_CRON_BYTES - length, "%s", piece);
}

static void
add_value (char *text, int low, int value)
{
    static const char *const months[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                         "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
    static const char *const weekdays[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
    char piece[16];
    bool named = one_in (3);
    if (named && low == -1 && value < 7) {
        add (text, weekdays[value]);
    } else if (named && low == -12) {
        add (text, months[value - 1]);
    } else {
        snprintf (piece, sizeof piece, "%d", value);
        add (text, piece);
    }
}

/* kind: what the names are, -1 weekdays, -12 months, 0 none. */
static void
add_item (char *text, int low, int high, int kind)
{
    char piece[16];
    int a = draw_in (low, high), b = draw_in (a, high);
    switch (draw_in (0, 4)) {
    case 0:
        snprintf (piece, sizeof piece, "*/%d", draw_in (1, high));
        add (text, piece);
        break;
    case 1:
        add_value (text, kind, a);
        add (text, "-");
        add_value (text, kind, b);
        break;
    case 2:
        snprintf (piece, sizeof piece, "%d-%d/%d", a, b, draw_in (1, high));
        add (text, piece);
        break;
    default:
        add_value (text, kind, a);
    }
}

static void
add_field (char *text, int low, int high, int kind)
{
    if (one_in (3)) {
        add (text, "*");
        return;
    }
    for (int items = one_in (3) ? draw_in (2, 5) : 1; items > 0; items--) {
        add_item (text, low, high, kind);
        add (text, items > 1 ? "," : "");
    }
}

static void
add_day (char *text)
{
    char piece[16];
    switch (draw_in (0, 9)) {
    case 0:
        add (text, "L");
        break;
    case 1:
        add (text, "LW");
        break;
    case 2:
        snprintf (piece, sizeof piece, "%dW", draw_in (1, 31));
        add (text, piece);
        break;
    case 3:
        add (text, "?");
        break;
    default:
        add_field (text, 1, 31, 0);
    }
}

static void
add_weekday (char *text)
{
    char piece[16];
    add (text, one_in (8) ? "+" : "");
    switch (draw_in (0, 9)) {
    case 0:
        snprintf (piece, sizeof piece, "%dL", draw_in (0, 7));
        add (text, piece);
        break;
    case 1:
        snprintf (piece, sizeof piece, "%d#%d", draw_in (0, 7), draw_in (1, 5));
        add (text, piece);
        break;
    case 2:
        add (text, "?");
        break;
    default:
        add_field (text, 0, 7, -1);
    }
}

static void
draw_expression (char *text)
{
    text[0] = '\0';
    if (one_in (3)) {
        add_field (text, 0, 59, 0);
        add (text, " ");
    }
    add_field (text, 0, 59, 0);
    add (text, " ");
    add_field (text, 0, 23, 0);
    add (text, " ");
    add_day (text);
    add (text, " ");
    add_field (text, 1, 12, -12);
    add (text, " ");
    add_weekday (text);
}

static bf_recurrence *
open_cron (const char *text, size_t zone)
{
    bf_recurrence *recurrence = NULL;
    bf_recurrence_args args = {
        .kind = BF_RECURRENCE_CRON, .text = text, .zone = zones[zone]};
    bf_error error = {0};
    return bf_recurrence_new (&args, &recurrence, &error) == BF_OK ? recurrence : NULL;
}

/* Any second of 1970 to 2099. */
static bf_instant
draw_instant (void)
{
    return (bf_instant){
        (int64_t)(draw () % (uint64_t)(bf_days_of (2100, 1, 1) * BF_DAY_S))};
}

static void
draw_question (question_t *question)
{
    do {
        draw_expression (question->text);
        question->zone = (size_t)draw_in (0, (int)COUNT (zone_names) - 1);
        question->recurrence = open_cron (question->text, question->zone);
    } while (question->recurrence == NULL);
    for (size_t i = 0; i < PER_EXPRESSION; i++) {
        question->from[i] = draw_instant ();
    }
}

/* --- times -------------------------------------------------------------------------- */

/* Nobody may leave the calls out. */
static int64_t kept;

static void
ask (const bf_recurrence *recurrence, bf_instant from)
{
    bf_instant found = {0};
    bf_instant until = {BF_INSTANT_MAX_S};
    kept += bf_recurrence_first (recurrence, (bf_instant){from.s + 1}, until, &found);
    kept += found.s;
}

static int64_t
time_one (const bf_recurrence *recurrence, bf_instant from)
{
    int64_t began = now_ns ();
    ask (recurrence, from);
    return now_ns () - began;
}

/* Without the moments at which somebody else had the processor. */
static int64_t
time_best (const bf_recurrence *recurrence, bf_instant from)
{
    int64_t best = INT64_MAX;
    for (int i = 0; i < 7; i++) {
        int64_t took = time_one (recurrence, from);
        best = took < best ? took : best;
    }
    return best;
}

typedef struct {
    uint64_t calls;
    double median_ns; /* of batches */
    int64_t p99_ns;
    int64_t p999_ns;
    int64_t slowest_ns; /* as measured once */
    int64_t worst_ns;   /* its quickest of seven */
    char worst[BF_CRON_BYTES];
} result_t;

typedef struct {
    int64_t ns;
    const bf_recurrence *recurrence;
    const char *text;
    bf_instant from;
} call_t;

/* The slowest calls; least is the place of the one that is the least slow. */
typedef struct {
    size_t count;
    size_t least;
    call_t calls[SUSPECTS];
} suspects_t;

static void
suspect (suspects_t *suspects, call_t call)
{
    if (suspects->count < SUSPECTS) {
        suspects->calls[suspects->count++] = call;
    } else if (call.ns > suspects->calls[suspects->least].ns) {
        suspects->calls[suspects->least] = call;
    } else {
        return;
    }
    for (size_t i = 0; i < suspects->count; i++) {
        if (suspects->calls[i].ns < suspects->calls[suspects->least].ns) {
            suspects->least = i;
        }
    }
}

static void
judge (result_t *result, int64_t *singles, size_t n_singles, int64_t *batches,
       size_t n_batches, const suspects_t *suspects)
{
    qsort (singles, n_singles, sizeof *singles, ascending);
    qsort (batches, n_batches, sizeof *batches, ascending);
    result->calls = n_singles;
    result->median_ns = (double)batches[n_batches / 2] / BATCH;
    result->p99_ns = singles[n_singles - 1 - n_singles / 100];
    result->p999_ns = singles[n_singles - 1 - n_singles / 1000];
    result->slowest_ns = singles[n_singles - 1];
    for (size_t i = 0; i < suspects->count; i++) {
        const call_t *call = &suspects->calls[i];
        int64_t best = time_best (call->recurrence, call->from);
        if (best > result->worst_ns) {
            result->worst_ns = best;
            snprintf (result->worst, sizeof result->worst, "%s", call->text);
        }
    }
}

static void
run_questions (const question_t *questions, size_t count, result_t *result)
{
    size_t n_singles = count * PER_EXPRESSION, n_batches = n_singles / BATCH, at = 0;
    int64_t *singles = must (malloc (n_singles * sizeof *singles));
    int64_t *batches = must (malloc (n_batches * sizeof *batches));
    suspects_t suspects = {.count = 0, .least = 0};
    for (size_t batch = 0; batch < PER_EXPRESSION / BATCH; batch++) {
        for (size_t i = 0; i < count; i++) {
            const question_t *question = &questions[i];
            const bf_instant *from = question->from + batch * BATCH;
            int64_t began = now_ns ();
            for (size_t k = 0; k < BATCH; k++) {
                ask (question->recurrence, from[k]);
            }
            batches[at / BATCH] = now_ns () - began;
            for (size_t k = 0; k < BATCH; k++, at++) {
                singles[at] = time_one (question->recurrence, from[k]);
                suspect (&suspects, (call_t){singles[at], question->recurrence,
                                             question->text, from[k]});
            }
        }
    }
    judge (result, singles, n_singles, batches, n_batches, &suspects);
    free (singles);
    free (batches);
}

static void
run_hard (result_t *result)
{
    for (size_t i = 0; i < COUNT (hard); i++) {
        for (size_t zone = 0; zone < COUNT (zone_names); zone++) {
            bf_recurrence *recurrence = open_cron (hard[i], zone);
            for (int k = 0; recurrence != NULL && k < 300; k++) {
                int64_t best = time_best (recurrence, draw_instant ());
                result->calls++;
                if (best > result->worst_ns) {
                    result->worst_ns = best;
                    snprintf (result->worst, sizeof result->worst, "%s", hard[i]);
                }
            }
            bf_recurrence_destroy (&recurrence);
        }
    }
}

/* Lines of tests/vectors/rrule.tsv. */
static size_t
read_rules (const char *path, question_t *questions, size_t most)
{
    FILE *file = fopen (path, "r");
    char line[8192];
    size_t count = 0;
    while (file != NULL && count < most && fgets (line, sizeof line, file) != NULL) {
        char *rest = line;
        const char *rule = strtok_r (line, "\t", &rest);
        const char *start = strtok_r (NULL, "\t", &rest);
        question_t *question = &questions[count];
        question->zone = count % COUNT (zone_names);
        bf_recurrence_args args = {
            .kind = BF_RECURRENCE_RRULE, .text = rule, .zone = zones[question->zone]};
        bf_error error = {0};
        if (start == NULL || !bf_local_parse (start, &args.start) ||
            bf_recurrence_new (&args, &question->recurrence, &error) != BF_OK) {
            continue;
        }
        snprintf (question->text, sizeof question->text, "%s", rule);
        for (size_t i = 0; i < PER_EXPRESSION; i++) {
            question->from[i].s = args.start.s + (int64_t)(draw () % (10 * 365 * 86400));
        }
        count++;
    }
    if (file != NULL) {
        fclose (file);
    }
    return count;
}

/* Reading alone, and all that makes it ready to be asked. */
static void
run_parse (const question_t *questions, size_t count, double *parse_ns, double *open_ns)
{
    int64_t *parse = must (malloc (count * sizeof *parse));
    int64_t *open = must (malloc (count * sizeof *open));
    for (size_t i = 0; i < count; i++) {
        bf_cron cron;
        int64_t began = now_ns ();
        for (int k = 0; k < BATCH; k++) {
            kept += bf_cron_parse (questions[i].text, &cron, NULL);
        }
        parse[i] = now_ns () - began;
        began = now_ns ();
        for (int k = 0; k < BATCH; k++) {
            bf_recurrence *recurrence = open_cron (questions[i].text, questions[i].zone);
            bf_recurrence_destroy (&recurrence);
        }
        open[i] = now_ns () - began;
    }
    qsort (parse, count, sizeof *parse, ascending);
    qsort (open, count, sizeof *open, ascending);
    *parse_ns = (double)parse[count / 2] / BATCH;
    *open_ns = (double)open[count / 2] / BATCH;
    free (parse);
    free (open);
}

/* --- what others are asked, too ------------------------------------------------------ */

/* expression, zone, instant in seconds, the answer in seconds (nothing: none), and how long
 * it took in ns, the quickest of seven. */
static void
write_rows (const char *path, const question_t *questions, size_t count)
{
    FILE *file = must (fopen (path, "w"));
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < ROWS_PER_EXPRESSION; k++) {
            const question_t *question = &questions[i];
            bf_instant from = question->from[k], found, until = {BF_INSTANT_MAX_S};
            fprintf (file, "%s\t%s\t%" PRId64 "\t", question->text,
                     zone_names[question->zone], from.s);
            if (bf_recurrence_first (question->recurrence, (bf_instant){from.s + 1}, until,
                                     &found)) {
                fprintf (file, "%" PRId64, found.s);
            }
            fprintf (file, "\t%" PRId64 "\n", time_best (question->recurrence, from));
        }
    }
    fclose (file);
}

static void
print_result (const char *name, const result_t *result, bool json)
{
    if (json) {
        printf ("{\"what\":\"%s\",\"calls\":%" PRIu64
                ",\"median_ns\":%.1f,\"p99_ns\":%" PRId64 ",\"p999_ns\":%" PRId64
                ",\"slowest_ns\":%" PRId64 ",\"worst_ns\":%" PRId64 ",\"worst\":\"%s\"}\n",
                name, result->calls, result->median_ns, result->p99_ns, result->p999_ns,
                result->slowest_ns, result->worst_ns, result->worst);
    } else {
        printf ("%-12s %8" PRIu64 " calls  median %.0f ns  p99 %" PRId64 "  p99.9 %" PRId64
                "  slowest %" PRId64 "  worst %" PRId64 " ns (%s)\n",
                name, result->calls, result->median_ns, result->p99_ns, result->p999_ns,
                result->slowest_ns, result->worst_ns, result->worst);
    }
}

/* --- the program -------------------------------------------------------------------- */

typedef struct {
    uint64_t seed;
    uint64_t calls;
    const char *rules;
    const char *rows;
    bool json;
} options_t;

static void
read_options (int count, char **arguments, options_t *options)
{
    for (int i = 1; i < count; i += 2) {
        const char *name = arguments[i], *value = i + 1 < count ? arguments[i + 1] : NULL;
        if (value != NULL && strcmp (name, "--seed") == 0) {
            options->seed = strtoull (value, NULL, 10);
        } else if (value != NULL && strcmp (name, "--calls") == 0) {
            options->calls = strtoull (value, NULL, 10);
        } else if (value != NULL && strcmp (name, "--rules") == 0) {
            options->rules = value;
        } else if (value != NULL && strcmp (name, "--rows") == 0) {
            options->rows = value;
        } else if (value != NULL && strcmp (name, "-o") == 0) {
            options->json = strcmp (value, "json") == 0;
        } else {
            fprintf (stderr, "usage: bench_calendar [--seed N] [--calls N] [--rules FILE] "
                             "[--rows FILE] [-o json]\n");
            exit (2);
        }
    }
}

static void
open_zones (void)
{
    for (size_t i = 0; i < COUNT (zone_names); i++) {
        bf_error error = {0};
        if (bf_zoneinfo_open (NULL, zone_names[i], &zones[i], &error) != BF_OK) {
            fprintf (stderr, "bench_calendar: %s\n", error.text);
            exit (1);
        }
    }
}

static void
close_questions (question_t *questions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        bf_recurrence_destroy (&questions[i].recurrence);
    }
    free (questions);
}

static void
run_rules (const options_t *options)
{
    question_t *rules = must (calloc (RULES_MAX, sizeof *rules));
    size_t most = (size_t)(options->calls / PER_EXPRESSION) + 1;
    size_t count = read_rules (options->rules, rules, most < RULES_MAX ? most : RULES_MAX);
    if (count > 0) {
        result_t result = {0};
        run_questions (rules, count, &result);
        print_result ("rrule", &result, options->json);
    }
    close_questions (rules, count);
}

int
main (int count, char **arguments)
{
    options_t options = {.seed = 1, .calls = 2000000};
    read_options (count, arguments, &options);
    state = options.seed;
    open_zones ();
    size_t n_questions = (size_t)(options.calls / PER_EXPRESSION) + 1;
    question_t *questions = must (calloc (n_questions, sizeof *questions));
    for (size_t i = 0; i < n_questions; i++) {
        draw_question (&questions[i]);
    }
    result_t result = {0}, directed = {0}, parse = {0}, open = {0};
    run_questions (questions, n_questions, &result);
    print_result ("cron", &result, options.json);
    run_hard (&directed);
    print_result ("cron, hard", &directed, options.json);
    run_parse (questions, n_questions, &parse.median_ns, &open.median_ns);
    print_result ("parse", &parse, options.json);
    print_result ("open", &open, options.json);
    if (options.rows != NULL) {
        write_rows (options.rows, questions, n_questions);
    }
    if (options.rules != NULL) {
        run_rules (&options);
    }
    close_questions (questions, n_questions);
    for (size_t i = 0; i < COUNT (zone_names); i++) {
        bf_zone_destroy (&zones[i]);
    }
    return kept == 0;
}
