// SPDX-License-Identifier: GPL-2.0
/*
 * Kinds of memory that a program may pass for the identity. Each test loads one of
 * these programs.
 */
#include "report.bpf.h"

#define SIZE sizeof(struct bpf_ns_ident)

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct bpf_ns_ident);
	__type(value, struct bpf_ns_ident);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
} arena SEC(".maps");

const struct bpf_ns_ident constant = {};

/* Calls the kfunc with this memory, and reports the content. */
static __always_inline void ask(void *mem)
{
	report.err = bpf_get_current_pidns_ident(mem);
	__builtin_memcpy(&report.ident, mem, SIZE);
	__sync_fetch_and_add(&report.calls, 1);
}

SEC("?syscall")
int rodata(void *ctx)
{
	ask((void *)&constant);
	return 0;
}

/* The memory of a map that userspace has also mapped. */
SEC("?syscall")
int global_variable(void *ctx)
{
	ask(&report.ident);
	return 0;
}

SEC("?syscall")
int hash_value(void *ctx)
{
	struct bpf_ns_ident ident = {};
	void *value;

	bpf_map_update_elem(&hash, &ident, &ident, BPF_ANY);
	value = bpf_map_lookup_elem(&hash, &ident);
	if (value)
		ask(value);
	return 0;
}

SEC("?syscall")
int hash_value_unchecked(void *ctx)
{
	struct bpf_ns_ident ident = {};

	bpf_get_current_pidns_ident(bpf_map_lookup_elem(&hash, &ident));
	return 0;
}

static long on_element(struct bpf_map *map, void *key, void *value, void *ctx)
{
	ask(key);
	return 0;
}

SEC("?syscall")
int hash_key(void *ctx)
{
	bpf_for_each_map_elem(&hash, on_element, NULL, 0);
	return 0;
}

SEC("?syscall")
int ringbuf_record(void *ctx)
{
	void *record = bpf_ringbuf_reserve(&ring, SIZE, 0);

	if (record) {
		ask(record);
		bpf_ringbuf_submit(record, 0);
	}
	return 0;
}

SEC("?syscall")
int ringbuf_record_too_small(void *ctx)
{
	void *record = bpf_ringbuf_reserve(&ring, SIZE - 1, 0);

	if (record) {
		bpf_get_current_pidns_ident(record);
		bpf_ringbuf_submit(record, 0);
	}
	return 0;
}

SEC("?syscall")
int ringbuf_record_unchecked(void *ctx)
{
	void *record = bpf_ringbuf_reserve(&ring, SIZE, 0);

	bpf_get_current_pidns_ident(record);
	if (record)
		bpf_ringbuf_submit(record, 0);
	return 0;
}

SEC("?syscall")
int ringbuf_record_submitted(void *ctx)
{
	void *record = bpf_ringbuf_reserve(&ring, SIZE, 0);

	if (record) {
		bpf_ringbuf_submit(record, 0);
		bpf_get_current_pidns_ident(record);
	}
	return 0;
}

SEC("?syscall")
int dynptr_data(void *ctx)
{
	struct bpf_dynptr ptr;
	void *data;

	bpf_ringbuf_reserve_dynptr(&ring, SIZE, 0, &ptr);
	data = bpf_dynptr_data(&ptr, 0, SIZE);
	if (data)
		ask(data);
	bpf_ringbuf_submit_dynptr(&ptr, 0);
	return 0;
}

static __always_inline void ask_in_slice(__u32 offset, __u32 size)
{
	struct bpf_dynptr ptr;
	void *slice;

	bpf_ringbuf_reserve_dynptr(&ring, 2 * SIZE, 0, &ptr);
	slice = bpf_dynptr_slice_rdwr(&ptr, offset, NULL, size);
	if (slice)
		ask(slice);
	bpf_ringbuf_submit_dynptr(&ptr, 0);
}

SEC("?syscall")
int dynptr_slice(void *ctx)
{
	ask_in_slice(0, SIZE);
	return 0;
}

SEC("?syscall")
int dynptr_slice_read_only(void *ctx)
{
	struct bpf_dynptr ptr;
	void *slice;

	bpf_ringbuf_reserve_dynptr(&ring, SIZE, 0, &ptr);
	slice = bpf_dynptr_slice(&ptr, 0, NULL, SIZE);
	if (slice)
		bpf_get_current_pidns_ident(slice);
	bpf_ringbuf_submit_dynptr(&ptr, 0);
	return 0;
}

