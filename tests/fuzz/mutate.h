/* SPDX-License-Identifier: MPL-2.0
 *
 * A mutator that knows protobuf: unpacks a message by its descriptor, changes a few of its
 * fields, packs it again. What libFuzzer does to bytes alone seldom gets past the frame.
 */
#ifndef BF_FUZZ_MUTATE_H
#define BF_FUZZ_MUTATE_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

/* libFuzzer's own. */
size_t LLVMFuzzerMutate (uint8_t *bytes, size_t size, size_t room);

/* For LLVMFuzzerCustomMutator. Now and then, and where the bytes are no such message, it
 * leaves them to libFuzzer. */
size_t fuzz_mutate (const ProtobufCMessageDescriptor *descriptor, uint8_t *bytes,
                    size_t size, size_t room, unsigned seed);

#endif
