// SPDX-License-Identifier: GPL-2.0

fn send<T: Send>(_: T) {}

fn pass_on(locked: kernel::ns::LockedTask<'_>) {
    send(locked)
}
//~ cannot be sent between threads safely
