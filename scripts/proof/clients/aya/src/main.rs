// SPDX-License-Identifier: GPL-2.0
//! The same as loader.c with aya: `loader OBJECT`.

use std::{
    env,
    error::Error,
    os::fd::{AsFd, AsRawFd},
    process::ExitCode,
};

use aya::{programs::SchedClassifier, Ebpf};

const BPF_PROG_TEST_RUN: libc::c_long = 10;

/// The first members of `union bpf_attr` for that command.
#[repr(C)]
#[derive(Default)]
struct TestRun {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    rest: [u64; 8],
}

fn run(path: &str) -> Result<i32, Box<dyn Error>> {
    let mut object = Ebpf::load_file(path)?;
    let program: &mut SchedClassifier = object
        .program_mut("run")
        .ok_or("there is no program `run`")?
        .try_into()?;
    program.load()?;
    let data = [0u8; 64];
    let mut attr = TestRun {
        prog_fd: program.fd()?.as_fd().as_raw_fd() as u32,
        data_size_in: data.len() as u32,
        data_in: data.as_ptr() as u64,
        ..TestRun::default()
    };
    // SAFETY: The kernel reads `data`, and reads and writes no more than `attr`.
    let status = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_PROG_TEST_RUN,
            &mut attr,
            std::mem::size_of::<TestRun>(),
        )
    };
    if status != 0 {
        return Err(std::io::Error::last_os_error().into());
    }
    Ok(attr.retval as i32)
}

fn main() -> ExitCode {
    let Some(path) = env::args().nth(1) else {
        eprintln!("usage: loader OBJECT");
        return ExitCode::FAILURE;
    };
    match run(&path) {
        Ok(value) => {
            println!("{value}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let mut source: Option<&dyn Error> = Some(&*error);
            while let Some(reason) = source {
                eprintln!("{reason}");
                source = reason.source();
            }
            ExitCode::FAILURE
        }
    }
}
