/* SPDX-License-Identifier: MPL-2.0
 *
 * A real belfryd for system tests; see rig.h.
 */
#include "tests/support/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zmq.h>

#include "tests/support/cmocka.h"
#include "tests/support/temp.h"

/* The daemon, --data DIR, three doors with two endpoints each, and the NULL. */
#define OWN_ARGUMENTS 16
#define MAX_ARGUMENTS 64
#define MAX_STARTER 8

/* More than any endpoint has: a path of ipc is at most 107 bytes. */
#define ENDPOINT_BYTES 256

static const char *
program (const char *variable)
{
    const char *path = getenv (variable);
    if (!path || !*path) {
        fail_msg ("%s does not name a program: run the tests through ctest", variable);
    }
    return path;
}

static char *
copy (const char *text, size_t size)
{
    char *result = calloc (1, size + 1);
    assert_non_null (result);
    memcpy (result, text, size);
    return result;
}

rig *
rig_new (void)
{
    rig *self = calloc (1, sizeof *self);
    assert_non_null (self);
    self->directory = temp_make ();
    self->data = temp_path (self->directory, "data");
    self->log = temp_path (self->directory, "belfryd.log");
    self->context = zmq_ctx_new ();
    assert_non_null (self->context);
    return self;
}

char *
rig_log_text (const rig *self)
{
    FILE *file = fopen (self->log, "r");
    if (!file) {
        return copy ("", 0);
    }
    assert_int_equal (fseek (file, 0, SEEK_END), 0);
    long size = ftell (file);
    assert_true (size >= 0);
    rewind (file);
    char *text = calloc (1, (size_t)size + 1);
    assert_non_null (text);
    /* What is added meanwhile stays out. */
    size_t got = fread (text, 1, (size_t)size, file);
    text[got] = '\0';
    (void)fclose (file);
    return text;
}

static void
print_log (const rig *self)
{
    char *text = rig_log_text (self);
    print_error ("--- log of belfryd and belfry ---\n%s---\n", text);
    free (text);
}

void
rig_fail (const rig *self, const char *sentence)
{
    print_log (self);
    fail_msg ("%s", sentence);
    abort (); /* not reached: fail_msg leaves the test */
}

static void
forget_door (rig_door *door)
{
    free (door->tcp);
    free (door->ipc);
    *door = (rig_door){0};
}

static void
forget_doors (rig *self)
{
    forget_door (&self->commands);
    forget_door (&self->feed);
    forget_door (&self->monitor);
}

void
rig_destroy (rig **self_p)
{
    rig *self = *self_p;
    if (!self) {
        return;
    }
    *self_p = NULL;
    if (self->daemon.pid) {
        print_log (self);
        (void)kill (self->daemon.pid, SIGKILL);
        (void)process_wait (&self->daemon, RIG_DEADLINE_MS);
    }
    for (size_t i = 0; i < self->sockets.count; i++) {
        (void)zmq_close (self->sockets.items[i]);
    }
    bf_list_clear (&self->sockets);
    (void)zmq_ctx_term (self->context);
    forget_doors (self);
    free (self->data);
    free (self->log);
    temp_remove (self->directory);
    free (self);
}

static bool
names (const char *const *extra, const char *option)
{
    for (size_t i = 0; extra && extra[i]; i++) {
        if (strcmp (extra[i], option) == 0) {
            return true;
        }
    }
    return false;
}

/* Spawns belfryd with --data, the rig's doors where `extra` does not name them, and
 * `extra`. */
static void
spawn (rig *self, const char *const *extra)
{
    static const char *const options[] = {"--commands", "--feed", "--monitor"};
    const char *args[OWN_ARGUMENTS + MAX_ARGUMENTS + MAX_STARTER] = {NULL};
    char *ipc[3] = {NULL};
    size_t count = 0;
    for (; self->starter && self->starter[count]; count++) {
        assert_true (count < MAX_STARTER);
        args[count] = self->starter[count];
    }
    args[count++] = program (self->program ? self->program : "BELFRYD");
    args[count++] = "--data";
    args[count++] = self->data;
    for (size_t door = 0; door < 3; door++) {
        if (names (extra, options[door])) {
            continue;
        }
        size_t size = strlen (self->directory) + 32;
        ipc[door] = calloc (1, size);
        assert_non_null (ipc[door]);
        (void)snprintf (ipc[door], size, "ipc://%s/%s", self->directory, options[door] + 2);
        args[count++] = options[door];
        args[count++] = "tcp://127.0.0.1:*";
        args[count++] = options[door];
        args[count++] = ipc[door];
    }
    for (size_t i = 0; extra && extra[i]; i++) {
        assert_true (i < MAX_ARGUMENTS);
        args[count++] = extra[i];
    }
    process_start (&self->daemon, args[0], args + 1, self->log);
    for (size_t door = 0; door < 3; door++) {
        free (ipc[door]);
    }
}

