/* SPDX-License-Identifier: MPL-2.0
 *
 * Where the client looks for its daemon: the option, the environment, the endpoints file.
 */
#include "clients/c/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

typedef struct {
    const char *name;
    const char *option_commands;
    const char *option_feed;
    const char *environment; /* BELFRY_COMMANDS */
    const char *line;        /* of the file; NULL: there is none */
    bf_door door;
    const char *expected; /* NULL: NO_ENDPOINT */
} lookup;

#define READY                                                                \
    "ready commands=tcp://127.0.0.1:5,ipc:///d/commands feed=ipc:///d/feed " \
    "monitor=tcp://127.0.0.1:7\n"

static const lookup lookups[] = {
    {"the option goes before all", "tcp://a:1", NULL, "tcp://b:2", READY, BF_DOOR_COMMANDS,
     "tcp://a:1"},
    {"then the environment", NULL, NULL, "tcp://b:2", READY, BF_DOOR_COMMANDS, "tcp://b:2"},
    {"an empty variable is none", NULL, NULL, "", READY, BF_DOOR_COMMANDS,
     "ipc:///d/commands"},
    {"then the file, ipc first", NULL, NULL, NULL, READY, BF_DOOR_COMMANDS,
     "ipc:///d/commands"},
    {"any list, ipc first", "tcp://a:1,ipc://b", NULL, NULL, NULL, BF_DOOR_COMMANDS,
     "ipc://b"},
    {"the feed", NULL, NULL, NULL, READY, BF_DOOR_FEED, "ipc:///d/feed"},
    {"the monitor, last in the line", NULL, NULL, NULL, READY, BF_DOOR_MONITOR,
     "tcp://127.0.0.1:7"},
    {"the feed by option", NULL, "inproc://feed", NULL, READY, BF_DOOR_FEED,
     "inproc://feed"},
    {"the feed of the daemon that commands name", "tcp://127.0.0.1:5", NULL, NULL, READY,
     BF_DOOR_FEED, "ipc:///d/feed"},
    {"not the feed of another daemon", "tcp://127.0.0.1:55", NULL, NULL, READY,
     BF_DOOR_FEED, NULL},
    {"not by environment either", NULL, NULL, "tcp://127.0.0.1:55", READY, BF_DOOR_FEED,
     NULL},
    {"no file", NULL, NULL, NULL, NULL, BF_DOOR_COMMANDS, NULL},
    {"an empty file", NULL, NULL, NULL, "", BF_DOOR_COMMANDS, NULL},
    {"a file that says something else", NULL, NULL, NULL, "hello commands\n",
     BF_DOOR_COMMANDS, NULL},
    {"a door that is not open", NULL, NULL, NULL, "ready commands=tcp://a:1 feed= \n",
     BF_DOOR_FEED, NULL},
    {"a door that is not named", NULL, NULL, NULL, "ready commands=tcp://a:1\n",
     BF_DOOR_MONITOR, NULL},
    {"an empty option", "", NULL, NULL, READY, BF_DOOR_COMMANDS, NULL},
};

static void
write_file (const char *directory, const char *line)
{
    char *path = temp_path (directory, "endpoints");
    remove (path);
    if (line != NULL) {
        FILE *file = fopen (path, "w");
        assert_non_null (file);
        fputs (line, file);
        fclose (file);
    }
    free (path);
}

static void
set_environment (const char *value)
{
    if (value != NULL) {
        setenv ("BELFRY_COMMANDS", value, 1);
    } else {
        unsetenv ("BELFRY_COMMANDS");
    }
}

static void
check_lookup (const char *directory, const lookup *wanted)
{
    belfry *client = NULL;
    belfry_options options = {.commands = wanted->option_commands,
                              .feed = wanted->option_feed,
                              .directory = directory};
    char found[BF_CLIENT_ENDPOINT_BYTES] = "untouched";
    write_file (directory, wanted->line);
    set_environment (wanted->environment);
    assert_int_equal (belfry_open (&client, &options), BELFRY_OK);
    int rc = bf_endpoint_find (client, &client->link, wanted->door, found);
    int expected_rc = wanted->expected != NULL ? BELFRY_OK : BELFRY_NO_ENDPOINT;
    const char *expected = wanted->expected != NULL ? wanted->expected : "untouched";
    bool has_text = belfry_error_text (client)[0] != '\0';
    if (rc != expected_rc || strcmp (found, expected) != 0 || has_text != (rc != 0)) {
        fail_msg ("%s: %d '%s' (%s)", wanted->name, rc, found, belfry_error_text (client));
    }
    belfry_close (&client);
}

