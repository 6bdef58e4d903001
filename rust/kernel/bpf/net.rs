// SPDX-License-Identifier: GPL-2.0

//! Sockets and packets passed to BPF programs.
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

/// A socket of any kind, including request and timewait sockets.
///
/// Wraps the kernel's `struct sock_common`, which is at the beginning of every `struct sock`.
///
/// # Invariants
///
/// The `struct sock_common` and its net namespace are valid for the lifetime of the reference.
#[repr(transparent)]
pub struct Sock(Opaque<bindings::sock_common>);

// SAFETY: For this name, the verifier accepts three kinds of sockets: those to which the program
// holds a reference, those that the program has read under the RCU read side lock, and the socket
// of the context, which the caller of the program holds. Arguments of the tracepoints that create
// or free a socket are not trusted.
//
// The net namespace stays valid
// - for a userspace socket by its reference, see `get_net_track()` in `sk_alloc()`;
// - for a kernel socket by its passive reference, see `net_passive_inc()` there;
// - for a request socket by its reference to the listener;
// - for a timewait socket by `inet_twsk_purge()`, which runs before the namespace is freed;
// - for the kernel's reply sockets by the packet that they reply to, see `sock_net_set()`; between
//   replies, these sockets are in the initial namespace.
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
    /// This is the namespace in which the socket was created, even if a task in another namespace
    /// uses the socket. The kernel's reply sockets (ICMP, RST of TCP) are in the namespace of the
    /// packet that they reply to, during the reply.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`]: the kernel was built without net namespaces.
    #[doc(alias = "sock_net")]
    #[inline]
    pub fn net(&self) -> Result<&NsCommon> {
        // SAFETY: By the type invariants.
        unsafe { ns_common(&raw const (*self.0.get()).skc_net) }
    }
}

/// A packet on its way through the network stack.
///
/// Wraps the kernel's `struct sk_buff`. Programs see it as `struct __sk_buff`.
///
/// # Invariants
///
/// The `struct sk_buff` is valid for the lifetime of the reference. So are its device and its
/// socket, if any, and their net namespaces. The union of `dev` and `dev_scratch` has a device or
/// NULL.
#[repr(transparent)]
pub struct SkBuff(Opaque<bindings::sk_buff>);

// SAFETY: For this name, the verifier accepts the packet of the context. A packet holds no
// reference to its device, so the caller of the program must keep the device. A device is freed
// after `synchronize_net()`, and its net namespace after the device. These callers keep the device,
// by program type:
//
// - `SCHED_CLS`, `SCHED_ACT` (clsact, tcx, netkit): `__dev_queue_xmit()` and
//   `__netif_receive_skb_core()` run under the RCU read side lock. netkit reads the other device
//   under the same lock.
// - `CGROUP_SKB`: on egress, `ip_output()` and `ip6_output()` set the device just before, under
//   that lock. For a packet in NFQUEUE, the queue entry holds a reference, see
//   `nf_queue_entry_get_refs()`. On ingress, the program is called before the packet is queued at
//   its socket.
// - `LWT_IN`, `LWT_SEG6LOCAL`: like ingress. `LWT_XMIT`: like egress.
// - `BPF_PROG_RUN`: `bpf_prog_test_run_skb()` holds a reference to the device that the context
//   names, or the caller is in the net namespace of the loopback device.
//
// The callers of these types do not keep the device:
//
// - `SOCKET_FILTER`: KCM parses data that waits at a TCP socket, and LLC filters its backlog. Both
//   may have packets of a device that was freed. Bluetooth drivers store another kind of device in
//   this field (`hci_h5.c`).
// - `SK_SKB`: like KCM.
// - `LWT_OUT`, `NETFILTER`: called for packets that return from asynchronous encryption with their
//   former device, see `xfrm_output_resume()`. Use [`NfCtx`] for netfilter.
// - Tracing programs: a packet may use `dev_scratch`.
//
// `skb->sk` points to a socket. The packet holds a reference to the socket, or the socket is valid
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
    /// Returns the net namespace of the packet's device, or of its socket if it has no device.
    ///
    /// The device takes precedence, since a packet may enter another namespace with its socket.
    ///
    /// # Errors
    ///
    /// - [`ENOENT`]: the packet has neither a device nor a socket.
    /// - [`EOPNOTSUPP`]: the kernel was built without net namespaces.
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
            // `dst_dev_put()` replaces the device of a route by `blackhole_netdev`, in any
            // namespace.
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
/// Wraps the kernel's `struct xdp_buff`. Programs see it as `struct xdp_md`.
///
/// # Invariants
///
/// The `struct xdp_buff`, its receive queue, the device of that queue, and the net namespace of
/// that device are valid for the lifetime of the reference.
#[repr(transparent)]
pub struct XdpBuff(Opaque<bindings::xdp_buff>);

