/* SPDX-License-Identifier: MPL-2.0
 *
 * What is a cron expression and what is none. Accepted ones are compared with others that
 * are written out; of refused ones the sentence has to name the field, quote the item, say
 * what is wrong and what is allowed. With them all rows of tests/vectors/cron_invalid.tsv.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/calendar/cron.h"
#include "tests/support/cmocka.h"

#define INVALID_ROWS 90 /* all of them */
#define LINE_BYTES 512

/* Two texts that mean the same. */
static const struct {
    const char *text;
    const char *same;
} accepted[] = {
    /* blanks */
    {" 0 9 * * 1 ", "0 9 * * 1"},
    {"\t0\t9  *\t *\t1\t", "0 9 * * 1"},
    {" \t@daily\t ", "0 0 * * *"},
    /* names */
    {"0 0 * jan,FEB,Mar,aPr,mAy,juN *", "0 0 * 1,2,3,4,5,6 *"},
    {"0 0 * jul,aug,SEP,oct,nov,dec *", "0 0 * 7,8,9,10,11,12 *"},
    {"0 0 * * sun,MON,Tue,wEd", "0 0 * * 0,1,2,3"},
    {"0 0 * * thu,fRi,SAT", "0 0 * * 4,5,6"},
    {"0 0 * MAR-oct/2 MON-fri/2", "0 0 * 3,5,7,9 1,3,5"},
    {"0 0 * 3-MAY 1-FRI", "0 0 * 3,4,5 1,2,3,4,5"},
    /* lists, ranges, steps */
    {"5,1,1,3-4,2-3 0 1 1 *", "1,2,3,4,5 0 1 1 *"},
    {"007 00 01 1 *", "7 0 1 1 *"},
    {"0-59/20 0-23/12 1-31/15 1-12/6 0-6/3", "0,20,40 0,12 1,16,31 1,7 0,3,6"},
    {"10-20/5 7-7 1 1 *", "10,15,20 7 1 1 *"},
    {"10-12/59 0 1 1 *", "10 0 1 1 *"},
    {"*/60 0 1 1 *", "*/60,0 0 1 1 *"},
    {"*/30 */24 */31 */12 */7", "*/30,0,30 0 1 1 +SUN"},
    {"*/25 0 1 1 *", "*/25,0,25,50 0 1 1 *"},
    {"0 */5 1 1 *", "0 */5,0,5,10,15,20 1 1 *"},
    /* Sunday has two numbers */
    {"0 0 * * 7", "0 0 * * 0"},
    {"0 0 * * 0,7", "0 0 * * 0"},
    {"0 0 * * 5-7", "0 0 * * 0,5,6"},
    {"0 0 * * 0-7", "0 0 * * 0-6"},
    {"0 0 * * 1-7/2", "0 0 * * 0,1,3,5"},
    {"0 0 * * 7-7", "0 0 * * 0"},
    {"0 0 * * FRI-SUN", "0 0 * * 0,5,6"},
    {"0 0 * * sun-Sun", "0 0 * * 0"},
    {"0 0 * * SUN-TUE", "0 0 * * 0,1,2"},
    {"0 0 * * SUN-7", "0 0 * * 0-6"},
    {"0 0 * * 7-SUN", "0 0 * * 0"},
    {"0 0 * * 7L", "0 0 * * SUNL"},
    {"0 0 * * 7#2", "0 0 * * 0#2"},
    /* ? is * where days are */
    {"0 0 ? * MON", "0 0 * * MON"},
    {"0 0 1 * ?", "0 0 1 * *"},
    {"0 0 ? * ?", "0 0 * * *"},
    /* L, W, # */
    {"0 0 l * *", "0 0 L * *"},
    {"0 0 lw,Lw * *", "0 0 LW * *"},
    {"0 0 15w,015W * *", "0 0 15W * *"},
    {"0 0 1,L,15W,LW * *", "0 0 LW,L,15W,1 * *"},
    {"0 0 * * 5l", "0 0 * * FRIL"},
    {"0 0 * * fril,5#3,FRI#03", "0 0 * * 5L,fri#3"},
    {"0 0 * * 1,5L,3#1", "0 0 * * WED#1,FRIL,MON"},
    /* the + */
    {"0 0 13 * +FRI", "0 0 13 * +5"},
    {"0 0 * * +FRI", "0 0 * * FRI"},
    {"0 0 1 * +*", "0 0 1 * *"},
    {"0 0 1 * +?", "0 0 1 * *"},
    {"0 0 */2 * 1", "0 0 1-31/2 * +1"},
    {"0 0 1 * */2", "0 0 1 * +0,2,4,6"},
    /* six fields */
    {"0 0 9 * * 1", "00 0 9 * * 1"},
    {"*/20 1 9 * * 1", "*/20,0,20,40 1 9 * * 1"},
    /* macros */
    {"@yearly", "0 0 1 1 *"},
    {"@annually", "0 0 1 1 *"},
    {"@monthly", "0 0 1 * *"},
    {"@weekly", "0 0 * * 0"},
    {"@daily", "0 0 * * *"},
    {"@midnight", "0 0 * * *"},
    {"@hourly", "0 * * * *"},
    /* rare days that there are */
    {"0 0 29 2 *", "0 0 29 FEB *"},
    {"0 0 30,29 2 *", "0 0 30,29 2 +*"},
    {"0 0 30 2 MON", "0 0 30 2 1"},
    {"0 0 29 2 +5#5", "0 0 29 2 +FRI#5"},
    {"0 0 29W 2 +1", "0 0 29W 2 +MON"},
    {"0 0 28W,L 2 +FRI", "0 0 L,28W 2 +5"},
    {"0 0 L 2 +FRI#4", "0 0 L FEB +5#4"}, /* in February of 28 days alone */
    {"0 0 31 4-5 *", "0 0 31 4,5 *"},
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

/* Field by field: padding has no meaning. */
static bool
is_same (const bf_cron *a, const bf_cron *b)
{
    return a->seconds == b->seconds && a->minutes == b->minutes && a->hours == b->hours &&
           a->months == b->months && a->days == b->days && a->nearest == b->nearest &&
           a->weekdays == b->weekdays && a->weekdays_last == b->weekdays_last &&
           memcmp (a->weekdays_nth, b->weekdays_nth, sizeof a->weekdays_nth) == 0 &&
           a->last_day == b->last_day && a->last_working_day == b->last_working_day &&
           a->both_days == b->both_days && a->wild == b->wild &&
           a->has_seconds == b->has_seconds;
}

static void
test_accepted (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof accepted / sizeof accepted[0]; i++) {
        bf_cron cron, same;
        read_well (accepted[i].text, &cron);
        read_well (accepted[i].same, &same);
        if (!is_same (&cron, &same)) {
            fail_msg ("'%s' is not '%s'", accepted[i].text, accepted[i].same);
        }
    }
}

