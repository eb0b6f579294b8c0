/* SPDX-License-Identifier: MPL-2.0
 *
 * A child program of a test: its stdout is read through a pipe, its stderr goes to a file.
 * What cannot be started fails the test. Every wait has a deadline.
 */
#ifndef BF_TESTS_PROCESS_H
#define BF_TESTS_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/* Zero-initialise before the first start. */
typedef struct {
    pid_t pid;  /* 0 while it does not run */
    int output; /* its stdout, while it runs */
} process;

/* Starts `program` with `args` (ended by NULL, without the program's own name), the test's
 * environment, default signal handling, and no signal blocked; stderr is appended to the
 * file `errors`. */
void process_start (process *self, const char *program, const char *const *args,
                    const char *errors);

/* The next line of its stdout, without the newline, the caller's to free. NULL at the end,
 * or when wait_ms have passed. */
char *process_line (process *self, int wait_ms);

/* All the rest of its stdout up to its end, the caller's to free; NULL when wait_ms have
 * passed. */
char *process_output (process *self, int wait_ms);

/* Whether it has ended. It still has to be waited for. */
bool process_has_ended (const process *self);

void process_signal (process *self, int number);

/* Waits for its end and reaps it: its exit code, or 128 + the signal that ended it; -1 when
 * wait_ms have passed. What it still says on stdout is thrown away. */
int process_wait (process *self, int wait_ms);

#endif
