// SPDX-License-Identifier: GPL-2.0
//! Receives signals. SIGINT and SIGTERM end the agent, even while it waits for its reader.

use std::{
    process,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver},
    },
    thread,
    time::Duration,
};

use nix::sys::signal::{self, SigSet, Signal};

/// The time for the last lines after a signal, so that the agent ends within a second.
const PATIENCE: Duration = Duration::from_millis(700);

static ENDING: AtomicBool = AtomicBool::new(false);

/// Whether a signal ends the agent.
pub fn is_ending() -> bool {
    ENDING.load(Ordering::Relaxed)
}

/// Receives signals on a thread of its own, since the main one may wait for its reader. If the main
/// thread has not ended the process in time, or on a second signal, the process ends by the signal.
pub fn receive() -> nix::Result<Receiver<Signal>> {
    let handled = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    handled.thread_block()?;
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        loop {
            let Ok(signal) = handled.wait() else { continue };
            if signal != Signal::SIGHUP {
                if ENDING.swap(true, Ordering::Relaxed) {
                    end_by(signal);
                }
                thread::spawn(move || {
                    thread::sleep(PATIENCE);
                    end_by(signal)
                });
            }
            // This fails if the main thread has ended.
            let _ = sender.send(signal);
        }
    });
    Ok(receiver)
}

/// Ends the process by the default action of the signal. If the process ignores the signal, exits
/// with the status that a shell reports for it.
fn end_by(signal: Signal) -> ! {
    let _ = SigSet::from(signal).thread_unblock();
    let _ = signal::raise(signal);
    process::exit(128 + signal as i32)
}
