"""The interpreter of SASS: what is taken for granted when a row of docs/kernels.md is believed."""

import math
import unittest

import model_path  # noqa: F401
from kernel_model import machine, sass
from kernel_model.operations.operands import to_bits, to_float


def program(*lines):
    """Instructions at 0x00, 0x10, ..."""
    return [sass.parse_instruction(f"        /*{16 * i:04x}*/                   {line} ;  /* 0x0 */")
            for i, line in enumerate(lines)]


class Case(unittest.TestCase):
    def setUp(self):
        self.constants, self.memory, self.shared = machine.Constants(), machine.Memory(), machine.Memory()

    def run_lines(self, *lines, most=10000, trace=False, **registers):
        self.thread = machine.Thread(self.constants, self.memory, self.shared, {"SR_TID.X": 5})
        for name, value in registers.items():
            self.thread.r[int(name[1:])] = value
        return machine.walk(machine.Program(program(*lines, "EXIT")), self.thread, most=most, trace=trace)

    def result(self, line, register=0, **registers):
        self.run_lines(line, **registers)
        return self.thread.r[register]


class Integers(Case):
    def test_multiply_add_and_its_wide_and_high_forms(self):
        self.assertEqual(self.result("IMAD R0, R1, 0x7, R2", R1=6, R2=1), 43)
        self.assertEqual(self.result("IMAD.IADD R0, R1, 0x1, -R2", R1=6, R2=7), 0xFFFFFFFF)
        self.run_lines("IMAD.WIDE R0, R2, 0x10, R4", R2=0xFFFFFFFF, R4=0x100, R5=1)
        self.assertEqual((self.thread.r[0], self.thread.r[1]), (0xF0, 1))
        self.assertEqual(self.result("IMAD.HI.U32 R0, R1, R2, RZ", R1=1 << 31, R2=6), 3)

    def test_a_difference_of_64_bits_borrows_by_its_carry(self):
        self.run_lines("IADD3 R0, P1, -R2, R4, RZ", "IADD3.X R1, ~R3, R5, RZ, P1, !PT", R2=1, R3=0, R4=0, R5=2)
        self.assertEqual((self.thread.r[0], self.thread.r[1]), (0xFFFFFFFF, 1))
        self.run_lines("IADD3 R0, P1, -R2, R4, RZ", "IADD3.X R1, ~R3, R5, RZ, P1, !PT", R2=0, R3=0, R4=7, R5=2)
        self.assertEqual((self.thread.r[0], self.thread.r[1]), (7, 2))

    def test_an_address_of_64_bits_by_shift_and_add(self):
        self.run_lines("LEA R0, P0, R2, UR4, 0x2", "LEA.HI.X R1, R2, UR5, R3, 0x2, P0", R2=0xC0000000, R3=1, R260=4, R261=9)
        self.assertEqual(self.thread.r[0] | self.thread.r[1] << 32, (0x1C0000000 << 2) + (9 << 32 | 4))
        self.assertEqual(self.result("LEA.HI R0, R1, R2, RZ, 0x5", R1=0xF8000000, R2=1), 32)
        self.assertEqual(self.result("LEA.HI R0, R1, R2, RZ, 0x10", R1=0xABCD1234, R2=1), 0xABCE)

    def test_shifts_logic_and_selection(self):
        self.assertEqual(self.result("SHF.R.S32.HI R0, RZ, 0x1f, R1", R1=0x80000000), 0xFFFFFFFF)
        self.assertEqual(self.result("SHF.L.U64.HI R0, R1, 0x2, R2", R1=0xC0000000, R2=1), 7)
        self.assertEqual(self.result("LOP3.LUT R0, R1, 0xf0, RZ, 0xc0, !PT", R1=0x3C), 0x30)
        self.assertEqual(self.result("LOP3.LUT R0, RZ, R1, RZ, 0x33, !PT", R1=1), 0xFFFFFFFE)
        self.assertEqual(self.result("PRMT R0, R1, 0x1054, R2", R1=0x44332211, R2=0x88776655), 0x22116655)
        self.assertEqual(self.result("VIMNMX R0, R1, 0x5, !PT", R1=0xFFFFFFFF), 5)

    def test_a_division_as_the_compiler_writes_it(self):
        for numerator, denominator in ((23, 4), (64, 8), (7, 9), (2047, 3)):
            self.run_lines(
                "I2F.RP R5, R1", "MUFU.RCP R5, R5", "VIADD R6, R5, 0xffffffe", "F2I.FTZ.U32.TRUNC.NTZ R7, R6",
                "IMAD.MOV.U32 R6, RZ, RZ, RZ", "IMAD.MOV R8, RZ, RZ, -R7", "IMAD R9, R8, R1, RZ",
                "IMAD.HI.U32 R7, R7, R9, R6", "IMAD.HI.U32 R3, R7, R2, RZ", "IMAD.MOV R8, RZ, RZ, -R3",
                "IMAD R4, R1, R8, R2", "ISETP.GT.U32.AND P0, PT, R1, R4, PT", "@!P0 IMAD.IADD R4, R4, 0x1, -R1",
                "@!P0 VIADD R3, R3, 0x1", "ISETP.GE.U32.AND P1, PT, R4, R1, PT", "@P1 VIADD R3, R3, 0x1",
                R1=denominator, R2=numerator)
            self.assertEqual(self.thread.r[3], numerator // denominator)


class Predicates(Case):
    def test_a_comparison_of_64_bits_goes_by_the_high_words_first(self):
        lines = ("ISETP.GE.U32.AND P0, PT, R0, R2, PT", "ISETP.GE.AND.EX P1, PT, R1, R3, PT, P0")
        for low, high, expected in ((9, 0, True), (1, 0, False), (1, 1, True), (9, 0xFFFFFFFF, False)):
            self.run_lines(*lines, R0=low, R1=high, R2=5, R3=0)
            self.assertIs(self.thread.p[1], expected)

    def test_logic_of_predicates_reads_its_table(self):
        self.run_lines("UISETP.GE.AND UP0, UPT, UR4, UR5, UPT", "PLOP3.LUT P0, PT, PT, PT, UP0, 0x80, 0x0",
                       "PLOP3.LUT P1, PT, PT, PT, UP0, 0x40, 0x0", R260=3, R261=2)
        self.assertEqual(self.thread.p[:2], [True, False])


class Floats(Case):
    def test_arithmetic_with_immediates_and_signs(self):
        self.assertEqual(to_float(self.result("FFMA R0, R1, -R2, 8388608", R1=to_bits(2.0), R2=to_bits(0.5))), 8388607.0)
        self.assertEqual(to_float(self.result("FADD R0, |R1|, -0.5", R1=to_bits(-2.0))), 1.5)
        self.assertAlmostEqual(to_float(self.result("MUFU.TANH R0, R1", R1=to_bits(0.5))), math.tanh(0.5), places=6)
        self.assertEqual(self.result("F2FP.BF16.F32.PACK_AB R0, R1, R2", R1=to_bits(1.0), R2=to_bits(-2.0)), 0x3F80C000)

    def test_a_matrix_instruction_returns_its_addend(self):
        self.run_lines("HMMA.16816.F32.BF16 R4, R8, R12, R16", R16=1, R17=2, R18=3, R19=4)
        self.assertEqual(self.thread.r[4:8], [1, 2, 3, 4])


class Flow(Case):
    def test_a_loop_is_counted_by_its_values_and_a_failed_guard_is_issued_but_not_done(self):
        walked = self.run_lines("MOV R0, RZ", "VIADD R0, R0, 0x1", "ISETP.GE.AND P0, PT, R0, 0x3, PT",
                                "@P0 MOV R1, 0x7", "@!P0 BRA 0x10", trace=True)
        self.assertEqual((walked.issued[0x10], walked.issued[0x30], walked.done[0x30]), (3, 3, 1))
        self.assertEqual(walked.trace[-2:], [0x40, 0x50])
        self.assertEqual(self.thread.r[1], 7)

    def test_a_call_returns_to_the_register(self):
        self.run_lines("MOV R4, 0x20", "CALL.REL.NOINC 0x40", "MOV R1, 0x9", "EXIT", "MOV R2, 0x8",
                       "RET.REL.NODEC R4 0x0")
        self.assertEqual(self.thread.r[1:3], [9, 8])

    def test_memory_reads_what_was_stored_and_else_what_its_region_says(self):
        self.memory.region(0x1000, 0x2000, lambda offset: offset)
        self.run_lines("STG.E.64 desc[UR12][R2.64+0x8], R4", "LDG.E.128 R8, desc[UR12][R2.64]", R2=0x1000, R4=70, R5=71)
        self.assertEqual(self.thread.r[8:12], [0, 4, 70, 71])


class Errors(Case):
    def fails(self, pattern, *lines, **registers):
        with self.assertRaisesRegex(machine.WalkError, pattern):
            self.run_lines(*lines, **registers)

    def test_an_unknown_operation_is_named_with_its_place(self):
        self.fails(r"at 0x0010 `FROB R1, R2`: FROB is not among", "MOV R0, 0x1", "FROB R1, R2")

    def test_a_branch_on_an_unknown_value_is_an_error(self):
        self.fails(r"at 0x0010 `@P0 BRA 0x0`: the guard is unknown", "DSETP.GT.AND P0, PT, R0, R2, PT", "@P0 BRA 0x0")

    def test_an_unknown_value_reaches_what_is_made_of_it(self):
        self.fails("the guard is unknown", "F2F.F64.F32 R2, R4", "IMAD R0, R2, 0x3, R1",
                   "ISETP.GE.AND P2, PT, R0, RZ, PT", "@P2 MOV R1, R0")

    def test_a_parameter_that_nobody_declared_is_an_error(self):
        self.fails(r"c\[0x0\]\[0x2a8\].*byte 152", "LDC R0, c[0x0][0x2a8]")

    def test_a_read_of_memory_that_the_scenario_has_not_is_an_error(self):
        self.fails("a read of address 0x40, where the scenario has no memory", "LDG.E R0, desc[UR4][R2.64]", R2=0x40)

    def test_a_walk_without_end_is_an_error(self):
        with self.assertRaisesRegex(machine.WalkError, "no end after 50 instructions"):
            self.run_lines("BRA 0x0", most=50)


class Parsing(unittest.TestCase):
    def test_functions_guards_and_operands(self):
        text = """
                Function : one
        /*0000*/              @!UP1 ULDC.64 UR4, c[0x0][0x210] ;   /* 0x00000a00ff017b82 */
                                                                   /* 0x000e220000000800 */
        /*0010*/                   IMAD R1, R2.reuse, 0x2, R3.reuse ;   /* 0x1 */
                Function : two
        /*0000*/                   EXIT ;   /* 0x1 */
        """
        functions = sass.parse(text)
        self.assertEqual(list(functions), ["one", "two"])
        self.assertEqual(functions["one"][0][:4], (0, "!UP1", "ULDC.64", ("UR4", "c[0x0][0x210]")))
        self.assertEqual(functions["one"][1].operands, ("R1", "R2", "0x2", "R3"))

    def test_pipes_and_widths(self):
        self.assertEqual([sass.pipe(op) for op in ("HMMA.16816.F32.BF16", "MUFU.TANH", "LDSM.16.M88.4", "LDS.128",
                                                   "LDGSTS.E.BYPASS.128", "LDG.E.64", "STG.E", "FFMA.SAT", "BRA",
                                                   "LDGDEPBAR", "ULDC.64", "IMAD.MOV.U32", "F2FP.BF16.F32.PACK_AB")],
                         ["HMMA", "MUFU", "LDSM", "LDS", "LDGSTS", "LDG", "STG", "FP32", "branch", "branch", "constant",
                          "ALU", "FP32"])
        self.assertEqual([sass.width_bits(op) for op in ("STG.E", "STG.E.64", "LDG.E.128.CONSTANT", "LDG.E.U16",
                                                         "LDSM.16.M88.4")], [32, 64, 128, 16, 128])


if __name__ == "__main__":
    unittest.main()
