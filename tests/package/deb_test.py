"""The Debian package in a clean Debian of the same release: what docs/deploy.md has root do there.

Needs root, debootstrap and the network: exits with 77 and the reason where one is missing. Two
minutes, and 0.7 GB in the temporary folder."""
import os
import pathlib
import platform
import re
import shutil
import sys
import tempfile
import unittest
import urllib.request

from installed import BUILD, ROOT, VERSION, blocks, run

MIRRORS = {"debian": "http://deb.debian.org/debian", "ubuntu": "http://archive.ubuntu.com/ubuntu"}


def why_not():
    """Why this cannot be run here, or None."""
    release = platform.freedesktop_os_release()
    if release.get("ID") not in MIRRORS:
        return f"this is {release.get('ID')}, not Debian or Ubuntu"
    if os.geteuid() != 0:
        return "not root, which chroot needs"
    for tool in ("debootstrap", "dpkg-shlibdeps"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    archive = f"{MIRRORS[release['ID']]}/dists/{release['VERSION_CODENAME']}/Release"
    try:
        urllib.request.urlopen(archive, timeout=10).close()
    except OSError as error:
        return f"{archive} cannot be read: {error}"
    return None


class Debian(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="sluice_deb_")
        cls.addClassCleanup(scratch.cleanup)
        cls.scratch = pathlib.Path(scratch.name)
        cls.root = cls.scratch / "root"
        (cls.scratch / "build").mkdir()
        (cls.scratch / "build" / "release").symlink_to(BUILD)
        for package in BUILD.glob("sluice_*.deb"):
            package.unlink()
        run("bash", "-euc", blocks("A Debian package", "sh")[0], cwd=cls.scratch)
        (cls.package,) = BUILD.glob("sluice_*.deb")
        release = platform.freedesktop_os_release()
        run("debootstrap", "--variant=minbase", release["VERSION_CODENAME"], cls.root, MIRRORS[release["ID"]])
        shutil.copy("/etc/resolv.conf", cls.root / "etc")
        shutil.copy(cls.package, cls.root / "root")
        cls.installed = cls.shell(blocks("A Debian package", "sh")[1])

    @classmethod
    def shell(cls, script, folder="/root", status=0):
        """Runs it in the clean system."""
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive",
               "LC_ALL": "C.UTF-8", "OMP_WAIT_POLICY": "passive"}
        return run("chroot", cls.root, "bash", "-euc", f"cd {folder}\n{script}", env=env, status=status)

    def test_1_installs_with_what_it_depends_on_and_runs(self):
        self.assertTrue(self.installed.endswith(f"sluice {VERSION}\n"), self.installed[-500:])
        depends = run("dpkg-deb", "--field", self.package, "Depends")
        for package in ("libdnnl", "libfmt", "libgomp1", "libstdc++6"):
            self.assertIn(package, depends)
        self.assertEqual(run("dpkg-deb", "--field", self.package, "Version").strip(), VERSION)
        self.assertIn("\ncpu ", self.shell("sluice devices"))

    def test_2_its_library_is_known_to_the_loader(self):
        self.assertIn(f"libsluice.so.{VERSION.split('.')[0]} ", self.shell("/sbin/ldconfig -p"))
        self.assertNotIn("libarrow", self.shell("/sbin/ldconfig -p"))

    def test_3_trains_as_the_page_says_and_the_service_forecasts_as_nobody(self):
        self.shell(blocks("Every night", "sh")[0])
        unit = (ROOT / "examples/deploy/sluice-forecast.service").read_text()
        (command,) = re.findall(r"^ExecStart=(.+)$", unit, flags=re.MULTILINE)
        self.shell("install --directory --owner nobody /var/lib/sluice")
        self.shell(f"setpriv --reuid nobody --regid nogroup --clear-groups {command}", folder="/var/lib/sluice")
        rows = (self.root / "var/lib/sluice/forecast.csv").read_text().splitlines()
        self.assertEqual(rows[0], "unique_id,ds,sluice,sluice-lo-80,sluice-hi-80")
        self.assertEqual(len(rows), 1 + 10 * 28)

    def test_4_systemd_takes_the_units(self):
        self.shell("apt-get install --yes --no-install-recommends systemd")
        # A chroot has no systemd that could start it now.
        self.shell(blocks("Every night", "sh")[1].replace("enable --now", "enable"))
        self.assertTrue((self.root / "etc/systemd/system/timers.target.wants/sluice-forecast.timer").is_symlink())
        self.shell("systemd-analyze calendar '*-*-* 02:30:00'")

    def test_5_the_steps_of_the_container_file_lead_to_the_program(self):
        lines = (ROOT / "examples/deploy/Containerfile").read_text().splitlines()
        steps = dict(line.split(" ", 1) for line in lines)
        self.shell("apt-get remove --yes sluice; ! command -v sluice")
        shutil.copy(self.package, self.root / steps["COPY"].split()[1].strip("/"))
        self.shell(steps["RUN"])
        self.assertEqual(list((self.root / "tmp").glob("sluice_*")), [])
        (entry,) = re.findall(r'"(.+)"', steps["ENTRYPOINT"])
        self.assertEqual(self.shell(f"setpriv --reuid {steps['USER']} {entry} --version"), f"sluice {VERSION}\n")

    def test_6_goes_without_a_trace(self):
        self.shell("apt-get purge --yes sluice")
        left = [str(path) for top in ("bin", "lib", "include", "share") for path in (self.root / "usr" / top).rglob("*sluice*")]
        self.assertEqual(left, [])


if __name__ == "__main__":
    reason = why_not()
    if reason:
        print(f"skipped: {reason}")
        sys.exit(77)
    unittest.main()
