# SPDX-License-Identifier: GPL-2.0
#
# The front door: builds a kernel with the series, boots it, and tests it.

# Working directory of `make vm` and `make shell`, also with `make -C`.
export CALLER_CWD := $(or $(PWD),$(CURDIR))
export TREE := $(if $(TREE),$(abspath $(TREE)))
export FORMAT KERNEL FLAVOUR RELEASE VERSION TOOLS CONFIG RUST LINUX
export MUTANTS OBJECTS CELLS SAVE SERIES SIGNOFF TRAILERS PREFIX FULL TESTS WITHOUT
# The kernel's Makefile rejects an empty ARCH.
ifdef ARCH
export ARCH
endif
# Not expanded: the shell in the VM expands $.
override export RUN := $(value RUN)

RUN_TARGETS := demo test kernel nstop deb kunit selftest selftest-mutants rust-mutants torture \
	       matrix bpf-selftests field clients bench bench-native bench-load bench-build bench-disasm \
	       shell vm stock old-kernels dkms-check deb-check series series-check quilt-check \
	       series-bisect

.PHONY: help clean distclean install uninstall $(RUN_TARGETS)
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:

help:
	@echo 'Targets:'
	@echo '  demo             - boot the distribution'"'"'s kernel in a VM with the module, and count the'
	@echo '                     system calls of containers there'
	@echo '  test             - run all tests; FULL=1: also the slow ones, and KUnit on UML'
	@echo '  kernel           - build a kernel with the series, and the module'
	@echo '  nstop            - build nstop, a top for the system calls and the traffic of namespaces'
	@echo '  deb              - build Debian packages of the module, for dkms, and of nstop'
	@echo '  kunit            - run the KUnit tests, on UML and in the VM'
	@echo '  selftest         - run the selftests in VMs, or those of TESTS= in one VM'
	@echo '  selftest-mutants - check that the tests find deliberate faults (an hour)'
	@echo '  rust-mutants     - check that the KUnit tests of kernel::bpf find faults of cargo-mutants'
	@echo '  torture          - run the long forms of selftests in the VM (up to an hour)'
	@echo '  matrix           - run the tests with all compilers, versions, configurations and'
	@echo '                     architectures (hours)'
	@echo '  bpf-selftests    - run the kernel'"'"'s own tests of the changed code, without and with the'
	@echo '                     series (half an hour)'
	@echo '  field            - test with crun, runc, podman, systemd-nspawn, LXC, CRIU, an agent'
	@echo '                     in Rust, loaders in C, Rust and Go; FULL=1: 1,000 containers'
	@echo '  clients          - call kfuncs through all loaders: libbpf, bpftool, libbpf-rs, aya,'
	@echo '                     cilium/ebpf, bcc, bpftrace; needs cargo and crates.io'
	@echo '  bench            - count the instructions of a call, and the cycles like bench-native'
	@echo '  bench-native     - measure the cycles of a call on the CPU of this machine'
	@echo '  bench-load       - count the instructions to load programs and modules, by function,'
	@echo '                     in the VM'
	@echo '  bench-build      - measure the time from an edit to its result'
	@echo '  bench-disasm     - print the machine code of the kfuncs'
	@echo '  shell            - open a shell in a VM with the distribution'"'"'s kernel'
	@echo '  vm               - run a command in such a VM: make vm RUN="uname -r"'
	@echo '  stock            - run demo and selftests on the distribution'"'"'s unmodified kernel'
	@echo '  old-kernels      - run programs with ns_ident.bpf.h on the kernels of Debian 11 to 13, and on'
	@echo '                     the newest kernel without and with the module'
	@echo '  install          - install the module with dkms, and nstop, on this machine, or upgrade them'
	@echo '  uninstall        - remove the installed module and nstop'
	@echo '  dkms-check       - test install and uninstall with a kernel of the distribution; FULL=1:'
	@echo '                     also prepare its source with dkms'
	@echo '  deb-check        - test the Debian packages: install, upgrade and purge them with apt'
	@echo '  series           - write all series to build/series, or the one of SERIES='
	@echo '  series-check     - run the checks of a maintainer on the patches; FULL=1: also the slow ones'
	@echo '  quilt-check      - build the module in the distribution'"'"'s source with the patches'
	@echo '  series-bisect    - build and run KUnit after each patch (hours), or each of SERIES='
	@echo '  clean            - remove build/'
	@echo '  distclean        - also remove the downloads: toolchain, kernel source, compiler cache'
	@echo
	@echo 'Variables:'
	@echo '  KERNEL=built - demo, shell, vm: use a kernel built with the series'
	@echo '  FLAVOUR=     - demo, shell, vm, stock: use another kernel of the distribution, such as'
	@echo '                 rt-amd64 or cloud-amd64'
	@echo '  TREE=DIR     - use a copy of the kernel source in DIR, not the distribution'"'"'s source'
	@echo '  CONFIG=      - use another configuration, such as kasan or rt+lockdep, see'
	@echo '                 kernel/bpf/ns_ident/*.config; stock: for a kernel without the series'
	@echo '  RUST=newest  - use the newest Rust of the distribution, not the oldest suitable one'
	@echo '  LINUX=7.2    - use another kernel source of the distribution, not 7.3; stock: that kernel'
	@echo '  ARCH=        - kunit: arm64, riscv or s390, in QEMU; test: arm64 or s390'
	@echo '  RELEASE=     - install: for that kernel (uname -r), not the running one'
	@echo '  WITHOUT=nstop - install: only the module'
	@echo '  OBJECTS=     - bench-native: measure these builds of the module (.o or .ko) for the'
	@echo '                 distribution'"'"'s kernel, not the current one'
	@echo '  CELLS=       - matrix: run only these combinations, see scripts/proof/matrix'
	@echo '  SAVE=1       - old-kernels: write the table to README.md'
	@echo '                 clients: write the tables to the documentation'
	@echo '                 bench: write the results to README.md and the documentation, and'
	@echo '                 compare with them from then on'
	@echo '  TOOLS=host   - use the tools of this machine, not a Debian tree'
	@echo '  TESTS=       - selftest, torture, bpf-selftests: run only these, such as'
	@echo '                 TESTS="identity nstop.sh"'
	@echo '  MUTANTS=     - selftest-mutants: try only these of scripts/proof/mutants'
	@echo '  SERIES=      - series, series-bisect: only this one, such as SERIES=ns-ident, see series/order'
	@echo '  FORMAT=quilt - series: also write patches for a distribution'"'"'s source package'
	@echo '  SIGNOFF=1    - series: add the Signed-off-by of the user in git'"'"'s configuration'
	@echo '  TRAILERS=    - series: add these trailers to each patch, separated by ;'
	@echo '  PREFIX=      - series: use this prefix in the subjects, not PATCH: PREFIX="PATCH v2"'

$(RUN_TARGETS):
	@scripts/run $@

install:
	@scripts/stock/install

uninstall:
	@scripts/stock/install --remove

clean:
	@scripts/clean

distclean:
	@scripts/clean --all
