#include "datapath/netdev/qos.h"

#include <fmt/core.h>
#include <libmnl/libmnl.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <functional>

#include "datapath/netdev/device_info.h"
#include "net/rtnetlink.h"

namespace weft::datapath {

using net::rtnetlink;

namespace {

constexpr uint32_t kRoot = 0x10000, kRootClass = 0x1fffe, kDefaultClass = 1;
constexpr uint64_t kDefaultRate = 10000000000ull;  // of devices that do not say how fast they are

using Attributes = std::array<const nlattr*, TCA_MAX + 1>;

struct Type {
    const char* name;
    const char* kind;  // the kernel's
    bool queues;
};
constexpr Type kTypes[] = {
    {"linux-htb", "htb", true},      {"linux-hfsc", "hfsc", true},          {"linux-sfq", "sfq", false},
    {"linux-codel", "codel", false}, {"linux-fq_codel", "fq_codel", false}, {"linux-netem", "netem", false},
    {"linux-noop", "", false}};

const Type* find_type(const std::string& name) {
    for (const Type& type : kTypes) {
        if (name == type.name) return &type;
    }
    return nullptr;
}

unsigned mtu_of(const std::string& device) {
    int mtu = device_mtu(device);
    return mtu > 0 ? static_cast<unsigned>(mtu) : 1500;
}

Result<int> index_of(const std::string& device) {
    unsigned index = if_nametoindex(device.c_str());
    if (!index) return Error{fmt::format("{}: no such network device", device)};
    return static_cast<int>(index);
}

// The time that `bytes` take at `rate` bytes a second, in the kernel's ticks of 64 ns.
uint32_t ticks(uint64_t bytes, uint64_t rate) {
    if (!rate) return 0;
    return static_cast<uint32_t>(std::min<uint64_t>(UINT32_MAX, bytes * 1000000000 / rate / 64));
}

Result<void> change(uint16_t type, uint16_t flags, int ifindex, uint32_t handle, uint32_t parent,
                    const char* kind, const std::function<void(nlmsghdr*)>& options, int* error = nullptr) {
    return rtnetlink(
        type, flags,
        [&](nlmsghdr* header) {
            auto* tc = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(tcmsg)));
            tc->tcm_family = AF_UNSPEC;
            tc->tcm_ifindex = ifindex;
            tc->tcm_handle = handle;
            tc->tcm_parent = parent;
            if (kind) mnl_attr_put_strz(header, TCA_KIND, kind);
            if (options) options(header);
        },
        nullptr, error);
}

void nested(nlmsghdr* header, const std::function<void()>& body) {
    nlattr* nest = mnl_attr_nest_start(header, TCA_OPTIONS);
    body();
    mnl_attr_nest_end(header, nest);
}

tc_ratespec ratespec(uint64_t bytes_per_second, unsigned mtu) {
    tc_ratespec out{};
    out.rate = static_cast<uint32_t>(std::min<uint64_t>(bytes_per_second, UINT32_MAX));
    out.linklayer = TC_LINKLAYER_ETHERNET;  // sizes are computed, not looked up in a table
    while ((mtu >> out.cell_log) > 255) ++out.cell_log;
    out.mpu = 64;
    return out;
}

Result<void> htb_class(int ifindex, uint32_t handle, uint32_t parent, const QosQueue& queue, unsigned mtu) {
    uint64_t rate = queue.min_rate / 8, ceil = queue.max_rate / 8, burst = (queue.burst + 7) / 8;
    return change(RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_EXCL, ifindex, handle, parent, "htb",
                  [&](nlmsghdr* header) {
                      nested(header, [&] {
                          tc_htb_opt options{};
                          options.rate = ratespec(rate, mtu);
                          options.ceil = ratespec(ceil, mtu);
                          options.buffer = ticks(burst, rate);
                          options.cbuffer = ticks(burst, ceil);
                          options.prio = queue.priority;
                          options.quantum = mtu;
                          mnl_attr_put(header, TCA_HTB_PARMS, sizeof options, &options);
                          if (rate > UINT32_MAX) mnl_attr_put_u64(header, TCA_HTB_RATE64, rate);
                          if (ceil > UINT32_MAX) mnl_attr_put_u64(header, TCA_HTB_CEIL64, ceil);
                      });
                  });
}

