/* SPDX-License-Identifier: MPL-2.0
 *
 * What belfryd is told: by its command line, by its config file, or not at all. Both use
 * the same names (`--log-level debug`, `log_level = debug`), which stand in one table. The
 * command line wins over the file, name by name; a door that is named anywhere has none of
 * its default endpoints.
 */
#ifndef BF_BELFRYD_SETTINGS_H
#define BF_BELFRYD_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/errors.h"
#include "core/base/list.h"
#include "core/base/log.h"

typedef enum {
    SETTING_DATA,
    SETTING_CONFIG,
    SETTING_COMMANDS,
    SETTING_FEED,
    SETTING_MONITOR,
    SETTING_INSECURE,
    SETTING_LOG_LEVEL,
    SETTING_KEEP_FINALS,
    SETTING_KEEP_FINAL_JOBS,
    SETTING_KEEP_EVENTS,
    SETTING_KEEP_EVENT_ROWS,
    SETTING_ZONEINFO,
    SETTINGS
} setting;

typedef struct {
    char *data;
    char *config;
    bf_list commands; /* endpoints; after settings_defaults a NULL follows the last */
    bf_list feed;
    bf_list monitor;
    bool insecure;
    bf_log_level log_level;
    /* Retention, as in belfry_scheduler_options: 0 for the default. */
    int64_t keep_finals_us;   /* -1: for ever */
    uint64_t keep_final_jobs; /* UINT64_MAX: all */
    int64_t keep_events_us;
    uint64_t keep_event_rows;
    char *zoneinfo;       /* the directory of time zones; NULL for the default */
    bool given[SETTINGS]; /* by the command line: the file cannot change it */
} settings;

/* What the command line asks for. */
typedef enum { ASKED_SERVE, ASKED_HELP, ASKED_VERSION } asked;

/* Zero-initialise self and fill it by this first. BF_EINVALID with a sentence. */
bf_err settings_arguments (settings *self, int argc, char **argv, asked *asked_for,
                           bf_error *error);

/* Adds what the file self->config says; nothing where that is NULL. BF_ECONFIG with
 * FILE:LINE and a sentence. */
bf_err settings_file (settings *self, bf_error *error);

/* What was left open: ./data, made absolute, and for doors without an endpoint an ipc
 * socket in there and a port on loopback that the kernel chooses. Says in the log where the
 * path is no good for a socket. BF_ECONFIG where zoneinfo is no directory. */
bf_err settings_defaults (settings *self, bf_error *error);

/* Only their log levels may differ. */
bool settings_equal (const settings *self, const settings *other);

void settings_clear (settings *self);

#endif
