/* SPDX-License-Identifier: GPL-2.0 */
/* Results of programs that check whether a kfunc or a type exists. */
#ifndef OTHERS_H
#define OTHERS_H

#define THERE	1
#define ABSENT	2

#endif /* OTHERS_H */
