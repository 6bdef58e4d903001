// SPDX-License-Identifier: GPL-2.0
/*
 * bpf_skb_netns_ident(), bpf_sk_netns_ident(), bpf_xdp_netns_ident() and
 * bpf_nf_netns_ident() report the identity of the net namespace of a packet or
 * a socket as /proc/PID/ns/net shows it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <net/if.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "kselftest_harness.h"

#include "clone_util.h"
#include "netns_idents.skel.h"

FIXTURE(netns)
{
	struct netns_idents *skel;
	struct bpf_ns_ident *inside;
};

FIXTURE_SETUP(netns)
{
	self->skel = netns_idents__open_and_load();
	ASSERT_NE(NULL, self->skel);
	self->inside = mmap(NULL, sizeof(*self->inside), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->inside);
}

FIXTURE_TEARDOWN(netns)
{
	netns_idents__destroy(self->skel);
}

/* BPF_PROG_RUN takes the loopback device of the caller's net namespace. */
static int run_prog(struct bpf_program *prog)
{
	unsigned char packet[64] = { [12] = 0x08, [14] = 0x45 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet));

	return bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
}

static int run_skb(void *arg)
{
	FIXTURE_DATA(netns) *self = arg;

	return read_ident(getpid(), "net", self->inside) || run_prog(self->skel->progs.on_skb);
}

static int run_xdp(void *arg)
{
	FIXTURE_DATA(netns) *self = arg;

	return read_ident(getpid(), "net", self->inside) || run_prog(self->skel->progs.on_xdp);
}

static int attach_and_send(void *arg)
{
	LIBBPF_OPTS(bpf_netfilter_opts, opts, .pf = NFPROTO_IPV4, .hooknum = NF_INET_LOCAL_OUT);
	FIXTURE_DATA(netns) *self = arg;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct ifreq lo = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int sock = socket(AF_INET, SOCK_DGRAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return read_ident(getpid(), "net", self->inside) ||
	       ioctl(sock, SIOCSIFFLAGS, &lo) ||
	       !bpf_program__attach_netfilter(self->skel->progs.on_nf, &opts) ||
	       sendto(sock, "", 1, 0, (struct sockaddr *)&to, sizeof(to)) != 1;
}

FIXTURE_VARIANT(netns)
{
	int (*run)(void *self);
	bool socket;		/* Has the packet one? */
};

FIXTURE_VARIANT_ADD(netns, skb) { .run = run_skb, .socket = true };
FIXTURE_VARIANT_ADD(netns, xdp) { .run = run_xdp };
FIXTURE_VARIANT_ADD(netns, nf) { .run = attach_and_send };

TEST_F(netns, is_as_in_proc)
{
	struct bpf_ns_ident initial;

	ASSERT_EQ(0, read_ident(getpid(), "net", &initial));
	ASSERT_EQ(0, run_in(CLONE_NEWNET, 1, variant->run, self));
	EXPECT_NE(initial.id, self->inside->id);
	/* The datagram at netfilter causes an ICMP reply. */
	EXPECT_LE(1, self->skel->bss->answer.calls);
	EXPECT_EQ(0, self->skel->bss->answer.err);
	expect_ident(self->inside, &self->skel->bss->answer.ident);
	EXPECT_EQ(variant->socket, self->skel->bss->answer_of_socket.calls);
	if (variant->socket) {
		EXPECT_EQ(0, self->skel->bss->answer_of_socket.err);
		expect_ident(self->inside, &self->skel->bss->answer_of_socket.ident);
	}
}

/* BPF_PROG_RUN runs the program at no hook, so there is no net namespace. */
TEST(of_no_hook)
{
	struct netns_idents *skel = netns_idents__open_and_load();
	const struct bpf_ns_ident none = {};

	ASSERT_NE(NULL, skel);
	EXPECT_EQ(0, run_prog(skel->progs.on_nf));
	EXPECT_EQ(1, skel->bss->answer.calls);
	EXPECT_EQ(-ENOENT, skel->bss->answer.err);
	expect_ident(&none, &skel->bss->answer.ident);
	netns_idents__destroy(skel);
}

IDENT_TEST_MAIN
