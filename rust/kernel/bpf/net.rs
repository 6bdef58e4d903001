// SPDX-License-Identifier: GPL-2.0

//! Sockets, packets and contexts of BPF programs of the network.
//!
//! C headers: [`include/net/sock.h`](srctree/include/net/sock.h),
//! [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h),
//! [`include/net/xdp.h`](srctree/include/net/xdp.h) and
//! [`include/net/netfilter/nf_bpf_link.h`](srctree/include/net/netfilter/nf_bpf_link.h)

use super::{
    kfunc::Object,
    ProgType,
    ProgTypes, //
};
use crate::{
    bindings,
    ns::NsCommon,
    prelude::*,
    types::Opaque, //
};

/// A socket of any kind, request and timewait sockets included.
///
/// Wraps the kernel's `struct sock_common`, which is at the beginning of every `struct sock`.
///
/// # Invariants
///
/// The `struct sock_common` is valid as long as the reference to it lives, and so is the net
/// namespace that it is in.
#[repr(transparent)]
pub struct Sock(Opaque<bindings::sock_common>);

// SAFETY: For this name the verifier accepts a socket that the program holds a reference to, one
// that it got under the RCU read side lock, and the one of its context, which the caller of the
// program keeps. Arguments of tracepoints for making and freeing a socket are not trusted.
//
// The net namespace is kept
// - by a socket of userspace, see `get_net_track()` in `sk_alloc()`;
// - as memory by a socket of the kernel, see `net_passive_inc()` there;
// - by the listener of a request socket, which that holds a reference to;
// - for a timewait socket by `inet_twsk_purge()`, which runs before the namespace is freed;
// - for sockets that the kernel answers all namespaces with, see `sock_net_set()`, by the packet
//   that they answer; at other times these sockets are in the initial one.
unsafe impl Object for Sock {
    const NAME: &'static str = "sock_common";
    const PROGS: ProgTypes = SkBuff::PROGS.union(ProgTypes::new(&[
        ProgType::XDP,
        ProgType::XDP_OTHER,
        ProgType::SOCKET_FILTER,
        ProgType::LWT_OUT,
        ProgType::NETFILTER,
        ProgType::SK_SKB,
        ProgType::SOCK_OPS,
        ProgType::CGROUP_SOCK,
        ProgType::CGROUP_SOCK_ADDR,
        ProgType::CGROUP_SOCKOPT,
        ProgType::TRACING,
        ProgType::LSM,
    ]));
}

impl Sock {
    /// Returns the net namespace that the socket is in.
    ///
    /// It is the one that the socket was opened in, whoever uses it now. Those that the kernel has
    /// to answer with in all namespaces (ICMP, RST of TCP) are in the one of what they answer, for
    /// as long as that takes.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`]: this kernel was built without net namespaces.
    #[doc(alias = "sock_net")]
    #[inline]
    pub fn net(&self) -> Result<&NsCommon> {
        // SAFETY: By the type invariants.
        unsafe { ns_common(&raw const (*self.0.get()).skc_net) }
    }
}

/// A packet on its way through the network stack.
///
/// Wraps the kernel's `struct sk_buff`, which is `struct __sk_buff` to programs.
///
/// # Invariants
///
/// The `struct sk_buff` is valid as long as the reference to it lives. So are its device and its
/// socket if there are, and their net namespaces. The place that `dev` and `dev_scratch` share has
/// a device or NULL.
#[repr(transparent)]
pub struct SkBuff(Opaque<bindings::sk_buff>);

// SAFETY: For this name the verifier accepts the packet that the program was called for. A packet
// holds no reference to its device, so the caller of the program has to keep the device. A device
// is freed after `synchronize_net()`, and its net namespace after the device. Who keeps it depends
// on the type of the program:
//
// - `SCHED_CLS`, `SCHED_ACT` (clsact, tcx, netkit): `__dev_queue_xmit()` and
//   `__netif_receive_skb_core()` run under the RCU read side lock. netkit reads the other device
//   under the same lock.
// - `CGROUP_SKB`: on egress `ip_output()` and `ip6_output()` have just set the device, under that
//   lock; a packet that NFQUEUE held has a reference to it, see `nf_queue_entry_get_refs()`. On
//   ingress the program is called before the packet is queued at its socket.
// - `LWT_IN`, `LWT_SEG6LOCAL`: as on ingress. `LWT_XMIT`: as on egress.
// - `BPF_PROG_RUN`: `bpf_prog_test_run_skb()` holds a reference to the device that the context
//   names, or the caller is in the net namespace of the loopback device.
//
// Nobody keeps the device for these types:
//
// - `SOCKET_FILTER`: KCM parses data that waits at a TCP socket, and LLC filters its backlog. Both
//   may have packets of a device that is gone. Drivers of Bluetooth leave a device of their own
//   there (`hci_h5.c`).
// - `SK_SKB`: as KCM.
// - `LWT_OUT`, `NETFILTER`: called for packets that come back from asynchronous encryption with the
//   device that they had before it, see `xfrm_output_resume()`. Use [`NfCtx`] for netfilter.
// - Programs that trace: these can meet a packet whose `dev_scratch` is in use.
//
// A socket that `skb->sk` points to is one that the packet holds a reference to, or that is valid
// under the RCU read side lock (`skb_set_owner_edemux()`, `sock_pfree()`).
unsafe impl Object for SkBuff {
    const NAME: &'static str = "__sk_buff";
    const PROGS: ProgTypes = ProgTypes::new(&[
        ProgType::SCHED_CLS,
        ProgType::SCHED_ACT,
        ProgType::CGROUP_SKB,
        ProgType::LWT_IN,
        ProgType::LWT_XMIT,
        ProgType::LWT_SEG6LOCAL,
    ]);
}

