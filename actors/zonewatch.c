/* SPDX-License-Identifier: MPL-2.0
 *
 * A tree of inotify watches. It is walked again whenever something changed, because a new
 * directory is one that nobody watches yet; a directory that is watched already keeps its
 * watch.
 */
#include "actors/zonewatch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "persist/zoneinfo.h"

/* Names have few parts: America/Argentina/Buenos_Aires. */
#define DEPTH 4

/* A file that was written, replaced, or taken away; a directory that was. */
#define CHANGES                                                             \
    (IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE | IN_DELETE | \
     IN_DELETE_SELF | IN_MOVE_SELF)

struct bf_zonewatch {
    int fd;
    char *directory;
};

static bool
is_copy (const char *name)
{
    return strcmp (name, "right") == 0 || strcmp (name, "posix") == 0;
}

static bool
is_directory (const char *path)
{
    struct stat facts;
    return lstat (path, &facts) == 0 && S_ISDIR (facts.st_mode);
}

static int watch (const bf_zonewatch *self, const char *path, int depth);

/* Those below it. 0, or an errno. What goes away meanwhile was told of. */
static int
watch_below (const bf_zonewatch *self, const char *path, int depth)
{
    DIR *directory = opendir (path);
    if (!directory) {
        return errno == ENOENT && depth > 0 ? 0 : errno;
    }
    int failed = 0;
    const struct dirent *entry;
    while (!failed && (entry = readdir (directory)) != NULL) {
        char below[PATH_MAX];
        bool hidden = entry->d_name[0] == '.';
        if (hidden || (depth == 0 && is_copy (entry->d_name)) ||
            snprintf (below, sizeof below, "%s/%s", path, entry->d_name) >=
                (int)sizeof below) {
            continue;
        }
        if (is_directory (below)) {
            failed = watch (self, below, depth + 1);
        }
    }
    closedir (directory);
    return failed;
}

static int
watch (const bf_zonewatch *self, const char *path, int depth)
{
    if (inotify_add_watch (self->fd, path, CHANGES | IN_ONLYDIR) < 0) {
        return (errno == ENOENT || errno == ENOTDIR) && depth > 0 ? 0 : errno;
    }
    return depth < DEPTH ? watch_below (self, path, depth) : 0;
}

bf_err
bf_zonewatch_open (bf_zonewatch **self_p, const char *directory, bf_error *error)
{
    bf_zonewatch *self = calloc (1, sizeof *self);
    if (!self) {
        return bf_fail_plain (error, BF_ENOMEM);
    }
    self->directory = strdup (directory ? directory : BF_ZONEINFO_DIRECTORY);
    self->fd = self->directory ? inotify_init1 (IN_NONBLOCK | IN_CLOEXEC) : -1;
    int failed = ENOMEM;
    if (self->directory) {
        failed = self->fd < 0 ? errno : watch (self, self->directory, 0);
    }
    if (failed) {
        bool limit = failed == ENOSPC || failed == EMFILE || failed == ENFILE;
        bf_err rc = failed == ENOMEM ? BF_ENOMEM : limit ? BF_ELIMIT : BF_EINVALID;
        /* ENOSPC is no full disk here: the user has no more watches. */
        const char *reason =
            failed == ENOSPC ? "fs.inotify.max_user_watches is used up" : strerror (failed);
        bf_fail (error, rc, "%s cannot be watched: %s",
                 self->directory ? self->directory : "the zone directory", reason);
        bf_zonewatch_destroy (&self);
        return rc;
    }
    *self_p = self;
    return BF_OK;
}

void
bf_zonewatch_destroy (bf_zonewatch **self_p)
{
    bf_zonewatch *self = *self_p;
    if (self) {
        *self_p = NULL;
        if (self->fd >= 0) {
            close (self->fd);
        }
        free (self->directory);
        free (self);
    }
}

int
bf_zonewatch_fd (const bf_zonewatch *self)
{
    return self->fd;
}

bool
bf_zonewatch_take (bf_zonewatch *self)
{
    char events[4096];
    bool changed = false;
    while (read (self->fd, events, sizeof events) > 0) {
        changed = true;
    }
    if (changed) {
        /* Where it fails, what is watched already stays so. */
        watch (self, self->directory, 0);
    }
    return changed;
}
