// SPDX-License-Identifier: GPL-2.0
/*
 * Runs kernel code in a process, and prints the CPU cycles of a call, one row a
 * line:
 *
 *     native VMLINUX IMAGE THUNK
 *     native --try VMLINUX IMAGE THUNK	prints only rows that cannot be measured, and why
 *
 * VMLINUX is the output of extract-vmlinux for a bzImage, with the relocation
 * table of the kernel. It is moved to the lowest 2 GiB, where a process can map
 * it. IMAGE is rows.o and module objects, linked with VMLINUX. Calls of ftrace and
 * returns are patched as at boot. Returns become jumps to THUNK, a name in struct
 * native, or plain returns for `plain`.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "native.h"

#define KERNEL_MAP 0xffffffff80000000
#define PAGE 4096ul
#define ROUNDS 300
#define TURNS 200
#define MAX_ROWS 100

#define CALL_OPCODE 0xe8
#define JMP_OPCODE 0xe9

static void __attribute__((noreturn, format(printf, 1, 2))) die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(1);
}

struct image {
	const char *path;
	char *file;
	size_t size;
	uint64_t delta;		/* from the link address to the real one */
	uint64_t start, end;	/* real address */
	uint64_t limit;		/* address of the limit of user addresses */
};

static const Elf64_Shdr *sections(const struct image *image)
{
	return (void *)(image->file + ((Elf64_Ehdr *)image->file)->e_shoff);
}

/* Returns the address of a section, and of its end. */
static void *section(const struct image *image, const char *name, void **end)
{
	const Elf64_Ehdr *hdr = (void *)image->file;
	const Elf64_Shdr *section = sections(image);
	const char *names = image->file + section[hdr->e_shstrndx].sh_offset;

	for (int i = 0; i < hdr->e_shnum; i++) {
		if (strcmp(names + section[i].sh_name, name))
			continue;
		*end = (void *)(section[i].sh_addr + image->delta + section[i].sh_size);
		return (void *)(section[i].sh_addr + image->delta);
	}
	*end = NULL;
	return NULL;
}

static void *symbol(const struct image *image, const char *name)
{
	const Elf64_Ehdr *hdr = (void *)image->file;
	const Elf64_Shdr *section = sections(image);

	for (int i = 0; i < hdr->e_shnum; i++) {
		const Elf64_Sym *sym = (void *)(image->file + section[i].sh_offset);
		const char *names = image->file + section[section[i].sh_link].sh_offset;

		if (section[i].sh_type != SHT_SYMTAB)
			continue;
		for (size_t n = 0; n < section[i].sh_size / sizeof(*sym); n++)
			if (!strcmp(names + sym[n].st_name, name))
				return (void *)(sym[n].st_value + image->delta);
	}
	die("%s has no symbol %s.", image->path, name);
}

