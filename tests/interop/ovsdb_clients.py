"""What real clients do to a database server: python3-openvswitch's IDL and OpenStack's ovsdbapp, which Neutron runs on.

    /usr/bin/python3 ovsdb_clients.py idl|northbound|switch REMOTE [key=FILE cert=FILE ca=FILE]

Prints what the client saw, as JSON with names for UUIDs, so that runs against two servers can be compared.  Run by the
system's Python, for which Debian packages these clients.
"""
import json
import sys
import time
import uuid

import ovs.db.idl
import ovs.poller
import ovs.stream


def tell(**what):
    print(json.dumps(what, sort_keys=True, default=str), flush=True)


# --- python3-openvswitch ---

class Replica:
    def __init__(self, remote, *tables, lock=None):
        helper = ovs.db.idl.SchemaHelper(None, schema(remote, "OVN_Northbound"))
        for table in tables:
            helper.register_table(table)
        self.idl = ovs.db.idl.Idl(remote, helper)
        if lock:
            self.idl.set_lock(lock)
        self.until(lambda: self.idl.has_ever_connected(), "the first contents")

    def until(self, condition, what, seconds=15):
        end = time.monotonic() + seconds
        while True:
            self.idl.run()
            if condition():
                return
            if time.monotonic() > end:
                raise SystemExit(f"still waiting for {what}")
            poller = ovs.poller.Poller()
            self.idl.wait(poller)
            poller.timer_wait(200)
            poller.block()

    def commit(self, change, comment=None):
        status = ovs.db.idl.Transaction.TRY_AGAIN
        while status == ovs.db.idl.Transaction.TRY_AGAIN:
            transaction = ovs.db.idl.Transaction(self.idl)
            if comment:
                transaction.add_comment(comment)
            made = change(transaction)
            status = transaction.commit_block()
            self.idl.run()
        if status not in (ovs.db.idl.Transaction.SUCCESS, ovs.db.idl.Transaction.UNCHANGED):
            raise SystemExit(f"{comment}: {ovs.db.idl.Transaction.status_to_string(status)} {transaction.get_error()}")
        return transaction, made

    def rows(self, table):
        return self.idl.tables[table].rows.values()

    def row(self, table, name):
        return next(row for row in self.rows(table) if row.name == name)


def schema(remote, name):
    """By the wire, as clients do that have no file."""
    error, stream = ovs.stream.Stream.open_block(ovs.stream.Stream.open(remote), 5000)
    if error:
        raise SystemExit(f"{remote}: error {error}")
    connection = ovs.jsonrpc.Connection(stream)
    request = ovs.jsonrpc.Message.create_request("get_schema", [name])
    error, reply = connection.transact_block(request)
    connection.close()
    if error or reply.error:
        raise SystemExit(f"get_schema: {error} {reply and reply.error}")
    return reply.result


