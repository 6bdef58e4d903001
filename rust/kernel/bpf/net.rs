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
// are there as long as it runs: those of its context, or what a tracepoint is called with, other
// than the hooks for making and freeing one, whose argument is not trusted. A socket of userspace
// has a reference to its net namespace, and one of the kernel is closed before the namespace goes.
// The sockets that the kernel answers for all namespaces with, see `sock_net_set()`, are in the one
// of the packet that they answer while they do, and in the initial one else.
unsafe impl Object for Sock {
    const NAME: &'static str = "sock_common";
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

/// A packet.
///
/// Wraps the kernel's `struct sk_buff`, which is `struct __sk_buff` to programs.
///
/// # Invariants
///
/// The `struct sk_buff` is valid as long as the reference to it lives. So are its device and its
/// socket if there are, and their net namespaces. `dev_scratch` is not in use, and what is in the
/// place of the device is one, unless the socket is one of Bluetooth.
#[repr(transparent)]
pub struct SkBuff(Opaque<bindings::sk_buff>);

// SAFETY: For this name the verifier accepts the packet that the program was called for. It has a
// device that the stack uses for it, or none: what has put something else into that place clears it
// first, since programs are free to read the index of the device (see e.g. `udp_read_skb()`). But
// drivers of Bluetooth put their own kind of device there, and one does not clear it when it has
// received something (`hci_h5.c`). Only a socket filter gets to see that, with its own socket.
// Programs that trace can have packets in their hands for which that is not so. It is for the
// filter of a module to refuse them, see `Object`.
unsafe impl Object for SkBuff {
    const NAME: &'static str = "__sk_buff";
}

impl SkBuff {
    /// Returns the net namespace that the packet is in: that of its device, else of its socket.
    ///
    /// A packet that is on its way from one namespace to another keeps its socket, so the device
    /// goes first. One that was just sent has no device yet, and one of Bluetooth never has any.
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
            let sk = (*skb).sk;
            if !dev.is_null() && !is_bluetooth(sk) {
                return ns_common(&raw const (*dev).nd_net);
            }
            if !sk.is_null() {
                return ns_common(&raw const (*sk).__sk_common.skc_net);
            }
        }
        Err(ENOENT)
    }
}

/// Returns whether there is a socket, and it is one of Bluetooth.
///
/// # Safety
///
/// `sk` must be NULL or valid.
#[inline]
unsafe fn is_bluetooth(sk: *const bindings::sock) -> bool {
    // SAFETY: By the function's safety requirements. The family of a socket never changes.
    !sk.is_null() && unsafe { u32::from((*sk).__sk_common.skc_family) == bindings::AF_BLUETOOTH }
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

#[cfg(all(CONFIG_RUST_BPF_KUNIT_TEST, CONFIG_NET_NS))]
#[kunit_tests(rust_kernel_bpf_net)]
mod tests {
    use super::*;
    use core::{
        mem::MaybeUninit,
        ptr, //
    };

    /// Makes a socket of a family, and says where a packet with this device, and with or without
    /// that socket, is.
    fn net_of(family: u32, dev: *mut bindings::net_device, has_socket: bool) -> Result<bool> {
        let mut sock = KBox::new(MaybeUninit::<bindings::sock>::zeroed(), GFP_KERNEL)?;
        let mut skb = KBox::new(MaybeUninit::<bindings::sk_buff>::zeroed(), GFP_KERNEL)?;

        // SAFETY: All zeroes are valid for both, and `init_net` is always there.
        unsafe {
            let sk = sock.as_mut_ptr();
            (*sk).__sk_common.skc_family = family as u16;
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
    fn packet_without_device_is_where_its_socket_is() -> Result {
        assert!(net_of(bindings::AF_INET, ptr::null_mut(), true)?);
        assert_eq!(
            net_of(bindings::AF_INET, ptr::null_mut(), false).err(),
            Some(ENOENT)
        );
        Ok(())
    }

    // What is there may be no pointer at all.
    #[test]
    fn packet_of_bluetooth_has_no_device() -> Result {
        assert!(net_of(
            bindings::AF_BLUETOOTH,
            ptr::without_provenance_mut(8),
            true
        )?);
        Ok(())
    }
}
