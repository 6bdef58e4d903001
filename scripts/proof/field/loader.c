// SPDX-License-Identifier: GPL-2.0
/*
 * Loads the BPF programs of samples/agent with libbpf, or as a light skeleton, or
 * opens the ring buffer of loaded programs. Prints the pid and the identity of the
 * pid namespace for each execve(2), until stdin ends:
 *
 *     loader object FILE
 *     loader light agent|own    own: own.bpf.c, in place of samples/agent
 *     loader map ID
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/types.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "ns_ident.h"
#include "agent.h"
#include "view.h"
#include "agent.lskel.h"
#include "own.lskel.h"

static int print_event(void *ctx, void *data, size_t size)
{
	const struct event *event = data;
	const struct bpf_ns_ident *ns = &event->ns[PID_TYPE];

	if (event->what == EXEC)
		printf("%llu %llu %llu %llu\n", event->pid_tgid >> 32, ns->dev,
		       ns->ino, ns->id);
	return 0;
}

static int load_object(const char *path)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *prog;

	if (!object || bpf_object__load(object))
		errx(1, "%s cannot be loaded", path);
	bpf_object__for_each_program(prog, object)
		if (!bpf_program__attach(prog))
			err(1, "%s", bpf_program__name(prog));
	return bpf_object__find_map_fd_by_name(object, "events");
}

#define load_light(NAME)						\
	({								\
		struct NAME *skel = NAME##__open_and_load();		\
									\
		if (!skel)						\
			err(1, "the light skeleton cannot be loaded");	\
		if (NAME##__attach(skel) < 0)				\
			err(1, "the light skeleton cannot be attached"); \
		skel->maps.events.map_fd;				\
	})

int main(int argc, char **argv)
{
	struct pollfd end = { .fd = STDIN_FILENO, .events = POLLIN };
	struct ring_buffer *ring;
	int map = -1;

	if (argc == 3 && !strcmp(argv[1], "object"))
		map = load_object(argv[2]);
	else if (argc == 3 && !strcmp(argv[1], "light"))
		map = strcmp(argv[2], "own") ? load_light(agent_bpf) : load_light(own_bpf);
	else if (argc == 3 && !strcmp(argv[1], "map"))
		map = bpf_map_get_fd_by_id(atoi(argv[2]));
	if (map < 0)
		err(1, "no ring buffer");

	ring = ring_buffer__new(map, print_event, NULL, NULL);
	if (!ring)
		err(1, "ring buffer");
	printf("started\n");
	while (!poll(&end, 1, 0)) {
		if (ring_buffer__poll(ring, 50) < 0)
			err(1, "ring buffer");
		if (fflush(stdout))
			err(1, "stdout");
	}
	return 0;
}
