// SPDX-License-Identifier: GPL-2.0
#include <test_progs.h>
#include <fcntl.h>
#include <libelf.h>
#include <gelf.h>
#include <sys/syscall.h>
#include "testing_helpers.h"

#define MODULE "bpf_test_modorder_x"

static void *find_section(Elf *elf, const char *name, size_t min_size)
{
	Elf_Scn *scn = NULL;
	Elf_Data *data;
	size_t names;
	GElf_Shdr shdr;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &shdr) ||
		    strcmp(elf_strptr(elf, names, shdr.sh_name), name))
			continue;
		/* Not a copy, since the data needs no conversion */
		data = elf_rawdata(scn, NULL);
		return data && data->d_size >= min_size ? data->d_buf : NULL;
	}
	return NULL;
}

/* A module with an id in its set of kfuncs that the BTF of the module does not have.
 * The kernel maps the ids of a module that has .BTF.base.
 */
void serial_test_btf_ids_module(void)
{
	__u32 *set;	/* count and flags, then id and flags of each kfunc */
	void *image;
	long size;
	FILE *file;
	Elf *elf;
	int err;

	file = fopen(MODULE ".ko", "r");
	if (!ASSERT_OK_PTR(file, "open " MODULE ".ko"))
		return;
	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	image = malloc(size);
	if (!ASSERT_OK_PTR(image, "malloc") ||
	    !ASSERT_EQ(fread(image, 1, size, file), size, "read " MODULE ".ko"))
		goto out;

	elf_version(EV_CURRENT);
	elf = elf_memory(image, size);
	if (!ASSERT_OK_PTR(elf, "elf_memory"))
		goto out;
	if (!find_section(elf, ".BTF.base", 1)) {
		test__skip();
		goto out_elf;
	}
	set = find_section(elf, ".BTF_ids", 4 * sizeof(*set));
	if (!ASSERT_OK_PTR(set, ".BTF_ids") || !ASSERT_EQ(set[0], 1, "kfuncs"))
		goto out_elf;
	set[2] = ~0U;

	err = syscall(__NR_init_module, image, size, "") ? -errno : 0;
	if (!ASSERT_EQ(err, -EINVAL, "init_module") && !err)
		unload_module(MODULE, false);

out_elf:
	elf_end(elf);
out:
	free(image);
	fclose(file);
}
