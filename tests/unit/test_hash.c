/* SPDX-License-Identifier: MPL-2.0
 *
 * Hashes that are written down: published test vectors, which must hold for ever.
 */
#include "core/base/hash.h"

#include <string.h>

#include "tests/support/cmocka.h"

static void
test_fnv (void **state)
{
    (void)state;
    /* From the authors' test suite for FNV-1a, 64 bit. */
    static const struct {
        const char *text;
        uint64_t hash;
    } rows[] = {
        {"", UINT64_C (0xcbf29ce484222325)},       {"a", UINT64_C (0xaf63dc4c8601ec8c)},
        {"b", UINT64_C (0xaf63df4c8601f1a5)},      {"foo", UINT64_C (0xdcb27518fed9d577)},
        {"foobar", UINT64_C (0x85944171f73967e8)},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true (bf_hash (rows[i].text, strlen (rows[i].text)) == rows[i].hash);
    }
    assert_true (bf_hash (NULL, 0) == rows[0].hash);
}

static void
test_mix (void **state)
{
    (void)state;
    /* SplitMix64 with seed 0: its states are multiples of the golden gamma. */
    static const uint64_t gamma = UINT64_C (0x9e3779b97f4a7c15);
    static const uint64_t rows[] = {
        UINT64_C (0xe220a8397b1dcdaf),
        UINT64_C (0x6e789e6aa1b965f4),
        UINT64_C (0x06c45d188009454f),
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_true (bf_mix (gamma * (i + 1)) == rows[i]);
    }
    assert_true (bf_mix (0) == 0);
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_fnv),
        cmocka_unit_test (test_mix),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
