/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the user reads: one sentence, whatever was tried. */
#ifndef AVAIL_SAY_H
#define AVAIL_SAY_H

/* Notes why a place did not fit; `say_failure` tells them all. "%s" and the like as in printf(3). */
__attribute__((format(printf, 2, 3))) void say_unfit(const char *place, const char *why, ...);

/* Tells it on standard error, with "avail: " in front. */
__attribute__((format(printf, 1, 2))) void say(const char *text, ...);

/* Only with AVAIL_LAUNCH_DEBUG in the environment. */
__attribute__((format(printf, 1, 2))) void say_step(const char *text, ...);

/* What `say_unfit` noted, as "PLACE: WHY; PLACE: WHY". */
const char *say_unfit_places(void);

#endif
