/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _REFERENCES_H
#define _REFERENCES_H

/* More than the number of levels in the test of references.bpf.c. */
#define NR_INOS 8

#endif /* _REFERENCES_H */
