// SPDX-License-Identifier: GPL-2.0
//! The same as loader.c with libbpf-rs: `loader OBJECT`.

use std::{env, error::Error, process::ExitCode};

use libbpf_rs::{ObjectBuilder, ProgramInput};

fn run(path: &str) -> Result<i32, Box<dyn Error>> {
    let object = ObjectBuilder::default().open_file(path)?.load()?;
    let program = object.progs_mut().next().ok_or("there is no program")?;
    let data = [0u8; 64];
    let mut input = ProgramInput::default();
    input.data_in = Some(&data);
    Ok(program.test_run(input)?.return_value as i32)
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
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
