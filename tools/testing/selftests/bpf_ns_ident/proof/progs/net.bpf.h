/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _NET_BPF_H
#define _NET_BPF_H

#include "report.bpf.h"
#include <bpf/bpf_endian.h>
#include "net.h"

#define AF_INET		2
#define BPF_F_CURRENT_NETNS (-1L)
#define CLONE_NEWNET	0x40000000
#define ETH_HLEN	14
#define ETH_P_IP	0x0800

struct net_report net SEC(".data.net");

static __always_inline void net_answer(int which, int err,
				       const struct bpf_ns_ident *ident)
{
	struct net_answer *answer = &net.answers[which];

	if (answer->calls &&
	    (answer->err != err || answer->ident.dev != ident->dev ||
	     answer->ident.ino != ident->ino || answer->ident.id != ident->id))
		__sync_fetch_and_add(&answer->changed, 1);
	answer->ident = *ident;
	answer->err = err;
	__sync_fetch_and_add(&answer->calls, 1);
}

static long net_may_go(__u32 i, void *deadline)
{
	return *(volatile __u32 *)&net.hold == NET_GO ||
	       bpf_ktime_get_ns() > *(__u64 *)deadline;
}

static long net_wait_on(__u32 i, void *deadline)
{
	bpf_loop(1 << 23, net_may_go, deadline, 0);
	return net_may_go(i, deadline);
}

/* Waits with a timeout, in case that the test ends. */
static __noinline void net_wait(void)
{
	__u64 deadline = bpf_ktime_get_ns() + 100 * 1000000000ULL;

	if (net.hold != NET_WAIT)
		return;
	net.hold = NET_WAITING;
	bpf_loop(1 << 23, net_wait_on, &deadline, 0);
}

#define net_ask(WHICH, KFUNC, ARG)					\
	do {								\
		struct bpf_ns_ident ident_ = { POISON, POISON, POISON }; \
		int err_;						\
									\
		net_wait();						\
		err_ = KFUNC(ARG, &ident_);				\
		net_answer(WHICH, err_, &ident_);			\
	} while (0)

/* For any type that the verifier accepts as a struct sock_common. */
#define net_ask_sock(WHICH, SK)						\
	net_ask(WHICH, bpf_sk_netns_ident, (const void *)(SK))

#define net_ask_task()							\
	net_ask(NET_TASK, bpf_get_current_ns_ident, CLONE_NEWNET)

/* Returns whether the packet, with its IP header at @at, is one of the test. */
static __always_inline bool net_is_met(struct __sk_buff *skb, __u32 at)
{
	__be16 ports[2];

	return report.target && skb->protocol == bpf_htons(ETH_P_IP) &&
	       !bpf_skb_load_bytes(skb, at + sizeof(struct iphdr), ports,
				   sizeof(ports)) &&
	       ports[1] == bpf_htons(NET_PORT);
}

static __always_inline void net_ask_sock_of(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;

	if (sk)
		net_ask_sock(NET_SOCK, sk);
}

static __always_inline void net_ask_skb(struct __sk_buff *skb)
{
	net_ask(NET_PACKET, bpf_skb_netns_ident, skb);
	net_ask_sock_of(skb);
}

#endif /* _NET_BPF_H */
