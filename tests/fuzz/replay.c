/* SPDX-License-Identifier: MPL-2.0
 *
 * The main of a fuzz target where there is no libFuzzer: gives it every file that is named,
 * or lies in a folder that is named, once. For debuggers, too.
 */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

/* libFuzzer's, which a mutator calls; nobody mutates here. */
size_t
LLVMFuzzerMutate (uint8_t *bytes, size_t size, size_t room)
{
    (void)bytes;
    (void)room;
    return size;
}

static void
replay_file (const char *path)
{
    FILE *file = fopen (path, "rb");
    FUZZ_CHECK (file != NULL, "%s cannot be read", path);
    uint8_t *bytes = NULL;
    size_t size = 0;
    size_t got;
    do {
        bytes = realloc (bytes, size + 4096);
        FUZZ_CHECK (bytes != NULL, "no memory");
        got = fread (bytes + size, 1, 4096, file);
        size += got;
    } while (got > 0);
    fclose (file);
    /* Said before, so that the last one said is the one that did not end well. */
    printf ("%s\n", path);
    fflush (stdout);
    uint8_t *exact = (uint8_t *)fuzz_text (bytes, size);
    exact = realloc (exact, size > 0 ? size : 1);
    LLVMFuzzerTestOneInput (exact, size);
    free (exact);
    free (bytes);
}

static size_t
replay_folder (const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir (path, &entries, NULL, alphasort);
    FUZZ_CHECK (count >= 0, "%s cannot be listed", path);
    size_t replayed = 0;
    for (int i = 0; i < count; i++) {
        char file[4096];
        snprintf (file, sizeof file, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            replay_file (file);
            replayed++;
        }
        free (entries[i]);
    }
    free (entries);
    return replayed;
}

int
main (int count, char **arguments)
{
    size_t replayed = 0;
    for (int i = 1; i < count; i++) {
        struct stat facts;
        FUZZ_CHECK (stat (arguments[i], &facts) == 0, "there is no %s", arguments[i]);
        if (S_ISDIR (facts.st_mode)) {
            replayed += replay_folder (arguments[i]);
        } else {
            replay_file (arguments[i]);
            replayed++;
        }
    }
    printf ("%zu inputs\n", replayed);
    return replayed > 0 ? 0 : 1;
}