impl SkBuff {
    /// Returns the net namespace that the packet is in: that of its device, else of its socket.
    ///
    /// A packet that is on its way from one namespace to another keeps its socket, so the device
    /// goes first.
    ///
    /// # Errors
    ///
    /// - [`ENOENT`]: it has neither a device nor a socket.
    /// - [`EOPNOTSUPP`]: this kernel was built without net namespaces.
    #[inline]
    pub fn net(&self) -> Result<&NsCommon> {
        let skb = self.0.get();

        // SAFETY: By the type invariants. `blackhole_netdev` does not change after boot.
        unsafe {
            let dev = (*skb)
                .__bindgen_anon_1
                .__bindgen_anon_1
                .__bindgen_anon_1
                .dev;
            let sk = (*skb).sk;
            // A route whose device is gone has this one in its place, for packets of all
            // namespaces.
            if !dev.is_null() && dev != bindings::blackhole_netdev {
                return ns_common(&raw const (*dev).nd_net);
            }
            if !sk.is_null() {
                return ns_common(&raw const (*sk).__sk_common.skc_net);
            }
        }
        Err(ENOENT)
    }
}

/// A frame at the driver.
///
/// Wraps the kernel's `struct xdp_buff`, which is `struct xdp_md` to programs.
///
/// # Invariants
///
/// The `struct xdp_buff` is valid as long as the reference to it lives, and so are its receive
/// queue, the device of that, and the net namespace of that.
#[repr(transparent)]
pub struct XdpBuff(Opaque<bindings::xdp_buff>);

// SAFETY: For this name the verifier accepts the frame that the program was called for. Who keeps
// the device of its receive queue depends on where the program is attached:
//
// - `BPF_XDP`: the program is called by `poll()` of NAPI of that device, which is disabled before
//   the device is unregistered, or by `do_xdp_generic()` under the RCU read side lock.
//   `BPF_PROG_RUN` holds a reference to the device that the context names, or takes the loopback
//   device of the caller's net namespace.
//
// Nobody keeps the device for these, which are `ProgType::XDP_OTHER`:
//
// - `BPF_XDP_CPUMAP`: frames wait in a queue without a reference to the device that received them,
//   and the program is called for them later.
// - `BPF_XDP_DEVMAP`: a program of a cpumap can redirect such a frame there.
// - None: an extension of a program of either may call a program without an attach type.
unsafe impl Object for XdpBuff {
    const NAME: &'static str = "xdp_md";
    const PROGS: ProgTypes = ProgTypes::new(&[ProgType::XDP]);
}

impl XdpBuff {
    /// Returns the net namespace that the frame is in: that of the device of its receive queue.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`]: this kernel was built without net namespaces.
    #[inline]
    pub fn net(&self) -> Result<&NsCommon> {
        // SAFETY: By the type invariants.
        unsafe { ns_common(&raw const (*(*(*self.0.get()).rxq).dev).nd_net) }
    }
}

/// The context of a program at a hook of netfilter.
///
/// Wraps the kernel's `struct bpf_nf_ctx`.
///
/// # Invariants
///
/// The `struct bpf_nf_ctx` is valid as long as the reference to it lives, and so are its
/// `struct nf_hook_state` and the net namespace of that.
#[repr(transparent)]
pub struct NfCtx(Opaque<bindings::bpf_nf_ctx>);

// SAFETY: For this name the verifier accepts the context of the program. `nf_hook()` and
// `nf_reinject()` keep its state on their stack or in a `struct nf_queue_entry`. The net namespace
// is the one that the hook is registered in, and hooks run under the RCU read side lock.
// `nf_unregister_net_hook()` and `nf_queue_nf_hook_drop()` end that before the namespace goes.
unsafe impl Object for NfCtx {
    // vmlinux has no `bpf_nf_ctx` where there are no programs of that type.
    const NAME: &'static str = if cfg!(CONFIG_NETFILTER_BPF_LINK) {
        "bpf_nf_ctx"
    } else {
        "__sk_buff"
    };
    const PROGS: ProgTypes = ProgTypes::new(&[ProgType::NETFILTER]);
}

