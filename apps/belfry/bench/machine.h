/* SPDX-License-Identifier: MPL-2.0
 *
 * What the figures were measured on: a figure without its machine says nothing.
 */
#ifndef BF_BENCH_MACHINE_H
#define BF_BENCH_MACHINE_H

typedef struct {
    char cpu[128];
    long cores;
    char kernel[128];
    char memory[64];
    char disk[320]; /* "ext4 on /dev/vda": of the data */
} bf_bench_machine;

/* "unknown" for what cannot be found out. */
void bf_bench_machine_read (bf_bench_machine *self, const char *directory);

#endif
