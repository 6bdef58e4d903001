/* SPDX-License-Identifier: GPL-2.0 */
/* What programs return that look whether something is there. */
#ifndef OTHERS_H
#define OTHERS_H

#define THERE	1
#define ABSENT	2

#endif /* OTHERS_H */
