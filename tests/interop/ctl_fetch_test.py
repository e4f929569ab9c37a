"""ovn-nbctl and ovn-sbctl fetch what a command needs, not the database: over a large network one command
moves few bytes, and says what Debian's says.  Served by Weft's database server and by Debian's."""
import re
import selectors
import shlex
import socket
import threading

import rig

SWITCHES, PORTS = 40, 50
FEW_BYTES = 24000


class Meter:
    """Stands between a client and a server, and counts what the server says."""

    def __init__(self, path, server):
        self.path, self.server, self.bytes = path, server, 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(8)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.carry, args=(client,), daemon=True).start()

    def carry(self, client):
        with client, socket.socket(socket.AF_UNIX) as server, selectors.DefaultSelector() as ready:
            server.connect(self.server)
            ready.register(client, selectors.EVENT_READ, server)
            ready.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(1 << 20)
                    if not data:
                        return
                    if key.fileobj is server:
                        self.bytes += len(data)
                    key.data.sendall(data)

    def close(self):
        self.listener.close()


NORTHBOUND = f"""
lsp-add s3 new -- lsp-set-addresses new "0a:00:00:00:00:01 10.0.3.200"
lsp-get-addresses p-3-7
lsp-get-ls p-3-7
lsp-list s3
get Logical_Switch_Port p-3-7 name
list Logical_Switch_Port p-3-7
--columns=name find Logical_Switch_Port name=p-3-8
--columns=name find Logical_Switch_Port external_ids:number=3-9
--may-exist lsp-add s3 p-3-7
lsp-set-type p-3-7 localport
acl-add s3 to-lport 999 "ip4.src == 1.2.3.4" allow
acl-list s3
pg-add pg0 p-3-7 p-4-8
pg-set-ports pg0 p-3-9
ls-add s{SWITCHES}
--may-exist ls-add s3
lr-add lr0 -- lrp-add lr0 lrp0 00:00:00:00:00:01 10.0.0.1/24
lrp-get-enabled lrp0
lr-route-add lr0 1.0.0.0/8 10.0.0.2
lr-route-list lr0
lsp-del p-3-7
set Logical_Switch_Port p-3-9 external_ids:a=b
remove Logical_Switch_Port p-3-9 external_ids a
--if-exists destroy Logical_Switch_Port nothing-like-that
lsp-get-addresses cafe
ls-del s3
--if-exists lsp-del p-3-9
"""
SOUTHBOUND = """
chassis-add hv geneve 10.0.0.1
lsp-bind sp-7 hv
lsp-unbind sp-7
lflow-list d7
get Port_Binding sp-7 tunnel_key
--columns=logical_port find Port_Binding logical_port=sp-9
chassis-del hv
"""


def fill(side):
    words = []
    for s in range(SWITCHES):
        words += ["--", "ls-add", f"s{s}"]
        for p in range(PORTS):
            words += ["--", "lsp-add", f"s{s}", f"p-{s}-{p}", "--", "set", "Logical_Switch_Port", f"p-{s}-{p}",
                      f"external_ids:number={s}-{p}"]
    side.run("ovn-nbctl", *words[1:], timeout=60)
    words = []
    for d in range(SWITCHES):
        words += ["--", f"--id=@d{d}", "create", "Datapath_Binding", f"tunnel_key={d + 1}", f"external_ids:name=d{d}"]
        words += ["--", f"--id=@p{d}", "create", "Port_Binding", f"logical_port=sp-{d}", "tunnel_key=1", f"datapath=@d{d}"]
        for f in range(PORTS):
            words += ["--", "create", "Logical_Flow", f"logical_datapath=@d{d}", "pipeline=ingress", "table_id=0",
                      f"priority={f}", "match=1", 'actions="next;"', "external_ids:stage-name=x"]
    side.run("ovn-sbctl", *words[1:], timeout=60)


def asked(side, program, which, line, meter=None):
    done = side.run(program, f"--db=unix:{meter.path if meter else side.socket(which)}", *shlex.split(line), check=False)
    return done.returncode, done.stdout, done.stderr.replace("ovn-nbctl: ", "").replace("ovn-sbctl: ", "")


def compare(server_weft):
    with rig.Rig(weft=server_weft | {"ovn-nbctl", "ovn-sbctl"}, name="ours") as ours, rig.Rig(name="theirs") as theirs:
        for side in (ours, theirs):
            side.start_databases("nb", "sb")
            fill(side)
        wrong = []
        for program, which, lines in (("ovn-nbctl", "nb", NORTHBOUND), ("ovn-sbctl", "sb", SOUTHBOUND)):
            meter = Meter(f"{ours.dir}/meter-{which}", ours.socket(which))
            for line in lines.strip().splitlines():
                meter.bytes = 0
                got = without_uuids(asked(ours, program, which, line, meter))
                wanted = without_uuids(asked(theirs, program, which, line))
                if got != wanted:
                    wrong.append(f"{program} {line}:\n    wanted {wanted}\n    got    {got}")
                if meter.bytes > FEW_BYTES:
                    wrong.append(f"{program} {line}: the server said {meter.bytes} bytes")
            meter.close()
        if wrong:
            raise rig.Failure(f"{len(wrong)} differ:\n" + "\n".join(wrong))


def without_uuids(answer):
    return tuple(re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID", str(part)) for part in answer)


def over_our_server():
    """Over Weft's server: few bytes, and Debian's answers"""
    compare({"ovsdb-server", "ovsdb-tool"})


def over_their_server():
    """Over Debian's server: few bytes, and Debian's answers"""
    compare(set())


if __name__ == "__main__":
    rig.main(over_our_server, over_their_server)
