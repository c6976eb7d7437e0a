#!/usr/bin/env python3
"""Each rule of check_tree.py fails on the file that breaks it, and names file and line."""
import pathlib
import tempfile
import unittest

from check_tree import MAX_COLUMNS, MAX_LINES, WORD, check_tree

ANY = "catch (" + "...)"


class Rules(unittest.TestCase):
    def messages(self, path, text):
        with tempfile.TemporaryDirectory() as root:
            file = pathlib.Path(root) / path
            file.parent.mkdir(parents=True)
            file.write_text(text, encoding="utf-8")
            return check_tree(root)

    def breaks(self, rule, path, text, line=2):
        messages = self.messages(path, text)
        self.assertEqual(len(messages), 1, messages)
        self.assertTrue(messages[0].startswith(f"{path}:{line}: [{rule}] "), messages)

    def keeps(self, path, text):
        self.assertEqual(self.messages(path, text), [])

    def test_ranks(self):
        self.breaks("rank", "host/data/a.cpp", '// a\n#include "sluice/model/spec.hpp"\n')
        self.breaks("rank", "host/model/a.cpp", '// a\n#include "sluice/data/table.hpp"\n')
        self.breaks("rank", "include/sluice/base/a.hpp", '// a\n#include "sluice/run/config.hpp"\n')
        self.breaks("rank", "host/engine/a.cpp", '// a\n#include "run/config/keys.hpp"\n')
        self.breaks("rank", "host/run/a.cpp", '// a\n#include "sluice/sluice.hpp"\n')
        self.breaks("rank", "host/run/a.cpp", '// a\n#include "../data/files.hpp"\n')
        self.breaks("rank", "host/other/a.cpp", '// a\n#include "sluice/base/error.hpp"\n')
        self.keeps("host/engine/a.cpp", '#include "sluice/data/table.hpp"\n#include "engine/b.hpp"\n'
                                        '#include "sluice/model/spec.hpp"\n#include <fmt/core.h>\n')
        self.keeps("host/run/a.cpp", '#include "engine_setup.hpp"\n')
        self.keeps("host/app/main.cpp", '#include "sluice/sluice.hpp"\n#include "run/a.hpp"\n')
        self.keeps("include/sluice/sluice.hpp", '#include "sluice/run/config.hpp"\n')

    def test_rooms(self):
        self.breaks("rooms", "host/engine/fused/a.cpp", '// a\n#include "engine/cpu/head.hpp"\n')
        self.breaks("rooms", "host/engine/fused/a.cpp", '// a\n#include "engine/onednn/plan.hpp"\n')
        self.breaks("rooms", "host/engine/recurrence.cpp", '// a\n#include "engine/shared/slices.hpp"\n')
        self.breaks("rooms", "host/engine/attic/a.cpp", '// a\n#include "engine/shared/slices.hpp"\n')
        self.breaks("rooms", "host/data/table/a.cpp", '// a\n#include "data/catalog/build.hpp"\n')
        self.breaks("rooms", "cuda/recurrence/gemm/a.cu", '// a\n#include "recurrence/cudnn/rnn.hpp"\n')
        self.keeps("host/engine/cpu/a.cpp", '#include "engine/fused/recurrence.hpp"\n#include "engine/recurrence.hpp"\n'
                                            '#include "engine/cpu/head.hpp"\n')
        self.keeps("cuda/recurrence/selection.cpp", '#include "recurrence/cudnn/recurrence.hpp"\n')
        self.keeps("cuda/engine/a.cu", '#include "recurrence/shared/cast.hpp"\n#include "engine/shared/slices.hpp"\n')

    def test_families(self):
        def messages(*names):
            with tempfile.TemporaryDirectory() as root:
                folder = pathlib.Path(root) / "cuda" / "engine"
                folder.mkdir(parents=True)
                for name in names:
                    (folder / name).write_text("", encoding="utf-8")
                return check_tree(root)
        found = messages("mma_a.cu", "mma_b.cu", "mma_c.hpp", "mma_c.cpp", "mma.cu")
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith("cuda/engine/mma*:1: [family] 4 files"), found)
        self.assertEqual(messages("mma_a.cu", "mma_b.cu", "mma_c.hpp", "mma_c.cpp", "mmap.cu"), [])

    def test_cuda(self):
        for name in ("<cuda_runtime.h>", "<cublas_v2.h>", "<cudnn.h>", "<cuda/std/span>", '"cuda/a.hpp"'):
            self.breaks("cuda", "host/engine/a.cpp", f"// a\n#include {name}\n")
            self.breaks("cuda", "include/sluice/engine/a.hpp", f"// a\n#include {name}\n")

    def test_device(self):
        for line in ("kernel<<<1, 2>>>();", "__shared__ float a[4];", 'asm("nop;");',
                     "#include <cub/cub.cuh>", "#include <thrust/sort.h>", "#include <cudnn.h>", "#include <nccl.h>",
                     "atomicAdd(&a, 1.0f);", "#include <fmt/core.h>"):
            self.breaks("device", "cuda/engine/a.cu", f"// a\n{line}\n")
        self.keeps("cuda/base/launch.cuh", "extern __shared__ float a[];\nkernel<<<1, 2>>>();\n")
        self.keeps("cuda/base/ptx.cuh", 'asm("nop;");\n')
        self.keeps("cuda/engine/reduce.cu", "#include <cub/cub.cuh>\n")
        self.keeps("cuda/recurrence/cudnn/recurrence.cpp", "#include <cudnn.h>\n#include <fmt/core.h>\n")
        self.keeps("cuda/base/nccl/library.cpp", "#include <nccl.h>\n")
        self.keeps("cuda/engine/a.cu", "// no <<< here\n")

    def test_public(self):
        for name in ("<fmt/core.h>", "<unistd.h>", "<arrow/api.h>", '"run/config/keys.hpp"'):
            self.breaks("public", "include/sluice/run/a.hpp", f"// a\n#include {name}\n")
        self.keeps("include/sluice/run/a.hpp", "#include <cstdint>\n#include <string_view>\n")

    def test_condition(self):
        for line in ("#if 1", "# ifdef A", "#ifndef A", "#define A 1"):
            self.breaks("condition", "host/base/a.cpp", f"// a\n{line}\n")
        self.keeps("host/base/a.hpp", "#ifndef A_HPP\n#define A_HPP\n#endif\n")
        self.keeps("include/sluice/base/host_device.hpp", "#ifdef A\n#define B\n#endif\n")
        self.keeps("benchmarks/a.cpp", "#ifdef A\n#endif\n")
        highway = '#define HWY_TARGET_INCLUDE "engine/a_hwy.cpp"\n#if HWY_ONCE\n#endif\n'
        self.keeps("host/engine/a_hwy.cpp", highway)
        self.assertEqual(len(self.messages("host/engine/a.cpp", highway)), 2)
        self.breaks("condition", "host/engine/a_hwy.cpp", "// a\n#if HWY_TARGET == HWY_AVX2\n")
        self.breaks("condition", "host/engine/a_hwy.cpp", "// a\n#define HWY_DISABLED_TARGETS 1\n")

    def test_c_headers(self):
        header = "include/sluice/c_api.h"
        self.keeps(header, '#ifndef A_H\n#define SLUICE_ONE 1\n#ifdef __cplusplus\n#endif\n#endif\n'
                   '#include <stdint.h>\n#include "sluice/arrow_c.h"\n')
        for name in ("<cstdint>", "<arrow/c/abi.h>", '"sluice/base/error.hpp"'):
            self.breaks("public", header, f"/* a */\n#include {name}\n")
        for line in ("#if 1", "#ifdef _WIN32", "#define OTHER 1"):
            self.breaks("condition", header, f"/* a */\n{line}\n")
        self.breaks("public", "host/run/a.cpp", '// a\n#include "sluice/c_api.h"\n')
        self.keeps("host/api/a.cpp", '#include "sluice/c_api.h"\n')
        self.keeps("host/data/table/a.cpp", '#include "sluice/arrow_c.h"\n')

    def test_tests(self):
        self.breaks("tests", "benchmarks/a.cpp", '// a\n#include "../tests/support/a.hpp"\n')
        self.keeps("tests/run/a.cpp", '#include "tests/support/a.hpp"\n')

    def test_size(self):
        self.breaks("size", "host/base/a.cpp", "\n" * (MAX_LINES + 1), MAX_LINES + 1)
        self.breaks("size", "python/sluice/a.py", "#" * (MAX_COLUMNS + 1) + "\n", 1)
        self.keeps("python/sluice/a.py", "#" * MAX_COLUMNS + "\n")
        self.keeps("host/base/a.cpp", "\n" * MAX_LINES)

    def test_todo(self):
        self.breaks("todo", "tests/base/a.cpp", f"// a\n// {WORD}: later\n")
        self.keeps("tests/base/a.cpp", f"// {WORD}(#12): later\n")

    def test_catch(self):
        self.breaks("catch", "host/base/a.cpp", f"try {{\n}} {ANY} {{\n")


if __name__ == "__main__":
    unittest.main()