impl NfCtx {
    /// Returns the net namespace that the hook is in, and so the packet.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`]: this kernel was built without net namespaces, or without such programs.
    #[doc(alias = "nf_hook_state")]
    #[inline]
    pub fn net(&self) -> Result<&NsCommon> {
        #[cfg(all(CONFIG_NET_NS, CONFIG_NETFILTER_BPF_LINK))]
        {
            // SAFETY: By the type invariants.
            Ok(unsafe { NsCommon::from_raw(&raw const (*(*(*self.0.get()).state).net).ns) })
        }
        #[cfg(not(all(CONFIG_NET_NS, CONFIG_NETFILTER_BPF_LINK)))]
        Err(EOPNOTSUPP)
    }
}

/// Returns what a socket or a device has a pointer to.
///
/// # Safety
///
/// `net` must be valid, and the net namespace behind it for the duration of `'a`.
#[inline]
unsafe fn ns_common<'a>(net: *const bindings::possible_net_t) -> Result<&'a NsCommon> {
    #[cfg(CONFIG_NET_NS)]
    {
        // SAFETY: By the function's safety requirements. A device may be moved to another namespace
        // at any time, so the read has to be a single one.
        Ok(unsafe {
            let net = (&raw const (*net).net).read_volatile();
            NsCommon::from_raw(&raw const (*net).ns)
        })
    }
    #[cfg(not(CONFIG_NET_NS))]
    {
        let _ = net;
        Err(EOPNOTSUPP)
    }
}

#[cfg(all(CONFIG_RUST_BPF_KUNIT_TEST, CONFIG_NET_NS))]
#[kunit_tests(rust_kernel_bpf_net)]
mod tests {
    use super::*;
    use core::{
        mem::MaybeUninit,
        ptr, //
    };

    /// Returns whether a packet with this device, and with or without a socket of the initial
    /// namespace, is in that one.
    fn is_in_init_net(dev: *mut bindings::net_device, has_socket: bool) -> Result<bool> {
        let mut sock = KBox::new(MaybeUninit::<bindings::sock>::zeroed(), GFP_KERNEL)?;
        let mut skb = KBox::new(MaybeUninit::<bindings::sk_buff>::zeroed(), GFP_KERNEL)?;

        // SAFETY: All zeroes are valid for both, and `init_net` is always there.
        unsafe {
            let sk = sock.as_mut_ptr();
            (*sk).__sk_common.skc_net.net = &raw mut bindings::init_net;
            if has_socket {
                (*skb.as_mut_ptr()).sk = sk;
            }
            (*skb.as_mut_ptr())
                .__bindgen_anon_1
                .__bindgen_anon_1
                .__bindgen_anon_1
                .dev = dev;

            let packet = &*skb.as_ptr().cast::<SkBuff>();
            let init = NsCommon::from_raw(&raw const bindings::init_net.ns);
            Ok(ptr::eq(packet.net()?, init))
        }
    }

    #[test]
    fn types_that_keep_the_device() {
        assert!(SkBuff::PROGS.contains(ProgType::SCHED_CLS));
        assert!(Sock::PROGS.contains(ProgType::SCHED_CLS));
        assert!(Sock::PROGS.contains(ProgType::TRACING));
        for ty in [
            ProgType::SK_SKB,
            ProgType::SOCKET_FILTER,
            ProgType::LWT_OUT,
            ProgType::NETFILTER,
            ProgType::TRACING,
            ProgType::LSM,
            ProgType::XDP,
        ] {
            assert!(Sock::PROGS.contains(ty));
            assert!(!SkBuff::PROGS.contains(ty));
        }
        assert!(XdpBuff::PROGS == ProgTypes::new(&[ProgType::XDP]));
        assert!(NfCtx::PROGS == ProgTypes::new(&[ProgType::NETFILTER]));
        assert!(!Sock::PROGS.contains(ProgType::KPROBE));
    }

    #[test]
    fn packet_without_device_is_where_its_socket_is() -> Result {
        assert!(is_in_init_net(ptr::null_mut(), true)?);
        assert_eq!(is_in_init_net(ptr::null_mut(), false).err(), Some(ENOENT));
        Ok(())
    }

    // That device is in the initial namespace, whatever namespace the packet is in.
    #[test]
    fn blackhole_is_no_device_of_a_packet() -> Result {
        // SAFETY: It does not change after boot.
        let blackhole = unsafe { bindings::blackhole_netdev };

        assert!(!blackhole.is_null());
        assert!(is_in_init_net(blackhole, true)?);
        assert_eq!(is_in_init_net(blackhole, false).err(), Some(ENOENT));
        Ok(())
    }
}
