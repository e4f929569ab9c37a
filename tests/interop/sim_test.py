"""weft sim: small networks of every shape, over Weft's programs and over Debian's."""
import csv
import os
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

WEFT = os.path.join(os.environ["WEFT_BIN"], "weft")
DEBIAN = "/usr/sbin:/usr/bin:/sbin:/bin"
ROUNDS = 3


def sim(*words):
    return subprocess.run([WEFT, "sim", *words], capture_output=True, text=True, timeout=120)


class Sim(unittest.TestCase):
    def measure(self, shape, changes, *words):
        """Runs a small network and checks that every change came to every chassis."""
        with tempfile.TemporaryDirectory() as folder:
            table, picture = folder + "/t.csv", folder + "/p.svg"
            done = sim("--shape", shape, "--nodes", "4", "--ports", "6", "--rounds", str(ROUNDS), "--csv", table,
                       "--plot", picture, *words)
            self.assertEqual(done.returncode, 0, done.stderr)
            with open(table) as f:
                rows = list(csv.DictReader(f))
            self.assertEqual([row["change"] for row in rows], [c for c in changes for _ in range(ROUNDS)])
            for row in rows:
                first, last, told = (float(row[k]) for k in ("first_ms", "all_ms", "hv_cfg_ms"))
                self.assertTrue(0 < first <= last, row)
                self.assertLess(first, told, row)
                self.assertGreater(float(row["northd_cpu_ms"]), 0, row)
            self.assertTrue(xml.etree.ElementTree.parse(picture).getroot().tag.endswith("svg"))
            for change in changes:
                self.assertIn("\n" + change, done.stdout)

    kubernetes = ["add-pod", "add-policy", "add-service", "move-endpoints", "delete-pod"]
    openstack = ["add-port", "add-rule", "add-floating-ip", "add-tenant", "delete-port"]

    def test_kubernetes(self):
        self.measure("kubernetes", self.kubernetes)

    def test_openstack_with_neighbours(self):
        self.measure("openstack", self.openstack, "--hops", "9")

    def test_debians_programs(self):
        self.measure("kubernetes", self.kubernetes, "--programs", DEBIAN)
        self.measure("openstack", self.openstack, "--programs", DEBIAN)

    def test_interrupted(self):
        """Nothing stays behind."""
        with tempfile.TemporaryDirectory() as folder:
            child = subprocess.Popen([WEFT, "sim", "--rounds", "100000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     text=True, env=dict(os.environ, TMPDIR=folder))
            while "changing" not in child.stderr.readline():
                pass
            self.assertEqual(len(os.listdir(folder)), 1)
            child.send_signal(signal.SIGTERM)
            said = child.communicate(timeout=30)[1]
            self.assertEqual((child.returncode, said), (1, "weft sim: terminated\n"))
            self.assertEqual(os.listdir(folder), [])
            left = subprocess.run(["pgrep", "-f", folder], capture_output=True, text=True).stdout
            self.assertEqual(left, "")

    def test_mistakes(self):
        for words, expected in ((["--shape", "ring"], 'there is no shape "ring": kubernetes, openstack are there'),
                                (["--nodes", "x"], '--nodes: "x" is not a number'),
                                (["--rounds", "0"], '--rounds: "0": at least 1 is expected'),
                                (["--ports", "9999"], "shape kubernetes has 1 to 16000 nodes of 1 to 200 ports"),
                                (["--programs", "/nowhere"], "ovsdb-tool failed: ovsdb-tool: No such file or directory"),
                                (["five"], 'there is no argument "five"')):
            done = sim(*words)
            self.assertEqual(done.returncode, 1, words)
            self.assertIn(expected, done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
