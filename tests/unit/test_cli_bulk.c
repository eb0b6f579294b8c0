/* SPDX-License-Identifier: MPL-2.0
 *
 * belfry with a command for many jobs, against a daemon that needs several answers for it:
 * one request id, progress on stderr, the counts on stdout, the exit code.
 */
#include "apps/belfry/cli.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/cmocka.h"
#include "tests/support/fake.h"

/* A stream of this process that goes to a file for a while. */
typedef struct {
    FILE *stream;
    FILE *file;
    int saved;
    char text[4096];
} capture;

static void
capture_begin (capture *self, FILE *stream)
{
    self->stream = stream;
    self->file = tmpfile ();
    assert_non_null (self->file);
    fflush (stream);
    self->saved = dup (fileno (stream));
    assert_true (dup2 (fileno (self->file), fileno (stream)) >= 0);
}

static void
capture_end (capture *self)
{
    fflush (self->stream);
    dup2 (self->saved, fileno (self->stream));
    close (self->saved);
    rewind (self->file);
    size_t size = fread (self->text, 1, sizeof self->text - 1, self->file);
    self->text[size] = '\0';
    fclose (self->file);
}

typedef struct {
    fake *daemon;
    char *arguments[16];
    int count;
    pthread_t thread;
    bf_cli_exit code;
    capture out;
    capture err;
} bench;

static void *
run (void *argument)
{
    bench *self = argument;
    self->code = bf_cli_main (self->count, self->arguments);
    return NULL;
}

/* `line`: words behind `belfry`, with single blanks between them. */
static void
begin (bench *self, char *line)
{
    *self = (bench){.daemon = fake_new ()};
    self->arguments[self->count++] = (char *)"belfry";
    self->arguments[self->count++] = (char *)"--connect";
    self->arguments[self->count++] = self->daemon->commands;
    char *rest = line;
    for (char *word = strtok_r (line, " ", &rest); word;
         word = strtok_r (NULL, " ", &rest)) {
        self->arguments[self->count++] = word;
    }
    capture_begin (&self->out, stdout);
    capture_begin (&self->err, stderr);
    assert_int_equal (pthread_create (&self->thread, NULL, run, self), 0);
}

static void
finish (bench *self)
{
    pthread_join (self->thread, NULL);
    capture_end (&self->out);
    capture_end (&self->err);
    fake_destroy (&self->daemon);
}

/* Two answers that it goes on, and one that it is done; all under one id. */
static void
serve (bench *self, uint64_t refused)
{
    char *id = NULL;
    Belfry__V1__BulkReply bulk = BELFRY__V1__BULK_REPLY__INIT;
    Belfry__V1__Reply reply = BELFRY__V1__REPLY__INIT;
    reply.code = BELFRY__V1__CODE__CODE_OK;
    reply.result_case = BELFRY__V1__REPLY__RESULT_BULK;
    reply.bulk = &bulk;
    bulk.watermark = 25600;
    for (int round = 1; round <= 3; round++) {
        fake_call *call = fake_take (self->daemon);
        assert_int_equal (call->request->command_case, BELFRY__V1__REQUEST__COMMAND_CANCEL);
        assert_string_equal (call->request->cancel->filter->type, "t");
        if (id) {
            assert_string_equal (call->request->request_id, id);
        }
        free (id);
        id = strdup (call->request->request_id);
        bulk.changed = (uint64_t)round * 40;
        bulk.cursor = (uint64_t)round * 10240;
        bulk.done = round == 3;
        bulk.refused = bulk.done ? refused : 0;
        reply.request_id = call->request->request_id;
        fake_answer (self->daemon, call, &reply);
        fake_call_free (&call);
    }
    free (id);
}

static void
test_progress (void **state)
{
    (void)state;
    bench self;
    char line[] = "cancel --type t --progress";
    begin (&self, line);
    serve (&self, 0);
    finish (&self);
    assert_int_equal (self.code, BF_CLI_DONE);
    assert_string_equal (self.out.text, "cancelled 120, 0 unchanged, 0 refused\n");
    assert_string_equal (self.err.text,
                         "belfry: 39 %: cancelled 40, 0 unchanged, 0 refused\n"
                         "belfry: 79 %: cancelled 80, 0 unchanged, 0 refused\n");
}

/* No terminal, and nobody asked. */
static void
test_no_progress (void **state)
{
    (void)state;
    bench self;
    char line[] = "cancel --type t";
    begin (&self, line);
    serve (&self, 3);
    finish (&self);
    assert_int_equal (self.code, BF_CLI_REFUSED);
    assert_string_equal (self.out.text, "cancelled 120, 0 unchanged, 3 refused\n");
    assert_string_equal (self.err.text, "");
}

static void
test_json (void **state)
{
    (void)state;
    bench self;
    char line[] = "-o json cancel --type t";
    begin (&self, line);
    serve (&self, 0);
    finish (&self);
    assert_int_equal (self.code, BF_CLI_DONE);
    assert_non_null (strstr (self.out.text, "{\"operation\":\"0\",\"done\":true,"
                                            "\"changed\":\"120\""));
    assert_string_equal (self.err.text, "");
}

int
main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (test_progress),
        cmocka_unit_test (test_no_progress),
        cmocka_unit_test (test_json),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
