# SPDX-License-Identifier: GPL-2.0
"""Parses and checks BTF as rust/kernel/bpf/btf.rs encodes it."""

import struct

HDR_LEN = 24
INT, PTR, STRUCT, CONST, FUNC, FUNC_PROTO, DECL_TAG = 1, 2, 4, 10, 12, 13, 17
# The kinds that rust/kernel/bpf/btf.rs uses: name, words after the type, words for each vlen.
KINDS = {
    INT: ("INT", 1, 0),
    PTR: ("PTR", 0, 0),
    STRUCT: ("STRUCT", 0, 3),
    CONST: ("CONST", 0, 0),
    FUNC: ("FUNC", 0, 0),
    FUNC_PROTO: ("FUNC_PROTO", 0, 2),
    DECL_TAG: ("DECL_TAG", 1, 0),
}
GLOBAL = 1
WHOLE = 0xFFFFFFFF  # the function itself, not a parameter


class Wrong(AssertionError):
    """An error in BTF, and its place."""


def sections(path):
    """Returns the byte order of a module, and its two sections."""
    with open(path, "rb") as file:
        elf = file.read()
    if elf[:5] != b"\x7fELF\x02":
        raise Wrong(f"{path} is not a 64-bit ELF file")
    order = "<" if elf[5] == 1 else ">"
    (start,) = struct.unpack_from(order + "Q", elf, 40)
    size, number, names = struct.unpack_from(order + "HHH", elf, 58)
    headers = [
        struct.unpack_from(order + "II4Q", elf, start + i * size) for i in range(number)
    ]
    found = {}
    for header in headers:
        name = elf[headers[names][4] + header[0] :].split(b"\0", 1)[0].decode()
        found[name] = elf[header[4] : header[4] + header[5]]
    for name in ".BTF.base", ".BTF":
        if not found.get(name):
            raise Wrong(f"{path} has no section {name}")
    return order, found[".BTF.base"], found[".BTF"]


class Type:
    """A struct btf_type and the data after it, at offset `at` of the types, as a list of words."""

    def __init__(self, number, at, words):
        self.id, self.at, self.words = number, at, words
        self.kind = words[1] >> 24 & 0x1F
        self.vlen = words[1] & 0xFFFF

    def __str__(self):
        return f"type {self.id} ({KINDS[self.kind][0]})"

    def parts(self):
        """Returns the words of each member or parameter."""
        size = KINDS[self.kind][2]
        return [self.words[3 + i * size : 3 + (i + 1) * size] for i in range(self.vlen)]

    def names(self):
        """Yields the places of name offsets, in words and in order, with a description."""
        yield 0, "name"
        part = "member" if self.kind == STRUCT else "parameter"
        for i in range(self.vlen if KINDS[self.kind][2] else 0):
            yield 3 + i * KINDS[self.kind][2], f"name of {part} {i}"

    def ids(self):
        """Yields the same for ids of other types."""
        if self.kind not in (INT, STRUCT):
            yield 2, "type"
        for i in range(self.vlen if KINDS[self.kind][2] else 0):
            yield 4 + i * KINDS[self.kind][2], f"type of {i}"


