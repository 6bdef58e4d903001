// SPDX-License-Identifier: GPL-2.0

//! BTF of kfuncs, generated at compile time.
//!
//! The verifier checks the call of a kfunc against the prototype of the kfunc in BTF. For C,
//! `pahole` generates this BTF from DWARF. `pahole` leaves out Rust code, so this module generates
//! the BTF of kfuncs in Rust. [`Describe`] has the description of a Rust type, and [`encode`]
//! converts the prototypes of a module's kfuncs into the contents of two ELF sections.
//!
//! - `.BTF.base` has the types that the module shares with `vmlinux`: integers, and the names of
//!   kernel structures. When the module is loaded, `btf_relocate()` looks each name up in the BTF
//!   of the running kernel. So a build of the module needs neither `vmlinux` nor its type ids.
//! - `.BTF` has the types of the module. Its type ids and string offsets continue where those of
//!   `.BTF.base` end ("split BTF").
//!
//! All functions of this module run at compile time. They are inline, so that no object file has
//! code for them.
//!
//! Reference: [BPF Type Format (BTF)](https://docs.kernel.org/bpf/btf.html)

use crate::bindings;

/// A type that can be described in BTF.
///
/// # Safety
///
/// [`Self::TYPE`] must describe the size and the layout of `Self`.
///
/// # Examples
///
/// ```
/// use kernel::bpf::btf::{
///     Describe,
///     Type, //
/// };
///
/// assert!(matches!(<i32 as Describe>::TYPE, Type::Int { name: "int", size: 4, .. }));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be described in BTF",
    label = "no BTF for this type",
    note = "integers can, and structures that `bpf_struct!` declares"
)]
pub unsafe trait Describe {
    /// The description.
    const TYPE: Type;
}