/* Field by field what one of each kind is read as. */
static void
test_fields (void **state)
{
    (void)state;
    bf_cron cron;
    read_well ("1-2 3 4,23 5,L,LW,6W JAN,12 0,6L,2#4", &cron);
    assert_true (cron.seconds == 6 && cron.minutes == 8);
    assert_int_equal (cron.hours, 1 << 4 | 1 << 23);
    assert_int_equal (cron.days, 1 << 5);
    assert_int_equal (cron.nearest, 1 << 6);
    assert_int_equal (cron.months, 1 << 1 | 1 << 12);
    assert_int_equal (cron.weekdays, 1);
    assert_int_equal (cron.weekdays_last, 1 << 6);
    assert_int_equal (cron.weekdays_nth[3], 1 << 2);
    assert_true (cron.last_day && cron.last_working_day && cron.has_seconds);
    assert_false (cron.both_days || cron.wild);
    read_well ("* * * * *", &cron);
    assert_true (cron.seconds == 1 && cron.minutes == (UINT64_C (1) << 60) - 1);
    assert_int_equal (cron.hours, (1 << 24) - 1);
    assert_int_equal (cron.days, 0xfffffffe);
    assert_int_equal (cron.months, 0x1ffe);
    assert_int_equal (cron.weekdays, 0x7f);
    assert_true (cron.both_days && cron.wild && !cron.has_seconds);
}

