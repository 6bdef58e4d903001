// SPDX-License-Identifier: GPL-2.0
/* Loads a program by its skeleton (SKELETON), or light skeleton (with LIGHT), and runs it as loader.c. */
#include <err.h>
#include <errno.h>
#include <stdio.h>

#include <bpf/bpf.h>

#include SKELETON

int main(void)
{
	struct client *skel = client__open_and_load();
	LIBBPF_OPTS(bpf_test_run_opts, run);
	char data[64] = {};
	int fd;

	if (!skel)
		err(1, "the skeleton cannot be loaded");
#ifdef LIGHT
	fd = skel->progs.run.prog_fd;
#else
	fd = bpf_program__fd(skel->progs.run);
#endif
	run.data_in = data;
	run.data_size_in = sizeof(data);
	if (bpf_prog_test_run_opts(fd, &run))
		err(1, "run");
	printf("%d\n", (int)run.retval);
	return 0;
}