/// A BTF type description.
#[derive(Clone, Copy)]
pub enum Type {
    /// No type, as the result of a function without one.
    Void,
    /// An integer. `vmlinux` must have one of the same name, size and encoding.
    Int {
        /// The name, in the spelling of the C compiler that compiled `vmlinux`.
        name: &'static str,
        /// The size in bytes.
        size: u32,
        /// `BTF_INT_*` flags.
        encoding: u32,
    },
    /// A structure of the kernel, by name only. `vmlinux` must have a structure with this name.
    Opaque(&'static str),
    /// A structure of the module.
    Struct(&'static Struct),
    /// A type with the qualifier `const`.
    Const(&'static Type),
    /// A pointer.
    Ptr(&'static Type),
}

impl Type {
    /// Returns whether the verifier accepts memory of a program for this type, because the type
    /// only has integers.
    ///
    /// See `__btf_type_is_scalar_struct()` in [`kernel/bpf/verifier.c`]. The result for a structure
    /// of the kernel is `false`, since this module does not have its members.
    ///
    /// [`kernel/bpf/verifier.c`]: srctree/kernel/bpf/verifier.c
    #[inline]
    pub const fn is_memory(&self) -> bool {
        match self {
            Type::Int { .. } => true,
            Type::Struct(s) => {
                let mut i = 0;
                while i < s.members.len() {
                    if !s.members[i].ty.is_memory() {
                        return false;
                    }
                    i += 1;
                }
                true
            }
            Type::Void | Type::Opaque(_) | Type::Const(_) | Type::Ptr(_) => false,
        }
    }
}

/// A structure of the module, defined by [`bpf_struct!`](crate::bpf_struct).
pub struct Struct {
    /// The name.
    pub name: &'static str,
    /// The size in bytes.
    pub size: usize,
    /// The members, in the order of their offsets.
    pub members: &'static [Member],
}

/// A member of a [`Struct`].
pub struct Member {
    /// The name.
    pub name: &'static str,
    /// The type.
    pub ty: Type,
    /// The offset in bytes.
    pub offset: usize,
}

/// A kfunc, defined by [`bpf_kfuncs!`](crate::bpf_kfuncs).
pub struct Func {
    /// The name.
    pub name: &'static str,
    /// The parameters.
    pub params: &'static [Param],
    /// Further parameters, for which the verifier passes an argument (`KF_IMPLICIT_ARGS`). Programs
    /// do not see them.
    pub implicit: &'static [Param],
    /// The type of the result.
    pub ret: Type,
}

/// A parameter of a [`Func`].
pub struct Param {
    /// The name.
    pub name: &'static str,
    /// The type.
    pub ty: Type,
}

const BTF_INT_SIGNED: u32 = bindings::BTF_INT_SIGNED;
const BTF_INT_BOOL: u32 = bindings::BTF_INT_BOOL;

// `btf_relocate()` looks an integer up by name in the BTF of `vmlinux`, which has the names that
// the C compiler writes to DWARF.
macro_rules! describe_int {
    ($($ty:ty: $gcc:literal, $clang:literal, $encoding:expr;)*) => {
        $(
            // SAFETY: An integer of that size and signedness.
            unsafe impl Describe for $ty {
                const TYPE: Type = Type::Int {
                    name: if cfg!(CONFIG_CC_IS_CLANG) { $clang } else { $gcc },
                    size: size_of::<$ty>() as u32,
                    encoding: $encoding,
                };
            }
        )*
    };
}

describe_int! {
    bool: "_Bool", "_Bool", BTF_INT_BOOL;
    i8: "signed char", "signed char", BTF_INT_SIGNED;
    u8: "unsigned char", "unsigned char", 0;
    i16: "short int", "short", BTF_INT_SIGNED;
    u16: "short unsigned int", "unsigned short", 0;
    i32: "int", "int", BTF_INT_SIGNED;
    u32: "unsigned int", "unsigned int", 0;
    i64: "long long int", "long long", BTF_INT_SIGNED;
    u64: "long long unsigned int", "unsigned long long", 0;
}

/// Declares structures that programs and kfuncs pass to each other.
///
/// Each structure is `repr(C)`, and its BTF has the name of the C structure, which follows `as`.
/// Members are integers, except `bool`, since a program may store any byte. A structure with
/// padding does not compile, since a program could read stale memory from the padding.
///
/// # Examples
///
/// ```
/// use kernel::bpf::btf::{
///     Describe,
///     Type, //
/// };
///
/// kernel::bpf_struct! {
///     /// A point.
///     pub struct Point as "example_point" {
///         /// To the right.
///         pub x: i32,
///         /// Up.
///         pub y: i32,
///     }
/// }
///
/// let Type::Struct(s) = Point::TYPE else {
///     return Err(EINVAL);
/// };
/// assert_eq!(s.name, "example_point");
/// assert_eq!(s.members[1].name, "y");
/// assert_eq!(s.members[1].offset, 4);
/// # Ok::<(), Error>(())
/// ```
#[macro_export]
macro_rules! bpf_struct {
    ($(
        $(#[$attr:meta])*
        $vis:vis struct $name:ident as $c_name:literal {
            $(
                $(#[$member_attr:meta])*
                $member_vis:vis $member:ident: $ty:ty,
            )*
        }
    )*) => {$(
        $(#[$attr])*
        #[repr(C)]
        #[derive(
            Clone,
            Copy,
            $crate::prelude::FromBytes,
            $crate::prelude::IntoBytes,
        )]
        $vis struct $name {
            $(
                $(#[$member_attr])*
                $member_vis $member: $ty,
            )*
        }

        const _: () = ::core::assert!(
            !$crate::bpf::btf::is_context($c_name),
            ::core::concat!("`", $c_name, "` is the name of a context for the verifier"),
        );

        // SAFETY: The names, types and offsets are those of the `repr(C)` structure itself.
        unsafe impl $crate::bpf::btf::Describe for $name {
            const TYPE: $crate::bpf::btf::Type =
                $crate::bpf::btf::Type::Struct(&$crate::bpf::btf::Struct {
                    name: $c_name,
                    size: ::core::mem::size_of::<$name>(),
                    members: &[$(
                        $crate::bpf::btf::Member {
                            name: ::core::stringify!($member),
                            ty: <$ty as $crate::bpf::btf::Describe>::TYPE,
                            offset: ::core::mem::offset_of!($name, $member),
                        },
                    )*],
                });
        }
    )*};
}

/// A buffer of bounded size, for the construction of a constant.
#[derive(Clone, Copy)]
struct Buf {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Buf {
    const CAPACITY: usize = 8192;

    #[inline]
    const fn new() -> Self {
        Self {
            bytes: [0; Self::CAPACITY],
            len: 0,
        }
    }

    #[inline]
    const fn u8(&mut self, value: u8) {
        assert!(self.len < Self::CAPACITY, "too much BTF for one module");
        self.bytes[self.len] = value;
        self.len += 1;
    }

    #[inline]
    const fn bytes(&mut self, bytes: &[u8]) {
        let mut i = 0;
        while i < bytes.len() {
            self.u8(bytes[i]);
            i += 1;
        }
    }

    #[inline]
    const fn u16(&mut self, value: u16) {
        self.bytes(&value.to_ne_bytes());
    }

    #[inline]
    const fn u32(&mut self, value: u32) {
        self.bytes(&value.to_ne_bytes());
    }

    /// Returns the position of the string `s` in a buffer of strings that end with a NUL.
    ///
    /// The end of another string does not match. The kernel would accept such an offset, but some
    /// other readers of BTF reject it.
    #[inline]
    const fn position(&self, s: &[u8]) -> Option<usize> {
        let (mut start, mut end) = (0, 0);
        while end < self.len {
            if self.bytes[end] == 0 {
                if same_bytes(self.bytes.split_at(end).0.split_at(start).1, s) {
                    return Some(start);
                }
                start = end + 1;
            }
            end += 1;
        }
        None
    }
}

#[inline]
const fn same_bytes(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[inline]
#[doc(hidden)]
pub const fn same_str(a: &str, b: &str) -> bool {
    same_bytes(a.as_bytes(), b.as_bytes())
}

#[inline]
const fn same_type(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::Void, Type::Void) => true,
        (Type::Int { name: a, .. }, Type::Int { name: b, .. }) => same_str(a, b),
        (Type::Opaque(a), Type::Opaque(b)) => same_str(a, b),
        (Type::Struct(a), Type::Struct(b)) => same_struct(a, b),
        (Type::Const(a), Type::Const(b)) => same_type(a, b),
        (Type::Ptr(a), Type::Ptr(b)) => same_type(a, b),
        _ => false,
    }
}

#[inline]
const fn same_struct(a: &Struct, b: &Struct) -> bool {
    if !same_str(a.name, b.name) {
        return false;
    }

    assert!(
        same_members(a, b),
        "two different structures have the same name in BTF"
    );
    true
}

#[inline]
const fn same_members(a: &Struct, b: &Struct) -> bool {
    let mut same = a.size == b.size && a.members.len() == b.members.len();
    let mut i = 0;
    while same && i < a.members.len() {
        let (a, b) = (&a.members[i], &b.members[i]);
        same = same_str(a.name, b.name) && a.offset == b.offset && same_type(&a.ty, &b.ty);
        i += 1;
    }
    same
}

/// Returns whether the name of a parameter may have a meaning for the verifier.
///
/// The verifier interprets suffixes like `__sz` and `__ign`, and skips checks of the argument for
/// some suffixes.
/// See [BPF Kernel Functions](https://docs.kernel.org/bpf/kfuncs.html).
#[inline]
pub const fn is_annotated(name: &str) -> bool {
    let name = name.as_bytes();
    let mut i = 1;
    while i < name.len() {
        if name[i - 1] == b'_' && name[i] == b'_' {
            return true;
        }
        i += 1;
    }
    false
}

/// Returns whether a structure with this name is the context of a program type.
///
/// The verifier recognises contexts by name, and does not check that a pointer to a context points
/// to a whole structure. See [`include/linux/bpf_types.h`](srctree/include/linux/bpf_types.h),
/// which also has the kernel's own structures for the contexts, and `btf_is_projection_of()` in
/// [`kernel/bpf/btf.c`](srctree/kernel/bpf/btf.c).
#[inline]
pub const fn is_context(name: &str) -> bool {
    const CONTEXTS: &[&str] = &[
        "__sk_buff",
        "bpf_cgroup_dev_ctx",
        "bpf_nf_ctx",
        "bpf_perf_event_data",
        "bpf_raw_tracepoint_args",
        "bpf_sk_lookup",
        "bpf_sock",
        "bpf_sock_addr",
        "bpf_sock_ops",
        "bpf_sockopt",
        "bpf_sysctl",
        "pt_regs",
        "sk_buff",
        "sk_msg_md",
        "sk_reuseport_md",
        "user_pt_regs",
        "user_regs_struct",
        "xdp_buff",
        "xdp_md",
    ];

    let mut i = 0;
    while i < CONTEXTS.len() {
        if same_str(CONTEXTS[i], name) {
            return true;
        }
        i += 1;
    }
    false
}

/// A list of types without duplicates.
#[derive(Clone, Copy)]
struct Types {
    list: [&'static Type; Self::CAPACITY],
    len: usize,
}

impl Types {
    const CAPACITY: usize = 128;

    #[inline]
    const fn new() -> Self {
        Self {
            list: [&Type::Void; Self::CAPACITY],
            len: 0,
        }
    }

    #[inline]
    const fn position(&self, ty: &Type) -> Option<usize> {
        let mut i = 0;
        while i < self.len {
            if same_type(self.list[i], ty) {
                return Some(i);
            }
            i += 1;
        }
        None
    }

    #[inline]
    const fn push(&mut self, ty: &'static Type) {
        assert!(
            self.len < Self::CAPACITY,
            "too many BTF types for one module"
        );
        self.list[self.len] = ty;
        self.len += 1;
    }
}

/// A BTF blob under construction: its types and its strings.
struct Section {
    types: Buf,
    strings: Buf,
    /// The strings of the base blob, before the strings of this one.
    base_strings: Buf,
}

impl Section {
    #[inline]
    const fn new(base_strings: Buf) -> Self {
        Self {
            types: Buf::new(),
            strings: Buf::new(),
            base_strings,
        }
    }

    /// Returns the offset of a string, and adds the string if it is missing.
    ///
    /// As in libbpf, a string of the base is not added again. `btf_relocate()` finds such a string
    /// in `vmlinux` if it is the name of a type. All strings of the base are names of types.
    #[inline]
    const fn string(&mut self, s: &str) -> u32 {
        self.string_of_bytes(s.as_bytes())
    }

    #[inline]
    const fn string_of_bytes(&mut self, s: &[u8]) -> u32 {
        if let Some(at) = self.base_strings.position(s) {
            return at as u32;
        }
        let at = match self.strings.position(s) {
            Some(at) => at,
            None => {
                let at = self.strings.len;
                self.strings.bytes(s);
                self.strings.u8(0);
                at
            }
        };
        (self.base_strings.len + at) as u32
    }

    /// Adds a `struct btf_type`.
    #[inline]
    const fn btf_type(&mut self, name_off: u32, kind: u32, vlen: usize, size_or_type: u32) {
        assert!(
            vlen <= 0xffff,
            "BTF counts members and parameters in 16 bits"
        );
        self.types.u32(name_off);
        self.types.u32(kind << 24 | vlen as u32);
        self.types.u32(size_or_type);
    }

    /// Returns the blob: `struct btf_header`, types, strings.
    #[inline]
    const fn finish(&self) -> Buf {
        // Up to `str_len`. Newer kernels have further fields, which are optional.
        const HDR_LEN: u32 = 24;

        let mut blob = Buf::new();
        blob.u16(bindings::BTF_MAGIC as u16);
        blob.u8(bindings::BTF_VERSION as u8);
        blob.u8(0); // Flags.
        blob.u32(HDR_LEN);
        blob.u32(0); // Offset of the types, behind the header.
        blob.u32(self.types.len as u32);
        blob.u32(self.types.len as u32); // Offset of the strings.
        blob.u32(self.strings.len as u32);
        blob.bytes(self.types.bytes.split_at(self.types.len).0);
        blob.bytes(self.strings.bytes.split_at(self.strings.len).0);
        blob
    }
}

/// The BTF of a module's kfuncs, the result of [`encode`].
pub struct Encoded {
    base: Buf,
    split: Buf,
    types: Encoder,
    first_func: u32,
}

impl Encoded {
    /// The length of `.BTF.base` in bytes.
    #[inline]
    pub const fn base_len(&self) -> usize {
        self.base.len
    }

    /// The length of `.BTF` in bytes.
    #[inline]
    pub const fn split_len(&self) -> usize {
        self.split.len
    }

    /// The contents of `.BTF.base`. `N` must be [`Self::base_len`].
    #[inline]
    pub const fn base<const N: usize>(&self) -> [u8; N] {
        Self::copy(&self.base)
    }

    /// The contents of `.BTF`. `N` must be [`Self::split_len`].
    #[inline]
    pub const fn split<const N: usize>(&self) -> [u8; N] {
        Self::copy(&self.split)
    }

    /// The type id, before relocation, of a function.
    #[inline]
    pub const fn func_id(
        &self,
        kfuncs: &'static [Func],
        dtors: &'static [Func],
        name: &str,
    ) -> u32 {
        let mut i = 0;
        while !same_str(nth(kfuncs, dtors, i).name, name) {
            i += 1;
        }
        self.first_func + i as u32
    }

    /// The type id, before relocation, of a type that a function refers to. 0 if no function does.
    #[inline]
    pub const fn id(&self, ty: &Type) -> u32 {
        self.types.id(ty)
    }

    #[inline]
    const fn copy<const N: usize>(buf: &Buf) -> [u8; N] {
        assert!(N == buf.len, "not the length of this section");
        let mut bytes = [0; N];
        let mut i = 0;
        while i < N {
            bytes[i] = buf.bytes[i];
            i += 1;
        }
        bytes
    }
}

/// The types that a module's kfuncs refer to, sorted by section.
struct Encoder {
    base: Types,
    split: Types,
}

impl Encoder {
    /// Adds a type, after all types that it refers to.
    #[inline]
    const fn collect(&mut self, ty: &'static Type) {
        if self.base.position(ty).is_some() || self.split.position(ty).is_some() {
            return;
        }
        match ty {
            Type::Void => {}
            Type::Int { .. } | Type::Opaque(_) => self.base.push(ty),
            Type::Struct(s) => {
                let mut i = 0;
                while i < s.members.len() {
                    self.collect(&s.members[i].ty);
                    i += 1;
                }
                self.split.push(ty);
            }
            Type::Const(to) | Type::Ptr(to) => {
                self.collect(to);
                self.split.push(ty);
            }
        }
    }

    /// Returns the id of an added type.
    #[inline]
    const fn id(&self, ty: &Type) -> u32 {
        if let Some(i) = self.base.position(ty) {
            return 1 + i as u32;
        }
        match self.split.position(ty) {
            Some(i) => (1 + self.base.len + i) as u32,
            // Void is type 0.
            None => 0,
        }
    }

    #[inline]
    const fn write_type(&self, section: &mut Section, ty: &Type) {
        match ty {
            Type::Void => {}
            Type::Int {
                name,
                size,
                encoding,
            } => {
                let name = section.string(name);
                section.btf_type(name, bindings::BTF_KIND_INT, 0, *size);
                section.types.u32(*encoding << 24 | *size * 8);
            }
            Type::Opaque(name) => {
                let name = section.string(name);
                // Not `BTF_KIND_FWD`: for that kind, `btf_relocate()` uses the flag for a union. A
                // structure with bitfields has the same flag, so `btf_relocate()` would not find
                // the structure.
                section.btf_type(name, bindings::BTF_KIND_STRUCT, 0, 0);
            }
            Type::Struct(s) => {
                let name = section.string(s.name);
                section.btf_type(
                    name,
                    bindings::BTF_KIND_STRUCT,
                    s.members.len(),
                    s.size as u32,
                );
                let mut i = 0;
                while i < s.members.len() {
                    let member = &s.members[i];
                    let name = section.string(member.name);
                    section.types.u32(name);
                    section.types.u32(self.id(&member.ty));
                    section.types.u32(member.offset as u32 * 8);
                    i += 1;
                }
            }
            Type::Const(to) => section.btf_type(0, bindings::BTF_KIND_CONST, 0, self.id(to)),
            Type::Ptr(to) => section.btf_type(0, bindings::BTF_KIND_PTR, 0, self.id(to)),
        }
    }

    /// Adds the prototype of a function, with these parameters in addition.
    #[inline]
    const fn write_proto(&self, section: &mut Section, func: &Func, further: &[Param]) {
        let nr_params = func.params.len() + further.len();
        section.btf_type(
            0,
            bindings::BTF_KIND_FUNC_PROTO,
            nr_params,
            self.id(&func.ret),
        );
        let mut i = 0;
        while i < nr_params {
            let param = if i < func.params.len() {
                &func.params[i]
            } else {
                &further[i - func.params.len()]
            };
            let name = section.string(param.name);
            section.types.u32(name);
            section.types.u32(self.id(&param.ty));
            i += 1;
        }
    }
}

/// The number of arguments that a program passes in registers, `MAX_BPF_FUNC_REG_ARGS`.
const MAX_REGISTERS: usize = 5;

/// Encodes the prototypes of kfuncs, with all types that they refer to.
///
/// # Examples
///
/// ```
/// use kernel::bpf::btf::{
///     self,
///     Describe,
///     Encoded,
///     Func,
///     Param, //
/// };
///
/// const FUNCS: &[Func] = &[Func {
///     name: "example_kfunc",
///     params: &[Param {
///         name: "a",
///         ty: <u32 as Describe>::TYPE,
///     }],
///     implicit: &[],
///     ret: <i32 as Describe>::TYPE,
/// }];
/// const BTF: Encoded = btf::encode(FUNCS);
///
/// // Types 1 and 2 are the integers, 3 is the prototype.
/// const ID: u32 = BTF.func_id(FUNCS, &[], "example_kfunc");
/// assert_eq!(ID, 4);
///
/// // A module links this array into its section `.BTF`.
/// static SPLIT: [u8; BTF.split_len()] = BTF.split();
/// # assert!(SPLIT.len() > 24);
/// ```
#[inline]
pub const fn encode(funcs: &'static [Func]) -> Encoded {
    encode_all(funcs, &[])
}

/// Does the same as [`encode`], with destructors after the kfuncs. The kernel calls a destructor
/// for references in maps, and programs cannot call it.
#[inline]
pub const fn encode_all(kfuncs: &'static [Func], dtors: &'static [Func]) -> Encoded {
    const INT: &Type = &<i32 as Describe>::TYPE;

    let mut types = Encoder {
        base: Types::new(),
        split: Types::new(),
    };
    let nr_funcs = kfuncs.len() + dtors.len();
    let mut i = 0;
    while i < nr_funcs {
        let func = nth(kfuncs, dtors, i);
        types.collect(&func.ret);
        let mut j = 0;
        while j < func.params.len() {
            types.collect(&func.params[j].ty);
            j += 1;
        }
        let mut j = 0;
        while j < func.implicit.len() {
            types.collect(&func.implicit[j].ty);
            j += 1;
        }
        i += 1;
    }
    if types.base.len == 0 {
        // The kernel rejects a `.BTF.base` without types.
        types.base.push(INT);
    }

    let mut base = Section::new(Buf::new());
    base.string("");
    let mut i = 0;
    while i < types.base.len {
        types.write_type(&mut base, types.base.list[i]);
        i += 1;
    }

    let mut split = Section::new(base.strings);
    let mut i = 0;
    while i < types.split.len {
        types.write_type(&mut split, types.split.list[i]);
        i += 1;
    }

    let first_proto = (1 + types.base.len + types.split.len) as u32;
    let first_func = first_proto + nr_funcs as u32;

    let mut i = 0;
    while i < nr_funcs {
        types.write_proto(&mut split, nth(kfuncs, dtors, i), &[]);
        i += 1;
    }

    // Functions are consecutive, so that each id follows from the id of the first function.
    let mut i = 0;
    while i < nr_funcs {
        let name = split.string(nth(kfuncs, dtors, i).name);
        split.btf_type(
            name,
            bindings::BTF_KIND_FUNC,
            bindings::btf_func_linkage_BTF_FUNC_GLOBAL as usize,
            first_proto + i as u32,
        );
        i += 1;
    }

    // `bpftool` recognises kfuncs by this tag.
    let mut i = 0;
    while i < kfuncs.len() {
        let name = split.string("bpf_kfunc");
        split.btf_type(name, bindings::BTF_KIND_DECL_TAG, 0, first_func + i as u32);
        split.types.u32(u32::MAX); // Index -1: the function itself, not a parameter.
        i += 1;
    }

    // Programs see the prototypes above. The verifier finds those with the implicit parameters by
    // this suffix, see `find_kfunc_impl_proto()` in `kernel/bpf/verifier.c`.
    let mut nr_types = first_func + (nr_funcs + kfuncs.len()) as u32;
    let mut i = 0;
    while i < kfuncs.len() {
        let func = &kfuncs[i];
        if !func.implicit.is_empty() {
            assert!(
                fits_registers(func),
                "no register is left for the implicit argument of a kfunc"
            );
            types.write_proto(&mut split, func, func.implicit);
            let mut name = Buf::new();
            name.bytes(func.name.as_bytes());
            name.bytes(b"_impl");
            let name = split.string_of_bytes(name.bytes.split_at(name.len).0);
            split.btf_type(
                name,
                bindings::BTF_KIND_FUNC,
                bindings::btf_func_linkage_BTF_FUNC_GLOBAL as usize,
                nr_types,
            );
            nr_types += 2;
        }
        i += 1;
    }

    Encoded {
        base: base.finish(),
        split: split.finish(),
        types,
        first_func,
    }
}

/// Returns whether each argument of a function has a register.
#[inline]
const fn fits_registers(func: &Func) -> bool {
    func.params.len() + func.implicit.len() <= MAX_REGISTERS
}

/// Returns the function at `i` of the concatenated lists.
#[inline]
const fn nth(first: &'static [Func], second: &'static [Func], i: usize) -> &'static Func {
    if i < first.len() {
        &first[i]
    } else {
        &second[i - first.len()]
    }
}

#[cfg(CONFIG_RUST_BPF_KUNIT_TEST)]
#[macros::kunit_tests(rust_kernel_bpf_btf)]
mod tests {
    use super::*;
    use crate::prelude::*;

    crate::bpf_struct! {
        /// A structure without padding.
        struct Pair as "pair" {
            a: u32,
            b: i32,
        }

        /// A structure of another size. Two of its members have the same names as in `Pair`.
        struct Triple as "triple" {
            a: u16,
            b: u16,
            c: u16,
        }

        /// A structure with members that are structures.
        struct Nested as "nested" {
            first: Pair,
            second: Triple,
            third: Triple,
            d: u32,
        }
    }

    /// The result of the functions in the tests.
    const INT: Type = <i32 as Describe>::TYPE;

    /// The parts of a blob, with the names of `struct btf_header`.
    struct Blob<'a> {
        types: &'a [u8],
        strings: &'a [u8],
    }

    fn u32_at(bytes: &[u8], at: usize) -> u32 {
        let mut word = [0; 4];
        word.copy_from_slice(&bytes[at..at + 4]);
        u32::from_ne_bytes(word)
    }

    /// Splits a blob like the kernel, and checks its header.
    fn parse(blob: &[u8]) -> Result<Blob<'_>> {
        let (header, rest) = blob.split_at_checked(24).ok_or(EINVAL)?;
        let magic = u16::from_ne_bytes([header[0], header[1]]);
        // Magic, version 1, no flags, length of the header, then the types.
        if magic != 0xeb9f
            || header[2..4] != [1, 0]
            || u32_at(header, 4) != 24
            || u32_at(header, 8) != 0
        {
            return Err(EINVAL);
        }

        let (type_len, str_off, str_len) = (
            u32_at(header, 12) as usize,
            u32_at(header, 16) as usize,
            u32_at(header, 20) as usize,
        );
        if str_off != type_len || rest.len() != str_off + str_len {
            return Err(EINVAL);
        }
        Ok(Blob {
            types: &rest[..type_len],
            strings: &rest[str_off..],
        })
    }

    /// Returns whether `types` is the sequence of words in `expected`. Each element is a
    /// `struct btf_type`, a member or a parameter.
    fn is_words(types: &[u8], expected: &[&[u32]]) -> bool {
        let expected = || expected.iter().copied().flatten();

        types.len() == 4 * expected().count()
            && expected()
                .enumerate()
                .all(|(i, &word)| u32_at(types, 4 * i) == word)
    }

    #[test]
    fn one_kfunc_one_struct() -> Result {
        const BTF: Encoded = encode(&[Func {
            name: "f",
            params: &[Param {
                name: "p",
                ty: Type::Ptr(&Pair::TYPE),
            }],
            implicit: &[],
            ret: INT,
        }]);
        const BASE: [u8; BTF.base_len()] = BTF.base();
        const SPLIT: [u8; BTF.split_len()] = BTF.split();

        // `int`: kind 1, 4 bytes, signed (1 in bits 24 to 27), 32 bits. `unsigned int`: the same
        // without the sign.
        let blob = parse(&BASE)?;
        assert!(is_words(
            blob.types,
            &[
                // [1] "int".
                &[1, 1 << 24, 4, 1 << 24 | 32],
                // [2] "unsigned int".
                &[5, 1 << 24, 4, 32],
            ]
        ));
        assert!(blob.strings == b"\0int\0unsigned int\0");

        // Strings continue at 18 with "pair" (18), "a" (23), "b" (25), "p" (27), "f" (29) and
        // "bpf_kfunc" (31).
        let blob = parse(&SPLIT)?;
        assert!(is_words(
            blob.types,
            &[
                // [3] STRUCT "pair", two members, 8 bytes: "a" of type 2 at 0, "b" of type 1 at 32.
                &[18, 4 << 24 | 2, 8],
                &[23, 2, 0],
                &[25, 1, 32],
                // [4] PTR to 3.
                &[0, 2 << 24, 3],
                // [5] FUNC_PROTO returning 1, one parameter: "p" of type 4.
                &[0, 13 << 24 | 1, 1],
                &[27, 4],
                // [6] FUNC "f", global (1), of prototype 5.
                &[29, 12 << 24 | 1, 5],
                // [7] DECL_TAG "bpf_kfunc" on 6, component -1.
                &[31, 17 << 24, 6, u32::MAX],
            ]
        ));
        assert!(blob.strings == b"pair\0a\0b\0p\0f\0bpf_kfunc\0");

        assert_eq!(BTF.first_func, 6);
        Ok(())
    }

    // The verifier checks the memory behind a pointer by the size of the structure.
    const fn member(name: &'static str, ty: Type, offset: usize) -> Member {
        Member { name, ty, offset }
    }

    const fn structure(size: usize, members: &'static [Member]) -> Struct {
        Struct {
            name: "structure",
            size,
            members,
        }
    }

    // Calls in constants, here and below, since this code must not be in the kernel.
    #[test]
    fn structures_differ_in_one_property() {
        const FIRST: Member = member("first", INT, 0);
        const ORIGINAL: Struct = structure(16, &[FIRST, member("second", INT, 4)]);
        const SAME: bool = same_members(
            &ORIGINAL,
            &structure(16, &[FIRST, member("second", INT, 4)]),
        );
        const OTHERS: [bool; 5] = [
            same_members(&ORIGINAL, &structure(20, ORIGINAL.members)),
            same_members(&ORIGINAL, &structure(16, &[FIRST])),
            same_members(&ORIGINAL, &structure(16, &[FIRST, member("other", INT, 4)])),
            same_members(
                &ORIGINAL,
                &structure(16, &[FIRST, member("second", Type::Ptr(&INT), 4)]),
            ),
            same_members(
                &ORIGINAL,
                &structure(16, &[FIRST, member("second", INT, 8)]),
            ),
        ];

        assert!(SAME);
        assert_eq!(OTHERS, [false; 5]);
    }

    // A pointer in memory of a program would be a pointer that the program chose.
    #[test]
    fn memory_has_no_pointer_at_any_depth() {
        const LAST: Struct = structure(16, &[member("a", INT, 0), member("b", Type::Ptr(&INT), 8)]);
        const OUTER: Struct = structure(
            16,
            &[member("a", INT, 0), member("b", Type::Struct(&LAST), 0)],
        );
        const MEMORY: [bool; 3] = [
            INT.is_memory(),
            <Pair as Describe>::TYPE.is_memory(),
            <Nested as Describe>::TYPE.is_memory(),
        ];
        const OTHERS: [bool; 6] = [
            Type::Void.is_memory(),
            Type::Opaque("structure").is_memory(),
            Type::Const(&INT).is_memory(),
            Type::Ptr(&INT).is_memory(),
            Type::Struct(&LAST).is_memory(),
            Type::Struct(&OUTER).is_memory(),
        ];

        assert_eq!(MEMORY, [true; 3]);
        assert_eq!(OTHERS, [false; 6]);
    }

    #[test]
    fn structures_are_distinguished() -> Result {
        const BTF: Encoded = encode(&[Func {
            name: "f",
            params: &[
                Param {
                    name: "p",
                    ty: Type::Ptr(&Pair::TYPE),
                },
                Param {
                    name: "q",
                    ty: Type::Ptr(&Triple::TYPE),
                },
                Param {
                    name: "r",
                    ty: Type::Ptr(&Type::Const(&Triple::TYPE)),
                },
            ],
            implicit: &[],
            ret: Type::Void,
        }]);
        const SPLIT: [u8; BTF.split_len()] = BTF.split();

        // [1] "unsigned int", [2] "int", [3] "short unsigned int" are in the base. The C compiler
        // determines their lengths, and so the offset of the first string here.
        let first = if cfg!(CONFIG_CC_IS_CLANG) { 33 } else { 37 };
        let blob = parse(&SPLIT)?;
        assert!(is_words(
            blob.types,
            &[
                // [4] STRUCT "pair", 8 bytes, [5] PTR 4.
                &[first, 4 << 24 | 2, 8],
                &[first + 5, 1, 0],
                &[first + 7, 2, 32],
                &[0, 2 << 24, 4],
                // [6] STRUCT "triple", 6 bytes, [7] PTR 6, [8] CONST 6, [9] PTR 8.
                &[first + 9, 4 << 24 | 3, 6],
                &[first + 5, 3, 0],
                &[first + 7, 3, 16],
                &[first + 16, 3, 32],
                &[0, 2 << 24, 6],
                &[0, 10 << 24, 6],
                &[0, 2 << 24, 8],
                // [10] FUNC_PROTO.
                &[0, 13 << 24 | 3, 0],
                &[first + 18, 5],
                &[first + 20, 7],
                &[first + 22, 9],
                // [11] FUNC "f", its tag.
                &[first + 24, 12 << 24 | 1, 10],
                &[first + 26, 17 << 24, 11, u32::MAX],
            ]
        ));
        assert!(blob.strings == b"pair\0a\0b\0triple\0c\0p\0q\0r\0f\0bpf_kfunc\0");
        Ok(())
    }

    // The inner structures precede the outer one, and each occurs once.
    #[test]
    fn structures_in_a_structure() -> Result {
        const BTF: Encoded = encode(&[Func {
            name: "f",
            params: &[Param {
                name: "p",
                ty: Type::Ptr(&Nested::TYPE),
            }],
            implicit: &[],
            ret: Type::Void,
        }]);
        const SPLIT: [u8; BTF.split_len()] = BTF.split();

        let first = if cfg!(CONFIG_CC_IS_CLANG) { 33 } else { 37 };
        let blob = parse(&SPLIT)?;
        assert!(is_words(
            &blob.types[..4 * 39],
            &[
                // [4] STRUCT "pair".
                &[first, 4 << 24 | 2, 8],
                &[first + 5, 1, 0],
                &[first + 7, 2, 32],
                // [5] STRUCT "triple".
                &[first + 9, 4 << 24 | 3, 6],
                &[first + 5, 3, 0],
                &[first + 7, 3, 16],
                &[first + 16, 3, 32],
                // [6] STRUCT "nested", 24 bytes: types 4, 5, 5 and 1.
                &[first + 18, 4 << 24 | 4, 24],
                &[first + 25, 4, 0],
                &[first + 31, 5, 64],
                &[first + 38, 5, 112],
                &[first + 44, 1, 160],
                // [7] PTR 6.
                &[0, 2 << 24, 6],
            ]
        ));
        Ok(())
    }

    #[test]
    fn types_and_strings_are_shared() -> Result {
        const BTF: Encoded = encode(&[
            Func {
                name: "one",
                params: &[Param { name: "x", ty: INT }],
                implicit: &[],
                ret: INT,
            },
            Func {
                name: "two",
                params: &[Param { name: "x", ty: INT }],
                implicit: &[],
                ret: Type::Void,
            },
        ]);
        const BASE: [u8; BTF.base_len()] = BTF.base();
        const SPLIT: [u8; BTF.split_len()] = BTF.split();

        assert!(is_words(
            parse(&BASE)?.types,
            &[&[1, 1 << 24, 4, 1 << 24 | 32]]
        ));

        // "x" is at 5, "one" at 7, "two" at 11, "bpf_kfunc" at 15.
        let blob = parse(&SPLIT)?;
        assert!(is_words(
            blob.types,
            &[
                // [2] and [3] FUNC_PROTO, returning int and void.
                &[0, 13 << 24 | 1, 1],
                &[5, 1],
                &[0, 13 << 24 | 1, 0],
                &[5, 1],
                // [4] and [5] FUNC.
                &[7, 12 << 24 | 1, 2],
                &[11, 12 << 24 | 1, 3],
                // Their tags.
                &[15, 17 << 24, 4, u32::MAX],
                &[15, 17 << 24, 5, u32::MAX],
            ]
        ));
        assert!(blob.strings == b"x\0one\0two\0bpf_kfunc\0");
        Ok(())
    }

    // Only kfuncs have the tag.
    #[test]
    fn destructor_of_own_structure() -> Result {
        const OWN: Type = Type::Struct(&Struct {
            name: "own",
            size: 8,
            members: &[Member {
                name: "opaque",
                ty: Type::Ptr(&Type::Void),
                offset: 0,
            }],
        });
        const KFUNC: Func = Func {
            name: "f",
            params: &[],
            implicit: &[],
            ret: Type::Ptr(&OWN),
        };
        const DTOR: Func = Func {
            name: "d",
            params: &[Param {
                name: "p",
                ty: Type::Ptr(&Type::Void),
            }],
            implicit: &[],
            ret: Type::Void,
        };
        const BTF: Encoded = encode_all(&[KFUNC], &[DTOR]);
        const KFUNC_ID: u32 = BTF.func_id(&[KFUNC], &[DTOR], KFUNC.name);
        const DTOR_ID: u32 = BTF.func_id(&[KFUNC], &[DTOR], DTOR.name);
        // Constants, so that the object file has no code of `id()`.
        const OWN_ID: u32 = BTF.id(&OWN);
        const OPAQUE_ID: u32 = BTF.id(&Type::Opaque("own"));
        const SPLIT: [u8; BTF.split_len()] = BTF.split();

        // [1] "int". "own" is at 5, "opaque" at 9, "p" at 16, "f" at 18, "d" at 20, "bpf_kfunc" at
        // 22.
        let blob = parse(&SPLIT)?;
        assert!(is_words(
            blob.types,
            &[
                // [2] PTR to void, [3] STRUCT "own", [4] PTR to 3.
                &[0, 2 << 24, 0],
                &[5, 4 << 24 | 1, 8],
                &[9, 2, 0],
                &[0, 2 << 24, 3],
                // [5] FUNC_PROTO returning 4, [6] returning void with a parameter of type 2.
                &[0, 13 << 24, 4],
                &[0, 13 << 24 | 1, 0],
                &[16, 2],
                // [7] and [8] FUNC, [9] the tag of the first one.
                &[18, 12 << 24 | 1, 5],
                &[20, 12 << 24 | 1, 6],
                &[22, 17 << 24, 7, u32::MAX],
            ]
        ));
        assert_eq!(OWN_ID, 3);
        assert_eq!(OPAQUE_ID, 0);
        assert_eq!(KFUNC_ID, 7);
        assert_eq!(DTOR_ID, 8);
        Ok(())
    }

    // The verifier passes one more argument than programs do.
    #[test]
    fn implicit_parameter_has_another_prototype() -> Result {
        const A: Param = Param {
            name: "a",
            ty: <u32 as Describe>::TYPE,
        };
        const AUX: Param = Param {
            name: "aux",
            ty: Type::Ptr(&Type::Opaque("bpf_prog_aux")),
        };
        const BTF: Encoded = encode(&[
            Func {
                name: "implicit",
                params: &[A],
                implicit: &[AUX],
                ret: INT,
            },
            Func {
                name: "plain",
                params: &[A],
                implicit: &[],
                ret: INT,
            },
        ]);
        const BASE: [u8; BTF.base_len()] = BTF.base();
        const SPLIT: [u8; BTF.split_len()] = BTF.split();

        // [1] "int", [2] "unsigned int", [3] STRUCT "bpf_prog_aux".
        assert!(parse(&BASE)?.strings == b"\0int\0unsigned int\0bpf_prog_aux\0");

        // Strings continue at 31 with "a" (31), "implicit" (33), "plain" (42), "bpf_kfunc" (48),
        // "aux" (58) and "implicit_impl" (62).
        let blob = parse(&SPLIT)?;
        assert!(is_words(
            blob.types,
            &[
                // [4] PTR to 3.
                &[0, 2 << 24, 3],
                // [5] and [6] FUNC_PROTO returning 1, one parameter: "a" of type 2.
                &[0, 13 << 24 | 1, 1],
                &[31, 2],
                &[0, 13 << 24 | 1, 1],
                &[31, 2],
                // [7] FUNC "implicit" of prototype 5, [8] FUNC "plain" of prototype 6.
                &[33, 12 << 24 | 1, 5],
                &[42, 12 << 24 | 1, 6],
                // [9] and [10] DECL_TAG "bpf_kfunc" on 7 and 8.
                &[48, 17 << 24, 7, u32::MAX],
                &[48, 17 << 24, 8, u32::MAX],
                // [11] FUNC_PROTO with one more parameter, "aux" of type 4.
                &[0, 13 << 24 | 2, 1],
                &[31, 2],
                &[58, 4],
                // [12] FUNC "implicit_impl" of prototype 11. It is no kfunc, and has no tag.
                &[62, 12 << 24 | 1, 11],
            ]
        ));
        assert!(blob.strings == b"a\0implicit\0plain\0bpf_kfunc\0aux\0implicit_impl\0");

        assert_eq!(BTF.first_func, 7);
        Ok(())
    }

    #[test]
    fn implicit_argument_takes_a_register() {
        const A: Param = Param { name: "a", ty: INT };
        let func = |params| Func {
            name: "f",
            params,
            implicit: &[A],
            ret: INT,
        };

        assert!(fits_registers(&func(&[])));
        assert!(fits_registers(&func(&[A, A, A, A])));
        assert!(!fits_registers(&func(&[A, A, A, A, A])));
    }

    #[test]
    fn name_is_not_inside_another() -> Result {
        const BTF: Encoded = encode(&[
            Func {
                name: "mend",
                params: &[
                    Param {
                        name: "append",
                        ty: INT,
                    },
                    Param {
                        name: "end",
                        ty: INT,
                    },
                    Param {
                        name: "app",
                        ty: INT,
                    },
                ],
                implicit: &[],
                ret: <u32 as Describe>::TYPE,
            },
            Func {
                name: "app",
                params: &[],
                implicit: &[],
                ret: Type::Void,
            },
            Func {
                name: "kfunc",
                params: &[],
                implicit: &[],
                ret: Type::Void,
            },
        ]);
        const BASE: [u8; BTF.base_len()] = BTF.base();
        const SPLIT: [u8; BTF.split_len()] = BTF.split();

        let blob = parse(&BASE)?;
        assert!(is_words(
            blob.types,
            &[
                // [1] "unsigned int", [2] "int", with a string of its own instead of offset 10.
                &[1, 1 << 24, 4, 32],
                &[14, 1 << 24, 4, 1 << 24 | 32],
            ]
        ));
        assert!(blob.strings == b"\0unsigned int\0int\0");

        // "append" is at 18, "end" at 25, "app" at 29, "mend" at 33, "kfunc" at 38 and "bpf_kfunc"
        // at 44.
        let blob = parse(&SPLIT)?;
        assert!(is_words(
            blob.types,
            &[
                // [3] to [5] FUNC_PROTO.
                &[0, 13 << 24 | 3, 1],
                &[18, 2],
                &[25, 2],
                &[29, 2],
                &[0, 13 << 24, 0],
                &[0, 13 << 24, 0],
                // [6] to [8] FUNC.
                &[33, 12 << 24 | 1, 3],
                &[29, 12 << 24 | 1, 4],
                &[38, 12 << 24 | 1, 5],
                // Their tags.
                &[44, 17 << 24, 6, u32::MAX],
                &[44, 17 << 24, 7, u32::MAX],
                &[44, 17 << 24, 8, u32::MAX],
            ]
        ));
        assert!(blob.strings == b"append\0end\0app\0mend\0kfunc\0bpf_kfunc\0");
        Ok(())
    }

    #[test]
    fn names_of_base_are_shared() -> Result {
        const BTF: Encoded = encode(&[Func {
            name: "f",
            params: &[
                Param {
                    name: "sock",
                    ty: Type::Ptr(&Type::Opaque("sock")),
                },
                Param {
                    name: "ock",
                    ty: INT,
                },
            ],
            implicit: &[],
            ret: Type::Void,
        }]);
        const BASE: [u8; BTF.base_len()] = BTF.base();
        const SPLIT: [u8; BTF.split_len()] = BTF.split();

        // [1] STRUCT "sock", [2] "int".
        assert!(parse(&BASE)?.strings == b"\0sock\0int\0");

        let blob = parse(&SPLIT)?;
        assert!(is_words(
            &blob.types[..40],
            &[
                // [3] PTR 1.
                &[0, 2 << 24, 1],
                // [4] FUNC_PROTO: "sock" is the string of the structure.
                &[0, 13 << 24 | 2, 0],
                &[1, 3],
                &[10, 2],
            ]
        ));
        assert!(blob.strings == b"ock\0f\0bpf_kfunc\0");
        Ok(())
    }

    #[test]
    fn kernel_struct_by_name() -> Result {
        const BTF: Encoded = encode(&[Func {
            name: "f",
            params: &[Param {
                name: "sk",
                ty: Type::Ptr(&Type::Const(&Type::Opaque("sock"))),
            }],
            implicit: &[],
            ret: Type::Void,
        }]);
        const BASE: [u8; BTF.base_len()] = BTF.base();
        const SPLIT: [u8; BTF.split_len()] = BTF.split();

        // [1] STRUCT "sock", without size and members.
        let blob = parse(&BASE)?;
        assert!(is_words(blob.types, &[&[1, 4 << 24, 0]]));
        assert!(blob.strings == b"\0sock\0");

        let blob = parse(&SPLIT)?;
        // [2] CONST 1, [3] PTR 2.
        assert!(is_words(
            &blob.types[..24],
            &[&[0, 10 << 24, 1], &[0, 2 << 24, 2]]
        ));
        Ok(())
    }

    #[test]
    fn names_with_a_meaning_for_the_verifier() {
        for name in ["a__sz", "a__ign", "__a", "a__", "a___b", "__"] {
            assert!(is_annotated(name));
        }
        for name in ["", "_", "a", "a_b", "a_b_c", "_a_"] {
            assert!(!is_annotated(name));
        }
    }

    // The contexts of all types of programs, including types that this kernel lacks: see
    // `include/linux/bpf_types.h`, and `btf_is_projection_of()` for the last two names.
    #[test]
    fn names_of_contexts() {
        const CONTEXTS: [&str; 19] = [
            "__sk_buff",
            "xdp_md",
            "bpf_sock",
            "bpf_sock_addr",
            "bpf_sock_ops",
            "sk_msg_md",
            // `bpf_user_pt_regs_t` of each architecture.
            "pt_regs",
            "user_pt_regs",
            "user_regs_struct",
            "bpf_perf_event_data",
            "bpf_raw_tracepoint_args",
            "bpf_cgroup_dev_ctx",
            "bpf_sysctl",
            "bpf_sockopt",
            "sk_reuseport_md",
            "bpf_sk_lookup",
            "bpf_nf_ctx",
            "sk_buff",
            "xdp_buff",
        ];

        for name in CONTEXTS {
            assert!(is_context(name));
            // A part of the name does not match.
            assert!(!is_context(&name[1..]));
            assert!(!is_context(&name[..name.len() - 1]));
        }
        for name in [
            "",
            "bpf_ns_ident",
            "bpf_sock_addr_kern",
            "bpf_sk_lookup_kern",
            "net_device",
        ] {
            assert!(!is_context(name));
        }
    }

    // Fails if `bpf_types.h` has a new program type with a context that `is_context()` lacks.
    #[test]
    fn contexts_are_those_of_bpf_types_h() -> Result {
        let mut nr_structs = 0;

        for i in 0.. {
            // SAFETY: Any index is allowed.
            let ty = unsafe { bindings::bpf_ctx_type(i) };
            if ty.is_null() {
                break;
            }
            // SAFETY: `ty` is a string constant.
            let ty = unsafe { CStr::from_char_ptr(ty) }.to_str()?;
            if let Some(name) = ty.strip_prefix("struct ") {
                assert!(is_context(name));
                nr_structs += 1;
            }
        }
        assert!(nr_structs > 0);
        Ok(())
    }

    #[test]
    fn base_is_never_empty() -> Result {
        const BTF: Encoded = encode(&[Func {
            name: "f",
            params: &[],
            implicit: &[],
            ret: Type::Void,
        }]);
        const BASE: [u8; BTF.base_len()] = BTF.base();

        assert_eq!(parse(&BASE)?.types.len(), 16);
        Ok(())
    }

    #[test]
    fn integers() {
        // Name, size, flags (1: signed, 4: bool), as `bpftool btf dump` shows them for `vmlinux`.
        fn is<T: Describe>(gcc: &str, clang: &str, size: u32, encoding: u32) -> bool {
            let expected = if cfg!(CONFIG_CC_IS_CLANG) { clang } else { gcc };
            matches!(T::TYPE, Type::Int { name, size: s, encoding: e }
                if name == expected && s == size && e == encoding)
        }

        assert!(is::<bool>("_Bool", "_Bool", 1, 4));
        assert!(is::<i8>("signed char", "signed char", 1, 1));
        assert!(is::<u8>("unsigned char", "unsigned char", 1, 0));
        assert!(is::<i16>("short int", "short", 2, 1));
        assert!(is::<u16>("short unsigned int", "unsigned short", 2, 0));
        assert!(is::<i32>("int", "int", 4, 1));
        assert!(is::<u32>("unsigned int", "unsigned int", 4, 0));
        assert!(is::<i64>("long long int", "long long", 8, 1));
        assert!(is::<u64>(
            "long long unsigned int",
            "unsigned long long",
            8,
            0
        ));
    }
}
