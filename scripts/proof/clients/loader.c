// SPDX-License-Identifier: GPL-2.0
/*
 * Loads a program with libbpf, runs it once, and prints its result:
 *
 *     loader [--btf FILE] OBJECT    with the types of the kernel from FILE, see `bpftool gen min_core_btf`
 *     loader --types FILE           reads the BTF of a module, and prints the size of struct bpf_ns_ident
 *     loader --version
 */
#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

static int print_types(const char *path)
{
	struct btf *base = btf__load_vmlinux_btf();
	struct btf *btf = btf__parse_split(path, base);
	int id = btf ? btf__find_by_name_kind(btf, "bpf_ns_ident", BTF_KIND_STRUCT) : -errno;

	if (id < 0)
		errx(1, "%s: %s", path, strerror(-id));
	printf("%u\n", btf__type_by_id(btf, id)->size);
	return 0;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	LIBBPF_OPTS(bpf_test_run_opts, run);
	struct bpf_object *object;
	char data[64] = {};

	if (argc == 2 && !strcmp(argv[1], "--version")) {
		puts(libbpf_version_string());
		return 0;
	}
	if (argc == 3 && !strcmp(argv[1], "--types"))
		return print_types(argv[2]);
	if (argc == 4 && !strcmp(argv[1], "--btf"))
		opts.btf_custom_path = argv[2];
	else if (argc != 2)
		errx(2, "usage: loader [--btf FILE] OBJECT");

	object = bpf_object__open_file(argv[argc - 1], &opts);
	if (!object || bpf_object__load(object))
		return 1;
	run.data_in = data;
	run.data_size_in = sizeof(data);
	if (bpf_prog_test_run_opts(bpf_program__fd(bpf_object__next_program(object, NULL)), &run))
		err(1, "run");
	printf("%d\n", (int)run.retval);
	return 0;
}
