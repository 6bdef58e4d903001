// SPDX-License-Identifier: GPL-2.0

//! Rate limiting, e.g. of messages that userspace can trigger.
//!
//! C header: [`include/linux/ratelimit.h`](srctree/include/linux/ratelimit.h)

use crate::{
    bindings,
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Full,
            Release, //
        },
        Atomic,
    },
    types::Opaque, //
};

/// A limit of [`Self::BURST`] events in [`Self::INTERVAL`] jiffies, for use in a `static`.
///
/// Wraps the kernel's `struct ratelimit_state`, with the default interval and burst, as
/// `pr_warn_ratelimited()` has in C.
///
/// # Invariants
///
/// - `stage` only goes up, from `Self::NEW` to `Self::READY`.
/// - If `stage` is `Self::BUSY`, one thread has exclusive access to `state`.
/// - If `stage` is `Self::READY`, `state` is initialized.
///
/// # Examples
///
/// ```
/// use kernel::ratelimit::RateLimit;
///
/// static COMPLAINTS: RateLimit = RateLimit::new();
///
/// for i in 0..2 * RateLimit::BURST {
///     if COMPLAINTS.allow(c"example") {
///         assert!(i < RateLimit::BURST);
///     }
/// }
/// ```
pub struct RateLimit {
    stage: Atomic<u32>,
    state: Opaque<bindings::ratelimit_state>,
}

impl RateLimit {
    /// The length of an interval, in jiffies.
    pub const INTERVAL: c_int = bindings::DEFAULT_RATELIMIT_INTERVAL as c_int;
    /// The number of events that an interval allows.
    pub const BURST: c_int = bindings::DEFAULT_RATELIMIT_BURST as c_int;

    const NEW: u32 = 0;
    const BUSY: u32 = 1;
    const READY: u32 = 2;

    /// Creates a limit that has allowed nothing yet.
    pub const fn new() -> Self {
        // INVARIANT: `stage` is neither `BUSY` nor `READY`.
        Self {
            stage: Atomic::new(Self::NEW),
            state: Opaque::uninit(),
        }
    }

    /// Returns whether one more event is within the limit, and counts it.
    ///
    /// The kernel log has `name` when it reports the number of suppressed events.
    pub fn allow(&'static self, name: &'static CStr) -> bool {
        if self.stage.load(Acquire) != Self::READY {
            if self.stage.cmpxchg(Self::NEW, Self::BUSY, Full).is_err() {
                // Another CPU is initializing `state`, or has just done so. Allow the event: this
                // is better than waiting, or than losing the first events.
                return true;
            }
            // INVARIANT: The exchange succeeded, so this thread has exclusive access to `state`.
            //
            // SAFETY: By the type invariant, no other thread uses `state`. `self` is static, so
            // `state` never moves.
            unsafe {
                bindings::ratelimit_state_init(self.state.get(), Self::INTERVAL, Self::BURST)
            };
            // INVARIANT: `state` was just initialized.
            self.stage.store(Self::READY, Release);
        }

        // SAFETY: By the type invariant, `state` is initialized. `___ratelimit()` does its own
        // locking.
        unsafe { bindings::___ratelimit(self.state.get(), name.as_char_ptr()) != 0 }
    }
}

/// Prints a warning like [`pr_warn!`](crate::pr_warn), unless this call site exceeds its limit.
///
/// Each call site has its own [`RateLimit`]. The kernel log has the path of the Rust module when it
/// reports the number of suppressed warnings.
///
/// # Examples
///
/// ```
/// for i in 0..3 {
///     kernel::pr_warn_ratelimited!("attempt {i} failed\n");
/// }
/// ```
#[macro_export]
macro_rules! pr_warn_ratelimited {
    ($($arg:tt)*) => {{
        static RATE_LIMIT: $crate::ratelimit::RateLimit = $crate::ratelimit::RateLimit::new();

        if RATE_LIMIT.allow($crate::c_str!(::core::module_path!())) {
            $crate::pr_warn!($($arg)*);
        }
    }};
}

impl Default for RateLimit {
    fn default() -> Self {
        Self::new()
    }
}

// SAFETY: By the type invariants, `stage` gives one thread exclusive access to `state` until it is
// initialized. After that, `___ratelimit()` can be called from any thread.
unsafe impl Sync for RateLimit {}
