// SPDX-License-Identifier: GPL-2.0
/*
 * Modified modules. The kernel must reject modules for another kernel. Damaged BTF
 * must not harm the kernel, which may load or reject the module: BTF can be well
 * formed and describe other functions. Module signatures protect against that.
 *
 * A normal run damages a sample of the bytes and tries a sample of the lengths.
 * TORTURE=1 in the environment tries all of them.
 */
#include <elf.h>
#include <errno.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf_util.h"
#include "kselftest_harness.h"
#include "ns_util.h"

/* Internal to the kernel, but finit_module(2) returns it. */
#define ENOTSUPP 524

/* Number of loads of each kind in a normal run. */
#define SOME 40

/* The module's file, in memory. */
struct image {
	__u8 *data;
	size_t size;
	long taint;		/* of the kernel with the unmodified module */
	int rejected;		/* number of loads */
	int loaded;
};

static Elf64_Shdr *sections(const struct image *image)
{
	return (void *)(image->data + ((Elf64_Ehdr *)image->data)->e_shoff);
}

static char *section_name(const struct image *image, const Elf64_Shdr *section)
{
	const Elf64_Ehdr *ehdr = (void *)image->data;
	const Elf64_Shdr *names = &sections(image)[ehdr->e_shstrndx];

	return (char *)image->data + names->sh_offset + section->sh_name;
}

static Elf64_Shdr *find_section(const struct image *image, const char *name)
{
	const Elf64_Ehdr *ehdr = (void *)image->data;
	Elf64_Shdr *section = sections(image);

	for (int i = 0; i < ehdr->e_shnum; i++, section++)
		if (!strcmp(section_name(image, section), name))
			return section;
	return NULL;
}

static int load_image(const struct image *image)
{
	return module_load_image(image->data, image->size);
}

/* The taint also shows whether the kernel printed a warning. */
static long get_taint(void)
{
	FILE *file = fopen("/proc/sys/kernel/tainted", "r");
	long taint = -1;

	if (file && fscanf(file, "%ld", &taint) != 1)
		taint = -1;
	if (file)
		fclose(file);
	return taint;
}

/* Does the kernel only load modules with the signature of their bytes? */
static bool needs_signature(void)
{
	FILE *file = fopen("/sys/module/module/parameters/sig_enforce", "r");
	bool enforced;

	if (!file)
		return false;
	enforced = fgetc(file) == 'Y';
	fclose(file);
	return enforced;
}

/* Returns whether the tests can modify the image. */
static bool setup_image(struct __test_metadata *_metadata, struct image *image)
{
	image->data = module_read(MODULE, &image->size);
	ASSERT_NE(NULL, image->data);
	if (needs_signature() || image->size < sizeof(Elf64_Ehdr) ||
	    memcmp(image->data, ELFMAG, SELFMAG) ||
	    image->data[EI_CLASS] != ELFCLASS64)
		return false;
	ASSERT_EQ(0, module_unload(MODULE));
	ASSERT_EQ(0, load_image(image));
	ASSERT_EQ(0, module_unload(MODULE));
	image->taint = get_taint();
	ASSERT_LE(0, image->taint);
	return true;
}

#define NO_IMAGE "the module is signed, compressed, or not 64 bit"

/* After the test, the kernel has no warning, and the unmodified module works. */
static void teardown_image(struct __test_metadata *_metadata,
			   struct image *image)
{
	static struct raw_prog prog;

	EXPECT_EQ(image->taint, get_taint());
	free(image->data);
	EXPECT_EQ(0, module_load(MODULE, NULL));
	EXPECT_EQ(0, module_try(&prog, BPF_PROG_TYPE_SYSCALL)) {
		TH_LOG("%s", prog.log);
	}
}

/*
 * Loads the image. The load may only fail because of the BTF, and not because of
 * the way in which the test modified the image.
 */
