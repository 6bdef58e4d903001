/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The function in mixed_c.c that mixed.rs calls.
 */

/* Registers the kfuncs in C. Returns 0 or a negative errno. */
int bpf_ns_test_mixed_register(void);
