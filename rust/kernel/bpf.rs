// SPDX-License-Identifier: GPL-2.0

//! BPF.
//!
//! C header: [`include/linux/bpf.h`](srctree/include/linux/bpf.h)

use crate::{
    bindings,
    str::BStr,
    types::Opaque, //
};

pub mod btf;
pub mod kfunc;
#[cfg(CONFIG_NET)]
pub mod net;

/// The type of a BPF program, `enum bpf_prog_type` in the UAPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgType(bindings::bpf_prog_type);

macro_rules! prog_types {
    ($($(#[$doc:meta])* $name:ident = $c_name:ident,)*) => {
        impl ProgType {
            $(
                $(#[$doc])*
                pub const $name: Self = Self(bindings::$c_name);
            )*
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
    /// Packets at the driver, before the network stack sees them.
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

/// Where a BPF program is to be attached, `enum bpf_attach_type` in the UAPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttachType(bindings::bpf_attach_type);

impl AttachType {
    /// A device, for programs of type [`ProgType::XDP`].
    pub const XDP: Self = Self(bindings::bpf_attach_type_BPF_XDP);
    /// An entry of a cpumap, for programs of type [`ProgType::XDP`].
    pub const XDP_CPUMAP: Self = Self(bindings::bpf_attach_type_BPF_XDP_CPUMAP);
    /// An entry of a devmap, for programs of type [`ProgType::XDP`].
    pub const XDP_DEVMAP: Self = Self(bindings::bpf_attach_type_BPF_XDP_DEVMAP);
    /// The one of programs that were loaded without any, whose number is 0.
    pub const UNSPEC: Self = Self(bindings::bpf_attach_type_BPF_CGROUP_INET_INGRESS);
}

/// A BPF program.
///
/// Wraps the kernel's `struct bpf_prog`.
///
/// # Invariants
///
/// The `struct bpf_prog`, and the `struct bpf_prog_aux` that it points to, are valid as long as the
/// reference to it lives, and nobody writes to the fields that the methods read.
#[repr(transparent)]
pub struct Prog(Opaque<bindings::bpf_prog>);

impl Prog {
    /// Creates a reference from a pointer of the C side.
    ///
    /// # Safety
    ///
    /// For the duration of `'a`, `ptr` and its `aux` must be valid, and nobody may change the
    /// program's type, attach type, name or load time.
    #[inline]
    pub unsafe fn from_raw<'a>(ptr: *const bindings::bpf_prog) -> &'a Self {
        // SAFETY: `Self` is transparent, and the function's safety requirements cover the rest.
        // INVARIANT: Holds by the function's safety requirements.
        unsafe { &*ptr.cast() }
    }

    /// Returns the type of the program; for a `freplace` program, that of the one it extends.
    #[doc(alias = "resolve_prog_type")]
    pub fn prog_type(&self) -> ProgType {
        let prog = self.0.get();

        // SAFETY: By the type invariants.
        ProgType(unsafe {
            let dst = (*(*prog).aux).saved_dst_prog_type;
            match (*prog).type_ {
                bindings::bpf_prog_type_BPF_PROG_TYPE_EXT
                    if dst != bindings::bpf_prog_type_BPF_PROG_TYPE_UNSPEC =>
                {
                    dst
                }
                ty => ty,
            }
        })
    }

    /// Returns where the program is to be attached, as userspace said when it loaded the program.
    ///
    /// An extension (`freplace`) has [`AttachType::UNSPEC`], wherever the program is that it
    /// extends.
    pub fn attach_type(&self) -> AttachType {
        // SAFETY: By the type invariants.
        AttachType(unsafe { (*self.0.get()).expected_attach_type })
    }

    /// Returns the name that userspace gave the program, empty if none.
    pub fn name(&self) -> &BStr {
        // SAFETY: By the type invariants.
        let name = unsafe { &(*(*self.0.get()).aux).name };
        let len = name.iter().position(|&c| c == 0).unwrap_or(name.len());

        // SAFETY: `c_char` is `u8` in the kernel, and `len` is within the array.
        BStr::from_bytes(unsafe { core::slice::from_raw_parts(name.as_ptr().cast(), len) })
    }

    /// Returns when the loading of the program began, in nanoseconds since boot.
    pub fn load_time(&self) -> u64 {
        // SAFETY: By the type invariants.
        unsafe { (*(*self.0.get()).aux).load_time }
    }
}
