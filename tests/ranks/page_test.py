"""The commands of docs/scale.md for several processes of this machine run as they stand."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import job

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "scale.md"


class Page(job.Job):
    def test_its_commands_run(self):
        blocks = re.findall(r"^```bash\n(mpirun .*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        self.assertEqual([block.split()[4] for block in blocks], ["train", "forecast", "evaluate"])
        self.ok("simulate", "sales.parquet", "--stores", "2", "--items", "5", "--days", "300")
        path = os.pathsep.join([str(pathlib.Path(job.program.program()).parent),
                                str(pathlib.Path(os.environ["SLUICE_MPIRUN"].split()[0]).parent), os.environ["PATH"]])
        # As a user who is not root, with more processes than cores.
        allowed = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1", "OMPI_MCA_rmaps_base_oversubscribe": "1"}
        for block in blocks:
            done = subprocess.run(["bash", "-euc", block], cwd=self.folder, env={**os.environ, **allowed, "PATH": path},
                                  capture_output=True, text=True, timeout=100, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            if "train" in block:
                shutil.copy(self.folder / "runs" / "model.safetensors", self.folder / "model.safetensors")
        self.assertTrue((self.folder / "forecasts-mpi" / "_manifest.json").exists())
        self.assertTrue((self.folder / "runs" / "report.json").exists())


if __name__ == "__main__":
    unittest.main()