/* Which expressions are wild, and which want both days. */
static const struct {
    const char *text;
    bool wild;
    bool both_days;
} kinds[] = {
    {"0 0 1 1 1", false, false},     {"*/2 0 1 1 1", true, false},
    {"0 */2 1 1 1", true, false},    {"0-59 0-23 1 1 1", false, false},
    {"1,*/2 0 1 1 1", false, false}, {"*,1 0 1 1 1", true, false},
    {"* 0 0 1 1 1", true, false},    {"0 * 0 1 1 1", true, false},
    {"0 0 * 1 1 1", true, false},    {"0 0 1,* 1 1", false, false},
    {"0 0 */2 1 1", false, true},    {"0 0 1 1 */2", false, true},
    {"0 0 1-31 1 1", false, false},  {"0 0 ? 1 1", false, true},
    {"0 0 1 1 ?", false, true},      {"0 0 1 1 +1", false, true},
    {"0 0 1 1 1,*/2", false, false}, {"@hourly", true, true},
    {"@daily", false, true},         {"0 0 1 * 1", false, false},
};

static void
test_kinds (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        bf_cron cron;
        read_well (kinds[i].text, &cron);
        bf_switches switches = bf_cron_switches (&cron);
        if (cron.wild != kinds[i].wild || cron.both_days != kinds[i].both_days) {
            fail_msg ("'%s': wild %d, both %d", kinds[i].text, cron.wild, cron.both_days);
        }
        assert_int_equal (switches.skipped,
                          cron.wild ? BF_SKIPPED_SKIP : BF_SKIPPED_AFTER_GAP);
        assert_int_equal (switches.repeated,
                          cron.wild ? BF_REPEATED_BOTH : BF_REPEATED_FIRST);
    }
}

/* What each field allows, as its sentences say it in the end. */
#define SECOND "0-59, *, ranges (10-20), steps (*/15, 10-20/5) and lists of these"
#define MINUTE SECOND
#define HOUR "0-23, *, ranges (9-17), steps (*/6, 9-17/2) and lists of these"
#define DAY                                                                          \
    "1-31, *, ?, ranges (1-7), steps (*/5, 1-15/2), L (the last day), LW (the last " \
    "working day), 15W (the working day nearest to the 15th) and lists of these"
#define MONTH "1-12, JAN-DEC, *, ranges (MAR-OCT), steps (*/3, 1-6/2) and lists of these"
#define WEEKDAY                                                                          \
    "0-7 (0 and 7 are Sunday), SUN-SAT, *, ?, ranges (MON-FRI), steps (*/2, 1-5/2), 5L " \
    "(the last Friday), 5#3 (the third Friday), lists of these, and a + before it all "  \
    "where a day must match both day fields"

