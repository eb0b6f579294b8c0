/* SPDX-License-Identifier: MPL-2.0
 *
 * Findings and progress for people and programs.
 */
#include "apps/belfry/offline.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "apps/belfry/text.h"
#include "apps/belfry/utf8.h"
#include "core/base/time.h"

/* Between two reports of progress on a terminal, and elsewhere. */
#define TERMINAL_US (200 * BF_MS_US)
#define LINES_US BF_SECOND_US

bf_cli_exit
bf_cli_exit_of_database (bf_err err)
{
    switch (err) {
    case BF_OK:
        return BF_CLI_DONE;
    case BF_ENOTFOUND:
    case BF_EINVALID:
        return BF_CLI_USAGE;
    case BF_ELOCKED:
        return BF_CLI_LOCKED;
    case BF_ECORRUPT:
        return BF_CLI_CORRUPT;
    case BF_EFOREIGN:
        return BF_CLI_FOREIGN;
    case BF_ENEWER:
    case BF_EVERSION:
        return BF_CLI_NEWER;
    case BF_EIO:
    case BF_EDISKFULL:
        return BF_CLI_DISK;
    default:
        return BF_CLI_REFUSED;
    }
}

void
bf_cli_json_text (FILE *out, const char *text)
{
    fputc ('"', out);
    for (size_t left = strlen (text); left > 0;) {
        uint32_t character;
        size_t size = bf_cli_utf8_next ((const uint8_t *)text, left, &character);
        if (size == 0) {
            fputc ('?', out);
            size = 1;
        } else if (character == '"' || character == '\\') {
            fprintf (out, "\\%c", (int)character);
        } else if (character < ' ') {
            fprintf (out, "\\u%04x", (unsigned)character);
        } else {
            fwrite (text, 1, size, out);
        }
        text += size;
        left -= size;
    }
    fputc ('"', out);
}

static void
clear_line (bf_cli_examiner *self)
{
    if (self->shown && self->terminal) {
        fputs ("\r\033[K", stderr);
        fflush (stderr);
        self->shown = false;
    }
}

static uint64_t
percent (uint64_t done, uint64_t total)
{
    return done >= total ? 100 : (uint64_t)((double)done / (double)total * 100);
}

static void
on_progress (const char *phase, uint64_t done, uint64_t total, void *context)
{
    bf_cli_examiner *self = context;
    int64_t now_us = bf_now_read ().boot.us;
    if (!self->phase || strcmp (self->phase, phase) != 0) {
        self->phase = phase;
        self->begun_us = now_us;
    }
    if ((!self->terminal && !self->progress) || now_us < self->next_us) {
        return;
    }
    self->next_us = now_us + (self->terminal ? TERMINAL_US : LINES_US);
    fprintf (stderr, "%sbelfry: %s", self->terminal ? "\r" : "", phase);
    if (total > 0) {
        fprintf (stderr, " %" PRIu64 " of %" PRIu64 " (%" PRIu64 " %%)", done, total,
                 percent (done, total));
    } else {
        /* SQLite does not say how far it is. */
        fprintf (stderr, ", for %" PRId64 " s", (now_us - self->begun_us) / BF_SECOND_US);
    }
    fputs (self->terminal ? "\033[K" : "\n", stderr);
    fflush (stderr);
    self->shown = true;
}

static void
on_finding (const bf_finding *finding, void *context)
{
    bf_cli_examiner *self = context;
    clear_line (self);
    self->kinds |= 1U << (unsigned)finding->kind;
    self->advice[finding->kind] = finding->advice;
    if (self->json) {
        fprintf (self->out,
                 "{\"kind\":\"%s\",\"row\":", bf_check_kind_name (finding->kind));
        bf_cli_json_text (self->out, finding->row);
        fputs (",\"what\":", self->out);
        bf_cli_json_text (self->out, finding->what);
        fputs (",\"advice\":", self->out);
        bf_cli_json_text (self->out, finding->advice);
        fputs ("}\n", self->out);
        return;
    }
    fprintf (self->out, "%s: ", bf_check_kind_name (finding->kind));
    bf_cli_text_put (self->out, finding->row);
    fputs (": ", self->out);
    bf_cli_text_put (self->out, finding->what);
    fputc ('\n', self->out);
}

bf_check_watch
bf_cli_examiner_watch (bf_cli_examiner *self)
{
    self->terminal = isatty (STDERR_FILENO) == 1;
    return (bf_check_watch){on_finding, on_progress, self};
}

void
bf_cli_examiner_end (bf_cli_examiner *self)
{
    clear_line (self);
    if (self->json || self->kinds == 0) {
        return;
    }
    fputs ("What to do:\n", self->out);
    for (bf_check_kind kind = 0; kind < BF_CHECK_KINDS; kind++) {
        if (self->kinds >> (unsigned)kind & 1U) {
            size_t column = 4 + strlen (bf_check_kind_name (kind));
            fprintf (self->out, "  %s: ", bf_check_kind_name (kind));
            bf_cli_wrap (self->out, self->advice[kind], 4, column);
            fputc ('\n', self->out);
        }
    }
}

void
bf_cli_show_summary (FILE *out, bool json, const char *path,
                     const bf_check_summary *summary)
{
    if (json) {
        fputs ("{\"path\":", out);
        bf_cli_json_text (out, path);
        fprintf (out,
                 ",\"findings\":\"%" PRIu64 "\",\"jobs\":\"%" PRIu64
                 "\",\"runs\":\"%" PRIu64 "\",\"stretches\":\"%" PRIu64
                 "\",\"events\":\"%" PRIu64 "\",\"answers\":\"%" PRIu64
                 "\",\"operations\":\"%" PRIu64 "\",\"oldest_seq\":\"%" PRIu64
                 "\",\"head_seq\":\"%" PRIu64 "\",\"stream_epoch\":\"%" PRIu64
                 "\",\"bytes\":\"%" PRIu64 "\",\"schema\":%d}\n",
                 summary->findings, summary->jobs, summary->runs, summary->stretches,
                 summary->events, summary->answers, summary->operations,
                 summary->oldest_seq, summary->head_seq, summary->stream_epoch,
                 summary->bytes, summary->schema);
        return;
    }
    bf_cli_text_put (out, path);
    fprintf (out,
             ": %s: %" PRIu64 " jobs, %" PRIu64 " runs, %" PRIu64 " events (%" PRIu64
             "..%" PRIu64 "), %" PRIu64 " answers, %" PRIu64 " bytes",
             summary->findings ? "DAMAGED" : "ok", summary->jobs, summary->runs,
             summary->events, summary->oldest_seq, summary->head_seq, summary->answers,
             summary->bytes);
    if (summary->findings > 0) {
        fprintf (out, "; %" PRIu64 " findings%s", summary->findings,
                 summary->findings > BF_FINDINGS_TOLD ? ", the first 100 are above" : "");
    }
    fputc ('\n', out);
}
