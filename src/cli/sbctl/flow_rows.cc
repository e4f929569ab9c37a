#include "cli/sbctl/flow_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "ovsdb/client/containers.h"

namespace weft::cli::sbctl {

namespace sb = schema::sb;

namespace {

// The sections of --vflows: each is a heading and its rows, or nothing if there are none.
class Sections {
  public:
    Sections(CtlContext& context, const FlowRows& rows, const sb::DatapathBinding* only)
        : context_(context), rows_(rows), only_(only) {}

    std::string ports() {
        return section<sb::PortBinding>("Port Bindings", [&](const sb::PortBinding& port) {
            return fmt::format("logical_port={}, tunnel_key={:<5}", port.logical_port, port.tunnel_key);
        });
    }

    std::string mac_bindings() {
        return section<sb::MACBinding>("MAC Bindings", [&](const sb::MACBinding& binding) {
            return fmt::format("logical_port={}, ip={}, mac={}", binding.logical_port, binding.ip,
                               binding.mac);
        });
    }

    std::string groups() {
        return section<sb::MulticastGroup>("MC Groups", [&](const sb::MulticastGroup& group) {
            std::string ports;
            for (const Uuid& uuid : group.ports) {
                const auto* port = context_.row<sb::PortBinding>(uuid);
                if (port) ports += (ports.empty() ? "" : ", ") + port->logical_port;
            }
            return fmt::format("name={}, tunnel_key={}, ports=({})", group.name, group.tunnel_key, ports);
        });
    }

    std::string chassis() {
        std::string out;
        for (const sb::Chassis* row : context_.rows<sb::Chassis>())
            out += line(row->uuid, "", "name=" + row->name);
        return out.empty() ? out : "\nChassis:\n" + out;
    }

    std::string load_balancers() {
        std::string out;
        for (const sb::LoadBalancer* lb : context_.rows<sb::LoadBalancer>()) {
            std::vector<std::string> names;
            for (const Uuid& uuid : datapaths_of(*lb)) {
                if (const auto* datapath = context_.row<sb::DatapathBinding>(uuid)) {
                    if (only_ && only_->uuid != uuid) continue;
                    names.push_back(only_ ? "" : datapath_text(*datapath));
                }
            }
            if (names.empty()) continue;
            std::string text = fmt::format("name=\"{}\", ", lb->name);
            if (lb->protocol) text += fmt::format("protocol=\"{}\", ", *lb->protocol);
            for (const std::string& name : names) text += name;
            out += fmt::format("  {}{}\n  vips:\n", rows_.uuid_text(lb->uuid), text);
            for (const auto& [vip, backends] : lb->vips) out += fmt::format("    {} = {}\n", vip, backends);
            out += "\n" + rows_.openflow(lb->uuid);
        }
        return out.empty() ? out : "\nLoad Balancers:\n" + out;
    }

  private:
    // Its own, and those of the groups that it names.
    std::vector<Uuid> datapaths_of(const sb::LoadBalancer& lb) const {
        std::vector<Uuid> all(lb.datapaths.begin(), lb.datapaths.end());
        for (const std::optional<Uuid>& uuid :
             {lb.datapath_group, lb.ls_datapath_group, lb.lr_datapath_group}) {
            const auto* group = uuid ? context_.row<sb::LogicalDPGroup>(*uuid) : nullptr;
            if (group) all.insert(all.end(), group->datapaths.begin(), group->datapaths.end());
        }
        return all;
    }

    static std::string datapath_text(const sb::DatapathBinding& datapath) {
        return fmt::format("datapath=\"{}\", ", ovsdb::get_string(datapath.external_ids, "name"));
    }

    std::string line(const Uuid& uuid, const std::string& where, const std::string& text) const {
        return fmt::format("  {}{}{}\n", rows_.uuid_text(uuid), where, text) + rows_.openflow(uuid);
    }

    template <typename Row, typename F>
    std::string section(const char* heading, F&& describe) {
        std::string out;
        for (const Row* row : context_.rows<Row>()) {
            if (only_ && row->datapath != only_->uuid) continue;
            const auto* datapath = context_.row<sb::DatapathBinding>(row->datapath);
            out += line(row->uuid, only_ || !datapath ? "" : datapath_text(*datapath), describe(*row));
        }
        return out.empty() ? out : fmt::format("\n{}:\n", heading) + out;
    }

    CtlContext& context_;
    const FlowRows& rows_;
    const sb::DatapathBinding* only_;
};

}  // namespace

void FlowRows::need(CtlContext& context) {
    if (!context.has("--vflows")) return;
    context.need(sb::PortBinding::kLogicalPort, sb::PortBinding::kTunnelKey, sb::PortBinding::kDatapath);
    context.need(sb::MACBinding::kLogicalPort, sb::MACBinding::kIp, sb::MACBinding::kMac,
                 sb::MACBinding::kDatapath);
    context.need(sb::MulticastGroup::kName, sb::MulticastGroup::kTunnelKey, sb::MulticastGroup::kPorts,
                 sb::MulticastGroup::kDatapath);
    context.need(sb::Chassis::kName);
    context.need(sb::LoadBalancer::kName, sb::LoadBalancer::kProtocol, sb::LoadBalancer::kVips,
                 sb::LoadBalancer::kDatapaths, sb::LoadBalancer::kDatapathGroup,
                 sb::LoadBalancer::kLsDatapathGroup, sb::LoadBalancer::kLrDatapathGroup);
}

FlowRows::FlowRows(CtlContext& context) : context_(context) {
    if (!context.has("--ovs")) return;
    std::string remote(context.option("--ovs"));
    auto flows = ofctl::CookieFlows::open(remote.empty() ? ofctl::CookieFlows::default_remote() : remote);
    if (flows) {
        flows_ = *std::move(flows);
    } else {
        static log::Module lg("sbctl");
        lg.warn("{}", flows.message());
    }
}

std::string FlowRows::openflow(const Uuid& row) const {
    std::string out;
    if (!flows_) return out;
    for (const std::string& line : flows_->of(row, context_.has("--stats"))) out += "    " + line + "\n";
    return out;
}

std::string FlowRows::uuid_text(const Uuid& row) const {
    return context_.has("--uuid") ? fmt::format("uuid=0x{}, ", row.to_string().substr(0, 8)) : "";
}

std::string FlowRows::other_rows(const sb::DatapathBinding* only) const {
    if (!context_.has("--vflows")) return "";
    Sections sections(context_, *this, only);
    return sections.ports() + sections.mac_bindings() + sections.groups() + sections.chassis() +
           sections.load_balancers();
}

}  // namespace weft::cli::sbctl
