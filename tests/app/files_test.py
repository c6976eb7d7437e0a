"""Files that are none of ours, as a shell sees them."""
import io
import unittest
import zipfile

from program import Program


class OtherFiles(Program):
    def test_a_file_of_another_kind_is_named_without_a_flag_before_it(self):
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as book:
            book.writestr("docProps/app.xml", "a = 1\n")
            book.writestr("xl/workbook.xml", "b = 2\n")
        (self.folder / "a.xlsx").write_bytes(archive.getvalue())
        (self.folder / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
        self.write("page.xls", "<html><body title=5>\n")
        for name in ("a.xlsx", "old.xls", "page.xls"):
            result = self.sluice("check", name)
            self.assertEqual(result.status, 3, result.err)
            self.assertIn(f"{name}: a workbook cannot be read; save its sheet as CSV", result.err)
        self.write("a.json", '[{"ds": "2024-01-01", "y": 1}]')
        self.assertIn("a.json: this is JSON, not CSV", self.sluice("check", "a.json").err)

    def test_a_format_that_was_given_and_is_not_that_of_the_name_is_named(self):
        self.daily("till.csv", 60)
        self.write("hourly.toml", '[data]\nformat = "tsf"\n')
        remedy = '; it was read as data.format = "tsf" says: set that to "auto" if its name is right\n'
        result = self.sluice("train", "hourly.toml", "till.csv")
        self.assertEqual(result.status, 3)
        self.assertTrue(result.err.endswith(remedy), result.err)
        for given in ("parquet", "arrow"):
            self.assertIn(f'data.format = "{given}" says', self.sluice("check", "till.csv", "--data.format", given).err)
        self.write("m.tsf", "@attribute series_name string\n@frequency daily\n@data\nT1:1,2,3,4\nT2:5,6,7\n")
        self.assertIn('data.format = "csv" says', self.sluice("check", "m.tsf", "--data.format", "csv").err)
        self.write("bad.tsf", "no tag\n")
        self.assertNotIn("data.format", self.sluice("check", "bad.tsf", "--data.format", "tsf").err)
        self.assertNotIn("data.format", self.sluice("check", "bad.tsf").err)


if __name__ == "__main__":
    unittest.main()
