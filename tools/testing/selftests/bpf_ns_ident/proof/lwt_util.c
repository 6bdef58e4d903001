// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lwt_util.h"

struct request {
	struct nlmsghdr head;
	struct rtmsg route;
	char attrs[256];
};

static struct rtattr *add_attr(struct request *req, int type, const void *data,
			       size_t size)
{
	struct rtattr *attr = (void *)req + NLMSG_ALIGN(req->head.nlmsg_len);

	attr->rta_type = type;
	attr->rta_len = RTA_LENGTH(size);
	if (size)
		memcpy(RTA_DATA(attr), data, size);
	req->head.nlmsg_len = NLMSG_ALIGN(req->head.nlmsg_len) +
			      RTA_ALIGN(attr->rta_len);
	return attr;
}

static void end_nest(struct request *req, struct rtattr *nest)
{
	nest->rta_len = (void *)req + req->head.nlmsg_len - (void *)nest;
}

static void prepare(struct request *req, const struct lwt_route *route)
{
	bool is_local = route->type == RTN_LOCAL;
	int ifindex = if_nametoindex(route->dev);
	struct in_addr addr;

	*req = (struct request){
		.head.nlmsg_len = NLMSG_LENGTH(sizeof(req->route)),
		.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.route.rtm_family = AF_INET,
		.route.rtm_dst_len = 32,
		.route.rtm_table = is_local ? RT_TABLE_LOCAL : RT_TABLE_MAIN,
		.route.rtm_protocol = is_local ? RTPROT_KERNEL : RTPROT_BOOT,
		.route.rtm_scope = is_local ? RT_SCOPE_HOST : RT_SCOPE_LINK,
		.route.rtm_type = route->type,
	};
	inet_pton(AF_INET, route->addr, &addr);
	add_attr(req, RTA_DST, &addr, sizeof(addr));
	add_attr(req, RTA_OIF, &ifindex, sizeof(ifindex));
	if (is_local)
		add_attr(req, RTA_PREFSRC, &addr, sizeof(addr));
}

static int talk(const struct request *req)
{
	struct {
		struct nlmsghdr head;
		struct nlmsgerr err;
		char rest[1024];
	} reply;
	int sock, err = 0;

	sock = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (sock < 0)
		return -errno;
	if (send(sock, req, req->head.nlmsg_len, 0) < 0 ||
	    recv(sock, &reply, sizeof(reply), 0) < 0)
		err = -errno;
	close(sock);
	return err ?: reply.err.error;
}

int lwt_route_add(const struct lwt_route *route, int prog_fd)
{
	static const char name[] = "lwt";
	__u16 encap_type = LWTUNNEL_ENCAP_BPF;
	struct rtattr *encap, *hook;
	struct request req;

	prepare(&req, route);
	req.head.nlmsg_type = RTM_NEWROUTE;
	req.head.nlmsg_flags |= NLM_F_CREATE | NLM_F_REPLACE;
	encap = add_attr(&req, RTA_ENCAP | NLA_F_NESTED, NULL, 0);
	hook = add_attr(&req, route->hook | NLA_F_NESTED, NULL, 0);
	add_attr(&req, LWT_BPF_PROG_FD, &prog_fd, sizeof(prog_fd));
	add_attr(&req, LWT_BPF_PROG_NAME, name, sizeof(name));
	end_nest(&req, hook);
	end_nest(&req, encap);
	add_attr(&req, RTA_ENCAP_TYPE, &encap_type, sizeof(encap_type));
	return talk(&req);
}

int lwt_route_del(const struct lwt_route *route)
{
	struct request req;

	prepare(&req, route);
	req.head.nlmsg_type = RTM_DELROUTE;
	return talk(&req);
}

int lwt_endpoint_add(const char *sid, const char *dev, int prog_fd)
{
	static const char name[] = "endpoint";
	__u16 encap_type = LWTUNNEL_ENCAP_SEG6_LOCAL;
	__u32 action = SEG6_LOCAL_ACTION_END_BPF;
	int ifindex = if_nametoindex(dev);
	struct rtattr *encap, *bpf;
	struct in6_addr addr;
	struct request req = {
		.head.nlmsg_type = RTM_NEWROUTE,
		.head.nlmsg_len = NLMSG_LENGTH(sizeof(req.route)),
		.head.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE,
		.route.rtm_family = AF_INET6,
		.route.rtm_dst_len = 128,
		.route.rtm_table = RT_TABLE_MAIN,
		.route.rtm_protocol = RTPROT_BOOT,
		.route.rtm_scope = RT_SCOPE_UNIVERSE,
		.route.rtm_type = RTN_UNICAST,
	};

	inet_pton(AF_INET6, sid, &addr);
	add_attr(&req, RTA_DST, &addr, sizeof(addr));
	add_attr(&req, RTA_OIF, &ifindex, sizeof(ifindex));
	encap = add_attr(&req, RTA_ENCAP | NLA_F_NESTED, NULL, 0);
	add_attr(&req, SEG6_LOCAL_ACTION, &action, sizeof(action));
	bpf = add_attr(&req, SEG6_LOCAL_BPF | NLA_F_NESTED, NULL, 0);
	add_attr(&req, SEG6_LOCAL_BPF_PROG, &prog_fd, sizeof(prog_fd));
	add_attr(&req, SEG6_LOCAL_BPF_PROG_NAME, name, sizeof(name));
	end_nest(&req, bpf);
	end_nest(&req, encap);
	add_attr(&req, RTA_ENCAP_TYPE, &encap_type, sizeof(encap_type));
	return talk(&req);
}
