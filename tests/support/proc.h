/* SPDX-License-Identifier: MPL-2.0
 *
 * What the kernel says of a running process: for tests that bound what a daemon holds.
 */
#ifndef BF_TESTS_PROC_H
#define BF_TESTS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Open descriptors. */
size_t proc_descriptors (pid_t pid);

/* Waits until it has at most so many; false when the rig's deadline passed. */
bool proc_await_descriptors (pid_t pid, size_t count);

/* Waits until a signal has stopped it; false when the rig's deadline passed. */
bool proc_await_stopped (pid_t pid);

/* Resident memory, and the same for it. */
size_t proc_resident_bytes (pid_t pid);
bool proc_await_resident (pid_t pid, size_t bytes);

#endif
