/* SPDX-License-Identifier: MPL-2.0
 *
 * Fibers by glibc's ucontext. The address sanitizer is told of every change of stack, or it
 * would take one for a wild jump.
 */
#include "tests/simulation/seam/fiber.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

/* SQLite and protobuf-c need some ten KiB; a sanitizer multiplies that. */
#define STACK_BYTES ((size_t)1024 * 1024)

struct fiber {
    ucontext_t context;
    void (*function) (void *argument);
    void *argument;
    char *stack;
    bool ended;
    void *fake_stack; /* the sanitizer's */
};

static fiber *running;
static ucontext_t outside;

#ifdef __SANITIZE_ADDRESS__
static void *outside_fake_stack;
static const void *outside_bottom;
static size_t outside_bytes;

static void
leave_for (fiber *self)
{
    __sanitizer_start_switch_fiber (&outside_fake_stack, self->stack, STACK_BYTES);
}

static void
arrived_in (fiber *self)
{
    __sanitizer_finish_switch_fiber (self->fake_stack, &outside_bottom, &outside_bytes);
}

static void
leave (fiber *self)
{
    __sanitizer_start_switch_fiber (self->ended ? NULL : &self->fake_stack, outside_bottom,
                                    outside_bytes);
}

static void
arrived_outside (void)
{
    __sanitizer_finish_switch_fiber (outside_fake_stack, NULL, NULL);
}
#else
static void
leave_for (fiber *self)
{
    (void)self;
}

static void
arrived_in (fiber *self)
{
    (void)self;
}

static void
leave (fiber *self)
{
    (void)self;
}

static void
arrived_outside (void)
{
}
#endif

/* makecontext hands over integers only: the fiber is `running`. */
static void
begin (void)
{
    fiber *self = running;
    arrived_in (self);
    self->function (self->argument);
    self->ended = true;
    leave (self);
    swapcontext (&self->context, &outside);
}

fiber *
fiber_new (void (*function) (void *argument), void *argument)
{
    fiber *self = calloc (1, sizeof *self);
    char *stack = malloc (STACK_BYTES);
    if (!self || !stack || getcontext (&self->context) != 0) {
        perror ("simulate: no memory for a fiber");
        exit (2);
    }
    self->function = function;
    self->argument = argument;
    self->stack = stack;
    self->context.uc_stack.ss_sp = stack;
    self->context.uc_stack.ss_size = STACK_BYTES;
    makecontext (&self->context, begin, 0);
    return self;
}

void
fiber_destroy (fiber **self_p)
{
    fiber *self = *self_p;
    if (self) {
        *self_p = NULL;
        free (self->stack);
        free (self);
    }
}

void
fiber_resume (fiber *self)
{
    running = self;
    leave_for (self);
    swapcontext (&outside, &self->context);
    arrived_outside ();
    running = NULL;
}

void
fiber_yield (void)
{
    fiber *self = running;
    leave (self);
    swapcontext (&self->context, &outside);
    arrived_in (self);
}

bool
fiber_has_ended (const fiber *self)
{
    return self->ended;
}