class Btf:
    """The types and strings of a section, after those of a base."""

    def __init__(self, order, blob, section, base=None):
        self.order, self.section, self.base = order, section, base
        self.first_id = base.end_id if base else 1
        self.first_string = base.end_string if base else 0
        self._split(blob)
        self._read_strings()
        self._read_types()

    def wrong(self, part):
        return Wrong(f"{self.section}: {part}")

    def _split(self, blob):
        if len(blob) < HDR_LEN:
            raise self.wrong(f"{len(blob)} bytes are no header")
        head = struct.unpack_from(self.order + "HBB5I", blob)
        magic, version, flags, hdr_len, type_off, type_len, str_off, str_len = head
        if (magic, version, flags, hdr_len) != (0xEB9F, 1, 0, HDR_LEN):
            raise self.wrong(f"magic, version, flags or header length: {head[:4]}")
        if type_off or str_off != type_len:
            raise self.wrong("there is a gap between header, types and strings, or an overlap")
        if hdr_len + type_len + str_len != len(blob):
            raise self.wrong(
                f"header, types and strings are {hdr_len + type_len + str_len} bytes, "
                f"the section is {len(blob)}"
            )
        if type_len % 4:
            raise self.wrong(f"{type_len} bytes of types are no number of words")
        self.types_bytes = blob[HDR_LEN : HDR_LEN + type_len]
        self.strings_bytes = blob[HDR_LEN + type_len :]

    def _read_strings(self):
        if self.strings_bytes[-1:] != b"\0":
            raise self.wrong("the last string has no end")
        # Strings by offset.
        self.strings = {}
        at = self.first_string
        for string in self.strings_bytes[:-1].split(b"\0"):
            self.strings[at] = string.decode("ascii", "backslashreplace")
            at += len(string) + 1
        self.end_string = at

    def _read_types(self):
        words = struct.unpack(f"{self.order}{len(self.types_bytes) // 4}I", self.types_bytes)
        self.types = []
        at = 0
        while at < len(words):
            number = self.first_id + len(self.types)
            if at + 3 > len(words):
                raise self.wrong(f"type {number} is cut off")
            kind = words[at + 1] >> 24 & 0x1F
            if kind not in KINDS:
                raise self.wrong(f"type {number} is of a kind that should not be here: {kind}")
            _, fixed, each = KINDS[kind]
            end = at + 3 + fixed + each * (words[at + 1] & 0xFFFF)
            if end > len(words):
                raise self.wrong(f"type {number} is cut off")
            self.types.append(Type(number, at, list(words[at:end])))
            at = end
        if not self.types:
            raise self.wrong("there are no types")
        self.end_id = self.first_id + len(self.types)

    def type(self, number):
        """Returns the type of an id, or None for void."""
        if number == 0:
            return None
        if number < self.first_id:
            return self.base.type(number)
        return self.types[number - self.first_id]

    def string(self, offset):
        """Returns the string at an offset, or None if no string begins there."""
        if self.base and offset < self.first_string:
            return self.base.string(offset)
        return self.strings.get(offset)

    def inside(self, offset):
        """Returns the string that has the offset in its middle, if any."""
        if self.base and offset < self.first_string:
            return self.base.inside(offset)
        for at, string in self.strings.items():
            if at < offset <= at + len(string):
                return string
        return None

    def name(self, of):
        return self.string(of.words[0])

    def blob(self):
        """Encodes the section again, after changes."""
        words = [word for of in self.types for word in of.words]
        types = struct.pack(f"{self.order}{len(words)}I", *words)
        head = (0xEB9F, 1, 0, HDR_LEN, 0, len(types), len(types), len(self.strings_bytes))
        return struct.pack(self.order + "HBB5I", *head) + types + self.strings_bytes


def check_strings(btf):
    """Checks that names and strings match one to one, in the order of the types."""
    seen = {}
    for offset, string in btf.strings.items():
        if not string and offset:
            raise btf.wrong(f"the string at {offset} is empty")
        if string in seen:
            raise btf.wrong(f"'{string}' is there twice, at {seen[string]} and at {offset}")
        if btf.base and string in btf.base.strings.values():
            raise btf.wrong(f"'{string}' at {offset} is in {btf.base.section}, too")
        seen[string] = offset
    if not btf.base and btf.strings.get(0) != "":
        raise btf.wrong("the first string is not empty")

    expected = iter([offset for offset, string in btf.strings.items() if string])
    used = set()
    for of in btf.types:
        for place, part in of.names():
            offset = of.words[place]
            if btf.string(offset) is None:
                inside = btf.inside(offset)
                raise btf.wrong(
                    f"{of}, {part}: offset {offset} is not the beginning of a string, but "
                    + (f"in the middle of '{inside}'" if inside else "behind all of them")
                )
            if offset == 0 or offset < btf.first_string or offset in used:
                continue
            used.add(offset)
            wanted = next(expected)
            if offset != wanted:
                raise btf.wrong(
                    f"{of}, {part}: '{btf.string(offset)}' is used before "
                    f"'{btf.string(wanted)}', which is in front of it, or is not used at all"
                )
    for offset in expected:
        raise btf.wrong(f"'{btf.string(offset)}' at {offset} is not used")