/* A dynptr is smaller, but the stack frame around it is large enough. */
SEC("?syscall")
int dynptr_itself(void *ctx)
{
	struct bpf_dynptr ptr;

	bpf_ringbuf_reserve_dynptr(&ring, SIZE, 0, &ptr);
	bpf_get_current_pidns_ident((void *)&ptr);
	bpf_ringbuf_submit_dynptr(&ptr, 0);
	return 0;
}

SEC("?syscall")
int arena_page(void *ctx)
{
	void __attribute__((address_space(1))) *page;

	/* The address space is in the BTF of some kernels only. */
	page = (typeof(page))(__u64)bpf_arena_alloc_pages(&arena, NULL, 1, -1, 0);
	if (page)
		bpf_get_current_pidns_ident((void *)page);
	return 0;
}

static __always_inline bool is_option(struct bpf_sockopt *ctx)
{
	return is_target() && ctx->optname == MAGIC_PID;
}

SEC("?cgroup/getsockopt")
int packet(struct bpf_sockopt *ctx)
{
	void *optval = ctx->optval;

	if (is_option(ctx) && optval + SIZE <= ctx->optval_end) {
		ask(optval);
		ctx->optlen = SIZE;
		ctx->retval = 0;
	}
	return 1;
}

SEC("?cgroup/getsockopt")
int packet_too_short(struct bpf_sockopt *ctx)
{
	void *optval = ctx->optval;

	if (optval + SIZE - 1 <= ctx->optval_end)
		bpf_get_current_pidns_ident(optval);
	return 1;
}

SEC("?cgroup/getsockopt")
int packet_unchecked(struct bpf_sockopt *ctx)
{
	bpf_get_current_pidns_ident(ctx->optval);
	return 1;
}

SEC("?cgroup/getsockopt")
int packet_end(struct bpf_sockopt *ctx)
{
	bpf_get_current_pidns_ident(ctx->optval_end);
	return 1;
}

SEC("?cgroup/getsockopt")
int packet_slice(struct bpf_sockopt *ctx)
{
	if (is_option(ctx))
		ask_in_slice(SIZE, SIZE);
	return 1;
}

SEC("?cgroup/getsockopt")
int packet_slice_too_small(struct bpf_sockopt *ctx)
{
	ask_in_slice(SIZE, SIZE - 1);
	return 1;
}

/* Tracing programs may only read packets. */
SEC("?tp_btf/kfree_skb")
int BPF_PROG(skb_slice, struct sk_buff *skb)
{
	struct bpf_dynptr ptr;
	void *slice;

	if (bpf_dynptr_from_skb((struct __sk_buff *)skb, 0, &ptr))
		return 0;
	slice = bpf_dynptr_slice(&ptr, 0, NULL, SIZE);
	if (slice)
		bpf_get_current_pidns_ident(slice);
	return 0;
}

SEC("?tp_btf/kfree_skb")
int BPF_PROG(skb_data, struct sk_buff *skb)
{
	bpf_get_current_pidns_ident((void *)skb->data);
	return 0;
}

SEC("?tp_btf/kfree_skb")
int BPF_PROG(skb, struct sk_buff *skb)
{
	bpf_get_current_pidns_ident((void *)skb);
	return 0;
}

SEC("?syscall")
int task(void *ctx)
{
	bpf_get_current_pidns_ident((void *)bpf_get_current_task_btf());
	return 0;
}

SEC("?syscall")
int untrusted(void *ctx)
{
	__u32 id = bpf_core_type_id_kernel(struct task_struct);
	void *task = (void *)bpf_get_current_task();

	bpf_get_current_pidns_ident(bpf_rdonly_cast(task, id));
	return 0;
}

SEC("?syscall")
int untrusted_memory(void *ctx)
{
	void *task = (void *)bpf_get_current_task();

	bpf_get_current_pidns_ident(bpf_rdonly_cast(task, 0));
	return 0;
}

/* Memory of the program, with a type that the kernel does not have. */
SEC("?syscall")
int object(void *ctx)
{
	__u64 id = bpf_core_type_id_local(struct bpf_ns_ident);
	struct bpf_ns_ident *object = bpf_obj_new(id);

	if (object) {
		bpf_get_current_pidns_ident(object);
		bpf_obj_drop(object);
	}
	return 0;
}

SEC("?iter/bpf_map_elem")
int iterator_value(struct bpf_iter__bpf_map_elem *ctx)
{
	void *value = ctx->value;

	if (value)
		ask(value);
	return 0;
}

SEC("?iter/bpf_map_elem")
int iterator_key(struct bpf_iter__bpf_map_elem *ctx)
{
	void *key = ctx->key;

	if (key)
		bpf_get_current_pidns_ident(key);
	return 0;
}

