// SPDX-License-Identifier: GPL-2.0
/*
 * A library for LD_PRELOAD: NS_GET_ID returns ids that no namespace has. To nstop, the results of
 * the kfuncs are then wrong.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>

#include <linux/nsfs.h>

#ifndef NS_GET_ID
#define NS_GET_ID	_IOR(NSIO, 13, __u64)
#endif

#define NO_ID	(1ULL << 40)

int ioctl(int fd, unsigned long request, ...)
{
	static int (*next)(int fd, unsigned long request, ...);
	va_list args;
	void *arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);
	if (!next)
		next = dlsym(RTLD_NEXT, "ioctl");
	ret = next(fd, request, arg);
	if (!ret && request == NS_GET_ID)
		*(uint64_t *)arg += NO_ID;
	return ret;
}
