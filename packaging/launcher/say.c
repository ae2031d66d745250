// SPDX-License-Identifier: GPL-2.0-or-later
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char unfit[4096];

void say(const char *text, ...)
{
	va_list arguments;

	fputs("avail: ", stderr);
	va_start(arguments, text);
	vfprintf(stderr, text, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

void say_step(const char *text, ...)
{
	va_list arguments;

	if (!getenv("AVAIL_LAUNCH_DEBUG"))
		return;
	fputs("avail: start: ", stderr);
	va_start(arguments, text);
	vfprintf(stderr, text, arguments);
	va_end(arguments);
	fputc('\n', stderr);
}

void say_unfit(const char *place, const char *why, ...)
{
	char reason[256];
	size_t used = strlen(unfit);
	va_list arguments;

	va_start(arguments, why);
	vsnprintf(reason, sizeof(reason), why, arguments);
	va_end(arguments);
	say_step("%s: %s", place, reason);
	snprintf(unfit + used, sizeof(unfit) - used, "%s%s: %s", used ? "; " : "", place, reason);
}

const char *say_unfit_places(void)
{
	return unfit;
}
