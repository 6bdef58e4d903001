// SPDX-License-Identifier: GPL-2.0

//! What BPF programs of the network have in their hands: sockets and packets.
//!
//! C headers: [`include/net/sock.h`](srctree/include/net/sock.h),
//! [`include/linux/skbuff.h`](srctree/include/linux/skbuff.h) and
//! [`include/net/xdp.h`](srctree/include/net/xdp.h)

use super::kfunc::Object;
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

// SAFETY: For this name the verifier accepts sockets that the program has a reference to, or that
// are there as long as it runs: those of its context, or what a tracepoint is called with. A socket
// of userspace has a reference to its net namespace, and one of the kernel is closed before the
// namespace goes. Both are freed after a grace period only.
unsafe impl Object for Sock {
    const NAME: &'static str = "sock_common";
}

impl Sock {
    /// Returns the net namespace that the socket is in.
    ///
    /// It is the one that the socket was opened in, whoever uses it now.
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

/// A packet.
///
/// Wraps the kernel's `struct sk_buff`, which is `struct __sk_buff` to programs.
///
/// # Invariants
///
/// The `struct sk_buff` is valid as long as the reference to it lives. So are its device and its
/// socket if there are, and their net namespaces. `dev_scratch` is not in use.
#[repr(transparent)]
pub struct SkBuff(Opaque<bindings::sk_buff>);

// SAFETY: For this name the verifier accepts the packet that the program was called for. It has a
// device that the stack uses for it, or none: what has put something else into that place clears it
// first, since programs are free to read the index of the device (see e.g. `udp_read_skb()`).
// Programs that trace can have packets in their hands for which that is not so. It is for the
// filter of a module to refuse them, see `Object`.
unsafe impl Object for SkBuff {
    const NAME: &'static str = "__sk_buff";
}

impl SkBuff {
    /// Returns the net namespace that the packet is in: that of its device, else of its socket.
    ///
    /// A packet that is on its way from one namespace to another keeps its socket, so the device
    /// goes first. One that was just sent has no device yet.
    ///
    /// # Errors
    ///
    /// - [`ENOENT`]: it has neither a device nor a socket.
    /// - [`EOPNOTSUPP`]: this kernel was built without net namespaces.
    #[inline]
    pub fn net(&self) -> Result<&NsCommon> {
        let skb = self.0.get();

        // SAFETY: By the type invariants.
        unsafe {
            let dev = (*skb)
                .__bindgen_anon_1
                .__bindgen_anon_1
                .__bindgen_anon_1
                .dev;
            if !dev.is_null() {
                return ns_common(&raw const (*dev).nd_net);
            }
            let sk = (*skb).sk;
            if !sk.is_null() {
                return ns_common(&raw const (*sk).__sk_common.skc_net);
            }
        }
        Err(ENOENT)
    }
}

/// A packet at the driver.
///
/// Wraps the kernel's `struct xdp_buff`, which is `struct xdp_md` to programs.
///
/// # Invariants
///
/// The `struct xdp_buff` is valid as long as the reference to it lives, and so are its receive
/// queue, the device of that, and the net namespace of that.
#[repr(transparent)]
pub struct XdpBuff(Opaque<bindings::xdp_buff>);

// SAFETY: For this name the verifier accepts the packet that the program was called for, which
// always has a receive queue with a device.
unsafe impl Object for XdpBuff {
    const NAME: &'static str = "xdp_md";
}

impl XdpBuff {
    /// Returns the net namespace that the packet is in: that of the device of its receive queue.
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
