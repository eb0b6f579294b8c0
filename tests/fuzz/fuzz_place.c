/* SPDX-License-Identifier: MPL-2.0
 *
 * Where the C client finds the daemon: the line of DIRECTORY/endpoints, and lists of
 * endpoints. What it finds is a whole item of the list that the file has for the door;
 * where it finds none it says so, and keeps the one that it had.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "clients/c/client.h"

/* Whether the endpoint stands in the file between two marks. */
static bool
is_item (const char *text, const char *endpoint)
{
    size_t size = strlen (endpoint);
    for (const char *at = text; (at = strstr (at, endpoint)) != NULL; at++) {
        bool begins = at > text && (at[-1] == ',' || at[-1] == '=');
        if (begins && strchr (", \r\n", at[size]) != NULL) {
            return true;
        }
    }
    return false;
}

static void
check_file (const char *text, size_t size, const char *commands)
{
    char path[FUZZ_PATH_BYTES];
    char before[] = "tcp://127.0.0.1:1";
    belfry self = {.directory = (char *)fuzz_directory (), .stop_fd = -1};
    if (commands[0] != '\0') {
        self.doors[BF_DOOR_COMMANDS] = (char *)commands;
    }
    fuzz_write (fuzz_path ("endpoints", path), text, size);
    for (bf_door door = BF_DOOR_COMMANDS; door < BF_DOORS; door++) {
        bf_link link = {0};
        char endpoint[BF_CLIENT_ENDPOINT_BYTES];
        snprintf (endpoint, sizeof endpoint, "%s", before);
        int rc = bf_endpoint_find (&self, &link, door, endpoint);
        if (rc != BELFRY_OK) {
            FUZZ_CHECK (rc == BELFRY_NO_ENDPOINT && link.text[0] != '\0', "%d", rc);
            FUZZ_CHECK (strcmp (endpoint, before) == 0, "\"%s\"", endpoint);
            continue;
        }
        FUZZ_CHECK (endpoint[0] != '\0' && strpbrk (endpoint, ", \r\n") == NULL, "\"%s\"",
                    endpoint);
        FUZZ_CHECK (self.doors[door] != NULL || is_item (text, endpoint),
                    "\"%s\" is not an endpoint of the file", endpoint);
    }
}

/* Whoever goes on to the next one each time comes to every one. */
static void
check_list (const char *list)
{
    char before[BF_CLIENT_ENDPOINT_BYTES] = "";
    size_t items = 1;
    for (const char *at = list; *at != '\0'; at++) {
        items += *at == ',';
    }
    for (size_t i = 0; i < items && i < 16; i++) {
        size_t length = 0;
        const char *choice = bf_endpoint_choose (list, before, &length);
        FUZZ_CHECK ((length == 0) == (choice == NULL), "\"%s\"", list);
        if (choice == NULL) {
            return;
        }
        FUZZ_CHECK (choice >= list && choice + length <= list + strlen (list), "beyond");
        FUZZ_CHECK (strcspn (choice, ", \r\n") == length, "half of \"%.*s\"", (int)length,
                    choice);
        FUZZ_CHECK (choice == list || choice[-1] == ',', "\"%s\"", choice);
        if (length >= sizeof before) {
            return;
        }
        memcpy (before, choice, length);
        before[length] = '\0';
    }
}

/* Up to the first NUL: the commands endpoint of the options, and a list; then the file. */
int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    static bool begun;
    if (!begun) {
        begun = true;
        unsetenv ("BELFRY_COMMANDS");
        unsetenv ("BELFRY_FEED");
        unsetenv ("BELFRY_MONITOR");
    }
    fuzz_input input = {bytes, size};
    char *commands = fuzz_text_until (&input, '\0');
    char *text = fuzz_text (input.at, input.size);
    check_list (commands);
    check_file (text, input.size, commands);
    free (commands);
    free (text);
    return 0;
}
