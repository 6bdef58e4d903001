// SPDX-License-Identifier: GPL-2.0
#define _GNU_SOURCE
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <linux/if_link.h>
#include <netinet/in.h>
#include <sys/wait.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "xdp_cpumap_unregister.skel.h"

#define FAIR_SERVER "/sys/kernel/debug/sched/fair_server/cpu%d/runtime"

static volatile bool hog_runs, hog_ends;

/* Keeps the kthread of the CPUMAP entry off its CPU */
static void *hog(void *cpu)
{
	struct sched_param param = { .sched_priority = 1 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(*(int *)cpu, &set);
	if (!ASSERT_OK(sched_setaffinity(0, sizeof(set), &set), "affinity") ||
	    !ASSERT_OK(sched_setscheduler(0, SCHED_FIFO, &param), "priority"))
		return NULL;
	hog_runs = true;
	while (!hog_ends)
		;
	return NULL;
}

/* Sets the time of SCHED_OTHER tasks on a CPU with SCHED_FIFO tasks */
static int set_fair_server(int cpu, __u64 new, __u64 *old)
{
	char path[64];
	FILE *file;
	int err;

	snprintf(path, sizeof(path), FAIR_SERVER, cpu);
	file = fopen(path, "r");
	if (!file)
		return -errno;
	err = fscanf(file, "%llu", old) == 1 ? 0 : -EINVAL;
	fclose(file);
	file = err ? NULL : fopen(path, "w");
	if (!file)
		return err ?: -errno;
	fprintf(file, "%llu", new);
	return fclose(file) ? -errno : 0;
}

/* A device can only be removed after its frames have left all queues */
static void remove_device(struct xdp_cpumap_unregister *skel)
{
	int i, status, processed, done = 0;
	bool has_begun;
	pid_t pid;

	processed = skel->bss->processed;
	pid = fork();
	if (!pid)
		execlp("ip", "ip", "link", "del", "veth1", NULL);
	if (!ASSERT_GT(pid, 0, "fork"))
		return;
	for (i = 0; i < 1000 && if_nametoindex("veth1"); i++)
		usleep(10000);
	has_begun = !if_nametoindex("veth1");
	/* Time for a removal that does not wait */
	for (i = 0; i < 100 && !done; i++) {
		usleep(10000);
		done = waitpid(pid, &status, WNOHANG);
	}
	ASSERT_EQ(done, 0, "removed before the frames");

	hog_ends = true;
	if (!done)
		done = waitpid(pid, &status, 0);
	ASSERT_EQ(done, pid, "waitpid");
	ASSERT_OK(status, "ip link del");
	/* Time for frames that are still in the queue */
	usleep(500000);
	if (has_begun)
		ASSERT_EQ(skel->bss->processed, processed, "processed");
	else	/* it waits for a task that the hog has preempted */
		test__skip();
}

static void test_in_netns(struct xdp_cpumap_unregister *skel, int cpu)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(0x0a010102),
	};
	struct bpf_cpumap_val value = { .qsize = 64 };
	int err, fd, i, queued;
	pthread_t thread;
	__u64 runtime;

	SYS(out, "ip link add veth0 type veth peer name veth1");
	SYS(out, "ip addr add 10.1.1.1/24 dev veth0");
	SYS(out, "ip link set veth0 up");
	SYS(out, "ip link set veth1 up");

	value.bpf_prog.fd = bpf_program__fd(skel->progs.xdp_process);
	err = bpf_map_update_elem(bpf_map__fd(skel->maps.cpus), &cpu, &value, 0);
	if (!ASSERT_OK(err, "add entry"))
		goto out;
	err = bpf_xdp_attach(if_nametoindex("veth1"),
			     bpf_program__fd(skel->progs.xdp_queue),
			     XDP_FLAGS_DRV_MODE, NULL);
	if (!ASSERT_OK(err, "attach"))
		goto out;

	hog_runs = false;
	hog_ends = false;
	err = pthread_create(&thread, NULL, hog, &cpu);
	if (!ASSERT_OK(err, "pthread_create"))
		goto out;
	for (i = 0; i < 1000 && !hog_runs; i++)
		usleep(10000);
	if (!ASSERT_TRUE(hog_runs, "hog runs"))
		goto out_hog;
	/* The removal waits for RCU readers, also for those that the hog has
	 * preempted. The fair server lets them finish.
	 */
	kern_sync_rcu();
	if (set_fair_server(cpu, 0, &runtime)) {
		test__skip();
		goto out_hog;
	}

	/* The ARP request arrives, and stays in the queue */
	queued = skel->bss->queued;
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	if (!ASSERT_OK_FD(fd, "socket"))
		goto out_server;
	ASSERT_EQ(sendto(fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)), 1, "sendto");
	for (i = 0; i < 1000 && skel->bss->queued == queued; i++)
		usleep(10000);
	if (ASSERT_GT(skel->bss->queued, queued, "queued"))
		remove_device(skel);
	close(fd);

out_server:
	set_fair_server(cpu, runtime, &runtime);
out_hog:
	hog_ends = true;
	pthread_join(thread, NULL);
out:
	return;
}

void serial_test_xdp_cpumap_unregister(void)
{
	struct xdp_cpumap_unregister *skel;
	struct netns_obj *ns;
	cpu_set_t old, set;
	int cpu;

	cpu = sysconf(_SC_NPROCESSORS_ONLN) - 1;
	if (cpu < 1) {
		test__skip();
		return;
	}
	if (!ASSERT_OK(sched_getaffinity(0, sizeof(old), &old), "affinity"))
		return;
	CPU_ZERO(&set);
	CPU_SET(0, &set);

	skel = xdp_cpumap_unregister__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return;
	skel->rodata->cpu = cpu;
	bpf_map__set_max_entries(skel->maps.cpus, cpu + 1);
	if (!ASSERT_OK(xdp_cpumap_unregister__load(skel), "load"))
		goto out;

	ns = netns_new("xdp_cpumap_unregister", true);
	if (!ASSERT_OK_PTR(ns, "netns_new"))
		goto out;
	/* The packets are received on the CPU that sends them */
	if (ASSERT_OK(sched_setaffinity(0, sizeof(set), &set), "affinity")) {
		test_in_netns(skel, cpu);
		sched_setaffinity(0, sizeof(old), &old);
	}
	netns_free(ns);
out:
	xdp_cpumap_unregister__destroy(skel);
}
