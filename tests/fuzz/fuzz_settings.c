/* SPDX-License-Identifier: MPL-2.0
 *
 * belfryd's command line (words up to a line of "--") and config file (the rest). What is
 * refused is refused with a sentence, of a file with its line. What is accepted and written
 * out as a file again is read as the same settings: so nothing of it was silently ignored.
 */
#include "tests/fuzz/fuzz.h"

#include <inttypes.h>
#include <string.h>

#include "actors/endpoint.h"
#include "apps/belfryd/settings.h"
#include "core/base/time.h"

#define WORDS 12

static void
write_list (FILE *file, const char *name, const bf_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        fprintf (file, "%s = %s\n", name, (const char *)list->items[i]);
    }
}

static void
write_age (FILE *file, const char *name, int64_t us)
{
    char span[BF_SPAN_BYTES];
    if (us != 0) {
        fprintf (file, "%s = %s\n", name,
                 us < 0 ? "forever" : bf_span_format ((bf_span){us}, span));
    }
}

static void
write_count (FILE *file, const char *name, uint64_t count)
{
    if (count == UINT64_MAX) {
        fprintf (file, "%s = all\n", name);
    } else if (count != 0) {
        fprintf (file, "%s = %" PRIu64 "\n", name, count);
    }
}

static void
write_settings (const settings *self, const char *path)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    FILE *file = fopen (path, "w");
    FUZZ_CHECK (file != NULL, "%s cannot be written", path);
    fprintf (file, "data = %s\ninsecure = %s\nlog_level = %s\n", self->data,
             self->insecure ? "yes" : "no", levels[self->log_level]);
    write_list (file, "commands", &self->commands);
    write_list (file, "feed", &self->feed);
    write_list (file, "monitor", &self->monitor);
    write_age (file, "keep_finals", self->keep_finals_us);
    write_age (file, "keep_events", self->keep_events_us);
    write_count (file, "keep_final_jobs", self->keep_final_jobs);
    write_count (file, "keep_event_rows", self->keep_event_rows);
    fclose (file);
}

/* Whether each text can stand in a line as it is: an argument may hold what a file cannot.
 */
static bool
is_plain (const char *text)
{
    size_t size = strlen (text);
    return size > 0 && size < 3000 && strpbrk (text, "\n") == NULL &&
           strchr (" \t\n\v\f\r", text[0]) == NULL &&
           strchr (" \t\n\v\f\r", text[size - 1]) == NULL;
}

static bool
list_is_plain (const bf_list *list)
{
    bool plain = true;
    for (size_t i = 0; i < list->count; i++) {
        plain &= is_plain (list->items[i]);
    }
    return plain;
}

static void
check_same_again (const settings *self)
{
    char path[FUZZ_PATH_BYTES];
    settings again = {0};
    bf_error error = {0};
    asked asked_for;
    char program[] = "belfryd";
    char *arguments[] = {program, NULL};
    if (!is_plain (self->data) || !list_is_plain (&self->commands) ||
        !list_is_plain (&self->feed) || !list_is_plain (&self->monitor)) {
        return;
    }
    write_settings (self, fuzz_path ("again.conf", path));
    FUZZ_CHECK (settings_arguments (&again, 1, arguments, &asked_for, &error) == BF_OK,
                "%s", error.text);
    again.config = fuzz_text (path, strlen (path));
    FUZZ_CHECK (settings_file (&again, &error) == BF_OK, "%s", error.text);
    FUZZ_CHECK (settings_defaults (&again, &error) == BF_OK, "%s", error.text);
    FUZZ_CHECK (settings_equal (self, &again) && self->log_level == again.log_level,
                "they are others");
    settings_clear (&again);
}

/* A file says what it says in text: of one with a NUL in it half a line would be read. */
static void
check_accepted (settings *self, const uint8_t *file, size_t size)
{
    bf_error error = {0};
    FUZZ_CHECK (size == 0 || memchr (file, '\0', size) == NULL,
                "a file with a NUL is accepted");
    FUZZ_CHECK (self->keep_finals_us >= -1 && self->keep_events_us >= -1, "ages");
    if (settings_defaults (self, &error) != BF_OK) {
        FUZZ_CHECK (error.text[0] != '\0', "no sentence");
        return;
    }
    FUZZ_CHECK (self->data[0] == '/' && self->commands.count > 0 && self->feed.count > 0 &&
                    self->monitor.count > 0,
                "a default is missing");
    FUZZ_CHECK (self->commands.items[self->commands.count] == NULL, "no end of the list");
    check_same_again (self);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    char path[FUZZ_PATH_BYTES];
    fuzz_input input = {bytes, size};
    char program[] = "belfryd";
    char *words[WORDS + 1] = {program};
    int count = 1;
    while (input.size > 0 && count < WORDS) {
        char *word = fuzz_text_until (&input, '\n');
        if (strcmp (word, "--") == 0) {
            free (word);
            break;
        }
        words[count++] = word;
    }
    fuzz_write (fuzz_path ("belfryd.conf", path), input.at, input.size);
    settings self = {0};
    bf_error error = {0};
    asked asked_for;
    bf_err rc = settings_arguments (&self, count, words, &asked_for, &error);
    FUZZ_CHECK (rc == BF_OK || (rc == BF_EINVALID && error.text[0] != '\0'), "%s",
                bf_err_name (rc));
    if (rc == BF_OK && asked_for == ASKED_SERVE) {
        /* Not the file that the words name: any that there is could be read. */
        free (self.config);
        self.config = fuzz_text (path, strlen (path));
        rc = settings_file (&self, &error);
        FUZZ_CHECK (rc == BF_OK || (rc == BF_ECONFIG &&
                                    strncmp (error.text, path, strlen (path)) == 0),
                    "%s: %s", bf_err_name (rc), error.text);
        if (rc == BF_OK) {
            check_accepted (&self, input.at, input.size);
        }
    }
    settings_clear (&self);
    for (int i = 1; i < count; i++) {
        free (words[i]);
    }
    return 0;
}
