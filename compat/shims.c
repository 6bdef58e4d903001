// SPDX-License-Identifier: GPL-2.0
/*
 * Functions that the files of the series call, and that a kernel without the
 * series lacks or does not export. They have the same names, and use only exported
 * symbols.
 */
#include <linux/btf.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mnt_namespace.h>
#include <linux/module.h>
#include <linux/namei.h>
#include <linux/nsproxy.h>
#include <linux/path.h>
#include <linux/proc_ns.h>
#include <linux/sched.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "shims.h"

#define __rust_helper
#include "rust/helpers/preempt.c"
#include "rust/helpers/ratelimit.c"

/* Each module has a copy of this file. */
#undef pr_fmt
#define pr_fmt(fmt) "%s: " fmt, THIS_MODULE->name

#define OWN_MNT_NS "/proc/thread-self/ns/mnt"

dev_t nsfs_dev __ro_after_init;

/*
 * Reads the device from the file of the mount namespace of the task that loads the
 * module. nsproxy has the same namespace, so this also checks the first member of
 * struct mnt_namespace in shims.h.
 */
int compat_init(void)
{
	const struct ns_common *ns;
	struct inode *inode;
	struct path path;
	int err;

	err = kern_path(OWN_MNT_NS, LOOKUP_FOLLOW, &path);
	if (err) {
		pr_err("cannot look up " OWN_MNT_NS ", is /proc mounted? (%pe)\n",
		       ERR_PTR(err));
		return err;
	}

	inode = d_inode(path.dentry);
	ns = get_proc_ns(inode);
	err = -ENXIO;
	if (inode->i_sb->s_magic == NSFS_MAGIC && ns->ns_type == CLONE_NEWNS &&
	    ns == &current->nsproxy->mnt_ns->ns) {
		nsfs_dev = inode->i_sb->s_dev;
		err = 0;
	}
	if (err)
		pr_err(OWN_MNT_NS " is not the mount namespace of this task, or struct mnt_namespace does not begin with its ns_common: mount /proc, or do not use this kernel\n");

	path_put(&path);
	return err;
}

/* Not the kernel's structure. No pointer to it leaves the module. */
struct btf {
	/* Ids of the first function, before and after relocation. */
	u32 file_id, id;
};

/* Returns the id of the first function, or 0. The first tag refers to it. */
static u32 find_first_func(const struct btf_header *hdr, size_t size)
{
	const void *pos, *end;
	size_t len;

	if (size < offsetofend(struct btf_header, str_len) ||
	    hdr->magic != BTF_MAGIC || hdr->hdr_len > size ||
	    hdr->type_off > size - hdr->hdr_len ||
	    hdr->type_len > size - hdr->hdr_len - hdr->type_off)
		return 0;

	pos = (void *)hdr + hdr->hdr_len + hdr->type_off;
	end = pos + hdr->type_len;
	for (; pos + sizeof(struct btf_type) <= end; pos += len) {
		const struct btf_type *type = pos;

		len = sizeof(*type);

		/* The kinds that rust/kernel/bpf/btf.rs uses. */
		switch (BTF_INFO_KIND(type->info)) {
		case BTF_KIND_CONST:
		case BTF_KIND_PTR:
		case BTF_KIND_FUNC:
			break;
		case BTF_KIND_STRUCT:
			len += BTF_INFO_VLEN(type->info) * sizeof(struct btf_member);
			break;
		case BTF_KIND_FUNC_PROTO:
			len += BTF_INFO_VLEN(type->info) * sizeof(struct btf_param);
			break;
		case BTF_KIND_DECL_TAG:
			return type->type;
		default:
			return 0;
		}
	}
	return 0;
}

/* Not kernel_read_file(), which needs a purpose for security modules. */
static void *read_file(const char *name, size_t *size)
{
	struct file *file;
	void *data = NULL;
	loff_t pos = 0;
	ssize_t n;

	file = filp_open(name, O_RDONLY, 0);
	if (IS_ERR(file))
		return ERR_CAST(file);

	n = i_size_read(file_inode(file));
	if (n > 0 && n <= SZ_64K)
		data = kmalloc(n, GFP_KERNEL);
	n = data ? kernel_read(file, data, n, &pos) : -ENOMEM;
	filp_close(file, NULL);
	if (n < 0) {
		kfree(data);
		return ERR_PTR(n);
	}
	*size = n;
	return data;
}

/* Reads the BTF from its file in sysfs. */
struct btf *btf_get_module_btf(const struct module *module)
{
	char name[sizeof("/sys/kernel/btf/") + MODULE_NAME_LEN];
	struct btf *btf;
	size_t size;
	void *data;
	int err;

	snprintf(name, sizeof(name), "/sys/kernel/btf/%s", module->name);
	data = read_file(name, &size);
	if (data == ERR_PTR(-ENOENT)) {
		pr_err("%s is missing, is /sys mounted?\n", name);
		return NULL;
	}
	if (IS_ERR(data)) {
		pr_err("cannot read %s (%pe)\n", name, data);
		return data;
	}

	btf = kzalloc(sizeof(*btf), GFP_KERNEL);
	err = -ENOMEM;
	if (btf) {
		btf->id = find_first_func(data, size);
		err = btf->id ? 0 : -EINVAL;
	}
	kfree(data);
	if (err) {
		pr_err("cannot parse %s (%pe)\n", name, ERR_PTR(err));
		kfree(btf);
		return ERR_PTR(err);
	}
	return btf;
}

/*
 * Functions have consecutive ids, and their order does not change. set.rs passes the
 * first one first.
 */
u32 btf_relocate_id(const struct btf *const_btf, u32 id)
{
	struct btf *btf = (struct btf *)const_btf;

	if (!btf->file_id)
		btf->file_id = id;
	return id - btf->file_id + btf->id;
}

void btf_put(struct btf *btf)
{
	kfree(btf);
}