def idl(remote):
    one = Replica(remote, "NB_Global", "Logical_Switch", "Logical_Switch_Port", "DNS", "ACL", lock="ours")
    two = Replica(remote, "Logical_Switch", "Logical_Switch_Port")
    one.until(lambda: one.idl.has_lock, "the lock")

    def network(transaction):
        switch = transaction.insert(one.idl.tables["Logical_Switch"])
        switch.name = "net"
        switch.other_config = {"subnet": "10.0.0.0/24", "odd \"key\"": "back\\slash ünd\nline"}
        for n in range(5):
            port = transaction.insert(one.idl.tables["Logical_Switch_Port"])
            port.name, port.addresses = f"p{n}", [f"0a:00:00:00:00:0{n}", "unknown"][: n % 3]
            switch.addvalue("ports", port.uuid)
        return switch
    transaction, switch = one.commit(network, "a network")
    made = transaction.get_insert_uuid(switch.uuid)
    two.until(lambda: len(two.rows("Logical_Switch_Port")) == 5, "the other replica")
    tell(step="inserted", same=made == two.row("Logical_Switch", "net").uuid, ports=sorted(p.name for p in two.row("Logical_Switch", "net").ports),
         config=two.row("Logical_Switch", "net").other_config, addresses={p.name: sorted(p.addresses) for p in two.rows("Logical_Switch_Port")})

    def columns(transaction):
        net = one.row("Logical_Switch", "net")
        net.setkey("external_ids", "owner", "me")
        net.delkey("other_config", "subnet")
        one.row("Logical_Switch_Port", "p1").up = True
        one.row("Logical_Switch_Port", "p2").tag = 7
    one.commit(columns, "partial updates")
    two.until(lambda: two.row("Logical_Switch", "net").external_ids, "the change")
    tell(step="changed", external=two.row("Logical_Switch", "net").external_ids, config=two.row("Logical_Switch", "net").other_config,
         up=two.row("Logical_Switch_Port", "p1").up, tag=two.row("Logical_Switch_Port", "p2").tag)

    # A port that no switch has is gone with the transaction (it is not a root); a reference to nothing is refused.
    one.commit(lambda t: one.row("Logical_Switch", "net").delvalue("ports", one.row("Logical_Switch_Port", "p3").uuid), "take p3 out")
    two.until(lambda: len(two.rows("Logical_Switch_Port")) == 4, "p3 to go")
    transaction = ovs.db.idl.Transaction(one.idl)
    twin = transaction.insert(one.idl.tables["Logical_Switch_Port"])
    twin.name = "p1"
    one.row("Logical_Switch", "net").addvalue("ports", twin.uuid)
    status = transaction.commit_block()
    tell(step="refused", status=ovs.db.idl.Transaction.status_to_string(status), constraint="constraint violation" in (transaction.get_error() or ""))

    # Increments, each with what was there before as a prerequisite.
    one.commit(lambda t: setattr(t.insert(one.idl.tables["NB_Global"]), "name", "zone"), "the only row")
    one.until(lambda: one.rows("NB_Global"), "the row")
    for n in range(3):
        def count(_):
            row = next(iter(one.rows("NB_Global")))
            row.name = f"zone{n}"
            row.increment("nb_cfg")
        transaction, _ = one.commit(count, "increment")
    one.until(lambda: next(iter(one.rows("NB_Global"))).nb_cfg == 3, "three increments")
    tell(step="incremented", value=next(iter(one.rows("NB_Global"))).nb_cfg, got=transaction.get_increment_new_value())

    # Conditions changed on the fly.
    two.idl.cond_change("Logical_Switch_Port", [["name", "==", "p4"]])
    two.until(lambda: {p.name for p in two.rows("Logical_Switch_Port")} == {"p4"}, "only p4")
    two.idl.cond_change("Logical_Switch_Port", [["tag", "includes", 7], ["name", "==", "p0"]])
    two.until(lambda: {p.name for p in two.rows("Logical_Switch_Port")} == {"p0", "p2"}, "p0 and p2")
    two.idl.cond_change("Logical_Switch_Port", [True])
    two.until(lambda: len(two.rows("Logical_Switch_Port")) == 4, "all")

    # A connection that breaks: the replica comes back to the same contents, with what happened meanwhile.
    before = two.idl.change_seqno
    two.idl.force_reconnect()
    one.commit(lambda t: setattr(one.row("Logical_Switch_Port", "p0"), "enabled", False), "meanwhile")
    two.until(lambda: two.row("Logical_Switch_Port", "p0").enabled == [False], "the change after reconnecting")
    tell(step="reconnected", newer=two.idl.change_seqno > before, rows=sorted(p.name for p in two.rows("Logical_Switch_Port")))

    # A lock that somebody else holds.
    other = Replica(remote, "NB_Global", lock="ours")
    other.until(lambda: other.idl.is_lock_contended, "to hear that the lock is taken")
    one.idl.set_lock(None)
    other.until(lambda: other.idl.has_lock, "the lock to be passed on")
    one.commit(lambda t: one.row("Logical_Switch", "net").delete(), "delete")
    two.until(lambda: not two.rows("Logical_Switch_Port"), "all to go")
    tell(step="done", lock=other.idl.has_lock)


# --- ovsdbapp ---

