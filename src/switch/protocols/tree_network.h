// A network of bridges that speak spanning tree protocols, for tests: cables carry BPDUs without delay, time
// moves as told, and what forwards can be looked at.

#pragma once

#include <cstdlib>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <set>
#include <vector>

#include "switch/protocols/rstp.h"
#include "switch/protocols/stp.h"

namespace weft::vswitch {

struct TreeNetwork {
    struct Node {
        std::unique_ptr<Stp> stp;
        std::unique_ptr<Rstp> rstp;
    };
    struct End {
        size_t node = 0;
        uint16_t port = 0;
        auto operator<=>(const End&) const = default;
    };
    struct Cable {
        End a, b;
        bool cut = false;
    };
    std::vector<Node> nodes;
    std::vector<Cable> cables;
    std::vector<uint16_t> ports;  // of each node, how many
    int64_t now = 1000;
    size_t sent = 0;

    static uint64_t id(size_t node, uint16_t priority = 0x8000) {
        return packet::bridge_id(priority, {2, 0, 0, 0, 0, static_cast<uint8_t>(node + 1)});
    }
    size_t add_stp(uint16_t priority = 0x8000) {
        Stp::Options options;
        options.bridge = id(nodes.size(), priority);
        nodes.push_back({std::make_unique<Stp>(options, now), nullptr});
        ports.push_back(0);
        return nodes.size() - 1;
    }
    size_t add_rstp(uint16_t priority = 0x8000, bool force_stp = false) {
        Rstp::Options options;
        options.bridge = id(nodes.size(), priority);
        options.force_stp = force_stp;
        nodes.push_back({nullptr, std::make_unique<Rstp>(options, now)});
        ports.push_back(0);
        return nodes.size() - 1;
    }
    End add_port(size_t node, uint16_t cost = 19, bool up = true) {
        uint16_t number = ++ports[node];
        Node& n = nodes[node];
        if (n.stp) {
            n.stp->set_port(static_cast<uint8_t>(number), {.name = "p", .path_cost = cost}, now);
        } else {
            Rstp::PortOptions options;
            options.path_cost = cost;
            n.rstp->set_port(number, options, now);
        }
        set_up({node, number}, up);
        return {node, number};
    }
    size_t cable(size_t a, size_t b, uint16_t cost = 19) {
        End left = add_port(a, cost), right = add_port(b, cost);
        cables.push_back({left, right});
        settle();
        return cables.size() - 1;
    }
    void set_up(End end, bool up) {
        Node& n = nodes[end.node];
        if (n.stp)
            n.stp->set_up(static_cast<uint8_t>(end.port), up, now);
        else
            n.rstp->set_up(end.port, up, now);
    }
    // `told`: both ends see their link go down; else BPDUs just no longer arrive.
    void cut(size_t cable, bool told) {
        cables[cable].cut = true;
        if (told) set_up(cables[cable].a, false), set_up(cables[cable].b, false);
        settle();
    }
    void mend(size_t cable) {
        cables[cable].cut = false;
        set_up(cables[cable].a, true), set_up(cables[cable].b, true);
        settle();
    }
    std::optional<End> other_end(End end) const {
        for (const Cable& each : cables) {
            if (each.cut) continue;
            if (each.a == end) return each.b;
            if (each.b == end) return each.a;
        }
        return std::nullopt;
    }
    TreeState state(End end) const {
        const Node& n = nodes[end.node];
        return n.stp ? n.stp->port(static_cast<uint8_t>(end.port))->state : n.rstp->port(end.port)->state;
    }
    void deliver(End to, const packet::Bpdu& bpdu) {
        Node& n = nodes[to.node];
        if (n.stp)
            n.stp->receive(static_cast<uint8_t>(to.port), bpdu, now);
        else
            n.rstp->receive(to.port, bpdu, now);
    }
    // Until nobody has anything to say.
    void settle() {
        for (int round = 0; round < 1000; ++round) {
            std::vector<std::pair<End, packet::Bpdu>> all;
            for (size_t i = 0; i < nodes.size(); ++i) {
                Node& n = nodes[i];
                n.stp ? n.stp->run(now) : n.rstp->run(now);
                for (const TreeMessage& m : n.stp ? n.stp->take_messages() : n.rstp->take_messages())
                    all.push_back({{i, m.port}, m.bpdu});
            }
            if (all.empty()) return;
            sent += all.size();
            for (auto& [from, bpdu] : all) {
                // As it is on the wire.
                auto read = packet::Bpdu::decode_frame(bpdu.frame({}).view());
                if (auto to = other_end(from)) deliver(*to, *read);
            }
        }
        silent = false;
    }
    bool silent = true;  // false: they never came to an end
    void run(int64_t ms) {
        for (int64_t end = now + ms; now < end;) {
            now += 100;
            settle();
        }
    }
    // How many cables forward both ways, and whether they join every bridge to every other that can be
    // reached, without a loop.
    bool is_tree() const {
        std::vector<size_t> forwarding(nodes.size()), reachable(nodes.size());
        std::iota(forwarding.begin(), forwarding.end(), size_t{0});
        std::iota(reachable.begin(), reachable.end(), size_t{0});
        auto find = [](std::vector<size_t>& set, size_t i) {
            while (set[i] != i) i = set[i];
            return i;
        };
        for (const Cable& each : cables) {
            if (each.cut) continue;
            reachable[find(reachable, each.a.node)] = find(reachable, each.b.node);
            if (!forwards(state(each.a)) || !forwards(state(each.b))) continue;
            size_t a = find(forwarding, each.a.node), b = find(forwarding, each.b.node);
            if (a == b) return false;  // a loop
            forwarding[a] = b;
        }
        for (size_t i = 0; i < nodes.size(); ++i) {
            for (size_t j = 0; j < i; ++j) {
                bool joined = find(forwarding, i) == find(forwarding, j);
                if (joined != (find(reachable, i) == find(reachable, j))) return false;
            }
        }
        return true;
    }
    // What must hold at every moment.
    bool has_loop() const {
        std::vector<size_t> set(nodes.size());
        std::iota(set.begin(), set.end(), size_t{0});
        auto find = [&](size_t i) {
            while (set[i] != i) i = set[i];
            return i;
        };
        for (const Cable& each : cables) {
            if (each.cut || !forwards(state(each.a)) || !forwards(state(each.b))) continue;
            size_t a = find(each.a.node), b = find(each.b.node);
            if (a == b) return true;
            set[a] = b;
        }
        return false;
    }
};

inline uint64_t tree_seed() {
    const char* text = std::getenv("WEFT_SEED");
    return text ? std::strtoull(text, nullptr, 10) : std::random_device()();
}

}  // namespace weft::vswitch