static void expect_no_harm(struct __test_metadata *_metadata,
			   struct image *image, const char *name, size_t where)
{
	int err = load_image(image);

	EXPECT_TRUE(!err || err == -EINVAL || err == -E2BIG ||
		    err == -ENOTSUPP || err == -ENOENT) {
		TH_LOG("%s %zu: %d", name, where, err);
	}
	EXPECT_EQ(!err, module_is_loaded(MODULE));
	EXPECT_EQ(image->taint, get_taint());
	if (err) {
		image->rejected++;
	} else {
		image->loaded++;
		ASSERT_EQ(0, module_unload(MODULE));
	}
}

FIXTURE(damaged)
{
	struct image image;
	Elf64_Shdr *section;
	__u8 *data;		/* of the section */
	size_t size;
};

FIXTURE_VARIANT(damaged)
{
	const char *section;
	const char *other;
};

FIXTURE_VARIANT_ADD(damaged, btf)
{
	.section = ".BTF",
	.other = ".BTF.base",
};

FIXTURE_VARIANT_ADD(damaged, btf_base)
{
	.section = ".BTF.base",
	.other = ".BTF",
};

FIXTURE_SETUP(damaged)
{
	ASSERT_EQ(0, module_load(MODULE, NULL));
	/* Without the fix, btf_relocate() reads beyond an array. */
	if (module_is_out_of_tree(MODULE))
		SKIP(return, "the module is out of tree: its kernel may not check type ids");
	if (!setup_image(_metadata, &self->image))
		SKIP(return, NO_IMAGE);
	self->section = find_section(&self->image, variant->section);
	ASSERT_NE(NULL, self->section);
	self->size = self->section->sh_size;
	self->data = self->image.data + self->section->sh_offset;
	ASSERT_LT(24, self->size);
}

FIXTURE_TEARDOWN(damaged)
{
	teardown_image(_metadata, &self->image);
}

static size_t get_step(size_t size)
{
	return is_torture() || size <= SOME ? 1 : size / SOME;
}

#define TH_LOG_COUNT()							\
	TH_LOG("%d loads rejected, %d not", self->image.rejected,	\
	       self->image.loaded)

TEST_F_TIMEOUT(damaged, byte_does_no_harm, 1800)
{
	static const __u8 flips[] = { 0xff, 0x01, 0x80, 0x20 };
	size_t step = get_step(self->size);

	for (size_t i = 0; i < self->size; i += step) {
		for (size_t j = 0; j < ARRAY_SIZE(flips); j++) {
			if (!is_torture() && j != i / step % ARRAY_SIZE(flips))
				continue;
			self->data[i] ^= flips[j];
			expect_no_harm(_metadata, &self->image, "byte", i);
			self->data[i] ^= flips[j];
		}
	}
	TH_LOG_COUNT();
}

TEST_F_TIMEOUT(damaged, end_does_no_harm, 1800)
{
	size_t step = get_step(self->size);

	for (size_t size = 0; size < self->size; size += step) {
		self->section->sh_size = size;
		expect_no_harm(_metadata, &self->image, "length", size);
	}
	self->section->sh_size = self->size - 1;
	expect_no_harm(_metadata, &self->image, "length", self->size - 1);
	self->section->sh_size = self->size + 1;
	expect_no_harm(_metadata, &self->image, "length", self->size + 1);
	TH_LOG_COUNT();
}

TEST_F(damaged, section_of_zeroes_does_no_harm)
{
	memset(self->data, 0, self->size);
	expect_no_harm(_metadata, &self->image, "zeroes", self->size);
	EXPECT_EQ(1, self->image.rejected);
}

TEST_F(damaged, section_that_is_not_there_does_no_harm)
{
	section_name(&self->image, self->section)[1] = 'X';
	expect_no_harm(_metadata, &self->image, "section", 0);
}

