# SPDX-License-Identifier: GPL-2.0
"""Copies of a module's BTF with one damage each."""

from btf import DECL_TAG, FUNC, FUNC_PROTO, INT, STRUCT


def first(btf, kind):
    """Returns the first type of a kind, with members or parameters if the kind can have them."""
    return next(of for of in btf.types if of.kind == kind and (kind == INT or of.vlen))


def with_strings(btf, strings):
    """Replaces the strings of BTF, and updates the offset of each name."""
    offsets = {}
    at = btf.first_string
    for string in strings:
        offsets.setdefault(string, at)
        at += len(string) + 1
    for of in btf.types:
        for place, _ in of.names():
            if of.words[place] >= btf.first_string and btf.string(of.words[place]):
                of.words[place] = offsets[btf.string(of.words[place])]
    btf.strings_bytes = "".join(string + "\0" for string in strings).encode()


def damages():
    """Yields the name of a damage, a function that damages both Btf, the expected error, and
    whether libbpf finds it, too. A function that changes the bytes of sections returns them."""

    def inside(_, split):
        first(split, FUNC_PROTO).words[3] += 1

    def behind(_, split):
        first(split, FUNC_PROTO).words[3] = split.end_string

    def inside_base(base, _):
        base.types[0].words[0] += 1

    def unused(_, split):
        split.strings_bytes += b"unused\0"

    def unused_first(_, split):
        with_strings(split, ["unused", *split.strings.values()])

    def twice(_, split):
        last = split.types[-1]
        split.strings_bytes += split.name(last).encode() + b"\0"
        last.words[0] = split.end_string

    def of_base(base, split):
        split.strings_bytes += base.name(base.types[0]).encode() + b"\0"
        first(split, FUNC_PROTO).words[3] = split.end_string

    def order(_, split):
        one, two, *others = split.strings.values()
        with_strings(split, [two, one, *others])

    def empty(_, split):
        split.strings_bytes += b"\0"

    def no_end(_, split):
        split.strings_bytes = split.strings_bytes[:-1]

    def long(base, split):
        return base.blob(), split.blob() + b"\0"

    def short(base, split):
        return base.blob(), split.blob()[:-1]

    def no_header(base, split):
        return base.blob()[:20], split.blob()

    def no_id(_, split):
        first(split, FUNC_PROTO).words[4] = split.end_id

    def later_id(_, split):
        first(split, FUNC_PROTO).words[2] = split.end_id - 1

    def cut_off(_, split):
        del split.types[-1].words[-1]

    def kind(_, split):
        split.types[0].words[1] = 19 << 24

    def int_size(base, _):
        first(base, INT).words[2] = 5

    def struct_size(_, split):
        first(split, STRUCT).words[2] += 8

    def no_name(_, split):
        func = first(split, FUNC)
        unnamed = split.name(func)
        func.words[0] = 0
        with_strings(split, [string for string in split.strings.values() if string != unnamed])

    def no_tag(_, split):
        at = max(i for i, of in enumerate(split.types) if of.kind == DECL_TAG)
        gone = split.types.pop(at)
        for of in split.types[at:]:
            for place, _ in of.ids():
                if of.words[place] > gone.id:
                    of.words[place] -= 1

    def no_program(_, split):
        last = [of for of in split.types if of.kind == FUNC_PROTO and of.vlen > 1][-1]
        last.words[-1] = last.words[4]

    unlike_libbpf = [
        ("name_inside_another", inside, "is not the beginning of a string, but in the middle of"),
        ("name_inside_another_of_base", inside_base, ".BTF.base: type 1 "),
        ("string_that_is_not_used", unused, "'unused' at"),
        ("first_string_that_is_not_used", unused_first, "before 'unused'"),
        ("string_twice", twice, "is there twice"),
        ("string_of_base", of_base, "is in .BTF.base, too"),
        ("strings_in_another_order", order, "is used before"),
        ("empty_string", empty, "is empty"),
    ]
    others = [
        ("name_behind_all_strings", behind, "is not the beginning of a string, but behind"),
        ("string_without_end", no_end, "the last string has no end"),
        ("section_too_long", long, "the section is"),
        ("section_too_short", short, "the section is"),
        ("section_without_header", no_header, "20 bytes are no header"),
        ("id_that_is_not_there", no_id, "there is no type"),
        ("id_of_a_later_type", later_id, "comes behind it"),
        ("type_that_is_cut_off", cut_off, "is cut off"),
        ("kind_that_is_not_used", kind, "is of a kind"),
        ("integer_of_5_bytes", int_size, "5 bytes"),
        ("structure_with_padding", struct_size, "bits of members"),
        ("function_without_name", no_name, "it has no name"),
        ("function_without_tag", no_tag, "has no tag"),
        ("second_prototype_without_program", no_program, "has no tag"),
    ]
    for entry in unlike_libbpf:
        yield *entry, True
    for entry in others:
        yield *entry, False