// SAFETY: For this name, the verifier accepts the frame of the context. These callers keep the
// device of the receive queue, by attach type:
//
// - `BPF_XDP`: the program is called by NAPI's `poll()` of that device, which is disabled before
//   the device is unregistered, or by `do_xdp_generic()` under the RCU read side lock.
//   `BPF_PROG_RUN` holds a reference to the device that the context names, or uses the loopback
//   device of the caller's net namespace.
//
// The callers of these, `ProgType::XDP_OTHER`, do not keep the device:
//
// - `BPF_XDP_CPUMAP`: frames wait in a queue without a reference to the device that received them,
//   and the program is called later.
// - `BPF_XDP_DEVMAP`: a cpumap program can redirect such a frame to a devmap.
// - None: an extension of a cpumap or devmap program has no attach type after its verification. So
//   it may call a program without an attach type by a tail call.
//
// An extension cannot be the target of a tail call, and `bpf_check_attach_target()` does not attach
// an extension of a `BPF_XDP` program to any of these programs.
unsafe impl Object for XdpBuff {
    const NAME: &'static str = "xdp_md";
    const PROGS: ProgTypes = ProgTypes::new(&[ProgType::XDP]);
}

impl XdpBuff {
    /// Returns the net namespace of the device that received the frame.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`]: the kernel was built without net namespaces.
    #[inline]
    pub fn net(&self) -> Result<&NsCommon> {
        // SAFETY: By the type invariants.
        unsafe { ns_common(&raw const (*(*(*self.0.get()).rxq).dev).nd_net) }
    }
}

/// The context of a netfilter program.
///
/// Wraps the kernel's `struct bpf_nf_ctx`.
///
/// # Invariants
///
/// The `struct bpf_nf_ctx` and its `struct nf_hook_state` are valid for the lifetime of the
/// reference. So is the net namespace of that state, which may be NULL.
#[repr(transparent)]
pub struct NfCtx(Opaque<bindings::bpf_nf_ctx>);

// SAFETY: For this name, the verifier accepts the context of the program. `nf_hook()` has the state
// on its stack, `nf_reinject()` in a `struct nf_queue_entry`. The net namespace is the one in which
// the hook is registered, and hooks run under the RCU read side lock. `nf_unregister_net_hook()`
// and `nf_queue_nf_hook_drop()` remove the hook and its packets before the namespace is freed.
// `bpf_prog_test_run_nf()` has the state on its stack, with NULL as the net namespace.
unsafe impl Object for NfCtx {
    // Without netfilter programs, vmlinux has no `bpf_nf_ctx`.
    const NAME: &'static str = if cfg!(CONFIG_NETFILTER_BPF_LINK) {
        "bpf_nf_ctx"
    } else {
        "__sk_buff"
    };
    const PROGS: ProgTypes = ProgTypes::new(&[ProgType::NETFILTER]);
}

impl NfCtx {
    /// Returns the net namespace of the hook, which is also that of the packet.
    ///
    /// # Errors
    ///
    /// - [`ENOENT`]: `BPF_PROG_RUN` runs the program, without a hook.
    /// - [`EOPNOTSUPP`]: the kernel was built without net namespaces or without netfilter programs.
    #[doc(alias = "nf_hook_state")]
    #[inline]
    pub fn net(&self) -> Result<&NsCommon> {
        #[cfg(all(CONFIG_NET_NS, CONFIG_NETFILTER_BPF_LINK))]
        {
            // SAFETY: By the type invariants.
            let net = unsafe { (*(*self.0.get()).state).net };

            if net.is_null() {
                return Err(ENOENT);
            }
            // SAFETY: By the type invariants, since `net` is not NULL.
            Ok(unsafe { NsCommon::from_raw(&raw const (*net).ns) })
        }
        #[cfg(not(all(CONFIG_NET_NS, CONFIG_NETFILTER_BPF_LINK)))]
        Err(EOPNOTSUPP)
    }
}

/// Returns the net namespace that a field of a socket or a device points to.
///
/// # Safety
///
/// `net` must be valid, and its net namespace must be valid for the duration of `'a`.
#[inline]
unsafe fn ns_common<'a>(net: *const bindings::possible_net_t) -> Result<&'a NsCommon> {
    #[cfg(CONFIG_NET_NS)]
    {
        // SAFETY: By the function's safety requirements. The read is volatile, since a device may
        // move to another namespace at any time.
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

    /// Returns whether a packet with this device, and with or without a socket in the initial
    /// namespace, is in the initial namespace.
    fn is_in_init_net(dev: *mut bindings::net_device, has_socket: bool) -> Result<bool> {
        let mut sock = KBox::new(MaybeUninit::<bindings::sock>::zeroed(), GFP_KERNEL)?;
        let mut skb = KBox::new(MaybeUninit::<bindings::sk_buff>::zeroed(), GFP_KERNEL)?;

        // SAFETY: All zeroes are valid for both, and `init_net` is static.
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
    fn packet_without_device_is_in_the_namespace_of_its_socket() -> Result {
        assert!(is_in_init_net(ptr::null_mut(), true)?);
        assert_eq!(is_in_init_net(ptr::null_mut(), false).err(), Some(ENOENT));
        Ok(())
    }

    // `blackhole_netdev` is in the initial namespace, independent of that of the packet.
    #[test]
    fn blackhole_is_no_device_of_a_packet() -> Result {
        // SAFETY: `blackhole_netdev` does not change after boot.
        let blackhole = unsafe { bindings::blackhole_netdev };

        assert!(!blackhole.is_null());
        assert!(is_in_init_net(blackhole, true)?);
        assert_eq!(is_in_init_net(blackhole, false).err(), Some(ENOENT));
        Ok(())
    }
}
