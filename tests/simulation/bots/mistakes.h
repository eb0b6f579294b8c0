/* SPDX-License-Identifier: MPL-2.0
 *
 * Requests that break a rule of the protocol, and bytes that are no request at all.
 */
#ifndef BF_SIMULATION_MISTAKES_H
#define BF_SIMULATION_MISTAKES_H

#include "tests/simulation/bots/client.h"

/* Sends one. what: as for client_send. */
void mistake_send (bot_client *client, int what);

#endif
