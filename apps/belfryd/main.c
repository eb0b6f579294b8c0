/* SPDX-License-Identifier: MPL-2.0
 *
 * belfryd: the scheduler as a program. It reads settings, starts the scheduler, says where
 * it serves, and waits for a signal. Signals are blocked from the first line on and read
 * from a signalfd, so that no thread is ever interrupted by one.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <czmq.h>

#include "actors/belfry_scheduler.h"
#include "apps/belfryd/descriptors.h"
#include "apps/belfryd/notify.h"
#include "apps/belfryd/ready.h"
#include "apps/belfryd/settings.h"
#include "core/base/log.h"
#include "persist/database.h"

#define NAME "belfryd"

/* A full batch with its replies is half of it. */
#define MMAP_THRESHOLD_BYTES (1024 * 1024)

static const char help[] =
    "usage: belfryd [OPTION]…\n"
    "\n"
    "Runs the durable scheduler Belfry on a data directory until SIGTERM or SIGINT.\n"
    "\n"
    "  --data DIR        data directory, created where it is missing (default ./data)\n"
    "  --commands EP     where clients send commands; may be repeated\n"
    "  --feed EP         where bots subscribe to events; may be repeated\n"
    "  --monitor EP      where observers subscribe to events; may be repeated\n"
    "  --insecure        allow endpoints in reach of other machines, unencrypted\n"
    "  --keep-finals D   how long final jobs and their runs are kept: a time such as 12h,\n"
    "                    or forever (default 30d)\n"
    "  --keep-final-jobs N\n"
    "                    how many final jobs are kept at most, or all (default)\n"
    "  --keep-events D   how long events are kept, or forever (default 30d)\n"
    "  --keep-event-rows N\n"
    "                    how many events are kept at most, or all (default 10000000)\n"
    "                    Nothing goes before its time; what is over it may be there for a\n"
    "                    minute more, events for a thirtieth of --keep-events, and up to\n"
    "                    about 100 runs of a job that recurs.\n"
    "  --zoneinfo DIR    the files of time zones (default /usr/share/zoneinfo)\n"
    "  --log-level L     error, warning, info (default) or debug; the log is on stderr\n"
    "  --config FILE     lines of NAME = VALUE with the names above (with underscores, as "
    "in\n"
    "                    log_level); the command line wins over the file\n"
    "  --help            this text\n"
    "  --version         the version\n"
    "\n"
    "An endpoint is tcp://ADDRESS:PORT (a port of * lets the kernel choose), ipc://PATH "
    "or\n"
    "inproc://NAME. A door without one gets ipc://DIR/commands.sock (feed.sock,\n"
    "monitor.sock) and tcp://127.0.0.1:*. Once it serves it prints one line, and writes "
    "the\n"
    "same to DIR/endpoints, where belfry finds it:\n"
    "\n"
    "  ready commands=EP,… feed=EP,… monitor=EP,…\n"
    "\n"
    "SIGTERM and SIGINT answer the calls under way and stop. SIGHUP reads the log level\n"
    "from the config file again; everything else needs a restart.\n"
    "\n"
    "Exit codes: 0 stopped, 1 out of memory, threads or descriptors, 2 usage, 10 data\n"
    "directory in use, 11 database damaged, 12 not a Belfry database, 13 database of a\n"
    "newer version, 14 disk, 15 endpoint taken, 16 configuration.\n";

/* czmq takes its defaults from ZSYS_… variables, where one can make it change what we rely
 * on. Before the first thread. */
static void
environment_clean (void)
{
    extern char **environ;
    char name[128];
    for (char **entry = environ; *entry;) {
        size_t size = strcspn (*entry, "=");
        if (!strncmp (*entry, "ZSYS_", strlen ("ZSYS_")) && size < sizeof name) {
            snprintf (name, sizeof name, "%.*s", (int)size, *entry);
            unsetenv (name);
            /* It has moved the others. */
            entry = environ;
        } else {
            entry++;
        }
    }
}

/* A descriptor to read the signals from that we answer; -1 with errno set. */
static int
signals_open (void)
{
    signal (SIGPIPE, SIG_IGN);
    sigset_t ours;
    sigemptyset (&ours);
    sigaddset (&ours, SIGTERM);
    sigaddset (&ours, SIGINT);
    sigaddset (&ours, SIGHUP);
    sigprocmask (SIG_BLOCK, &ours, NULL);
    return signalfd (-1, &ours, SFD_CLOEXEC);
}

static int
complain (belfry_scheduler_status status, const char *text)
{
    fprintf (stderr, NAME ": %s\n", text);
    return (int)status;
}