def northbound(remote):
    from ovsdbapp.backend.ovs_idl import connection, event
    from ovsdbapp.schema.ovn_northbound import impl_idl
    helper = connection.OvsdbIdl.from_server(remote, "OVN_Northbound")
    api = impl_idl.OvnNbApiIdlImpl(connection.Connection(helper, timeout=15))
    seen = []

    class Seen(event.RowEvent):
        def run(self, what, row, old):
            seen.append((what, row.name))
    handler = event.RowEventHandler()
    handler.watch_event(Seen((event.RowEvent.ROW_CREATE, event.RowEvent.ROW_DELETE), "Logical_Switch_Port", None))
    helper.notify = handler.notify
    with api.transaction(check_error=True) as t:
        for n in (1, 2):
            t.add(api.ls_add(f"ls{n}", may_exist=True, external_ids={"n": str(n)}))
        t.add(api.lr_add("lr"))
        t.add(api.db_set("Logical_Switch", "ls1", ("other_config", {"mcast_snoop": "true"})))
    for n in range(4):
        api.lsp_add(f"ls{n % 2 + 1}", f"vm{n}", may_exist=True).execute(check_error=True)
        api.lsp_set_addresses(f"vm{n}", [f"0a:00:00:00:01:0{n} 10.0.{n % 2}.{n + 2}"]).execute(check_error=True)
        api.lsp_set_port_security(f"vm{n}", [f"0a:00:00:00:01:0{n}"]).execute(check_error=True)
    api.lrp_add("lr", "lr-ls1", "0a:00:00:00:02:01", ["10.0.0.1/24"]).execute(check_error=True)
    api.lr_route_add("lr", "10.9.0.0/16", "10.0.0.254").execute(check_error=True)
    api.lr_nat_add("lr", "snat", "172.16.0.1", "10.0.0.0/24").execute(check_error=True)
    api.acl_add("ls1", "to-lport", 1001, "ip4 && tcp.dst == 22", "allow-related", log=False).execute(check_error=True)
    api.pg_add("pg1", external_ids={"who": "neutron"}).execute(check_error=True)
    api.pg_add_ports("pg1", [api.lsp_get("vm0").execute(check_error=True).uuid]).execute(check_error=True)
    api.lb_add("lb", "10.0.0.100:80", ["10.0.0.2:8080", "10.0.0.4:8080"], "tcp").execute(check_error=True)
    api.ls_lb_add("ls1", "lb").execute(check_error=True)
    api.dhcp_options_add("10.0.0.0/24", lease="3600").execute(check_error=True)
    api.dns_add(external_ids={"zone": "example"}).execute(check_error=True)
    for name, command in (("again", api.ls_add("ls1")), ("nobody", api.ls_del("none")), ("route", api.lr_route_add("lr", "10.9.0.0/16", "10.0.0.254"))):
        try:
            command.execute(check_error=True)
            tell(step=name, error=None)
        except Exception as problem:
            tell(step=name, error=type(problem).__name__)
    api.lsp_del("vm3", if_exists=True).execute(check_error=True)
    tell(step="found", ports=sorted(row["name"] for row in api.db_find("Logical_Switch_Port", ("addresses", "!=", [])).execute(check_error=True)),
         switches=sorted(row.name for row in api.ls_list().execute(check_error=True)), routes=[r.nexthop for r in api.lr_route_list("lr").execute(check_error=True)],
         nat=[(n.type, n.external_ip) for n in api.lr_nat_list("lr").execute(check_error=True)], acl=[a.match for a in api.acl_list("ls1").execute(check_error=True)],
         vips=[lb.vips for lb in api.lb_list().execute(check_error=True)], group=[p.name for p in api.pg_get("pg1").execute(check_error=True).ports])
    end = time.monotonic() + 10
    while len(seen) < 5 and time.monotonic() < end:
        time.sleep(0.02)
    tell(step="events", seen=sorted(seen))
    for name in ("ls1", "ls2"):
        api.ls_del(name).execute(check_error=True)
    api.lr_del("lr").execute(check_error=True)
    tell(step="left", ports=len(api.tables["Logical_Switch_Port"].rows), acls=len(api.tables["ACL"].rows))
    api.ovsdb_connection.stop()


def switch(remote):
    from ovsdbapp.backend.ovs_idl import connection
    from ovsdbapp.schema.open_vswitch import impl_idl
    helper = connection.OvsdbIdl.from_server(remote, "Open_vSwitch")
    api = impl_idl.OvsdbIdl(connection.Connection(helper, timeout=15))
    api.add_br("br-int", datapath_type="dummy").execute(check_error=True)
    for n in range(3):
        with api.transaction(check_error=True) as t:
            t.add(api.add_port("br-int", f"tap{n}", may_exist=True))
            t.add(api.db_set("Interface", f"tap{n}", ("external_ids", {"iface-id": str(uuid.UUID(int=n))}), ("type", "dummy")))
            t.add(api.db_set("Port", f"tap{n}", ("tag", n + 1)))
    api.br_set_external_id("br-int", "bridge-id", "br-int").execute(check_error=True)
    api.set_controller("br-int", ["tcp:127.0.0.1:6633"]).execute(check_error=True)
    api.set_fail_mode("br-int", "secure").execute(check_error=True)
    api.add_manager("ptcp:6640:127.0.0.1").execute(check_error=True)
    tell(step="made", bridges=api.list_br().execute(check_error=True), ports=sorted(api.list_ports("br-int").execute(check_error=True)),
         where=api.port_to_br("tap1").execute(check_error=True), tag=api.db_get("Port", "tap1", "tag").execute(check_error=True),
         controller=api.get_controller("br-int").execute(check_error=True), mode=api.db_get("Bridge", "br-int", "fail_mode").execute(check_error=True),
         ids=api.br_get_external_id("br-int", "bridge-id").execute(check_error=True))
    api.del_port("tap0", "br-int").execute(check_error=True)
    api.del_port("tap0", "br-int", if_exists=True).execute(check_error=True)
    api.db_clear("Port", "tap1", "tag").execute(check_error=True)
    tell(step="changed", ports=sorted(api.list_ports("br-int").execute(check_error=True)), tag=api.db_get("Port", "tap1", "tag").execute(check_error=True))
    api.del_br("br-int").execute(check_error=True)
    tell(step="left", bridges=api.list_br().execute(check_error=True), interfaces=len(api.tables["Interface"].rows))
    api.ovsdb_connection.stop()


if __name__ == "__main__":
    what, remote = sys.argv[1:3]
    files = dict(word.split("=", 1) for word in sys.argv[3:])
    if files:
        ovs.stream.Stream.ssl_set_private_key_file(files["key"])
        ovs.stream.Stream.ssl_set_certificate_file(files["cert"])
        ovs.stream.Stream.ssl_set_ca_cert_file(files["ca"])
    {"idl": idl, "northbound": northbound, "switch": switch}[what](remote)
