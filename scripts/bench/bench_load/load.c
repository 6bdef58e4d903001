// SPDX-License-Identifier: GPL-2.0
/*
 * Loads programs and modules in the VM, each between the markers of insns.c:
 *
 *     load DIR
 *
 * The modules are files in DIR. Writes the name of each load to a line of DIR/loads, in order.
 * DIR/NAME.symbols is a copy of /proc/kallsyms after the last load of that name.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS 5
#define NR_INSNS 8

#define BEGIN() asm volatile("xchg %%r15, %%r15" ::: "memory")
#define END() asm volatile("xchg %%r14, %%r14" ::: "memory")

static const char *dir;
static FILE *loads;

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

static FILE *open_file(const char *dir, const char *name, const char *mode)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, mode);
	if (!file)
		die("%s: %s", path, strerror(errno));
	return file;
}

/* The symbols of init functions are freed, so use the symbol of their section. */
static void save_symbols(const char *name, const char *module)
{
	FILE *in = open_file("/proc", "kallsyms", "r"), *out = open_file(dir, name, "w");
	static char data[1 << 20];
	char path[128];
	size_t size;

	while ((size = fread(data, 1, sizeof(data), in)) > 0)
		fwrite(data, 1, size, out);
	fclose(in);
	if (module) {
		snprintf(path, sizeof(path), "%s/sections/.init.text", module);
		in = open_file("/sys/module", path, "r");
		size = fread(data, 1, sizeof(data), in);
		fprintf(out, "%.*s t .init.text\t[%s]\n", (int)size - 1, data, module);
		fclose(in);
	}
	if (fclose(out))
		die("%s/%s cannot be written", dir, name);
}

struct module {
	const char *name;
	const char *kfunc;	/* takes a pointer to an identity */
	int btf_fd;
	int kfunc_id;
};

static int module_load(const struct module *module)
{
	char path[4096];
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s.ko", dir, module->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die("%s: %s", path, strerror(errno));
	BEGIN();
	err = syscall(SYS_finit_module, fd, "", 0);
	END();
	if (err)
		err = -errno;
	close(fd);
	return err;
}

static void module_unload(const struct module *module)
{
	if (syscall(SYS_delete_module, module->name, 0) && errno != ENOENT)
		die("unloading %s: %s", module->name, strerror(errno));
}

static void find_kfunc(struct module *module)
{
	static struct btf *vmlinux;
	struct bpf_btf_info info;
	__u32 id = 0, size;
	struct btf *btf;
	char name[64];

	if (!vmlinux)
		vmlinux = btf__load_vmlinux_btf();
	while (!bpf_btf_get_next_id(id, &id)) {
		module->btf_fd = bpf_btf_get_fd_by_id(id);
		memset(&info, 0, sizeof(info));
		info.name = (uintptr_t)name;
		info.name_len = sizeof(name);
		size = sizeof(info);
		if (module->btf_fd >= 0 &&
		    !bpf_btf_get_info_by_fd(module->btf_fd, &info, &size) &&
		    !strcmp(name, module->name)) {
			btf = btf__load_from_kernel_by_id_split(id, vmlinux);
			module->kfunc_id = btf__find_by_name_kind(btf, module->kfunc, BTF_KIND_FUNC);
			btf__free(btf);
			if (module->kfunc_id > 0)
				return;
		}
		close(module->btf_fd);
	}
	die("%s has no %s", module->name, module->kfunc);
}

static int prog_load(const struct module *module)
{
	const struct bpf_insn insns[NR_INSNS] = {
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -24 },
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -16 },
		{ .code = BPF_ST | BPF_MEM | BPF_DW, .dst_reg = BPF_REG_10, .off = -8 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = BPF_REG_1, .src_reg = BPF_REG_10 },
		{ .code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = BPF_REG_1, .imm = -24 },
		module ?
			(struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .off = 1, .imm = module->kfunc_id,
					   .src_reg = BPF_PSEUDO_KFUNC_CALL } :
			(struct bpf_insn){ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_ktime_get_ns },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const int fds[] = { 0, module ? module->btf_fd : 0 };
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = BPF_F_SLEEPABLE, .fd_array = fds);
	int fd;

	BEGIN();
	fd = bpf_prog_load(BPF_PROG_TYPE_SYSCALL, "load", "GPL", insns, NR_INSNS, &opts);
	END();
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static void measure(const char *name, const struct module *module,
		    int (*load)(const struct module *module))
{
	char symbols[64];
	int err;

	for (int i = 0; i < ROUNDS; i++) {
		if (load == module_load)
			module_unload(module);
		/* Wait for deferred frees. */
		usleep(200000);
		err = load(module);
		if (err)
			die("%s: %s", name, strerror(-err));
		fprintf(loads, "%s\n", name);
	}
	snprintf(symbols, sizeof(symbols), "%s.symbols", name);
	save_symbols(symbols, load == module_load ? module->name : NULL);
}

int main(int argc, char **argv)
{
	struct module modules[] = {
		{ .name = "bpf_ns_bench_c", .kfunc = "bpf_bench_c_ident" },
		{ .name = "bpf_ns_bench_rust" },
		{ .name = "bpf_ns_ident", .kfunc = "bpf_get_current_pidns_ident" },
	};

	if (argc != 2)
		die("usage: load DIR");
	/* No other task runs while this one can. */
	if (sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ .sched_priority = 1 }))
		die("sched_setscheduler: %s", strerror(errno));
	dir = argv[1];
	loads = open_file(dir, "loads", "w");
	for (int i = 0; i < 3; i++)
		measure(modules[i].name, &modules[i], module_load);
	find_kfunc(&modules[0]);
	find_kfunc(&modules[2]);
	measure("none", NULL, prog_load);
	measure(modules[0].kfunc, &modules[0], prog_load);
	measure(modules[2].kfunc, &modules[2], prog_load);
	if (fclose(loads))
		die("%s/loads cannot be written", dir);
	return 0;
}
