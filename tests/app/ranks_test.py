"""What a program that is started as one of several processes refuses, with MPI and without."""
import os
import pathlib
import shutil
import unittest

import program


class Ranks(program.Program):
    def test_commands_that_write_and_are_not_shared_out_name_the_launcher(self):
        for launcher in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE"):
            result = self.sluice("simulate", "a.csv", env={launcher: "4"})
            self.assertEqual(result.status, 2, result.err)
            self.assertIn("sluice simulate works in one process, and this one was started as one of 4 "
                          f"({launcher}=4)", result.err)
            self.assertIn(f"env -u {launcher} sluice simulate", result.err)
            self.assertEqual(os.listdir(self.folder), [])

    def test_what_reads_and_one_process_go_on(self):
        self.daily("a.csv", 60)
        self.ok("check", "a.csv", env={"OMPI_COMM_WORLD_SIZE": "4"})
        self.train("a.csv", "--horizon", "3", env={"OMPI_COMM_WORLD_SIZE": "1"})

    def test_a_build_without_mpi_refuses_instead_of_training_twice(self):
        self.daily("a.csv", 60)
        library = next(pathlib.Path(program.program()).parent.glob("libsluice.so.*.*.*"))
        place = self.folder / "lib"
        place.mkdir()
        copy = place / "libsluice.so.0"  # without what would lie beside it
        shutil.copy(library, copy)
        result = self.sluice("train", "a.csv", "--horizon", "3",
                             env={"OMPI_COMM_WORLD_SIZE": "2", "LD_PRELOAD": str(copy),
                                  "ASAN_OPTIONS": "verify_asan_link_order=0"})
        self.assertEqual(result.status, 4, result.err)
        self.assertIn("started as one of 2 (OMPI_COMM_WORLD_SIZE=2), and this build works in one process alone",
                      result.err)
        self.assertIn("libsluice_mpi.so is not there", result.err)
        self.assertIn("without mpirun or srun, or build it with MPI", result.err)
        self.assertFalse((self.folder / "runs").exists())


if __name__ == "__main__":
    unittest.main()
