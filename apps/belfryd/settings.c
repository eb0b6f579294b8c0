/* SPDX-License-Identifier: MPL-2.0
 *
 * One table of names for command line and config file. The file is lines of `name = value`;
 * what is not understood is refused with its line, because a setting that is silently
 * ignored is found out on the day that it mattered.
 */
#include "apps/belfryd/settings.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/endpoint.h"
#include "core/base/time.h"

#define DEFAULT_DATA "data"
#define DEFAULT_TCP "tcp://127.0.0.1:*"
#define LINE_BYTES 4096

typedef struct {
    const char *name; /* as in the file; on the command line with -- and dashes */
    bool is_flag;     /* takes no value on the command line; yes or no in the file */
    bool is_list;     /* may be said more than once */
    bool in_file;
} setting_form;

static const setting_form forms[SETTINGS] = {
    [SETTING_DATA] = {"data", false, false, true},
    [SETTING_CONFIG] = {"config", false, false, false},
    [SETTING_COMMANDS] = {"commands", false, true, true},
    [SETTING_FEED] = {"feed", false, true, true},
    [SETTING_MONITOR] = {"monitor", false, true, true},
    [SETTING_INSECURE] = {"insecure", true, false, true},
    [SETTING_LOG_LEVEL] = {"log_level", false, false, true},
    [SETTING_KEEP_FINALS] = {"keep_finals", false, false, true},
    [SETTING_KEEP_FINAL_JOBS] = {"keep_final_jobs", false, false, true},
    [SETTING_KEEP_EVENTS] = {"keep_events", false, false, true},
    [SETTING_KEEP_EVENT_ROWS] = {"keep_event_rows", false, false, true},
    [SETTING_ZONEINFO] = {"zoneinfo", false, false, true},
};

/* --- values ------------------------------------------------------------------------ */

static bf_list *
list_of (settings *self, setting which)
{
    switch (which) {
    case SETTING_COMMANDS:
        return &self->commands;
    case SETTING_FEED:
        return &self->feed;
    case SETTING_MONITOR:
        return &self->monitor;
    default:
        return NULL;
    }
}

static bf_err
set_string (char **place, const char *value, bf_error *error)
{
    char *copy = strdup (value);
    if (!copy) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    free (*place);
    *place = copy;
    return BF_OK;
}

static bf_err
add_string (bf_list *list, const char *value, bf_error *error)
{
    char *copy = strdup (value);
    if (!copy || bf_list_push (list, copy) != BF_OK) {
        free (copy);
        return bf_fail_plain (error, BF_ENOMEM);
    }
    return BF_OK;
}

static bf_err
set_level (bf_log_level *level, const char *value, bf_error *error)
{
    static const char *const names[] = {
        [BF_LOG_ERROR] = "error",
        [BF_LOG_WARNING] = "warning",
        [BF_LOG_INFO] = "info",
        [BF_LOG_DEBUG] = "debug",
    };
    for (bf_log_level i = BF_LOG_ERROR; i <= BF_LOG_DEBUG; i++) {
        if (!strcmp (value, names[i])) {
            *level = i;
            return BF_OK;
        }
    }
    return bf_fail (error, BF_EINVALID,
                    "the log level must be error, warning, info or debug, not %s", value);
}

static bf_err
set_flag (bool *flag, const char *value, bf_error *error)
{
    bool yes = !strcmp (value, "yes") || !strcmp (value, "true");
    if (!yes && strcmp (value, "no") != 0 && strcmp (value, "false") != 0) {
        return bf_fail (error, BF_EINVALID, "it must be yes or no, not %s", value);
    }
    *flag = yes;
    return BF_OK;
}

/* A length of time. 0 is refused: it could mean nothing at all, or no limit. */
static bf_err
set_age (const char *name, int64_t *us, const char *value, bf_error *error)
{
    if (!strcmp (value, "forever")) {
        *us = -1;
        return BF_OK;
    }
    bf_span span;
    bf_error reason = {0};
    if (bf_span_parse (value, &span, &reason) != BF_OK || span.us == 0) {
        return bf_fail (error, BF_EINVALID,
                        "%s: how long to keep something must be a time such as 12h or 30d, "
                        "or forever, not %s",
                        name, value);
    }
    *us = span.us;
    return BF_OK;
}