/* SIGHUP. */
static void
reload (const settings *self, int argc, char **argv)
{
    settings fresh = {0};
    asked ignored;
    bf_error error = {0};
    bf_err rc = settings_arguments (&fresh, argc, argv, &ignored, &error);
    if (rc == BF_OK) {
        rc = settings_file (&fresh, &error);
    }
    if (rc == BF_OK) {
        rc = settings_defaults (&fresh, &error);
    }
    if (rc == BF_OK) {
        bf_log_set_level (fresh.log_level);
        bf_log (BF_LOG_INFO, NAME, "log level read again", "config=\"%s\"",
                self->config ? self->config : "");
        if (!settings_equal (self, &fresh)) {
            bf_log (BF_LOG_WARNING, NAME, "the config file has changes that need a restart",
                    "config=\"%s\"", self->config);
        }
    } else {
        bf_log (BF_LOG_ERROR, NAME, "the config file was not read again", "why=\"%s\"",
                error.text);
    }
    settings_clear (&fresh);
}

/* Returns when it is time to stop. */
static void
wait_for_end (const settings *self, belfry_scheduler *scheduler, int signals, int argc,
              char **argv)
{
    struct pollfd items[] = {{.fd = signals, .events = POLLIN},
                             {.fd = belfry_scheduler_fd (scheduler), .events = POLLIN}};
    for (;;) {
        if (poll (items, 2, -1) == -1 && errno != EINTR) {
            return;
        }
        struct signalfd_siginfo info;
        if (items[0].revents && read (signals, &info, sizeof info) == sizeof info) {
            if (info.ssi_signo != SIGHUP) {
                bf_log (BF_LOG_INFO, NAME, "stopping", "signal=%u", info.ssi_signo);
                return;
            }
            reload (self, argc, argv);
        }
        if (items[1].revents) {
            return;
        }
    }
}

static int
serve (const settings *self, int signals, int argc, char **argv)
{
    belfry_scheduler_options options = {
        .directory = self->data,
        .commands = (const char *const *)self->commands.items,
        .feed = (const char *const *)self->feed.items,
        .monitor = (const char *const *)self->monitor.items,
        .insecure = self->insecure,
        .keep_finals_us = self->keep_finals_us,
        .keep_final_jobs = self->keep_final_jobs,
        .keep_events_us = self->keep_events_us,
        .keep_event_rows = self->keep_event_rows,
        .zoneinfo = self->zoneinfo,
    };
    char text[BF_ERROR_TEXT_BYTES];
    belfry_scheduler *scheduler = NULL;
    belfry_scheduler_status status =
        belfry_scheduler_start (&scheduler, &options, text, sizeof text);
    if (status != BELFRY_STOPPED) {
        return complain (status, text);
    }
    bf_error error = {0};
    if (ready_announce (self->data, belfry_scheduler_endpoints (scheduler), &error) !=
        BF_OK) {
        belfry_scheduler_stop (&scheduler);
        return complain (BELFRY_DISK, error.text);
    }
    bf_log (BF_LOG_INFO, NAME, "serving", "version=%s data=\"%s\" %s", BELFRY_VERSION,
            self->data, belfry_scheduler_endpoints (scheduler));
    notify ("READY=1");
    wait_for_end (self, scheduler, signals, argc, argv);
    notify ("STOPPING=1");
    ready_withdraw (self->data);
    status = belfry_scheduler_stop (&scheduler);
    if (status != BELFRY_STOPPED) {
        return complain (status, "the scheduler has stopped by itself; the log above says "
                                 "why");
    }
    bf_log (BF_LOG_INFO, NAME, "stopped", "data=\"%s\"", self->data);
    return BELFRY_STOPPED;
}

/* Fills self, or returns the exit code; -1 to go on. */
static int
configure (settings *self, int argc, char **argv)
{
    bf_error error = {0};
    asked asked_for;
    if (settings_arguments (self, argc, argv, &asked_for, &error) != BF_OK) {
        return complain (BELFRY_USAGE, error.text);
    }
    if (asked_for == ASKED_HELP) {
        fputs (help, stdout);
        return BELFRY_STOPPED;
    }
    if (asked_for == ASKED_VERSION) {
        puts (NAME " " BELFRY_VERSION);
        return BELFRY_STOPPED;
    }
    if (settings_file (self, &error) != BF_OK ||
        settings_defaults (self, &error) != BF_OK) {
        return complain (BELFRY_CONFIG, error.text);
    }
    bf_log_set_level (self->log_level);
    size_t endpoints = self->commands.count + self->feed.count + self->monitor.count;
    if (descriptors_prepare (endpoints, &error) != BF_OK) {
        return complain (BELFRY_FAILED, error.text);
    }
    return -1;
}

int
main (int argc, char **argv)
{
    int signals = signals_open ();
    if (signals == -1) {
        return complain (BELFRY_FAILED, strerror (errno));
    }
    environment_clean ();
    /* What is large comes and goes on different threads: from the heap it would leave holes
     * in its arenas for good, mapped it is given back, at the price of a page fault for
     * every page. Setting the threshold keeps glibc from raising it by itself. */
    mallopt (M_MMAP_THRESHOLD, MMAP_THRESHOLD_BYTES);
    bf_database_own_process ();
    settings self = {0};
    int status = configure (&self, argc, argv);
    if (status == -1) {
        status = serve (&self, signals, argc, argv);
        /* The context, once and last: czmq's atexit handler would do it in a worse moment.
         */
        zsys_shutdown ();
    }
    settings_clear (&self);
    close (signals);
    return status;
}
