/* SPDX-License-Identifier: MPL-2.0
 *
 * Requests as one line of text, so that a table of them can be read: fields by the names of
 * belfry.proto.
 *
 *   schedule.jobs[1].type=mail schedule.jobs[1].after_us=5 schedule.on_key=2
 *
 * A path without a value makes the message that it names. A list of messages takes an
 * index, 0 where none is given; a list of values gets one more by each assignment. Instead
 * of a value: *N is N times 'x' (bytes, strings), #N is N items (lists). In a value ^ is a
 * blank. A path that does not exist fails the test.
 */
#ifndef BF_TESTS_REQUEST_H
#define BF_TESTS_REQUEST_H

#include "core/base/arena.h"

#include "belfry.pb-c.h"

/* Sets the fields of a message; everything lives in the arena. */
void request_fill (ProtobufCMessage *message, bf_arena *arena, const char *text);

/* A request of version 1, client "c", request_id "r", and then as the text says. */
Belfry__V1__Request *request_make (bf_arena *arena, const char *text);

/* What a path holds, as text in the arena: a number, a string, the length of bytes, the
 * items of a list with commas between, the number of messages in a list, "set" for a
 * message; "-" for what is not there. */
const char *request_read (ProtobufCMessage *message, bf_arena *arena, const char *path);

/* Fails the test unless every "path=value" of the text is what request_read says. */
void request_expect (ProtobufCMessage *message, bf_arena *arena, const char *text);

#endif