static const struct {
    const char *text;
    const char *says;
    const char *allowed; /* NULL: it is not about one field */
} refused[] = {
    {"", "this has 0", NULL},
    {" \t ", "this has 0", NULL},
    {"*", "5 fields (minute hour day-of-month month day-of-week), or 6", NULL},
    {"0 0 1 1", "this has 4", NULL},
    {"1 2 3 4 5 6 7", "this has 7", NULL},
    {"60 0 0 * * *", "second: '60' is out of range", SECOND},
    {"0-60 0 0 * * *", "second: '0-60' is out of range", SECOND},
    {"x 0 0 * * *", "second: 'x' is not understood", SECOND},
    {"60 * * * *", "minute: '60' is out of range", MINUTE},
    {"18446744073709551616 * * * *", "minute: '18446744073709551616' is out of", MINUTE},
    {"5-1 * * * *", "minute: '5-1' is a range that runs backwards", MINUTE},
    {"5/15 * * * *", "minute: '5/15' has a step without a range", MINUTE},
    {"*/0 * * * *", "minute: '*/0' has a step of 0", MINUTE},
    {"*/a * * * *", "minute: '*/a' has a step that is no number", MINUTE},
    {"*/ * * * *", "minute: '*/' has a step that is no number", MINUTE},
    {"*/61 * * * *", "minute: '*/61' has a step that is larger than the field", MINUTE},
    {"1-3/61 * * * *", "minute: '1-3/61' has a step that is larger", MINUTE},
    {"*/5/2 * * * *", "minute: '*/5/2' is not understood", MINUTE},
    {"1,,2 * * * *", "minute: '' is an empty item", MINUTE},
    {",1 * * * *", "minute: '' is an empty item", MINUTE},
    {"1, * * * *", "minute: '' is an empty item", MINUTE},
    {"1,2x,3 * * * *", "minute: '2x' is not understood", MINUTE},
    {"5- * * * *", "minute: '5-' is not understood", MINUTE},
    {"5-* * * * *", "minute: '5-*' is not understood", MINUTE},
    {"-5 * * * *", "minute: '-5' is not understood", MINUTE},
    {"1-2-3 * * * *", "minute: '1-2-3' is not understood", MINUTE},
    {"** * * * *", "minute: '**' is not understood", MINUTE},
    {"? * * * *", "minute: '?' is not understood", MINUTE},
    {"5L * * * *", "minute: '5L' is not understood", MINUTE},
    {"5W * * * *", "minute: '5W' is not understood", MINUTE},
    {"{ * * * *", "minute: '{' is not understood", MINUTE},
    {"* 24 * * *", "hour: '24' is out of range", HOUR},
    {"* 22-2 * * *", "hour: '22-2' is a range that runs backwards", HOUR},
    {"* */25 * * *", "hour: '*/25' has a step that is larger", HOUR},
    {"0 0 0 * *", "day-of-month: '0' is out of range", DAY},
    {"0 0 32 * *", "day-of-month: '32' is out of range", DAY},
    {"0 0 */32 * *", "day-of-month: '*/32' has a step that is larger", DAY},
    {"0 0 LX * *", "day-of-month: 'LX' is not understood", DAY},
    {"0 0 L-3 * *", "day-of-month: 'L-3' is not understood", DAY},
    {"0 0 LWW * *", "day-of-month: 'LWW' is not understood", DAY},
    {"0 0 W * *", "day-of-month: 'W' is not understood", DAY},
    {"0 0 32W * *", "day-of-month: '32W' is out of range", DAY},
    {"0 0 15W3 * *", "day-of-month: '15W3' is not understood", DAY},
    {"0 0 1-5W * *", "day-of-month: '1-5W' is not understood", DAY},
    {"0 0 5L * *", "day-of-month: '5L' is not understood", DAY},
    {"0 0 5#1 * *", "day-of-month: '5#1' is not understood", DAY},
    {"0 0 +1 * *", "day-of-month: '+1' is not understood", DAY},
    {"0 0 ?,1 * *", "day-of-month: '?' is not understood", DAY},
    {"0 0 ?? * *", "day-of-month: '\?\?' is not understood", DAY},
    {"0 0 * 0 *", "month: '0' is out of range", MONTH},
    {"0 0 * 13 *", "month: '13' is out of range", MONTH},
    {"0 0 * */13 *", "month: '*/13' has a step that is larger", MONTH},
    {"0 0 * MON *", "month: 'MON' is not understood", MONTH},
    {"0 0 * JANUARY *", "month: 'JANUARY' is not understood", MONTH},
    {"0 0 * JA *", "month: 'JA' is not understood", MONTH},
    {"0 0 * JAX *", "month: 'JAX' is not understood", MONTH},
    {"0 0 * JXN *", "month: 'JXN' is not understood", MONTH},
    {"0 0 * DEC-JAN *", "month: 'DEC-JAN' is a range that runs backwards", MONTH},
    {"0 0 * L *", "month: 'L' is not understood", MONTH},
    {"0 0 * ? *", "month: '?' is not understood", MONTH},
    {"0 0 * * 8", "day-of-week: '8' is out of range", WEEKDAY},
    {"0 0 * * 8L", "day-of-week: '8L' is out of range", WEEKDAY},
    {"0 0 * * */8", "day-of-week: '*/8' has a step that is larger", WEEKDAY},
    {"0 0 * * MONDAY", "day-of-week: 'MONDAY' is not understood", WEEKDAY},
    {"0 0 * * FRI-MON", "day-of-week: 'FRI-MON' is a range that runs backwards", WEEKDAY},
    {"0 0 * * 6-0", "day-of-week: '6-0' is a range that runs backwards", WEEKDAY},
    {"0 0 * * L", "day-of-week: 'L' is not understood", WEEKDAY},
    {"0 0 * * 5LL", "day-of-week: '5LL' is not understood", WEEKDAY},
    {"0 0 * * 5W", "day-of-week: '5W' is not understood", WEEKDAY},
    {"0 0 * * 5#", "day-of-week: '5#' is not understood", WEEKDAY},
    {"0 0 * * 5#0", "day-of-week: '5#0' is not understood", WEEKDAY},
    {"0 0 * * 5#6", "day-of-week: '5#6' is not understood", WEEKDAY},
    {"0 0 * * 5#2L", "day-of-week: '5#2L' is not understood", WEEKDAY},
    {"0 0 * * +", "day-of-week: '+' is not understood", WEEKDAY},
    {"0 0 * * ++1", "day-of-week: '+1' is not understood", WEEKDAY},
    {"0 0 * * 1,+2", "day-of-week: '+2' is not understood", WEEKDAY},
    {"0 0 * * MON-", "day-of-week: 'MON-' is not understood", WEEKDAY},
    {"@DAILY", "'@DAILY' is no macro; there are @yearly, @annually, @monthly", NULL},
    {"@", "'@' is no macro", NULL},
    {"@dail", "'@dail' is no macro", NULL},
    {"@reboot", "'@reboot' is no macro", NULL},
    {"@daily 0 0 0 0", "minute: '@daily' is not understood", MINUTE},
    {"@daily UTC", "this has 2", NULL},
    {"0 0 30 2 *", "can never match: no year has such a day", NULL},
    {"0 0 0 30 2 *", "can never match", NULL},
    {"0 0 30W,31W 2 *", "can never match", NULL},
    {"0 0 31 4,6,9,11 *", "can never match", NULL},
    {"0 0 31 4 +MON", "can never match", NULL},
    {"0 0 1 * +1#2", "can never match", NULL},
    {"0 0 LW * +SAT,SUN", "can never match", NULL},
    {"0 0 1W * +6", "can never match", NULL},
    {"0 0 28 2 +5#5", "can never match", NULL},
};

