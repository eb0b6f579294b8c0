/* SPDX-License-Identifier: MPL-2.0
 *
 * The first inputs of the targets of core/calendar/. Expressions and rules are of the kinds
 * that tests/vectors has; zone data of real places lies in the corpus under their names.
 */
#include <string.h>

#include "tests/fuzz/seeds.h"

static const char *const crons[] = {
    "*/15 * * * *",
    "30 2 * * *",
    "0,30 1-3 * * *",
    "30 * * * *",
    "0 9 * * MON-FRI",
    "*/5 9-17/2 1-7 JAN,Mar-sep 1",
    "0 0 29 2 *",
    "0 0 29 2 +MON",
    "0 0 29 2 0",
    "25 17 LW 3-12/3,1-12 *",
    "0 1 11 17W 4,2-9/1,1-5,2 *",
    "0 35 17 * Dec,4-6/1,Sep,2 6L",
    "0 35 19 L 12,10,11,may 4#2",
    "0 30 16 L * 6#3",
    "15 4 1W * Mon#5",
    "25 4 * * 7#3",
    "*/15 21,4-19,16-20/2 ? * 1-4,7-7",
    "22 5 13 * +FRI",
    "22 5 */2 * 1",
    "0 0 31W * ?",
    "59 59 23 31 12 *",
    "* * * * * *",
    "*/7 */11 */5 */3 * 5-7",
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
    " \t0  0\t* * 7 ",
    "0 0 30 2 *",
    "0 0 31 4,6,9,11 *",
    "0 0 30-31 FEB *",
    "5/15 * * * *",
    "0 22-2 * * *",
    "0 0 * * FRI-MON",
    "0 0 L-3 * *",
    "0 0 * * 8#6",
    "@reboot",
    "0 0 * * MON,FOO",
    "1,- * * * *",
    "*/+5 * * * *",
    "4294967296 * * * *",
    "\xef\xbc\x95 * * * *",
    "*/100 * * * *",
    "",
};

static const char *const dailies[] = {
    "2130",
    "21:30",
    "0000",
    "2359 Europe/Berlin",
    "0230 Europe/Berlin MON-FRI",
    "0230 MON,WED,5-7",
    "1200 SAT-SUN America/New_York",
    "2400",
    "1260",
    "9:00",
    "0900 Europe/Nowhere+5",
    "0900 ../etc/passwd",
    "0900 MON MON",
    "0900 * UTC",
    "",
};

static const char *const rrules[] = {
    "FREQ=DAILY",
    "RRULE:FREQ=DAILY;COUNT=10",
    "FREQ=MONTHLY;BYDAY=TU,WE,TH;BYSETPOS=3;COUNT=3",
    "FREQ=MONTHLY;BYDAY=4MO,1WE,3TH,-3FR,2SU;COUNT=7",
    "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
    "FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO",
    "FREQ=YEARLY;BYWEEKNO=-1,53;WKST=SU",
    "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200,-1",
    "FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU",
    "FREQ=MONTHLY;BYMONTHDAY=-1,31,13;BYDAY=FR",
    "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40;BYSECOND=17",
    "FREQ=DAILY;BYHOUR=2;BYMINUTE=30;UNTIL=20271101T000000Z",
    "FREQ=HOURLY;INTERVAL=20;BYMONTH=1;BYMONTHDAY=4;COUNT=2",
    "FREQ=MINUTELY;BYMONTH=1,3,4,9,10;BYDAY=TH,WE;UNTIL=20040831T230430Z",
    "FREQ=SECONDLY;INTERVAL=100000",
    "FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30",
    "FREQ=HOURLY;BYYEARDAY=366;BYMONTH=1",
    "FREQ=MINUTELY;BYMONTHDAY=-31",
    "FREQ=MONTHLY;BYDAY=1TH;BYSETPOS=2",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO",
    "FREQ=SECONDLY;COUNT=2147483647",
    "FREQ=YEARLY;INTERVAL=999999999",
    "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5",
    "FREQ=HOURLY;INTERVAL=24;BYHOUR=1",
    "DTSTART;TZID=Europe/Berlin:20260105T090000 RRULE:FREQ=WEEKLY EXDATE:20260112T090000",
    "DTSTART:20260105T090000Z\nRRULE:FREQ=DAILY;UNTIL=20260110\nRDATE:20260201T000000Z\n"
    "EXDATE;VALUE=DATE:20260106",
    "DTSTART:19970902T090000 RDATE:19970904T090000,19980904T090000 EXDATE:19970902T090000 "
    "RRULE:FREQ=YEARLY",
    "FREQ=DAILY;INTERVAL=0",
    "FREQ=DAILY;COUNT=1;UNTIL=20260101",
    "FREQ=WEEKLY;BYDAY=1MO",
    "FREQ=DAILY;BYSETPOS=1",
    "FREQ=FORTNIGHTLY",
    "RRULE:",
    "EXDATE:20260105",
    "",
};

