// SPDX-License-Identifier: GPL-2.0

//! BPF programs and their types.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h)

use crate::{
    bindings,
    fmt,
    str::BStr,
    types::Opaque, //
};

pub mod btf;
pub mod kfunc;
#[cfg(CONFIG_NET)]
pub mod net;
pub mod ns;
pub mod origin;
pub mod pid_ns;
pub mod task;

/// The type of a BPF program, `enum bpf_prog_type` in the UAPI.
///
/// XDP has two values here, depending on the attach type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgType(bindings::bpf_prog_type);

impl ProgType {
    /// XDP programs that are not for a device: programs for an entry of a cpumap or a devmap,
    /// programs without an attach type, and extensions of such programs.
    pub const XDP_OTHER: Self = Self(u64::BITS - 1);

    const fn bit(self) -> u64 {
        match 1u64.checked_shl(self.0) {
            Some(bit) => bit,
            // No set contains this type, so such programs are rejected.
            None => 0,
        }
    }
}

macro_rules! prog_types {
    ($($(#[$doc:meta])* $name:ident = $c_name:ident,)*) => {
        impl ProgType {
            $(
                $(#[$doc])*
                pub const $name: Self = Self(bindings::$c_name);
            )*
        }

        impl fmt::Display for ProgType {
            /// Formats the name in the UAPI, without `BPF_PROG_TYPE_`.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match *self {
                    $(Self::$name => f.write_str(stringify!($name)),)*
                    Self::XDP_OTHER => f.write_str("XDP, not for a device"),
                    Self(other) => fmt::Display::fmt(&other, f),
                }
            }
        }
    };
}

prog_types! {
    /// Kprobes, kretprobes and uprobes.
    KPROBE = bpf_prog_type_BPF_PROG_TYPE_KPROBE,
    /// Tracepoints.
    TRACEPOINT = bpf_prog_type_BPF_PROG_TYPE_TRACEPOINT,
    /// Raw tracepoints.
    RAW_TRACEPOINT = bpf_prog_type_BPF_PROG_TYPE_RAW_TRACEPOINT,
    /// Perf events.
    PERF_EVENT = bpf_prog_type_BPF_PROG_TYPE_PERF_EVENT,
    /// BTF tracepoints, fentry, fexit, fmod_ret and iterators.
    TRACING = bpf_prog_type_BPF_PROG_TYPE_TRACING,
    /// Hooks of Linux security modules.
    LSM = bpf_prog_type_BPF_PROG_TYPE_LSM,
    /// Programs that userspace runs by `BPF_PROG_RUN`.
    SYSCALL = bpf_prog_type_BPF_PROG_TYPE_SYSCALL,
    /// Functions of a kernel structure, for example of a sched_ext scheduler.
    STRUCT_OPS = bpf_prog_type_BPF_PROG_TYPE_STRUCT_OPS,
    /// Frames at the driver, before the network stack. Only programs for a device (`BPF_XDP`).
    XDP = bpf_prog_type_BPF_PROG_TYPE_XDP,
    /// Packets at traffic control, as a classifier.
    SCHED_CLS = bpf_prog_type_BPF_PROG_TYPE_SCHED_CLS,
    /// Packets at traffic control, as an action.
    SCHED_ACT = bpf_prog_type_BPF_PROG_TYPE_SCHED_ACT,
    /// Packets of a socket, at the socket.
    SOCKET_FILTER = bpf_prog_type_BPF_PROG_TYPE_SOCKET_FILTER,
    /// Packets of the sockets in a map.
    SK_SKB = bpf_prog_type_BPF_PROG_TYPE_SK_SKB,
    /// Packets that a light-weight tunnel receives.
    LWT_IN = bpf_prog_type_BPF_PROG_TYPE_LWT_IN,
    /// Packets that leave through a light-weight tunnel.
    LWT_OUT = bpf_prog_type_BPF_PROG_TYPE_LWT_OUT,
    /// Packets that a light-weight tunnel transmits.
    LWT_XMIT = bpf_prog_type_BPF_PROG_TYPE_LWT_XMIT,
    /// Packets at an endpoint of segment routing.
    LWT_SEG6LOCAL = bpf_prog_type_BPF_PROG_TYPE_LWT_SEG6LOCAL,
    /// Packets at netfilter.
    NETFILTER = bpf_prog_type_BPF_PROG_TYPE_NETFILTER,
    /// Events of TCP connections.
    SOCK_OPS = bpf_prog_type_BPF_PROG_TYPE_SOCK_OPS,
    /// Packets of sockets, by cgroup.
    CGROUP_SKB = bpf_prog_type_BPF_PROG_TYPE_CGROUP_SKB,
    /// Access to devices, by cgroup.
    CGROUP_DEVICE = bpf_prog_type_BPF_PROG_TYPE_CGROUP_DEVICE,
    /// Creation and release of sockets, by cgroup.
    CGROUP_SOCK = bpf_prog_type_BPF_PROG_TYPE_CGROUP_SOCK,
    /// System calls that take a socket address, by cgroup.
    CGROUP_SOCK_ADDR = bpf_prog_type_BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
    /// `getsockopt(2)` and `setsockopt(2)`, by cgroup.
    CGROUP_SOCKOPT = bpf_prog_type_BPF_PROG_TYPE_CGROUP_SOCKOPT,
    /// Access to sysctls, by cgroup.
    CGROUP_SYSCTL = bpf_prog_type_BPF_PROG_TYPE_CGROUP_SYSCTL,
}

/// A set of program types.
///
/// # Examples
///
/// ```
/// use kernel::bpf::{
///     ProgType,
///     ProgTypes, //
/// };
///
/// const SOCKETS: ProgTypes = ProgTypes::new(&[ProgType::SOCK_OPS, ProgType::CGROUP_SOCK]);
///
/// assert!(SOCKETS.contains(ProgType::SOCK_OPS));
/// assert!(!SOCKETS.contains(ProgType::XDP));
/// assert!(SOCKETS.intersection(ProgTypes::new(&[ProgType::XDP])).is_empty());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgTypes(u64);

impl ProgTypes {
    /// All types that a set can contain.
    pub const ALL: Self = Self(u64::MAX);

    /// Creates the set of these types.
    pub const fn new(types: &[ProgType]) -> Self {
        let mut set = 0;
        let mut i = 0;
        while i < types.len() {
            set |= types[i].bit();
            i += 1;
        }
        Self(set)
    }

    /// Returns the types that are in both sets.
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Returns the types that are in either set.
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns whether a type is in the set.
    pub const fn contains(self, ty: ProgType) -> bool {
        self.0 & ty.bit() != 0
    }

    /// Returns whether no type is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A BPF program.
///
/// Wraps the kernel's `struct bpf_prog`.
///
/// # Invariants
///
/// The `struct bpf_prog`, and the `struct bpf_prog_aux` that it points to, are valid for the
/// lifetime of the reference. No code writes to the fields that the methods read.
#[repr(transparent)]
pub struct Prog(Opaque<bindings::bpf_prog>);

impl Prog {
    /// Creates a reference from a pointer of the C side.
    ///
    /// # Safety
    ///
    /// For the duration of `'a`, `ptr` and its `aux` must be valid, and no code may change the
    /// program's type, attach type, name or load time.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *const bindings::bpf_prog) -> &'a Self {
        // SAFETY: `Self` is transparent, and the function's safety requirements cover the rest.
        // INVARIANT: Holds by the function's safety requirements.
        unsafe { &*ptr.cast() }
    }

    /// Returns the type of the program. For a `freplace` program, this is the type of the extended
    /// program.
    #[doc(alias = "resolve_prog_type")]
    pub fn prog_type(&self) -> ProgType {
        let prog = self.0.get();

        // SAFETY: By the type invariants.
        let (ty, attach_type) = unsafe {
            let dst = (*(*prog).aux).saved_dst_prog_type;
            let ty = match (*prog).type_ {
                bindings::bpf_prog_type_BPF_PROG_TYPE_EXT
                    if dst != bindings::bpf_prog_type_BPF_PROG_TYPE_UNSPEC =>
                {
                    dst
                }
                ty => ty,
            };
            (ty, (*prog).expected_attach_type)
        };

        // During verification, an extension has the attach type of the extended program.
        match ProgType(ty) {
            ProgType::XDP if attach_type != bindings::bpf_attach_type_BPF_XDP => {
                ProgType::XDP_OTHER
            }
            ty => ty,
        }
    }

    /// Returns the name of the program, which is empty if userspace set none.
    pub fn name(&self) -> &BStr {
        // SAFETY: By the type invariants.
        let name = unsafe { &(*(*self.0.get()).aux).name };
        let len = name.iter().position(|&c| c == 0).unwrap_or(name.len());

        // SAFETY: `c_char` is `u8` in the kernel, and `len` is within the array.
        BStr::from_bytes(unsafe { core::slice::from_raw_parts(name.as_ptr().cast(), len) })
    }

    /// Returns the time at which the load of the program began, in nanoseconds since boot.
    pub fn load_time(&self) -> u64 {
        // SAFETY: By the type invariants.
        unsafe { (*(*self.0.get()).aux).load_time }
    }
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[macros::kunit_tests(rust_kernel_bpf)]
mod tests {
    use super::*;
    use crate::{
        prelude::*,
        str::CString, //
    };
    use core::mem::MaybeUninit;

    /// Returns the type of a program with type `ty` and attach type `attach`, which extends a
    /// program of type `dst`.
    fn prog_type(
        ty: bindings::bpf_prog_type,
        attach: bindings::bpf_attach_type,
        dst: bindings::bpf_prog_type,
    ) -> Result<ProgType> {
        let mut aux = KBox::new(MaybeUninit::<bindings::bpf_prog_aux>::zeroed(), GFP_KERNEL)?;
        let mut prog = KBox::new(MaybeUninit::<bindings::bpf_prog>::zeroed(), GFP_KERNEL)?;

        // SAFETY: All zeroes are valid for both.
        unsafe {
            (*aux.as_mut_ptr()).saved_dst_prog_type = dst;
            (*prog.as_mut_ptr()).aux = aux.as_mut_ptr();
            (*prog.as_mut_ptr()).type_ = ty;
            (*prog.as_mut_ptr()).expected_attach_type = attach;
            Ok(Prog::from_raw(prog.as_ptr()).prog_type())
        }
    }

    #[test]
    fn xdp_is_for_a_device_or_for_something_else() -> Result {
        use bindings::{
            bpf_attach_type_BPF_CGROUP_INET_INGRESS as NONE,
            bpf_attach_type_BPF_XDP as DEVICE,
            bpf_attach_type_BPF_XDP_CPUMAP as CPUMAP,
            bpf_attach_type_BPF_XDP_DEVMAP as DEVMAP,
            bpf_prog_type_BPF_PROG_TYPE_EXT as EXT,
            bpf_prog_type_BPF_PROG_TYPE_KPROBE as KPROBE,
            bpf_prog_type_BPF_PROG_TYPE_UNSPEC as UNSPEC,
            bpf_prog_type_BPF_PROG_TYPE_XDP as XDP, //
        };

        assert_eq!(prog_type(XDP, DEVICE, UNSPEC)?, ProgType::XDP);
        for attach in [NONE, CPUMAP, DEVMAP] {
            assert_eq!(prog_type(XDP, attach, UNSPEC)?, ProgType::XDP_OTHER);
        }
        assert_eq!(prog_type(EXT, DEVICE, XDP)?, ProgType::XDP);
        assert_eq!(prog_type(EXT, CPUMAP, XDP)?, ProgType::XDP_OTHER);
        assert_eq!(prog_type(EXT, NONE, XDP)?, ProgType::XDP_OTHER);
        assert_eq!(prog_type(EXT, NONE, KPROBE)?, ProgType::KPROBE);
        assert_eq!(prog_type(EXT, NONE, UNSPEC)?, ProgType(EXT));
        assert_eq!(prog_type(KPROBE, NONE, UNSPEC)?, ProgType::KPROBE);
        Ok(())
    }

    // A program that traces an XDP program is not an XDP program.
    #[test]
    fn only_an_extension_is_of_the_type_that_it_extends() -> Result {
        use bindings::{
            bpf_attach_type_BPF_TRACE_FENTRY as FENTRY,
            bpf_attach_type_BPF_TRACE_FEXIT as FEXIT,
            bpf_prog_type_BPF_PROG_TYPE_SCHED_CLS as SCHED_CLS,
            bpf_prog_type_BPF_PROG_TYPE_TRACING as TRACING,
            bpf_prog_type_BPF_PROG_TYPE_XDP as XDP, //
        };

        for attach in [FENTRY, FEXIT] {
            for dst in [XDP, SCHED_CLS] {
                assert_eq!(prog_type(TRACING, attach, dst)?, ProgType::TRACING);
            }
        }
        Ok(())
    }

    #[test]
    fn names_of_types() -> Result {
        for (ty, name) in [
            (ProgType::SCHED_CLS, &b"SCHED_CLS"[..]),
            (ProgType::XDP, b"XDP"),
            (ProgType::XDP_OTHER, b"XDP, not for a device"),
            (ProgType(1000), b"1000"),
        ] {
            assert!(CString::try_from_fmt(fmt!("{ty}"))?.to_bytes() == name);
        }
        Ok(())
    }

    // `XDP_OTHER` must not be a type of the kernel.
    #[test]
    fn other_xdp_is_the_last_bit() {
        assert_eq!(ProgType::XDP_OTHER.bit(), 1 << 63);
    }

    #[test]
    fn name_and_load_time() -> Result {
        let mut aux = KBox::new(MaybeUninit::<bindings::bpf_prog_aux>::zeroed(), GFP_KERNEL)?;
        let mut prog = KBox::new(MaybeUninit::<bindings::bpf_prog>::zeroed(), GFP_KERNEL)?;

        // A name of the maximum length has no NUL in the kernel's array.
        for len in [0, 1, 15, 16] {
            // SAFETY: All zeroes are valid for both.
            let found = unsafe {
                let raw = aux.as_mut_ptr();
                (&raw mut (*raw).name).write_bytes(0, 1);
                (&raw mut (*raw).name).cast::<u8>().write_bytes(b'a', len);
                (*raw).load_time = 1 << 40;
                (*prog.as_mut_ptr()).aux = raw;
                Prog::from_raw(prog.as_ptr())
            };
            assert!(**found.name() == b"aaaaaaaaaaaaaaaa"[..len]);
            assert_eq!(found.load_time(), 1 << 40);
        }
        Ok(())
    }

    #[test]
    fn sets_of_types() {
        let unknown = ProgType(u32::MAX);
        let set = ProgTypes::new(&[ProgType::XDP, ProgType::KPROBE]);

        assert!(set.contains(ProgType::XDP) && !set.contains(ProgType::XDP_OTHER));
        assert!(!ProgTypes::ALL.intersection(set).contains(ProgType::LSM));
        let union = set.union(ProgTypes::new(&[ProgType::LSM, ProgType::XDP]));
        assert!(union.contains(ProgType::LSM) && union.contains(ProgType::XDP));
        assert!(ProgTypes::new(&[]).is_empty() && !set.is_empty());
        assert!(!set.contains(unknown));
    }
}
