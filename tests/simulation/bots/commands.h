/* SPDX-License-Identifier: MPL-2.0
 *
 * Random requests of every kind that there is. Their targets come from the notebook.
 * Everything lives in the party's arena, until it is reset.
 */
#ifndef BF_SIMULATION_COMMANDS_H
#define BF_SIMULATION_COMMANDS_H

#include "tests/simulation/bots/party.h"

#include "belfry.pb-c.h"

/* A request with this message as its command. */
Belfry__V1__Request *command_request (bot_party *party,
                                      Belfry__V1__Request__CommandCase which,
                                      void *message);

/* Schedule of one to a few jobs. */
Belfry__V1__Request *command_schedule (bot_party *party, sim_random *random);
/* A command for one job: Reschedule to Trigger, of this kind. */
Belfry__V1__Request *command_one (bot_party *party, sim_random *random,
                                  Belfry__V1__Request__CommandCase which);
/* Redrive of one run, or of a job's newest. */
Belfry__V1__Request *command_redrive (bot_party *party, sim_random *random);
Belfry__V1__Request *command_batch (bot_party *party, sim_random *random);
/* Complete, Fail, Snooze or Heartbeat with a token that may be of any age, or of nobody. */
Belfry__V1__Request *command_stale (bot_party *party, sim_random *random);

/* One of these three with this token. */
Belfry__V1__Complete *command_complete (bot_party *party, sim_random *random,
                                        const char *token);
Belfry__V1__Fail *command_fail (bot_party *party, sim_random *random, const char *token);
Belfry__V1__Snooze *command_snooze (bot_party *party, sim_random *random,
                                    const char *token);

/* By filter: Reschedule to Trigger, or Redrive, of this kind. */
Belfry__V1__Request *command_many (bot_party *party, sim_random *random,
                                   Belfry__V1__Request__CommandCase which);
Belfry__V1__Request *command_prune (bot_party *party, sim_random *random);
/* One of the reads. */
Belfry__V1__Request *command_read (bot_party *party, sim_random *random);

/* SetCalendar or DeleteCalendar. */
Belfry__V1__Request *command_calendar (bot_party *party, sim_random *random);

/* Gives it a calendar trigger. */
void command_recur (bot_party *party, sim_random *random,
                    Belfry__V1__Reschedule *reschedule);
/* Names a job: by id or key, or one that is not there. */
Belfry__V1__JobRef *command_ref (bot_party *party, sim_random *random, const note_job *job);
/* At least one thing in it is set. */
Belfry__V1__Filter *command_filter (bot_party *party, sim_random *random);

#endif