Result<void> hfsc_class(int ifindex, uint32_t handle, uint32_t parent, const QosQueue& queue) {
    auto curve = [](uint64_t bits) {
        tc_service_curve out{};
        out.m1 = out.m2 = static_cast<uint32_t>(std::min<uint64_t>(bits / 8, UINT32_MAX));
        return out;
    };
    return change(RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_EXCL, ifindex, handle, parent, "hfsc",
                  [&](nlmsghdr* header) {
                      nested(header, [&] {
                          tc_service_curve least = curve(queue.min_rate), most = curve(queue.max_rate);
                          mnl_attr_put(header, TCA_HFSC_RSC, sizeof least, &least);
                          mnl_attr_put(header, TCA_HFSC_FSC, sizeof least, &least);
                          mnl_attr_put(header, TCA_HFSC_USC, sizeof most, &most);
                      });
                  });
}

void put_options(nlmsghdr* header, const QosConfig& config, const std::string& kind, unsigned mtu) {
    if (kind == "htb") {
        nested(header, [&] {
            tc_htb_glob options{};
            options.version = 3;
            options.rate2quantum = 10;
            options.defcls = kDefaultClass;
            mnl_attr_put(header, TCA_HTB_INIT, sizeof options, &options);
        });
    } else if (kind == "hfsc") {
        tc_hfsc_qopt options{};
        options.defcls = kDefaultClass;
        mnl_attr_put(header, TCA_OPTIONS, sizeof options, &options);
    } else if (kind == "sfq") {
        tc_sfq_qopt options{};
        options.quantum = config.quantum ? config.quantum : mtu;
        options.perturb_period = static_cast<int>(config.perturb ? config.perturb : 10);
        mnl_attr_put(header, TCA_OPTIONS, sizeof options, &options);
    } else if (kind == "codel") {
        nested(header, [&] {
            mnl_attr_put_u32(header, TCA_CODEL_TARGET, config.target_us ? config.target_us : 5000);
            mnl_attr_put_u32(header, TCA_CODEL_LIMIT, config.limit ? config.limit : 10240);
            mnl_attr_put_u32(header, TCA_CODEL_INTERVAL, config.interval_us ? config.interval_us : 100000);
        });
    } else if (kind == "fq_codel") {
        nested(header, [&] {
            mnl_attr_put_u32(header, TCA_FQ_CODEL_TARGET, config.target_us ? config.target_us : 5000);
            mnl_attr_put_u32(header, TCA_FQ_CODEL_LIMIT, config.limit ? config.limit : 10240);
            mnl_attr_put_u32(header, TCA_FQ_CODEL_INTERVAL, config.interval_us ? config.interval_us : 100000);
            mnl_attr_put_u32(header, TCA_FQ_CODEL_FLOWS, config.flows ? config.flows : 1024);
            mnl_attr_put_u32(header, TCA_FQ_CODEL_QUANTUM, config.quantum ? config.quantum : 1514);
        });
    } else if (kind == "netem") {
        tc_netem_qopt options{};
        options.latency = static_cast<uint32_t>(uint64_t{config.latency_us} * 1000 / 64);
        options.limit = config.limit ? config.limit : 1000;
        options.loss =
            static_cast<uint32_t>(uint64_t{UINT32_MAX} * std::min(config.loss_percent, 100u) / 100);
        mnl_attr_put(header, TCA_OPTIONS, sizeof options, &options);
    }
}

void each_of(uint16_t type, int ifindex, const std::function<void(const tcmsg&, const Attributes&)>& each) {
    (void)rtnetlink(
        type, NLM_F_DUMP,
        [&](nlmsghdr* header) {
            auto* tc = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(tcmsg)));
            tc->tcm_ifindex = ifindex;
        },
        [&](const nlmsghdr* header) {
            if (mnl_nlmsg_get_payload_len(header) < sizeof(tcmsg)) return;
            const auto* tc = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(header));
            if (tc->tcm_ifindex != ifindex) return;
            Attributes attributes{};
            auto keep = [](const nlattr* attribute, void* data) {
                uint16_t type = mnl_attr_get_type(attribute);
                if (type <= TCA_MAX) (*static_cast<Attributes*>(data))[type] = attribute;
                return MNL_CB_OK;
            };
            mnl_attr_parse(header, sizeof(tcmsg), keep, &attributes);
            each(*tc, attributes);
        });
}

}  // namespace

const std::vector<std::string>& qos_types() {
    static const std::vector<std::string> kNames = [] {
        std::vector<std::string> out;
        for (const Type& type : kTypes) out.emplace_back(type.name);
        return out;
    }();
    return kNames;
}

