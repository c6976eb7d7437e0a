"""Two machines, as far as one can be two: network namespaces with names and addresses of their own, and one cable.

mpirun reaches the second one by an agent in place of ssh, and MPI speaks TCP across the cable. What stays common is the
file system and the clock. Needs root and iproute2, and passes over all of it elsewhere.
"""
import os
import shutil
import subprocess
import unittest

import job


class Hosts(job.Job):
    def setUp(self):
        super().setUp()
        names = [f"sl{os.getpid()}{end}" for end in "ab"]
        if os.geteuid() != 0 or not all(shutil.which(tool) for tool in ("ip", "unshare", "nsenter")):
            self.skipTest("needs root, iproute2 and util-linux")
        for name in names:
            if self.quiet("ip", "netns", "add", name).returncode:
                self.skipTest("no network namespace can be made here")
            self.addCleanup(self.quiet, "ip", "netns", "del", name)
        self.must("ip", "link", "add", names[0], "type", "veth", "peer", "name", names[1])
        self.addresses = ["10.77.0.1", "10.77.0.2"]
        for name, address in zip(names, self.addresses):
            self.must("ip", "link", "set", name, "netns", name)
            self.must("ip", "-n", name, "addr", "add", f"{address}/24", "dev", name)
            self.must("ip", "-n", name, "link", "set", name, "up")
            self.must("ip", "-n", name, "link", "set", "lo", "up")
        self.names = names
        cases = "\n".join(f"{address}) name={name} ;;" for name, address in zip(names, self.addresses))
        self.agent = self.write("agent", f"#!/bin/sh\ncase $1 in\n{cases}\nesac\nshift\n"
                                'exec ip netns exec $name unshare --uts sh -c "hostname $name; $*"\n')
        self.agent.chmod(0o755)

    def quiet(self, *command):
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def must(self, *command):
        done = self.quiet(*command)
        self.assertEqual(done.returncode, 0, done.stderr)

    def mpirun(self, ranks):
        first = f"hostname {self.names[0]}; exec \"$@\""
        options = ["--host", ",".join(f"{address}:{ranks}" for address in self.addresses), "--map-by", "node",
                   "--mca", "plm_rsh_agent", str(self.agent), "--mca", "oob_tcp_if_include", "10.77.0.0/24",
                   "--mca", "btl_tcp_if_include", "10.77.0.0/24", "--mca", "btl", "tcp,self"]
        return ["ip", "netns", "exec", self.names[0], "unshare", "--uts", "sh", "-c", first, "sh",
                *os.environ["SLUICE_MPIRUN"].split(), *options, "-n", str(ranks)]

    def test_two_machines_train_as_one(self):
        self.ok("simulate", "sales.csv", "--stores", "1", "--items", "6", "--days", "150")
        where = subprocess.run([*self.mpirun(2), "hostname"], cwd=self.folder, capture_output=True, text=True,
                               timeout=60, check=False)
        self.assertEqual(sorted(where.stdout.split()), self.names, where.stderr)
        for ranks, name in ((1, "one"), (2, "two")):
            self.run_job(ranks, "train", "sales.csv", "--horizon", "7", "--path.model", f"{name}.safetensors",
                         "--path.log", f"{name}.jsonl", *job.small())
        self.assert_near(self.curve("two.jsonl"), self.curve("one.jsonl"), 1e-6)


if __name__ == "__main__":
    unittest.main()