static bf_err
set_count (const char *name, uint64_t *count, const char *value, bf_error *error)
{
    if (!strcmp (value, "all")) {
        *count = UINT64_MAX;
        return BF_OK;
    }
    errno = 0;
    char *end = NULL;
    unsigned long long number = strtoull (value, &end, 10);
    bool whole = isdigit ((unsigned char)value[0]) && *end == '\0' && errno == 0;
    if (!whole || number == 0 || number > INT64_MAX) {
        return bf_fail (
            error, BF_EINVALID,
            "%s: how many to keep must be a whole number over 0, or all, not %s", name,
            value);
    }
    *count = number;
    return BF_OK;
}

static bf_err
set (settings *self, setting which, const char *value, bf_error *error)
{
    const char *name = forms[which].name;
    if (!*value) {
        return bf_fail (error, BF_EINVALID, "%s needs a value", name);
    }
    switch (which) {
    case SETTING_DATA:
        return set_string (&self->data, value, error);
    case SETTING_CONFIG:
        return set_string (&self->config, value, error);
    case SETTING_INSECURE:
        return set_flag (&self->insecure, value, error);
    case SETTING_LOG_LEVEL:
        return set_level (&self->log_level, value, error);
    case SETTING_KEEP_FINALS:
        return set_age (name, &self->keep_finals_us, value, error);
    case SETTING_KEEP_FINAL_JOBS:
        return set_count (name, &self->keep_final_jobs, value, error);
    case SETTING_KEEP_EVENTS:
        return set_age (name, &self->keep_events_us, value, error);
    case SETTING_KEEP_EVENT_ROWS:
        return set_count (name, &self->keep_event_rows, value, error);
    case SETTING_ZONEINFO:
        return set_string (&self->zoneinfo, value, error);
    default:
        return add_string (list_of (self, which), value, error);
    }
}

/* The setting with this name, `dash` standing for its underscores; SETTINGS for none. */
static setting
find (const char *name, char dash)
{
    for (setting i = 0; i < SETTINGS; i++) {
        const char *a = forms[i].name;
        const char *b = name;
        while (*a && (*a == *b || (*a == '_' && *b == dash))) {
            a++;
            b++;
        }
        if (!*a && !*b) {
            return i;
        }
    }
    return SETTINGS;
}

/* --- the command line -------------------------------------------------------------- */

/* One argument, and its value where that is the next one. Moves *index on. */
static bf_err
set_argument (settings *self, int argc, char **argv, int *index, bf_error *error)
{
    const char *argument = argv[*index];
    if (strncmp (argument, "--", 2) != 0) {
        return bf_fail (error, BF_EINVALID, "%s is not an option; see --help", argument);
    }
    char name[64];
    const char *equals = strchr (argument, '=');
    size_t size = equals ? (size_t)(equals - argument) - 2 : strlen (argument) - 2;
    snprintf (name, sizeof name, "%.*s", size < sizeof name ? (int)size : 0, argument + 2);
    setting which = find (name, '-');
    if (which == SETTINGS) {
        return bf_fail (error, BF_EINVALID, "there is no option %s; see --help", argument);
    }
    const char *value = equals ? equals + 1 : NULL;
    if (forms[which].is_flag && value) {
        return bf_fail (error, BF_EINVALID, "--%s takes no value", name);
    }
    if (forms[which].is_flag) {
        value = "yes";
    } else if (!value && *index + 1 < argc) {
        value = argv[++*index];
    }
    self->given[which] = true;
    return set (self, which, value ? value : "", error);
}

bf_err
settings_arguments (settings *self, int argc, char **argv, asked *asked_for,
                    bf_error *error)
{
    self->log_level = BF_LOG_INFO;
    *asked_for = ASKED_SERVE;
    for (int i = 1; i < argc; i++) {
        if (!strcmp (argv[i], "--help")) {
            *asked_for = ASKED_HELP;
            return BF_OK;
        }
        if (!strcmp (argv[i], "--version")) {
            *asked_for = ASKED_VERSION;
            return BF_OK;
        }
        bf_err rc = set_argument (self, argc, argv, &i, error);
        if (rc != BF_OK) {
            return rc;
        }
    }
    return BF_OK;
}

