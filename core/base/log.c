/* SPDX-License-Identifier: MPL-2.0
 *
 * Log lines: put together on the stack, written with one call, so that lines of several
 * threads never mix and nothing is allocated. What does not fit is cut.
 */
#include "core/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "core/base/time.h"

/* Fits PIPE_BUF, within which a write to a pipe is not torn. */
#define LINE_BYTES 4096

static atomic_int threshold = BF_LOG_INFO;

void
bf_log_set_level (bf_log_level level)
{
    atomic_store_explicit (&threshold, (int)level, memory_order_relaxed);
}

bool
bf_log_enabled (bf_log_level level)
{
    return (int)level <= atomic_load_explicit (&threshold, memory_order_relaxed);
}

static const char *
level_name (bf_log_level level)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    return names[level];
}

/* snprintf says how long the line would have been; this is how long it is. */
static size_t
clip (size_t used, int printed)
{
    size_t room = LINE_BYTES - used;
    if (printed < 0) {
        return used;
    }
    return (size_t)printed < room ? used + (size_t)printed : LINE_BYTES - 1;
}

static void
write_line (const char *line, size_t size)
{
    ssize_t written;
    do {
        written = write (STDERR_FILENO, line, size);
    } while (written < 0 && errno == EINTR);
}

void
bf_log (bf_log_level level, const char *actor, const char *text, const char *format, ...)
{
    if (!bf_log_enabled (level)) {
        return;
    }
    int saved = errno;
    char line[LINE_BYTES];
    char stamp[BF_ISO_BYTES];
    size_t used =
        clip (0, snprintf (line, sizeof line, "ts=%s level=%s actor=%s msg=\"%s\"",
                           bf_wall_format (bf_now_read ().wall, stamp), level_name (level),
                           actor, text));
    if (format[0] != '\0') {
        used = clip (used, snprintf (line + used, sizeof line - used, " "));
        va_list arguments;
        va_start (arguments, format);
        used = clip (used, vsnprintf (line + used, sizeof line - used, format, arguments));
        va_end (arguments);
    }
    for (size_t i = 0; i < used; i++) {
        unsigned char byte = (unsigned char)line[i];
        if (byte < 0x20 || byte == 0x7f) {
            line[i] = '?';
        }
    }
    /* In place of the terminating NUL. */
    line[used] = '\n';
    write_line (line, used + 1);
    errno = saved;
}
