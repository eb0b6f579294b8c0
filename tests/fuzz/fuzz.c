/* SPDX-License-Identifier: MPL-2.0
 *
 * See fuzz.h.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

char *
fuzz_text (const void *bytes, size_t size)
{
    char *text = malloc (size + 1);
    FUZZ_CHECK (text != NULL, "no memory");
    if (size > 0) {
        memcpy (text, bytes, size);
    }
    text[size] = '\0';
    return text;
}

uint8_t
fuzz_byte (fuzz_input *input)
{
    if (input->size == 0) {
        return 0;
    }
    input->size--;
    return *input->at++;
}

static fuzz_input
take (fuzz_input *input, size_t size)
{
    fuzz_input part = {input->at, size < input->size ? size : input->size};
    input->at += part.size;
    input->size -= part.size;
    return part;
}

fuzz_input
fuzz_part (fuzz_input *input)
{
    size_t low = fuzz_byte (input);
    size_t high = fuzz_byte (input);
    return take (input, low | high << 8);
}

char *
fuzz_text_until (fuzz_input *input, char mark)
{
    const uint8_t *end = input->size > 0 ? memchr (input->at, mark, input->size) : NULL;
    fuzz_input part = take (input, end != NULL ? (size_t)(end - input->at) : input->size);
    if (end != NULL) {
        fuzz_byte (input);
    }
    return fuzz_text (part.at, part.size);
}

static char directory[64];

static void
remove_directory (void)
{
    DIR *listing = opendir (directory);
    struct dirent *entry;
    while (listing != NULL && (entry = readdir (listing)) != NULL) {
        char path[FUZZ_PATH_BYTES + 64];
        snprintf (path, sizeof path, "%s/%s", directory, entry->d_name);
        if (entry->d_name[0] != '.') {
            unlink (path);
        }
    }
    if (listing != NULL) {
        closedir (listing);
    }
    rmdir (directory);
}

const char *
fuzz_directory (void)
{
    if (directory[0] == '\0') {
        /* In memory, where there is such a place: a write per input is much for a disk. */
        const char *place = access ("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf (directory, sizeof directory, "%s/belfry-fuzz-XXXXXX", place);
        FUZZ_CHECK (mkdtemp (directory) != NULL, "%s cannot be made", directory);
        atexit (remove_directory);
    }
    return directory;
}

const char *
fuzz_path (const char *name, char path[FUZZ_PATH_BYTES])
{
    snprintf (path, FUZZ_PATH_BYTES, "%s/%s", fuzz_directory (), name);
    return path;
}

void
fuzz_write (const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen (path, "wb");
    FUZZ_CHECK (file != NULL, "%s cannot be written", path);
    size_t written = size > 0 ? fwrite (bytes, 1, size, file) : 0;
    FUZZ_CHECK (fclose (file) == 0 && written == size, "%s is not all there", path);
}
