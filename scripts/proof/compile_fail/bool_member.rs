// SPDX-License-Identifier: GPL-2.0

kernel::bpf_struct! {
    struct Flag as "bpf_fail_flag" {
        a: bool,
    }
}
//~ the trait bound `bool: zerocopy::FromBytes` is not satisfied
