/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _REFERENCES_H
#define _REFERENCES_H

/* What references.bpf.c and its test share: more than levels that a test makes. */
#define NR_INOS 8

#endif /* _REFERENCES_H */
