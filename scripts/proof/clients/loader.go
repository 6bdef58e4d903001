// SPDX-License-Identifier: GPL-2.0

// The same as loader.c with cilium/ebpf:
//
//	loader OBJECT
//	loader --types FILE
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
)

func printTypes(path string) error {
	base, err := btf.LoadKernelSpec()
	if err != nil {
		return err
	}
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	spec, err := btf.LoadSplitSpecFromReader(file, base)
	if err != nil {
		return err
	}
	var found *btf.Struct
	if err := spec.TypeByName("bpf_ns_ident", &found); err != nil {
		return err
	}
	fmt.Println(found.Size)
	return nil
}

func run(path string) error {
	spec, err := ebpf.LoadCollectionSpec(path)
	if err != nil {
		return err
	}
	object, err := ebpf.NewCollection(spec)
	if err != nil {
		return err
	}
	defer object.Close()
	value, err := object.Programs["run"].Run(&ebpf.RunOptions{Data: make([]byte, 64)})
	if err != nil {
		return err
	}
	fmt.Println(int32(value))
	return nil
}

func main() {
	err := errors.New("usage: loader OBJECT | loader --types FILE")
	switch {
	case len(os.Args) == 2:
		err = run(os.Args[1])
	case len(os.Args) == 3 && os.Args[1] == "--types":
		err = printTypes(os.Args[2])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