static void
test_refused (void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        bf_error error = {0};
        bf_cron cron;
        bf_cron untouched;
        memset (&cron, 0x5a, sizeof cron);
        memset (&untouched, 0x5a, sizeof untouched);
        assert_int_equal (bf_cron_parse (refused[i].text, &cron, &error), BF_EINVALID);
        bool allowed = true;
        if (refused[i].allowed != NULL) {
            char end[400];
            int length = snprintf (end, sizeof end, "; allowed are %s", refused[i].allowed);
            size_t whole = strlen (error.text);
            allowed = whole > (size_t)length &&
                      strcmp (error.text + whole - (size_t)length, end) == 0 &&
                      strncmp (error.text, refused[i].says, strlen (refused[i].says)) == 0;
        }
        if (!allowed || strstr (error.text, refused[i].says) == NULL ||
            memcmp (&cron, &untouched, sizeof cron) != 0) {
            fail_msg ("'%s': %s", refused[i].text, error.text);
        }
        assert_int_equal (bf_cron_parse (refused[i].text, &cron, NULL), BF_EINVALID);
    }
}

static void
test_longest (void **state)
{
    (void)state;
    char text[BF_CRON_BYTES + 2];
    bf_cron cron;
    bf_error error = {0};
    /* 256 bytes: "0,0,…,0 0 1 1 *". */
    memset (text, '0', BF_CRON_BYTES);
    for (size_t i = 1; i < BF_CRON_BYTES - 8; i += 2) {
        text[i] = ',';
    }
    strcpy (text + BF_CRON_BYTES - 9, " 0 1 1 * ");
    assert_int_equal (strlen (text), BF_CRON_BYTES);
    read_well (text, &cron);
    assert_true (cron.minutes == 1);
    strcat (text, " ");
    assert_int_equal (bf_cron_parse (text, &cron, &error), BF_EINVALID);
    assert_string_equal (error.text,
                         "a cron expression has at most 256 bytes, this is longer");
}

