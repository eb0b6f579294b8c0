/* SPDX-License-Identifier: MPL-2.0
 *
 * Tells a service manager how far we are: systemd's sd_notify protocol, one datagram to the
 * socket that $NOTIFY_SOCKET names. By hand, because libsystemd is a large thing to link
 * for one sendto.
 */
#ifndef BF_BELFRYD_NOTIFY_H
#define BF_BELFRYD_NOTIFY_H

/* state: "READY=1", "STOPPING=1". Nothing happens where nobody asked for it; what goes
 * wrong is the manager's loss. */
void notify (const char *state);

#endif
