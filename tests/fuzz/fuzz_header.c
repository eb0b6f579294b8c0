/* SPDX-License-Identifier: MPL-2.0
 *
 * bf_header_check: judges any first bytes of belfry.db as SQLite's documentation of the
 * header does, with a sentence, and leaves the file as it is. The first byte says whether a
 * WAL and a journal lie beside it.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>
#include <unistd.h>

#include "persist/database.h"
#include "persist/header.h"

#define KNOWN_VERSION 3

static uint32_t
number_at (const uint8_t *bytes, size_t offset)
{
    return (uint32_t)bytes[offset] << 24 | (uint32_t)bytes[offset + 1] << 16 |
           (uint32_t)bytes[offset + 2] << 8 | bytes[offset + 3];
}

static bf_err
expected (const uint8_t *bytes, size_t size, bool wal, bool journal)
{
    static const uint8_t zeros[100];
    if (size == 0) {
        return wal ? BF_ECORRUPT : BF_OK;
    }
    if (size < 100) {
        return BF_ECORRUPT;
    }
    if (memcmp (bytes, "SQLite format 3", 16) != 0) {
        return journal && memcmp (bytes, zeros, 100) == 0 ? BF_OK : BF_EFOREIGN;
    }
    if (number_at (bytes, 68) != BF_APPLICATION_ID) {
        return BF_EFOREIGN;
    }
    return (int32_t)number_at (bytes, 60) > KNOWN_VERSION ? BF_ENEWER : BF_OK;
}

static void
put_beside (const char *name, bool there)
{
    char path[FUZZ_PATH_BYTES];
    if (there) {
        fuzz_write (fuzz_path (name, path), "log", 3);
    } else {
        unlink (fuzz_path (name, path));
    }
}

static void
check_untouched (const char *path, const uint8_t *bytes, size_t size)
{
    uint8_t *now = malloc (size + 1);
    FILE *file = fopen (path, "rb");
    FUZZ_CHECK (now != NULL && file != NULL, "%s is gone", path);
    FUZZ_CHECK (fread (now, 1, size + 1, file) == size &&
                    (size == 0 || memcmp (now, bytes, size) == 0),
                "%s was changed", path);
    fclose (file);
    free (now);
}

int
LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t size)
{
    char path[FUZZ_PATH_BYTES];
    fuzz_input input = {bytes, size};
    uint8_t beside = fuzz_byte (&input);
    bool wal = (beside & 1) != 0, journal = (beside & 2) != 0;
    put_beside ("belfry.db-wal", wal);
    put_beside ("belfry.db-journal", journal);
    fuzz_write (fuzz_path ("belfry.db", path), input.at, input.size);
    bf_error error = {0};
    bf_err rc = bf_header_check (path, KNOWN_VERSION, &error);
    bf_err wanted = expected (input.at, input.size, wal, journal);
    FUZZ_CHECK (rc == wanted, "%s, not %s: %s", bf_err_name (rc), bf_err_name (wanted),
                error.text);
    FUZZ_CHECK (rc == BF_OK || (error.code == rc && strstr (error.text, path) != NULL),
                "a refusal that does not name the file: %s", error.text);
    check_untouched (path, input.at, input.size);
    return 0;
}
