/* SPDX-License-Identifier: MPL-2.0
 *
 * The test's side of the failpoints (core/base/failpoint.h): says to a program that is
 * built with them, and started with `setting` in its environment, where to end. Armed
 * before its start or while it runs.
 */
#ifndef BF_TESTS_FAILPOINTS_H
#define BF_TESTS_FAILPOINTS_H

#include <stdbool.h>

#include "tests/crash/failpoint.h"

typedef struct {
    failpoint_order *order;
    char *path;
    char *setting; /* "NAME=VALUE", for env */
} failpoints;

/* The order is a file in this directory. */
failpoints *failpoints_new (const char *directory);
void failpoints_destroy (failpoints **self_p);

/* At this point, when it was passed so often before. The last order must have been carried
 * out. */
void failpoints_arm (failpoints *self, const char *point, long skip,
                     failpoint_action action);

/* Whether there is an order that was not carried out. */
bool failpoints_armed (const failpoints *self);

#endif