def check_type(btf, of):
    """Checks that a type has only the data of its kind."""

    def must(condition, part):
        if not condition:
            raise btf.wrong(f"{of}: {part}")

    must(not of.words[1] & 0xE0FF0000, f"info {of.words[1]:#x} has bits that mean nothing here")
    must(btf.name(of) or of.kind in (PTR, CONST, FUNC_PROTO), "it has no name")
    must(not btf.name(of) or of.kind not in (PTR, CONST, FUNC_PROTO), "it has a name")
    must(not of.vlen or of.kind in (STRUCT, FUNC, FUNC_PROTO), f"vlen is {of.vlen}")
    for place, part in of.ids():
        number = of.words[place]
        must(number < btf.end_id, f"{part}: there is no type {number}, but {btf.end_id - 1} of them")
        must(number < of.id, f"{part}: type {number} comes behind it")
    for place, part in of.names():
        must(place == 0 or btf.string(of.words[place]), f"there is no {part}")
    if of.kind == INT:
        size, data = of.words[2:]
        must(size in (1, 2, 4, 8), f"{size} bytes")
        must(data & 0xF0FFFFFF == size * 8, f"{data & 0xFF} bits from {data >> 16 & 0xFF}")
        must(data >> 24 in (0, 1, 4), f"encoding {data >> 24}")
    elif of.kind == STRUCT:
        at = 0
        for _, number, offset in of.parts():
            must(offset == at, f"a member is at bit {offset}, not at {at}")
            member = btf.type(number)
            must(member and member.kind in (INT, STRUCT, PTR), f"a member is of type {number}")
            at = offset + (64 if member.kind == PTR else member.words[2] * 8)
        must(at == of.words[2] * 8 or not btf.base, f"{of.words[2]} bytes, and {at} bits of members")
    elif of.kind == FUNC:
        proto = btf.type(of.words[2])
        must(proto and proto.kind == FUNC_PROTO, "its type is no FUNC_PROTO")
        must(of.vlen == GLOBAL, "it is not global")
    elif of.kind == DECL_TAG:
        func = btf.type(of.words[2])
        must(func and func.kind == FUNC, "it is not of a FUNC")
        must(of.words[3] == WHOLE, f"it is of parameter {of.words[3]}")
        must(btf.name(of) == "bpf_kfunc", f"it is '{btf.name(of)}'")


def has_program(split, proto, short):
    """Returns whether a prototype has a program after the parameters of a shorter one."""
    words = proto.words[:1] + proto.words[2:-2]
    _, last = proto.words[-2:]
    pointer = split.type(last)
    return (words == short.words[:1] + short.words[2:] and proto.vlen == short.vlen + 1
            and pointer.kind == PTR
            and split.name(split.type(pointer.words[2])) == "bpf_prog_aux")


def check(order, base_blob, blob):
    """Raises an error in the BTF of a module."""
    base = Btf(order, base_blob, ".BTF.base")
    split = Btf(order, blob, ".BTF", base)
    for btf in base, split:
        check_strings(btf)
        for of in btf.types:
            check_type(btf, of)
    for of in base.types:
        # btf_relocate() looks up these in vmlinux.
        if of.kind not in (INT, STRUCT) or of.vlen:
            raise base.wrong(f"{of}: it is not one that vmlinux is asked for")
    tagged = [of.words[2] for of in split.types if of.kind == DECL_TAG]
    funcs = [of.id for of in split.types if of.kind == FUNC]
    if not tagged or tagged != funcs[: len(tagged)]:
        raise split.wrong(f"functions are {funcs}, those with a tag {tagged}")
    # Programs do not call destructors, which take a pointer and return nothing. The verifier finds
    # the prototype of a kfunc that gets the program as another argument, by its name.
    kfuncs = {split.name(split.type(number)): split.type(number) for number in tagged}
    for number in funcs[len(tagged) :]:
        func = split.type(number)
        proto = split.type(func.words[2])
        kfunc = kfuncs.get(split.name(func).removesuffix("_impl"))
        if kfunc and has_program(split, proto, split.type(kfunc.words[2])):
            continue
        if proto.words[2] or proto.vlen != 1:
            raise split.wrong(f"function {number} has no tag, and is no destructor")
    names = [split.name(split.type(number)) for number in funcs]
    if len(set(names)) != len(names):
        raise split.wrong("two functions have the same name")
