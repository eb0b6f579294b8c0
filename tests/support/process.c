/* SPDX-License-Identifier: MPL-2.0
 *
 * A child program of a test; see process.h. The end of its stdout stands for its end, since
 * a pipe can be polled with a deadline and waitpid cannot.
 */
#include "tests/support/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/time.h"
#include "tests/support/cmocka.h"

extern char **environ;

/* Tests may have blocked or ignored signals; the child starts like any other program. */
static void
default_signals (posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    sigemptyset (&none);
    sigfillset (&all);
    assert_int_equal (posix_spawnattr_init (attributes), 0);
    assert_int_equal (posix_spawnattr_setsigmask (attributes, &none), 0);
    assert_int_equal (posix_spawnattr_setsigdefault (attributes, &all), 0);
    assert_int_equal (posix_spawnattr_setflags (attributes, POSIX_SPAWN_SETSIGMASK |
                                                                POSIX_SPAWN_SETSIGDEF),
                      0);
}

static char **
with_name (const char *program, const char *const *args)
{
    size_t count = 0;
    while (args[count]) {
        count++;
    }
    char **argv = calloc (count + 2, sizeof *argv);
    assert_non_null (argv);
    /* posix_spawn takes char *const[], but changes nothing. */
    argv[0] = (char *)(uintptr_t)program;
    for (size_t i = 0; i < count; i++) {
        argv[i + 1] = (char *)(uintptr_t)args[i];
    }
    return argv;
}

void
process_start (process *self, const char *program, const char *const *args,
               const char *errors)
{
    assert_int_equal (self->pid, 0);
    int ends[2];
    assert_int_equal (pipe (ends), 0);
    /* Neither end may live on in a later child: the end of file would never come. */
    assert_int_not_equal (fcntl (ends[0], F_SETFD, FD_CLOEXEC), -1);
    assert_int_not_equal (fcntl (ends[1], F_SETFD, FD_CLOEXEC), -1);

    posix_spawn_file_actions_t actions;
    assert_int_equal (posix_spawn_file_actions_init (&actions), 0);
    assert_int_equal (posix_spawn_file_actions_adddup2 (&actions, ends[1], STDOUT_FILENO),
                      0);
    assert_int_equal (posix_spawn_file_actions_addopen (&actions, STDERR_FILENO, errors,
                                                        O_WRONLY | O_CREAT | O_APPEND,
                                                        0600),
                      0);
    posix_spawnattr_t attributes;
    default_signals (&attributes);
    char **argv = with_name (program, args);
    int rc = posix_spawn (&self->pid, program, &actions, &attributes, argv, environ);
    free (argv);
    posix_spawnattr_destroy (&attributes);
    posix_spawn_file_actions_destroy (&actions);
    close (ends[1]);
    if (rc != 0) {
        self->pid = 0;
        close (ends[0]);
        fail_msg ("cannot start %s: %s", program, strerror (rc));
    }
    self->output = ends[0];
}

/* One read from its stdout: the number of bytes, 0 at the end, -1 after the deadline. */
static ssize_t
read_some (const process *self, char *bytes, size_t size, bf_boot deadline)
{
    for (;;) {
        int64_t left_us = deadline.us - bf_now_read ().boot.us;
        if (left_us < 0) {
            left_us = 0;
        }
        struct pollfd item = {.fd = self->output, .events = POLLIN};
        int rc = poll (&item, 1, (int)(left_us / BF_MS_US));
        if (rc == 0) {
            return -1;
        }
        if (rc > 0) {
            ssize_t count = read (self->output, bytes, size);
            if (count >= 0) {
                return count;
            }
        }
        assert_int_equal (errno, EINTR);
    }
}

static bf_boot
deadline_in (int wait_ms)
{
    return (bf_boot){.us = bf_now_read ().boot.us + wait_ms * BF_MS_US};
}

/* Reads up to a newline (`line`) or to the end of the file. */
static char *
read_text (const process *self, bool line, int wait_ms)
{
    bf_boot deadline = deadline_in (wait_ms);
    size_t count = 0;
    size_t capacity = 256;
    char *text = malloc (capacity);
    assert_non_null (text);
    for (;;) {
        if (count + 1 == capacity) {
            capacity *= 2;
            text = realloc (text, capacity);
            assert_non_null (text);
        }
        /* A line byte by byte, so that nothing behind it is taken. */
        ssize_t got =
            read_some (self, text + count, line ? 1 : capacity - count - 1, deadline);
        if (got < 0 || (got == 0 && line)) {
            free (text);
            return NULL;
        }
        if (got == 0 || (line && text[count] == '\n')) {
            text[count] = '\0';
            return text;
        }
        count += (size_t)got;
    }
}

char *
process_line (process *self, int wait_ms)
{
    return read_text (self, true, wait_ms);
}

char *
process_output (process *self, int wait_ms)
{
    return read_text (self, false, wait_ms);
}

bool
process_has_ended (const process *self)
{
    struct pollfd item = {.fd = self->output};
    return poll (&item, 1, 0) == 1 && item.revents & POLLHUP;
}

void
process_signal (process *self, int number)
{
    assert_true (self->pid > 0);
    assert_int_equal (kill (self->pid, number), 0);
}

int
process_wait (process *self, int wait_ms)
{
    assert_true (self->pid > 0);
    char *rest = process_output (self, wait_ms);
    if (!rest) {
        return -1;
    }
    free (rest);
    int status = 0;
    pid_t ended = 0;
    do {
        ended = waitpid (self->pid, &status, 0);
    } while (ended < 0 && errno == EINTR);
    assert_int_equal (ended, self->pid);
    close (self->output);
    *self = (process){0};
    return WIFSIGNALED (status) ? 128 + WTERMSIG (status) : WEXITSTATUS (status);
}
