// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest.h"
#include "ns_util.h"

char probe_log[LOG_SIZE];

/* Prints warnings as KTAP comments. */
static int print_warning(enum libbpf_print_level level, const char *format,
			 va_list args)
{
	static char text[LOG_SIZE];
	char *line, *rest = text;

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(text, sizeof(text), format, args);
	while ((line = strsep(&rest, "\n")))
		if (*line)
			fprintf(stderr, "# %s\n", line);
	return 0;
}

const char *test_dir(void)
{
	static char dir[1024];
	ssize_t len = readlink("/proc/self/exe", dir, sizeof(dir) - 1);

	if (len < 0)
		return ".";
	dir[len] = 0;
	*strrchr(dir, '/') = 0;
	return dir;
}

int probe_prepare(struct probe *probe, const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = name,
		    .kernel_log_buf = probe_log,
		    .kernel_log_size = sizeof(probe_log));
	char path[1200];

	memset(probe, 0, sizeof(*probe));
	probe->fd = -1;
	probe_log[0] = 0;
	libbpf_set_print(print_warning);
	snprintf(path, sizeof(path), "%s/%s.bpf.o", test_dir(), name);
	probe->obj = bpf_object__open_file(path, &opts);
	if (!probe->obj)
		return -errno;
	probe->prog = bpf_object__next_program(probe->obj, NULL);
	return 0;
}

int probe_finish(struct probe *probe)
{
	struct bpf_map *map;
	size_t size;
	int err;

	err = bpf_object__load(probe->obj);
	if (err)
		goto err;
	probe->fd = bpf_program__fd(probe->prog);

	map = bpf_object__find_map_by_name(probe->obj, ".data.report");
	probe->report = map ? bpf_map__initial_value(map, &size) : NULL;
	if (!probe->report || size != sizeof(*probe->report)) {
		err = -ENOMSG;
		goto err;
	}
	probe_target(probe, 0);
	return 0;
err:
	probe_close(probe);
	return err;
}

int probe_load(struct probe *probe, const char *name)
{
	return probe_prepare(probe, name) ?: probe_finish(probe);
}

int probe_open(struct probe *probe, const char *name)
{
	int err = probe_load(probe, name);

	if (err)
		return err;
	probe->link = bpf_program__attach(probe->prog);
	if (!probe->link) {
		err = -errno;
		probe_close(probe);
	}
	return err;
}

void probe_target(struct probe *probe, pid_t pid)
{
	struct report *report = probe->report;

	__atomic_store_n(&report->target, 0, __ATOMIC_SEQ_CST);
	report->ident = (struct bpf_ns_ident){ POISON, POISON, POISON };
	report->pid_tgid = POISON;
	report->err = POISON_ERR;
	report->calls = 0;
	__atomic_store_n(&report->target, pid, __ATOMIC_SEQ_CST);
}

static int take_event(void *ctx, void *data, size_t size)
{
	memcpy(ctx, data, sizeof(struct report));
	/* Leave further events for the next call. */
	return -ECANCELED;
}

int probe_wait(struct probe *probe, struct report *event)
{
	int fd = bpf_object__find_map_fd_by_name(probe->obj, "events");
	time_t deadline = time(NULL) + 20;
	struct ring_buffer *ring;
	int err;

	ring = ring_buffer__new(fd, take_event, event, NULL);
	if (!ring)
		return -errno;
	/* The call also returns 0 for an incomplete event. */
	do {
		err = ring_buffer__poll(ring, 1000);
	} while (!err && time(NULL) < deadline);
	ring_buffer__free(ring);
	if (err == -ECANCELED)
		return 0;
	return err ?: -ETIMEDOUT;
}

void probe_close(struct probe *probe)
{
	bpf_link__destroy(probe->link);
	bpf_object__close(probe->obj);
	memset(probe, 0, sizeof(*probe));
	probe->fd = -1;
}

int object_set_u64(struct bpf_object *obj, const char *name, __u64 value)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, ".rodata");
	const struct btf *btf = bpf_object__btf(obj);
	const struct btf_var_secinfo *var;
	const struct btf_type *section;
	size_t size;
	char *data;
	int i, id;

	data = map ? bpf_map__initial_value(map, &size) : NULL;
	id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	if (!data || id < 0)
		return -ENOENT;
	section = btf__type_by_id(btf, id);
	var = btf_var_secinfos(section);
	for (i = 0; i < btf_vlen(section); i++, var++) {
		const struct btf_type *type = btf__type_by_id(btf, var->type);

		if (strcmp(btf__name_by_offset(btf, type->name_off), name))
			continue;
		if (var->size != sizeof(value) || var->offset + var->size > size)
			return -EINVAL;
		memcpy(data + var->offset, &value, sizeof(value));
		return 0;
	}
	return -ENOENT;
}

