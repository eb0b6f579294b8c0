/* SPDX-License-Identifier: MPL-2.0
 *
 * Cron expressions written back: the usual form of each, that it is read as the same fields
 * again, and that what has equal fields is printed alike however it was written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/calendar/cron.h"
#include "core/calendar/cron_days.h"
#include "tests/support/cmocka.h"

#define ROWS 1385 /* of tests/vectors/cron.tsv: all of them */
#define RANDOM_ROUNDS 6000
#define LINE_BYTES 1024

static const struct {
    const char *text;
    const char *printed;
} usual[] = {
    {"0 9 * * mon-FRI", "0 9 * * MON-FRI"},
    {" */15\t9-17 * * ? ", "*/15 9-17 * * *"},
    {"* * * * * *", "* * * * * *"},
    {"15,0 10 * * * *", "0,15 10 * * * *"},
    /* macros as what they stand for */
    {"@hourly", "0 * * * *"},
    {"@weekly", "0 0 * * SUN"},
    /* values, ranges, steps */
    {"5,3,1 1,2 1 1 *", "1,3,5 1,2 1 1 *"},
    {"1,2,3 1-2 1 1 *", "1-3 1,2 1 1 *"},
    {"1,3,5,7 0 1 1 *", "1-7/2 0 1 1 *"},
    {"7-59/7 0-23 * * *", "7-56/7 0-23 * * *"},
    {"0-59/15 0-23/12 1 1 *", "0-45/15 0,12 1 1 *"},
    {"1-3,5,9 0 1 1 *", "1-3,5,9 0 1 1 *"},
    /* a set of 40 bytes and more: covered by steps, a value that is left over last */
    {"1-59/2,2,30,32 1 1 1 *", "1-59/2,29-33,2 1 1 1 *"},
    {"1-59/3,2-59/7 1 1 1 *", "1-58/3,2-58/7 1 1 1 *"},
    {"0,3,4,9,11,14,20,22,27,31,36,38,45,47,53,59 1 1 1 *",
     "0,3,4,9,11,14,20,22,27,31,36,38,45,47,53,59 1 1 1 *"},
    /* stars where they say nothing new */
    {"* * 1-31 1-12 0-6", "* * 1-31 * SUN-SAT"},
    {"0 0 * * 0-6", "0 0 * * *"},
    {"0 0 1 1,7 *", "0 0 1 */6 *"},
    {"0 0 1 1,12 *", "0 0 1 1,12 *"},
    {"0 0 1 1 *", "0 0 1 1 *"},
    {"0 0 1 1,5,9 *", "0 0 1 */4 *"},
    {"0 0 1 2-12 *", "0 0 1 2-12 *"},
    /* a wild one has to begin one of its times with a star… */
    {"*/60 5 * * *", "*/60 5 * * *"},
    {"*/15,3 9 * * *", "*/15,3 9 * * *"},
    {"5 */24 * * *", "5 */24 * * *"},
    {"0 */24 * * *", "*/60 0 * * *"},
    {"*/59 5 * * *", "*/59 5 * * *"},
    {"*/31,1 5 5 * * *", "*/31,1 5 5 * * *"},
    {"0 0 */24 * * *", "0 */60 0 * * *"},
    {"0 */20 1-5 * * *", "0 */20 1-5 * * *"},
    {"*/30 5 5 * * *", "*/30 5 5 * * *"},
    {"*/2,1-59/2 5 * * *", "* 5 * * *"},
    /* …and a fixed one must not */
    {"0-59 0-23 * * *", "0-59 0-23 * * *"},
    {"0-59 5 5 * * *", "0-59 5 5 * * *"},
    /* days */
    {"0 0 */2 * 1", "0 0 */2 * MON"},
    {"0 0 1-31/2 * 1", "0 0 1-31/2 * MON"},
    {"0 0 1-31/2 * +1", "0 0 */2 * MON"},
    {"0 0 1-31 * FRI", "0 0 1-31 * FRI"},
    {"0 0 1-31 * +FRI", "0 0 * * FRI"},
    {"0 0 13 * +FRI", "0 0 13 * +FRI"},
    {"0 0 1 * */2", "0 0 1 * +SUN-SAT/2"},
    {"0 0 1 * */6", "0 0 1 * +SUN,SAT"},
    {"0 0 1 * *", "0 0 1 * *"},
    {"0 0 * * 5-7", "0 0 * * SUN,FRI,SAT"},
    {"0 0 LW,15w,L,3 * *", "0 0 3,15W,L,LW * *"},
    {"0 0 L,*/2 * 1", "0 0 1-31/2,L * MON"},
    {"0 0 */2,L * 1", "0 0 */2,L * MON"},
    {"0 0 */2,4,L * 1", "0 0 1-31/2,4,L * +MON"},
    {"0 0 lw * +1,2#3,5L", "0 0 LW * +MON,TUE#3,FRIL"},
    {"0 0 * * 5l,7#2", "0 0 * * SUN#2,FRIL"},
    {"0 0 31w * *", "0 0 31W * *"},
    {"0 0 1 * *,5#3", "0 0 1 * *,FRI#3"},
};