static void load(struct image *image)
{
	uint64_t start = UINT64_MAX, end = 0;
	const Elf64_Phdr *phdr;
	const Elf64_Ehdr *hdr;
	struct stat st;
	int fd;

	fd = open(image->path, O_RDONLY);
	if (fd < 0 || fstat(fd, &st))
		die("%s: %s", image->path, strerror(errno));
	image->size = st.st_size;
	image->file = mmap(NULL, image->size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	hdr = (void *)image->file;
	if (image->file == MAP_FAILED || image->size < sizeof(*hdr) ||
	    memcmp(hdr->e_ident, ELFMAG, SELFMAG) || hdr->e_machine != EM_X86_64)
		die("%s is not an ELF file for x86-64.", image->path);

	phdr = (void *)(image->file + hdr->e_phoff);
	for (int i = 0; i < hdr->e_phnum; i++) {
		uint64_t at = phdr[i].p_vaddr + image->delta;

		if (phdr[i].p_type != PT_LOAD || !phdr[i].p_memsz)
			continue;
		start = at < start ? at : start;
		end = at + phdr[i].p_memsz > end ? at + phdr[i].p_memsz : end;
	}
	start &= -PAGE;
	image->start = start;
	image->end = end;
	if (mmap((void *)start, end - start, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED)
		die("%s cannot be mapped at %#lx: %s", image->path, start, strerror(errno));
	for (int i = 0; i < hdr->e_phnum; i++)
		if (phdr[i].p_type == PT_LOAD)
			memcpy((void *)(phdr[i].p_vaddr + image->delta),
			       image->file + phdr[i].p_offset, phdr[i].p_filesz);
}

/* See handle_relocations() of the kernel: lists of 32-bit and 64-bit places, from the end. */
static void relocate(const struct image *image)
{
	const int32_t *place = (void *)(image->file + image->size / 4 * 4);
	const Elf64_Ehdr *hdr = (void *)image->file;
	const int32_t *begin = (void *)(image->file + hdr->e_shoff +
					hdr->e_shnum * sizeof(Elf64_Shdr));
	int done[2] = {};

	for (int is_64 = 0; is_64 < 2; is_64++) {
		while (--place > begin && *place) {
			char *at = (char *)((int64_t)*place + image->delta);

			if (is_64)
				*(uint64_t *)at += image->delta;
			else
				*(uint32_t *)at += image->delta;
			done[is_64]++;
		}
	}
	if (!done[0] || !done[1])
		die("%s has no relocation table at its end.", image->path);
}

static void jump_to(unsigned char *at, const void *to)
{
	int32_t distance = (char *)to - (char *)at - 5;

	memcpy(at + 1, &distance, sizeof(distance));
}

static void *target(const unsigned char *at)
{
	int32_t distance;

	memcpy(&distance, at + 1, sizeof(distance));
	return (char *)at + 5 + distance;
}

/* Like apply_returns() of the kernel. */
static int patch_returns(const struct image *image, const struct native *native, void *thunk)
{
	int32_t *site;
	void *end;
	int n = 0;

	for (site = section(image, ".return_sites", &end); site < (int32_t *)end; site++) {
		unsigned char *at = (unsigned char *)site + *site;

		/* Returns of static calls differ. */
		if (*at != JMP_OPCODE || target(at) != native->return_thunk)
			continue;
		if (thunk)
			jump_to(at, thunk);
		else
			memcpy(at, "\xc3\xcc\xcc\xcc\xcc", 5);
		n++;
	}
	return n;
}

/* Like ftrace. The linker has dropped some places, and objtool may have patched others. */
static void patch_mcount(const struct image *image, const struct native *native,
			 uint64_t *site, uint64_t *end)
{
	for (; site < end; site++) {
		unsigned char *at = (unsigned char *)*site;

		if (*site >= image->start && *site < image->end && *at == CALL_OPCODE &&
		    target(at) == native->fentry)
			memcpy(at, "\x0f\x1f\x44\x00\x00", 5);
	}
}

/*
 * copy_from_kernel_nofault() rejects user addresses, and all addresses here are user
 * addresses. So set its limit to 0.
 */
static uint64_t patch_nofault(unsigned char *function)
{
	static const uint64_t limits[] = { (1ul << 47) - PAGE, 1ul << 47 };

	for (unsigned char *at = function; at < function + 64; at++)
		for (int i = 0; i < 2; i++)
			if (!memcmp(at, &limits[i], 8)) {
				memset(at, 0, 8);
				return (uint64_t)at;
			}
	die("copy_from_kernel_nofault_allowed() does not compare with the limit of user addresses.");
}

static void *thunk_of(const struct native *native, const char *name)
{
	const struct { const char *name; void *thunk; } thunks[] = {
		{ "retbleed", native->retbleed },
		{ "srso", native->srso },
		{ "srso_alias", native->srso_alias },
		{ "its", native->its },
	};

	for (size_t i = 0; i < sizeof(thunks) / sizeof(thunks[0]); i++)
		if (!strcmp(thunks[i].name, name)) {
			if (!thunks[i].thunk)
				die("This kernel has no return thunk %s.", name);
			return thunks[i].thunk;
		}
	die("Unknown return thunk %s: use a name of struct native, or plain.", name);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_RAW, &time);
	return time.tv_sec * 1e9 + time.tv_nsec;
}

/* struct alt_instr of the kernel. */
struct alternative {
	int32_t place, replacement;
	uint32_t feature;
	uint8_t len, replacement_len;
} __attribute__((packed));

/* Returns whether the kernel replaces that code, depending on a CPU feature. */
static bool depends_on_cpu(const struct image *vmlinux, uint64_t ip)
{
	const struct alternative *alternative;
	const int32_t *site;
	uint64_t at;
	void *end;

	alternative = section(vmlinux, ".altinstructions", &end);
	for (; alternative < (struct alternative *)end; alternative++) {
		at = (uint64_t)alternative + alternative->place;
		if (ip < at || ip >= at + alternative->len)
			continue;
		/* The load of the limit is patched anyway. */
		if (vmlinux->limit < at || vmlinux->limit >= at + alternative->len)
			return true;
	}
	for (site = section(vmlinux, ".retpoline_sites", &end); site < (int32_t *)end; site++)
		if (ip == (uint64_t)site + *site)
			return true;
	return false;
}

/*
 * Runs a turn of a row in a child process, since its kernel code may crash there.
 * Optionally runs it in single steps, to check that the kernel would run the same
 * code. Returns a reason on failure.
 */
static const char *try_row(const struct image *vmlinux, const struct native *native,
			   const struct native_row *row, bool by_steps)
{
	struct user_regs_struct regs;
	int status, signal;
	pid_t pid;

	if (!row->needs)
		return "the object has no such function";
	native->set_level(row->level);
	pid = fork();
	if (pid < 0)
		die("fork: %s", strerror(errno));
	if (!pid) {
		if (row->check && row->check())
			_exit(1);
		if (by_steps && !ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			raise(SIGTRAP);
		row->loop(1);
		_exit(0);
	}
	while (waitpid(pid, &status, 0) == pid && WIFSTOPPED(status)) {
		signal = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
		if (ptrace(PTRACE_GETREGS, pid, NULL, &regs))
			die("ptrace: %s", strerror(errno));
		if (!signal && depends_on_cpu(vmlinux, regs.rip)) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return "it runs code that depends on features of the CPU";
		}
		ptrace(PTRACE_SINGLESTEP, pid, NULL, signal);
	}
	if (WIFSIGNALED(status))
		return "it does not run in a process";
	return WEXITSTATUS(status) ? "in a process it returns a wrong result" : NULL;
}

int main(int argc, char **argv)
{
	struct image vmlinux = { .delta = -KERNEL_MAP }, image = {};
	const char *reason[MAX_ROWS];
	double best[MAX_ROWS], cycle;
	struct native *native;
	void *thunk = NULL, *end;
	bool by_steps = false;
	uint64_t *sites;
	int n;

	if (argc > 1 && !strcmp(argv[1], "--try")) {
		by_steps = true;
		argv++;
		argc--;
	}
	if (argc != 4)
		die("native [--try] VMLINUX IMAGE THUNK");
	vmlinux.path = argv[1];
	image.path = argv[2];
	load(&vmlinux);
	relocate(&vmlinux);
	load(&image);
	native = symbol(&image, "native");
	if (native->nr_rows > MAX_ROWS)
		die("Too many rows: raise the limit in this file.");

	if (strcmp(argv[3], "plain"))
		thunk = thunk_of(native, argv[3]);
	n = patch_returns(&vmlinux, native, thunk);
	if (!n || !patch_returns(&image, native, thunk))
		die("Nothing to patch in %s: it has %d returns, and %s has none.",
		    n ? image.path : vmlinux.path, n, n ? "it" : "that");
	patch_mcount(&vmlinux, native, native->mcount_start, native->mcount_end);
	sites = section(&image, "__mcount_loc", &end);
	patch_mcount(&image, native, sites, end);
	vmlinux.limit = patch_nofault(native->nofault_allowed);
	native->init();

	for (int i = 0; i < native->nr_rows; i++) {
		reason[i] = try_row(&vmlinux, native, &native->row[i], by_steps);
		best[i] = 1e18;
	}
	for (int i = 0; i < native->nr_rows; i++)
		if (reason[i])
			printf("%s\t-\t%s\n", native->row[i].name, reason[i]);
	for (int round = 0; round < ROUNDS && !by_steps; round++) {
		for (int i = 0; i < native->nr_rows; i++) {
			const struct native_row *row = &native->row[i];
			double ns;

			if (reason[i])
				continue;
			native->set_level(row->level);
			ns = now();
			row->loop(TURNS);
			ns = (now() - ns) / TURNS / CALLS_PER_TURN;
			best[i] = ns < best[i] ? ns : best[i];
		}
	}

	/* The first two rows are the loop, and ten cycles. */
	cycle = (best[1] - best[0]) / 10;
	for (int i = 2; i < native->nr_rows && !by_steps; i++)
		if (!reason[i])
			printf("%s\t%.2f\n", native->row[i].name, (best[i] - best[0]) / cycle);
	return 0;
}
