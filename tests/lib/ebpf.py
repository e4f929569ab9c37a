"""What tests of the eBPF datapath have in common."""
import ctypes

import rig


def main(*tests):
    """rig.main(), where this kernel takes TC programs at all (libbpf asks it)."""
    if ctypes.CDLL("libbpf.so.1").libbpf_probe_bpf_prog_type(3, None) != 1:  # BPF_PROG_TYPE_SCHED_CLS
        print("skipped: this kernel lets nobody load programs")
        return
    rig.main(*tests)
