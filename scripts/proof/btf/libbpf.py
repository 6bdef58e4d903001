# SPDX-License-Identifier: GPL-2.0
"""Writes BTF with libbpf."""

import ctypes
import os
import struct
from ctypes import POINTER, c_char_p, c_int, c_uint32, c_void_p

from btf import HDR_LEN, Wrong

# Arguments and results of the functions.
FUNCTIONS = {
    "libbpf_set_print": ([c_void_p], c_void_p),
    "btf__new_split": ([c_char_p, c_uint32, c_void_p], c_void_p),
    "btf__new_empty_split": ([c_void_p], c_void_p),
    "btf__endianness": ([c_void_p], c_int),
    "btf__set_endianness": ([c_void_p, c_int], c_int),
    "btf__type_cnt": ([c_void_p], c_uint32),
    "btf__type_by_id": ([c_void_p, c_uint32], c_void_p),
    "btf__add_type": ([c_void_p, c_void_p, c_void_p], c_int),
    "btf__raw_data": ([c_void_p, POINTER(c_uint32)], c_void_p),
    "btf__free": ([c_void_p], None),
}


class Libbpf:
    def __init__(self):
        self.lib = ctypes.CDLL("libbpf.so.1")
        for name, (arguments, result) in FUNCTIONS.items():
            function = getattr(self.lib, name)
            function.argtypes, function.restype = arguments, result
        self.lib.libbpf_set_print(None)

    def check(self, base_blob, blob):
        """Raises an error if BTF differs from the output of libbpf for the same types."""
        old = new = None
        start = 1
        made = []
        try:
            for section, data in (".BTF.base", base_blob), (".BTF", blob):
                old = self.lib.btf__new_split(data, len(data), old)
                if not old:
                    raise Wrong(f"{section}: libbpf cannot read it")
                made.append(old)
                new = self.lib.btf__new_empty_split(new)
                made.append(new)
                self._copy(new, old, start)
                start = self.lib.btf__type_cnt(new)
                written = self._raw(new)
                if written != data:
                    same = len(os.path.commonprefix([written, data]))
                    raise Wrong(
                        f"{section}: behind {same} bytes, libbpf would write {written[same:]!r}, "
                        f"it has {data[same:]!r}"
                    )
        finally:
            for btf in reversed(made):
                self.lib.btf__free(btf)

    def _copy(self, new, old, start):
        self.lib.btf__set_endianness(new, self.lib.btf__endianness(old))
        for number in range(start, self.lib.btf__type_cnt(old)):
            if self.lib.btf__add_type(new, old, self.lib.btf__type_by_id(old, number)) != number:
                raise Wrong(f"libbpf cannot write type {number}")

    def _raw(self, btf):
        size = c_uint32()
        written = ctypes.string_at(self.lib.btf__raw_data(btf, ctypes.byref(size)), size.value)
        order = "<" if written[0] == 0x9F else ">"
        (length,) = struct.unpack_from(order + "I", written, 4)
        # Newer versions have a longer header. The kernel needs none of the new fields.
        head = bytearray(written[:HDR_LEN])
        struct.pack_into(order + "I", head, 4, HDR_LEN)
        return bytes(head) + written[length:]