bool qos_has_queues(const std::string& type) {
    const Type* found = find_type(type);
    return found && found->queues;
}

uint64_t effective_max_rate(const QosConfig& config, const std::string& device) {
    if (config.max_rate) return config.max_rate;
    auto speed = link_speed(device);
    return speed && speed->bits_per_second ? speed->bits_per_second : kDefaultRate;
}

QosQueue effective_queue(const QosConfig& config, const QosQueue& queue, const std::string& device) {
    uint64_t whole = effective_max_rate(config, device);
    unsigned mtu = mtu_of(device);
    QosQueue out = queue;
    // HTB needs the rate of a packet and the burst of one at least.
    uint64_t least = uint64_t{mtu} * 8;
    out.min_rate = std::min(std::max(queue.min_rate, least), whole);
    out.max_rate = std::min(std::max(queue.max_rate ? queue.max_rate : whole, out.min_rate), whole);
    out.burst = std::max<uint64_t>(queue.burst, (uint64_t{mtu} + 64) * 8);
    return out;
}

Result<void> install_qos(const std::string& device, const QosConfig& config) {
    const Type* type = find_type(config.type);
    if (!type) return Error{fmt::format("{}: QoS type {} is not known", device, config.type)};
    std::string kind = type->kind;
    if (kind.empty()) return {};  // others look after the device
    WEFT_ASSIGN(int ifindex, index_of(device));
    unsigned mtu = mtu_of(device);
    (void)change(RTM_DELQDISC, 0, ifindex, 0, TC_H_ROOT, nullptr, nullptr);
    auto made =
        change(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, ifindex, type->queues ? kRoot : 0, TC_H_ROOT,
               kind.c_str(), [&](nlmsghdr* header) { put_options(header, config, kind, mtu); });
    if (!made)
        return Error{fmt::format("{}: the kernel does not install the queueing discipline {}: {}", device,
                                 kind, made.message())};
    if (!type->queues) return {};
    uint64_t whole = effective_max_rate(config, device);
    auto add = [&](uint32_t handle, uint32_t parent, const QosQueue& queue) {
        return kind == "htb" ? htb_class(ifindex, handle, parent, queue, mtu)
                             : hfsc_class(ifindex, handle, parent, queue);
    };
    WEFT_TRY(add(kRootClass, kRoot, {whole, whole, uint64_t{mtu} * 8, 0}));
    std::map<uint32_t, QosQueue> queues = config.queues;
    queues.try_emplace(0);  // what is in no queue
    for (const auto& [number, queue] : queues) {
        if (number >= kMaxQosQueue) continue;
        WEFT_TRY(add(kRoot | (number + 1), kRootClass, effective_queue(config, queue, device)));
    }
    return {};
}

Result<void> remove_qos(const std::string& device) {
    WEFT_ASSIGN(int ifindex, index_of(device));
    return change(RTM_DELQDISC, 0, ifindex, 0, TC_H_ROOT, nullptr, nullptr);
}

std::map<uint32_t, QueueStats> qos_statistics(const std::string& device) {
    std::map<uint32_t, QueueStats> out;
    auto ifindex = index_of(device);
    if (!ifindex) return out;
    each_of(RTM_GETTCLASS, *ifindex, [&](const tcmsg& tc, const Attributes& attributes) {
        uint32_t minor = tc.tcm_handle & 0xffff;
        if ((tc.tcm_handle >> 16) != 1 || !minor || minor > kMaxQosQueue) return;
        if (!attributes[TCA_STATS] || mnl_attr_get_payload_len(attributes[TCA_STATS]) < sizeof(uint64_t) + 8)
            return;
        tc_stats stats{};
        std::memcpy(&stats, mnl_attr_get_payload(attributes[TCA_STATS]),
                    std::min<size_t>(sizeof stats, mnl_attr_get_payload_len(attributes[TCA_STATS])));
        out[minor - 1] = {stats.packets, stats.bytes, stats.drops};
    });
    return out;
}

std::string qdisc_kind(const std::string& device) {
    std::string out;
    auto ifindex = index_of(device);
    if (!ifindex) return out;
    each_of(RTM_GETQDISC, *ifindex, [&](const tcmsg& tc, const Attributes& attributes) {
        if (tc.tcm_parent == TC_H_ROOT && attributes[TCA_KIND]) out = mnl_attr_get_str(attributes[TCA_KIND]);
    });
    return out;
}

}  // namespace weft::datapath