static void
test_lookups (void **state)
{
    (void)state;
    char *directory = temp_make ();
    unsetenv ("BELFRY_FEED");
    unsetenv ("BELFRY_MONITOR");
    for (size_t index = 0; index < sizeof lookups / sizeof lookups[0]; index++) {
        check_lookup (directory, &lookups[index]);
    }
    temp_remove (directory);
}

/* Of a line that is longer than any that a daemon writes, not half of its last endpoint. */
static void
test_endless_line (void **state)
{
    (void)state;
    static const char begin[] = "ready commands=";
    char *directory = temp_make ();
    char line[8000];
    memset (line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    memcpy (line, begin, strlen (begin));
    /* The last endpoint begins within the first 4 KiB, and ends behind them. */
    memset (line + strlen (begin), ',', 4000);
    memcpy (line + 4050, "ipc:///", strlen ("ipc:///"));
    memset (line + 4050 + strlen ("ipc:///"), 'a', 100);
    line[4200] = '\n';
    check_lookup (directory,
                  &(lookup){.name = "an endless line", .line = line, .expected = NULL});
    temp_remove (directory);
}

/* Of a list the next one is tried, whatever went before. */
static void
test_a_list_in_turn (void **state)
{
    (void)state;
    static const struct {
        const char *list;
        const char *before;
        const char *expected; /* NULL for none */
    } rows[] = {
        {"tcp://a:1", "", "tcp://a:1"},
        {"tcp://a:1", "tcp://a:1", "tcp://a:1"},
        {"tcp://a:1,tcp://b:2", "", "tcp://a:1"},
        {"tcp://a:1,tcp://b:2", "tcp://a:1", "tcp://b:2"},
        {"tcp://a:1,tcp://b:2", "tcp://b:2", "tcp://a:1"},
        {"tcp://a:1,ipc://d,tcp://b:2 feed=", "", "ipc://d"},
        {"tcp://a:1,ipc://d,tcp://b:2 feed=", "ipc://d", "tcp://b:2"},
        {"tcp://a:1,ipc://d,tcp://b:2 feed=", "tcp://b:2", "tcp://a:1"},
        {"tcp://a:1,ipc://d,tcp://b:2 feed=", "tcp://gone:1", "ipc://d"},
        {"tcp://a:12,tcp://a:1", "tcp://a:1", "tcp://a:12"},
        {",tcp://a:1,,tcp://b:2,", "tcp://a:1", "tcp://b:2"},
        {",tcp://a:1,,tcp://b:2,", "tcp://b:2", "tcp://a:1"},
        {"", "", NULL},
        {",,", "tcp://a:1", NULL},
        {" feed=tcp://a:1", "", NULL},
    };
    for (size_t index = 0; index < sizeof rows / sizeof rows[0]; index++) {
        size_t length = 99;
        const char *found =
            bf_endpoint_choose (rows[index].list, rows[index].before, &length);
        const char *expected = rows[index].expected != NULL ? rows[index].expected : "";
        if (length != strlen (expected) ||
            (length > 0 && strncmp (found, expected, length) != 0)) {
            fail_msg ("'%s' after '%s' is '%.*s'", rows[index].list, rows[index].before,
                      (int)length, found != NULL ? found : "");
        }
    }
}

/* An endpoint that no socket takes is an error of that call, with its name. */
static void
test_nonsense_is_named (void **state)
{
    (void)state;
    belfry *client = NULL;
    belfry_options options = {.commands = "carrier-pigeon"};
    assert_int_equal (belfry_open (&client, &options), BELFRY_OK);
    assert_int_equal (belfry_cancel (client, (belfry_ref){.id = 1}, NULL, NULL),
                      BELFRY_NO_ENDPOINT);
    assert_non_null (strstr (belfry_error_text (client), "carrier-pigeon"));
    belfry_close (&client);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_lookups),
        cmocka_unit_test (test_endless_line),
        cmocka_unit_test (test_a_list_in_turn),
        cmocka_unit_test (test_nonsense_is_named),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
