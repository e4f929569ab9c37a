#include "cli/ofctl/cookie_flows.h"

#include <fmt/format.h>

#include "base/big_endian.h"
#include "base/bytes.h"
#include "base/log.h"
#include "net/directories.h"
#include "openflow/messages/flow.h"
#include "openflow/version.h"

namespace weft::cli::ofctl {

namespace {

log::Module lg("ofctl");

std::string short_text(const openflow::FlowStats& flow) {
    return fmt::format("table={} {} actions={}", flow.table, openflow::to_string(flow.match),
                       openflow::to_string(flow.actions));
}

}  // namespace

Result<std::unique_ptr<CookieFlows>> CookieFlows::open(const std::string& remote) {
    using openflow::Version;
    uint32_t versions = 0;
    for (Version version : {Version::k10, Version::k13, Version::k14, Version::k15})
        versions |= openflow::version_bit(version);
    WEFT_ASSIGN(auto connection, SwitchConnection::open(remote, versions));
    return std::unique_ptr<CookieFlows>(new CookieFlows(std::move(connection)));
}

std::string CookieFlows::default_remote() {
    return "unix:" + net::ovs_rundir() + "/br-int.mgmt";
}

std::vector<std::string> CookieFlows::of(const Uuid& row, bool with_statistics) const {
    openflow::FlowStatsRequest request;
    request.cookie = load_be32(row.bytes.data());
    request.cookie_mask = ~uint64_t{0};
    request.nicira = connection_->version() == openflow::Version::k10;
    std::vector<std::string> lines;
    auto replies = connection_->request(std::move(request));
    if (!replies) {
        lg.warn("{}", replies.message());
        return lines;
    }
    for (const openflow::Message& message : *replies) {
        const auto* reply = message.get_if<openflow::FlowStatsReply>();
        if (!reply) continue;
        for (const openflow::FlowStats& flow : reply->flows) {
            std::string& line = lines.emplace_back();
            if (with_statistics) {
                openflow::format_flow_stats(flow, {}, line);
            } else {
                line = short_text(flow);
            }
        }
    }
    return lines;
}

}  // namespace weft::cli::ofctl
