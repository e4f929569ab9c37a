"""Random northbound changes, as argument lists of ovn-nbctl: the same seed gives the same changes.

    changes = Changes(seed=7)
    for _ in range(40): rig.run("ovn-nbctl", *changes.step(), check=False)

The interface, which tests of other parts rely on:

    Changes(seed, rich=2, more=True)  rich: 0 switches, routers, ACLs, …; 1 gateway ports; 2 all port types.
                                      more: everything of FEATURES, too.
    step()                            one change; it may fail (a name is taken, an address in use): run it with
                                      check=False.  On two databases it fails on both or on none.
    southbound_step()                 one thing that controllers do, as arguments of ovn-sbctl: a port is bound or
                                      released, a host joins a multicast group, a health check fails.
                                      None if there is nothing to do.

Chassis are called ch1, ch2 and ch3 and have to be there.  Switch number N uses 10.N.0.0/24 and fdNN::/64.
"""
import random

FEATURES = """dynamic addresses, nested ports, mirrors, multicast, gateway groups, periodic router advertisements, control plane
protection, fair meters, health checks, events, templates, load balancer groups, BFD, symmetric ECMP, routing tables, IPv6 routes, NAT with
sets and port ranges and routes to neighbours, logs of answers, static MAC bindings, traffic shaping, packet size limits, global options"""


