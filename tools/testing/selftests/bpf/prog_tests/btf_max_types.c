// SPDX-License-Identifier: GPL-2.0
#include <test_progs.h>
#include <linux/btf.h>

/* Loads BTF with nr types, which are all void *. */
static int load_types(__u32 nr)
{
	size_t size = sizeof(struct btf_header) + nr * sizeof(struct btf_type) + 1;
	struct btf_header *hdr;
	struct btf_type *types;
	int fd;
	__u32 i;

	hdr = calloc(1, size);
	if (!ASSERT_OK_PTR(hdr, "calloc"))
		return -ENOMEM;
	hdr->magic = BTF_MAGIC;
	hdr->version = BTF_VERSION;
	hdr->hdr_len = sizeof(*hdr);
	hdr->type_len = nr * sizeof(*types);
	hdr->str_off = hdr->type_len;
	hdr->str_len = 1;
	types = (void *)(hdr + 1);
	for (i = 0; i < nr; i++)
		types[i].info = BTF_KIND_PTR << 24;

	fd = bpf_btf_load(hdr, size, NULL);
	free(hdr);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* The kernel numbers types from 0, which is void, to BTF_MAX_TYPE - 1. */
void test_btf_max_types(void)
{
	ASSERT_OK(load_types(BTF_MAX_TYPE - 1), "largest number of types");
	ASSERT_EQ(load_types(BTF_MAX_TYPE), -E2BIG, "one more");
}