static void
read_well (const char *text, bf_cron *cron)
{
    bf_error error = {0};
    memset (cron, 0, sizeof *cron);
    if (bf_cron_parse (text, cron, &error) != BF_OK) {
        fail_msg ("'%s': %s", text, error.text);
    }
}

static bool
is_same (const bf_cron *a, const bf_cron *b)
{
    bf_switches x = bf_cron_switches (a);
    bf_switches y = bf_cron_switches (b);
    return a->seconds == b->seconds && a->minutes == b->minutes && a->hours == b->hours &&
           a->months == b->months && a->days == b->days && a->nearest == b->nearest &&
           a->weekdays == b->weekdays && a->weekdays_last == b->weekdays_last &&
           memcmp (a->weekdays_nth, b->weekdays_nth, sizeof a->weekdays_nth) == 0 &&
           a->last_day == b->last_day && a->last_working_day == b->last_working_day &&
           a->both_days == b->both_days && a->wild == b->wild &&
           a->has_seconds == b->has_seconds && x.skipped == y.skipped &&
           x.repeated == y.repeated;
}

/* What is printed is read as the same, printed the same again, and as long as announced. */
static void
check_round (const char *text, const bf_cron *cron)
{
    char printed[BF_CRON_BYTES];
    char twice[BF_CRON_BYTES];
    bf_cron again;
    assert_ptr_equal (bf_cron_print (cron, printed), printed);
    read_well (printed, &again);
    if (!is_same (cron, &again)) {
        fail_msg ("'%s' was printed as '%s'", text, printed);
    }
    assert_string_equal (bf_cron_print (&again, twice), printed);
    assert_int_equal (bf_cron_write (cron, NULL, 0), strlen (printed));
}

static void
test_usual_forms (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++) {
        bf_cron cron;
        char printed[BF_CRON_BYTES];
        read_well (usual[i].text, &cron);
        if (strcmp (bf_cron_print (&cron, printed), usual[i].printed) != 0) {
            fail_msg ("'%s' is '%s', not '%s'", usual[i].text, printed, usual[i].printed);
        }
        check_round (usual[i].text, &cron);
    }
}

/* A form that is longer than its buffer is cut, and its length is told all the same. */
static void
test_short_buffers (void **state)
{
    (void)state;
    bf_cron cron;
    read_well ("0 9 * * MON-FRI", &cron);
    for (size_t size = 0; size <= 16; size++) {
        char buffer[17];
        memset (buffer, '~', sizeof buffer);
        assert_int_equal (bf_cron_write (&cron, buffer, size), 15);
        for (size_t i = size; i < sizeof buffer; i++) {
            assert_int_equal (buffer[i], '~');
        }
        assert_true (size == 0 || memchr (buffer, '\0', size) != NULL || size == 1);
    }
}

static void
test_vectors (void **state)
{
    (void)state;
    char path[512];
    const char *tree = getenv ("BELFRY_SOURCE_DIR");
    snprintf (path, sizeof path, "%s/tests/vectors/cron.tsv", tree != NULL ? tree : ".");
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    char line[LINE_BYTES];
    int rows = 0;
    while (fgets (line, sizeof line, file) != NULL) {
        bf_cron cron;
        line[strcspn (line, "\t")] = '\0';
        read_well (line, &cron);
        check_round (line, &cron);
        rows++;
    }
    fclose (file);
    assert_int_equal (rows, ROWS);
}