/* --- the file ---------------------------------------------------------------------- */

/* Cuts the spaces off both ends. */
static char *
trim (char *text)
{
    while (isspace ((unsigned char)*text)) {
        text++;
    }
    char *end = text + strlen (text);
    while (end > text && isspace ((unsigned char)end[-1])) {
        end--;
    }
    *end = '\0';
    return text;
}

/* seen: what earlier lines have said. Changes `line`. */
static bf_err
set_line (settings *self, char *line, bool seen[SETTINGS], bf_error *error)
{
    char *text = trim (line);
    if (!*text || *text == '#') {
        return BF_OK;
    }
    char *equals = strchr (text, '=');
    if (!equals) {
        return bf_fail (error, BF_ECONFIG, "a line is NAME = VALUE, or a comment after #");
    }
    *equals = '\0';
    const char *name = trim (text);
    const char *value = trim (equals + 1);
    setting which = find (name, '_');
    if (which == SETTINGS || !forms[which].in_file) {
        return bf_fail (error, BF_ECONFIG, "there is no setting %s", name);
    }
    if (seen[which] && !forms[which].is_list) {
        return bf_fail (error, BF_ECONFIG, "%s is said twice", name);
    }
    seen[which] = true;
    if (self->given[which]) {
        /* Still checked: a bad line is not better for being overruled. */
        settings scratch = {0};
        bf_err rc = set (&scratch, which, value, error);
        settings_clear (&scratch);
        return rc;
    }
    return set (self, which, value, error);
}

/* The next line, without its end. False where there is none; *rc: what is wrong with it. A
 * NUL would hide what stands behind it. */
static bool
take_line (FILE *file, char line[LINE_BYTES], bf_err *rc, bf_error *reason)
{
    size_t size = 0;
    int c = EOF;
    *rc = BF_OK;
    while (*rc == BF_OK && (c = getc (file)) != EOF && c != '\n') {
        if (c == '\0') {
            *rc = bf_fail (reason, BF_ECONFIG, "there is a NUL in it");
        } else if (size + 1 == LINE_BYTES) {
            *rc = bf_fail (reason, BF_ECONFIG, "the line is too long");
        } else {
            line[size++] = (char)c;
        }
    }
    line[size] = '\0';
    return *rc != BF_OK || c != EOF || size > 0;
}

static bf_err
read_lines (settings *self, FILE *file, bf_error *error)
{
    bool seen[SETTINGS] = {false};
    char line[LINE_BYTES] = "";
    bf_error reason = {0};
    bf_err rc;
    for (int number = 1; take_line (file, line, &rc, &reason); number++) {
        if (rc == BF_OK) {
            rc = set_line (self, line, seen, &reason);
        }
        if (rc != BF_OK) {
            return bf_fail (error, BF_ECONFIG, "%s:%d: %.400s", self->config, number,
                            reason.text);
        }
    }
    if (ferror (file)) {
        return bf_fail (error, BF_ECONFIG, "%s cannot be read: %s", self->config,
                        strerror (errno));
    }
    return BF_OK;
}

bf_err
settings_file (settings *self, bf_error *error)
{
    if (!self->config) {
        return BF_OK;
    }
    FILE *file = fopen (self->config, "re");
    if (!file) {
        return bf_fail (error, BF_ECONFIG, "%s cannot be read: %s", self->config,
                        strerror (errno));
    }
    bf_err rc = read_lines (self, file, error);
    fclose (file);
    return rc;
}

/* --- defaults ---------------------------------------------------------------------- */

/* Clients read endpoints in other directories than ours. */
static bf_err
make_absolute (char **path, bf_error *error)
{
    if ((*path)[0] == '/') {
        return BF_OK;
    }
    char *here = getcwd (NULL, 0);
    if (!here) {
        return bf_fail (error, BF_ECONFIG, "the working directory has no name: %s",
                        strerror (errno));
    }
    const char *rest = strncmp (*path, "./", 2) ? *path : *path + 2;
    size_t size = strlen (here) + strlen (rest) + 2;
    char *absolute = malloc (size);
    if (absolute) {
        snprintf (absolute, size, "%s/%s", strcmp (here, "/") ? here : "", rest);
        free (*path);
        *path = absolute;
    }
    free (here);
    return absolute ? BF_OK : bf_fail_plain (error, BF_ENOMEM);
}

