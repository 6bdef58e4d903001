// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU that counts how often each block of instructions runs between
 * two markers, which are instructions without an effect:
 *
 *     xchg %r15,%r15	begin
 *     xchg %r14,%r14	end: append "region", and "ADDRESS INSTRUCTIONS RUNS" of each
 *			block that ran, to the file of the argument out=FILE
 *
 * For one CPU. A block that an exception leaves counts as a whole.
 *
 * No package has QEMU's qemu-plugin.h, so the needed part is declared here. The
 * interface is stable: QEMU rejects a plugin for a version that it lacks.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

#define NO_REGS 0	/* QEMU_PLUGIN_CB_NO_REGS */

typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_info_t;

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
		void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
		void (*cb)(unsigned int cpu, void *data), int flags, void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
		void (*cb)(unsigned int cpu, void *data), int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *data, size_t size);

/* First version in which qemu_plugin_insn_data() copies. */
EXPORT int qemu_plugin_version = 3;

/* QEMU may translate the same code again, as another block. */
struct block {
	uint64_t addr;
	size_t insns;
	uint64_t runs;
	unsigned int region;	/* number of the region */
	struct block *next;
};

static struct block *blocks;
static unsigned int region;
static bool is_counting;
static FILE *out;

static void run(unsigned int cpu, void *data)
{
	struct block *block = data;

	if (!is_counting)
		return;
	if (block->region != region) {
		block->region = region;
		block->runs = 0;
	}
	block->runs++;
}

static void begin(unsigned int cpu, void *data)
{
	region++;
	is_counting = true;
}

static void end(unsigned int cpu, void *data)
{
	if (!is_counting)
		return;
	is_counting = false;
	fputs("region\n", out);
	for (struct block *block = blocks; block; block = block->next)
		if (block->region == region)
			fprintf(out, "%" PRIx64 " %zu %" PRIu64 "\n", block->addr,
				block->insns, block->runs);
	fflush(out);
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	static const uint8_t begin_insn[] = { 0x4d, 0x87, 0xff };
	static const uint8_t end_insn[] = { 0x4d, 0x87, 0xf6 };
	struct block *block = calloc(1, sizeof(*block));

	if (!block)
		abort();
	block->addr = qemu_plugin_tb_vaddr(tb);
	block->insns = qemu_plugin_tb_n_insns(tb);
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, run, NO_REGS, block);
	for (size_t i = 0; i < block->insns; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		uint8_t data[4];

		if (qemu_plugin_insn_data(insn, data, sizeof(data)) != sizeof(begin_insn))
			continue;
		if (!memcmp(data, begin_insn, sizeof(begin_insn)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, begin, NO_REGS, NULL);
		else if (!memcmp(data, end_insn, sizeof(end_insn)))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, end, NO_REGS, NULL);
	}
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info_t *info,
			       int argc, char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", 4)) {
		fputs("insns: the only argument is out=FILE\n", stderr);
		return -1;
	}
	out = fopen(argv[0] + 4, "w");
	if (!out) {
		perror(argv[0] + 4);
		return -1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}
