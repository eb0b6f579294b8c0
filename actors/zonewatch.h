/* SPDX-License-Identifier: MPL-2.0
 *
 * Notices when files of the zone directory change, through inotify: costs nothing while
 * they do not. What changed is not said; whoever asks looks at the files. The clock
 * actor's; one thread.
 */
#ifndef BF_ACTORS_ZONEWATCH_H
#define BF_ACTORS_ZONEWATCH_H

#include <stdbool.h>

#include "core/base/errors.h"

typedef struct bf_zonewatch bf_zonewatch;

/* Watches the directory (NULL: the usual one) and those below it, but for right/ and
 * posix/, which hold the same once more. BF_ELIMIT, BF_EINVALID with a sentence: it cannot
 * be watched, as where the kernel has no inotify or there is no such directory. BF_ENOMEM.
 */
bf_err bf_zonewatch_open (bf_zonewatch **self_p, const char *directory, bf_error *error);
/* Accepts NULL. */
void bf_zonewatch_destroy (bf_zonewatch **self_p);

/* Readable when there is something to take. */
int bf_zonewatch_fd (const bf_zonewatch *self);

/* Takes what there is: true where something changed. Watches what has been added since. */
bool bf_zonewatch_take (bf_zonewatch *self);

#endif
