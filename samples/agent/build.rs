// SPDX-License-Identifier: GPL-2.0
//! Compiles the BPF programs. CLANG and BPFTOOL set the tools, VMLINUX_BTF sets the kernel, which is
//! the running one by default.

use std::{env, fs, path::Path, process::Command};

/// The directory of ns_ident.bpf.h.
const NS_IDENT: &str = "../../tools/bpf/ns_ident";

fn var(name: &str, default: &str) -> String {
    println!("cargo:rerun-if-env-changed={name}");
    env::var(name).unwrap_or_else(|_| default.to_string())
}

fn run(command: &mut Command) -> Vec<u8> {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

fn main() {
    let out = env::var("OUT_DIR").unwrap();
    let vmlinux = var("VMLINUX_BTF", "/sys/kernel/btf/vmlinux");
    let mut dump = Command::new(var("BPFTOOL", "bpftool"));
    let header = run(dump.args(["btf", "dump", "file", &vmlinux, "format", "c"]));

    fs::write(Path::new(&out).join("vmlinux.h"), header).unwrap();
    for name in ["agent", "snapshot", "view"] {
        let source = format!("{name}.bpf.c");
        run(Command::new(var("CLANG", "clang"))
            .args(["-g", "-O2", "-Wall", "-mcpu=v3", "--target=bpf"])
            .args(["-fms-extensions", "-Wno-microsoft-anon-tag"])
            .arg("-D__TARGET_ARCH_x86")
            .args(["-I", &out, "-I", NS_IDENT, "-c", &source, "-o"])
            .arg(Path::new(&out).join(format!("{name}.bpf.o"))));
        println!("cargo:rerun-if-changed={source}");
    }
    let header = format!("{NS_IDENT}/ns_ident.bpf.h");
    for file in ["agent.h", "event.bpf.h", "view.h", &header, &vmlinux] {
        println!("cargo:rerun-if-changed={file}");
    }
}
