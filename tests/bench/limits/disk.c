/* SPDX-License-Identifier: MPL-2.0
 *
 * How long the disk takes to make 4 KiB durable: behind the end of a file, which makes the
 * file system write its own books too, and over what is there already, as a log does that
 * is used again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/limits/limits.h"

#define PAGE_BYTES ((size_t)4096)
/* Over and over the same so many pages, 16 MiB, as the log of the database. */
#define PAGES 4096

static void
write_page (int fd, const char *page, size_t at)
{
    ssize_t wrote = pwrite (fd, page, PAGE_BYTES, (off_t)(at * PAGE_BYTES));
    limits_require (wrote == (ssize_t)PAGE_BYTES, "a page cannot be written: %s",
                    strerror (errno));
}

static void
run_once (const limits_options *options, const char *path, limits_case about, bool again)
{
    static char page[PAGE_BYTES];
    double *took_us = limits_take (options->calls * sizeof *took_us);
    int fd = open (path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    limits_require (fd >= 0, "%s: %s", path, strerror (errno));
    /* Written, not merely allocated: the first write to an allocated page is an append to
     * the file system. */
    for (size_t i = 0; again && i < PAGES; i++) {
        write_page (fd, page, i);
    }
    limits_require (fsync (fd) == 0, "%s: %s", path, strerror (errno));
    int64_t began_ns = limits_now_ns ();
    for (size_t i = 0; i < options->calls; i++) {
        memset (page, (int)i, sizeof page);
        int64_t from_ns = limits_now_ns ();
        write_page (fd, page, again ? i % PAGES : i);
        limits_require (fdatasync (fd) == 0, "%s: %s", path, strerror (errno));
        took_us[i] = (double)(limits_now_ns () - from_ns) / 1e3;
    }
    double took_s = (double)(limits_now_ns () - began_ns) / 1e9;
    close (fd);
    unlink (path);
    limits_report (about, "rate", "syncs/s", (double)options->calls / took_s);
    limits_report_tail (about, took_us, options->calls);
    free (took_us);
}

void
limits_disk (const limits_options *options)
{
    if (!limits_wanted (options, "sync")) {
        return;
    }
    limits_say ("sync: %zu of 4 KiB", options->calls);
    char *directory = limits_directory_make (options->data);
    char *path = limits_text ("%s/page", directory);
    for (int run = 0; run < options->runs; run++) {
        run_once (options, path, (limits_case){"sync", "append", NULL}, false);
        run_once (options, path, (limits_case){"sync", "overwrite", NULL}, true);
    }
    limits_report_end (options->json);
    free (path);
    limits_directory_remove (&directory);
}
