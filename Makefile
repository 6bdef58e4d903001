# SPDX-License-Identifier: GPL-2.0
#
# The front door: builds a kernel with the series, boots it, and tests it.

# Where `make vm` and `make shell` are to be: not where `make -C` went.
export CALLER_CWD := $(or $(PWD),$(CURDIR))
export TREE := $(if $(TREE),$(abspath $(TREE)))
export FORMAT KERNEL FLAVOUR RELEASE VERSION TOOLS CONFIG RUST LINUX
export MUTANTS OBJECTS CELLS SAVE SIGNOFF TRAILERS PREFIX FULL TESTS
# An empty one would be none of those that the kernel's own Makefile knows.
ifdef ARCH
export ARCH
endif
# As it is: its dollars are for the shell in the VM.
override export RUN := $(value RUN)

RUN_TARGETS := demo test kernel kunit selftest selftest-mutants torture matrix bpf-selftests field \
	       bench bench-native bench-load bench-build bench-disasm shell vm stock dkms-check series \
	       series-check quilt-check series-bisect

.PHONY: help clean distclean install uninstall $(RUN_TARGETS)
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:

help:
	@echo 'Targets:'
	@echo '  demo             - boot the kernel of the distribution in a VM, load the module there,'
	@echo '                     show whose system calls are whose'
	@echo '  test             - run all tests; FULL=1: also what takes long, and KUnit on UML'
	@echo '  kernel           - build a kernel with the series and the module'
	@echo '  kunit            - run the KUnit tests, on UML and in the VM'
	@echo '  selftest         - run the selftests in VMs, or those of TESTS= in one'
	@echo '  selftest-mutants - show that the tests find faults (takes ten minutes)'
	@echo '  torture          - run the long forms of selftests in the VM (takes up to an hour)'
	@echo '  matrix           - run the tests with all compilers, versions, kinds of kernels and'
	@echo '                     architectures that there are, one after the other (takes hours)'
	@echo '  bpf-selftests    - run those of the kernel'"'"'s own that this could be in the way of, without'
	@echo '                     the series and with it (takes half an hour)'
	@echo '  field            - show the module with crun, runc, podman, systemd-nspawn, iproute2, CRIU,'
	@echo '                     an agent in Rust, loaders in C, Rust and Go; FULL=1: 1,000 containers'
	@echo '  bench            - count the instructions of a call, and CPU cycles as bench-native does'
	@echo '  bench-native     - measure how many cycles of the CPU of this machine a call takes'
	@echo '  bench-load       - count the instructions that loading programs and modules takes, by'
	@echo '                     function, in the VM'
	@echo '  bench-build      - measure how long it takes from an edit to its result'
	@echo '  bench-disasm     - show the machine code of the kfuncs'
	@echo '  shell            - give a shell in a VM with the kernel of the distribution'
	@echo '  vm               - run a command in such a VM: make vm RUN="uname -r"'
	@echo '  stock            - run demo and selftests on the kernel of the distribution, as it is'
	@echo '  install          - install the module on this machine, by dkms, or upgrade it'
	@echo '  uninstall        - undo that'
	@echo '  dkms-check       - test install and uninstall, with a kernel of the distribution; FULL=1:'
	@echo '                     prepare its source by dkms, too'
	@echo '  series           - write the series as patches to build/series'
	@echo '  series-check     - check the patches as those who get them do; FULL=1: also what takes long'
	@echo '  quilt-check      - build the module in the source of the distribution, with the patches'
	@echo '  series-bisect    - build and run KUnit after each patch (takes an hour)'
	@echo '  clean            - remove what was built here'
	@echo '  distclean        - remove what was fetched, too: toolchain, kernel source, compiler cache'
	@echo
	@echo 'Variables:'
	@echo '  KERNEL=built - demo, shell, vm: on a kernel that is built with the series'
	@echo '  FLAVOUR=     - demo, shell, vm, stock: on another kernel of the distribution, as rt-amd64,'
	@echo '                 cloud-amd64'
	@echo '  TREE=DIR     - take the kernel source from a copy of DIR, not from the distribution'
	@echo '  CONFIG=      - with a kernel that looks for faults, see kernel/bpf/ns_ident/*.config'
	@echo '  RUST=newest  - with the newest Rust of the distribution, not with its oldest that will do'
	@echo '  LINUX=7.2    - take another kernel source of the distribution than 7.3'
	@echo '  ARCH=        - kunit: on arm64, riscv or s390, in QEMU; test: on arm64 or s390'
	@echo '  RELEASE=     - install: for another kernel than the one that runs, as uname -r names it'
	@echo '  OBJECTS=     - bench-native: of these builds of the module for the kernel of the'
	@echo '                 distribution (.o or .ko), not of the current one'
	@echo '  CELLS=       - which ones of make matrix, all by default: see scripts/matrix'
	@echo '  SAVE=1       - bench: put the result into README.md and the document, and compare with it'
	@echo '  TOOLS=host   - build and run with the tools of this machine, not in a Debian tree'
	@echo '  TESTS=       - selftest: which ones, as TESTS="identity nstop.sh"'
	@echo '  MUTANTS=     - which ones of scripts/mutants to try, all by default'
	@echo '  FORMAT=quilt - series: also as patches for the source package of a distribution'
	@echo '  SIGNOFF=1    - sign off the patches of make series, as git knows you'
	@echo '  TRAILERS=    - trailers of each of them, with ; in between'
	@echo '  PREFIX=      - in their subjects, in place of PATCH'

$(RUN_TARGETS):
	@scripts/run $@

install:
	@scripts/install

uninstall:
	@scripts/install --remove

clean:
	@scripts/clean

distclean:
	@scripts/clean --all