/* Dates, an empty line, windows. */
static const char *const exclusions[] = {
    "2026-12-24\n2026-12-24..2027-01-06\n12-25\n\nSAT-SUN\nMON-FRI 2200-0600\n* "
    "1200-1300\n",
    "2027-03-28\n",
    "\nSUN 0100-0400\n",
    "\n* 0000-2400\n",
    "\n* 0000-0000\n",
    "02-29\n03-01..03-31\n\n",
    "2027-01-06..2026-12-24\n",
    "2026-02-30\n",
    "\nFRI-MON 2300-0100\n6,7 0800-0801\n",
    "\n* 2500-2600\n",
    "\n* 1200\n",
    "",
};

static const char *const zone_names[] = {
    "UTC",
    "Europe/Berlin",
    "America/Argentina/Buenos_Aires",
    "Etc/GMT+12",
    "../../etc/passwd",
    "/etc/localtime",
    "Europe//Berlin",
    "Europe/Berlin/",
    "Europe/./Berlin",
    "EST5EDT,M3.2.0,M11.1.0",
    "A/bcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk",
    "A/bcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl",
    "",
};

/* A text, then bytes that say where and when, as the target takes them. */
static void
write_list (const char *target, const char *const *texts, size_t count, size_t before,
            size_t after)
{
    for (size_t i = 0; i < count; i++) {
        input_t input = {.size = 0};
        for (size_t k = 0; k < before; k++) {
            put_byte (&input, (unsigned)(k < 2 ? i % (k == 0 ? 6 : 16) : 82));
        }
        put (&input, texts[i], strlen (texts[i]));
        if (after > 0) {
            put_byte (&input, 0);
        }
        for (size_t k = 0; k + 1 < after; k++) {
            put_byte (&input, (unsigned)(k < 2 ? i % (k == 0 ? 6 : 16) : 57));
        }
        write_input (target, i, &input);
    }
}

/* Around a change of clocks in each of the zones of zones.c, under several switches. */
static void
write_changes (size_t index)
{
    static const char *const texts[] = {"* 0-3 * * *", "30 2 * * *", "0 12 * * *"};
    static const unsigned switches[] = {0, 5, 10, 15};
    /* The year before the change, since 1970. */
    static const unsigned years[] = {0, 57, 57, 57, 41, 56};
    for (size_t i = 0; i < COUNT (texts) * COUNT (switches) * COUNT (years); i++) {
        unsigned zone = (unsigned)(i % COUNT (years));
        const char *text = texts[i / COUNT (years) % COUNT (texts)];
        input_t input = {.size = 0};
        put (&input, text, strlen (text) + 1);
        put_byte (&input, zone);
        put_byte (&input, switches[i / COUNT (years) / COUNT (texts)]);
        put_byte (&input, years[zone]);
        put (&input, "\0\0\0", 3);
        write_input ("cron", index + i, &input);
    }
}

void
write_calendar (void)
{
    write_list ("cron", crons, COUNT (crons), 0, 7);
    write_changes (COUNT (crons));
    write_list ("daily", dailies, COUNT (dailies), 0, 0);
    write_list ("rrule", rrules, COUNT (rrules), 4, 0);
    write_list ("exclusion", exclusions, COUNT (exclusions), 0, 0);
    write_list ("zone", zone_names, COUNT (zone_names), 0, 0);
}
