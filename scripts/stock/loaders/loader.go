// SPDX-License-Identifier: GPL-2.0

// Loads progs/portable_one.bpf.c of the selftests with cilium/ebpf:
//
//	loader FILE HOW    HOW is the value of ns_ident_how
//
// A task in a new pid namespace makes system calls. Prints "kfunc" or "walk", and the identity from the
// program. Fails if the identity differs from stat(2).
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// struct portable_one.
type one struct {
	Target, Calls, HasKfuncs uint32
	Err                      int32
	Dev, Ino, ID             uint64
}

func stat(path string) (*syscall.Stat_t, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return nil, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return &st, nil
}

func run(file string, how uint64) error {
	self, err := stat("/proc/self/ns/pid")
	if err != nil {
		return err
	}
	spec, err := ebpf.LoadCollectionSpec(file)
	if err != nil {
		return err
	}
	if err := spec.Variables["ns_ident_dev"].Set(self.Dev); err != nil {
		return err
	}
	if err := spec.Variables["ns_ident_how"].Set(uint32(how)); err != nil {
		return err
	}
	object, err := ebpf.NewCollection(spec)
	if err != nil {
		return err
	}
	defer object.Close()
	attached, err := link.AttachRawTracepoint(link.RawTracepointOptions{
		Name: "sys_enter", Program: object.Programs["ask_one"]})
	if err != nil {
		return err
	}
	defer attached.Close()

	task := exec.Command("sh", "-c", "while :; do sleep 0.05; done")
	task.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
	if err := task.Start(); err != nil {
		return err
	}
	defer func() {
		task.Process.Kill()
		task.Wait()
	}()
	wanted, err := stat(fmt.Sprintf("/proc/%d/ns/pid", task.Process.Pid))
	if err != nil {
		return err
	}

	shared := object.Maps[".bss"]
	value := one{Target: uint32(task.Process.Pid)}
	raw := &bytes.Buffer{}
	binary.Write(raw, binary.NativeEndian, value)
	if err := shared.Put(uint32(0), raw.Bytes()); err != nil {
		return err
	}
	for value.Calls == 0 {
		time.Sleep(20 * time.Millisecond)
		found, err := shared.LookupBytes(uint32(0))
		if err != nil {
			return err
		}
		if err := binary.Read(bytes.NewReader(found), binary.NativeEndian, &value); err != nil {
			return err
		}
	}
	if value.Err != 0 || value.Dev != wanted.Dev || value.Ino != wanted.Ino {
		return fmt.Errorf("found %d, %d:%d, but stat(2) has %d:%d", value.Err, value.Dev,
			value.Ino, wanted.Dev, wanted.Ino)
	}
	by := "walk"
	if value.HasKfuncs != 0 {
		by = "kfunc"
	}
	fmt.Println(by, value.Dev, value.Ino, value.ID)
	return nil
}

func main() {
	err := errors.New("usage: loader FILE HOW")
	if len(os.Args) == 3 {
		var how uint64
		how, err = strconv.ParseUint(os.Args[2], 10, 32)
		if err == nil {
			err = run(os.Args[1], how)
		}
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%+v\n", err)
		os.Exit(1)
	}
}