/* Takes "NAME=EP,EP…" out of the ready line: the first endpoint of each transport. */
static void
read_door (const rig *self, rig_door *door, const char *line, const char *name)
{
    const char *at = strstr (line, name);
    if (!at) {
        rig_fail (self, "the ready line lacks a door");
    }
    at += strlen (name);
    while (*at && *at != ' ') {
        size_t size = strcspn (at, ", ");
        if (!door->tcp && strncmp (at, "tcp://", 6) == 0) {
            door->tcp = copy (at, size);
        } else if (!door->ipc && strncmp (at, "ipc://", 6) == 0) {
            door->ipc = copy (at, size);
        }
        at += size;
        if (*at == ',') {
            at++;
        }
    }
}

void
rig_start (rig *self, const char *const *extra)
{
    spawn (self, extra);
    char *line = process_line (&self->daemon, RIG_DEADLINE_MS);
    if (!line || strncmp (line, "ready ", 6) != 0) {
        free (line);
        rig_fail (self, "belfryd did not say that it is ready");
    }
    forget_doors (self);
    read_door (self, &self->commands, line, " commands=");
    read_door (self, &self->feed, line, " feed=");
    read_door (self, &self->monitor, line, " monitor=");
    free (line);
}

int
rig_wait (rig *self)
{
    int rc = process_wait (&self->daemon, RIG_DEADLINE_MS);
    if (rc < 0) {
        rig_fail (self, "belfryd did not end");
    }
    return rc;
}

int
rig_refused (rig *self, const char *const *extra)
{
    spawn (self, extra);
    char *line = process_line (&self->daemon, RIG_DEADLINE_MS);
    if (line) {
        free (line);
        rig_fail (self, "belfryd serves where it should have refused");
    }
    return rig_wait (self);
}

void
rig_stop (rig *self)
{
    process_signal (&self->daemon, SIGTERM);
    int rc = rig_wait (self);
    if (rc != 0) {
        print_log (self);
        fail_msg ("belfryd ended with %d instead of 0", rc);
    }
}

void
rig_kill (rig *self)
{
    process_signal (&self->daemon, SIGKILL);
    assert_int_equal (rig_wait (self), 128 + SIGKILL);
}

int
rig_belfry (rig *self, const char *const *args, char **output)
{
    const char *commands = self->commands.tcp ? self->commands.tcp : self->commands.ipc;
    char setting[ENDPOINT_BYTES];
    int size =
        snprintf (setting, sizeof setting, "BELFRY_COMMANDS=%s", commands ? commands : "");
    assert_true (size > 0 && (size_t)size < sizeof setting);
    /* Through env, and not by setenv: other threads of the test may read theirs. */
    const char *all[MAX_ARGUMENTS] = {setting, program ("BELFRY")};
    for (size_t i = 0; args[i]; i++) {
        assert_true (i + 3 < MAX_ARGUMENTS);
        all[i + 2] = args[i];
    }
    process belfry = {0};
    process_start (&belfry, "/usr/bin/env", all, self->log);
    char *text = process_output (&belfry, RIG_DEADLINE_MS);
    if (!text) {
        (void)kill (belfry.pid, SIGKILL);
        (void)process_wait (&belfry, RIG_DEADLINE_MS);
        rig_fail (self, "belfry did not end");
    }
    if (output) {
        *output = text;
    } else {
        free (text);
    }
    return process_wait (&belfry, RIG_DEADLINE_MS);
}

int
rig_bound_sanitizer (void **state)
{
    (void)state;
    const char *options = getenv ("ASAN_OPTIONS");
    char text[512];
    (void)snprintf (text, sizeof text,
                    "%s:quarantine_size_mb=8:allocator_release_to_os_interval_ms=100",
                    options ? options : "");
    return setenv ("ASAN_OPTIONS", text, 1);
}
