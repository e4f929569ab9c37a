// Real devices: two "virtual machines" in network namespaces on a host or on two, joined by a datapath in the
// host's namespace, with every offload of veth on.  Needs root; skipped without.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include <fmt/format.h>

#include "base/clock.h"
#include "datapath/api/test_flow.h"
#include "datapath/netdev/links.h"
#include "datapath/userspace/userspace_datapath.h"

namespace weft::datapath {
namespace {

// A shell command; its exit status.
int sh(const std::string& command) {
    int status = std::system(command.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

// One host: a process in a network namespace of its own that runs a datapath until it is killed.
class Host {
  public:
    using Setup = std::function<void(Datapath&, Links&)>;

    explicit Host(std::string name) : name_(std::move(name)) {
        EXPECT_EQ(sh(fmt::format("ip netns add {0} && ip -n {0} link set lo up", name_)), 0);
    }
    ~Host() {
        stop();
        sh("ip netns del " + name_);
    }
    const std::string& name() const { return name_; }

    void start(Setup setup) {
        int ready[2];
        ASSERT_EQ(pipe(ready), 0);
        pid_ = fork();
        ASSERT_GE(pid_, 0);
        if (pid_ == 0) {
            close(ready[0]);
            run(setup, ready[1]);
            _exit(1);
        }
        close(ready[1]);
        char byte = 0;
        ASSERT_EQ(read(ready[0], &byte, 1), 1) << "the datapath of " << name_ << " did not start";
        close(ready[0]);
    }
    void stop() {
        if (pid_ <= 0) return;
        kill(pid_, SIGKILL);
        waitpid(pid_, nullptr, 0);
        pid_ = 0;
    }
    int in(const std::string& command) { return sh(fmt::format("ip netns exec {} {}", name_, command)); }

  private:
    void run(const Setup& setup, int ready) {
        int ns = open(("/run/netns/" + name_).c_str(), O_RDONLY);
        if (ns < 0 || setns(ns, CLONE_NEWNET) < 0) return;
        net::Loop loop;
        auto links = Links::create(&loop);
        if (!links) return complain(links.message());
        auto datapath = create_userspace_datapath(loop, **links, "netdev", "weft-test");
        if (!datapath) return complain(datapath.message());
        setup(**datapath, **links);
        if (write(ready, "y", 1) != 1) return;
        loop.run();
    }
    static void complain(const std::string& message) { std::fprintf(stderr, "%s\n", message.c_str()); }

    std::string name_;
    pid_t pid_ = 0;
};

void add_port(Datapath& datapath, const std::string& name, PortType type, PortNo number) {
    PortSpec spec;
    spec.name = name;
    spec.type = type;
    spec.number = number;
    auto added = datapath.add_port(spec);
    if (!added) {
        std::fprintf(stderr, "add_port: %s\n", added.message().c_str());
        _exit(1);
    }
}

void add_flow(Datapath& datapath, std::string_view match, std::string_view actions) {
    auto flow = flow_put(match, actions);
    if (!flow || !datapath.put_flow(*std::move(flow))) _exit(1);
}

class PortsTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (geteuid() != 0 || sh("ip netns list >/dev/null 2>&1") != 0) GTEST_SKIP() << "needs root and ip";
        prefix_ = fmt::format("wdp{}", getpid());
    }
    void TearDown() override {
        for (const std::string& vm : vms_) sh("ip netns del " + vm);
    }

    // A virtual machine on `host`: eth0 in it, `port` on the host.
    std::string add_vm(const Host& host, const std::string& port, const std::string& address) {
        std::string vm = fmt::format("{}v{}", prefix_, vms_.size());
        EXPECT_EQ(
            sh(fmt::format(
                "ip netns add {0} && ip -n {1} link add {2} type veth peer name eth0 netns {0} && "
                "ip -n {0} addr add {3} dev eth0 && ip -n {0} link set eth0 up && ip -n {0} link set lo up "
                "&& ip -n {1} link set {2} up",
                vm, host.name(), port, address)),
            0);
        vms_.push_back(vm);
        return vm;
    }

    // Moves 40 MB by TCP; in bits per second, 0 if it failed.
    double tcp(const std::string& server, const std::string& client, const std::string& address,
               const std::string& extra = "") {
        std::string log = fmt::format("/tmp/{}.json", prefix_);
        sh(fmt::format("ip netns exec {} timeout 20 iperf3 -s -1 -D >/dev/null 2>&1", server));
        usleep(300000);
        int status = sh(fmt::format("ip netns exec {} timeout 15 iperf3 -c {} -n 40M -J {} >{} 2>&1", client,
                                    address, extra, log));
        double bits = 0;
        std::ifstream in(log);
        std::string text((std::istreambuf_iterator<char>(in)), {});
        size_t at = text.find("\"sum_received\"");
        at = at == text.npos ? at : text.find("\"bits_per_second\":", at);
        if (at != text.npos) bits = std::atof(text.c_str() + at + 18);
        if (status || bits < 1e6) std::fprintf(stderr, "%s\n", text.c_str());
        unlink(log.c_str());
        return status ? 0 : bits;
    }
    int ping(const std::string& from, const std::string& to, const std::string& extra = "") {
        return sh(fmt::format("ip netns exec {} ping -c 2 -i 0.2 -W 2 {} {} >/dev/null", from, extra, to));
    }

    // The kernel tells of a veth's carrier up to a second after both its ends are up, and sends nothing
    // before.
    static bool link_comes_up(const std::string& in, const std::string& device) {
        return sh(fmt::format("for i in $(seq 50); do ip -n {} link show {} | grep -q 'state UP' && exit 0; "
                              "sleep 0.1; done; exit 1",
                              in, device)) == 0;
    }

    std::string prefix_;
    std::vector<std::string> vms_;
};

TEST_F(PortsTest, TwoVethsWithOffloads) {
    Host host(prefix_ + "h");
    std::string a = add_vm(host, "va", "10.9.0.1/24"), b = add_vm(host, "vb", "10.9.0.2/24");
    // The port's own device must not answer, whatever it is told.
    host.in("ip addr add 10.9.0.99/24 dev va");
    host.start([](Datapath& datapath, Links&) {
        add_port(datapath, "va", PortType::kSystem, 1);
        add_port(datapath, "vb", PortType::kSystem, 2);
        add_flow(datapath, "recirc_id(0),in_port(1)", "2");
        add_flow(datapath, "recirc_id(0),in_port(2)", "1");
    });
    EXPECT_EQ(ping(a, "10.9.0.2"), 0);
    EXPECT_EQ(ping(a, "10.9.0.2", "-s 4000"), 0);
    EXPECT_NE(ping(a, "10.9.0.99", "-c 1 -W 1"), 0);
    double bits = tcp(b, a, "10.9.0.2");
    EXPECT_GT(bits, 1e7);
    std::printf("veth to veth: %.2f Gb/s\n", bits / 1e9);
    host.stop();

    // A killed switch leaves its ports closed to the host; the next one takes them over, and gives them back.
    EXPECT_NE(ping(a, "10.9.0.99", "-c 1 -W 1"), 0);
    host.start([](Datapath& datapath, Links&) {
        add_port(datapath, "va", PortType::kSystem, 1);
        add_port(datapath, "vb", PortType::kSystem, 2);
        add_flow(datapath, "recirc_id(0),in_port(1)", "2");
        add_flow(datapath, "recirc_id(0),in_port(2)", "1");
    });
    EXPECT_EQ(ping(a, "10.9.0.2"), 0);
    EXPECT_NE(ping(a, "10.9.0.99", "-c 1 -W 1"), 0);
    host.stop();
    host.start([](Datapath& datapath, Links&) {
        add_port(datapath, "va", PortType::kSystem, 1);
        if (!datapath.delete_port(1)) _exit(1);
    });
    EXPECT_EQ(ping(a, "10.9.0.99", "-c 1 -W 1"), 0);
}

TEST_F(PortsTest, AfxdpPorts) {
    for (const char* mode : {"best-effort", "generic"}) {
        Host host(prefix_ + "h");
        std::string a = add_vm(host, "va", "10.9.0.1/24"), b = add_vm(host, "vb", "10.9.0.2/24");
        // The generic program is handed super-packets, which are longer than a frame.
        for (const std::string& vm : {a, b})
            EXPECT_EQ(sh("ip netns exec " + vm + " ethtool -K eth0 tso off gso off >/dev/null"), 0);
        host.start([mode](Datapath& datapath, Links&) {
            PortSpec spec;
            spec.type = PortType::kAfxdp;
            spec.options["xdp-mode"] = mode;
            for (const char* name : {"va", "vb"}) {
                spec.name = name;
                spec.number = name[1] == 'a' ? 1 : 2;
                auto added = datapath.add_port(spec);
                if (!added) std::fprintf(stderr, "%s\n", added.message().c_str()), _exit(1);
            }
            auto refused = [&](const char* key, const char* value) {
                PortSpec other = spec;
                other.name = "lo";
                other.number = 3;
                other.options[key] = value;
                return !datapath.add_port(other).ok();
            };
            if (!refused("xdp-mode", "fast") || !refused("n_rxq", "0") || !refused("n_rxq", "2x") ||
                !refused("use-need-wakeup", "maybe") || !refused("xdp-mode", "native-with-zerocopy"))
                _exit(1);
            add_flow(datapath, "recirc_id(0),in_port(1)", "2");
            add_flow(datapath, "recirc_id(0),in_port(2)", "1");
        });
        EXPECT_EQ(ping(a, "10.9.0.2"), 0) << mode;
        EXPECT_GT(tcp(b, a, "10.9.0.2"), 1e6) << mode;
        host.stop();
        EXPECT_EQ(host.in("sh -c '! ip link show va | grep -q xdp'"), 0)
            << "the program outlives the process";
        for (const std::string& vm : vms_) sh("ip netns del " + vm);
        vms_.clear();
    }
}

// A device may go and come again under the same name.
TEST_F(PortsTest, DevicesComeAndGo) {
    Host host(prefix_ + "h");
    std::string a = add_vm(host, "va", "10.9.0.1/24"), b = add_vm(host, "vb", "10.9.0.2/24");
    host.start([](Datapath& datapath, Links& links) {
        add_port(datapath, "va", PortType::kSystem, 1);
        add_port(datapath, "vb", PortType::kSystem, 2);
        add_flow(datapath, "recirc_id(0),in_port(1)", "2");
        add_flow(datapath, "recirc_id(0),in_port(2)", "1");
        // It may have gone again by now: then the next change says so.
        auto try_port = [&datapath](const std::string& name, PortNo number) {
            PortSpec spec;
            spec.name = name;
            spec.number = number;
            (void)datapath.add_port(spec).ok();
        };
        datapath.on_port_change([&, try_port](PortNo port) {  // what the switch does
            if (datapath.find_port(port)->type != PortType::kSystem) return;
            std::string name = datapath.find_port(port)->name;
            (void)datapath.delete_port(port).ok();
            if (links.find(name)) try_port(name, port);
        });
        links.on_change([&, try_port](const std::string& name) {
            if (links.find(name) && name == "vb" && !datapath.find_port("vb")) try_port(name, 2);
        });
    });
    EXPECT_EQ(ping(a, "10.9.0.2"), 0);
    EXPECT_EQ(
        sh(fmt::format(
            "ip -n {0} link set va down && ip -n {0} link set va up && ip -n {0} link del vb && "
            "ip -n {0} link add vb type veth peer name eth0 netns {1} && ip -n {1} addr add 10.9.0.2/24 dev "
            "eth0 && ip -n {1} link set eth0 up && ip -n {0} link set vb up",
            host.name(), b)),
        0);
    sh(fmt::format("ip -n {} neigh flush all", a));  // the new device has another address
    ASSERT_TRUE(link_comes_up(a, "eth0") && link_comes_up(b, "eth0"));
    EXPECT_EQ(ping(a, "10.9.0.2"), 0);
}

// Tagged super-packets over a veth whose two ends are ports: what one writes with a tag the other reads with
// it.
TEST_F(PortsTest, TagsAreSeenAndMade) {
    Host host(prefix_ + "h");
    std::string a = add_vm(host, "va", "10.9.0.1/24"), b = add_vm(host, "vb", "10.9.0.2/24");
    ASSERT_EQ(sh(fmt::format("ip -n {0} link add ta type veth peer name tb && ip -n {0} link set ta up && "
                             "ip -n {0} link set tb up",
                             host.name())),
              0);
    host.start([](Datapath& datapath, Links&) {
        add_port(datapath, "va", PortType::kSystem, 1);
        add_port(datapath, "vb", PortType::kSystem, 2);
        add_port(datapath, "ta", PortType::kSystem, 3);
        add_port(datapath, "tb", PortType::kSystem, 4);
        std::string tagged = "eth_type(0x8100),vlan(vid=5,pcp=3)";
        add_flow(datapath, "recirc_id(0),in_port(1)", "push_vlan(vid=5,pcp=3),3");
        add_flow(datapath, "recirc_id(0),in_port(4)," + tagged, "pop_vlan,2");
        add_flow(datapath, "recirc_id(0),in_port(2)", "push_vlan(vid=5,pcp=3),4");
        add_flow(datapath, "recirc_id(0),in_port(3)," + tagged, "pop_vlan,1");
    });
    EXPECT_EQ(ping(b, "10.9.0.1"), 0);
    EXPECT_GT(tcp(b, a, "10.9.0.2"), 1e7);
}

TEST_F(PortsTest, InternalPort) {
    Host host(prefix_ + "h");
    std::string a = add_vm(host, "va", "10.9.0.1/24");
    host.start([](Datapath& datapath, Links& links) {
        add_port(datapath, "va", PortType::kSystem, 1);
        add_port(datapath, "int0", PortType::kInternal, 2);
        if (!links.set_up("int0", true) || !links.find("int0") || !links.find("int0")->admin_up) _exit(1);
        add_flow(datapath, "recirc_id(0),in_port(1)", "2");
        add_flow(datapath, "recirc_id(0),in_port(2)", "1");
    });
    EXPECT_EQ(host.in("ip addr add 10.9.0.3/24 dev int0"), 0);
    EXPECT_EQ(ping(a, "10.9.0.3"), 0);
    EXPECT_GT(tcp(host.name(), a, "10.9.0.3", "--bidir"), 1e7);
    host.stop();
    EXPECT_EQ(host.in("ip link show int0 >/dev/null"), 0) << "an internal port outlives the process";
}

struct TunnelCase {
    const char* name;
    PortType type;
    const char* tunnel;  // of set(tunnel(...)), %s is the remote
    bool v6;
    bool offload;  // of the underlay's device
};

class TunnelTest : public PortsTest, public ::testing::WithParamInterface<TunnelCase> {};

TEST_P(TunnelTest, TwoHosts) {
    const TunnelCase& c = GetParam();
    Host one(prefix_ + "h1"), two(prefix_ + "h2");
    ASSERT_EQ(
        sh(fmt::format(
            "ip -n {0} link add under type veth peer name under netns {1} && ip -n {0} link set under up && "
            "ip -n {1} link set under up && ip -n {0} addr add 192.168.77.1/24 dev under && ip -n {1} addr "
            "add "
            "192.168.77.2/24 dev under && ip -n {0} addr add fd77::1/64 dev under nodad && ip -n {1} addr "
            "add "
            "fd77::2/64 dev under nodad",
            one.name(), two.name())),
        0);
    if (!c.offload) {
        for (const Host* host : {&one, &two}) {
            if (sh(fmt::format("ip netns exec {} ethtool -K under tx off >/dev/null 2>&1", host->name()))) {
                GTEST_SKIP() << "no ethtool";
            }
        }
    }
    std::string a = add_vm(one, "va", "10.9.0.1/24"), b = add_vm(two, "vb", "10.9.0.2/24");
    auto setup = [&](const char* port, const char* remote) {
        std::string tunnel = c.tunnel;
        tunnel.replace(tunnel.find("%s"), 2, remote);
        return [=](Datapath& datapath, Links&) {
            add_port(datapath, port, PortType::kSystem, 1);
            add_port(datapath, "tun0", c.type, 2);
            add_flow(datapath, "recirc_id(0),in_port(1)", "set(tunnel(" + tunnel + ")),2");
            add_flow(datapath,
                     fmt::format("recirc_id(0),tunnel(tun_id=0x7,{}={}),in_port(2)",
                                 c.v6 ? "ipv6_src" : "src", remote),
                     "1");
        };
    };
    one.start(setup("va", c.v6 ? "fd77::2" : "192.168.77.2"));
    two.start(setup("vb", c.v6 ? "fd77::1" : "192.168.77.1"));
    std::string dump = fmt::format("/tmp/{}.pcap", prefix_);
    sh(fmt::format("ip netns exec {} timeout 3 tcpdump -i under -w {} -U 2>/dev/null &", two.name(), dump));
    usleep(500000);
    EXPECT_EQ(ping(a, "10.9.0.2"), 0);
    EXPECT_EQ(ping(a, "10.9.0.2", "-s 1472 -M do"), 0) << "full inner packets get through";
    if (!c.v6) {  // the same code but for the header
        double bits = tcp(b, a, "10.9.0.2");
        EXPECT_GT(bits, 1e7);
        std::printf("%s: %.2f Gb/s\n", c.name, bits / 1e9);
    }
    EXPECT_NE(sh(fmt::format("tcpdump -nr {} 2>/dev/null | grep -q unreachable", dump)), 0);
    if (!c.offload) {
        EXPECT_NE(sh(fmt::format("tcpdump -nvvr {} 2>/dev/null | head -50 | grep -qi 'bad.*cksum'", dump)),
                  0);
    }
    unlink(dump.c_str());
}

INSTANTIATE_TEST_SUITE_P(
    Tunnels, TunnelTest,
    ::testing::Values(
        TunnelCase{"geneve", PortType::kGeneve,
                   "tun_id=0x7,dst=%s,ttl=64,tp_dst=6081,geneve({class=0x102,type=0x80,len=4,0x10002}),"
                   "flags(df|csum|key)",
                   false, true},
        TunnelCase{"geneve_without_offload", PortType::kGeneve,
                   "tun_id=0x7,dst=%s,ttl=64,tp_dst=6081,flags(df|csum|key)", false, false},
        TunnelCase{"geneve6", PortType::kGeneve,
                   "tun_id=0x7,ipv6_dst=%s,ttl=64,tp_dst=6081,flags(df|csum|key)", true, true},
        TunnelCase{"vxlan", PortType::kVxlan, "tun_id=0x7,dst=%s,ttl=64,tp_dst=4789,flags(df|key)", false,
                   true},
        TunnelCase{"gre", PortType::kGre, "tun_id=0x7,dst=%s,ttl=64,flags(df|csum|key)", false, true},
        TunnelCase{"gre6", PortType::kGre, "tun_id=0x7,ipv6_dst=%s,ttl=64,flags(df|key)", true, true}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weft::datapath