int btf_open(const char *module, __u32 *id)
{
	*id = 0;
	while (!bpf_btf_get_next_id(*id, id)) {
		struct bpf_btf_info info = {};
		char name[64] = "";
		__u32 len = sizeof(info);
		int fd = bpf_btf_get_fd_by_id(*id);

		if (fd < 0)
			continue;
		info.name = (uintptr_t)name;
		info.name_len = sizeof(name);
		if (!bpf_btf_get_info_by_fd(fd, &info, &len) &&
		    info.kernel_btf && !strcmp(name, module))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

int kfunc_find(struct kfunc *kfunc, const char *module, const char *name)
{
	/* Parsing takes long, and the result never changes. */
	static struct btf *vmlinux;
	struct btf *btf;

	if (!vmlinux)
		vmlinux = btf__load_vmlinux_btf();
	if (module_is_built_in(module)) {
		kfunc->btf_fd = 0;
		kfunc->id = vmlinux ? btf__find_by_name_kind(vmlinux, name, BTF_KIND_FUNC) :
				      -errno;
		return kfunc->id < 0 ? kfunc->id : 0;
	}

	kfunc->btf_fd = btf_open(module, &kfunc->btf_id);
	if (kfunc->btf_fd < 0)
		return kfunc->btf_fd;
	btf = btf__load_from_kernel_by_id_split(kfunc->btf_id, vmlinux);
	kfunc->id = btf ? btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) :
			  -errno;
	btf__free(btf);
	if (kfunc->id < 0)
		kfunc_close(kfunc);
	return kfunc->id < 0 ? kfunc->id : 0;
}

void kfunc_close(struct kfunc *kfunc)
{
	if (kfunc->btf_fd > 0)
		close(kfunc->btf_fd);
	kfunc->btf_fd = -1;
}

int raw_load(struct raw_prog *prog)
{
	int fd_array[] = { 0, prog->kfunc ? prog->kfunc->btf_fd : 0 };
	LIBBPF_OPTS(bpf_prog_load_opts, opts,
		    .expected_attach_type = prog->attach_type,
		    .prog_flags = prog->flags,
		    .attach_btf_id = prog->attach_btf_id,
		    .attach_prog_fd = prog->attach_prog_fd,
		    .fd_array = fd_array,
		    .log_buf = prog->log,
		    .log_size = sizeof(prog->log),
		    .log_level = 1);
	struct bpf_insn insns[prog->cnt];

	memcpy(insns, prog->insns, sizeof(insns));
	/* Kfuncs of vmlinux need no file descriptor. */
	for (size_t i = 0; prog->kfunc && !prog->kfunc->btf_fd && i < prog->cnt; i++)
		if (insns[i].code == (BPF_JMP | BPF_CALL) &&
		    insns[i].src_reg == BPF_PSEUDO_KFUNC_CALL)
			insns[i].off = 0;
	/* All syscall programs are sleepable. */
	if (prog->type == BPF_PROG_TYPE_SYSCALL)
		opts.prog_flags |= BPF_F_SLEEPABLE;
	if (prog->token_fd > 0) {
		opts.token_fd = prog->token_fd;
		opts.prog_flags |= BPF_F_TOKEN_FD;
	}
	prog->log[0] = 0;
	return bpf_prog_load(prog->type, prog->name ?: "raw",
			     prog->license ?: "GPL", insns, prog->cnt,
			     &opts);
}

void ask_ident(struct bpf_insn insns[NR_ASK_INSNS], int kfunc_id)
{
	const struct bpf_insn ask[NR_ASK_INSNS] = {
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -24, 0),
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -16, 0),
		BPF_ST_MEM(BPF_DW, BPF_REG_10, -8, 0),
		BPF_MOV64_REG(BPF_REG_1, BPF_REG_10),
		BPF_ALU64_IMM(BPF_ADD, BPF_REG_1, -24),
		BPF_CALL_KFUNC(kfunc_id),
		BPF_MOV64_IMM(BPF_REG_0, 0),
		BPF_EXIT_INSN(),
	};

	memcpy(insns, ask, sizeof(ask));
}

int raw_load_type(struct raw_prog *prog, enum bpf_prog_type type,
		  enum bpf_attach_type attach_type)
{
	struct bpf_insn insns[NR_ASK_INSNS];

	ask_ident(insns, prog->kfunc->id);
	prog->type = type;
	prog->attach_type = attach_type;
	prog->insns = insns;
	prog->cnt = ARRAY_SIZE(insns);
	return raw_load(prog);
}

int module_try(struct raw_prog *prog, enum bpf_prog_type type)
{
	struct kfunc kfunc;
	int err;

	err = kfunc_find(&kfunc, MODULE, KFUNC);
	if (err)
		return err;
	prog->kfunc = &kfunc;
	err = fd_drop(raw_load_type(prog, type, 0));
	kfunc_close(&kfunc);
	return err;
}

bool origin_is_recorded(void)
{
	/* Parsing takes long, and the result never changes. */
	static int id;
	struct btf *btf;

	if (!id) {
		btf = btf__load_vmlinux_btf();
		id = btf__find_by_name_kind(btf, "bpf_prog_origin",
					    BTF_KIND_STRUCT);
		btf__free(btf);
	}
	return id > 0;
}

int run_syscall_prog(int fd, void *ctx, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = ctx, .ctx_size_in = size);
	int err = bpf_prog_test_run_opts(fd, &opts);

	return err ? err : (int)opts.retval;
}
