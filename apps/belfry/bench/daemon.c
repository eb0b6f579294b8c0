/* SPDX-License-Identifier: MPL-2.0
 *
 * See daemon.h.
 */
/* nftw. */
#define _GNU_SOURCE

#include "apps/belfry/bench/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include "core/base/time.h"

#define ARGUMENTS 32
#define OPEN_FILES 16 /* of nftw */

extern char **environ;

/* The first endpoint behind " name=" in the ready line; false where it is not there. */
static bool
endpoint_of (const char *line, const char *name, char *endpoint, size_t room)
{
    const char *at = strstr (line, name);
    if (!at) {
        return false;
    }
    at += strlen (name);
    size_t length = strcspn (at, ", \n");
    if (length == 0 || length >= room) {
        return false;
    }
    memcpy (endpoint, at, length);
    endpoint[length] = '\0';
    return true;
}

/* Waits for the line; the pipe ends where the daemon does. */
static bf_err
read_ready (bf_bench_daemon *self, int fd, const char *program, bf_error *error)
{
    char line[4096] = {0};
    FILE *stream = fdopen (fd, "r");
    if (!stream) {
        close (fd);
        return bf_fail_plain (error, BF_ENOMEM);
    }
    bool ready = fgets (line, sizeof line, stream) &&
                 endpoint_of (line, " commands=", self->commands, sizeof self->commands) &&
                 endpoint_of (line, " feed=", self->feed, sizeof self->feed);
    (void)fclose (stream);
    return ready
               ? BF_OK
               : bf_fail (error, BF_EIO, "%s did not get ready; its log is above", program);
}

static int
spawn (bf_bench_daemon *self, const char *program, const char *const *options, int ready_fd)
{
    const char *arguments[ARGUMENTS] = {program, "--data", self->directory, "--log-level",
                                        "warning"};
    size_t count = 5;
    for (; options && *options && count + 1 < ARGUMENTS; options++) {
        arguments[count++] = *options;
    }
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init (&actions);
    posix_spawn_file_actions_adddup2 (&actions, ready_fd, STDOUT_FILENO);
    int rc = posix_spawnp (&self->pid, program, &actions, NULL, (char *const *)arguments,
                           environ);
    posix_spawn_file_actions_destroy (&actions);
    if (rc != 0) {
        self->pid = 0;
    }
    return rc;
}

/* Starts it and waits until it serves. */
static bf_err
run (bf_bench_daemon *self, bf_error *error)
{
    int ends[2];
    if (pipe2 (ends, O_CLOEXEC) != 0) {
        return bf_fail (error, BF_EIO, "no pipe: %s", strerror (errno));
    }
    int failed = spawn (self, self->program, self->options, ends[1]);
    close (ends[1]);
    if (failed) {
        close (ends[0]);
        return bf_fail (error, BF_EINVALID, "cannot start %s: %s", self->program,
                        strerror (failed));
    }
    return read_ready (self, ends[0], self->program, error);
}

bf_err
bf_bench_daemon_start (bf_bench_daemon *self, const char *program, const char *below,
                       const char *const *options, bf_error *error)
{
    *self = (bf_bench_daemon){0};
    char *path = realpath (below, NULL);
    if (!path) {
        return bf_fail (error, BF_EINVALID, "%s: %s", below, strerror (errno));
    }
    (void)snprintf (self->directory, sizeof self->directory, "%s/belfry-bench-XXXXXX",
                    path);
    free (path);
    if (!mkdtemp (self->directory)) {
        bf_err rc = bf_fail (error, BF_EIO, "%s: %s", self->directory, strerror (errno));
        self->directory[0] = '\0';
        return rc;
    }
    self->program = program;
    self->options = options;
    bf_err rc = run (self, error);
    if (rc != BF_OK) {
        bf_bench_daemon_end (self);
    }
    return rc;
}

static void
kill_it (bf_bench_daemon *self)
{
    if (self->pid > 0) {
        kill (self->pid, SIGKILL);
        while (waitpid (self->pid, NULL, 0) < 0 && errno == EINTR) {
        }
        self->pid = 0;
    }
}

bf_err
bf_bench_daemon_restart (bf_bench_daemon *self, int64_t *took_us, bf_error *error)
{
    int64_t from_us = bf_now_read ().boot.us;
    kill_it (self);
    bf_err rc = run (self, error);
    *took_us = bf_now_read ().boot.us - from_us;
    return rc;
}

static int
remove_one (const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove (path);
}

void
bf_bench_daemon_end (bf_bench_daemon *self)
{
    kill_it (self);
    if (self->directory[0] != '\0') {
        (void)nftw (self->directory, remove_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
        self->directory[0] = '\0';
    }
}