/* A path that is wrong is found out now, and not by the first job with a zone. */
static bf_err
check_zoneinfo (settings *self, bf_error *error)
{
    if (!self->zoneinfo) {
        return BF_OK;
    }
    bf_err rc = make_absolute (&self->zoneinfo, error);
    struct stat status;
    if (rc == BF_OK && (stat (self->zoneinfo, &status) != 0 || !S_ISDIR (status.st_mode))) {
        rc = bf_fail (error, BF_ECONFIG,
                      "zoneinfo: %s is no directory; install tzdata, or leave it out",
                      self->zoneinfo);
    }
    return rc;
}

static bf_err
door_default (settings *self, setting which, bf_error *error)
{
    bf_list *door = list_of (self, which);
    if (door->count > 0) {
        return BF_OK;
    }
    char ipc[LINE_BYTES];
    int size =
        snprintf (ipc, sizeof ipc, "ipc://%s/%s.sock", self->data, forms[which].name);
    bf_endpoint endpoint;
    bf_error reason = {0};
    bf_err rc = BF_OK;
    if (size < (int)sizeof ipc && bf_endpoint_parse (ipc, &endpoint, &reason) == BF_OK) {
        rc = add_string (door, ipc, error);
    } else {
        bf_log (BF_LOG_WARNING, "belfryd", "no ipc endpoint, tcp only",
                "door=%s why=\"%s\"", forms[which].name, reason.text);
    }
    return rc == BF_OK ? add_string (door, DEFAULT_TCP, error) : rc;
}

/* Puts a NULL behind the last item, uncounted: the form in which the scheduler takes lists.
 */
static bf_err
terminate (bf_list *list, bf_error *error)
{
    if (bf_list_push (list, NULL) != BF_OK) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bf_list_truncate (list, list->count - 1);
    return BF_OK;
}

bf_err
settings_defaults (settings *self, bf_error *error)
{
    bf_err rc = self->data ? BF_OK : set_string (&self->data, DEFAULT_DATA, error);
    if (rc == BF_OK) {
        rc = make_absolute (&self->data, error);
    }
    if (rc == BF_OK) {
        rc = check_zoneinfo (self, error);
    }
    for (setting i = SETTING_COMMANDS; rc == BF_OK && i <= SETTING_MONITOR; i++) {
        rc = door_default (self, i, error);
        if (rc == BF_OK) {
            rc = terminate (list_of (self, i), error);
        }
    }
    return rc;
}

/* --- the rest ---------------------------------------------------------------------- */

static bool
lists_equal (const bf_list *a, const bf_list *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (strcmp (a->items[i], b->items[i]) != 0) {
            return false;
        }
    }
    return true;
}

static bool
strings_equal (const char *a, const char *b)
{
    return a && b ? !strcmp (a, b) : a == b;
}

bool
settings_equal (const settings *self, const settings *other)
{
    return !strcmp (self->data, other->data) && self->insecure == other->insecure &&
           self->keep_finals_us == other->keep_finals_us &&
           self->keep_final_jobs == other->keep_final_jobs &&
           self->keep_events_us == other->keep_events_us &&
           self->keep_event_rows == other->keep_event_rows &&
           strings_equal (self->zoneinfo, other->zoneinfo) &&
           lists_equal (&self->commands, &other->commands) &&
           lists_equal (&self->feed, &other->feed) &&
           lists_equal (&self->monitor, &other->monitor);
}

void
settings_clear (settings *self)
{
    for (setting i = 0; i < SETTINGS; i++) {
        bf_list *list = list_of (self, i);
        for (size_t j = 0; list && j < list->count; j++) {
            free (list->items[j]);
        }
        if (list) {
            bf_list_clear (list);
        }
    }
    free (self->data);
    free (self->config);
    free (self->zoneinfo);
    *self = (settings){0};
}