/* A socket that only RCU protects. */
SEC("?netfilter")
int socket_under_rcu(struct bpf_nf_ctx *ctx)
{
	struct sock *sk = ctx->skb->sk;
	struct bpf_ns_ident ident = {};

	if (sk)
		bpf_sk_netns_ident((void *)sk, &ident);
	return 1;
}

/* An offset pointer into a packet. */
SEC("?netfilter")
int packet_at_an_offset(struct bpf_nf_ctx *ctx)
{
	struct bpf_dynptr packet;

	bpf_dynptr_from_skb((void *)ctx->skb + 8, 0, &packet);
	return 1;
}

/* An offset pointer into a context. */
SEC("?netfilter")
int context_at_an_offset(struct bpf_nf_ctx *ctx)
{
	struct bpf_ns_ident ident = {};

	bpf_nf_netns_ident((void *)ctx + 8, &ident);
	return 1;
}

/* Packet memory, which only some types may write to. */
static __always_inline int ask_in_packet(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data;

	if (data + SIZE > (void *)(long)skb->data_end)
		return -1;
	return bpf_skb_netns_ident(skb, data);
}

SEC("?cgroup_skb/ingress")
int packet_read_only(struct __sk_buff *skb)
{
	ask_in_packet(skb);
	return 1;
}

SEC("?tc")
int packet_to_write_to(struct __sk_buff *skb)
{
	return ask_in_packet(skb);
}

SEC("?fentry/inet_listen")
int BPF_PROG(socket_of_fentry, struct socket *sock)
{
	struct bpf_ns_ident ident = {};

	bpf_sk_netns_ident((void *)sock->sk, &ident);
	return 0;
}

SEC("?iter/unix")
int socket_of_unix(struct bpf_iter__unix *ctx)
{
	struct unix_sock *sk = ctx->unix_sk;
	struct bpf_ns_ident ident = {};

	if (sk)
		bpf_sk_netns_ident(&sk->sk.__sk_common, &ident);
	return 0;
}

SEC("?iter/netlink")
int socket_of_netlink(struct bpf_iter__netlink *ctx)
{
	struct netlink_sock *sk = ctx->sk;
	struct bpf_ns_ident ident = {};

	if (sk)
		bpf_sk_netns_ident(&sk->sk.__sk_common, &ident);
	return 0;
}

SEC("?iter/task_file")
int socket_of_file(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct socket *sock = file ? bpf_sock_from_file(file) : NULL;
	struct sock *sk = sock ? sock->sk : NULL;
	struct bpf_ns_ident ident = {};

	if (sk)
		bpf_sk_netns_ident(&sk->__sk_common, &ident);
	return 0;
}

/* The file, and so the socket, may be freed before the kfunc reads the socket. */
SEC("?lsm.s/bprm_committed_creds")
int BPF_PROG(socket_of_released_file, struct linux_binprm *bprm)
{
	struct file *file = bpf_get_task_exe_file(bpf_get_current_task_btf());
	struct bpf_ns_ident ident = {};
	struct socket *sock;
	struct sock *sk;

	if (!file)
		return 0;
	sock = bpf_sock_from_file(file);
	bpf_put_file(file);
	sk = sock ? sock->sk : NULL;
	if (sk)
		bpf_sk_netns_ident(&sk->__sk_common, &ident);
	return 0;
}

SEC("?fentry/filp_close")
int BPF_PROG(socket_of_fentry_file, struct file *file)
{
	struct socket *sock = bpf_sock_from_file(file);
	struct sock *sk = sock ? sock->sk : NULL;
	struct bpf_ns_ident ident = {};

	if (sk)
		bpf_sk_netns_ident(&sk->__sk_common, &ident);
	return 0;
}

SEC("?iter/sockmap")
int socket_of_sockmap(struct bpf_iter__sockmap *ctx)
{
	struct sock *sk = ctx->sk;
	struct bpf_ns_ident ident = {};

	if (sk)
		bpf_sk_netns_ident(&sk->__sk_common, &ident);
	return 0;
}

SEC("?iter/task_file")
int task_of_file(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct bpf_ns_ident ident = {};

	if (task)
		bpf_task_pidns_ident(task, &ident);
	return 0;
}

SEC("?iter/task_vma")
int task_of_vma(struct bpf_iter__task_vma *ctx)
{
	struct task_struct *task = ctx->task;
	struct bpf_ns_ident ident = {};

	if (task)
		bpf_task_pidns_ident(task, &ident);
	return 0;
}
