// SPDX-License-Identifier: GPL-2.0

// Loads BPF programs with cilium/ebpf:
//
//	loader object FILE         loads those of samples/agent or own.bpf.c, and prints a line for each
//	                           execve(2), as loader.c does, until stdin ends
//	loader program FILE NAME   loads and runs one program, and prints its result, and for a syscall
//	                           program the identity in its context
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"
)

type ident struct{ Dev, Ino, ID uint64 }

// The beginning of struct event in agent.h.
type event struct {
	What, Status uint32
	PidTgid      uint64
	Inside       int64
	Ns           [8]ident
}

const (
	exec    = 0
	pidType = 4
)

func attach(prog *ebpf.Program) (link.Link, error) {
	if prog.Type() == ebpf.LSM {
		return link.AttachLSM(link.LSMOptions{Program: prog})
	}
	return link.AttachTracing(link.TracingOptions{Program: prog})
}

func printEvents(events *ringbuf.Reader) error {
	for {
		record, err := events.Read()
		if errors.Is(err, ringbuf.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		var e event
		if err := binary.Read(bytes.NewReader(record.RawSample), binary.NativeEndian, &e); err != nil {
			return err
		}
		if e.What == exec {
			ns := e.Ns[pidType]
			fmt.Println(e.PidTgid>>32, ns.Dev, ns.Ino, ns.ID)
		}
	}
}

func runObject(file string) error {
	object, err := ebpf.LoadCollection(file)
	if err != nil {
		return err
	}
	defer object.Close()
	for name, prog := range object.Programs {
		attached, err := attach(prog)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer attached.Close()
	}
	events, err := ringbuf.NewReader(object.Maps["events"])
	if err != nil {
		return err
	}
	fmt.Println("started")
	go func() {
		io.Copy(io.Discard, os.Stdin)
		events.Close()
	}()
	return printEvents(events)
}

func runProgram(file, name string) error {
	spec, err := ebpf.LoadCollectionSpec(file)
	if err != nil {
		return err
	}
	for other := range spec.Programs {
		if other != name {
			delete(spec.Programs, other)
		}
	}
	object, err := ebpf.NewCollection(spec)
	if err != nil {
		return err
	}
	defer object.Close()
	prog := object.Programs[name]
	context := make([]byte, binary.Size(ident{}))
	options := ebpf.RunOptions{Context: context, ContextOut: context}
	if prog.Type() == ebpf.SchedCLS {
		options = ebpf.RunOptions{Data: make([]byte, 64)}
	}
	value, err := prog.Run(&options)
	if err != nil {
		return err
	}
	var ns ident
	if err := binary.Read(bytes.NewReader(context), binary.NativeEndian, &ns); err != nil {
		return err
	}
	fmt.Println(value, ns.Dev, ns.Ino, ns.ID)
	return nil
}

func main() {
	err := errors.New("usage: loader object FILE | loader program FILE NAME")
	switch {
	case len(os.Args) == 3 && os.Args[1] == "object":
		err = runObject(os.Args[2])
	case len(os.Args) == 4 && os.Args[1] == "program":
		err = runProgram(os.Args[2], os.Args[3])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