class Changes:

    def __init__(self, seed, rich=2, more=True):
        self.r = random.Random(seed)
        self.more = more
        self.pools = {}  # switch → the last bytes that ports may ask for by name
        self.acl_meters = []
        self.copp = []
        self.lbg = []
        self.bfd = []
        self.bound = {}
        self.sw = []
        self.lr = []
        self.ports = []
        self.lrp = []
        self.rp = []
        self.lbs = []
        self.pg = []
        self.aset = []
        self.n = 0
        self.rich = rich
        self.acls = []
        self.gw = set()
        self.dgp = {}
        self.conn = {}
        self.own = []  # (router port, router, its IPv4 address)
        self.dhcp = 0
        self.routes = []
        self.nats = []

    def nid(self):
        self.n += 1
        return self.n

    def mac(self):
        return '02:00:00:00:%02x:%02x' % (self.n >> 8, self.n & 255)

    def ip(self, net):
        return '10.%d.0.%d' % (net, self.r.randint(2, 250))

    def step(self):
        r = self.r
        ops = [self.ls_add] * 3 + [self.lsp_add] * 8 + [self.lr_add] * 2 + [self.connect] * 5 + [self.acl] * 4 + [self.lb] * 3 + [self.lb_attach] * 3 + [self.nat] * 3 + [self.route] * 3 + [self.policy] * 2 + [self.pgroup] * 2 + [self.addrset] + [self.delport] * 2 + [self.special] * 4 + [self.lsp_mod] * 3 + [self.gwport] * 2 + [self.delacl, self.dellb, self.delnat, self.delroute] + [self.dhcpset, self.qos, self.dnsset, self.meter, self.ra]
        if self.more:
            ops += [self.pool] * 2 + [self.dynamic] * 4 + [self.nested] * 2 + [self.mirror] * 2 + [self.multicast] * 4 + [self.gateway_group] * 2 + \
                [self.periodic_ra] * 2 + [self.protect, self.fair, self.health_check, self.health_check, self.event, self.template, self.lb_group] + \
                [self.more_routes] * 5 + [self.more_nat] * 2 + [self.routable] * 2 + [self.logged] + [self.neighbor, self.shape, self.size_limit, self.global_option, self.port_option]
        for _ in range(20):
            c = r.choice(ops)()
            if c:
                return c
        return self.ls_add()

    def ls_add(self):
        n = 'sw%d' % self.nid()
        self.sw.append(n)
        return ['ls-add', n]

    def lr_add(self):
        n = 'lr%d' % self.nid()
        self.lr.append(n)
        c = ['lr-add', n]
        if self.r.random() < 0.4:
            self.gw.add(n)
            c += ['--', 'set', 'logical_router', n, 'options:chassis=ch%d' % self.r.randint(1, 3)]
            x = self.r.random()
            if x < 0.3:
                c += ['options:lb_force_snat_ip=router_ip']
            elif x < 0.5:
                c += ['options:lb_force_snat_ip=10.9.9.%d' % self.r.randint(1, 9)]
            if self.r.random() < 0.2:
                c += ['options:dnat_force_snat_ip=10.9.8.1']
        if self.r.random() < 0.3:
            c += ['--', 'set', 'logical_router', n, 'options:always_learn_from_arp_request=false']
        if self.r.random() < 0.3:
            c += ['--', 'set', 'logical_router', n, 'options:dynamic_neigh_routers=true']
        return c

    def lsp_add(self):
        if not self.sw:
            return
        sw = self.r.choice(self.sw)
        n = 'p%d' % self.nid()
        self.ports.append((n, sw))
        net = self.sw.index(sw) + 1
        x = self.r.random()
        a = '%s %s' % (self.mac(), self.ip(net))
        if x < 0.15:
            a = self.mac()
        elif x < 0.3:
            a = '%s %s fd%02x::%x' % (self.mac(), self.ip(net), net, self.n)
        elif x < 0.4:
            a = 'unknown'
        c = ['lsp-add', sw, n, '--', 'lsp-set-addresses', n, a]
        if x >= 0.4 and self.r.random() < 0.4:
            c += ['--', 'lsp-set-port-security', n, a]
        if self.r.random() < 0.1:
            c[-0:] = []
            c += ['--', 'lsp-set-addresses', n, a, 'unknown'] if a != 'unknown' else []
        return c

    def lsp_mod(self):
        if not self.ports:
            return
        n, sw = self.r.choice(self.ports)
        x = self.r.random()
        if x < 0.3:
            return ['lsp-set-enabled', n, self.r.choice(['enabled', 'disabled'])]
        if x < 0.6:
            return ['lsp-set-addresses', n, '%s %s' % ('02:00:00:00:f0:%02x' % self.r.randint(0, 255), self.ip(self.sw.index(sw) + 1))]
        if x < 0.8:
            return ['lsp-set-options', n, 'requested-chassis=ch1']
        return ['set', 'logical_switch_port', n, 'external_ids:k=v%d' % self.r.randint(1, 3)]

    def special(self):
        if not self.sw:
            return
        sw = self.r.choice(self.sw)
        n = 'x%d' % self.nid()
        t = self.r.choice(['localnet', 'localport', 'l2gateway', 'virtual', 'external'] if self.rich > 1 else ['localnet', 'localport'])
        c = ['lsp-add', sw, n, '--', 'lsp-set-type', n, t]
        if t == 'localnet':
            c += ['--', 'lsp-set-addresses', n, 'unknown', '--', 'lsp-set-options', n, 'network_name=phys']
            if self.more and self.r.random() < 0.3:
                c += ['--', 'set', 'logical_switch_port', n, 'tag_request=%d' % self.r.randint(1, 99)]
        elif t == 'l2gateway':
            c += ['--', 'lsp-set-addresses', n, 'unknown', '--', 'lsp-set-options', n, 'network_name=phys', 'l2gateway-chassis=ch1']
        elif t == 'virtual':
            ps = [p for p, w in self.ports if w == sw]
            if not ps:
                return
            c += ['--', 'lsp-set-options', n, 'virtual-ip=10.%d.0.%d' % (self.sw.index(sw) + 1, self.r.randint(251, 254)), 'virtual-parents=%s' % ','.join(ps[:2])]
        else:
            c += ['--', 'lsp-set-addresses', n, '%s %s' % (self.mac(), self.ip(self.sw.index(sw) + 1))]
        self.ports.append((n, sw))
        return c

    def connect(self):
        if not self.sw or not self.lr:
            return
        sw, lr = (self.r.choice(self.sw), self.r.choice(self.lr))
        if (sw, lr) in self.conn:
            return
        k = self.nid()
        net = self.sw.index(sw) + 1
        rp = 'rp%d' % k
        sp = 'sp%d' % k
        self.conn[sw, lr] = rp
        self.own.append((rp, lr, '10.%d.0.%d' % (net, len([1 for c in self.conn if c[0] == sw]))))
        self.lrp.append((rp, lr, sw))
        nets = ['10.%d.0.%d/24' % (net, len([1 for c in self.conn if c[0] == sw]))]
        if self.r.random() < 0.3:
            nets.append('fd%02x::%x/64' % (net, 65280 + k))
        if self.r.random() < 0.15:
            nets.append('172.16.%d.1/28' % k)
        addr = self.r.choice(['router', '02:00:00:00:aa:%02x' % (k & 255)])
        c = ['lrp-add', lr, rp, '02:00:00:00:aa:%02x' % (k & 255)] + nets + ['--', 'lsp-add', sw, sp, '--', 'lsp-set-type', sp, 'router', '--', 'lsp-set-addresses', sp, addr, '--', 'lsp-set-options', sp, 'router-port=' + rp]
        if self.r.random() < 0.3:
            c += ['nat-addresses=router']
        self.rp.append((sp, sw))
        return c

    def gwport(self):
        c = [x for x in self.lrp if x[1] not in self.gw and x[1] not in self.dgp]
        if not c or self.rich < 1:
            return
        rp, lr, sw = self.r.choice(c)
        self.dgp[lr] = (rp, sw)
        return ['lrp-set-gateway-chassis', rp, 'ch%d' % self.r.randint(1, 3), '%d' % self.r.randint(1, 30)]

    def match(self):
        return self.r.choice(['ip4', 'ip6', 'tcp', 'udp.dst == %d' % self.r.randint(1, 9), 'ip4.src == 10.%d.0.0/24' % self.r.randint(1, 9), 'icmp4'])

    def acl(self):
        if not self.sw:
            return
        who = self.r.choice(self.sw + self.pg)
        k = self.r.randint(1, 3000)
        d = self.r.choice(['from-lport', 'to-lport'])
        m = self.match() + ' && inport == "z%d"' % self.nid()
        c = []
        if self.r.random() < 0.2:
            c.append('--log')
        if self.r.random() < 0.1:
            c += ['--name=n%d' % self.n, '--severity=warning']
        if d == 'from-lport' and self.r.random() < 0.2:
            c.append('--apply-after-lb')
        act = self.r.choice(['allow', 'allow-related', 'allow-related', 'drop', 'reject', 'allow-stateless'])
        if self.r.random() < 0.1 and act in ('allow', 'allow-related'):
            c.append('--label=%d' % self.r.randint(1, 99))
        t = 'switch' if who in self.sw else 'port-group'
        self.acls.append((t, who, d, str(k), m))
        return c + ['--type=' + t, 'acl-add', who, d, str(k), m, act]

    def delacl(self):
        if not self.acls:
            return
        t, w, d, k, m = self.acls.pop(self.r.randrange(len(self.acls)))
        return ['--type=' + t, 'acl-del', w, d, k, m]

    def lb(self):
        n = 'lb%d' % self.nid()
        self.lbs.append(n)
        v6 = self.r.random() < 0.2
        port = self.r.random() < 0.8
        if v6:
            vip = '[fd30::%x]:80' % self.n if port else 'fd30::%x' % self.n
            b = ','.join((('[fd01::%x]:81' if port else 'fd01::%x') % i for i in range(1, self.r.randint(1, 4) + 1)))
        else:
            h = self.r.choice(['10.%d.0.%d' % (self.r.randint(1, 4), 100 + self.n % 100), '30.0.%d.%d' % (self.n >> 8, self.n & 255)])
            vip = h + ':80' if port else h
            b = ','.join((('10.1.0.%d:81' if port else '10.1.0.%d') % i for i in range(1, self.r.randint(1, 4) + 1)))
        c = []
        if self.r.random() < 0.2:
            c.append('--reject')
            b = b if self.r.random() < 0.5 else ''
        c += ['lb-add', n, vip, b]
        if port and b:
            c.append(self.r.choice(['tcp', 'udp', 'sctp']))
        if self.r.random() < 0.2:
            c += ['--', 'set', 'load_balancer', n, 'options:skip_snat=true']
        if self.r.random() < 0.15 and port:
            c += ['--', 'set', 'load_balancer', n, 'options:affinity_timeout=30']
        if self.r.random() < 0.15:
            c += ['--', 'set', 'load_balancer', n, 'selection_fields=ip_src,ip_dst']
        if self.r.random() < 0.2:
            c += ['--', 'set', 'load_balancer', n, 'options:neighbor_responder=' + self.r.choice(['all', 'none', 'reachable'])]
        return c

    def lb_attach(self):
        if not self.lbs:
            return
        l = self.r.choice(self.lbs)
        if self.r.random() < 0.5 and self.sw:
            return ['--may-exist', 'ls-lb-add', self.r.choice(self.sw), l]
        if self.lr:
            return ['--may-exist', 'lr-lb-add', self.r.choice(self.lr), l]

    def dellb(self):
        if not self.lbs:
            return
        return ['lb-del', self.lbs.pop(self.r.randrange(len(self.lbs)))]

    def nat(self):
        cands = [l for l in self.lr if l in self.gw or l in self.dgp]
        if not cands:
            return
        lr = self.r.choice(cands)
        k = self.nid()
        t = self.r.choice(['snat', 'dnat', 'dnat_and_snat', 'dnat_and_snat'])
        net = self.r.randint(1, 4)
        if lr in self.dgp and self.r.random() < 0.7:
            net = self.sw.index(self.dgp[lr][1]) + 1
        ext = '10.%d.0.%d' % (net, 150 + k % 100) if self.r.random() < 0.8 else '50.0.0.%d' % (k % 250 + 1)
        log = '10.%d.0.0/24' % self.r.randint(1, 5) if t == 'snat' and self.r.random() < 0.7 else '10.%d.0.%d' % (self.r.randint(1, 5), self.r.randint(1, 250))
        c = []
        if t == 'dnat_and_snat' and self.r.random() < 0.2:
            c.append('--stateless')
        c += ['--may-exist', 'lr-nat-add', lr, t, ext, log]
        if t == 'dnat_and_snat' and lr in self.dgp and self.ports and (self.r.random() < 0.4):
            c += [self.r.choice(self.ports)[0], '02:00:00:00:bb:%02x' % (k & 255)]
        self.nats.append((lr, t, log if t == 'snat' else ext))
        return c

    def delnat(self):
        if not self.nats:
            return
        lr, t, x = self.nats.pop(self.r.randrange(len(self.nats)))
        return ['--if-exists', 'lr-nat-del', lr, t, x]

    def route(self):
        c = [x for x in self.lrp]
        if not c:
            return
        rp, lr, sw = self.r.choice(c)
        net = self.sw.index(sw) + 1
        pre = self.r.choice(['0.0.0.0/0', '20.%d.0.0/16' % self.r.randint(1, 6), '20.1.%d.0/24' % self.r.randint(1, 6)])
        hop = '10.%d.0.%d' % (net, self.r.randint(1, 250))
        x = self.r.random()
        a = []
        if x < 0.2:
            a = ['--policy=src-ip']
        elif x < 0.45:
            a = ['--ecmp']
        elif x < 0.5:
            hop = 'discard'
        self.routes.append((lr, pre))
        return a + (['--may-exist'] if '--ecmp' not in a else []) + ['lr-route-add', lr, pre, hop] + ([rp] if self.r.random() < 0.3 and hop != 'discard' else [])

    def delroute(self):
        if not self.routes:
            return
        lr, p = self.routes.pop(self.r.randrange(len(self.routes)))
        return ['--if-exists', 'lr-route-del', lr, p]

    def policy(self):
        if not self.lrp:
            return
        rp, lr, sw = self.r.choice(self.lrp)
        net = self.sw.index(sw) + 1
        act = self.r.choice(['allow', 'drop', 'reroute', 'reroute'])
        c = ['lr-policy-add', lr, str(self.r.randint(1, 1000)), self.match() + ' && inport=="q%d"' % self.nid(), act]
        if act == 'reroute':
            c.append(','.join(('10.%d.0.%d' % (net, self.r.randint(2, 250)) for _ in range(self.r.choice([1, 1, 2])))))
        if act == 'allow' and self.r.random() < 0.3:
            c.append('pkt_mark=%d' % self.r.randint(1, 9))
        return c

    def pgroup(self):
        if not self.ports:
            return
        if self.pg and self.r.random() < 0.5:
            return ['pg-set-ports', self.r.choice(self.pg)] + [p for p, _ in self.r.sample(self.ports, min(len(self.ports), self.r.randint(1, 4)))]
        n = 'pg%d' % self.nid()
        self.pg.append(n)
        return ['pg-add', n] + [p for p, _ in self.r.sample(self.ports, min(len(self.ports), self.r.randint(1, 4)))]

    def addrset(self):
        n = 'as%d' % self.nid()
        return ['create', 'address_set', 'name=' + n, 'addresses=%s' % ','.join(('"10.0.0.%d"' % self.r.randint(1, 99) for _ in range(3)))]

    def delport(self):
        if not self.ports or self.r.random() < 0.5:
            return
        p = self.ports.pop(self.r.randrange(len(self.ports)))
        return ['lsp-del', p[0]]

    def dhcpset(self):
        ps = [(p, w) for p, w in self.ports if p[0] == 'p']
        if not ps:
            return
        p, sw = self.r.choice(ps)
        net = self.sw.index(sw) + 1
        if self.r.random() < 0.3:
            return ['--id=@d', 'create', 'dhcp_options', 'cidr="fd%02x::/64"' % net, 'options:server_id="02:00:00:00:dd:01"', '--', 'set', 'logical_switch_port', p, 'dhcpv6_options=@d']
        return ['--id=@d', 'create', 'dhcp_options', 'cidr=10.%d.0.0/24' % net, 'options:server_id=10.%d.0.1' % net, 'options:server_mac="02:00:00:00:dd:01"', 'options:lease_time=3600', 'options:router=10.%d.0.1' % net, '--', 'set', 'logical_switch_port', p, 'dhcpv4_options=@d']

    def qos(self):
        if not self.sw:
            return
        return ['--may-exist', 'qos-add', self.r.choice(self.sw), self.r.choice(['from-lport', 'to-lport']), str(self.nid()), self.match(), self.r.choice(['dscp=10', 'rate=100'])]

    def dnsset(self):
        if not self.sw:
            return
        return ['--id=@d', 'create', 'dns', 'records:h%d="10.0.0.%d"' % (self.nid(), self.n % 200), '--', 'add', 'logical_switch', self.r.choice(self.sw), 'dns_records', '@d']

    def meter(self):
        return ['--may-exist', 'meter-add', 'm%d' % self.nid(), 'drop', str(self.r.randint(1, 99)), 'kbps']

    def ra(self):
        if not self.lrp:
            return
        rp, _, _ = self.r.choice(self.lrp)
        return ['set', 'logical_router_port', rp, 'ipv6_ra_configs:address_mode=' + self.r.choice(['slaac', 'dhcpv6_stateful'])]

    # --- FEATURES

    def pool(self):
        free = [s for s in self.sw if s not in self.pools]
        if not free:
            return
        sw = self.r.choice(free)
        self.pools[sw] = []
        net = self.sw.index(sw) + 1
        c = ['--wait=sb', 'set', 'logical_switch', sw]
        kind = self.r.random()
        if kind < 0.1:
            return c + ['other_config:mac_only=true']
        if kind < 0.8:
            length = self.r.choice([24, 24, 28])
            c.append('other_config:subnet=10.%d.0.0/%d' % (net, length))
            # Debian's moves a port that asks for an address that it cannot have at every computation, and nobody knows whereto.
            self.pools[sw] = [251, 252, 253, 254] if length == 24 else []
            if self.r.random() < 0.4:
                c.append('other_config:exclude_ips="10.%d.0.2 10.%d.0.4..10.%d.0.6"' % (net, net, net))
        if kind > 0.5:
            c.append('other_config:ipv6_prefix="fd%02x::"' % net)
        return c

    def dynamic(self):
        if not self.pools:
            return
        sw = self.r.choice(sorted(self.pools))
        n = 'p%d' % self.nid()
        self.ports.append((n, sw))
        net = self.sw.index(sw) + 1
        address = self.r.choice(['dynamic', 'dynamic', 'by name', '02:00:00:00:d0:%02x dynamic' % self.r.randint(0, 255)])
        if address == 'by name':
            address = 'dynamic 10.%d.0.%d' % (net, self.pools[sw].pop(0)) if self.pools[sw] else 'dynamic'
        return ['--wait=sb', 'lsp-add', sw, n, '--', 'lsp-set-addresses', n, address]

    def nested(self):
        ps = [(p, w) for p, w in self.ports if p[0] == 'p']
        if not ps:
            return
        parent, sw = self.r.choice(ps)
        n = 'n%d' % self.nid()
        self.ports.append((n, sw))
        tag = self.r.choice([0, 0, self.r.randint(1, 5)])
        return ['--wait=sb', 'lsp-add', self.r.choice(self.sw), n, parent, str(tag), '--', 'lsp-set-addresses', n,
                '%s %s' % (self.mac(), self.ip(self.sw.index(sw) + 1))]

    def mirror(self):
        if self.ports and self.r.random() < 0.5:
            return ['lsp-attach-mirror', self.r.choice(self.ports)[0], 'mi%d' % self.r.randint(1, 3)]
        return ['mirror-add', 'mi%d' % self.r.randint(1, 3), self.r.choice(['gre', 'erspan']), str(self.r.randint(0, 9)),
                self.r.choice(['from-lport', 'to-lport']), '192.0.2.%d' % self.r.randint(1, 9)]

    def multicast(self):
        x = self.r.random()
        if x < 0.4 and self.sw:
            return ['set', 'logical_switch', self.r.choice(self.sw), 'other_config:' + self.r.choice(
                ['mcast_snoop=true', 'mcast_snoop=true', 'mcast_snoop=false', 'mcast_flood_unregistered=true', 'mcast_querier=false',
                 'mcast_idle_timeout=%d' % self.r.choice([5, 20, 4000]), 'mcast_query_interval=%d' % self.r.choice([0, 3, 4000]),
                 'mcast_query_max_response=%d' % self.r.choice([0, 2, 11]), 'mcast_table_size=100', 'mcast_ip4_src=10.0.0.99',
                 'mcast_eth_src="02:00:00:00:00:99"', 'mcast_ip6_src="fe80::9"'])]
        if x < 0.6 and self.lr:
            return ['set', 'logical_router', self.r.choice(self.lr), 'options:mcast_relay=' + self.r.choice(['true', 'true', 'false'])]
        if x < 0.8 and self.ports:
            return ['set', 'logical_switch_port', self.r.choice(self.ports)[0],
                    'options:' + self.r.choice(['mcast_flood', 'mcast_flood_reports']) + '=' + self.r.choice(['true', 'false'])]
        if self.lrp:
            return ['set', 'logical_router_port', self.r.choice(self.lrp)[0], 'options:mcast_flood=' + self.r.choice(['true', 'false'])]

    def gateway_group(self):
        if not self.dgp:
            return
        rp, _ = self.dgp[self.r.choice(sorted(self.dgp))]
        return ['lrp-set-gateway-chassis', rp, 'ch%d' % self.r.randint(1, 3), '%d' % self.r.randint(1, 30)]

    def periodic_ra(self):
        if not self.lrp:
            return
        rp, _, _ = self.r.choice(self.lrp)
        c = ['set', 'logical_router_port', rp, 'ipv6_ra_configs:send_periodic=' + self.r.choice(['true', 'true', 'false'])]
        for key, values in (('address_mode', ['slaac', 'dhcpv6_stateful', 'dhcpv6_stateless']), ('max_interval', ['3', '5', '30', '5000']),
                            ('min_interval', ['2', '5', '100']), ('mtu', ['1000', '1400']), ('router_preference', ['HIGH', 'LOW', 'MEDIUM']),
                            ('rdnss', ['"fd00::53"']), ('dnssl', ['a.example']), ('route_info', ['HIGH-fd99::/64'])):
            if self.r.random() < 0.4:
                c.append('ipv6_ra_configs:%s=%s' % (key, self.r.choice(values)))
        return c

    def protect(self):
        if self.copp and self.r.random() < 0.6:
            who = self.r.choice(self.sw + self.lr) if self.sw + self.lr else None
            if who:
                return ['ls-copp-add' if who in self.sw else 'lr-copp-add', self.r.choice(self.copp), who]
        if self.r.random() < 0.3:
            return ['--may-exist', 'meter-add', 'cm%d' % self.r.randint(1, 3), 'drop', '9', 'pktps']
        n = 'co%d' % self.nid()
        self.copp.append(n)
        c = []
        for protocol in self.r.sample(['arp', 'arp-resolve', 'dhcpv4-opts', 'dhcpv6-opts', 'dns', 'icmp4-error', 'icmp6-error', 'igmp', 'nd-na',
                                       'nd-ns', 'nd-ns-resolve', 'nd-ra-opts', 'tcp-reset', 'reject', 'bfd', 'event-elb', 'svc-monitor'], 8):
            c += (['--'] if c else []) + ['copp-add', n, protocol, 'cm%d' % self.r.randint(1, 3)]
        return c

    def fair(self):
        if not self.acl_meters or self.r.random() < 0.4:
            n = 'fm%d' % self.nid()
            self.acl_meters.append(n)
            return (['--fair'] if self.r.random() < 0.6 else []) + ['meter-add', n, 'drop', str(self.r.randint(1, 99)), 'pktps', '5']
        if self.sw:
            return ['--log', '--meter=' + self.r.choice(self.acl_meters), 'acl-add', self.r.choice(self.sw), 'to-lport', str(self.nid()),
                    self.match(), self.r.choice(['drop', 'allow-related', 'reject'])]

    def health_check(self):
        ps = [(p, w) for p, w in self.ports if p[0] == 'p']
        if not self.lbs or not ps:
            return
        lb, (port, sw) = self.r.choice(self.lbs), self.r.choice(ps)
        if self.r.random() < 0.4:
            return ['set', 'load_balancer', lb, 'ip_port_mappings:10.1.0.%d=%s:10.%d.0.254' % (self.r.randint(1, 4), port, self.sw.index(sw) + 1)]
        n = 'hc%d' % self.nid()
        vip = '30.9.0.%d:80' % (self.n % 250)
        self.lbs.append(n)
        return ['lb-add', n, vip, '10.1.0.1:81,10.1.0.2:81', '--', '--id=@h', 'create', 'load_balancer_health_check', 'vip="%s"' % vip,
                'options:interval=5', '--', 'add', 'load_balancer', n, 'health_check', '@h', '--', 'set', 'load_balancer', n,
                'ip_port_mappings:10.1.0.1=%s:10.%d.0.254' % (port, self.sw.index(sw) + 1)]

    def event(self):
        n = 'ev%d' % self.nid()
        self.lbs.append(n)
        return ['--event', 'lb-add', n, '30.8.0.%d%s' % (self.n % 250, self.r.choice(['', ':80'])), '']

    def template(self):
        if self.r.random() < 0.5:
            return ['create', 'chassis_template_var', 'chassis=ch%d' % self.r.randint(1, 3), 'variables:vip=30.7.0.1', 'variables:back="10.1.0.1:81"']
        n = 'te%d' % self.nid()
        self.lbs.append(n)
        return ['--template', 'lb-add', n, '^vip:%d' % self.r.randint(80, 89), self.r.choice(['^back', '10.1.0.1:81,10.1.0.2:81']), 'tcp', 'ipv4']

    def lb_group(self):
        if self.lbg and self.r.random() < 0.6:
            g, x = self.r.choice(self.lbg), self.r.random()
            if x < 0.4 and self.lbs:
                return ['--id=@l', 'get', 'load_balancer', self.r.choice(self.lbs), '--', 'add', 'load_balancer_group', g, 'load_balancer', '@l']
            if self.sw + self.lr:
                who = self.r.choice(self.sw + self.lr)
                return ['--id=@g', 'get', 'load_balancer_group', g, '--', 'add', 'logical_switch' if who in self.sw else 'logical_router', who,
                        'load_balancer_group', '@g']
        n = 'lg%d' % self.nid()
        self.lbg.append(n)
        return ['create', 'load_balancer_group', 'name=' + n]

    def more_routes(self):
        if not self.lrp:
            return
        rp, lr, sw = self.r.choice(self.lrp)
        net = self.sw.index(sw) + 1
        x = self.r.random()
        if x < 0.15:
            return ['set', 'logical_router_port', rp, 'options:route_table=rt%d' % self.r.randint(1, 3)]
        prefix, hop = '20.%d.0.0/16' % self.r.randint(1, 6), '10.%d.0.%d' % (net, self.r.randint(2, 250))
        if x < 0.3:
            return ['--may-exist', '--route-table=rt%d' % self.r.randint(1, 3), 'lr-route-add', lr, prefix, hop]
        if x < 0.5:
            return ['--ecmp-symmetric-reply', '--ecmp', 'lr-route-add', lr, prefix, hop]
        if x < 0.7:
            return ['--may-exist'] + self.r.choice([[], ['--policy=src-ip']]) + [
                'lr-route-add', lr, 'fdbb:%x::/64' % self.r.randint(1, 3), 'fd%02x::%x' % (net, self.r.randint(2, 250))]
        if x < 0.8:
            return ['create', 'bfd', 'logical_port=' + rp, 'dst_ip=' + hop] + self.r.choice([[], ['min_tx=50', 'min_rx=60', 'detect_mult=3']])
        return ['--bfd', 'lr-route-add', lr, '21.%d.0.0/16' % self.nid(), hop, rp]

    def more_nat(self):
        cands = sorted(l for l in self.lr if l in self.gw or l in self.dgp)
        if not cands:
            return
        lr, k = self.r.choice(cands), self.nid()
        x = self.r.random()
        own = [a for _, r, a in self.own if r == lr]
        if own and x > 0.8:
            return ['--may-exist', 'lr-nat-add', lr, self.r.choice(['snat', 'dnat', 'dnat_and_snat']), self.r.choice(own), '10.3.0.%d' % (k % 250 + 1)]
        if x < 0.3:
            return ['--may-exist', '--portrange', 'lr-nat-add', lr, self.r.choice(['snat', 'dnat']), '50.1.0.%d' % (k % 250 + 1), '10.1.0.%d' % (k % 250 + 1),
                    '1000-2000']
        if x < 0.6:
            return ['--may-exist', 'lr-nat-add', lr, self.r.choice(['snat', 'dnat', 'dnat_and_snat']), 'fdcc::%x' % k, 'fd01::%x' % k]
        n, kind = 'ns%d' % k, self.r.choice(['allowed_ext_ips', 'exempted_ext_ips'])
        return ['--id=@s', 'create', 'address_set', 'name=' + n, 'addresses="192.0.2.1"', '--', '--id=@n', 'create', 'nat',
                'type=' + self.r.choice(['snat', 'dnat', 'dnat_and_snat']), 'external_ip=50.2.0.%d' % (k % 250 + 1),
                'logical_ip=10.2.0.%d' % (k % 250 + 1), kind + '=@s', '--', 'add', 'logical_router', lr, 'nat', '@n']

    def routable(self):
        k, lrs = self.nid(), sorted(l for l in self.lr if l in self.gw or l in self.dgp)
        x = self.r.random()
        if x < 0.4 and self.lbs:
            return ['set', 'load_balancer', self.r.choice(self.lbs), 'options:add_route=true']
        if not lrs:
            return
        lr = self.r.choice(lrs)
        distributed = []
        if x < 0.6 and self.ports:
            distributed = ['logical_port=' + self.r.choice(self.ports)[0], 'external_mac="02:00:00:00:%02x:%02x"' % (200 + (k >> 8), k & 255)]
        return ['--id=@n', 'create', 'nat', 'type=' + (self.r.choice(['snat', 'dnat', 'dnat_and_snat']) if not distributed else 'dnat_and_snat'),
                'external_ip=60.%d.%d.1' % (k >> 8, k & 255), 'logical_ip=10.3.%d.%d' % (k >> 8, k & 255), 'options:add_route=true', *distributed,
                '--', 'add', 'logical_router', lr, 'nat', '@n']

    def logged(self):
        if self.sw:
            return ['--id=@a', 'create', 'acl', 'direction=' + self.r.choice(['from-lport', 'to-lport']), 'priority=%d' % self.nid(), 'match="ip4.src == 1.2.3.%d"' % (self.n % 250),
                    'action=' + self.r.choice(['allow', 'allow-related', 'drop', 'allow-stateless']), 'label=%d' % self.n, 'log=' + self.r.choice(['true', 'true', 'false']),
                    'options:log-related=true', 'options:apply-after-lb=' + self.r.choice(['true', 'false']),
                    '--', 'add', 'logical_switch', self.r.choice(self.sw), 'acls', '@a']

    def neighbor(self):
        if self.lrp:
            return ['--may-exist', 'static-mac-binding-add', self.r.choice(self.lrp)[0], '10.1.0.%d' % self.r.randint(1, 250), '02:00:00:00:ee:01']

    def shape(self):
        if self.ports:
            return ['set', 'logical_switch_port', self.r.choice(self.ports)[0],
                    'options:' + self.r.choice(['qos_max_rate=1000', 'qos_burst=100', 'qos_min_rate=10', 'qos_max_rate=0'])]

    def size_limit(self):
        if self.lrp:
            return ['set', 'logical_router_port', self.r.choice(self.lrp)[0], 'options:' + self.r.choice(
                ['gateway_mtu=1400', 'gateway_mtu_bypass=tcp', 'reside-on-redirect-chassis=true', 'redirect-type=bridged', 'prefix_delegation=true',
                 'prefix=true', 'gateway_mtu=1300'])]

    def global_option(self):
        return ['set', 'nb_global', '.', 'options:' + self.r.choice(
            ['use_ct_inv_match=false', 'use_ct_inv_match=true', 'default_acl_drop=true', 'default_acl_drop=false', 'controller_event=true',
             'controller_event=false', 'ignore_lsp_down=false', 'ignore_lsp_down=true', 'debug_drop_collector_set=7', 'debug_drop_collector_set=0'])]

    def port_option(self):
        x = self.r.random()
        if x < 0.2 and self.sw:
            return ['set', 'logical_switch', self.r.choice(self.sw), 'other_config:vlan-passthru=' + self.r.choice(['true', 'false'])]
        if x < 0.4 and self.lr:
            return ['set', 'logical_router', self.r.choice(self.lr), 'options:' + self.r.choice(['snat-ct-zone=7', 'mac_binding_age_threshold=60'])]
        if x < 0.6 and self.rp:
            return ['set', 'logical_switch_port', self.r.choice(self.rp)[0],
                    'options:' + self.r.choice(['arp_proxy="10.1.0.9 10.1.0.10"', 'nat-addresses=router', 'exclude-lb-vips-from-garp=true'])]
        if not self.ports:
            return
        return ['set', 'logical_switch_port', self.r.choice(self.ports)[0],
                'options:' + self.r.choice(['requested-chassis="ch1,ch2"', 'requested-chassis=ch3', 'localnet_learn_fdb=true', 'hostname=h1',
                                            'activation-strategy=rarp'])]

    # --- what controllers do

    def southbound_step(self):
        ps = [p for p, _ in self.ports if p[0] == 'p']
        if not ps:
            return
        x = self.r.random()
        port = self.r.choice(ps)
        if x < 0.4:
            return ['--may-exist', 'lsp-bind', port, 'ch%d' % self.r.randint(1, 3)]
        if x < 0.5:
            return ['--if-exists', 'lsp-unbind', port]
        if x < 0.9:
            sw = dict(self.ports)[port]
            return ['--id=@d', 'get', 'datapath_binding', sw, '--', '--id=@p', 'get', 'port_binding', port, '--', '--id=@c', 'get', 'chassis',
                    'ch%d' % self.r.randint(1, 3), '--', 'create', 'igmp_group', 'datapath=@d', 'ports=@p', 'chassis=@c',
                    'address=' + self.r.choice(['239.0.0.1', '239.0.0.2', '224.0.0.9', '"ff0a::1"', '"ff02::1:2"'])]
        return ['set', 'service_monitor', port, 'status=' + self.r.choice(['online', 'offline', 'error'])]
