#include "datapath/netdev/tc_filter.h"

#include <libmnl/libmnl.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <cerrno>

#include "net/rtnetlink.h"

namespace weft::datapath {

using net::rtnetlink;

namespace {

constexpr uint32_t kPriority = 0x7e57;  // late: filters of others go first
constexpr uint32_t kHandle = 1;
constexpr uint16_t kAllProtocols = 0x0003;  // ETH_P_ALL

tcmsg* put_header(nlmsghdr* message, int ifindex, uint32_t parent, uint32_t handle, uint32_t info) {
    auto* tc = static_cast<tcmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(tcmsg)));
    tc->tcm_family = AF_UNSPEC;
    tc->tcm_ifindex = ifindex;
    tc->tcm_parent = parent;
    tc->tcm_handle = handle;
    tc->tcm_info = info;
    return tc;
}

constexpr uint32_t kFilterInfo = kPriority << 16 | static_cast<uint32_t>(__builtin_bswap16(kAllProtocols));

uint32_t parent_of(TcFilter::Hook hook) {
    return TC_H_MAKE(TC_H_CLSACT, hook == TcFilter::Hook::kIngress ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

struct Filter {
    std::optional<std::string> name;
    std::optional<uint32_t> program;
};

// For mnl_attr_parse(), with a Filter at `data`.
int read_name(const nlattr* attribute, void* data) {
    auto& filter = *static_cast<Filter*>(data);
    if (mnl_attr_get_type(attribute) == TCA_BPF_NAME) filter.name = mnl_attr_get_str(attribute);
    if (mnl_attr_get_type(attribute) == TCA_BPF_ID && mnl_attr_get_payload_len(attribute) >= 4)
        filter.program = mnl_attr_get_u32(attribute);
    return MNL_CB_OK;
}
int read_options(const nlattr* attribute, void* data) {
    if (mnl_attr_get_type(attribute) != TCA_OPTIONS) return MNL_CB_OK;
    return mnl_attr_parse_nested(attribute, read_name, data);
}

void delete_queue(int ifindex) {
    (void)rtnetlink(RTM_DELQDISC, 0, [&](nlmsghdr* message) {
        put_header(message, ifindex, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0), 0);
        mnl_attr_put_strz(message, TCA_KIND, "clsact");
    }).ok();
}

}  // namespace

Result<TcFilter> TcFilter::install(int ifindex, const std::string& device, Hook hook, int program,
                                   const char* name) {
    TcFilter filter;
    filter.ifindex_ = ifindex;
    filter.hook_ = hook;
    int error = 0;
    auto qdisc = rtnetlink(
        RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL,
        [&](nlmsghdr* message) {
            put_header(message, ifindex, TC_H_CLSACT, TC_H_MAKE(TC_H_CLSACT, 0), 0);
            mnl_attr_put_strz(message, TCA_KIND, "clsact");
        },
        nullptr, &error);
    if (!qdisc && error != EEXIST) return Error{device + ": adding a clsact queue: " + qdisc.message()};
    filter.made_qdisc_ = qdisc.ok();
    auto added = rtnetlink(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, [&](nlmsghdr* message) {
        put_header(message, ifindex, parent_of(hook), kHandle, kFilterInfo);
        mnl_attr_put_strz(message, TCA_KIND, "bpf");
        nlattr* options = mnl_attr_nest_start(message, TCA_OPTIONS);
        mnl_attr_put_u32(message, TCA_BPF_FD, static_cast<uint32_t>(program));
        mnl_attr_put_strz(message, TCA_BPF_NAME, name);
        mnl_attr_put_u32(message, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
        mnl_attr_nest_end(message, options);
    });
    if (!added) return Error{device + ": adding a filter: " + added.message()};
    return filter;
}

void TcFilter::remove_empty_queue(int ifindex) {
    for (auto hook : {Hook::kIngress, Hook::kEgress}) {
        bool any = false;
        auto done = rtnetlink(
            RTM_GETTFILTER, NLM_F_DUMP,
            [&](nlmsghdr* message) { put_header(message, ifindex, parent_of(hook), 0, 0); },
            [&](const nlmsghdr*) { any = true; });
        if (!done || any) return;
    }
    delete_queue(ifindex);
}

namespace {

Filter read_filter(int ifindex, TcFilter::Hook hook) {
    Filter found;
    auto done = rtnetlink(
        RTM_GETTFILTER, NLM_F_DUMP,
        [&](nlmsghdr* message) { put_header(message, ifindex, parent_of(hook), 0, 0); },
        [&](const nlmsghdr* message) {
            auto* tc = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(message));
            if (tc->tcm_info != kFilterInfo || tc->tcm_handle != kHandle || tc->tcm_ifindex != ifindex)
                return;
            mnl_attr_parse(message, sizeof *tc, read_options, &found);
        });
    (void)done.ok();  // a device without clsact has none
    return found;
}

}  // namespace

std::optional<std::string> TcFilter::find(int ifindex, Hook hook) {
    return read_filter(ifindex, hook).name;
}

std::optional<uint32_t> TcFilter::program_id(int ifindex, Hook hook) {
    return read_filter(ifindex, hook).program;
}

TcFilter TcFilter::adopt(int ifindex, Hook hook) {
    TcFilter filter;
    filter.ifindex_ = ifindex;
    filter.hook_ = hook;
    return filter;
}

void TcFilter::remove() {
    if (!ifindex_) return;
    (void)rtnetlink(RTM_DELTFILTER, 0, [&](nlmsghdr* message) {
        put_header(message, ifindex_, parent_of(hook_), kHandle, kFilterInfo);
        mnl_attr_put_strz(message, TCA_KIND, "bpf");
    }).ok();
    if (made_qdisc_) remove_empty_queue(ifindex_);  // others may have come into it
    ifindex_ = 0;
}

}  // namespace weft::datapath