static uint64_t
next_random (uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static unsigned
below (uint64_t *seed, unsigned n)
{
    return (unsigned)(next_random (seed) % n);
}

/* What a field is made of. */
typedef struct {
    unsigned low;
    unsigned high;
    const char *first;  /* what it may begin with besides */
    const char *others; /* items besides, each with one number in it */
} field_t;

static const field_t fields[] = {
    {0, 59, "*", ""},           {0, 59, "*", ""}, {0, 23, "*", ""},
    {1, 31, "*?", "L LW %uW "}, {1, 12, "*", ""}, {0, 7, "*?+", "%uL %u#1 %u#2 %u#3 %u#5 "},
};

/* One item: a value, a range, a range with a step, a star with a step, or another. */
static void
add_item (uint64_t *seed, const field_t *field, char *text)
{
    unsigned size = field->high - field->low + 1;
    unsigned a = field->low + below (seed, size);
    unsigned b = a + below (seed, field->high - a + 1);
    char *end = text + strlen (text);
    switch (below (seed, 6)) {
    case 0:
        sprintf (end, "%u-%u", a, b);
        break;
    case 1:
        sprintf (end, "%u-%u/%u", a, b, 1 + below (seed, field->high == 7 ? 7 : size));
        break;
    case 2:
        sprintf (end, "*/%u", 1 + below (seed, field->high == 7 ? 7 : size));
        break;
    case 3:
        if (*field->others != '\0') {
            const char *item = field->others;
            for (unsigned skip = below (seed, 5); skip > 0; skip--) {
                const char *next = strchr (item, ' ') + 1;
                item = *next == '\0' ? field->others : next;
            }
            for (; *item != ' '; item++) {
                end += *item == '%' ? sprintf (end, "%u", a) : sprintf (end, "%c", *item);
                item += *item == '%';
            }
            break;
        }
        /* fall through */
    default:
        sprintf (end, "%u", a);
    }
}

/* A random expression; many can never match, some are too long. */
static void
make (uint64_t *seed, char *text)
{
    *text = '\0';
    for (size_t i = below (seed, 3) != 0; i < 6; i++) {
        unsigned items = 1 + below (seed, below (seed, 4) == 0 ? 14 : 3);
        char first = fields[i].first[below (seed, (unsigned)strlen (fields[i].first))];
        bool special = below (seed, 3) == 0;
        strcat (text, *text != '\0' ? " " : "");
        if (special) {
            sprintf (text + strlen (text), "%c", first);
        }
        if (special && first == '*' && below (seed, 2) == 0) {
            strcat (text, ",");
        } else if (special && first != '+') {
            items = 0;
        }
        for (unsigned item = 0; item < items; item++) {
            strcat (text, item > 0 ? "," : "");
            add_item (seed, &fields[i], text);
        }
    }
}

static void
test_random (void **state)
{
    (void)state;
    uint64_t seed = 20261123;
    int rounds = 0;
    while (rounds < RANDOM_ROUNDS) {
        char text[2048];
        bf_cron cron;
        memset (&cron, 0, sizeof cron);
        make (&seed, text);
        if (bf_cron_parse (text, &cron, NULL) == BF_OK) {
            check_round (text, &cron);
            rounds++;
        }
    }
}

/* The set as a list of its values, from a random one on. */
static void
add_list (uint64_t *seed, uint64_t set, char *text)
{
    unsigned from = below (seed, 64);
    const char *comma = "";
    for (unsigned i = 0; i < 64; i++) {
        unsigned value = (from + i) % 64;
        if ((set >> value & 1) != 0) {
            sprintf (text + strlen (text), "%s%u", comma, value);
            comma = ",";
        }
    }
}

/* Equal sets, as lists in another order, are printed alike. */
static void
test_equal_fields (void **state)
{
    (void)state;
    uint64_t seed = 5;
    for (int round = 0; round < RANDOM_ROUNDS; round++) {
        uint64_t sets[5] = {0};
        static const unsigned lows[] = {0, 0, 1, 1, 0};
        static const unsigned sizes[] = {60, 24, 31, 12, 7};
        static const unsigned mosts[] = {24, 12, 12, 12, 7};
        for (int i = 0; i < 5; i++) {
            for (unsigned n = 1 + below (&seed, mosts[i]); n > 0; n--) {
                sets[i] |= UINT64_C (1) << (lows[i] + below (&seed, sizes[i]));
            }
        }
        bool plus = below (&seed, 2) != 0;
        char texts[2][1024] = {"", ""};
        char printed[2][BF_CRON_BYTES];
        bf_cron crons[2];
        bool read = true;
        for (int way = 0; way < 2; way++) {
            for (int i = 0; i < 5; i++) {
                strcat (texts[way], i > 0 ? " " : "");
                strcat (texts[way], i == 4 && plus ? "+" : "");
                add_list (&seed, sets[i], texts[way]);
            }
            memset (&crons[way], 0, sizeof crons[way]);
            read &= bf_cron_parse (texts[way], &crons[way], NULL) == BF_OK;
            if (read) {
                bf_cron_print (&crons[way], printed[way]);
            }
        }
        if (read &&
            (!is_same (&crons[0], &crons[1]) || strcmp (printed[0], printed[1]) != 0)) {
            fail_msg ("'%s' and '%s'", texts[0], texts[1]);
        }
    }
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_usual_forms),  cmocka_unit_test (test_short_buffers),
        cmocka_unit_test (test_vectors),      cmocka_unit_test (test_random),
        cmocka_unit_test (test_equal_fields),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
