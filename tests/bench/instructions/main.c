/* SPDX-License-Identifier: MPL-2.0
 *
 * Walks the hot paths with the same data in every run, and prints how many operations each
 * had, in their order. scripts/instructions runs it in callgrind, which counts the
 * instructions below instructions_counted and writes them down at each
 * instructions_path_end. It judges nothing, and reads no clock.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/instructions/instructions.h"

/* Something to do after the call, so that it is one and no jump, and that nobody leaves the
 * functions out. */
static volatile size_t n_steps, n_paths;

__attribute__ ((noinline)) void
instructions_counted (instructions_step *step, void *context)
{
    step (context);
    n_steps = n_steps + 1;
}

__attribute__ ((noinline)) void
instructions_path_end (const char *name, size_t n_operations)
{
    printf ("%s\t%zu\n", name, n_operations);
    n_paths = n_paths + 1;
}

void
instructions_require (bool holds, const char *format, ...)
{
    if (!holds) {
        va_list arguments;
        va_start (arguments, format);
        fputs ("instructions: ", stderr);
        vfprintf (stderr, format, arguments);
        fputc ('\n', stderr);
        va_end (arguments);
        exit (1);
    }
}

int
main (void)
{
    instructions_store ();
    instructions_calendar ();
    return 0;
}
