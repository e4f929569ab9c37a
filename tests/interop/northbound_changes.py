"""Random northbound changes, as argument lists of ovn-nbctl: the same seed gives the same changes.

    changes = Changes(seed=7)
    for _ in range(40): rig.run("ovn-nbctl", *changes.step(), check=False)
"""
import random


class Changes:

    def __init__(self, seed, rich=2):
        self.r = random.Random(seed)
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
