"""A guest that sends packets of ever new five-tuples does not slow down its neighbours, nor does the switch grow without end.

The rules of the bridge look at all five, so every packet of the flood is a flow of its own: the worst there is.
WEFT_FLOOD packets (bench/flood sends a million).
"""
import os
import time

import ebpf
import rig
import traffic
from overlay import Host, pings, sh

COUNT = int(os.environ.get("WEFT_FLOOD", "60000"))
RATE = int(os.environ.get("WEFT_FLOOD_RATE", "10000"))
SEED = int(os.environ.get("WEFT_SEED", "1"))
STREAM = int(os.environ.get("WEFT_FLOOD_STREAM", "40000000"))  # bytes a second; 0: as fast as it goes
MOST_KB = 160 << 10  # more that the switch takes: 200,000 flows, its limit, fit into it
EVERY_FIELD = "".join(f"move:{field}[]->NXM_NX_REG{number}[{bits}]," for number, (field, bits) in enumerate(
    (("NXM_OF_IP_SRC", ""), ("NXM_OF_IP_DST", ""), ("NXM_OF_UDP_SRC", "0..15"), ("NXM_OF_UDP_DST", "0..15"))))
MACS = [f"02:00:00:00:00:0{number}" for number in range(5)]


class Ground:
    """What Host wants to hang on."""
    prefix = f"wf{os.getpid()}"


def resident_kb(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def bytes_a_second(stream, seconds):
    began, before = time.monotonic(), stream.received()
    time.sleep(seconds)
    return (stream.received() - before) / (time.monotonic() - began)


def while_it_lasts(stream, flood):
    """Bytes a second of the stream until the flood is over."""
    rig.wait_for(lambda: flood.sent() > RATE // 10, "the flood")
    began, before = time.monotonic(), stream.received()
    rig.wait_for(flood.done, "the flood's end", 30 + COUNT / RATE * 3)
    return (stream.received() - before) / (time.monotonic() - began)


def neighbours_go_on():
    """A flood of new five-tuples from one port: a neighbour's established stream, its new flows, the switch's memory"""
    host = Host(Ground, "h", 1, rig.ALL)
    try:
        host.start_databases("conf")
        host.start_vswitchd()
        host.bridge("br0")
        for number in range(1, 5):
            host.guest("br0", f"g{number}", f"10.0.0.{number}/24", mac=MACS[number])
        attacker, _, c, d = (host.guests[f"g{number}"] for number in range(1, 5))
        number_of = {name: host.run("ovs-vsctl", "get", "interface", name, "ofport").strip() for name in ("g1", "g2")}
        host.run("ovs-ofctl", "add-flow", "br0",
                 f"priority=9,udp,in_port={number_of['g1']},actions={EVERY_FIELD}output:{number_of['g2']}")
        rig.wait_for(lambda: pings(c, "10.0.0.4"), "a ping", 20)
        before_kb = resident_kb(host.pids["ovs-vswitchd"])
        with traffic.Stream(c, d, "10.0.0.4", STREAM or None) as stream:
            rig.wait_for(lambda: stream.received() > 1 << 20, "the stream")
            calm = bytes_a_second(stream, 2)
            with traffic.Flood(attacker, MACS[1], MACS[2], COUNT // 4, RATE, SEED, same=True) as flood:
                same = while_it_lasts(stream, flood)
            with traffic.Flood(attacker, MACS[1], MACS[2], COUNT, RATE, SEED) as flood:
                rig.wait_for(lambda: flood.sent() > RATE // 10, "the flood")
                began = time.monotonic()
                if not pings(d, "10.0.0.3"):
                    raise rig.Failure("a new flow of a neighbour found no way")
                took = time.monotonic() - began
                flooded = while_it_lasts(stream, flood)
            more_kb = resident_kb(host.pids["ovs-vswitchd"]) - before_kb
        flows = host.appctl_switch("dpctl/show").split("flows:")[1].split()[0]
        print(f"{COUNT} five-tuples at {RATE} a second: the neighbour's stream {calm / 1e6:.1f} MB/s, {same / 1e6:.1f} under as many packets of "
              f"one flow, {flooded / 1e6:.1f} under the flood; a new flow took {took * 1000:.0f} ms; {flows} flows; {more_kb >> 10} MB more memory")
        # As fast as it goes, the stream shares the processors with whoever sends packets, of one flow or of many.
        fair = calm if STREAM else min(calm, same)
        if flooded < 0.9 * fair:
            raise rig.Failure(f"the neighbour has {flooded / fair:.2f} of what it had")
        if more_kb > MOST_KB:
            raise rig.Failure(f"{more_kb} KB more memory")
    except BaseException:
        host.show_logs()
        raise
    finally:
        host.stop()


if __name__ == "__main__":
    ebpf.main(neighbours_go_on)