/* Names make a text longer than the numbers that it was read from. */
static void
test_too_long_written_out (void **state)
{
    (void)state;
    char text[BF_CRON_BYTES + 64] = "0 0 ";
    bf_cron cron;
    bf_error error = {0};
    for (int day = 1; day <= 26; day++) {
        sprintf (text + strlen (text), "%s%dW", day > 1 ? "," : "", day);
    }
    strcat (text, " * ");
    for (int i = 0; i < 35; i++) {
        sprintf (text + strlen (text), "%s%d#%d", i > 0 ? "," : "", i % 7, i / 7 + 1);
    }
    assert_true (strlen (text) <= BF_CRON_BYTES);
    assert_int_equal (bf_cron_parse (text, &cron, &error), BF_EINVALID);
    assert_string_equal (error.text, "the expression means too much: its lists, written "
                                     "out, have more than 255 bytes");
}

/* \t and \\ of the table. */
static void
unescape (char *text)
{
    char *to = text;
    for (const char *from = text; *from != '\0'; from++) {
        if (*from == '\\') {
            from++;
            *to++ = *from == 't' ? '\t' : *from;
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

static void
test_invalid_vectors (void **state)
{
    (void)state;
    char path[512];
    const char *tree = getenv ("BELFRY_SOURCE_DIR");
    snprintf (path, sizeof path, "%s/tests/vectors/cron_invalid.tsv",
              tree != NULL ? tree : ".");
    FILE *file = fopen (path, "r");
    assert_non_null (file);
    char line[LINE_BYTES];
    int rows = 0;
    while (fgets (line, sizeof line, file) != NULL) {
        line[strcspn (line, "\n")] = '\0';
        char *reason = strchr (line, '\t');
        assert_non_null (reason);
        *reason++ = '\0';
        unescape (line);
        bf_cron cron;
        bf_error error = {0};
        bool never = strcmp (reason, "never") == 0;
        if (bf_cron_parse (line, &cron, &error) != BF_EINVALID ||
            (strstr (error.text, "can never match") != NULL) != never) {
            fail_msg ("row %d, '%s' (%s): '%s'", rows + 1, line, reason, error.text);
        }
        rows++;
    }
    fclose (file);
    assert_int_equal (rows, INVALID_ROWS);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_accepted),
        cmocka_unit_test (test_fields),
        cmocka_unit_test (test_kinds),
        cmocka_unit_test (test_refused),
        cmocka_unit_test (test_longest),
        cmocka_unit_test (test_too_long_written_out),
        cmocka_unit_test (test_invalid_vectors),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