TEST_F(damaged, section_of_the_other_does_no_harm)
{
	const Elf64_Shdr *other = find_section(&self->image, variant->other);

	ASSERT_NE(NULL, other);
	self->section->sh_offset = other->sh_offset;
	self->section->sh_size = other->sh_size;
	expect_no_harm(_metadata, &self->image, "section", other->sh_size);
}

/* Modules for another kernel. */
FIXTURE(foreign)
{
	struct image image;
	int klog;
};

FIXTURE_SETUP(foreign)
{
	self->klog = klog_open();
	ASSERT_LE(0, self->klog);
	if (!setup_image(_metadata, &self->image))
		SKIP(return, NO_IMAGE);
}

FIXTURE_TEARDOWN(foreign)
{
	close(self->klog);
	teardown_image(_metadata, &self->image);
}

/* Rename each type in .BTF.base, as if the kernel lacked it. */
TEST_F(foreign, kernel_says_which_type_it_lacks)
{
	const Elf64_Shdr *section = find_section(&self->image, ".BTF.base");
	struct btf_header *header;
	struct btf *btf;
	char want[128];
	__u8 *data;

	ASSERT_NE(NULL, section);
	data = self->image.data + section->sh_offset;
	header = (void *)data;
	btf = btf__new(data, section->sh_size);
	ASSERT_NE(NULL, btf);
	ASSERT_LT(1, btf__type_cnt(btf));
	for (__u32 id = 1; id < btf__type_cnt(btf); id++) {
		__u32 off = btf__type_by_id(btf, id)->name_off;
		char *name = (char *)data + header->hdr_len + header->str_off + off;
		char *last = name + strlen(name) - 1;

		*last ^= 0x20;
		snprintf(want, sizeof(want), "type '%s'", name);
		EXPECT_EQ(-EINVAL, load_image(&self->image));
		EXPECT_TRUE(klog_find(self->klog, want, NULL, 0)) {
			TH_LOG("the kernel log lacks: %s", want);
		}
		EXPECT_TRUE(klog_find(self->klog, "[" MODULE "] BTF", NULL, 0));
		*last ^= 0x20;
	}
	btf__free(btf);
}

/* Finds the version and the configuration that the module was built for. */
static char *find_vermagic(const struct image *image)
{
	static const char name[] = "vermagic=";
	const Elf64_Shdr *section = find_section(image, ".modinfo");
	char *found;

	if (!section)
		return NULL;
	found = memmem(image->data + section->sh_offset, section->sh_size,
		       name, strlen(name));
	return found ? found + strlen(name) : NULL;
}

static void expect_another_kernel(struct __test_metadata *_metadata,
				  FIXTURE_DATA(foreign) * self, char *vermagic)
{
	char want[256];

	snprintf(want, sizeof(want), "%s: version magic '%s' should be",
		 MODULE, vermagic);
	EXPECT_EQ(-ENOEXEC, load_image(&self->image));
	EXPECT_FALSE(module_is_loaded(MODULE));
	EXPECT_TRUE(klog_find(self->klog, want, NULL, 0));
}

TEST_F(foreign, module_of_another_version_is_refused)
{
	char *vermagic = find_vermagic(&self->image);

	ASSERT_NE(NULL, vermagic);
	vermagic[0]++;
	expect_another_kernel(_metadata, self, vermagic);
	vermagic[0]--;
	/* Change the last digit of the version. */
	vermagic[strspn(vermagic, "0123456789.") - 1]++;
	expect_another_kernel(_metadata, self, vermagic);
}

TEST_F(foreign, module_of_another_configuration_is_refused)
{
	char *vermagic = find_vermagic(&self->image);

	ASSERT_NE(NULL, vermagic);
	/* Change a word of the configuration, for example SMP. */
	vermagic = strchr(vermagic, ' ');
	ASSERT_NE(NULL, vermagic);
	vermagic[1] ^= 0x20;
	expect_another_kernel(_metadata, self, find_vermagic(&self->image));
}

NS_TEST_MAIN_LOADABLE(MODULE)
